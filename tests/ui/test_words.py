"""Titles that answer, notes that tell how a chart was read, and when it is old."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

import probes
from analysis.performance import throughput_metric
from history.answers import Hours, Series, SeriesSet
from history.reader import Answer
from history.window import Window
from probes import METRICS
from probes.result import ProbeError
from ui import network, performance, words
from ui.comparison import BEFORE, LAST_WEEK, NOTHING, Comparison
from ui.panels import staleness
from ui.performance import Chosen
from ui.questions import missing

UTC = ZoneInfo("UTC")
DAY_S = 86400
LATENCY = METRICS["probe_latency_seconds"]
PAGE: Any = SimpleNamespace(zone=UTC)


def series(values: list[float], unit: str = "seconds", component: str = "kafka", step_s: int = 60) -> Series:
    v = np.array(values)
    return Series(component, "m", (), unit, step_s, np.arange(len(v)) * float(step_s), v, v, v, v * 0 + 10, v, v, v)


def chosen(compared: Comparison = NOTHING) -> Chosen:
    return Chosen("kafka", probes.KINDS["kafka"], compared)


@pytest.mark.parametrize(
    ("tier", "step_s", "expected"),
    [("raw", 30, ""), ("15m", 1800, "15 min rows, 30 min buckets"), ("4h", 43200, "4 h rows, 12 h buckets")],
)
def test_the_note_names_rows_and_buckets(tier: str, step_s: int, expected: str) -> None:
    assert words.reading(SeriesSet(tier=tier, step_s=step_s)) == expected


def test_titles_tell_the_value_the_usual_and_the_worst() -> None:
    one = series([0.001, 0.002, 0.003, 0.004])
    assert words.told("Latency", LATENCY, [one], UTC, 240.0) == "Latency – 4 ms, usual 1.15–3.85 ms"
    both = [one, series([0.01, 0.01], component="redis")]
    assert words.told("Latency", LATENCY, both, UTC, 240.0) == "Latency – highest: redis, usually 10 ms"
    assert words.told("Latency", LATENCY, [one], UTC, 9e3) == "Latency – nothing since 01 Jan 00:03, 4 ms then"
    rare = [series([0.0, 0.0, 0.5], "ratio"), series([0.0, 0.0], "ratio")]
    assert words.told("Loss", LATENCY, rare, UTC, 240.0) == "Loss – at most 50 % on 01 Jan 00:02, kafka"
    assert words.told("Loss", LATENCY, [series([0.0, 0.0], "ratio")], UTC, 240.0) == "Loss – 0 % at all times"
    assert words.told("Loss", LATENCY, [], UTC, 240.0) == "Loss"


def test_a_comparison_is_told_beside_the_present_and_not_at_all_when_there_is_too_little() -> None:
    answer = SeriesSet((series([0.002] * 30),), previous=(series([0.001] * 30),))
    title = performance.told_latency(PAGE, chosen(LAST_WEEK), answer)
    assert title == "How slow is kafka? – p95 usually 2 ms (1 ms last week), slowest 2 ms on 01 Jan 00:00"
    little = replace(answer, previous=(series([0.001]),))
    assert "last week" not in performance.told_latency(PAGE, chosen(LAST_WEEK), little)
    assert missing(BEFORE, little) == "too little was recorded in the period before"
    assert missing(NOTHING, little) == ""


def test_failures_weigh_every_check_the_same() -> None:
    line = replace(series([1.0, 0.5], "ratio"), count=np.array([90.0, 10.0]))
    title = performance.told_failures(PAGE, chosen(), SeriesSet((line,)))
    assert title == "How often did kafka fail? – 5 % of the checks, most 50 % on 01 Jan 00:01"


def test_what_a_comparison_looks_back_to() -> None:
    window = Window(0, 6 * 3600)
    assert [each.previous_s(window) for each in (NOTHING, BEFORE, LAST_WEEK)] == [0, 6 * 3600, 7 * DAY_S]


@pytest.mark.parametrize("kind", probes.KINDS.values(), ids=lambda kind: kind.name)
def test_every_kind_has_a_throughput_or_its_key_metric(kind: Any) -> None:
    assert throughput_metric(kind) in {metric.name for metric in kind.metrics}


def test_growth_is_that_of_the_busiest_day_of_a_week() -> None:
    week = [0.1, 0.12, 0.1, 0.1, 0.1, 0.01, 0.01]
    days = series([*week, *(2 * day for day in week), 0.02], "ratio", step_s=DAY_S)
    line = replace(days, metric=network.UTILIZATION)
    assert network.told_growth(SeriesSet((line,))) == "How did it grow? – p95 of a week's busiest day from 12 % to 24 %"
    assert network.busiest_days(line).avg[7:].min() >= 0.12  # no weekend is a dip
    young = replace(SeriesSet((line.of([column[:3] for column in line.columns]),)))
    assert network.told_growth(young).endswith("from 12 % to 12 %")


def test_the_busiest_hour_is_named() -> None:
    table = np.full((7, 24), 0.1)
    table[4, 15] = 0.36
    hours = Hours("network", network.UTILIZATION, (("interface", "eth0"),), "ratio", table, table)
    assert network.told_hours([hours]) == "When is the busiest link busy? – most Fri 15:00–16:00, p95 36 %"


@pytest.mark.parametrize(
    ("state", "age_s", "error", "expected"),
    [
        ("fresh", 3.0, None, ""),
        ("stale", 12.0, None, ""),
        ("stale", 90.0, None, "the history is slow to answer"),
        ("stale", 12.0, ProbeError("refused", "Refused.", ""), "as of 12 s ago: Refused."),
    ],
)
def test_an_old_chart_says_so(state: Any, age_s: float, error: ProbeError | None, expected: str) -> None:
    note = staleness(Answer(state, 1, age_s, error), 5.0)
    assert expected in note
    assert bool(note) == bool(expected)
