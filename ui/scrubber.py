"""The ways through the past: steps, changes, a typed moment, a scrubber over the statuses of the time around."""

import math
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from datetime import time as clock_time
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from analysis.past import metrics_of, watched
from history import queries
from history.answers import Interval
from history.queries import Past
from history.reader import Answer
from history.tiers import bucket_s
from history.trends import Timeline
from history.window import RangeError, Window
from monitor import Monitor
from probes.result import Status, utc
from ui import moment
from ui.axes import clock_of, local_ms
from ui.frame import Page
from ui.panels import plot
from ui.status import LOOKS
from ui.timeline import state_timeline

STEPS_S = {"−10 min": -600, "−1 min": -60, "+1 min": 60, "+10 min": 600}
NOTCHES = 288
"""A scrubber over a day moves by five minutes."""
MOST_ROWS = 12
CURSOR = "#9085e9"
LABELS_PX = 100
"""Of the strip's rows: the scrubber above it begins where they end, so that the two have one time axis."""
FRESH_S = 60.0
BESIDE = {
    "Overview": ("pages/services.py", "Services then"),
    "Services": ("pages/overview.py", "Overview then"),
}
"""From each page that has a past to the other one at the same moment: script and words of the link."""
_TYPED, _REFUSED = "typed moment", "refused moment"


def question(monitor: Monitor, at_s: int) -> tuple[Any, ...]:
    """What the history is asked about a moment: the arguments of a reader's methods after the question itself."""
    return (FRESH_S, at_s, *metrics_of(watched(monitor.settings)))


def window_around(page: Window, at_s: int, zone: ZoneInfo, now_s: float) -> Window:
    """What the scrubber reaches: the page's range where the moment lies in it, else the moment's day until now.

    >>> zone = ZoneInfo("America/New_York")
    >>> window_around(Window(0, 100), 50, zone, 200), window_around(Window(0, 100), 1793511000, zone, 2e9).length_s
    (Window(start_s=0, end_s=100, step_s=None, words=None), 90000)
    """
    if page.start_s <= at_s < page.end_s <= now_s + 1:
        return page
    day = utc(at_s).astimezone(zone).date()
    start, end = (datetime.combine(day + timedelta(days=days), clock_time(), zone).timestamp() for days in (0, 1))
    return Window(int(start), min(int(end), int(now_s)))


def controls(page: Page, at_s: int, window: Window, found: Past | None, line: Timeline | None) -> None:
    """The buttons and the scrubber, which moves within `window`.

    Args:
        found, line: what is known already: the neighbouring changes, and those within `window`.
    """
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        _change(page.monitor, at_s, found, "before_s", "Previous change", ":material/skip_previous:")
        for label, by_s in STEPS_S.items():
            st.button(label, key=f"step:{by_s}", on_click=_step, args=(page, by_s))
        _change(page.monitor, at_s, found, "after_s", "Next change", ":material/skip_next:")
        st.text_input(
            "Go to a moment",
            placeholder="yesterday 14:30, 2h, mon 9:31",
            key=_TYPED,
            on_change=_typed,
            args=(page.zone,),
            label_visibility="collapsed",
            width=220,
        )
        script, label = BESIDE[page.title]
        st.page_link(script, label=label, icon=":material/history:", query_params={moment.PARAM: str(at_s)})
    if refused := st.session_state.pop(_REFUSED, None):
        st.warning(refused, icon=moment.ICON)
    key = f"scrub:{at_s}"
    with st.container(horizontal=True, gap=None, wrap=False):
        st.space(LABELS_PX)
        st.select_slider(
            "Moment",
            notches(window, at_s, [span.start_s for span in line.spans] if line else ()),
            value=at_s,
            format_func=partial(notch, window=window, zone=page.zone),
            key=key,
            on_change=_scrubbed,
            args=(page, at_s, key),
            label_visibility="collapsed",
        )


def _change(monitor: Monitor, at_s: int, found: Past | None, which: str, label: str, icon: str) -> None:
    st.button(
        label,
        icon=icon,
        key=f"change:{which}",
        on_click=_jump,
        args=(monitor, at_s, which),
        disabled=found is not None and getattr(found, which) is None,
        help="The moment after any component's status changed",
    )


def _step(page: Page, by_s: int) -> None:
    at_s = moment.moment(page)  # not the one the button was drawn for: quick clicks come before it is drawn anew
    if at_s is not None:
        moment.go(at_s + by_s)


def _jump(monitor: Monitor, at_s: int, which: str) -> None:
    found = monitor.reader.answer(queries.as_it_was, *question(monitor, at_s)).value
    target = getattr(found, which) if found else None
    if target is None:
        st.session_state[_REFUSED] = "Which change that is, is not known yet: the history is still reading."
    else:
        moment.go(target)


def _typed(zone: ZoneInfo) -> None:
    text = st.session_state.get(_TYPED, "").strip()
    st.session_state[_TYPED] = ""
    if not text:
        return
    try:
        at_s = moment.parse_typed(text, time.time(), zone)
    except RangeError as error:
        st.session_state[_REFUSED] = str(error)
        return
    if at_s > time.time():
        st.session_state[_REFUSED] = f"{moment.in_words(at_s, zone)} is not past yet."
    else:
        moment.go(at_s)


def _scrubbed(page: Page, at_s: int, key: str) -> None:
    if moment.moment(page) == at_s:  # a drawing that the next action interrupts leaves its change to be told again
        moment.go(int(st.session_state[key]))


def notches(window: Window, at_s: int, changes_s: Sequence[float]) -> list[int]:
    """The moments the scrubber stops at: evenly spread, the moment itself, and each from which a change is seen.

    >>> notches(Window(0, 2880), 1234, [60.5, 5000.0])[:9]
    [0, 10, 20, 30, 40, 50, 60, 61, 70]
    """
    step_s = bucket_s(window.length_s, NOTCHES)
    changes = (math.ceil(change_s) for change_s in changes_s[:NOTCHES])
    inside = {second for second in changes if window.start_s <= second < window.end_s}
    return sorted({*range(window.start_s, window.end_s, step_s), *inside, at_s})


def notch(at_s: int, window: Window, zone: ZoneInfo) -> str:
    """What a stop of the scrubber is called: as much of date, seconds and zone as tells it from the others."""
    local = utc(at_s).astimezone(zone)
    first, last = (utc(edge).astimezone(zone) for edge in (window.start_s, window.end_s - 1))
    form = "%H:%M:%S" if local.second else "%H:%M"
    day = "" if first.date() == last.date() else "%d %b "
    return f"{local:{day}{form}{' %Z' if first.utcoffset() != last.utcoffset() else ''}}"


def strip(page: Page, at_s: int, window: Window, answer: Answer[Timeline]) -> None:
    """The statuses of the time around, the moment as a line, each change as a mark that leads to it when clicked."""
    line = answer.value
    rows = changing(line.spans) if line else []
    if line is None or not rows:
        if line and line.spans:
            st.caption("No component changed its status or was in trouble in this time.")
        return
    spans = [span for span in line.spans if span.component in rows]
    seen = {name: line.observed.get(name, ()) for name in rows}
    figure = state_timeline(spans, seen, window, page.zone)
    clock = clock_of(figure, page.zone)
    at = local_ms(np.array([float(at_s)]), clock)[0]
    figure.add_vline(x=float(at), line={"color": CURSOR, "width": 3})
    marks = [span for span in spans if span.start_s > window.start_s]
    figure.add_trace(
        go.Scatter(
            x=local_ms(np.array([span.start_s for span in marks], dtype=np.float64), clock),
            y=[span.component for span in marks],
            mode="markers",
            marker={
                "symbol": "triangle-down",
                "size": 9,
                "color": [LOOKS[span.status].hexadecimal for span in marks],
                "line": {"color": "white", "width": 1},
            },
            customdata=[math.ceil(span.start_s) for span in marks],
            text=[f"{LOOKS[span.status].mark} {LOOKS[span.status].word}: {span.reason[:160]}" for span in marks],
            hovertemplate="%{y} %{text}<extra>click: as it was then</extra>",
        )
    )
    figure.update_xaxes(fixedrange=True)
    # Where dragging selects, a click does not; and without a ground of its own the tint shows through.
    figure.update_layout(dragmode="pan", paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)")
    plot(figure, f"strip:{at_s}", clicked=_clicked)


def changing(spans: Sequence[Interval]) -> list[str]:
    """The components worth a row: those that changed their status or were in trouble, at most `MOST_ROWS`."""
    counts: dict[str, int] = {}
    for span in spans:
        trouble = span.status.rank > Status.OK.rank
        counts[span.component] = counts.get(span.component, 0) + 1 + trouble
    return [name for name, count in counts.items() if count > 1][:MOST_ROWS]


def _clicked(key: str) -> None:
    for point in st.session_state[key]["selection"]["points"]:
        second = point.get("customdata")
        if isinstance(second, list):
            second = second[0] if second else None
        if isinstance(second, int | float):
            moment.go(int(second))
            return


def nothing_on_record(page: Page, found: Past) -> None:
    """Say that the history has nothing of this moment, and where it begins."""
    if found.first_s is None:
        st.info("The history is empty: there is no past to show yet.", icon=moment.ICON)
        return
    begins = moment.in_words(found.first_s, page.zone)
    way = "begins later" if found.first_s > found.at_s else "has nothing of the 90 days before; it began"
    st.info(f"Nothing is on record of this moment: the history {way}, on {begins}.", icon=moment.ICON)
    later = [second for second in (found.after_s, math.ceil(found.first_s)) if second and second > found.at_s]
    if later:
        st.button(
            "To the first record after it",
            icon=":material/first_page:",
            key="first record",
            on_click=moment.go,
            args=(min(later),),
        )


def nobody_looked(page: Page, found: Past) -> None:
    """Say that nobody looked at anything around this moment, and when somebody did."""
    looks = [
        (f"{words} {moment.in_words(at_s, page.zone)}", label, math.ceil(at_s))
        for words, label, at_s in (
            ("the last look before was on", "To the last look", found.looked_s),
            ("the next on", "To the next look", found.looks_s),
        )
        if at_s is not None
    ]
    said = ", ".join(words for words, _, _ in looks)
    st.info(f"Nobody was looking at this moment, so nothing is known to have been healthy: {said}.", icon=moment.ICON)
    with st.container(horizontal=True, gap="small"):
        for _, label, second in looks:
            st.button(label, key=label, on_click=moment.go, args=(second,))
