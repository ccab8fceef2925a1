"""The SQL page: closed, from a link, run, drawn, refused, cancelled."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl, quote_plus, urlencode

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from history.notes import STATEMENT_CHARACTERS
from history.workbench.examples import EXAMPLES
from monitor import Demo
from tests.history.workbench.test_workbench_bench import ENDLESS
from ui.state import Running, running
from ui.workbench import linkable

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "sql.py")
BY_HOUR = "select toStartOfMinute(ts) as t, 'a' as who, avg(value) as v from samples group by t order by t limit 3"


def serve(config: Path, patch: pytest.MonkeyPatch) -> Running:
    patch.setenv("TAPEWATCH_CONFIG", str(config))
    st.cache_resource.clear()
    started = running()
    started.start()
    return started


@pytest.fixture(scope="module")
def desk(chdb_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A workbench over a history that watches this machine."""
    config = tmp_path_factory.mktemp("config") / "tapewatch.toml"
    config.write_text(
        f'[history]\ndsn = "chdb://{chdb_path}"\ndatabase = "pages_sql"\nflush = "1s"\n'
        '[workbench]\nenabled = true\n[monitor]\ninterval = "1s"\n[[component]]\nkind = "host"\nname = "host"\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        started = serve(config, patch)
        wait_for(lambda: started.monitor.recorder.state().batches >= 2)
        yield started
        started.stop()
        st.cache_resource.clear()


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> None:
    give_up_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_s
        time.sleep(0.02)


def opened(**query: str) -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=30)
    for key, value in query.items():
        page.query_params[key] = value
    return page.run()


def run(page: AppTest, text: str) -> AppTest:
    """Write a statement and press Run, then draw until it has ended."""
    page.text_area[0].set_value(text)
    next(button for button in page.button if button.label == "Run").click()
    page.run()
    assert not page.exception
    wait_for(lambda: page.session_state["sql run"].over.is_set())
    return page.run()


def words(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.info, page.warning)
    return "\n".join(element.value for kind in kinds for element in kind)


def test_a_statement_runs_and_its_rows_are_shown_and_linked(desk: Running) -> None:
    page = run(opened(), "select component, count() as n from series group by component")
    assert not page.exception
    assert "1 row" in words(page)
    assert page.dataframe[0].value["component"].tolist() == ["host"]
    assert page.query_params["q"] == "select component, count() as n from series group by component"
    assert {button.proto.label for button in page.get("download_button")} == {"CSV", "Parquet"}


def test_what_comes_with_a_link_is_shown_and_not_run(desk: Running) -> None:
    page = opened(q=ENDLESS)
    assert page.text_area[0].value == ENDLESS
    assert "came with the link and was not run" in words(page)
    assert "sql run" not in page.session_state
    page = run(page, "select 1")
    assert "came with the link" not in words(page)


def test_a_link_nobody_can_mean_is_shown_as_it_is(desk: Running) -> None:
    for text in ("🙂 <script>", "x" * 30_000, "%%% `{", "\x00"):
        page = opened(q=text)
        assert not page.exception
        assert page.text_area[0].value == text[:20_000]


def test_a_chart_has_a_line_for_each_name(desk: Running) -> None:
    page = run(opened(), BY_HOUR)
    page.segmented_control(key="sql as").set_value("Chart").run()
    assert not page.exception
    assert len(page.get("plotly_chart")) == 1
    assert page.selectbox(key="sql along ('t',)").value == "t"
    page = run(page, "select component, count() as n from series group by component")
    assert len(page.get("plotly_chart")) == 1
    page = run(page, "select component from series")
    assert "no column of the result is a number" in words(page)
    page = run(page, "select 1 as a")
    assert "select a time" in words(page)
    page = run(page, "select component from series where 0")
    assert "No rows" in words(page)


def test_a_refusal_is_a_sentence_and_markdown_of_somebody_stays_text(desk: Running) -> None:
    page = run(opened(), "select file('/etc/passwd')")
    assert page.warning[0].value.startswith("`file` is not among the functions")
    page = run(page, "select `![x](http://a/b.png)` from series")
    assert "](http://" not in words(page)


def test_earlier_statements_are_kept_and_taken_up_again(desk: Running) -> None:
    page = run(run(opened(), "select 1 as first"), "select 2 as second")
    (again,) = (button for button in page.button if "first" in button.label)
    again.click().run()
    assert page.text_area[0].value == "select 1 as first"
    assert len(page.session_state["sql earlier"]) == 1


def test_an_example_is_taken_into_the_editor(desk: Running) -> None:
    page = opened()
    next(button for button in page.button if button.label == EXAMPLES[0].question).click().run()
    assert page.text_area[0].value == EXAMPLES[0].text
    assert "sql run" not in page.session_state


def test_a_statement_under_way_is_cancelled(desk: Running) -> None:
    page = opened()
    page.text_area[0].set_value(ENDLESS)
    next(button for button in page.button if button.label == "Run").click()
    page.run()
    assert page.session_state["sql run"].outcome is None
    page.button(key="sql cancel").click().run()
    wait_for(lambda: page.session_state["sql run"].over.is_set())
    page.run()
    assert "Cancelled after" in words(page)


def test_the_longest_statement_of_a_link_is_saved_as_a_view_with_its_range(desk: Running) -> None:
    statement = f"select '{'/é' * 440}'"
    statement += "x" * (STATEMENT_CHARACTERS - len(quote_plus(statement)))
    assert linkable(statement)
    assert not linkable(f"{statement}x")
    address = {"q": statement, "from": "1790006400", "to": "1790092800", "zone": "America/Argentina/Buenos_Aires"}
    view = desk.monitor.notes.save_view("Long", "sql", urlencode({**address, "hours": "extended"}))
    assert dict(parse_qsl(view.query))["q"] == statement
    desk.monitor.notes.delete_view(view)


def test_what_must_be_said_first_stands_above_the_editor(desk: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.monitor, "_demo", lambda: Demo(True, ""))
    page = opened()
    places = {node.type: place for place, node in reversed(list(enumerate(page.main)))}
    assert "Demo data: stack, tape and past are simulated" in page.info[0].value
    assert places["info"] < places["text_area"]


def test_a_statement_too_long_for_a_link_says_so(desk: Running) -> None:
    page = run(opened(q="select 1"), f"select '{'é' * 1000}'")
    assert "too long for a link" in words(page)
    assert "q" not in page.query_params


def test_a_closed_workbench_says_which_key_opens_it(chdb_path: Path, tmp_path: Path) -> None:
    config = tmp_path / "tapewatch.toml"
    config.write_text(f'[history]\ndsn = "chdb://{chdb_path}"\ndatabase = "pages_sql"\n[workbench]\nenabled = false\n')
    with pytest.MonkeyPatch.context() as patch:
        started = serve(config, patch)
        page = opened(q="select 1")
        started.stop()
        st.cache_resource.clear()
    assert not page.exception
    assert len(page.text_area) == 0
    assert "enabled = false under [workbench] in tapewatch.toml" in words(page)
