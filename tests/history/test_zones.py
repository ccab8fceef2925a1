"""Another desk's zone, another retention: coarse tiers made anew, nothing lost or twice, the rest as it was."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from clickhouse_connect.driver.client import Client

from history.rows import columns_table, insert
from history.schema import Layout
from history.store import Store
from history.upgrades import migrate
from settings import History, Retention
from tests.history.local_days import local_edges
from tests.history.test_upgrades import (
    BERLIN,
    DAY_S,
    HOUR_S,
    KEPT,
    NEW_YORK,
    Breaking,
    BrokenOff,
    Samples,
    broken_off_everywhere,
    check_local,
    irregular,
    rows,
    shape,
    totals,
)
from tests.probes.listeners import eventually

AUTUMN_S, SPRING_S = 1_792_368_000, 1_772_409_600
"""2026-10-19 and 2026-03-02: from either Monday, four weeks have both zones' changes of clock."""
COARSE = ("samples_4h", "samples_1d")


@pytest.fixture
def client(history_settings: History) -> Iterator[Client]:
    opened = Store(history_settings).connect()
    yield opened
    opened.close()


def make(client: Client, layout: Layout, samples: Samples, quarter_hours_from_s: int) -> None:
    """A history of that zone whose raw samples have all expired, and the quarter hours until then."""
    migrate(client, layout)
    table = columns_table(samples.series_id.astype(np.uint64), samples.ts_s, samples.value)
    insert(client, f"{layout.database}.samples", table, "all")
    name = f"{layout.database}.samples_15m"
    client.command(f"CREATE TABLE {name}_kept AS {name}")
    client.command(f"INSERT INTO {name}_kept SELECT * FROM {name} WHERE t >= toDateTime({quarter_hours_from_s})")
    client.command(f"EXCHANGE TABLES {name}_kept AND {name}")
    client.command(f"DROP TABLE {name}_kept SYNC")
    client.command(f"TRUNCATE TABLE {layout.database}.samples")
    migrate(client, layout)


def check_made_anew(client: Client, layout: Layout, samples: Samples, was: dict[str, Any], from_s: int) -> None:
    """Until the old zone's first whole day of quarter hours all is as it was, then it is the new zone's."""
    database = layout.database
    seam_s = int(local_edges(from_s, from_s + 1, 24, BERLIN)[1])
    whole_day_s = int(local_edges(seam_s, seam_s + 1, 24, layout.zone)[1])
    for table in COARSE:
        assert totals(client, database, table) == was[table][0], table
        older = [row for row in was[table][1] if row[1] <= seam_s - 25 * HOUR_S]
        assert rows(client, database, table, f"t <= toDateTime({seam_s - 25 * HOUR_S})") == older
        check_local(client, database, table, layout.zone, whole_day_s, samples)
    assert totals(client, database, "samples_15m") == was["samples_15m"][0]
    assert not [name for name in shape(client, database) if "_before" in name]


def state(client: Client, database: str) -> dict[str, Any]:
    return {
        table: (totals(client, database, table), rows(client, database, table)) for table in ("samples_15m", *COARSE)
    }


@pytest.mark.parametrize("start_s", [AUTUMN_S, SPRING_S], ids=["autumn", "spring"])
def test_hours_and_days_are_the_new_zones(client: Client, database: str, start_s: int) -> None:
    samples, from_s = irregular(start_s, 4, 4 * HOUR_S), start_s + 3 * DAY_S + 5 * HOUR_S + 900
    layout = Layout(database, BERLIN, KEPT)
    make(client, layout, samples, from_s)
    was = state(client, database)
    migrate(client, replace(layout, zone=NEW_YORK))
    check_made_anew(client, replace(layout, zone=NEW_YORK), samples, was, from_s)
    days = rows(client, database, "samples_1d", f"t > toDateTime({from_s + 2 * DAY_S})")
    assert {row[1] % DAY_S // HOUR_S for row in days} == {4, 5}, "New York's midnights on both sides of its change"
    after = shape(client, database), state(client, database)
    migrate(client, replace(layout, zone=NEW_YORK))
    assert (shape(client, database), state(client, database)) == after
    views = [made for name, made in shape(client, database).items() if name in {"samples_4h_mv", "samples_1d_mv"}]
    assert all(NEW_YORK in made for made in views)


def test_broken_off_anywhere_it_is_finished_by_the_next_start(client: Client, database: str) -> None:
    samples, from_s = irregular(AUTUMN_S, 2, 6 * HOUR_S), AUTUMN_S + 2 * DAY_S + 900
    layout = Layout(database, BERLIN, KEPT)
    make(client, layout, samples, from_s)
    was = state(client, database)
    assert broken_off_everywhere(client, replace(layout, zone=NEW_YORK)) > 20
    check_made_anew(client, replace(layout, zone=NEW_YORK), samples, was, from_s)


def test_a_zone_taken_back_half_way_leaves_what_there_was(client: Client, database: str) -> None:
    samples, from_s = irregular(AUTUMN_S, 2, 6 * HOUR_S), AUTUMN_S + 2 * DAY_S + 900
    layout = Layout(database, BERLIN, KEPT)
    make(client, layout, samples, from_s)
    was, shaped = state(client, database), shape(client, database)
    for last in (20, 26):
        with pytest.raises(BrokenOff):
            migrate(Breaking(client, last, halve=True), replace(layout, zone=NEW_YORK))  # type: ignore[arg-type]
        migrate(client, layout)
        assert {table: totals(client, database, table) for table in was} == {table: was[table][0] for table in was}
        assert shape(client, database) == shaped
    for table in COARSE:
        whole_day_s = int(local_edges(from_s + 5 * DAY_S, from_s + 6 * DAY_S, 24, BERLIN)[0])
        check_local(client, database, table, BERLIN, whole_day_s, samples)


def test_another_retention_changes_when_rows_end_and_nothing_else(client: Client, database: str) -> None:
    samples = irregular(AUTUMN_S, 2, 12 * HOUR_S)
    layout = Layout(database, BERLIN, KEPT)
    migrate(client, layout)
    insert(
        client,
        f"{database}.samples",
        columns_table(samples.series_id.astype(np.uint64), samples.ts_s, samples.value),
        "all",
    )
    was, shaped = state(client, database), shape(client, database)
    kept = {"samples": 4000, "samples_15m": 4001, "samples_4h": 4002, "samples_1d": 4003}
    names = ("raw", "quarter_hour", "four_hours", "days")
    longer = Retention.model_validate({name: f"{days}d" for name, days in zip(names, kept.values(), strict=True)})
    migrate(client, replace(layout, retention=longer))
    assert state(client, database) == was
    for name, made in shape(client, database).items():
        ended = f"toIntervalSecond({kept.get(name, 0) * DAY_S})"
        assert made == shaped[name].replace(f"toIntervalSecond({3600 * DAY_S})", ended), name
    for table, days in kept.items():
        ends = (
            "SELECT min(toInt64(toUnixTimestamp(delete_ttl_info_max)) - toUnixTimestamp(max_time)) FROM system.parts "
            f"WHERE active AND database = '{database}' AND table = '{table}'"
        )
        assert eventually(lambda asked=ends, s=days * DAY_S: client.query(asked).result_rows[0][0] == s, 10), table
