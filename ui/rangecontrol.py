"""The control of the range: in the same place on every page, each of its actions one drawing."""

import time
from collections.abc import Mapping

import streamlit as st

from history.sessions import Sessions
from history.window import RangeError
from ui import timerange
from ui.hours import EXTENDED, MODES
from ui.rangewords import PRESETS, exactly, session_presets
from ui.state import monitor


def control() -> None:
    """Back, earlier, the range with everything behind it, later, and whether the page follows the present."""
    with st.container(horizontal=True, width="content", vertical_alignment="center", gap="xsmall"):
        if timerange.before():
            st.button(
                "Back",
                icon=":material/undo:",
                type="tertiary",
                on_click=timerange.back,
                key="back",
                help="The range before",
            )
        live, words = timerange.is_live(), timerange.words()
        step = "range" if len(words) > 12 else words.removeprefix("last ")
        _arrow("earlier", -1, f"Earlier by one {step}")
        with st.popover(words, icon=":material/schedule:", key="range"):
            _choice()
        _arrow("later", 1, f"Later by one {step}", disabled=live)
        if live:
            st.badge("Live", icon=":material/sensors:", color="green", help="This range ends now and goes on.")
        else:
            st.button(
                "Follow",
                icon=":material/sensors:",
                type="tertiary",
                on_click=timerange.follow,
                key="follow",
                help="As long a range, ending now and going on",
            )


def complain() -> None:
    """Say on the page what of the URL cannot be used, and what must be known of the range."""
    for sentence in timerange.problems():
        st.warning(sentence, icon=":material/schedule:")
    for sentence in timerange.remarks():
        st.caption(f":material/info: {sentence}")


def _arrow(name: str, direction: int, told: str, *, disabled: bool = False) -> None:
    st.button(
        f":material/chevron_{'left' if direction < 0 else 'right'}:",
        on_click=timerange.shift,
        args=(direction,),
        key=name,
        help=told,
        disabled=disabled,
    )


def _choice() -> None:
    _typed()
    _presets("Last", {name: (start, "now") for name, start in PRESETS.items()})
    known = timerange.sessions()
    if known is None:
        st.caption(f":material/calendar_month: {monitor().sessions.why_not}")
    else:
        _exchange(known)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _clock(known)
        st.button("Zoom out", icon=":material/zoom_out:", on_click=timerange.zoom_out, key="zoom out")
    st.caption(exactly(timerange.window(), timerange.zone()))


def _typed() -> None:
    place = timerange.generation()
    st.text_input(
        "Range",
        key=f"typed:{place}",
        placeholder="6h, yesterday 09:30..10:00, last 5 sessions",
        help="A length (6h, 90d), days and times (mon 14:00..tue 10:00, 2026-11-20, 2026-11-20 14:00..15:00), "
        f"sessions (last 5 sessions, pre-open), ISO 8601 or epoch seconds. Times are of {timerange.zone().key}.",
        on_change=_type_in,
        args=(place,),
    )
    if refused := st.session_state.get(f"refused:{place}"):
        st.caption(f":material/error: {refused}")


def _type_in(place: int) -> None:
    text, refusal = st.session_state[f"typed:{place}"], ""
    try:
        if text.strip():
            timerange.type_in(text)
    except RangeError as error:
        refusal = str(error)
    st.session_state[f"refused:{place}"] = refusal


def _presets(title: str, ranges: Mapping[str, tuple[str, str]]) -> None:
    shown = timerange.window().words
    key = f"preset:{title}:{shown}"
    st.pills(
        title,
        list(ranges),
        default=next((name for name, words in ranges.items() if words == shown), None),
        key=key,
        on_change=_choose_range,
        args=(key, ranges),
    )


def _choose_range(key: str, ranges: Mapping[str, tuple[str, str]]) -> None:
    if name := st.session_state.get(key):
        timerange.push(*ranges[name])


def _exchange(known: Sessions) -> None:
    """What the calendar of the exchange makes possible: its ranges, and charts of its hours alone."""
    _presets(known.calendar, session_presets(known, time.time()))
    extended = any(day.pre_s < day.open_s or day.close_s < day.post_s for day in known.days[-5:])
    mode = timerange.hours()
    key = f"hours:{mode}"
    st.segmented_control(
        "Hours on charts",
        [name for name, word in MODES.items() if extended or word != EXTENDED],
        default=next(name for name, word in MODES.items() if word == mode),
        key=key,
        on_change=_choose_hours,
        args=(key,),
        required=True,
        help="Without the others, nights, weekends and holidays are left out of every chart.",
    )


def _choose_hours(key: str) -> None:
    timerange.choose("hours", MODES[st.session_state[key]])


def _clock(known: Sessions | None) -> None:
    names = clocks(timerange.zone().key, timerange.desk_zone().key, timerange.browser_zone(), known)
    key = f"zone:{timerange.zone().key}"
    st.selectbox(
        "Clock",
        list(names),
        format_func=lambda zone: f"{zone} ({names[zone]})" if names[zone] else zone,
        index=list(names).index(timerange.zone().key),
        key=key,
        on_change=_choose_clock,
        args=(key,),
    )


def _choose_clock(key: str) -> None:
    zone = st.session_state[key]
    timerange.choose("zone", "" if zone == timerange.desk_zone().key else zone)


def clocks(shown: str, desk: str, browser: str, known: Sessions | None) -> dict[str, str]:
    """The time zones to choose from, each with whose it is.

    >>> clocks("UTC", "America/New_York", "Europe/Berlin", None)
    {'America/New_York': 'desk', 'UTC': '', 'Europe/Berlin': 'this browser'}
    """
    whose: dict[str, list[str]] = {desk: ["desk"]}
    if known is not None:
        whose.setdefault(known.zone.key, []).append(known.calendar)
    whose.setdefault("UTC", [])
    if browser:
        whose.setdefault(browser, []).append("this browser")
    whose.setdefault(shown, [])
    return {zone: ", ".join(names) for zone, names in whose.items()}
