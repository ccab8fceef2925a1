"""Many series as few, on answers known beforehand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.answers import Series
from history.grouping import COMPONENT, HOWS, TOGETHER, grouped, held

STEP_S = 10


def line(values: list[float], *, at_s: list[float] | None = None, component: str = "net", **labels: str) -> Series:
    """A series of so many buckets, each ±1 around its average."""
    t = np.array(range(0, STEP_S * len(values), STEP_S) if at_s is None else at_s, dtype=np.float64)
    avg = np.array(values, dtype=np.float64)
    key = (component, "received", tuple(sorted(labels.items())), "bytes/s", STEP_S)
    return Series(*key, t, avg, avg - 1, avg + 1, np.full(len(avg), 2.0))


def test_interfaces_of_two_hosts_by_interface() -> None:
    lines = [
        line([10, 20], component="a", interface="eth0"),
        line([1, 2], component="a", interface="lo"),
        line([30, 60], component="b", interface="eth0"),
    ]
    eth0, lo = grouped(lines, "interface", "sum")
    assert (eth0.component, eth0.label, eth0.unit) == ("", "eth0", "bytes/s")
    assert eth0.avg.tolist() == eth0.low.tolist() == eth0.high.tolist() == [40, 80]
    assert eth0.count.tolist() == [4, 4]
    assert (lo.component, lo.avg.tolist()) == ("a", [1, 2])
    average, _ = grouped(lines, "interface", "avg")
    assert (average.avg.tolist(), average.low.tolist(), average.high.tolist()) == ([20, 40], [9, 19], [31, 61])
    largest, _ = grouped(lines, "interface", "max")
    assert (largest.avg.tolist(), largest.low.tolist(), largest.high.tolist()) == ([30, 60], [29, 59], [31, 61])


def test_by_component_and_all_together() -> None:
    lines = [line([1], component="a"), line([2], component="b"), line([4], component="a", disk="x")]
    assert {group.label: group.avg.tolist() for group in grouped(lines, COMPONENT, "sum")} == {"a": [5], "b": [2]}
    (total,) = grouped(lines, TOGETHER, "sum")
    assert (total.avg.tolist(), total.label) == ([7], "sum of 3 series")
    assert [group.label for group in grouped(lines, "disk", "sum")] == ["no disk", "x"]


def test_a_series_sampled_rarely_keeps_its_value_in_between() -> None:
    often = line([1.0] * 7, at_s=[0, 10, 20, 30, 40, 50, 60])
    rarely = line([100.0, 200, 300], at_s=[0, 30, 60], disk="x")
    (total,) = grouped([often, rarely], TOGETHER, "sum")
    assert total.avg.tolist() == [101, 101, 101, 201, 201, 201, 301]


def test_a_series_that_stopped_is_not_counted_any_more() -> None:
    living = line([1.0] * 10)
    stopped = line([5.0, 5, 5], disk="x")
    (total,) = grouped([living, stopped], TOGETHER, "sum")
    assert total.avg.tolist() == [6, 6, 6, 1, 1, 1, 1, 1, 1, 1]
    (average,) = grouped([living, stopped], TOGETHER, "avg")
    assert average.avg.tolist() == [3, 3, 3, 1, 1, 1, 1, 1, 1, 1]


def test_a_hole_is_not_filled() -> None:
    holed = line([5.0, 5, 5, 5], at_s=[0, 10, 80, 90], disk="x")
    points, known = held(holed, np.arange(0.0, 110, 10))
    assert known.tolist() == [True, True, *[False] * 6, True, True, False]
    assert points[known].tolist() == [0, 1, 2, 3]


@given(st.lists(st.lists(st.floats(0, 1e9), min_size=1, max_size=6), min_size=1, max_size=5), st.sampled_from(HOWS))
def test_the_line_lies_in_its_band_and_between_its_members(values: list[list[float]], how: str) -> None:
    (group,) = grouped([line(column, disk=str(n)) for n, column in enumerate(values)], TOGETHER, how)
    assert np.all(group.low <= group.avg * (1 + 1e-12) + 1e-9)
    assert np.all(group.high >= group.avg * (1 - 1e-12) - 1e-9)
    for place in range(len(group.t)):
        there = [column[place] for column in values if place < len(column)]
        expected = {"sum": sum(there), "avg": sum(there) / len(there), "max": max(there)}[how]
        assert group.avg[place] == pytest.approx(expected)
