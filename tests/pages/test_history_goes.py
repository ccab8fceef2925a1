"""The history goes away while pages are open: the last good charts stay and say how old they are."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from benchmarks.scenarios import silent_listener
from tests.clickhouse_http import ClickHouseProcess
from tests.probes.listeners import eventually
from ui.state import Running, running

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("performance", "trends")
LAST = {"from": "now-15m", "to": "now"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    process = ClickHouseProcess(tmp_path_factory.mktemp("server"))
    process.start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def watched(server: ClickHouseProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    path = tmp_path_factory.mktemp("config") / "tapewatch.toml"
    with pytest.MonkeyPatch.context() as patch, silent_listener() as port:
        path.write_text(
            f"""
[history]
dsn = "{server.dsn}"
database = "goes"
flush = "200ms"
[monitor]
interval = "1s"
[[component]]
kind = "tcp"
name = "gateway"
address = "127.0.0.1:{port}"
"""
        )
        patch.setenv("TAPEWATCH_CONFIG", str(path))
        patch.setattr("history.store.PING_EVERY_S", 0.1)
        st.cache_resource.clear()
        started = running()
        started.start()
        assert eventually(lambda: started.monitor.recorder.state().batches >= 2, 30)
        yield started
        started.stop()
        st.cache_resource.clear()


def run(script: str, **query: str) -> AppTest:
    page = AppTest.from_file(str(ROOT / "pages" / f"{script}.py"), default_timeout=30)
    for key, value in query.items():
        page.query_params[key] = value
    return page.run()


def titles(page: AppTest) -> str:
    return "\n".join(element.value for element in page.markdown)


def test_charts_stay_marked_as_old_and_what_was_never_read_says_why(
    watched: Running, server: ClickHouseProcess
) -> None:
    before = {script: run(script, **LAST) for script in PAGES}
    compared = run("performance", **LAST, compare="The period before")
    assert not compared.exception
    assert "too little was recorded in the period before" in titles(compared)
    for page in before.values():
        assert not page.exception
        assert page.get("plotly_chart")
        assert "as of" not in titles(page)
    server.kill()
    assert eventually(lambda: not watched.monitor.store.state.ready, 20)
    for script in PAGES:
        page = run(script, **LAST)
        assert not page.exception
        assert len(page.get("plotly_chart")) == len(before[script].get("plotly_chart"))
        assert re.search(r"◷ as of .*: ClickHouse", titles(page)), titles(page)
        other = run(script, **{"from": "now-90d", "to": "now"})
        assert not other.exception
        assert not other.get("plotly_chart")
        assert any("No history now" in caption.value for caption in other.caption)
