"""Whatever is measured, in whatever order it comes: every tier says what the raw samples say, in both desks' zones."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import numpy as np
import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from history.rows import Sample, SeriesKey, insert, samples_table
from history.schema import Layout
from history.store import Store
from history.upgrades import migrate
from settings import History, Retention
from settings_types import SecretUrl
from tests.history.local_days import by_period, local_edges

DAY_S = 86400
ZONES = ("America/New_York", "Europe/Berlin")
CHANGES = {
    season: [int(datetime(2026, month, day, tzinfo=UTC).timestamp()) for month, day in days]
    for season, days in {"spring": ((3, 8), (3, 29)), "autumn": ((10, 25), (11, 1))}.items()
}
"""The days on which New York's and Berlin's clocks change."""
DAY = CHANGES["spring"][0]
KEPT = Retention.model_validate(dict.fromkeys(("raw", "quarter_hour", "four_hours", "days"), "3600d"))
HOURS = {"samples_15m": 0, "samples_4h": 4, "samples_1d": 24}
LARGEST = 1e300
values = st.floats(-LARGEST, LARGEST) | st.floats(-100, 100) | st.sampled_from([0.0, -0.0, 5e-324, -1e-310, LARGEST])
samples = st.tuples(st.integers(-DAY_S, 2 * DAY_S), values)
batches_of_samples = st.lists(st.lists(samples, min_size=1, max_size=30), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def client(request: pytest.FixtureRequest, chdb_path) -> Iterator[Client]:  # type: ignore[no-untyped-def]
    opened = Store(History(dsn=SecretUrl(f"chdb://{chdb_path}"))).connect()
    for zone in ZONES:
        migrate(opened, Layout(database_of(zone), zone, KEPT))
    yield opened
    opened.close()


def database_of(zone: str) -> str:
    return f"t_rollups_{zone.partition('/')[2].lower()}"


def edges_of(table: str, start_s: int, end_s: int, zone: str) -> np.ndarray:
    hours = HOURS[table]
    return local_edges(start_s, end_s, hours, zone) if hours else np.arange(start_s // 900 * 900, end_s + 1800, 900)


@pytest.mark.parametrize("season", CHANGES)
@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=3)
@given(st.data())
def test_every_tier_is_the_raw_computation(client: Client, zone: str, season: str, data: st.DataObject) -> None:
    day_s = data.draw(st.sampled_from(CHANGES[season]))
    batches = data.draw(batches_of_samples)
    again = data.draw(st.lists(st.integers(0, len(batches) - 1), max_size=2))
    key = SeriesKey(uuid4().hex, "gauge")
    tables = [samples_table(Sample(key.id, day_s + at_s, value) for at_s, value in batch) for batch in batches]
    for number in [*range(len(tables)), *again]:
        insert(client, f"{database_of(zone)}.samples", tables[number], f"{key.component} {number}")
    flat = sorted(sample for batch in batches for sample in batch)
    t, v = day_s + np.array([at_s for at_s, _ in flat]), np.array([value for _, value in flat])
    raw = client.query_np(
        f"SELECT toInt64(toUnixTimestamp(ts)), bits FROM {database_of(zone)}.samples WHERE series_id = {key.id} "
    )
    assert sorted(map(tuple, raw.tolist())) == sorted(zip(t.tolist(), v.view(np.uint64).tolist(), strict=True))
    for table in HOURS:
        check_rows(client, zone, table, key, t, v)
    table, first, length = data.draw(st.tuples(st.sampled_from(list(HOURS)), st.integers(0, 30), st.integers(1, 30)))
    edges = edges_of(table, int(t.min()), int(t.max()), zone)
    check_range(client, zone, table, key, t, v, [edges[min(at, len(edges) - 1)] for at in (first, first + length)])


def check_rows(client: Client, zone: str, table: str, key: SeriesKey, t: np.ndarray, v: np.ndarray) -> None:
    """A tier's rows begin at the zone's edges and say what the samples between them say."""
    expected = by_period(t, v, edges_of(table, int(t.min()), int(t.max()), zone))
    rows = client.query(
        "SELECT toInt64(toUnixTimestamp(t)) AS start, toInt64(sum(cnt)), min(vmin), max(vmax), sum(vsum) "
        f"FROM {database_of(zone)}.{table} WHERE series_id = {key.id} GROUP BY start ORDER BY start"
    ).result_rows
    assert [row[:4] for row in rows] == [(s, len(x), x.min(), x.max()) for s, x in expected.items()], (table, zone)
    for row, x in zip(rows, expected.values(), strict=True):
        assert row[4] == pytest.approx(x.sum(), rel=1e-9, abs=1e-12 * np.abs(x).sum()), (table, zone)


def check_range(
    client: Client, zone: str, table: str, key: SeriesKey, t: np.ndarray, v: np.ndarray, ends: list[int]
) -> None:
    inside = v[(t >= ends[0]) & (t < ends[1])]
    ((count, low, high, total),) = client.query(
        f"SELECT toInt64(sum(cnt)), min(vmin), max(vmax), sum(vsum) FROM {database_of(zone)}.{table} "
        f"WHERE series_id = {key.id} AND t >= toDateTime({ends[0]}) AND t < toDateTime({ends[1]})"
    ).result_rows
    assert count == len(inside)
    if count:
        assert (low, high) == (inside.min(), inside.max())
        assert total == pytest.approx(inside.sum(), rel=1e-9, abs=1e-12 * np.abs(inside).sum())


@pytest.mark.parametrize("value", [1.79e308, -1.79e308, float("inf"), float("nan")])
def test_a_value_no_sketch_takes_is_written_all_the_same(client: Client, value: float) -> None:
    database, key = database_of(ZONES[0]), SeriesKey(uuid4().hex, "gauge")
    rows = samples_table([Sample(key.id, DAY, value), Sample(key.id, DAY + 1, 1.0)])
    insert(client, f"{database}.samples", rows, key.component)
    counts = [
        client.query(f"SELECT toInt64(sum(cnt)) FROM {database}.{table} WHERE series_id = {key.id}").result_rows[0][0]
        for table in HOURS
    ]
    assert counts == [2, 2, 2]
