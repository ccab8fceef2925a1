"""What else moved: planted incidents among quiet series, told by score, moment and band."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from history import queries, rows
from history.answers import Mover
from history.rows import SeriesKey, SeriesRow
from history.store import Store
from history.window import Window
from settings import DEFAULT_ZONE, History
from settings_types import SecretUrl
from tests.history.rows import T0_S, client_of
from tests.probes.listeners import eventually

HOUR_S = 3600
END_S = T0_S + 9 * HOUR_S
STEP_S = 15
HOUR = Window(END_S - HOUR_S, END_S)
T = np.arange(T0_S, END_S, STEP_S)
BEGAN_S = END_S - 1800
COMPONENTS = 6


@pytest.fixture(scope="module")
def kept(chdb_path: Path) -> Iterator[Store]:
    """60 noisy series; in the last half hour one rises sevenfold, one falls to nothing, one leaves a constant zero."""
    store = Store(History(dsn=SecretUrl(f"chdb://{chdb_path}"), database="t_moving"))
    store.start()
    assert eventually(lambda: store.state.ready, 30), store.state.error
    random = np.random.default_rng(5)
    keys = [SeriesKey(f"c{number % COMPONENTS}", f"metric_{number:02}") for number in range(60)]
    values = {key: random.lognormal(0, 0.25, len(T)) for key in keys}
    late = T >= BEGAN_S
    values[keys[7]][late] *= 7
    values[keys[8]][late] *= 0.02
    values[keys[9]] = np.where(T >= BEGAN_S + 300, 3.0, 0.0)
    values[keys[10]] = np.full(len(T), 4.0)
    new = keys[11]
    with client_of(store) as client:
        named = [SeriesRow(key, "count", "gauge") for key in keys]
        rows.insert(client, "t_moving.series", rows.series_table(named), "s")
        for key, column in values.items():
            seen = T >= BEGAN_S if key == new else np.ones(len(T), bool)
            table = rows.columns_table(np.full(seen.sum(), key.id, np.uint64), T[seen], column[seen])
            rows.insert(client, "t_moving.samples", table, key.metric)
    yield store
    store.stop()


def moved(store: Store, window: Window, components: tuple[str, ...] = (), now_s: float = END_S) -> tuple[Mover, ...]:
    with client_of(store) as client:
        return queries.movers(client, queries.scope_of(store.settings, DEFAULT_ZONE, now_s), window, components)


def test_what_was_planted_is_found_and_nothing_else(kept: Store) -> None:
    found = {mover.row.key.metric: mover for mover in moved(kept, HOUR)}
    assert list(found) == ["metric_09", "metric_07", "metric_08"], "the farthest from its own past first"
    rose, fell, left = found["metric_07"], found["metric_08"], found["metric_09"]
    assert rose.began_s == pytest.approx(BEGAN_S, abs=60)
    assert rose.value > 3 * rose.high > 3 * rose.usual
    assert fell.value < 0.1 * fell.usual
    assert (left.usual, left.low, left.high, left.value, left.began_s) == (0, 0, 0, 3, BEGAN_S + 300)
    assert left.outside_ratio == pytest.approx(1500 / 3600)
    assert rose.score > fell.score


def test_each_brings_its_course_of_the_window_and_before(kept: Store) -> None:
    (mover, *_) = moved(kept, HOUR)
    assert mover.line is not None
    assert mover.line.t[0] >= HOUR.start_s - HOUR_S - mover.line.step_s
    assert mover.line.t[-1] < HOUR.end_s
    assert len(mover.line.t) > 100
    assert mover.line.avg[-1] == 3


def test_a_quiet_hour_and_a_series_without_a_past(kept: Store) -> None:
    assert moved(kept, Window(HOUR.start_s - HOUR_S, HOUR.start_s)) == ()
    assert "metric_11" not in {mover.row.key.metric for mover in moved(kept, HOUR)}
    assert moved(kept, Window(END_S + HOUR_S, END_S + 2 * HOUR_S)) == ()


def test_components_and_names_that_try_to_be_sql(kept: Store) -> None:
    assert [mover.row.key.metric for mover in moved(kept, HOUR, ("c2", "c3"))] == ["metric_09", "metric_08"]
    assert moved(kept, HOUR, ("x') OR 1=1 --", "\\")) == ()


def test_a_longer_window_is_read_from_the_quarter_hours(kept: Store) -> None:
    found = moved(kept, Window(END_S - 4 * HOUR_S, END_S))
    assert {"metric_07", "metric_09"} <= {mover.row.key.metric for mover in found}
    assert all(mover.began_s % 900 == 0 for mover in found)
    old = moved(kept, HOUR, now_s=END_S + 200 * 86400)
    assert {"metric_07", "metric_09"} <= {mover.row.key.metric for mover in old}, "raw samples are gone by then"
