"""Two sides out of the store: a course moved onto another, across tiers, and the figures of both."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from history import queries, rows
from history.queries import comparing
from history.rows import SeriesKey, SeriesRow
from history.store import Store
from history.window import Window
from settings import DEFAULT_ZONE, History
from settings_types import SecretUrl
from tests.history.rows import T0_S, client_of
from tests.probes.listeners import eventually

HOUR_S, DAY_S, STEP_S = 3600, 86400, 30
END_S = T0_S + 2 * DAY_S
T = np.arange(T0_S, END_S, STEP_S)
LATENCY, UP = "probe_latency_seconds", "probe_up"
COURSES = {
    SeriesKey("kafka", LATENCY): 1.0 + (T >= T0_S + DAY_S),
    SeriesKey("kafka", UP): np.ones(len(T)),
    SeriesKey("redis", LATENCY): np.full(len(T), 0.25),
    SeriesKey("redis", UP): np.ones(len(T)),
    **{SeriesKey("busy", LATENCY, (("lane", lane),)): np.full(len(T), 0.5) for lane in "ab"},
    SeriesKey("busy", UP): np.ones(len(T)),
    SeriesKey("lone", LATENCY, (("lane", "b"),)): np.full(len(T), 0.5),
}
FIRST, SECOND = Window(T0_S, T0_S + DAY_S), Window(T0_S + DAY_S, END_S)


@pytest.fixture(scope="module")
def two_days(chdb_path: Path) -> Iterator[Store]:
    """Kafka is twice as slow on the second day; redis is not; nobody looked at redis in the second half."""
    store = Store(History(dsn=SecretUrl(f"chdb://{chdb_path}"), database="t_comparing"))
    store.start()
    assert eventually(lambda: store.state.ready, 30), store.state.error
    with client_of(store) as client:
        rows.insert(
            client,
            "t_comparing.series",
            rows.series_table([SeriesRow(key, "seconds", "gauge") for key in COURSES]),
            "series",
        )
        for key, values in COURSES.items():
            seen = (T < END_S - DAY_S // 2) | (key.component != "redis")
            ids = np.full(seen.sum(), key.id, np.uint64)
            rows.insert(client, "t_comparing.samples", rows.columns_table(ids, T[seen], values[seen]), str(key.id))
    yield store
    store.stop()


def asked(store: Store, question: Any, *args: Any, raw_kept_s: float = 90 * DAY_S) -> Any:
    with client_of(store) as client:
        scope = queries.Scope(store.database, raw_kept_s, END_S, zone=DEFAULT_ZONE)
        return question(client, scope, *args)


def test_the_day_before_lies_on_the_times_of_the_day(two_days: Store) -> None:
    both = asked(two_days, comparing.courses, LATENCY, "kafka", SECOND, "kafka", FIRST)
    (now,), (before,) = both.series, both.previous
    assert now.t.tolist() == before.t.tolist()
    assert (set(now.avg), set(before.avg)) == ({2.0}, {1.0})


def test_another_component_is_paired_with_this_one(two_days: Store) -> None:
    both = asked(two_days, comparing.courses, LATENCY, "kafka", FIRST, "redis", FIRST)
    (kafka,), (redis,) = both.series, both.previous
    assert redis.component == "kafka"
    assert set(redis.avg) == {0.25}
    assert redis.t.tolist() == kafka.t.tolist()


def test_of_more_series_than_are_compared_some_of_each_metric_stay_and_how_many_there_are_is_told(
    two_days: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "MOST", 2)
    both = asked(two_days, comparing.figures, "busy", SECOND, "busy", FIRST)
    assert ([one.metric for one in both.a], both.total_a, both.total_b) == ([LATENCY, UP], 3, 3)


def test_of_more_series_than_are_drawn_those_stay_that_both_sides_have(
    two_days: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "MAX_SERIES", 1)
    both = asked(two_days, comparing.courses, LATENCY, "lone", FIRST, "busy", FIRST)
    assert ([one.labels for one in both.previous], both.truncated) == ([(("lane", "b"),)], False)
    assert asked(two_days, comparing.courses, LATENCY, "busy", FIRST, "lone", FIRST).total == 2
    assert asked(two_days, comparing.courses, LATENCY, "nobody", FIRST, "busy", FIRST).truncated


@pytest.mark.parametrize("raw_kept_s", [DAY_S + 60, HOUR_S])
def test_both_sides_have_buckets_of_one_width_whatever_tier_each_is_read_from(
    two_days: Store, raw_kept_s: float
) -> None:
    hour = Window(END_S - HOUR_S, END_S)
    old = Window(T0_S + 6 * HOUR_S, T0_S + 12 * HOUR_S)
    both = asked(two_days, comparing.courses, LATENCY, "kafka", hour, "kafka", old, raw_kept_s=raw_kept_s)
    (now,), (before,) = both.series, both.previous
    assert now.step_s == before.step_s == both.step_s == 900
    assert now.t.tolist() == before.t[: len(now.t)].tolist()


def test_a_side_without_samples_is_empty_and_the_other_stays(two_days: Store) -> None:
    never = Window(T0_S - 9 * DAY_S, T0_S - 8 * DAY_S)
    both = asked(two_days, comparing.courses, LATENCY, "kafka", FIRST, "kafka", never)
    assert len(both.series) == 1
    assert both.previous == ()
    nobody = asked(two_days, comparing.courses, LATENCY, "nobody", FIRST, "kafka", FIRST)
    assert nobody.series == ()
    assert len(nobody.previous) == 1


def test_figures_of_both_sides_and_what_was_observed(two_days: Store) -> None:
    found = asked(two_days, comparing.figures, "kafka", SECOND, "redis", SECOND)
    assert {line.metric: line.p50 for line in found.a} == {LATENCY: pytest.approx(2.0, rel=0.03), UP: 1.0}
    assert {line.metric: line.avg for line in found.b}[LATENCY] == pytest.approx(0.25)
    seen = [sum(end_s - start_s for start_s, end_s in side) / DAY_S for side in (found.observed_a, found.observed_b)]
    assert seen == [pytest.approx(1, abs=0.01), pytest.approx(0.5, abs=0.01)]
