"""The time range: one control, in the same place on every page, kept in the URL."""

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import streamlit as st

from history.window import DEFAULT_FROM, DEFAULT_TO, RangeError, Window, parse_window

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
_REMEMBERED = "range"


def restore() -> None:
    """Keep the range over navigation: links in the side bar drop the query string. For the router."""
    query, session = st.query_params, st.session_state
    if "from" in query or "to" in query:
        session[_REMEMBERED] = {key: query[key] for key in ("from", "to") if key in query}
    elif _REMEMBERED in session:
        query.update(session[_REMEMBERED])


def current(zone: ZoneInfo) -> Window:
    """The range in force; where the URL's cannot be used says so on the page and falls back to the default."""
    try:
        return parse_window(st.query_params.get("from"), st.query_params.get("to"), time.time())
    except RangeError as error:
        st.warning(
            f"{error} Showing the {describe(parse_window(None, None, time.time()), zone)} instead.",
            icon=":material/schedule:",
        )
        return parse_window(None, None, time.time())


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
    """The range as a button; presets, shift, zoom out and typed ends behind it."""
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
    """Make a range the page's; for callbacks."""
    st.query_params.update({"from": str(start), "to": str(end)})


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
