"""The control of the range: in the same place on every page, each of its actions one drawing."""

import time
from collections.abc import Mapping

import streamlit as st

from history.sessions import Sessions
from history.window import RangeError
from ui import timerange
from ui.hours import MODES, TRADING
from ui.rangewords import PRESETS, exactly, session_presets
from ui.state import monitor

_TYPED, _REFUSED, _HOURS, _CLOCK = "typed", "typed in vain", "hours", "clock"


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
        f":material/navigate_{'before' if direction < 0 else 'next'}:",
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


def _led(key: str, value: str | None) -> str:
    """Have the widget of a key show what the URL says, however that came to be; returns the key.

    A key of its own for every value would not do: an open list hands the choice made on the widget before to the
    one in its place, which takes it for a new choice.
    """
    if st.session_state.get(key) != value:
        st.session_state[key] = value
    return key


def _typed() -> None:
    st.text_input(
        "Range",
        key=_TYPED,
        placeholder="6h, yesterday 09:30..10:00, last 5 sessions",
        help="A length (6h, 90d), days and times (mon 14:00..tue 10:00, 2026-11-20, 2026-11-20 14:00..15:00), "
        f"sessions (last 5 sessions, pre-open), ISO 8601 or epoch seconds. Times are of {timerange.zone().key}.",
        on_change=_type_in,
    )
    place, sentence = st.session_state.get(_REFUSED, (0, ""))
    if sentence and place == timerange.generation():
        st.caption(f":material/error: {sentence}")


def _type_in() -> None:
    refusal = ""
    try:
        if st.session_state[_TYPED].strip():
            timerange.type_in(st.session_state[_TYPED])
            st.session_state[_TYPED] = ""
    except RangeError as error:
        refusal = str(error)
    st.session_state[_REFUSED] = timerange.generation(), refusal


def _presets(title: str, ranges: Mapping[str, tuple[str, str]]) -> None:
    shown = timerange.window().words
    key = _led(f"preset:{title}", next((name for name, words in ranges.items() if words == shown), None))
    st.pills(title, list(ranges), key=key, on_change=_choose_range, args=(key, ranges))


def _choose_range(key: str, ranges: Mapping[str, tuple[str, str]]) -> None:
    if name := st.session_state[key]:
        timerange.push(*ranges[name])


def _exchange(known: Sessions) -> None:
    """What the calendar of the exchange makes possible: its ranges, and charts of its hours alone."""
    _presets(known.calendar, session_presets(known, time.time()))
    extended = any(day.pre_s < day.open_s or day.close_s < day.post_s for day in known.days[-5:])
    st.segmented_control(
        "Hours on charts",
        [name for name, word in MODES.items() if extended or word in {"", TRADING}],
        key=_led(_HOURS, next(name for name, word in MODES.items() if word == _mode(extended=extended))),
        on_change=_choose_hours,
        required=True,
        help="Without the others, nights, weekends and holidays are left out of every chart.",
    )


def _mode(*, extended: bool) -> str:
    """The hours the URL asks for; where an exchange has no others, the extended ones are those of trading."""
    mode = timerange.hours()
    return TRADING if mode and not extended else mode


def _choose_hours() -> None:
    timerange.choose("hours", MODES[st.session_state[_HOURS]])


def _clock(known: Sessions | None) -> None:
    zone = timerange.zone().key
    names = clocks(zone, timerange.desk_zone().key, timerange.browser_zone(), known)
    st.selectbox(
        "Clock",
        list(names),
        format_func=lambda name: f"{name} ({names[name]})" if names[name] else name,
        key=_led(_CLOCK, zone),
        on_change=_choose_clock,
    )


def _choose_clock() -> None:
    zone = st.session_state[_CLOCK]
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
