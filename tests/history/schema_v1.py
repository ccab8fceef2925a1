"""The tables of schema version 1, as they were made then; frozen."""

from settings import Retention

DEDUPLICATION_WINDOW = 10_000

_DURABLE = f"non_replicated_deduplication_window={DEDUPLICATION_WINDOW}, fsync_after_insert=1, fsync_part_directory=1"


def migrations(database: str, retention: Retention) -> list[list[str]]:
    """The statements that lead to each schema version; version n is the first n lists.

    Args:
        database: name of the database, already checked to be an identifier.
    """
    return [
        [
            f"""CREATE TABLE IF NOT EXISTS {database}.series (
                series_id UInt64, component LowCardinality(String), metric LowCardinality(String),
                labels Map(LowCardinality(String), String), unit LowCardinality(String),
                kind Enum8('gauge' = 1, 'counter' = 2, 'state' = 3))
            ENGINE = ReplacingMergeTree ORDER BY (component, metric, series_id)
            SETTINGS {_DURABLE}""",
            f"""CREATE TABLE IF NOT EXISTS {database}.samples (
                series_id UInt64 CODEC(Delta, ZSTD(1)), ts DateTime('UTC') CODEC(Delta, ZSTD(1)),
                value Float64 CODEC(ZSTD(1)))
            ENGINE = MergeTree PARTITION BY toMonday(ts) ORDER BY (series_id, ts)
            TTL ts + toIntervalSecond({int(retention.raw_s)})
            SETTINGS ttl_only_drop_parts=1, {_DURABLE}""",
            *_rollup(database, "samples_15m", "15 MINUTE", "toStartOfQuarter(t)", retention.quarter_hour_s),
            *_rollup(database, "samples_4h", "4 HOUR", "toYear(t)", retention.four_hours_s),
            f"""CREATE TABLE IF NOT EXISTS {database}.status_change (
                component LowCardinality(String), ts DateTime64(3, 'UTC'),
                status Enum8('off' = 0, 'ok' = 1, 'unknown' = 2, 'warning' = 3, 'critical' = 4), reason String)
            ENGINE = ReplacingMergeTree ORDER BY (component, ts)
            SETTINGS {_DURABLE}""",
            f"""CREATE TABLE IF NOT EXISTS {database}.event (
                id UUID, ts DateTime64(3, 'UTC'), till Nullable(DateTime64(3, 'UTC')), kind LowCardinality(String),
                component LowCardinality(String), author String, text String, ver UInt64, deleted UInt8)
            ENGINE = ReplacingMergeTree(ver, deleted) ORDER BY (ts, id)
            SETTINGS {_DURABLE}""",
        ],
    ]


def _rollup(database: str, table: str, interval: str, partition: str, kept_s: float) -> list[str]:
    return [
        f"""CREATE TABLE IF NOT EXISTS {database}.{table} (
            series_id UInt64 CODEC(Delta, ZSTD(1)), t DateTime('UTC') CODEC(Delta, ZSTD(1)),
            vmin SimpleAggregateFunction(min, Float64) CODEC(ZSTD(1)),
            vmax SimpleAggregateFunction(max, Float64) CODEC(ZSTD(1)),
            vsum SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
            cnt SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
            q AggregateFunction(quantilesDD(0.01, 0.5, 0.95, 0.99), Float64) CODEC(ZSTD(1)))
        ENGINE = AggregatingMergeTree PARTITION BY {partition} ORDER BY (series_id, t)
        TTL t + toIntervalSecond({int(kept_s)})
        SETTINGS ttl_only_drop_parts=1, {_DURABLE}""",
        f"""CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.{table}_mv TO {database}.{table} AS
        SELECT series_id, toStartOfInterval(ts, INTERVAL {interval}) AS t, min(value) AS vmin, max(value) AS vmax,
               sum(value) AS vsum, count() AS cnt, quantilesDDState(0.01, 0.5, 0.95, 0.99)(value) AS q
        FROM {database}.samples GROUP BY series_id, t""",
    ]


def create(database: str, retention: Retention) -> list[str]:
    """What a Tapewatch of version 1 ran at its first start, in that order."""
    return [
        f"CREATE DATABASE IF NOT EXISTS {database} ENGINE = Atomic",
        f"CREATE TABLE IF NOT EXISTS {database}.schema_version (version UInt32, at DateTime('UTC') DEFAULT now()) "
        "ENGINE = MergeTree ORDER BY version",
        *migrations(database, retention)[0],
        f"INSERT INTO {database}.schema_version (version) VALUES (1)",
    ]
