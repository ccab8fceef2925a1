"""Annotations: what people noted of the page's range, and a new one."""

import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import streamlit as st

from history import queries
from history.answers import Event
from history.notes import KINDS, LONGEST, NoteError, Notes
from history.window import FIRST_YEAR, LAST_YEAR, RangeError, parse_time, quoted
from ui import timerange
from ui.panels import PATIENCE_S
from ui.words import verbatim

if TYPE_CHECKING:
    from ui.frame import Page

EVERYTHING = "Everything"
MOST, FRESH_S = 20, 30.0
AUTHOR = "author"


@st.dialog("Annotate", icon=":material/edit_note:", width="medium")
def dialog(page: "Page", span: tuple[str, str]) -> None:
    """Write an annotation; below it those of the range, to be deleted.

    Args:
        span: what stands in the two fields of time at first; see `proposed`.
    """
    _write(page, span)
    _list(page)


def proposed(page: "Page") -> tuple[str, str]:
    """When an annotation probably was: the moment the address points at, the range that was chosen, else now."""
    moment = _pointed_at(page) or (page.now.timestamp() if timerange.is_live() else None)
    if moment is not None:
        return typed(moment, page.zone), ""
    return typed(page.window.start_s, page.zone), typed(page.window.end_s, page.zone)


def author() -> str:
    """Who is at the screen: whoever is signed in, else what was last typed in this session."""
    user = st.user.to_dict()
    return str(user.get("name") or user.get("email") or st.session_state.get(AUTHOR, ""))


def remember_author(name: str) -> None:
    """Keep what was typed for the next note of this session."""
    st.session_state[AUTHOR] = name


def moment_s(text: str, param: str, zone: ZoneInfo, now_s: float) -> float:
    """What a person typed as a moment, in epoch seconds.

    >>> moment_s("2026-11-23 09:30", "at", ZoneInfo("America/New_York"), 0)
    1795444200.0

    Raises:
        RangeError: it is none.
    """
    said = text.strip()
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        moment = None
    if moment is not None and moment.tzinfo is None and FIRST_YEAR <= moment.year <= LAST_YEAR:
        return moment.replace(tzinfo=zone).timestamp()
    try:
        return float(parse_time(said, param, now_s))
    except RangeError:
        raise RangeError(
            param, f"{quoted(said)} is no moment; expected one such as 2026-11-23 14:30:05, or now-5m."
        ) from None


def typed(epoch_s: float, zone: ZoneInfo) -> str:
    """A moment as `moment_s` reads it."""
    return f"{datetime.fromtimestamp(epoch_s, UTC).astimezone(zone):%Y-%m-%d %H:%M:%S}"


def noted(page: "Page") -> tuple[Event, ...]:
    """What people noted of the page's range as far as it is known, the newest first."""
    answer = page.monitor.reader.ask(queries.events, FRESH_S, PATIENCE_S, page.window).value or ()
    events = page.monitor.notes.events(answer, page.window)
    return tuple(event for event in reversed(events) if event.kind in KINDS)


def _write(page: "Page", span: tuple[str, str]) -> None:
    names = (EVERYTHING, *page.monitor.board.names())
    wanted = st.query_params.get("component", EVERYTHING)
    with st.form("annotate", border=False):
        text = st.text_input("What happened?", max_chars=LONGEST["text"])
        with st.container(horizontal=True):
            start = st.text_input("When", span[0], width=200)
            end = st.text_input("Till", span[1], width=200, help="Empty: a moment.")
        with st.container(horizontal=True):
            place = names.index(wanted) if wanted in names else 0
            component = st.selectbox("Component", names, index=place, width=200)
            name = st.text_input("Who", author(), max_chars=LONGEST["author"], width=200)
        st.caption(f"Times are {page.zone.key}'s. Everybody who looks at this range sees it.")
        if st.form_submit_button("Annotate"):
            remember_author(name)
            try:
                now_s = time.time()
                page.monitor.notes.annotate(
                    moment_s(start, "at", page.zone, now_s),
                    text,
                    till_s=moment_s(end, "till", page.zone, now_s) if end.strip() else None,
                    component="" if component == EVERYTHING else component,
                    author=name,
                    components=names[1:],
                )
            except (NoteError, RangeError) as error:
                st.error(str(error))
            else:
                st.rerun()  # which closes the dialog


def _list(page: "Page") -> None:
    events = noted(page)
    if events:
        st.markdown("**In this range**")
    for event in events[:MOST]:
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(in_words(event, page.zone, page.monitor.notes))
            with st.popover("Delete", type="tertiary"):
                st.caption("For everybody. It stays in the history, marked as deleted.")
                st.button("Delete it", key=f"delete:{event.id}", on_click=partial(_delete, page.monitor.notes, event))


def in_words(event: Event, zone: ZoneInfo, notes: Notes) -> str:
    """One annotation in a line of Markdown."""
    when = f"{datetime.fromtimestamp(event.at_s, UTC).astimezone(zone):%d %b %H:%M:%S}"
    about = f" {verbatim(event.component)}:" if event.component else ""
    by = f" :gray[{verbatim(event.author)}]" if event.author else ""
    waits = " :orange[waiting to be written]" if notes.waits(event.id) else ""
    return f":gray[{when}]{about} {verbatim(event.text)}{by}{waits}"


def _delete(notes: Notes, event: Event) -> None:
    notes.delete_annotation(event)


def _pointed_at(page: "Page") -> float | None:
    """The moment the page's address points at; None: at none."""
    try:
        return float(parse_time(st.query_params["at"], "at", page.now.timestamp()))
    except (KeyError, RangeError):
        return None
