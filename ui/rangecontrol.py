"""The control of the range: in the same place on every page, each of its actions one drawing."""

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import streamlit as st

from history.sessions import Sessions
from history.window import RangeError
from ui import timerange
from ui.hours import EXTENDED, MODES, TRADING
from ui.rangewords import PRESETS, exactly, session_presets
from ui.state import monitor

T = TypeVar("T")
FOLLOW_PX = 80


def control() -> None:
    """Back, the range with everything behind it, earlier, later, and whether the page follows the present.

    What changes its width stands to the left, and what comes and goes has its place kept: a button stays under
    the pointer while it is pressed several times.
    """
    with st.container(horizontal=True, width="content", vertical_alignment="center", gap="xsmall"):
        way_back = st.empty()
        if timerange.before():
            way_back.button(
                "Back",
                icon=":material/undo:",
                type="tertiary",
                on_click=timerange.back,
                key="back",
                help="The range before",
            )
        live, words = timerange.is_live(), timerange.words()
        behind = st.popover(words, icon=":material/schedule:", key="behind range", on_change="rerun")
        if behind.open:  # its forty buttons are not sent with every drawing
            with behind:
                _choice()
        step = "range" if len(words) > 12 else words.removeprefix("last ")
        _arrow("earlier", -1, f"Earlier by one {step}")
        _arrow("later", 1, f"Later by one {step}", disabled=live)
        with st.container(width=FOLLOW_PX):
            _following(live=live)


def _following(*, live: bool) -> None:
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
    problems, remarks, place = timerange.problems(), timerange.remarks(), st.empty()
    if problems or remarks:
        with place.container():
            for sentence in problems:
                st.warning(sentence, icon=":material/schedule:")
            for sentence in remarks:
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
    """What is behind the range: all buttons, because the URL leads.

    A list with a choice of its own would, after the range was changed elsewhere, still hold the old one and
    send it back as a new choice.
    """
    _typed()
    _presets("Last", {name: (start, "now") for name, start in PRESETS.items()})
    known = timerange.sessions()
    if known is None:
        st.caption(f":material/calendar_month: {monitor().sessions.why_not}")
    else:
        _presets(f"{known.calendar} sessions", session_presets(known, time.time()))
        _hours(known)
    names = clocks(timerange.zone().key, timerange.desk_zone().key, timerange.browser_zone(), known)
    desk = timerange.desk_zone().key
    words = {f"{zone} ({whose})" if whose else zone: "" if zone == desk else zone for zone, whose in names.items()}
    shown = "" if timerange.zone().key == desk else timerange.zone().key
    _row("Clock", words, shown, lambda zone: timerange.choose("zone", zone))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Zoom out", icon=":material/zoom_out:", on_click=timerange.zoom_out, key="zoom out")
        st.caption(exactly(timerange.window(), timerange.zone()))


def _typed() -> None:
    place = timerange.generation()
    typed = st.text_input(
        "Range",
        key=f"typed:{place}",
        placeholder="6h, yesterday 09:30..10:00, last 5 sessions",
        help="A length (6h, 90d), days and times (mon 14:00..tue 10:00, 2026-11-20, 2026-11-20 14:00..15:00), "
        f"sessions (last 5 sessions, pre-open), ISO 8601 or epoch seconds. Times are of {timerange.zone().key}.",
        on_change=_type_in,
        args=(place,),
    )
    refusal = st.empty()
    if typed and (refused := st.session_state.get(f"refused:{place}")):
        refusal.caption(f":material/error: {refused}")


def _type_in(place: int) -> None:
    if place != timerange.generation():  # the field of a range before sends its text once more
        return
    text, refusal = st.session_state[f"typed:{place}"], ""
    try:
        if text.strip():
            timerange.type_in(text)
    except RangeError as error:
        refusal = str(error)
    st.session_state[f"refused:{place}"] = refusal


def _presets(title: str, ranges: Mapping[str, tuple[str, str]]) -> None:
    _row(title, ranges, timerange.window().words, lambda words: timerange.push(*words))


def _hours(known: Sessions) -> None:
    """Which hours charts show: an exchange without a pre- and post-market has no more than its trading hours."""
    extended = any(day.pre_s < day.open_s or day.close_s < day.post_s for day in known.days[-5:])
    modes = {name: word for name, word in MODES.items() if extended or word != EXTENDED}
    mode = timerange.hours()
    shown = TRADING if mode and not extended else mode
    _row("Hours on charts", modes, shown, lambda word: timerange.choose("hours", word))


def _row(title: str, choices: Mapping[str, T], shown: T | None, choose: Callable[[T], None]) -> None:
    """A titled row of buttons, the one whose choice is shown marked."""
    st.caption(title)
    with st.container(horizontal=True, gap="xsmall"):
        for name, value in choices.items():
            st.button(
                f"**{name}**" if value == shown else name,
                key=f"{title}:{name}",
                on_click=choose,
                args=(value,),
                icon=":material/check:" if value == shown else None,
            )


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
