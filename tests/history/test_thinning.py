import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import probes
from history.spool.thinning import COARSEST_S, Fold, fold_of, thin
from tests.history.rows import COUNT, METRICS, T0_S
from tests.probes.fakes import FILL

SAMPLES = st.lists(
    st.tuples(st.integers(-3, 3), st.integers(0, 4 * COARSEST_S), st.integers(0, 1000)),
    max_size=60,
    unique_by=lambda row: row[:2],
)


def thinned(rows: list[tuple[int, int, int]], fold: Fold) -> list[tuple[int, int, float]]:
    """The samples that are left, sorted by series and time."""
    series_id, ts_s, value = (np.array([row[index] for row in rows], np.int64) for index in range(3))
    done = thin(series_id, ts_s, value.astype(np.float64), np.full(len(rows), fold))
    values = value.astype(np.float64)
    values[done.kept] = done.value
    left = sorted(set(range(len(rows))) - set(done.gone.tolist()))
    return sorted((int(series_id[i]), int(ts_s[i]), float(values[i])) for i in left)


@given(SAMPLES)
def test_no_increase_is_lost_and_no_series(rows: list[tuple[int, int, int]]) -> None:
    left = thinned(rows, Fold.SUM)
    for series_id in {row[0] for row in rows}:
        mine = [row for row in rows if row[0] == series_id]
        kept = [row for row in left if row[0] == series_id]
        assert sum(row[2] for row in kept) == sum(row[2] for row in mine)
        assert len(kept) >= len(mine) / 2
        assert max(row[1] for row in kept) == max(row[1] for row in mine), "the newest keeps its time"


@given(SAMPLES, st.sampled_from([Fold.LOW, Fold.HIGH]))
def test_the_worst_of_a_state_stays(rows: list[tuple[int, int, int]], fold: Fold) -> None:
    worst = min if fold is Fold.LOW else max
    left = thinned(rows, fold)
    for series_id in {row[0] for row in rows}:
        mine, kept = ([row[2] for row in some if row[0] == series_id] for some in (rows, left))
        assert worst(kept) == worst(mine)


@given(SAMPLES)
def test_levels_stay_as_they_were_measured(rows: list[tuple[int, int, int]]) -> None:
    assert set(thinned(rows, Fold.LATER)) <= set(rows)


@given(SAMPLES)
def test_again_and_again_samples_come_to_be_a_quarter_of_an_hour_apart_and_no_more(rows) -> None:
    left = rows
    while len(next_left := [(s, t, int(v)) for s, t, v in thinned(left, Fold.SUM)]) < len(left):
        left = next_left
    for (series, at_s, _), (following, next_s, _) in zip(sorted(left), sorted(left)[1:], strict=False):
        assert series != following or next_s - at_s >= COARSEST_S
    for series_id in {row[0] for row in rows}:
        times = sorted(row[1] for row in rows if row[0] == series_id)
        kept = sum(row[0] == series_id for row in left)
        assert kept >= (times[-1] - times[0]) / (2 * COARSEST_S) / 2 - 1 or len(times) <= kept * 2


def test_pairs_are_neighbours_in_time_whatever_their_order() -> None:
    rows = [(1, T0_S + 30, 4), (1, T0_S, 1), (1, T0_S + 20, 3), (1, T0_S + 10, 2), (2, T0_S, 9)]
    assert thinned(rows, Fold.SUM) == [(1, T0_S + 10, 3.0), (1, T0_S + 30, 7.0), (2, T0_S, 9.0)]
    assert thinned([], Fold.SUM) == []


def test_what_a_metric_becomes() -> None:
    assert fold_of(COUNT) is Fold.SUM
    assert fold_of(FILL) is Fold.LATER
    assert fold_of(METRICS["probe_up"]) is Fold.LOW, "an outage must not be thinned away"
    assert fold_of(METRICS["probe_status"]) is Fold.HIGH
    assert fold_of(METRICS["kafka_topics"]) is Fold.LATER
    assert all(fold_of(metric) is Fold.SUM for metric in probes.METRICS.values() if metric.type == "counter")
