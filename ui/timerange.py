"""The time range: one control, in the same place on every page, kept in the URL."""

import time
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import streamlit as st

from history.window import DEFAULT_FROM, DEFAULT_TO, MIN_RANGE_S, RangeError, Window, parse_window

PRESETS = {
    "15 min": "now-15m",
    "1 h": "now-1h",
    "6 h": "now-6h",
    "24 h": "now-24h",
    "7 d": "now-7d",
    "30 d": "now-30d",
    "90 d": "now-90d",
    "1 y": "now-365d",
}
_REMEMBERED, _PAST, _GENERATION = "range", "ranges before", "range generation"
MOST_BACK = 50


def restore() -> None:
    """Keep the range over navigation: links in the side bar drop the query string. For the router."""
    query, session = st.query_params, st.session_state
    if "from" in query or "to" in query:
        session[_REMEMBERED] = {key: query[key] for key in ("from", "to") if key in query}
    elif _REMEMBERED in session:
        query.update(session[_REMEMBERED])


def window() -> Window:
    """The URL's range as of now; the default one where the URL's cannot be used."""
    try:
        return parse_window(st.query_params.get("from"), st.query_params.get("to"), time.time())
    except RangeError:
        return parse_window(None, None, time.time())


def complain(zone: ZoneInfo) -> None:
    """Say on the page what is wrong with a range of the URL that cannot be used."""
    try:
        parse_window(st.query_params.get("from"), st.query_params.get("to"), time.time())
    except RangeError as error:
        st.warning(f"{error} Showing the {describe(window(), zone)} instead.", icon=":material/schedule:")


def describe(window: Window, zone: ZoneInfo) -> str:
    """The range in words: ``last 6 h``, or its two ends in the desk's zone."""
    start, end = window.words or ("", "")
    if end == "now":
        named = {words: name for name, words in PRESETS.items()}
        if start in named:
            return f"last {named[start]}"
        if start.startswith("now-"):
            return f"last {start.removeprefix('now-')}"
    first, last = (datetime.fromtimestamp(epoch_s, UTC).astimezone(zone) for epoch_s in (window.start_s, window.end_s))
    same_day = first.date() == last.date()
    return f"{first:%d %b %H:%M} – {last:%H:%M}" if same_day else f"{first:%d %b %Y %H:%M} – {last:%d %b %Y %H:%M}"


def control(window: Window, zone: ZoneInfo) -> None:
    """The range as a button; presets, shift, zoom out and typed ends behind it, and the way back."""
    with st.container(horizontal=True, width="content", vertical_alignment="center", gap="xsmall"):
        if _before():
            st.button(
                "Back", icon=":material/undo:", type="tertiary", on_click=back, key="back", help="The range before"
            )
        _choice(window, zone)


def _choice(window: Window, zone: ZoneInfo) -> None:
    with st.popover(describe(window, zone), icon=":material/schedule:"):
        st.pills(
            "Range",
            list(PRESETS),
            default=_preset(window),
            key=f"preset:{window.key}",
            on_change=_choose,
            args=(f"preset:{window.key}",),
        )
        with st.container(horizontal=True):
            st.button("Earlier", icon=":material/chevron_left:", on_click=_shift, args=(window, -1))
            st.button("Later", icon=":material/chevron_right:", on_click=_shift, args=(window, 1))
            st.button("Zoom out", icon=":material/zoom_out:", on_click=_zoom_out, args=(window,))
        with st.form(f"typed:{window.key}", border=False):
            words = window.words or (str(window.start_s), str(window.end_s))
            start = st.text_input("From", words[0], help="now-6h, 2026-11-23T14:30, or epoch seconds")
            end = st.text_input("To", words[1])
            st.caption(f"Times are shown in {zone.key}.")
            if st.form_submit_button("Apply"):
                _apply(start.strip(), end.strip())


def push(start: str | int, end: str | int) -> None:
    """Make a range the page's and remember the one before; for callbacks."""
    past = st.session_state.setdefault(_PAST, [])
    past.append(_words())
    del past[:-MOST_BACK]
    _show((str(start), str(end)))


def back() -> None:
    """Return to the exact range before; for callbacks."""
    if past := _before():
        st.session_state[_PAST] = past[:-1]
        _show(past[-1])


def picked(key: str, zone: tzinfo) -> None:
    """Make what was selected on a chart the page's range; for the chart's callback."""
    boxes = st.session_state[key]["selection"]["box"]
    if boxes:
        start_s, end_s = sorted(epoch_s(str(moment), zone) for moment in boxes[0]["x"][:2])
        middle_s = (start_s + end_s) / 2
        half_s = max(MIN_RANGE_S, end_s - start_s) / 2
        push(int(middle_s - half_s), int(middle_s + half_s))


def generation() -> int:
    """A number that changes with every change of the range: a chart drawn under a new key forgets its selection."""
    return int(st.session_state.get(_GENERATION, 0))


def epoch_s(moment: str, zone: tzinfo) -> float:
    """What a chart's axis calls a moment, the desk's wall clock, as epoch seconds.

    >>> epoch_s("2026-07-01 09:30:00.5", ZoneInfo("America/New_York"))
    1782912600.5
    """
    return datetime.fromisoformat(moment).replace(tzinfo=zone).timestamp()


def _before() -> list[tuple[str, str]]:
    """The ranges to go back to. The browser's own way back has been there already: what is shown is none of them."""
    past: list[tuple[str, str]] = st.session_state.get(_PAST, [])
    while past and past[-1] == _words():
        past = past[:-1]
    return past


def _words() -> tuple[str, str]:
    return st.query_params.get("from", DEFAULT_FROM), st.query_params.get("to", DEFAULT_TO)


def _show(words: tuple[str, str]) -> None:
    st.query_params.update({"from": words[0], "to": words[1]})
    st.session_state[_GENERATION] = generation() + 1


def _apply(start: str, end: str) -> None:
    try:
        parse_window(start, end, time.time())
    except RangeError as error:
        st.error(str(error))
        return
    push(start, end)
    st.rerun()


def _preset(window: Window) -> str | None:
    start, end = window.words or (DEFAULT_FROM, DEFAULT_TO)
    return next((name for name, words in PRESETS.items() if words == start and end == "now"), None)


def _choose(key: str) -> None:
    if name := st.session_state.get(key):
        push(PRESETS[name], "now")


def _shift(window: Window, direction: int) -> None:
    end_s = min(window.end_s + direction * window.length_s, int(time.time()))
    push(end_s - window.length_s, end_s)


def _zoom_out(window: Window) -> None:
    length_s = min(2 * window.length_s, 5 * 366 * 86400)
    if window.words and window.words[1] == "now":
        push(f"now-{length_s}s", "now")
        return
    end_s = min(window.end_s + window.length_s // 2, int(time.time()))
    push(end_s - length_s, end_s)
