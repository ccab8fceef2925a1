import math
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import probes
from probes.catalogue import Judge, Metric, Unit, humanize, humanize_duration, is_beyond, limit_problems, thresholds
from probes.result import Reading, Status, labels
from settings import Limit
from tests.probes.fakes import FILL

MIDDLE = {FILL.name: FILL}


def judged(value: float, metric: Metric = FILL, limit: Limit | None = None) -> list[Status]:
    judge = Judge({metric.name: metric}, {metric.name: limit} if limit else {})
    return [finding.status for finding in judge.findings([Reading(metric.name, value)], 0.0)]


@pytest.mark.parametrize(
    ("value", "status"),
    [(0.8, []), (0.81, [Status.WARNING]), (0.9, [Status.WARNING]), (0.91, [Status.CRITICAL]), (math.nan, [])],
)
def test_a_value_strictly_beyond_counts(value: float, status: list[Status]) -> None:
    assert judged(value) == status


def test_higher_is_better_turns_the_side() -> None:
    free = replace(FILL, better="higher", warning=0.2, critical=0.1)
    assert [judged(value, free) for value in (0.3, 0.15, 0.05)] == [[], [Status.WARNING], [Status.CRITICAL]]
    assert is_beyond(1, 2, "higher")
    assert not is_beyond(2, 2, "higher")
    assert not is_beyond(1, 2, "lower")
    assert is_beyond(2, 1, "neither")


def test_an_operators_limit_replaces_only_what_it_gives() -> None:
    assert thresholds(FILL, Limit(critical=0.95)) == [(Status.CRITICAL, 0.95), (Status.WARNING, 0.8)]
    assert judged(0.93, limit=Limit(critical=0.95)) == [Status.WARNING]
    assert thresholds(replace(FILL, warning=None, critical=None)) == []


def test_a_finding_says_everything() -> None:
    metric = replace(FILL, message="{disk} is {value} full, more than {threshold}.")
    judge = Judge({metric.name: metric}, {})
    (finding,) = judge.findings([Reading(metric.name, 0.95, labels(disk="sda"))], 0.0)
    assert finding.message == "sda is 95 % full, more than 90 %."
    assert (finding.value, finding.threshold, finding.hint) == (0.95, 0.9, "Empty it.")
    assert finding.labels == (("disk", "sda"),)


def test_a_metric_that_must_last_counts_only_after_its_time() -> None:
    metric = replace(FILL, for_s=60)
    judge = Judge({metric.name: metric}, {})

    def at(now_s: float, value: float) -> list[Status]:
        return [finding.status for finding in judge.findings([Reading(metric.name, value)], now_s)]

    assert at(0, 0.85) == []
    assert at(59, 0.85) == []
    assert at(60, 0.85) == [Status.WARNING]
    assert at(70, 0.5) == []
    assert at(80, 0.85) == [], "it has to last anew"
    assert at(90, 0.95) == []
    assert at(145, 0.95) == [Status.WARNING], "beyond the warning since 80"
    assert at(150, 0.95) == [Status.CRITICAL]
    assert at(160, 0.85) == [Status.WARNING], "the warning has lasted all the while"


def test_series_of_one_metric_are_judged_apart() -> None:
    metric = replace(FILL, for_s=10)
    judge = Judge({metric.name: metric}, {})
    a, b = (Reading(metric.name, 0.95, labels(disk=disk)) for disk in "ab")
    assert judge.findings([a], 0) == []
    assert [finding.labels for finding in judge.findings([a, b], 10)] == [a.labels]


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ({"fake_fil_ratio": Limit(warning=1)}, 'did you mean "fake_fill_ratio"?'),
        ({"x": Limit(warning=1)}, "there are: fake_fill_ratio"),
        ({FILL.name: Limit(warning=0.95)}, "warning 0.95 must not be beyond critical 0.9: put it below"),
        ({FILL.name: Limit(critical=0.5)}, "warning 0.8 must not be beyond critical 0.5"),
    ],
)
def test_thresholds_that_cannot_work(limit: dict[str, Limit], said: str) -> None:
    ((key, message),) = limit_problems(limit, MIDDLE)
    assert key == f"thresholds.{next(iter(limit))}"
    assert said in message


@pytest.mark.parametrize("limit", [Limit(), Limit(warning=0.9), Limit(critical=math.inf), Limit(warning=2, critical=3)])
def test_thresholds_that_work(limit: Limit) -> None:
    assert limit_problems({FILL.name: limit}, MIDDLE) == []


def test_thresholds_of_a_metric_that_should_be_high() -> None:
    free = {FILL.name: replace(FILL, better="higher", warning=0.2, critical=0.1)}
    assert limit_problems({FILL.name: Limit(warning=0.15)}, free) == []
    assert "put it above" in limit_problems({FILL.name: Limit(warning=0.05)}, free)[0][1]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "seconds", "0 s"),
        (0.00085, "seconds", "850 µs"),
        (59.4, "seconds", "59.4 s"),
        (3600, "seconds", "1 h"),
        (187_200, "seconds", "2 d 4 h"),
        (-90, "seconds", "-1 min 30 s"),
        (1023.9, "bytes", "1 KiB"),
        (999_700, "bytes/s", "1 MB/s"),
        (1, "ratio", "100 %"),
        (1, "bool", "yes"),
        (0, "bool", "no"),
        (61.5, "celsius", "61.5 °C"),
        (1_234_567, "count", "1.23 M"),
        (15_000, "messages/s", "15 k/s"),
        (math.nan, "seconds", "no number"),
        (math.inf, "bytes", "no number"),
    ],
)
def test_values_as_people_read_them(value: float, unit: str, text: str) -> None:
    assert humanize(value, unit) == text


@given(st.floats(), st.sampled_from(get_args(Unit)))
def test_every_value_can_be_said(value: float, unit: str) -> None:
    assert 0 < len(humanize(value, unit)) < 400


@given(st.floats(0, 1e9))
def test_a_duration_has_at_most_two_parts(seconds: float) -> None:
    assert len(humanize_duration(seconds).split()) in {2, 4}


def test_every_threshold_of_the_catalogue_has_its_reason_and_what_to_do() -> None:
    judged_ones = [metric for metric in probes.METRICS.values() if thresholds(metric)]
    assert len(judged_ones) > 20
    for metric in judged_ones:
        assert metric.better != "neither", metric.name
        assert metric.reason, metric.name
        assert metric.hint, metric.name
        assert limit_problems({metric.name: Limit()}, probes.METRICS) == []
