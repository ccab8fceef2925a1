"""Share and take away: a link that stays, the page as files and as a notebook cell, views saved by name."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

import streamlit as st

from history import queries
from history.answers import View
from history.notes import LONGEST, NoteError
from history.reader import WAIT_S
from monitor import Monitor
from ui import annotate, notebook, shown, takeaway, timerange
from ui.report import Around, report
from ui.shown import Drawing
from ui.words import verbatim

if TYPE_CHECKING:
    from ui.frame import Page

FRESH_S = 30.0
MOST_VIEWS = 50
"""Saved views listed at once; a word finds the others."""
PAGES = Path(__file__).resolve().parent.parent / "pages"
FIRST = "overview"
"""The page that opens where an address names none."""
TABS = ("Link and files", "Notebook", "Saved views")
DEMO = "Stack, tape and past are simulated; host and network figures are those of the machine it ran on."
_PATH, _TAB = "path of the page", "share tab"

_copy = st.components.v2.component(
    "copy-link",
    html='<div class="row"><input readonly aria-label="Link to exactly this"><button type="button"></button></div>',
    css=Path(__file__).with_name("copy.css").read_text(encoding="utf-8"),
    js=Path(__file__).with_name("copy.js").read_text(encoding="utf-8"),
)


def here(path: str) -> None:
    """Note the path of the page that is shown. For the router."""
    st.session_state[_PATH] = path


def control(page: "Page") -> None:
    """The two buttons of the page's head. What is behind them is made when it is asked for."""
    if st.button("Share", icon=":material/ios_share:", type="tertiary", key="share", help="Link, files, saved views"):
        st.session_state[_TAB] = TABS[0]  # the only one that can be made before the page is drawn
        _share(page, shown.ask(), absolute(page))
    if st.button("Annotate", icon=":material/edit_note:", type="tertiary", key="annotate", help="Note what happened"):
        annotate.dialog(page, annotate.proposed(page))


def base_url(page: "Page") -> str:
    """Where the app is, without a slash at its end: as configured, else as the reader's browser has it."""
    seen = (st.context.url or "").rstrip("/")
    return page.monitor.settings.app.base_url or seen.removesuffix(st.session_state.get(_PATH, "")).rstrip("/")


def absolute(page: "Page") -> str:
    """The address that shows exactly this whenever it is opened, by the same clock."""
    query = {**timerange.absolute(), "zone": page.zone.key}
    return f"{base_url(page)}/{st.session_state.get(_PATH, '')}?{urlencode(query)}"


@st.dialog("Share and take away", icon=":material/ios_share:", width="medium")
def _share(page: "Page", drawing: Drawing, link: str) -> None:
    files, cell, views = st.tabs(TABS, key=_TAB, on_change="rerun")
    if files.open:
        with files:
            _link_and_files(page, drawing, link)
    if cell.open:
        with cell:
            _notebook(page, drawing)
    if views.open:
        with views:
            _save(page)
            _list(page)


def _link_and_files(page: "Page", drawing: Drawing, link: str) -> None:
    _copy(key="copy link", data={"link": link})
    st.caption(f"Whenever it is opened it shows {takeaway.fixed(page.window, page.zone)}, {page.zone.key}.")
    for question in (queries.changes, queries.events):
        page.monitor.reader.submit(question, FRESH_S, page.window)
    with st.container(horizontal=True):
        st.download_button(
            "Report",
            partial(_report, page.monitor, drawing, link),
            takeaway.name_of(page.title, page.window, "html"),
            "text/html",
            icon=":material/description:",
            on_click="ignore",
        )
        for kind, label, icon in (("csv", "CSV", ":material/table:"), ("parquet", "Parquet", ":material/dataset:")):
            st.download_button(
                label,
                partial(takeaway.archive, drawing, kind, link),
                takeaway.name_of(page.title, page.window, f"{kind}.zip"),
                "application/zip",
                icon=icon,
                on_click="ignore",
            )
    st.caption(
        "The report is one file that needs no network: every chart, the data, what changed. CSV and Parquet are the "
        "numbers behind every chart and table. A picture of a chart: the camera in its corner."
    )


def _notebook(page: "Page", drawing: Drawing) -> None:
    code = notebook.cell(drawing, base_url(page))
    if not code:
        st.caption("Nothing on this page is drawn from stored series.")
        return
    st.caption("Paste it into a notebook: it asks the API for the same series and draws them.")
    st.code(code, language="python", height=360)


def _save(page: "Page") -> None:
    with st.form("save view", border=False):
        name = st.text_input("Save this view as", max_chars=LONGEST["name"])
        with st.container(horizontal=True):
            note = st.text_input("Note", max_chars=LONGEST["note"], width=260)
            who = st.text_input("Who", annotate.author(), max_chars=LONGEST["author"], width=160)
        moving = "; the range moves on with time" if timerange.is_live() else ""
        st.caption(f"Opens this page with the {timerange.words()}{moving}.")
        if st.form_submit_button("Save"):
            annotate.remember_author(who)
            path, query = st.session_state.get(_PATH, ""), urlencode(st.query_params.to_dict())
            try:
                page.monitor.notes.save_view(name, path, query, author=who, note=note, among=_known(page).views)
            except NoteError as error:
                st.error(str(error))


def _list(page: "Page") -> None:
    known = _known(page)
    views = known.views
    if len(views) > MOST_VIEWS:
        word = st.text_input("Find", key="find view").lower()
        views = tuple(view for view in views if word in f"{view.name} {view.note} {view.author}".lower())[:MOST_VIEWS]
    for view in views:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _open(view)
            st.markdown(_said(page, view))
            _change(page, view)
    if known.problem:
        st.caption(f"{known.problem} Views saved before may be missing here.")
        st.button("Look again", key="look again")
    elif not views:
        st.caption("No view is saved yet." if not known.views else "No saved view has this word.")


@dataclass(frozen=True, slots=True)
class _Known:
    """The saved views as far as they are known, and why that may not be all."""

    views: tuple[View, ...]
    problem: str


def _known(page: "Page") -> _Known:
    answer = page.monitor.reader.ask(queries.saved_views, FRESH_S, WAIT_S)
    problem = answer.error.message if answer.error else "" if answer.value is not None else "The history is still read."
    return _Known(page.monitor.notes.views(answer.value or ()), problem)


def _open(view: View) -> None:
    script = PAGES / f"{view.page or FIRST}.py"
    if script.exists():
        st.page_link(f"pages/{script.name}", label=verbatim(view.name), query_params=parse_qsl(view.query))
    else:
        st.markdown(f"{verbatim(view.name)} :gray[(there is no page {verbatim(view.page)} any more)]")


def _said(page: "Page", view: View) -> str:
    waits = ":orange[waiting to be written]" if page.monitor.notes.waits(view.id) else ""
    by = f":gray[{verbatim(view.author)}]" if view.author else ""
    return " ".join(filter(None, (verbatim(view.note), by, waits)))


def _change(page: "Page", view: View) -> None:
    with st.popover("Change", type="tertiary"):
        key = f"name:{view.id}"
        st.text_input("Name", view.name, max_chars=LONGEST["name"], key=key)
        st.button("Rename", key=f"rename:{view.id}", on_click=partial(_rename, page, view, key))
        st.caption("Deleted, it is gone for everybody. It stays in the history, marked as deleted.")
        st.button("Delete it", key=f"delete:{view.id}", on_click=partial(page.monitor.notes.delete_view, view))


def _rename(page: "Page", view: View, key: str) -> None:
    try:
        page.monitor.notes.rename_view(view, st.session_state[key], _known(page).views)
    except NoteError as error:
        st.toast(str(error), icon=":material/error:")


def _report(monitor: Monitor, drawing: Drawing, link: str) -> bytes:
    """The report, when it is asked for; in a thread of its own, where nothing is waited for."""
    window, demo = drawing.window, monitor.demo
    events = monitor.reader.answer(queries.events, FRESH_S, window).value
    around = Around(
        app=monitor.settings.app.title,
        link=link,
        verdict=monitor.verdict().sentence,
        demo="" if demo is None else DEMO,
        changes=monitor.reader.answer(queries.changes, FRESH_S, window).value,
        events=None if events is None else monitor.notes.events(events, window),
    )
    return report(drawing, around)
