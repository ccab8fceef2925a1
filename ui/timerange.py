"""The range of a page, its clock and its hours: kept in the URL, so that the same link shows the same picture.

``from`` and ``to`` are words (``now-6h``, ``session-4``) or epoch seconds, ``zone`` an IANA name where the
clock is not the desk's, ``hours`` ``trading`` or ``extended`` where the rest is left out of the charts.
Everything that changes them is for callbacks: one change is one drawing.
"""

import time
from datetime import datetime, tzinfo
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from history.sessions import Sessions
from history.spoken import parse_spoken
from history.window import (
    DEFAULT_FROM,
    DEFAULT_TO,
    MIN_RANGE_S,
    NoCalendar,
    RangeError,
    Window,
    parse_window,
    quoted,
    session_word,
)
from ui import hours as trading
from ui.rangewords import ago, in_words, remark
from ui.state import monitor

SHARED = ("from", "to", "zone", "hours")
"""What every page has in common: it stays over navigation."""
MOST_BACK = 50
LONGEST_S = 5 * 366 * 86400
_REMEMBERED, _PAGE, _PAST, _GENERATION = "range", "range page", "ranges before", "range generation"


def restore() -> None:
    """Keep what pages share over navigation: links in the side bar drop the query string. For the router.

    On the page itself the URL is what was meant: the browser's way back leads to one without a range, too.
    """
    query, session, context = st.query_params, st.session_state, get_script_run_ctx()
    page = context.page_script_hash if context else ""
    if session.get(_PAGE) not in {None, page}:
        known = session.get(_REMEMBERED, {})
        ranged = "from" in query or "to" in query
        query.update({key: known[key] for key in known if key not in query and not (ranged and key in {"from", "to"})})
    session[_PAGE] = page
    _remember()


def hold() -> None:
    """Keep to what was chosen last, in a drawing that nobody asked for.

    The browser asks for it with the address it has, which a change that is still on its way to it has not reached.
    Whatever else changes the address draws the page as a whole, and that remembers (`restore`).
    """
    query, known = st.query_params, st.session_state.get(_REMEMBERED)
    if known is None or known == {key: query[key] for key in SHARED if key in query}:
        return
    kept = {key: value for key, value in query.to_dict().items() if key not in SHARED}
    query.from_dict({**kept, **known})


def window() -> Window:
    """The URL's range as of now; the default one where the URL's cannot be used.

    Where hours are left out of the charts, its buckets are those the rest calls for.
    """
    try:
        found = _parsed()
    except RangeError:
        found = parse_window(None, None, time.time())
    mode, known = hours(), sessions()
    return trading.collapsed(found, known, extended=mode == trading.EXTENDED) if mode and known else found


def zone() -> ZoneInfo:
    """The URL's clock; the desk's where it names none that there is."""
    name = st.query_params.get("zone", "")
    return ZoneInfo(name) if name in _zones() else desk_zone()


def desk_zone() -> ZoneInfo:
    """The clock of the configuration."""
    return monitor().settings.app.zone


def browser_zone() -> str:
    """The zone of the reader's browser, by its name; empty where it tells none."""
    name = st.context.timezone or ""
    return name if name in _zones() else ""


def hours() -> str:
    """Which hours the URL wants charts to show: ``trading``, ``extended``, or empty for all."""
    mode = st.query_params.get("hours", "")
    return mode if mode in trading.MODES.values() else ""


def sessions() -> Sessions | None:
    """The sessions of the desk's exchange; None until they are read."""
    return monitor().sessions.known


def problems() -> list[str]:
    """What of the URL cannot be used, a sentence each, with what is shown instead."""
    found = []
    try:
        _parsed()
    except NoCalendar as error:
        found.append(f"{error} {monitor().sessions.why_not} Until then this is the {words()}.")
    except RangeError as error:
        found.append(f"{error} Showing the {words()} instead.")
    name, mode = st.query_params.get("zone", ""), st.query_params.get("hours", "")
    if name and name not in _zones():
        found.append(
            f'"zone" is {quoted(name)}; expected an IANA time zone such as Europe/Berlin. Times are {zone().key}\'s.'
        )
    if mode and not hours():
        found.append(f'"hours" is {quoted(mode)}; expected "trading" or "extended". All hours are shown.')
    return found


def remarks() -> list[str]:
    """What must be known of the range before its charts are read, a sentence each."""
    shown, known, mode = window(), sessions(), hours()
    refused = trading.refusal(shown, known, extended=mode == trading.EXTENDED) if mode else ""
    return [sentence for sentence in (remark(shown, zone(), time.time(), known), refused) if sentence]


def words() -> str:
    """The page's range in words: ``last 6 h``, ``today's session``, ``Mon 23 Nov 09:30 – 16:00``."""
    return describe(window(), zone())


def describe(window: Window, zone: ZoneInfo) -> str:
    """A range in words, by the clock of a zone."""
    return in_words(window, zone, time.time(), sessions())


def absolute() -> dict[str, str]:
    """The page's query with both ends of its range as epoch seconds: what it shows now, for good."""
    shown = window()
    return {**st.query_params.to_dict(), "from": str(shown.start_s), "to": str(shown.end_s)}


def is_live() -> bool:
    """Whether the range goes on as time does: its end is now, or still to come."""
    shown, now_s = window(), time.time()
    return shown.start_s < now_s <= shown.end_s + 1


def push(start: str | int, end: str | int) -> None:
    """Make a range the page's and remember the one before."""
    past = st.session_state.setdefault(_PAST, [])
    past.append(_words())
    del past[:-MOST_BACK]
    _show((str(start), str(end)))


def back() -> None:
    """Return to the exact range before."""
    if past := before():
        st.session_state[_PAST] = past[:-1]
        _show(past[-1])


def before() -> list[tuple[str, str]]:
    """The ranges to go back to. The browser's own way back has been there already: what is shown is none of them."""
    past: list[tuple[str, str]] = st.session_state.get(_PAST, [])
    while past and past[-1] == _words():
        past = past[:-1]
    return past


def shift(direction: int) -> None:
    """Move the range by its own length, of sessions by as many; not beyond now."""
    shown, now_s = window(), int(time.time())
    if (moved := _shifted_sessions(direction)) is not None:
        push(*moved)
    elif (end_s := shown.end_s + direction * shown.length_s) >= now_s and direction > 0:
        follow()
    else:
        push(end_s - shown.length_s, end_s)


def follow() -> None:
    """The same length of time ending now, and going on."""
    push(ago(window().length_s), "now")


def zoom_out() -> None:
    """Twice the length around the same middle; of what ends now, to now."""
    shown = window()
    length_s = min(2 * shown.length_s, LONGEST_S)
    end_s = shown.end_s + (length_s - shown.length_s) // 2
    if _words()[1] == "now" or end_s >= time.time():
        push(ago(length_s), "now")
    else:
        push(end_s - length_s, end_s)


def type_in(text: str) -> None:
    """Make a range as a person types it the page's.

    Raises:
        RangeError: nobody can mean it; the message says how to write one.
    """
    start, end = parse_spoken(text, time.time(), zone())
    parse_window(start, end, time.time(), sessions=sessions())
    push(start, end)


def choose(key: str, value: str) -> None:
    """Set the ``zone`` or the ``hours``; empty: the desk's clock, all hours."""
    if value:
        st.query_params[key] = value
    else:
        st.query_params.pop(key, None)
    _remember()


def picked(key: str, clock: tzinfo) -> None:
    """Make what was selected on a chart, whose axis goes by `clock`, the page's range."""
    boxes = st.session_state[key]["selection"]["box"]
    if boxes:
        start_s, end_s = sorted(epoch_s(str(moment), clock) for moment in boxes[0]["x"][:2])
        middle_s = (start_s + end_s) / 2
        half_s = max(MIN_RANGE_S, end_s - start_s) / 2
        push(int(middle_s - half_s), int(middle_s + half_s))


def generation() -> int:
    """A number that changes with every change of the range: a chart drawn under a new key forgets its selection."""
    return int(st.session_state.get(_GENERATION, 0))


def collapse(figure: Any, clock: tzinfo) -> str:
    """Leave out of a chart the hours the page leaves out; returns a note where the chart must keep them."""
    mode, known = hours(), sessions()
    return trading.collapse(figure, known, clock, extended=mode == trading.EXTENDED) if mode and known else ""


def epoch_s(moment: str, clock: tzinfo) -> float:
    """What a chart's axis calls a moment, a wall clock's time, as epoch seconds.

    >>> epoch_s("2026-07-01 09:30:00.5", ZoneInfo("America/New_York"))
    1782912600.5
    """
    return datetime.fromisoformat(moment).replace(tzinfo=clock).timestamp()


@cache
def _zones() -> set[str]:
    return available_timezones()


def _parsed() -> Window:
    return parse_window(st.query_params.get("from"), st.query_params.get("to"), time.time(), sessions=sessions())


def _words() -> tuple[str, str]:
    return st.query_params.get("from", DEFAULT_FROM), st.query_params.get("to", DEFAULT_TO)


def _show(words: tuple[str, str]) -> None:
    st.query_params.update({"from": words[0], "to": words[1]})
    st.session_state[_GENERATION] = generation() + 1
    _remember()


def _remember() -> None:
    st.session_state[_REMEMBERED] = {key: st.query_params[key] for key in SHARED if key in st.query_params}


def _shifted_sessions(direction: int) -> tuple[str, str] | None:
    """Both words of the exchange moved by as many sessions as they span; None where they cannot be."""
    start, end = (session_word(word) for word in _words())
    if start is None or end is None or start[0] != end[0]:
        return None
    count = direction * (start[1] - end[1] + 1)
    moved = [f"{what}-{before - count}" if before != count else what for what, before in (start, end)]
    try:
        parse_window(moved[0], moved[1], time.time(), sessions=sessions())
    except RangeError:  # later than the last, or before the calendar begins
        return None
    return moved[0], moved[1]
