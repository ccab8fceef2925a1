"""What the Network page's capacity view draws."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from analysis.capacity import RECEIVED, UTILIZATION, LinkCapacity, capacity
from history import queries
from history.answers import Hours, Series, SeriesSet
from history.window import Window
from probes.catalogue import humanize
from probes.result import Status
from ui import charts
from ui.frame import Page
from ui.panels import Panel, Question, plot
from ui.questions import fresh_s

DAY_S = 86400
WEEKS = 4


def capacity_panels(page: Page, component: str) -> list[Panel[tuple[LinkCapacity, ...]]]:
    """Every link: how full it is over the page's range, and when it will be full."""
    return [
        Panel(
            "How full is each link, and when will it be?",
            Question(capacity, (page.window, (component,)), max(60.0, fresh_s(page))),
            _draw_links,
            nothing="No interface was recorded in this range.",
            height=120,
        )
    ]


def busy_panels(page: Page, component: str) -> list[Panel[Any]]:
    """When in the week the busiest link is busy, and how its busiest hours grew."""
    end_s = int(page.now.timestamp())
    weeks = Window(end_s - WEEKS * 7 * DAY_S, end_s, words=(f"now-{WEEKS * 7}d", "now"))
    quarter = Window(end_s - 90 * DAY_S, end_s, DAY_S, ("now-90d", "now"))
    return [
        Panel(
            f"When is the busiest link busy? :gray[p95 by hour of the week, last {WEEKS} weeks]",
            Question(queries.hours_of_week, (weeks, (UTILIZATION, RECEIVED), (component,)), 300.0),
            lambda answer: _draw_hours(answer, page),
            height=250,
        ),
        Panel(
            "How did it grow? :gray[p95 of each day, last 90 days]",
            Question(queries.series, (quarter, (UTILIZATION, RECEIVED), (component,), True), 300.0),
            lambda answer: _draw_days(answer, page, quarter),
            empty=lambda answer: not answer.series,
            height=250,
        ),
    ]


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
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="links", alt="Capacity of each link")
    unknown = [link for link in links if not link.link_speed_bytes_per_s]
    if unknown:
        st.caption(f"{', '.join(link.interface for link in unknown)}: {unknown[0].message}")


def _draw_hours(answer: Sequence[Hours], page: Page) -> None:
    utilized = [line for line in answer if line.metric == UTILIZATION] or list(answer)
    line = max(utilized, key=lambda line: float(np.nanmean(line.p95)))
    plot(charts.hour_of_week(line.p95, line.unit, peak=line.peak), key="chart:hours")
    st.caption(f"{' '.join(value for _, value in line.labels)}, {page.zone.key}")


def _draw_days(answer: SeriesSet, page: Page, window: Window) -> None:
    line = busiest(answer)
    limits = [(Status.CRITICAL, 1.0)] if line.metric == UTILIZATION else []
    plot(charts.percentiles(line, window, page.zone, thresholds=limits, height=250), key="chart:days")
    st.caption(line.label)


def _shown(value: float | None, unit: str) -> str:
    return "—" if value is None else humanize(value, unit)
