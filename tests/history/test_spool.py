import math
import struct
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from history.rows import Sample, SeriesKey, SeriesRow, StatusChange
from history.spool.rows import Rows, table_of
from history.spool.sqlite import MAX_QUARANTINED, Batch, Spool
from history.spool.thinning import Fold
from probes.result import Status, labels, utc
from tests.history.rows import T0_S
from tests.probes.fakes import FILL


def gauge(at_s: int, value: float = 1.0, series_id: int = 1) -> tuple[Sample, Fold]:
    return Sample(series_id, at_s, value), Fold.LATER


def filled(path: Path | None, size: int) -> Spool:
    spool = Spool(path)
    spool.append(Rows([gauge(T0_S + step, float(step)) for step in range(size)]))
    return spool


def values(spool: Spool, batch: Batch) -> list[float]:
    return np.array([row[2] for row in spool.rows(batch)], np.int64).view(np.float64).tolist()


def drained(spool: Spool, most: int = 50_000) -> list[float]:
    """Every value that leaves the spool, in order."""
    found: list[float] = []
    while batch := spool.take(most):
        found += values(spool, batch)
        spool.written(batch)
    return found


DOUBLES = st.one_of(
    st.floats(allow_nan=False), st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 2.0**53 + 2, math.pi, 1e308, 1.0, -1.0])
)


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), DOUBLES), min_size=1, max_size=30))
def test_every_bit_comes_back(rows: list[tuple[int, float]]) -> None:
    spool = Spool(None)
    spool.append(Rows([gauge(T0_S, value, series_id) for series_id, value in rows]))
    batch = spool.take(100)
    assert batch is not None
    back = spool.rows(batch)
    assert [struct.pack("<q", row[2]) for row in back] == [struct.pack("<d", value) for _, value in rows]
    assert [row[0] % 2**64 for row in back] == [series_id for series_id, _ in rows]
    table = table_of(batch.table, back)
    assert sorted(table["series_id"].to_pylist()) == sorted(series_id for series_id, _ in rows)


def test_what_waits_and_what_is_on_its_way_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    spool = filled(path, 10)
    batch = spool.take(4)
    assert batch is not None
    spool.close()
    again = Spool(path)
    assert (again.waiting, again.since_s, again.has_batch) == (10, T0_S, True)
    again.append(Rows([gauge(T0_S + 10, 10.0)]))
    assert again.take(50_000) == batch, "the very same rows under the very same token, whatever came since"
    assert values(again, batch) == [0.0, 1.0, 2.0, 3.0]
    assert drained(again, 4) == [float(value) for value in range(11)]
    assert (again.waiting, again.since_s, again.has_rows) == (0, None, False)
    again.append(Rows([gauge(T0_S)]))
    fresh = again.take(1)
    assert fresh is not None
    assert (fresh.token != batch.token, fresh.first) == (True, 12), "numbers are never used again"


def test_a_series_goes_before_its_samples_and_text_of_any_kind_goes() -> None:
    spool = Spool(None)
    key = SeriesKey("thing", FILL.name, labels(disk="/mnt/ü", name='a"b\\'))
    change = StatusChange("thing", utc(T0_S + 0.123), Status.OK, "broken \ud800 text")
    spool.append(Rows([gauge(T0_S, 0.5, key.id)], [SeriesRow(key, "ratio", "gauge")], [change]))
    tables = []
    while batch := spool.take(10):
        tables.append((batch.table, table_of(batch.table, spool.rows(batch)).to_pylist()[0]))
        spool.written(batch)
    assert [name for name, _ in tables] == ["series", "status_change", "samples"]
    assert tables[0][1]["series_id"] == tables[2][1]["series_id"] == key.id
    assert dict(tables[0][1]["labels"]) == dict(key.labels)
    assert tables[1][1] == {
        "component": "thing", "ts": change.ts, "status": "ok", "reason": "broken ? text",
    }  # fmt: skip


@given(st.sets(st.integers(0, 199), max_size=4), st.integers(1, 250))
def test_refusals_isolate_the_rows_at_fault(bad: set[int], most: int) -> None:
    spool = filled(None, 200)
    taken, attempts = [], 0
    while batch := spool.take(most):
        attempts += 1
        found = values(spool, batch)
        if bad & set(map(int, found)):
            spool.refused(batch, "no such value")
        else:
            taken += found
            spool.written(batch)
    assert taken == [float(value) for value in range(200) if value not in bad], "in order, the others untouched"
    assert spool.quarantined == len(bad)
    assert attempts <= 2 * 8 * len(bad) + 200 / most + 2
    assert not spool.has_rows


def test_a_quarantine_is_bounded_and_keeps_the_newest() -> None:
    spool = filled(None, MAX_QUARANTINED + 5)
    while batch := spool.take(1):
        assert spool.refused(batch, "no")
    kept = spool._db.execute("SELECT count(*), min(id), max(reason) FROM quarantine").fetchone()
    assert kept == (MAX_QUARANTINED, 6, "no")


@settings(max_examples=25)
@given(st.integers(1, 4), st.integers(10, 90), st.integers(16, 60), st.integers(0, 10), st.sampled_from([1, 60, 1000]))
def test_at_the_bound_increases_are_added_the_newest_stay_and_the_batch_is_left_alone(
    series: int, ticks: int, most: int, on_its_way: int, every_s: int
) -> None:
    spool, added, freed = Spool(None), 0, [0, 0]
    batch = None
    for tick in range(ticks):
        spool.append(Rows([(Sample(one, T0_S + tick * every_s, float(tick)), Fold.SUM) for one in range(series)]))
        added += series
        if tick == on_its_way:
            batch = spool.take(series)
        done = spool.bound(most)
        freed = [freed[0] + done.thinned, freed[1] + done.dropped]
    assert spool.waiting <= max(most, series)
    assert spool.waiting + sum(freed) == added, "each is waiting, merged or dropped"
    if every_s == 1000:
        assert freed[0] == 0, "no pair is less than 15 min apart"
    left = spool._db.execute("SELECT bits, ts_s FROM samples ORDER BY id").fetchall()
    if not freed[1]:
        total = sum(np.array([row[0] for row in left], np.int64).view(np.float64))
        assert total == series * sum(range(ticks))
    assert left[-1][1] == T0_S + (ticks - 1) * every_s
    if batch is not None:
        assert len(spool.rows(batch)) == series
        assert spool.take(1) == batch


def test_a_file_that_was_large_is_small_again_once_it_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("history.spool.sqlite.SHRINK_PAGES", 100)
    spool = filled(tmp_path / "spool.sqlite", 50_000)
    large = spool.bytes
    assert len(drained(spool)) == 50_000
    assert spool.bytes < large / 20
    spool.close()


def test_the_oldest_become_the_coarsest() -> None:
    spool = Spool(None)
    for tick in range(3000):
        spool.append(Rows([gauge(T0_S + tick)]))
        spool.bound(1000)
    at_s = [row[0] for row in spool._db.execute("SELECT ts_s FROM samples ORDER BY id").fetchall()]
    gaps = [later - earlier for earlier, later in pairwise(at_s)]
    assert 700 <= len(at_s) <= 1000
    assert max(gaps) < 1800
    assert all(gap == 1 for gap in gaps[-300:]), "the newest are as they came"
    assert sum(gaps[:100]) > sum(gaps[200:300]) >= sum(gaps[-100:])
