"""What the Network page's capacity view draws."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from analysis.capacity import RECEIVED, UTILIZATION, LinkCapacity, capacity
from history import queries
from history.answers import Hours, Series, SeriesSet
from history.buckets import DAY_S, WEEK_S
from history.window import Window
from probes.catalogue import humanize
from probes.result import Status
from ui import charts, shown
from ui.frame import Page
from ui.panels import Panel, Question, plot, plot_answer
from ui.questions import fresh_s
from ui.timerange import describe
from ui.words import ROWS

WEEKS, GROWTH_DAYS = 4, 90
WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def capacity_panels(page: Page, component: str) -> list[Panel[tuple[LinkCapacity, ...]]]:
    """Every link: how full it is over the page's range, and when it will be full."""
    return [
        Panel(
            "How full is each link, and when will it be?",
            Question(capacity, (page.window, (component,)), max(60.0, fresh_s(page))),
            _draw_links,
            nothing="No interface was recorded in this range.",
            height=120,
            told=told_links,
        )
    ]


def busy_panels(page: Page, component: str) -> list[Panel[Any]]:
    """When in the week the busiest link is busy, and how its busiest hours grew: over the page's range if it is long.

    A shorter range says neither: four weeks and 90 days are looked at then.
    """
    weeks, days = at_least(page, WEEKS * 7 * DAY_S), at_least(page, GROWTH_DAYS * DAY_S)
    weeks_fresh_s, days_fresh_s = (max(300.0, window.length_s / 10_000) for window in (weeks, days))
    return [
        Panel(
            "When is the busiest link busy?",
            Question(queries.hours_of_week, (weeks, (UTILIZATION, RECEIVED), (component,)), weeks_fresh_s),
            lambda answer: _draw_hours(answer, page, weeks),
            height=250,
            told=told_hours,
        ),
        Panel(
            "How did it grow?",
            Question(queries.series, (days, (UTILIZATION, RECEIVED), (component,), True), days_fresh_s),
            lambda answer: _draw_days(answer, page, days),
            empty=lambda answer: not answer.series,
            height=250,
            told=told_growth,
        ),
    ]


def at_least(page: Page, length_s: int) -> Window:
    """The page's range in days, or the `length_s` before its end where it is shorter."""
    window = page.window
    if window.length_s >= length_s:
        return replace(window, step_s=DAY_S)
    if window.words and window.words[1] == "now":
        return Window(window.end_s - length_s, window.end_s, DAY_S, (f"now-{length_s // DAY_S}d", "now"))
    return Window(window.end_s - length_s, window.end_s, DAY_S)


def told_links(links: Sequence[LinkCapacity]) -> str:
    """``How full is each link, and when will it be? – eth0 at 31 % (p95), full in about 290 days``."""
    head = "How full is each link, and when will it be?"
    known = [link for link in links if link.utilization_p95_ratio is not None]
    if not known:
        return head
    fullest = known[0]
    used = _shown(fullest.utilization_p95_ratio, "ratio")
    message = fullest.message[:1].lower() + fullest.message[1:].rstrip(".")
    return f"{head} – {fullest.interface} at {used} (p95), {message}"


def told_hours(answer: Sequence[Hours]) -> str:
    """``When is the busiest link busy? – most Mon 09:00–10:00, p95 31 %``."""
    line = busiest_hours(answer)
    if not np.isfinite(line.p95).any():
        return "When is the busiest link busy?"
    day, hour = np.unravel_index(int(np.nanargmax(line.p95)), line.p95.shape)
    p95 = _shown(float(line.p95[day, hour]), line.unit)
    return f"When is the busiest link busy? – most {WEEK[int(day)]} {hour:02d}:00–{int(hour) + 1:02d}:00, p95 {p95}"


def told_growth(answer: SeriesSet) -> str:
    """``How did it grow? – p95 of a week's busiest day from 12 % to 31 %``."""
    line = busiest_days(busiest(answer))
    p95 = line.avg if line.p95 is None else line.p95
    week = int(np.searchsorted(line.t, line.t[0] + WEEK_S)) - 1  # until then the first week is not over
    words = " to ".join(humanize(float(value), line.unit) for value in (p95[week], p95[-1]))
    return f"How did it grow? – p95 of a week's busiest day from {words}"


def busiest_days(line: Series) -> Series:
    """For each day the highest figures of the seven days that end with it: weekends are no dips of a link's load."""
    first = np.searchsorted(line.t, line.t - 6.5 * DAY_S)  # half a day less: one of them may have 23 or 25 hours
    spans = [slice(start, end + 1) for end, start in enumerate(first)]
    columns = [np.array([column[span].max() for span in spans]) for column in line.columns[1:]]
    return line.of([line.t, *columns])


def busiest_hours(answer: Sequence[Hours]) -> Hours:
    """The hours of the busiest link: by utilisation where one is known, else by what it received."""
    known = [line for line in answer if line.metric == UTILIZATION] or list(answer)
    return max(known, key=lambda line: float(np.nanmean(line.p95)))


def busiest(answer: SeriesSet) -> Series:
    """The series of the busiest link: by utilisation where one is known, else by what it received."""
    known = answer.of(UTILIZATION) or answer.of(RECEIVED)
    return max(known, key=lambda line: float(line.avg.mean()))


def _draw_links(links: Sequence[LinkCapacity]) -> None:
    rows = [
        {
            "Interface": link.interface,
            "Speed": _shown(link.link_speed_bytes_per_s, "bytes/s"),
            "p95": _shown(link.utilization_p95_ratio, "ratio"),
            "Peak": _shown(link.utilization_peak_ratio, "ratio"),
            "Headroom": _shown(link.headroom_ratio, "ratio"),
            "Received p95": _shown(link.received_p95_bytes_per_s, "bytes/s"),
            "Sent p95": _shown(link.sent_p95_bytes_per_s, "bytes/s"),
            "When full": link.message if link.link_speed_bytes_per_s else "speed not known",
        }
        for link in links
    ]
    st.dataframe(shown.keep(pd.DataFrame(rows)), hide_index=True, key="links", alt="Capacity of each link")
    unknown = [link for link in links if not link.link_speed_bytes_per_s]
    if unknown:
        st.caption(f"{', '.join(link.interface for link in unknown)}: {unknown[0].message}")


def _draw_hours(answer: Sequence[Hours], page: Page, window: Window) -> None:
    line = busiest_hours(answer)
    name = " ".join(value for _, value in line.labels)
    note = f"{name}, p95 of each hour over {describe(window, page.zone)}, {page.zone.key}, {ROWS['15m']}"
    plot(charts.hour_of_week(line.p95, line.unit, peak=line.peak), "chart:hours", note)


def _draw_days(answer: SeriesSet, page: Page, window: Window) -> None:
    line = busiest(answer)
    limits = [(Status.CRITICAL, 1.0)] if line.metric == UTILIZATION else []
    figure = charts.percentiles(busiest_days(line), window, page.zone, thresholds=limits, height=250)
    note = f"{line.label}, the busiest of seven days each, {describe(window, page.zone)}"
    plot_answer(figure, "chart:days", answer, note)


def _shown(value: float | None, unit: str) -> str:
    return "—" if value is None else humanize(value, unit)
