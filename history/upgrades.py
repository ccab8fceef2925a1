"""Brings what is there to this version's shape: earlier schemas, another desk's zone, another retention.

Every step can be broken off anywhere and is finished by the next start, with nothing lost or counted
twice: see `history.remake` for what rows are made anew from.
"""

import logging
import re
from collections.abc import Callable

from clickhouse_connect.driver.client import Client

from history.remake import ANEW, drop_views, fill, keep_zone, note, partitions, said, tables, through
from history.schema import (
    SKETCH_SCALE,
    SKETCH_STATE,
    TABLES,
    TIDY,
    VERSION,
    Layout,
    create_database,
    create_tables,
    rollups,
    tidy,
    ttl,
)
from probes.result import ProbeFailure

log = logging.getLogger(__name__)

OLDEST = (25, 3)
"""The oldest release line with all the schema needs: quantilesDD, and tokens that reach through a cascade of views."""


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
        if version in UPGRADES:
            UPGRADES[version](client, layout)
    for statement in create_tables(layout):
        client.command(statement)
    if noted < VERSION:
        client.command(
            f"INSERT INTO {layout.database}.schema_version (version) VALUES ({VERSION})", settings=through(layout)
        )
    keep_zone(client, layout)
    _keep_retention(client, layout)
    _keep_tidy(client, layout)


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


def _version_there(client: Client, layout: Layout) -> int:
    """The version of tables nobody noted one for: version 1 noted it last of all, and may have been broken off."""
    return 1 if _has_plain_values(client, layout) or "samples_v1" in tables(client, layout) else VERSION


def from_1(client: Client, layout: Layout) -> None:
    """Version 1 had plain values, two tiers in UTC, and sketches of 1 %, which no others can be merged with.

    Roll-ups are made anew from the raw samples. Those older than the raw samples keep count, sum,
    minimum and maximum; their sketch is made of a hundred of their percentiles.
    """
    if _has_plain_values(client, layout):
        for table in ("samples_4h", "samples_15m", "samples"):  # the samples last: till then nothing has begun
            client.command(f"DROP TABLE IF EXISTS {layout.database}.{table}_mv SYNC")
            if table in tables(client, layout):
                client.command(f"RENAME TABLE {layout.database}.{table} TO {layout.database}.{table}_v1")
    for statement in create_tables(layout):
        client.command(statement)
    drop_views(client, layout)
    _move_samples(client, layout)
    quarter_hours, four_hours, days = rollups(layout)
    if "samples_15m_v1" in tables(client, layout):
        fill(client, layout, quarter_hours, quarter_hours.source, "samples_15m_v1", _sketch_of_1())
        client.command(f"DROP TABLE {layout.database}.samples_15m_v1 SYNC")
    if "samples_4h_v1" in tables(client, layout):
        seam_s = fill(client, layout, four_hours, four_hours.source, "samples_4h_v1", _sketch_of_1())
        fill(client, layout, days, days.source)
        for rollup in (four_hours, days):
            note(client, layout, rollup, seam_s)
        client.command(f"DROP TABLE {layout.database}.samples_4h_v1 SYNC")


def _sketch_of_1() -> str:
    """This version's sketch of a roll-up row of version 1: of as many values as the row counts.

    They are the row's percentiles in even steps. Of up to a hundred samples each is met: version 1 answers a level
    with the sample at or below it, so a level just above its place in line asks for it.
    """
    levels = ", ".join(f"{min(1, index / 99 + 1e-9):.12g}" for index in range(100))
    percentiles, last = f"quantilesDDMerge(0.01, {levels})(q)", "toInt64(sum(cnt) - 1)"
    times = f"if(at = 0, 1, intDiv(at * {last}, 99) - intDiv((at - 1) * {last}, 99))"
    repeated = f"arrayMap((value, at) -> arrayWithConstant({times}, value * {SKETCH_SCALE}), {percentiles}, range(100))"
    values = f"arrayFlatten({repeated})"
    return f"arrayReduce('{SKETCH_STATE}', {values})"


UPGRADES: dict[int, Callable[[Client, Layout], None]] = {1: from_1}
"""What leads from a version to the next, where that is more than making the tables it lacks: `migrate` does that."""


def _move_samples(client: Client, layout: Layout) -> None:
    """Move the raw samples of version 1, a week at a time: a week still in the old table is not yet in the new one."""
    source, target = f"{layout.database}.samples_v1", layout.local("samples")
    if "samples_v1" not in tables(client, layout):
        return
    for partition in partitions(client, source):
        client.command(f"ALTER TABLE {target} DROP PARTITION ID '{partition}'")
        client.command(
            f"INSERT INTO {target} (series_id, ts, bits) SELECT series_id, ts, reinterpretAsUInt64(value) "
            f"FROM {source} WHERE _partition_id = '{partition}' ORDER BY series_id, ts",
            settings=ANEW,
        )
        client.command(f"ALTER TABLE {source} DROP PARTITION ID '{partition}'")
    client.command(f"DROP TABLE {source} SYNC")


def _keep_retention(client: Client, layout: Layout) -> None:
    """Set the time to live of each tier to the configured one.

    Parts note when they end, so what is there already has to be told as well.
    """
    wanted = {"samples": ("ts", layout.retention.raw_s)}
    wanted |= {rollup.name: ("t", rollup.kept_s) for rollup in rollups(layout)}
    for table, (column, kept_s) in wanted.items():
        local, expression = layout.local(table), ttl(column, kept_s)
        name = local.rpartition(".")[2]
        if expression not in said(client, layout, local, "engine_full"):
            log.warning("history: %s has now the TTL %s", table, expression)
            client.command(
                f"ALTER TABLE {local}{layout.on_cluster} MODIFY TTL {expression}",
                settings={"materialize_ttl_after_modify": 0},
            )
        parts = (
            f"SELECT count() FROM system.parts WHERE active AND database = '{layout.database}' AND table = '{name}' "
            f"AND toUnixTimestamp(delete_ttl_info_max) != toUnixTimestamp(max_time) + {int(kept_s)}"
        )
        if int(str(client.command(parts))):
            client.command(f"ALTER TABLE {local}{layout.on_cluster} MATERIALIZE TTL")


def _keep_tidy(client: Client, layout: Layout) -> None:
    """Tables made before these settings get them; only their description changes."""
    named = ("schema_version", "samples", *(table.name for table in TABLES), *(tier.name for tier in rollups(layout)))
    for table in named:
        local = layout.local(table)
        there = said(client, layout, local, "engine_full")
        if not all(f"{name} = {value}" in there for name, value in TIDY.items()):
            client.command(f"ALTER TABLE {local}{layout.on_cluster} MODIFY SETTING {tidy()}")


def _has_plain_values(client: Client, layout: Layout) -> bool:
    """Whether the samples are those of version 1, whose value is a column of its own."""
    found = client.command(
        f"SELECT count() FROM system.columns WHERE database = '{layout.database}' AND table = 'samples' "
        "AND name = 'value' AND default_kind = ''"
    )
    return bool(int(str(found)))
