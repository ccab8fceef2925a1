"""From every earlier schema and between zones: nothing lost, nothing twice, wherever it is broken off."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

from history.rows import SeriesKey, insert
from history.schema import SKETCH_MERGE, SKETCH_SCALE, Layout
from history.store import Store
from history.upgrades import migrate
from settings import History, Retention
from settings_types import SecretUrl
from tests.clickhouse_http import clickhouse_process
from tests.history import schema_v1, schema_v2
from tests.history.local_days import Floats, Ints, by_period, local_edges

HOUR_S, DAY_S, WEEK_S = 3600, 86400, 7 * 86400
MONDAY_S = 1_791_158_400
"""2026-10-05: the five weeks from here have the ends of summer time in Berlin and in New York."""
RAW_FROM_S = MONDAY_S + 2 * WEEK_S + 5 * HOUR_S + 1234
QUARTER_HOURS_FROM_S = MONDAY_S + WEEK_S + 7 * HOUR_S + 1800
KEPT = Retention.model_validate(dict.fromkeys(("raw", "quarter_hour", "four_hours", "days"), "3600d"))
GAUGE, COUNTER = SeriesKey("thing", "gauge"), SeriesKey("thing", "counter")
TIERS = ("samples_15m", "samples_4h", "samples_1d")
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


@dataclass(frozen=True, slots=True)
class Samples:
    """Sorted by series, then time, as the database answers."""

    series_id: Ints
    ts_s: Ints
    value: Floats


def irregular(start_s: int, weeks: int, mean_gap_s: int) -> Samples:
    """A gauge of either sign and a counter's increases, with jitter, at times of their own."""
    random = np.random.default_rng(4)
    parts = []
    for key in (GAUGE, COUNTER):
        gaps = random.integers(1, 2 * mean_gap_s, weeks * WEEK_S // mean_gap_s)
        t = start_s + np.cumsum(gaps)
        t = t[t < start_s + weeks * WEEK_S]
        values = random.normal(0, 50, len(t)) if key is GAUGE else random.integers(0, 1000, len(t)).astype(float)
        parts.append((np.full(len(t), key.id, np.uint64).astype(np.int64), t, values))
    parts.sort(key=lambda part: int(part[0][0].astype(np.uint64)))
    return Samples(*(np.concatenate(column) for column in zip(*parts, strict=True)))


ALL, FEW = irregular(MONDAY_S, 5, 7200), irregular(MONDAY_S, 1, 4 * HOUR_S)


class BrokenOff(Exception):
    pass


class Breaking:
    """A client whose `last`-th statement is its last: an INSERT SELECT half done at first, all others just done."""

    def __init__(self, client: Client, last: int, halve: bool) -> None:
        self._client, self._left, self._halve = client, last, halve

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def command(self, statement: str, **options: Any) -> Any:
        if statement.startswith("SELECT"):
            return self._client.command(statement, **options)
        self._left -= 1
        head, select, tail = statement.partition("SELECT ")
        halved = not self._left and self._halve and head.startswith("INSERT") and bool(select)
        done = self._client.command(f"{head}SELECT * FROM (SELECT {tail}) LIMIT 7" if halved else statement, **options)
        if not self._left:
            raise BrokenOff(halved)
        return done


def broken_off_everywhere(client: Client, layout: Layout) -> int:
    """Migrate with attempts that get one statement further each; how many statements that were."""
    last, halve = 1, True
    while True:
        try:
            migrate(Breaking(client, last, halve), layout)  # type: ignore[arg-type]
        except BrokenOff as broken:
            halve = not broken.args[0]
            last += halve
            continue
        return last


def rows(client: Client, database: str, table: str, where: str = "1") -> list[tuple[Any, ...]]:
    return list(
        client.query(
            "SELECT toInt64(series_id) AS id, toInt64(toUnixTimestamp(t)) AS start, min(vmin), max(vmax), sum(vsum), "
            f"toInt64(sum(cnt)) FROM {database}.{table} WHERE {where} GROUP BY id, start ORDER BY id, start"
        ).result_rows
    )


def totals(client: Client, database: str, table: str) -> list[tuple[Any, ...]]:
    """Count, minimum, maximum and sum of each series in a tier or in the raw samples."""
    what = (
        "count(), min(value), max(value), sum(value)"
        if table == "samples"
        else "toUInt64(sum(cnt)), min(vmin), max(vmax), sum(vsum)"
    )
    found = client.query(f"SELECT series_id, {what} FROM {database}.{table} GROUP BY series_id ORDER BY 1").result_rows
    return [(*row[:4], pytest.approx(row[4], rel=1e-9, abs=1e-6)) for row in found]


def make_version_1(client: Client, database: str, samples: Samples, raw_from_s: int, quarter_hours_from_s: int) -> None:
    """A history as version 1 left it: raw samples and quarter hours of long ago have expired."""
    for statement in schema_v1.create(database, KEPT):
        client.command(statement)
    for number, part in enumerate(np.array_split(np.argsort(samples.ts_s, kind="stable"), 5)):
        table = pa.table(
            {
                "series_id": pa.array(samples.series_id[part].astype(np.uint64)),
                "ts": pa.array(samples.ts_s[part].astype("datetime64[s]"), pa.timestamp("s", "UTC")),
                "value": samples.value[part],
            }
        )
        insert(client, f"{database}.samples", table, f"batch {number}")
    for view in ("samples_15m_mv", "samples_4h_mv"):
        client.command(f"DROP TABLE {database}.{view} SYNC")
    for table, column, from_s in (("samples", "ts", raw_from_s), ("samples_15m", "t", quarter_hours_from_s)):
        client.command(f"CREATE TABLE {database}.kept AS {database}.{table}")
        client.command(f"INSERT INTO {database}.kept SELECT * FROM {database}.{table} WHERE {column} >= {from_s}")
        client.command(f"EXCHANGE TABLES {database}.kept AND {database}.{table}")
        client.command(f"DROP TABLE {database}.kept SYNC")
    for statement in schema_v1.create(database, KEPT)[:-1]:
        client.command(statement)
    client.command(
        f"INSERT INTO {database}.status_change VALUES ('thing', '2026-10-06 10:00:00.123', 'critical', 'it''s down')"
    )
    client.command(
        f"INSERT INTO {database}.event VALUES ('61f0c404-5cb3-11e7-907b-a6006ad3dba0', '2026-10-06 10:00:00.5', NULL, "
        "'deploy', 'thing', 'ann', 'v2', 1, 0)"
    )
    for key, kind in ((GAUGE, "gauge"), (COUNTER, "counter")):
        client.command(
            f"INSERT INTO {database}.series VALUES ({key.id}, 'thing', '{key.metric}', map('disk', 'a'), '', '{kind}')"
        )


def told(client: Client, database: str) -> dict[str, list[Any]]:
    """What an upgrade leaves as it is."""
    return {
        table: sorted(map(repr, client.query(f"SELECT * FROM {database}.{table} FINAL").result_rows))
        for table in ("series", "status_change", "event")
    }


def shape(client: Client, database: str) -> dict[str, str]:
    """How every table of a database was made, without its name and until when a tier has other edges.

    The note of versions is left out: it is as old as the database. Settings stand in the order of their names.
    """
    made = client.query(
        f"SELECT name, create_table_query FROM system.tables WHERE database = '{database}' AND name != 'schema_version'"
    ).result_rows
    return {
        str(name): in_order(re.sub(r" since \d+|" + database, "", str(statement)).removesuffix(" COMMENT ''"))
        for name, statement in made
    }


def in_order(statement: str) -> str:
    """A statement with its settings sorted: those that came later stand last."""
    head, found, rest = statement.partition(" SETTINGS ")
    settings, told, comment = rest.partition(" COMMENT ")
    return "".join((head, found, ", ".join(sorted(settings.split(", "))), told, comment))


def raw(client: Client, database: str) -> list[tuple[Any, ...]]:
    return list(
        client.query(
            f"SELECT series_id, toUnixTimestamp(ts), value FROM {database}.samples ORDER BY 1, 2, 3"
        ).result_rows
    )


def part_of(samples: Samples, key: SeriesKey, from_s: int = 0) -> tuple[Ints, Floats]:
    chosen = (samples.series_id == np.uint64(key.id).astype(np.int64)) & (samples.ts_s >= from_s)
    return samples.ts_s[chosen], samples.value[chosen]


def check_local(client: Client, database: str, table: str, zone: str, from_s: int, samples: Samples) -> None:
    """From `from_s` on, a tier's rows are `zone`'s hours or days and say what the samples say."""
    found = rows(client, database, table, f"t >= toDateTime({from_s})")
    for key in (GAUGE, COUNTER):
        t, values = part_of(samples, key, from_s)
        expected = by_period(t, values, local_edges(from_s, int(t.max()), 4 if table == "samples_4h" else 24, zone))
        mine = [row[1:] for row in found if row[0] == np.uint64(key.id).astype(np.int64)]
        assert [row[0] for row in mine] == list(expected), (table, zone)
        assert [row[1:3] for row in mine] == [(part.min(), part.max()) for part in expected.values()]
        assert [row[4] for row in mine] == [len(part) for part in expected.values()]
        np.testing.assert_allclose([row[3] for row in mine], [part.sum() for part in expected.values()], atol=1e-6)


@pytest.fixture(params=["embedded", "http"])
def client(request: pytest.FixtureRequest, chdb_path: Path, tmp_path: Path) -> Iterator[Client]:
    if request.param == "embedded":
        opened = Store(History(dsn=SecretUrl(f"chdb://{chdb_path}"))).connect()
        yield opened
        opened.close()
        return
    with clickhouse_process(tmp_path) as server:
        opened = Store(History(dsn=SecretUrl(server.dsn))).connect()
        yield opened
        opened.close()


@pytest.fixture
def embedded(history_settings: History) -> Iterator[Client]:
    opened = Store(history_settings).connect()
    yield opened
    opened.close()


def test_weeks_of_version_1_come_over_whole(client: Client, database: str) -> None:
    layout = Layout(database, NEW_YORK, KEPT)
    make_version_1(client, database, ALL, RAW_FROM_S, QUARTER_HOURS_FROM_S)
    before = {table: totals(client, database, table) for table in ("samples", "samples_15m", "samples_4h")}
    quarter_hours, samples, kept = rows(client, database, "samples_15m"), raw(client, database), told(client, database)
    migrate(client, layout)
    assert {table: totals(client, database, table) for table in before} == before
    assert totals(client, database, "samples_1d") == before["samples_4h"]
    assert (raw(client, database), told(client, database)) == (samples, kept)
    for was, now in zip(quarter_hours, rows(client, database, "samples_15m"), strict=True):
        assert (*was[:4], pytest.approx(was[4], rel=1e-9, abs=1e-9), was[5]) == now
    first_day_s = int(local_edges(QUARTER_HOURS_FROM_S, QUARTER_HOURS_FROM_S + 2 * DAY_S, 24, NEW_YORK)[2])
    for table in ("samples_4h", "samples_1d"):
        check_local(client, database, table, NEW_YORK, first_day_s, ALL)
    check_percentiles(client, database)
    after = shape(client, database)
    migrate(client, layout)
    assert shape(client, database) == after
    assert {table: totals(client, database, table) for table in before} == before
    migrate(client, replace(layout, database=f"{database}_new"))
    assert after == {name: made.replace("_new", "") for name, made in shape(client, f"{database}_new").items()}


def check_percentiles(client: Client, database: str) -> None:
    """Within the sketches' 2 % and 1 %, or between the neighbours where samples are few."""
    t, values = part_of(ALL, COUNTER)
    for table, start_s, width_s in (("samples_4h", MONDAY_S, WEEK_S), ("samples_15m", RAW_FROM_S, 2 * WEEK_S)):
        inside = np.sort(values[(t >= start_s) & (t < start_s + width_s)])
        (found,) = client.query(
            f"SELECT arrayMap(x -> x / {SKETCH_SCALE}, {SKETCH_MERGE}(q)) FROM {database}.{table} "
            f"WHERE series_id = {COUNTER.id} AND t >= toDateTime({start_s}) AND t < toDateTime({start_s + width_s})"
        ).result_rows[0]
        for level, value in zip((0.5, 0.95), found, strict=False):
            low, high = np.quantile(inside, [level - 0.02, level + 0.02])
            assert low * 0.97 <= value <= high * 1.03, (table, level)


def test_a_young_version_1_is_made_anew_from_its_raw_samples(embedded: Client, database: str) -> None:
    make_version_1(embedded, database, FEW, 0, 0)
    migrate(embedded, Layout(database, BERLIN, KEPT))
    for table in ("samples_4h", "samples_1d"):
        check_local(embedded, database, table, BERLIN, MONDAY_S - DAY_S, FEW)


def test_version_1_broken_off_anywhere_comes_over_whole(embedded: Client, database: str) -> None:
    layout = Layout(database, BERLIN, KEPT)
    make_version_1(embedded, database, FEW, MONDAY_S + 5 * DAY_S + 1000, MONDAY_S + 2 * DAY_S + 1800)
    before = {table: totals(embedded, database, table) for table in ("samples", "samples_15m", "samples_4h")}
    kept, samples = told(embedded, database), raw(embedded, database)
    assert broken_off_everywhere(embedded, layout) > 30
    assert {table: totals(embedded, database, table) for table in before} == before
    assert totals(embedded, database, "samples_1d") == before["samples_4h"]
    assert (raw(embedded, database), told(embedded, database)) == (samples, kept)
    assert not [name for name in shape(embedded, database) if "_v1" in name or "_before" in name]
    newest = embedded.query(f"SELECT toInt64(bitShiftRight(max(newest), 64)) FROM {database}.latest").result_rows[0][0]
    assert newest == FEW.ts_s.max()


def make_version_2(client: Client, database: str) -> None:
    """A history as version 2 left it: a day of samples, a status, an event."""
    for statement in schema_v2.create(database, BERLIN):
        client.command(statement)
    client.command(
        f"INSERT INTO {database}.samples SELECT {GAUGE.id}, toDateTime({MONDAY_S} + number * 60, 'UTC'), "
        "reinterpretAsUInt64(toFloat64(number % 7)) FROM numbers(1440)"
    )
    client.command(f"INSERT INTO {database}.series VALUES ({GAUGE.id}, 'thing', 'gauge', map(), '', 'gauge')")
    client.command(f"INSERT INTO {database}.status_change VALUES ('thing', '2026-10-06 10:00:00.123', 'critical', '')")
    client.command(
        f"INSERT INTO {database}.event VALUES ('61f0c404-5cb3-11e7-907b-a6006ad3dba0', '2026-10-06 10:00:00.5', NULL, "
        "'deploy', 'thing', 'ann', 'v2', 1, 0)"
    )


def everything(client: Client, database: str) -> tuple[Any, ...]:
    tiers = {table: rows(client, database, table) for table in TIERS}
    return tiers, raw(client, database), told(client, database)


def check_version_2_came_over(client: Client, database: str, before: tuple[Any, ...]) -> None:
    assert everything(client, database) == before
    assert client.query(f"SELECT version FROM {database}.schema_version ORDER BY 1").result_rows == [(2,), (3,)]
    after = shape(client, database)
    migrate(client, Layout(f"{database}_new", BERLIN, Retention()))
    assert after == {name: made.replace("_new", "") for name, made in shape(client, f"{database}_new").items()}
    assert "view" in after


def test_version_2_gets_saved_views_and_keeps_everything(client: Client, database: str) -> None:
    make_version_2(client, database)
    before = everything(client, database)
    migrate(client, Layout(database, BERLIN, Retention()))
    check_version_2_came_over(client, database, before)


def test_version_2_broken_off_anywhere_comes_over_whole(embedded: Client, database: str) -> None:
    make_version_2(embedded, database)
    before = everything(embedded, database)
    assert broken_off_everywhere(embedded, Layout(database, BERLIN, Retention())) > 10
    check_version_2_came_over(embedded, database, before)
