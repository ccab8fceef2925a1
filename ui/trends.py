"""What the Health trends and Performance pages draw."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from analysis.uptime import Uptime
from history.answers import Change, Summary
from history.trends import Timeline
from probes.catalogue import humanize, humanize_duration
from probes.result import Status
from ui import axes, shown
from ui.frame import Page
from ui.moment import link
from ui.panels import plot
from ui.status import plain
from ui.timeline import state_timeline
from ui.words import part_of

MOST_CHANGES = 500


def draw_timeline(answer: Timeline, page: Page) -> None:
    """The state timeline of all components over the range; hatched where nobody looked."""
    plot(state_timeline(answer.spans, answer.observed, page.window, page.zone), key="chart:timeline")


def draw_uptime(report: Sequence[Uptime]) -> None:
    """Uptime of the observed time beside how much was observed, the worst first."""
    rows = [
        {
            "Component": entry.component,
            "Uptime": uptime_words(entry),
            "Down for": humanize_duration(float(round(entry.downtime_s))),
            "Incidents": entry.incidents,
            "Mean time to recovery": _duration(entry.mttr_s),
            "Mean time between failures": _duration(entry.mtbf_s),
            "Longest outage": _duration(entry.longest_outage_s or None),
        }
        for entry in sorted(report, key=_up_first)
    ]
    st.dataframe(shown.keep(pd.DataFrame(rows)), hide_index=True, key="uptime", alt="Uptime of each component")


def told_uptime(report: Sequence[Uptime]) -> str:
    """The title of the table: the component that was up least."""
    worst = min(report, key=_up_first, default=None)
    name = "Uptime, and how much of the range was observed"
    return f"{name} – least: {worst.component}, {uptime_words(worst)}" if worst else name


def told_timeline(answer: Timeline) -> str:
    """The title of the timeline: how many components were in trouble."""
    bad = {span.component for span in answer.spans if span.status.rank >= Status.WARNING.rank}
    names = {span.component for span in answer.spans} | set(answer.observed)
    return f"When was what in trouble? – {len(bad) or 'none'} of {len(names)} components at some time"


def uptime_words(entry: Uptime) -> str:
    """``97.2 % up, 88 % observed``: up is a share of what was observed, so the two belong together."""
    up = "never seen" if entry.up_ratio is None else f"{_share(entry.up_ratio)} up"
    return f"{up}, {_share(entry.observed_ratio)} observed"


def _up_first(entry: Uptime) -> float:
    return 2.0 if entry.up_ratio is None else entry.up_ratio


def draw_changes(changes: Sequence[Change], page: Page) -> None:
    """Status changes as a table, newest first."""
    rows = [
        {
            "When": datetime.fromtimestamp(change.at_s, UTC).astimezone(page.zone).strftime("%d %b %H:%M:%S"),
            "Component": change.component,
            "From": plain(change.before),
            "To": plain(change.after),
            "What it said": change.reason,
        }
        for change in changes[:MOST_CHANGES]
    ]
    table = shown.keep(pd.DataFrame(rows))
    st.dataframe(
        table.assign(**{"As it was": [link(math.ceil(change.at_s)) for change in changes[:MOST_CHANGES]]}),
        hide_index=True,
        height=axes.HEIGHT,
        key="changes",
        alt="Status changes",
        column_config={"As it was": st.column_config.LinkColumn(display_text="the stack then")},
    )
    if words := part_of(MOST_CHANGES, len(changes), "newest", "changes", "take a shorter range or fewer components"):
        st.caption(f"These are {words}.")


def draw_percentiles(summaries: Sequence[Summary]) -> None:
    """Latency percentiles of each component over the whole range, slowest first."""
    rows = [
        {
            "Component": summary.component,
            "p50": humanize_duration(summary.p50),
            "p95": humanize_duration(summary.p95),
            "p99": humanize_duration(summary.p99),
            "Slowest": humanize_duration(summary.high),
            "Checks": summary.count,
        }
        for summary in sorted(summaries, key=lambda summary: -summary.p95)
    ]
    st.dataframe(
        shown.keep(pd.DataFrame(rows)), hide_index=True, key="percentiles", alt="Latency percentiles by component"
    )


def _share(ratio: float) -> str:
    """A share near one with the digits that tell: 99.97 % is not 100 %, and next to nothing is not 0 %."""
    if 0 < ratio < 1e-4:
        return "under 0.01 %"
    return f"{math.floor(ratio * 1e5) / 1e3:.3f} %" if 0.99 <= ratio < 1 else humanize(ratio, "ratio")


def _duration(seconds: float | None) -> str:
    return "—" if seconds is None else humanize_duration(float(round(seconds)))
