"""Two sides: what lies between them, and what differs the most."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.comparison import FARTHEST, between, differences, distance, in_words, pairs
from history.answers import Series, Summary

FIGURES = st.floats(0, 1e9)


def summary(metric: str, p50: float, p95: float, avg: float | None = None) -> Summary:
    return Summary("kafka", metric, (), "seconds", 10, p50 if avg is None else avg, p50, p95, p50, p95, p95)


def line(t: list[float], values: list[float], unit: str = "seconds", **labels: str) -> Series:
    avg = np.array(values)
    return Series("kafka", "lag", tuple(labels.items()), unit, 10, np.array(t), avg, avg, avg, np.ones(len(avg)))


def test_what_lies_between_is_told_of_common_moments_only() -> None:
    rest = between(line([0, 10, 20], [5, 6, 7]), line([10, 20, 30], [1, 9, 9]))
    assert (rest.t.tolist(), rest.avg.tolist(), rest.unit) == ([10, 20], [5, -2], "seconds")
    assert between(line([0.0], [1.0], "bool"), line([0.0], [0.0], "bool")).unit == "count"
    assert between(line([0.0], [1.0]), line([5.0], [1.0])).t.tolist() == []


def test_series_are_paired_by_metric_and_labels() -> None:
    ticks, orders, trades = (line([0.0], [1.0], topic=topic) for topic in ("ticks", "orders", "trades"))
    assert [(a.label, b.label) for a, b in pairs([ticks, orders], [trades, orders])] == [("orders", "orders")]


def test_what_leaves_its_own_spread_differs_the_most() -> None:
    steady = summary("steady", 10, 11), summary("steady", 20, 21)
    swinging = summary("swinging", 10, 50), summary("swinging", 20, 60)
    same = summary("same", 1, 2), summary("same", 1, 2)
    alone = summary("alone", 5, 6)
    found = differences([alone, swinging[0], same[0], steady[0]], [steady[1], swinging[1], same[1]])
    assert [one.known.metric for one in found] == ["steady", "swinging", "same", "alone"]
    assert [one.distance for one in found] == [pytest.approx(10), pytest.approx(0.25), 0, 0]
    assert found[-1].b is None


def test_a_tail_that_grew_counts_as_well() -> None:
    assert distance(summary("m", 10, 100), summary("m", 10, 12)) > 1


def test_what_never_moved_is_told_by_a_twentieth_of_its_level() -> None:
    assert distance(summary("m", 21, 21), summary("m", 20, 20)) == pytest.approx(1 / (0.05 * 21))
    assert distance(summary("m", 0, 0, 0.1), summary("m", 0, 0)) == pytest.approx(20)


def test_the_calmer_side_tells_what_is_far() -> None:
    incident, calm = summary("latency", 2, 50), summary("latency", 1, 1.2)
    assert distance(incident, calm) > 100


@given(FIGURES, FIGURES, FIGURES, FIGURES)
def test_the_distance_is_the_same_from_both_sides(a: float, b: float, c: float, d: float) -> None:
    left, right = summary("m", a, a + b), summary("m", c, c + d)
    assert distance(left, right) == pytest.approx(distance(right, left))
    assert 0 <= distance(left, right) <= FARTHEST


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (5000, 1, "over 1000 times as much"),
        (1, 5000, "over 99 % less"),
        (1.994, 1, "99 % more"),
        (2, 1, "2 times as much"),
        (1.003, 1, "the same"),
        (-1, 1, "of the other sign"),
        (0, 0, "the same"),
    ],
)
def test_a_difference_in_words(a: float, b: float, words: str) -> None:
    assert in_words(a, b) == words
