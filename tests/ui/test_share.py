"""Sharing and annotating as a page's dialogs do it, and the files and the cell they give away."""

import io
import json
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
import streamlit as st
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from streamlit.testing.v1 import AppTest

import api.app
from benchmarks.scenarios import free_port
from history import queries
from history.answers import Change, SeriesSet
from history.notes import Notes
from history.window import RangeError, Window
from probes.result import Status
from tests.history.rows import sampled
from tests.probes.listeners import eventually
from ui import annotate, notebook, takeaway
from ui.panels import Panel, Question
from ui.report import Around, report
from ui.shown import Drawing, Shown
from ui.state import Running, running

PAGES = Path(__file__).resolve().parents[2] / "pages"
NEW_YORK = ZoneInfo("America/New_York")
LONG_AGO_S = 1_790_006_400
HOUR = Window(LONG_AGO_S, LONG_AGO_S + 3600)
QUERY = {"from": str(HOUR.start_s), "to": str(HOUR.end_s), "component": "host"}


@pytest.fixture(scope="module")
def desk(chdb_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A host with an hour of latency and load behind it; its pages are reached at an address of its own."""
    path = tmp_path_factory.mktemp("share") / "tapewatch.toml"
    path.write_text(
        f'[app]\nbase_url = "https://desk.example.com/tw"\n[history]\ndsn = "chdb://{chdb_path}"\n'
        'database = "share_tests"\nflush = "100ms"\nspool = "memory"\n[monitor]\ninterval = "10s"\n'
        '[[component]]\nkind = "host"\nname = "host"\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAPEWATCH_CONFIG", str(path))
        st.cache_resource.clear()
        started = running()
        started.start()
        for at_s in range(HOUR.start_s, HOUR.end_s, 10):
            busy, slow = 0.5 + 0.4 * np.sin(at_s / 300), 0.002 + 0.001 * np.cos(at_s / 200)
            readings = (("host_cpu_ratio", float(busy), ()), ("probe_latency_seconds", float(slow), ()))
            started.monitor.recorder.record(sampled("host", at_s, *readings, status=Status.OK))
        recorder = started.monitor.recorder
        assert eventually(lambda: recorder.state().written > 1000 and not recorder.state().waiting, 30)
        yield started
        started.stop()
    st.cache_resource.clear()


def opened(script: str = "performance", **query: str) -> AppTest:
    page = AppTest.from_file(str(PAGES / f"{script}.py"), default_timeout=30)
    for key, value in {**QUERY, **query}.items():
        page.query_params[key] = value
    return page.run()


def shared(page: AppTest) -> AppTest:
    return page.button(key="share").click().run()


def annotating() -> None:
    """A page that has nothing but its dialog; the harness draws all anew where a browser draws the dialog alone."""
    from ui import annotate, frame

    page = frame.begin("Page", "Why?")
    annotate.dialog(page, annotate.proposed(page))


def sharing() -> None:
    """The same for what is shared: of a page that was drawn before."""
    import streamlit as st

    from ui import frame, share

    share._share(frame.begin("Page", "Why?"), st.session_state["shared"], "https://desk/x")


def dialog(script: Callable[[], None], **state: object) -> AppTest:
    page = AppTest.from_function(script, default_timeout=30)
    for key, value in QUERY.items():
        page.query_params[key] = value
    for key, value in state.items():
        page.session_state[key.replace("_", " ")] = value
    return page.run()


def press(page: AppTest, label: str) -> AppTest:
    """Press the button of a form."""
    return (
        next(button for button in page.button if button.label == label and "FormSubmitter" in button.key).click().run()
    )


def drawing_of(page: AppTest) -> Drawing:
    kept: Drawing = page.session_state["drawing"]
    return kept


@pytest.fixture(scope="module")
def drawing(desk: Running) -> Drawing:
    """The Performance page as it was drawn when somebody asked for it."""
    return drawing_of(shared(opened()))


def words(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def forget(notes: Notes) -> None:
    """Take back what a test noted."""
    for view in notes.views(()):
        notes.delete_view(view)
    for event in notes.events((), HOUR):
        notes.delete_annotation(event)


def test_nothing_of_it_is_made_or_kept_until_somebody_asks(desk: Running) -> None:
    page = opened()
    assert not page.exception
    assert not page.tabs
    assert [panel.value for panel in drawing_of(page).panels] == [None] * len(drawing_of(page).panels)
    assert not drawing_of(page).keeps
    shared(page)
    assert [tab.label for tab in page.tabs] == ["Link and files", "Notebook", "Saved views"]
    assert drawing_of(page).keeps
    page.run()
    assert not drawing_of(page).keeps, "the next drawing is as light as before"


def test_the_link_is_absolute_and_names_the_clock(desk: Running) -> None:
    page = shared(opened(**{"from": "now-1h", "to": "now", "zone": "Asia/Tokyo"}))
    (copy,) = [element for element in page.get("bidi_component") if "copy" in element.proto.component_name]
    link = urlsplit(json.loads(copy.proto.json)["link"])
    assert f"{link.scheme}://{link.netloc}{link.path}" == "https://desk.example.com/tw/"
    query = {key: value[0] for key, value in parse_qs(link.query).items()}
    assert (query["component"], query["zone"]) == ("host", "Asia/Tokyo")
    assert int(query["to"]) - int(query["from"]) == 3600
    assert abs(int(query["to"]) - time.time()) < 60


def test_csv_and_parquet_hold_exactly_what_the_panels_were_drawn_from(drawing: Drawing) -> None:
    latency = drawing.panels[0].value
    assert isinstance(latency, SeriesSet)
    with zipfile.ZipFile(io.BytesIO(takeaway.archive(drawing, "csv", "https://desk/x"))) as files:
        names = files.namelist()
        frame = pd.read_csv(files.open(names[0]), parse_dates=["time"])
        about = files.read("about.txt").decode()
    assert names[0] == "01-how-slow-is-host-series.csv"
    assert frame["avg"].tolist() == pytest.approx(latency.series[0].avg.tolist())
    assert frame["time"].astype("int64").tolist()[0] // 10**6 in {LONG_AGO_S, LONG_AGO_S * 1000}
    assert "https://desk/x" in about
    assert drawing.panels[0].title in about
    with zipfile.ZipFile(io.BytesIO(takeaway.archive(drawing, "parquet", ""))) as files:
        parquet = pd.read_parquet(io.BytesIO(files.read("01-how-slow-is-host-series.parquet")))
    assert parquet["p99"].tolist() == pytest.approx(frame["p99"].tolist())


@pytest.mark.parametrize("script", ["trends", "system", "compare", "explore"])
def test_whatever_a_page_shows_can_be_taken_away(desk: Running, script: str) -> None:
    page = shared(opened(script))
    assert not page.exception
    drawing = drawing_of(page)
    with zipfile.ZipFile(io.BytesIO(takeaway.archive(drawing, "parquet", ""))) as files:
        assert len(files.namelist()) > 1
    assert report(drawing, Around("Desk", "", "", "", (), ())).startswith(b"<!DOCTYPE html>")


def test_a_panel_whose_answer_was_not_known_is_said_to_be_missing() -> None:
    panel = Panel("How slow?", Question(queries.series, (HOUR, ("x",), ())), lambda _: None)
    change = (Change("kafka", 1.0, Status.OK, Status.CRITICAL, "no answer"),)
    panels = [Shown(panel, panel.title, value) for value in (None, SeriesSet(), change, change, None)]
    drawing = Drawing("Performance", HOUR, NEW_YORK, panels)
    with zipfile.ZipFile(io.BytesIO(takeaway.archive(drawing, "csv", ""))) as files:
        assert files.namelist() == ["03-how-slow-rows.csv", "about.txt"]
        about = files.read("about.txt").decode()
    assert "1. How slow?\n   Its answer was not known" in about
    assert "2. How slow?\n   It had nothing to show." in about
    assert "4. How slow?\n   Its numbers are those of 3." in about
    assert "5. How slow?\n   Its answer was not known" in about


def test_a_page_without_charts_says_so() -> None:
    with zipfile.ZipFile(io.BytesIO(takeaway.archive(Drawing("Overview", HOUR, NEW_YORK), "csv", ""))) as files:
        assert "no charts or tables of the history" in files.read("about.txt").decode()


@pytest.fixture
def served(desk: Running) -> Iterator[str]:
    """The API over a socket, as a notebook asks it."""
    app = Starlette(routes=[Mount("/api", api.app.create(lambda: desk.monitor))])
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert eventually(lambda: server.started, 10)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(5)


def test_the_cell_draws_the_same_charts_from_the_api(
    drawing: Drawing, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = notebook.cell(drawing, served)
    seen: list[go.Figure] = []
    monkeypatch.setattr(go.Figure, "show", lambda figure: seen.append(figure))
    exec(compile(code, "cell", "exec"), {})
    drawn = [panel for panel in drawing.panels if isinstance(panel.value, SeriesSet) and panel.value.series]
    assert [figure.layout.title.text for figure in seen] == [panel.panel.title for panel in drawn]
    assert len(seen) >= 2
    for figure, panel in zip(seen, drawn, strict=True):
        averages = [trace for trace in figure.data if (trace.name or "").endswith(" avg")]
        expected = {line.component: line for line in panel.value.series}
        assert len(averages) == len(panel.value.series)
        for trace in averages:
            line = next(line for name, line in expected.items() if trace.name.startswith(name))
            assert list(trace.y) == pytest.approx(line.avg.tolist())


def test_the_cell_is_shown_when_its_tab_is_opened(drawing: Drawing) -> None:
    assert not dialog(sharing, shared=drawing).code
    (code,) = dialog(sharing, shared=drawing, share_tab="Notebook").code
    assert 'API = "https://desk.example.com/tw/api"' in code.value
    assert "probe_latency_seconds" in code.value
    assert code.language == "python"


def test_what_is_no_stored_series_has_no_cell() -> None:
    panel = Panel("What changed?", Question(queries.changes, (HOUR, ())), lambda _: None)
    assert notebook.cell(Drawing("x", HOUR, NEW_YORK, [Shown(panel, panel.title, ())]), "http://x") == ""


def test_a_view_is_saved_listed_renamed_and_deleted(desk: Running) -> None:
    notes = desk.monitor.notes
    forget(notes)
    page = dialog(sharing, shared=Drawing(), share_tab="Saved views")
    assert "No view is saved yet." in words(page)
    press(page, "Save")
    assert [said.value for said in page.error] == ['"name" is empty; write at least a word.']
    fields = {field.label: field for field in page.text_input}
    fields["Save this view as"].input("Bell *now*")
    fields["Note"].input("[x](http://evil)")
    fields["Who"].input("ann")
    page.session_state["path of the page"] = "nowhere"  # a page there is needs the router to be linked
    press(page, "Save")
    (view,) = notes.views(())
    assert (view.name, view.page, view.author) == ("Bell *now*", "nowhere", "ann")
    assert dict(parse_qsl(view.query)) == QUERY
    said = words(page)
    assert r"Bell \*now\*" in said
    assert "there is no page nowhere any more" in said
    assert r"\[x\]\(http\://evil\)" in said
    press(page, "Save")
    assert [error.value for error in page.error] == [
        'There is a view "Bell *now*" already; give this one another name.'
    ]
    page.text_input(key=f"name:{view.id}").input("Open")
    page.button(key=f"rename:{view.id}").click().run()
    assert [one.name for one in notes.views(())] == ["Open"]
    page.button(key=f"delete:{view.id}").click().run()
    assert notes.views(()) == ()


def test_an_annotation_is_written_and_deleted(desk: Running) -> None:
    notes = desk.monitor.notes
    forget(notes)
    page = dialog(annotating)
    fields = {field.label: field for field in page.text_input}
    assert (fields["When"].value, fields["Till"].value) == ("2026-09-21 12:00:00", "2026-09-21 13:00:00")
    fields["What happened?"].input("<script>alert(1)</script>")
    fields["When"].input("2026-09-21 12:30")
    fields["Till"].input("")
    fields["Who"].input("ann")
    press(page, "Annotate")
    (event,) = notes.events((), HOUR)
    assert (event.at_s, event.till_s, event.component, event.author) == (LONG_AGO_S + 1800, None, "host", "ann")
    said = words(page)
    assert r"\<script\>alert\(1\)\</script\>" in said
    assert {field.label: field.value for field in page.text_input}["Who"] == "ann", "remembered in the session"
    page.button(key=f"delete:{event.id}").click().run()
    assert notes.events((), HOUR) == ()


def test_a_note_that_waits_says_so(desk: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = desk.monitor.notes
    forget(notes)
    notes.annotate(LONG_AGO_S + 60, "while it was away")
    notes.save_view("Outage", "nowhere", "")
    monkeypatch.setattr(notes, "waits", lambda identity: True)
    assert "while it was away :orange[waiting to be written]" in words(dialog(annotating))
    assert ":orange[waiting to be written]" in words(dialog(sharing, shared=Drawing(), share_tab="Saved views"))
    forget(notes)


def test_what_cannot_be_annotated_is_said(desk: Running) -> None:
    page = dialog(annotating)
    fields = {field.label: field for field in page.text_input}
    fields["What happened?"].input("x")
    fields["When"].input("lunch")
    press(page, "Annotate")
    (said,) = page.error
    assert said.value == '"lunch" is no moment; expected one such as 2026-11-23 14:30:05, or now-5m.'
    assert {field.label: field.value for field in page.text_input}["What happened?"] == "x", "what was typed stays"


@pytest.mark.parametrize(
    ("text", "expected_s"),
    [
        ("2026-09-21 12:00", LONG_AGO_S),
        ("2026-09-21T16:00:00Z", LONG_AGO_S),
        (f"  {LONG_AGO_S} ", LONG_AGO_S),
        ("now-5m", 700),
        ("2026-09-21", LONG_AGO_S - 12 * 3600),
        ("20260921", LONG_AGO_S - 12 * 3600),
    ],
)
def test_a_moment_as_people_write_it(text: str, expected_s: float) -> None:
    assert annotate.moment_s(text, "at", NEW_YORK, 1000) == expected_s


@pytest.mark.parametrize("text", ["", "25:00", "2026092", "1", "0001-01-01", "9" * 50, "2026-13-01", "\x00"])
def test_no_moment(text: str) -> None:
    with pytest.raises(RangeError, match="expected one such as"):
        annotate.moment_s(text, "at", NEW_YORK, 1000)


def test_typed_moments_are_read_back() -> None:
    assert annotate.moment_s(annotate.typed(LONG_AGO_S, NEW_YORK), "at", NEW_YORK, 0) == LONG_AGO_S
