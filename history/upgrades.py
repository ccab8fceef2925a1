"""Brings what is there to this version's shape: earlier schemas, another desk's zone, another retention.

Every step can be broken off anywhere and is finished by the next start: rows are copied a partition
at a time under a token of their own, and what tells that a step is due changes last.
"""

import logging
import re
from collections.abc import Callable

from clickhouse_connect.driver.client import Client

from history.rows import ONCE, THROUGH
from history.schema import (
    SKETCH_STATE,
    VERSION,
    Layout,
    create_database,
    create_tables,
    create_views,
    rollup_select,
    rollups,
    ttl,
)
from probes.result import ProbeFailure

log = logging.getLogger(__name__)

OLDEST = (25, 3)
"""The oldest release line with all the schema needs: quantilesDD, and tokens that reach through a cascade of views."""
ONE_STREAM = {**ONCE, "max_threads": 1, "max_insert_threads": 1}
"""One stream in one order: an INSERT SELECT that is run again makes the same blocks, which are then written once."""
LONGEST_DAY_S = 25 * 3600
LAST_SECOND = 2**32 - 1
"""Of a DateTime: no row is later."""


def migrate(client: Client, layout: Layout) -> None:
    """Bring the schema up to this program's version, the configured zone and retention.

    Raises:
        ProbeFailure: ``old_server`` when ClickHouse lacks what the schema needs, ``newer_schema`` when a newer
            Tapewatch has been at work there, ``other_layout`` when one server's tables were asked for and a
            cluster's are there, or the other way round.
    """
    _require_version(client)
    _require_same_kind(client, layout)
    for statement in create_database(layout):
        client.command(statement)
    noted = int(str(client.command(f"SELECT max(version) FROM {layout.database}.schema_version")))
    if noted > VERSION:
        raise ProbeFailure(
            "newer_schema",
            f"The history has schema version {noted}, this Tapewatch knows {VERSION}.",
            "Start the newer Tapewatch that wrote it, or point history.database at another name.",
        )
    for version in range(noted or _version_there(client, layout), VERSION):
        log.warning("history: bringing the schema from version %s to %s", version, version + 1)
        UPGRADES[version](client, layout)
    for statement in create_tables(layout):
        client.command(statement)
    if noted < VERSION:
        client.command(
            f"INSERT INTO {layout.database}.schema_version (version) VALUES ({VERSION})", settings=_through(layout)
        )
    _keep_zone(client, layout)
    _keep_retention(client, layout)


def _require_version(client: Client) -> None:
    text = str(client.command("SELECT version()"))
    found = re.match(r"(\d+)\.(\d+)", text)
    if found and (int(found[1]), int(found[2])) < OLDEST:
        raise ProbeFailure(
            "old_server",
            f"The history needs ClickHouse {OLDEST[0]}.{OLDEST[1]} or newer; this server is {text}.",
            'Upgrade it, or keep the history embedded: dsn = "chdb://var/history".',
        )


def _require_same_kind(client: Client, layout: Layout) -> None:
    """One server's tables and a cluster's have the same names: what is there as the other kind is left alone."""
    rows = client.query(
        f"SELECT engine FROM system.tables WHERE database = '{layout.database}' AND name = 'schema_version'"
    ).result_rows
    if rows and (rows[0][0] == "Distributed") != bool(layout.cluster):
        there, here = (
            ("a cluster's", "does not name one") if not layout.cluster else ("one server's", "names a cluster")
        )
        raise ProbeFailure(
            "other_layout",
            f"The history in {layout.database} is {there}, and history.cluster {here}.",
            "Set history.cluster as it was when the history was made, or name another history.database; "
            "docs/scaling.md says how to copy one into the other.",
        )


def _through(layout: Layout) -> dict[str, str | int]:
    """Settings for what is written through distributed tables; each shard then fills its own tables from its own."""
    return {**THROUGH, "parallel_distributed_insert_select": 2} if layout.cluster else {}


def _version_there(client: Client, layout: Layout) -> int:
    """The version of tables nobody noted one for: version 1 noted it last of all, and may have been broken off."""
    return 1 if _has_plain_values(client, layout) else VERSION


def from_1(client: Client, layout: Layout) -> None:
    """Version 1 had plain values, two tiers in UTC, and sketches of 1 %, which no others can be merged with.

    Raw samples are copied through the new views, which makes their roll-ups anew. Roll-ups older than
    the raw samples keep count, sum, minimum and maximum; their sketch is made of twenty of their percentiles.
    """
    database = layout.database
    if _has_plain_values(client, layout):
        for table in ("samples_4h", "samples_15m", "samples"):  # the samples last: till then nothing has begun
            client.command(f"DROP TABLE IF EXISTS {database}.{table}_mv SYNC")
            if table in _tables(client, layout):
                client.command(f"RENAME TABLE {database}.{table} TO {database}.{table}_v1")
    for statement in create_tables(layout):
        client.command(statement)
    _move(client, layout, "samples", "series_id, ts, bits", "series_id, ts, reinterpretAsUInt64(value)", "1")
    levels = ", ".join(f"{(2 * index + 1) / 40:g}" for index in range(20))
    columns = "series_id, t, vmin, vmax, vsum, cnt, q"
    select = (
        "series_id, t, min(vmin), max(vmax), sum(vsum), sum(cnt), "
        f"arrayReduce('{SKETCH_STATE}', quantilesDDMerge(0.01, {levels})(q))"
    )
    for table, oldest in (("samples_15m", "min(ts) FROM {}.samples"), ("samples_4h", "min(t) FROM {}.samples_15m")):
        known = f"(SELECT {oldest.format(database)})"
        older = f"(t < {known} OR {known} = toDateTime(0)) GROUP BY series_id, t"
        _move(client, layout, table, columns, select, older)


def _move(client: Client, layout: Layout, table: str, columns: str, select: str, where: str) -> None:
    """Move a table's rows out of its ``_v1``, a partition at a time."""
    source = f"{layout.database}.{table}_v1"
    if f"{table}_v1" not in _tables(client, layout):
        return
    for partition in _partitions(client, source):
        client.command(
            f"INSERT INTO {layout.database}.{table} ({columns}) SELECT {select} FROM {source} "
            f"WHERE _partition_id = '{partition}' AND {where} ORDER BY 1, 2",
            settings={**ONE_STREAM, "insert_deduplication_token": f"upgrade {table} {partition}"},
        )
        client.command(f"ALTER TABLE {source} DROP PARTITION ID '{partition}'")
    client.command(f"DROP TABLE {source} SYNC")


UPGRADES: dict[int, Callable[[Client, Layout], None]] = {1: from_1}
"""What leads from each version to the next."""


def _keep_zone(client: Client, layout: Layout) -> None:
    """Make four hours and days anew when the desk's zone is another than the one they were made for.

    What is older than the 15-minute tier keeps the edges it has: there is nothing finer to make it from.
    The comment on the table of days, which names the zone, changes last.
    """
    made_for = _said(client, layout, "samples_1d", "comment")
    if made_for == layout.zone:
        return
    log.warning("history: making four hours and days anew for %s, they were made for %s", layout.zone, made_for)
    finest, *coarser = rollups(layout)
    for rollup in coarser:
        client.command(f"DROP TABLE IF EXISTS {layout.database}.{rollup.name}_mv{layout.on_cluster} SYNC")
    since = f"toDateTime({_remade_from_s(client, layout, finest.name)}, 'UTC')"
    for rollup in coarser:
        client.command(
            f"ALTER TABLE {layout.local(rollup.name)}{layout.on_cluster} "
            f"DELETE WHERE t > {since} SETTINGS mutations_sync = 2"
        )
    for rollup in coarser:
        table, source = f"{layout.database}.{rollup.name}", f"{layout.database}.{rollup.source}"  # of all shards
        for partition in _partitions(client, source):  # by parts: the sketches of years do not fit into memory
            rows = rollup_select(rollup, source, f"WHERE _partition_id = '{partition}' AND s.t > {since}")
            client.command(
                f"INSERT INTO {table} (series_id, t, vmin, vmax, vsum, cnt, q) {rows}", settings=_through(layout)
            )
    for statement in create_views(layout):
        client.command(statement)
    client.command(f"ALTER TABLE {layout.local('samples_1d')}{layout.on_cluster} MODIFY COMMENT '{layout.zone}'")


def _remade_from_s(client: Client, layout: Layout, finest: str) -> int:
    """The epoch second after which coarser rows can be made from the finest tier.

    A number, for a replicated table refuses to delete by a subquery. In a cluster the shards hold what they have from
    different days on; the latest of these counts, so that none deletes what it cannot make again.
    """
    shard = " GROUP BY _shard_num" if layout.cluster else ""
    oldest = f"SELECT toUnixTimestamp(min(t)) AS oldest FROM {layout.database}.{finest}{shard}"
    found = int(str(client.command(f"SELECT max(oldest) FROM ({oldest})")))
    return found - LONGEST_DAY_S if found else LAST_SECOND


def _keep_retention(client: Client, layout: Layout) -> None:
    """Set the time to live of each tier to the configured one."""
    wanted = {"samples": ttl("ts", layout.retention.raw_s)}
    wanted |= {rollup.name: ttl("t", rollup.kept_s) for rollup in rollups(layout)}
    for table, expression in wanted.items():
        if expression not in _said(client, layout, table, "engine_full"):
            log.warning("history: %s has now the TTL %s", table, expression)
            client.command(
                f"ALTER TABLE {layout.local(table)}{layout.on_cluster} MODIFY TTL {expression}",
                settings={"materialize_ttl_after_modify": 0},
            )


def _has_plain_values(client: Client, layout: Layout) -> bool:
    """Whether the samples are those of version 1, whose value is a column of its own."""
    found = client.command(
        f"SELECT count() FROM system.columns WHERE database = '{layout.database}' AND table = 'samples' "
        "AND name = 'value' AND default_kind = ''"
    )
    return bool(int(str(found)))


def _said(client: Client, layout: Layout, table: str, what: str) -> str:
    """A column of ``system.tables`` for one of our tables."""
    name = layout.local(table).rpartition(".")[2]
    where = f"database = '{layout.database}' AND name = '{name}'"
    return str(client.query(f"SELECT {what} FROM system.tables WHERE {where}").result_rows[0][0])


def _partitions(client: Client, table: str) -> list[str]:
    return [str(row[0]) for row in client.query(f"SELECT DISTINCT _partition_id FROM {table} ORDER BY 1").result_rows]


def _tables(client: Client, layout: Layout) -> set[str]:
    rows = client.query(f"SELECT name FROM system.tables WHERE database = '{layout.database}'").result_rows
    return {str(row[0]) for row in rows}
