"""Health trends and Performance by Streamlit's own test harness, over a history of known facts."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from benchmarks.scenarios import free_port
from probes.result import Status
from tests.history.rows import sampled, write
from tests.pages.history_only import history_only
from tests.probes.listeners import eventually
from ui.state import Running

ROOT = Path(__file__).resolve().parents[2]
START_S = int(time.time()) // 3600 * 3600 - 30 * 3600
TURN_S, END_S = START_S + 3600, START_S + 2 * 3600
RANGE = {"from": str(START_S), "to": str(END_S)}


@pytest.fixture(scope="module")
def recorded(chdb_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """For two hours: `gate` answered in 2 ms, then in 40 ms and with a warning; `app` was well all the time."""
    things = "".join(
        f'[[component]]\nkind = "tcp"\nname = "{name}"\naddress = "127.0.0.1:{free_port()}"\n'
        for name in ("gate", "app")
    )
    with history_only(tmp_path_factory.mktemp("config"), chdb_path, "pages_charted", things) as started:
        for name in ("gate", "app"):
            write(started.monitor.store, (_looked(name, t) for t in range(START_S, END_S, 15)))
        yield started


def _looked(name: str, at_s: int):
    slow = name == "gate" and at_s >= TURN_S
    latency_s = (0.040 if slow else 0.002) * (1 + 0.1 * (at_s // 15 % 7))
    return sampled(name, at_s, ("probe_latency_seconds", latency_s, ()), ("tcp_connect_seconds", latency_s, ()),
                   status=Status.WARNING if slow else Status.OK, summary="slow" if slow else "fine")  # fmt: skip


def shown(script: str, **query: str) -> AppTest:
    page = AppTest.from_file(str(ROOT / "pages" / f"{script}.py"), default_timeout=30)
    for key, value in {**RANGE, **query}.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    return "\n".join(
        element.value for kind in (page.markdown, page.caption, page.info, page.warning) for element in kind
    )


def figures(page: AppTest) -> list[dict]:
    return [json.loads(element.proto.spec) for element in page.get("plotly_chart")]


def test_trends_say_how_much_of_all_time_was_which_status(recorded: Running) -> None:
    text = words(shown("trends"))
    assert "When was what in trouble?** :gray[–] 1 of 2 components" in text
    assert "How much of all time was which status?** :gray[–] 7" in text
    assert "How was each of the last 90 days?** :gray[–] none with something critical" in text
    assert "**gate** :gray[100 % up" in text


def test_trends_of_the_components_of_the_link_alone(recorded: Running) -> None:
    page = shown("trends", components="app")
    assert page.multiselect[0].value == ["app"]
    assert "none of 1 components" in words(page)
    assert "**gate**" not in words(page)


def test_a_component_nobody_knows_is_named_and_the_page_goes_on(recorded: Running) -> None:
    page = shown("trends", components="gate,banana<b>")
    assert [warning.value for warning in page.warning] == [
        '"components" names "banana<b>", which is not configured. There are: gate, app.'
    ]
    assert page.multiselect[0].value == ["gate"]


def test_what_is_chosen_on_the_page_is_in_the_link(recorded: Running) -> None:
    page = shown("trends")
    page.multiselect[0].set_value(["gate"]).run()
    assert page.query_params["components"] == "gate"
    page.multiselect[0].set_value([]).run()
    assert "components" not in page.query_params


@pytest.mark.parametrize(
    ("word", "title"),
    [("last-week", "Same time last week"), ("The period before", "The period before"), ("banana", "Nothing")],
)
def test_a_comparison_of_a_link_old_or_new_or_nonsense(recorded: Running, word: str, title: str) -> None:
    page = shown("performance", component="gate", compare=word)
    assert title in [control.value for control in page.get("button_group")]
    assert ('"compare" is "banana"' in words(page)) == (word == "banana")


def test_before_and_after_a_moment_says_what_changed_and_marks_it(recorded: Running) -> None:
    page = shown("performance", component="gate", moment=str(TURN_S))
    assert eventually(lambda: "1 h each** :gray[–] latency, p" in words(page.run()), 30)
    table = next(frame.value for frame in page.dataframe if "Before" in frame.value)
    latency = table.set_index("Figure").loc["Latency, p95"]
    assert latency["Change"].startswith("▲ worse: ")
    assert latency["Change"].endswith("times as much")
    marked = [
        figure
        for figure in figures(page)
        if any(shape.get("x0") == shape.get("x1") for shape in figure["layout"].get("shapes", []))
    ]
    assert len(marked) == 3


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("banana", '"moment" is "banana"; expected a moment such as'),
        (str(END_S + 3600), "is not within this range, or too near to its ends"),
        (str(START_S + 3), "is not within this range, or too near to its ends"),
    ],
)
def test_a_moment_that_cannot_be_meant_is_explained(recorded: Running, moment: str, expected: str) -> None:
    assert expected in words(shown("performance", component="gate", moment=moment))


def test_a_moment_that_is_typed_is_in_the_link_as_itself(recorded: Running) -> None:
    page = shown("performance", component="gate")
    next(field for field in page.text_input if "by the clock of" in field.label).set_value(str(TURN_S)).run()
    assert page.query_params["moment"] == str(TURN_S)
    assert not page.exception


def test_a_range_that_has_not_begun_says_so(recorded: Running) -> None:
    soon = int(time.time()) + 3600
    text = words(shown("performance", component="gate", **{"from": str(soon), "to": str(soon + 3600)}))
    assert "This range has not begun yet." in text


@pytest.mark.parametrize(("script", "query"), [("performance", {"component": "gate"}), ("trends", {})])
def test_twelve_charts_would_cost_less_than_300_kb(recorded: Running, script: str, query: dict[str, str]) -> None:
    page = shown(script, compare="before", **query)
    sizes = [len(element.proto.spec) for element in page.get("plotly_chart")]
    assert len(sizes) >= 3
    assert 12 * sum(sizes) / len(sizes) <= 300_000
    most = max(sizes)
    assert most <= 60_000, f"one chart has {most:,} bytes"
