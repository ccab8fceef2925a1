"""The tables of the history.

Shape measured by the history benchmark (docs/performance.md, docs/history.md):

- narrow rows, whole-second timestamps. A value is kept as its 64 bits: ``T64('bit')`` stores 64 of
  them bit by bit, so the zeros that rounding leaves cost nothing; ``value`` is an alias that reads
  as the number. Counters are stored as increases, so a rate is ``sum / seconds`` in every tier.
- roll-ups are a cascade: each view reads the tier before it, so an insert is aggregated once and
  the coarser tiers cost next to nothing. Each target has a deduplication window of its own: without
  it a batch inserted again with the same token would be counted twice there.
- four hours and days are those of the desk's clock, so a day of 23 or 25 hours is one row.
- small granules in the roll-ups: reading a sketch is what costs, and a granule is read as a whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from settings import History, Retention

VERSION = 3
"""Version 1 kept plain numbers, tiers in UTC and no days; version 2 had no saved views."""
DEDUPLICATION_WINDOW = 10_000
SPOOL_REACH_S = 7 * 86400
"""How old a batch sent again may be in a cluster, whose windows are bounded in time as well."""
SKETCH_ERROR = 0.02
"""How far a percentile of a roll-up is off at most. At 1 % the 15-minute rows cost 6 bytes more each."""
SKETCH = f"quantilesDD({SKETCH_ERROR}, 0.5, 0.95, 0.99)"
SKETCH_SCALE = 2**40
"""Values go into a sketch so many times larger, which is exact, and are divided by it when read. ClickHouse rounds the
logarithm of a value towards zero: below 1 a percentile would be one bin too high (measured on 26.9: 2 to 6 %)."""
SKETCH_STATE, SKETCH_MERGE, SKETCH_MERGE_STATE = (
    SKETCH.replace("(", f"{suffix}(", 1) for suffix in ("State", "Merge", "MergeState")
)
ONLY_DROP_PARTS = "ttl_only_drop_parts=1, materialize_ttl_recalculate_only=1"
"""Nothing is ever rewritten for its age: parts go as a whole, and another retention only changes when."""
TIDY = {"cleanup_delay_period": 30, "max_cleanup_delay_period": 30, "concurrent_part_removal_threshold": 1_000_000}
"""Parts that merges have replaced are deleted every half minute, by one thread. By default they wait for up to five
minutes, 7 kB of memory each, and a hundred of a table bring 128 threads into being, which hold 20 MB and stay for good
(measured on 26.9, embedded). The pools' own limits are beyond reach there: importing chdb opens an engine with the
default ones."""
VALUE = "reinterpretAsFloat64(bits)"
SKETCHED = f"greatest(-1.7e308, least(1.7e308, {VALUE} * {SKETCH_SCALE}))"
"""A sketch refuses what is larger: the raw samples would be written, their roll-ups not, and the batch never end."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table to create: `shard_by` is what decides in a cluster which shard a row belongs to."""

    name: str
    columns: str
    engine: str
    arguments: str
    layout: str
    shard_by: str
    settings: str = ""


@dataclass(frozen=True, slots=True)
class Rollup:
    """A tier: its rows are `start` of what `source` holds, `granule` of them read at a time."""

    name: str
    source: str
    start: str
    partition: str
    kept_s: float
    granule: int = 512


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the tables live and how they are replicated.

    Args:
        zone: IANA name of the desk's time zone.
        cluster: a cluster of the servers' configuration; empty: one server, or the embedded engine.
    """

    database: str
    zone: str
    retention: Retention
    cluster: str = ""

    @property
    def on_cluster(self) -> str:
        return f" ON CLUSTER '{self.cluster}'" if self.cluster else ""

    def local(self, table: str) -> str:
        """The table that holds the rows; in a cluster the plain name is the distributed one."""
        return f"{self.database}.{table}{'_local' if self.cluster else ''}"

    def engine(self, table: Table) -> str:
        if not self.cluster:
            return f"{table.engine}({table.arguments})"
        path = f"'/clickhouse/tables/{{shard}}/{self.database}/{table.name}', '{{replica}}'"
        return f"Replicated{table.engine}({', '.join(filter(None, (path, table.arguments)))})"

    def settings(self, table: Table) -> str:
        window = (
            f"replicated_deduplication_window={DEDUPLICATION_WINDOW}, "
            f"replicated_deduplication_window_seconds={SPOOL_REACH_S}"
            if self.cluster
            else f"non_replicated_deduplication_window={DEDUPLICATION_WINDOW}"
        )
        durable = "fsync_after_insert=1, fsync_part_directory=1"
        return ", ".join(filter(None, (table.settings, window, durable, tidy())))


def layout_of(settings: History, zone: str) -> Layout:
    """The layout a configuration asks for."""
    return Layout(settings.database, zone, settings.retention, settings.cluster)


def create_database(layout: Layout) -> list[str]:
    """What must be there before anything can be asked: the database and the note of its version."""
    version = Table("schema_version", "version UInt32, at DateTime('UTC') DEFAULT now()", "MergeTree", "",
                    "ORDER BY version", "version")  # fmt: skip
    return [
        f"CREATE DATABASE IF NOT EXISTS {layout.database}{layout.on_cluster} ENGINE = Atomic",
        *_create(layout, version),
    ]


def create_tables(layout: Layout) -> Iterator[str]:
    """The statements that make the tables of this version; each leaves alone what is there already."""
    for table in TABLES:
        yield from _create(layout, table)
    yield from _create(layout, _samples(layout.retention))
    for rollup in rollups(layout):
        yield from create_rollup(layout, rollup, layout.zone)
    yield from create_views(layout)


def create_rollup(layout: Layout, rollup: Rollup, made_for: str) -> list[str]:
    """The statements that make a tier; its comment names the zone its rows are made for."""
    return _create(layout, _rollup_table(rollup), made_for)


def create_views(layout: Layout) -> Iterator[str]:
    """The views that fill the roll-ups and the latest values."""
    for rollup in rollups(layout):
        yield view(layout, rollup.name, rollup_select(rollup, layout.local(rollup.source)))
    # The newest sample of each series as one number that max() orders: its second, then its bits. The max of
    # tuples would halve the rate of a bulk load.
    newest = "max(bitShiftLeft(toUInt128(toUnixTimestamp(ts)), 64) + bits) AS newest"
    yield view(layout, "latest", f"SELECT series_id, {newest} FROM {layout.local('samples')} GROUP BY series_id")


def rollups(layout: Layout) -> tuple[Rollup, ...]:
    """The tiers, finest first: each is filled from the one before it."""
    kept = layout.retention

    def start(interval: str, moment: str, zone: str) -> str:
        return f"toDateTime(toStartOfInterval({moment}, INTERVAL {interval}, '{zone}'), 'UTC')"

    return (
        Rollup("samples_15m", "samples", start("15 MINUTE", "ts", "UTC"), "toStartOfQuarter(t)", kept.quarter_hour_s),
        Rollup("samples_4h", "samples_15m", start("4 HOUR", "s.t", layout.zone), "toYear(t)", kept.four_hours_s),
        Rollup("samples_1d", "samples_4h", start("1 DAY", "s.t", layout.zone), "toYear(t)", kept.days_s, 128),
    )


def rollup_select(rollup: Rollup, source: str, where: str = "") -> str:
    """The rows of a tier made from the rows of `source`, which has the columns of the tier before it."""
    if rollup.source == "samples":
        columns = (f"min({VALUE}) AS vmin, max({VALUE}) AS vmax, sum({VALUE}) AS vsum, count() AS cnt, "
                   f"{SKETCH_STATE}({SKETCHED}) AS q")  # fmt: skip
    else:
        columns = (f"min(s.vmin) AS vmin, max(s.vmax) AS vmax, sum(s.vsum) AS vsum, sum(s.cnt) AS cnt, "
                   f"{SKETCH_MERGE_STATE}(s.q) AS q")  # fmt: skip
    return f"SELECT series_id, {rollup.start} AS t, {columns} FROM {source} AS s {where} GROUP BY series_id, t"


def view(layout: Layout, table: str, select: str) -> str:
    """The view that fills `table`."""
    name = f"{layout.database}.{table}_mv"
    return f"CREATE MATERIALIZED VIEW IF NOT EXISTS {name}{layout.on_cluster} TO {layout.local(table)} AS {select}"


def tidy() -> str:
    """How parts that are not needed any more are deleted, as settings of a table."""
    return ", ".join(f"{name}={value}" for name, value in TIDY.items())


def ttl(column: str, kept_s: float) -> str:
    """How long the rows of a tier are kept."""
    return f"{column} + toIntervalSecond({int(kept_s)})"


TABLES = (
    Table(
        "series",
        "series_id UInt64, component LowCardinality(String), metric LowCardinality(String), "
        "labels Map(LowCardinality(String), String), unit LowCardinality(String), "
        "kind Enum8('gauge' = 1, 'counter' = 2, 'state' = 3)",
        "ReplacingMergeTree",
        "",
        "ORDER BY (component, metric, series_id)",
        "series_id",
    ),
    Table(
        "latest",
        "series_id UInt64, newest SimpleAggregateFunction(max, UInt128)",
        "AggregatingMergeTree",
        "",
        "ORDER BY series_id",
        "series_id",
    ),
    Table(
        "status_change",
        "component LowCardinality(String), ts DateTime64(3, 'UTC'), "
        "status Enum8('off' = 0, 'ok' = 1, 'unknown' = 2, 'warning' = 3, 'critical' = 4), reason String",
        "ReplacingMergeTree",
        "",
        "ORDER BY (component, ts)",
        "cityHash64(component)",
    ),
    Table(
        "event",
        "id UUID, ts DateTime64(3, 'UTC'), till Nullable(DateTime64(3, 'UTC')), kind LowCardinality(String), "
        "component LowCardinality(String), author String, text String, ver UInt64, deleted UInt8",
        "ReplacingMergeTree",
        "ver, deleted",
        "ORDER BY (ts, id)",
        "cityHash64(id)",
    ),
    Table(
        "view",
        "id UUID, name String, page LowCardinality(String), query String, author String, note String, "
        "at DateTime64(3, 'UTC'), ver UInt64, deleted UInt8",
        "ReplacingMergeTree",
        "ver, deleted",
        "ORDER BY id",
        "cityHash64(id)",
    ),
    Table(
        "progress",
        "source String, first UInt64, last UInt64, at DateTime64(6, 'UTC') DEFAULT now64(6)",
        "ReplacingMergeTree",
        "at",
        "ORDER BY source",
        "cityHash64(source)",
    ),
)
"""Beside the samples and their tiers. ``progress`` notes what of a file or a topic is on its way or written."""


def _samples(kept: Retention) -> Table:
    return Table(
        "samples",
        "series_id UInt64 CODEC(Delta, ZSTD(1)), ts DateTime('UTC') CODEC(Delta, ZSTD(1)), "
        f"bits UInt64 CODEC(T64('bit'), ZSTD(1)), value Float64 ALIAS {VALUE}",
        "MergeTree",
        "",
        f"PARTITION BY toMonday(ts) ORDER BY (series_id, ts) TTL {ttl('ts', kept.raw_s)}",
        "series_id",
        ONLY_DROP_PARTS,
    )


def _rollup_table(rollup: Rollup) -> Table:
    return Table(
        rollup.name,
        "series_id UInt64 CODEC(Delta, ZSTD(1)), t DateTime('UTC') CODEC(Delta, ZSTD(1)), "
        "vmin SimpleAggregateFunction(min, Float64) CODEC(ZSTD(1)), "
        "vmax SimpleAggregateFunction(max, Float64) CODEC(ZSTD(1)), "
        "vsum SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)), "
        "cnt SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)), "
        f"q AggregateFunction({SKETCH}, Float64) CODEC(ZSTD(1))",
        "AggregatingMergeTree",
        "",
        f"PARTITION BY {rollup.partition} ORDER BY (series_id, t) TTL {ttl('t', rollup.kept_s)}",
        "series_id",
        f"index_granularity={rollup.granule}, {ONLY_DROP_PARTS}",
    )


def _create(layout: Layout, table: Table, comment: str = "") -> list[str]:
    made = [
        f"CREATE TABLE IF NOT EXISTS {layout.local(table.name)}{layout.on_cluster} ({table.columns}) "
        f"ENGINE = {layout.engine(table)} {table.layout} SETTINGS {layout.settings(table)} COMMENT '{comment}'"
    ]
    if layout.cluster:
        made.append(
            f"CREATE TABLE IF NOT EXISTS {layout.database}.{table.name}{layout.on_cluster} "
            f"AS {layout.local(table.name)} ENGINE = "
            f"Distributed('{layout.cluster}', {layout.database}, {table.name}_local, {table.shard_by})"
        )
    return made
