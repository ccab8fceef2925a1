"""Shares of all components' time, bucket by bucket."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.shares import COUNTED, mix
from history.answers import Interval
from history.buckets import Buckets
from history.window import Window
from probes.result import Status

BUCKETS = Buckets((0, 100, 200), 100, even=True)
WINDOW = Window(0, 200)


def test_each_bucket_is_divided_among_all_components_and_nothing_is_claimed_of_what_nobody_saw() -> None:
    spans = [
        Interval("kafka", Status.OK, 0, 150, ""),
        Interval("kafka", Status.CRITICAL, 150, 200, ""),
        Interval("redis", Status.UNKNOWN, 0, 100, ""),
        Interval("redis", Status.WARNING, 100, 200, ""),
    ]
    found = mix(spans, {"kafka": [(0, 200)], "redis": [(0, 50), (100, 200)]}, BUCKETS, WINDOW)
    told = {status: found.shares[status].tolist() for status in (*COUNTED, None)}
    assert told == {
        Status.OK: [0.5, 0.25],
        Status.WARNING: [0.0, 0.5],
        Status.CRITICAL: [0.0, 0.25],
        Status.UNKNOWN: [0.25, 0.0],
        None: [0.25, 0.0],
    }
    assert found.over(Status.OK) == pytest.approx(0.375)


def test_what_of_a_bucket_lies_outside_the_range_counts_for_nothing() -> None:
    spans = [Interval("kafka", Status.OK, 0, 200, "")]
    found = mix(spans, {"kafka": [(0, 150)]}, BUCKETS, Window(50, 150))
    assert found.edges_s.tolist() == [50, 100, 150]
    assert found.shares[Status.OK].tolist() == [1.0, 1.0]
    assert np.allclose(found.shares[None], 0)


def test_nobody_is_nothing() -> None:
    found = mix([], {}, BUCKETS, replace(WINDOW))
    assert found.shares[None].tolist() == [1.0, 1.0]
    assert found.over(Status.OK) == 0.0
