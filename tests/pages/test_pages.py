"""Every page script, run by Streamlit's own test harness: full, nothing configured, everything dark."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from benchmarks.scenarios import free_port, silent_listener
from demo.services import redis_server
from ui.state import Running, running

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
HEADINGS = {
    "overview": "Overview",
    "services": "Services",
    "system": "System",
    "redis": "Redis",
    "clickhouse": "ClickHouse",
    "kafka": "Kafka",
    "network": "Network",
    "trends": "Health trends",
    "performance": "Performance",
    "explore": "Explore",
    "compare": "Compare",
    "sql": "SQL",
    "tape": "Tape",
    "debug": "Debug",
}
Served = Callable[[str], Running]


def until(condition: Callable[[], bool], what: str, wait_s: float = 30.0) -> None:
    give_up_s = time.monotonic() + wait_s
    while not condition():
        assert time.monotonic() < give_up_s, f"still waiting for {what}"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Starts the process's monitor with a configuration; the one before is stopped."""
    patch = pytest.MonkeyPatch()
    started: list[Running] = []

    def start(config: str) -> Running:
        if started:
            started.pop().stop()
        path = tmp_path_factory.mktemp("config") / "tapewatch.toml"
        path.write_text(config)
        patch.setenv("TAPEWATCH_CONFIG", str(path))
        st.cache_resource.clear()
        started.append(running())
        started[0].start()
        return started[0]

    yield start
    if started:
        started.pop().stop()
    st.cache_resource.clear()
    patch.undo()


def run(script: str, query: dict[str, str] | None = None) -> AppTest:
    # The Overview links to other pages, which only the router knows; it is the router's first page.
    path = ROOT / "streamlit_app.py" if script == "overview" else ROOT / "pages" / f"{script}.py"
    page = AppTest.from_file(str(path), default_timeout=30)
    for key, value in (query or {}).items():
        page.query_params[key] = value
    return page.run()


def words(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.info, page.warning, page.error, page.subheader)
    return "\n".join(element.value for kind in kinds for element in kind)


@pytest.fixture(scope="module")
def full(served: Served, chdb_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    port = free_port()
    server = redis_server(port, tmp_path_factory.mktemp("redis"))
    history = f"chdb://{chdb_path}"
    started = served(
        f"""
[history]
dsn = "{history}"
database = "pages_full"
flush = "1s"
[monitor]
interval = "1s"
[[component]]
kind = "host"
name = "host"
[[component]]
kind = "redis"
name = "redis"
url = "redis://127.0.0.1:{port}/0"
depends_on = ["host"]
[[component]]
kind = "clickhouse"
name = "clickhouse"
dsn = "{history}"
[[component]]
kind = "network"
name = "network"
targets = ["127.0.0.1:{port}"]
"""
    )
    monitor = started.monitor
    until(lambda: all(view.result is not None for view in monitor.views()), "the first results")
    until(lambda: monitor.recorder.state().batches >= 3, "the history to fill")
    yield started
    server.close()


@pytest.mark.parametrize("script", PAGES)
def test_a_page_shows_its_figures_when_everything_is_up(full: Running, script: str) -> None:
    page = run(script, {"from": "now-15m", "to": "now"})
    assert not page.exception
    assert [header.value for header in page.header] == [HEADINGS[script]]
    text = words(page)
    assert "No history" not in text
    assert "is under way" not in text


def test_the_overview_has_a_card_with_figure_and_age_for_each_component(full: Running) -> None:
    page = run("overview")
    assert len(page.metric) == 4
    assert all(metric.value not in {"", "—"} for metric in page.metric)
    assert re.search(r"All 4 components are healthy|of 4 need", words(page))
    assert words(page).count("since ") >= 4


def test_a_range_nobody_can_mean_is_named_and_the_page_goes_on(full: Running) -> None:
    for query, name in (
        ({"from": "banana"}, "from"),
        ({"from": "now", "to": "now-1h"}, "to"),
        ({"to": "9" * 400}, "to"),
    ):
        page = run("trends", query)
        assert not page.exception
        assert any(f'"{name}"' in warning.value for warning in page.warning), query
        assert [header.value for header in page.header] == ["Health trends"]


@pytest.fixture(scope="module")
def nothing(served: Served, chdb_path: Path) -> Running:
    return served(f'[history]\ndsn = "chdb://{chdb_path}"\ndatabase = "pages_nothing"\n')


@pytest.mark.parametrize("script", PAGES)
def test_a_page_says_what_to_do_when_nothing_is_configured(nothing: Running, script: str) -> None:
    page = run(script)
    assert not page.exception
    assert [header.value for header in page.header] == [HEADINGS[script]]
    if script not in {"debug", "trends", "performance"}:
        assert "tapewatch.toml" in words(page)


@pytest.fixture(scope="module")
def dark(served: Served) -> Iterator[Running]:
    """Redis refuses, Kafka accepts and never answers, ClickHouse has the native port, the history is away."""
    refused, native = free_port(), free_port()
    with silent_listener() as silent:
        started = served(
            f"""
[history]
dsn = "clickhouse://127.0.0.1:{refused}"
[monitor]
interval = "1s"
deadline = "500ms"
[[component]]
kind = "redis"
name = "redis"
url = "redis://127.0.0.1:{refused}/0"
[[component]]
kind = "clickhouse"
name = "clickhouse"
dsn = "clickhouse://127.0.0.1:{native}"
depends_on = ["redis"]
[[component]]
kind = "kafka"
name = "kafka"
bootstrap = "127.0.0.1:{silent}"
[[component]]
kind = "network"
name = "network"
targets = ["127.0.0.1:{refused}"]
[[component]]
kind = "host"
name = "host"
"""
        )
        monitor = started.monitor
        until(lambda: all(view.result is not None for view in monitor.views()), "the first results")
        until(lambda: monitor.store.state.error is not None, "the history to be found away")
        yield started


@pytest.mark.parametrize("script", PAGES)
def test_a_page_says_that_the_history_is_away(dark: Running, script: str) -> None:
    page = run(script)
    assert not page.exception
    assert [header.value for header in page.header] == [HEADINGS[script]]
    assert any("No history" in warning.value for warning in page.warning)


def test_the_overview_names_what_is_wrong_with_each_and_what_it_drags_along(dark: Running) -> None:
    text = words(run("overview"))
    assert re.search(r"Redis at 127\.0\.0\.1:\d+ refuses connections", text)
    assert re.search(r"Kafka at 127\.0\.0\.1:\d+", text)
    assert re.search(r"\n- :red\[■ critical\] → \*\*clickhouse\*\* :gray\[needs it:\] ClickHouse at", text)
    services = words(run("services"))
    assert re.search(
        r"\n- :red\[■ critical\] \*\*redis\*\* Redis at .*\n    - :red\[■ critical\] → \*\*clickhouse", services
    )
