"""The moment a page shows: the present, or one of the past, which is in the URL (``at=``)."""

import time
from zoneinfo import ZoneInfo

import streamlit as st

from history.spoken import AROUND_S, parse_spoken
from history.window import RangeError, parse_time, quoted
from probes.result import utc
from ui.frame import Page

PARAM = "at"
OPENS_S = 3600
"""The time machine opens so long ago; from there its controls lead anywhere."""
ICON = ":material/history_toggle_off:"


def moment(page: Page) -> int | None:
    """The past moment in the URL as an epoch second; None: the present."""
    try:
        at_s = _of_url(page.zone)
    except RangeError:
        return None
    return at_s if at_s is not None and at_s < int(time.time()) else None


def complain(page: Page) -> None:
    """Say on the page why a moment of the URL cannot be shown."""
    try:
        at_s = _of_url(page.zone)
    except RangeError as error:
        st.warning(f"{error} This is the present instead.", icon=ICON)
        return
    if at_s is not None and at_s > int(time.time()):
        st.warning(
            f"{in_words(at_s, page.zone)} is not past yet, and nothing is on record of the future. "
            "This is the present instead.",
            icon=ICON,
        )


def _of_url(zone: ZoneInfo) -> int | None:
    text = st.query_params.get(PARAM)
    if text is None:
        return None
    try:
        return parse_time(text, PARAM, time.time())
    except RangeError:
        return parse_typed(text, time.time(), zone)


def parse_typed(text: str, now_s: float, zone: ZoneInfo) -> int:
    """Epoch second of a moment as people type it, by the wall clock of `zone`; of a range its beginning.

    Raises:
        RangeError: `param` ``at``; the message shows how to write one.

    >>> parse_typed("2h", 1790000000, ZoneInfo("UTC")), parse_typed("1790000000", 1790000500, ZoneInfo("UTC"))
    (1789992800, 1790000000)
    >>> parse_typed("2026-09-21 10:13:20", 1790000500, ZoneInfo("America/New_York"))
    1790000000
    """
    try:
        start, end = parse_spoken(text, now_s, zone)
        if start.isdigit() and end.isdigit() and int(end) - int(start) == 2 * AROUND_S:
            return int(start) + AROUND_S
        return parse_time(start, PARAM, now_s)
    except RangeError:
        raise RangeError(
            PARAM,
            f'"{PARAM}" is {quoted(text)}; expected a moment such as "yesterday 14:30", "2h" (two hours ago), '
            "2026-11-23T14:30:00Z, or epoch seconds.",
        ) from None


def go(at_s: int) -> None:
    """Make a moment the page's; for callbacks. One that is not past yet is the last second."""
    target = str(min(at_s, int(time.time()) - 1))
    if st.query_params.get(PARAM) != target:  # each setting is a step of the browser's way back
        st.query_params[PARAM] = target


def leave() -> None:
    """Return to the present; for callbacks."""
    st.query_params.pop(PARAM, None)


def link(at_s: int) -> str:
    """The address of the Overview as it was at a moment, from any page, wherever Tapewatch is mounted.

    >>> link(1790000000)
    './?at=1790000000'
    """
    return f"./?{PARAM}={at_s}"


def enter() -> None:
    """Start the time machine; for callbacks."""
    go(int(time.time()) // 60 * 60 - OPENS_S)


def switch() -> bool:
    """The button into the past, beside the range, or back to now, instead of it; returns which."""
    past = PARAM in st.query_params
    if past:
        st.button("Back to now", icon=":material/update:", on_click=leave, key="back to now")
    else:
        st.button("Time machine", icon=":material/history:", type="tertiary", on_click=enter, key="time machine")
    return past


def in_words(at_s: float, zone: ZoneInfo) -> str:
    """A moment with everything that tells it from others.

    >>> in_words(1793511000, ZoneInfo("America/New_York")), in_words(1793514600, ZoneInfo("America/New_York"))
    ('Sun 01 Nov 2026, 01:30:00 EDT', 'Sun 01 Nov 2026, 01:30:00 EST')
    """
    return f"{utc(at_s).astimezone(zone):%a %d %b %Y, %H:%M:%S %Z}"
