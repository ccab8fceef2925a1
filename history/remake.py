"""Makes tiers of the history anew from finer ones: for an upgrade, or for another desk's zone.

What is replaced keeps its rows under another name until its successor is whole; a successor found
half made is made anew. So nothing is lost or counted twice, whatever the engine remembers of what
it was sent before.
"""

import logging
from dataclasses import replace

from clickhouse_connect.driver.client import Client

from history.rows import THROUGH
from history.schema import (
    SKETCH_MERGE_STATE,
    Layout,
    Rollup,
    create_rollup,
    create_views,
    rollup_select,
    rollups,
)

log = logging.getLogger(__name__)

ANEW = {
    "insert_deduplicate": 0,
    "optimize_aggregation_in_order": 1,
    "max_threads": 1,
    "max_block_size": 8192,
    "min_insert_block_size_rows": 65536,
    "min_insert_block_size_bytes": 0,
}
"""What is made a second time must be written a second time. Few rows at once, for a sketch in memory is large: with the
defaults a quarter of a year of 200 series took more than the 2 GB that the embedded engine may have."""
SINCE = " since "
"""What stands in a tier's comment between its zone and the second until which it has rows of other edges, if any."""
COLUMNS = "series_id, t, vmin, vmax, vsum, cnt, q"


def fill(client: Client, layout: Layout, rollup: Rollup, source: str, before: str = "", sketch: str = "") -> int:
    """Make all rows of a tier anew: of `source`, and of `before` what is older than `source` reaches.

    Args:
        source: the finer tier.
        before: the table that has the tier's rows until now; empty: none.
        sketch: the expression that makes this version's sketch of those in `before`.

    Returns:
        The epoch second until which the rows are those of `before`; 0: all are made of `source`.
    """
    client.command(f"TRUNCATE TABLE {layout.local(rollup.name)}{layout.on_cluster}")
    target, finer, older = (f"{layout.database}.{name}" for name in (rollup.name, source, before))  # of all shards
    settings = {**ANEW, **through(layout)}
    seam = _seam(client, layout, source, before) if before else 0
    for partition in partitions(client, older) if seam else ():
        client.command(
            f"INSERT INTO {target} ({COLUMNS}) SELECT series_id, t, min(vmin), max(vmax), sum(vsum), sum(cnt), "
            f"{sketch} FROM {older} WHERE _partition_id = '{partition}' AND t < toDateTime({seam}) "
            "GROUP BY series_id, t",
            settings=settings,
        )
    moment = "s.ts" if source == "samples" else "s.t"
    for partition in partitions(client, finer):  # by parts: the sketches of years do not fit into memory
        rows = rollup_select(rollup, finer, f"WHERE _partition_id = '{partition}' AND {moment} >= toDateTime({seam})")
        client.command(f"INSERT INTO {target} ({COLUMNS}) {rows}", settings=settings)
    return seam


def _seam(client: Client, layout: Layout, finer: str, before: str) -> int:
    """The second until which a tier keeps the rows it has, because what `finer` has begins too late; 0: it has all.

    It is an edge of a day of the zone the old rows were made for, where they have that zone's edges, so that none
    reaches over it. `finer` is not trusted beyond its time to live: a row written there late may be all that is left
    of its day. In a cluster the shards hold what they have from different days on; the latest counts.
    """
    retention = layout.retention
    moment, counted, kept_s = (
        ("ts", "count()", retention.raw_s) if finer == "samples" else ("t", "sum(cnt)", retention.quarter_hour_s)
    )
    comment = said(client, layout, layout.local(before), "comment")
    finer, before = f"{layout.database}.{finer}", f"{layout.database}.{before}"
    shard = " GROUP BY _shard_num" if layout.cluster else " HAVING count() > 0"
    oldest = f"SELECT toUnixTimestamp(min({moment})) AS oldest FROM {finer}{shard}"
    oldest_s = int(str(client.command(f"SELECT max(oldest) FROM ({oldest})")))
    zone, _, mixed_until = comment.partition(SINCE)
    zone = zone or "UTC"
    now = "toInt64(toUnixTimestamp(now()))"
    known = f"greatest({oldest_s or now}, {mixed_until or 0}, {now} - {int(kept_s)})"
    day = f"toStartOfInterval(toDateTime({known}, '{zone}') + INTERVAL 1 DAY, INTERVAL 1 DAY, '{zone}')"
    seam = int(str(client.command(f"SELECT toUnixTimestamp({day})")))
    has, had = (
        int(str(client.command(f"SELECT toUInt64({what}) FROM {table} WHERE {column} < toDateTime({seam})")))
        for what, table, column in ((counted, finer, moment), ("sum(cnt)", before, "t"))
    )
    return 0 if has >= had else seam


def keep_zone(client: Client, layout: Layout) -> None:
    """Make four hours and days anew when the desk's zone is another than the one they were made for.

    What is older than the 15-minute tier keeps the edges it has: there is nothing finer to make it from. Meanwhile
    the rows a tier had stand in its ``_before``, whose comment names their zone as soon as all are there.
    """
    finest, *coarser = rollups(layout)
    for rollup in coarser:
        before = f"{rollup.name}_before"
        there = layout.local(before).rpartition(".")[2] in tables(client, layout)
        whole = there and bool(said(client, layout, layout.local(before), "comment"))
        comment = said(client, layout, layout.local(rollup.name), "comment")
        made_for = comment.partition(SINCE)[0]
        if made_for == layout.zone and not whole:
            _drop(client, layout, before)
            continue
        log.warning("history: making %s anew for %s, it was made for %s", rollup.name, layout.zone, made_for)
        drop_views(client, layout)
        if not whole:
            _set_aside(client, layout, rollup, before, comment)
        note(client, layout, rollup, fill(client, layout, rollup, finest.name, before, f"{SKETCH_MERGE_STATE}(q)"))
        _drop(client, layout, before)
    for statement in create_views(layout):
        client.command(statement)


def _set_aside(client: Client, layout: Layout, rollup: Rollup, before: str, comment: str) -> None:
    """Copy a tier's rows to `before`. A copy, for in a cluster a table renamed keeps its place in the keeper."""
    _drop(client, layout, before)
    for statement in create_rollup(layout, replace(rollup, name=before), made_for=""):
        client.command(statement)
    source = f"{layout.database}.{rollup.name}"
    for partition in partitions(client, source):
        client.command(
            f"INSERT INTO {layout.database}.{before} ({COLUMNS}) SELECT {COLUMNS} FROM {source} "
            f"WHERE _partition_id = '{partition}'",
            settings={**ANEW, **through(layout)},
        )
    _say(client, layout, before, comment)


def _drop(client: Client, layout: Layout, table: str) -> None:
    for name in dict.fromkeys((f"{layout.database}.{table}", layout.local(table))):
        client.command(f"DROP TABLE IF EXISTS {name}{layout.on_cluster} SYNC")


def note(client: Client, layout: Layout, rollup: Rollup, seam_s: int) -> None:
    """Note on a tier that its rows are those of the configured zone, from `seam_s` on."""
    _say(client, layout, rollup.name, f"{layout.zone}{SINCE}{seam_s}" if seam_s else layout.zone)


def _say(client: Client, layout: Layout, table: str, comment: str) -> None:
    client.command(f"ALTER TABLE {layout.local(table)}{layout.on_cluster} MODIFY COMMENT '{comment}'")


def drop_views(client: Client, layout: Layout) -> None:
    """Stop filling the tiers from one another, while they are filled anew and nothing else is written."""
    for rollup in rollups(layout):
        client.command(f"DROP TABLE IF EXISTS {layout.database}.{rollup.name}_mv{layout.on_cluster} SYNC")


def through(layout: Layout) -> dict[str, str | int]:
    """Settings for what is written through distributed tables; each shard then fills its own tables from its own."""
    return {**THROUGH, "parallel_distributed_insert_select": 2} if layout.cluster else {}


def said(client: Client, layout: Layout, table: str, what: str) -> str:
    """A column of ``system.tables`` for one of our tables."""
    where = f"database = '{layout.database}' AND name = '{table.rpartition('.')[2]}'"
    return str(client.query(f"SELECT {what} FROM system.tables WHERE {where}").result_rows[0][0])


def partitions(client: Client, table: str) -> list[str]:
    """The partitions a table has rows in, oldest first."""
    return [str(row[0]) for row in client.query(f"SELECT DISTINCT _partition_id FROM {table} ORDER BY 1").result_rows]


def tables(client: Client, layout: Layout) -> set[str]:
    """The names of all tables in our database."""
    rows = client.query(f"SELECT name FROM system.tables WHERE database = '{layout.database}'").result_rows
    return {str(row[0]) for row in rows}
