"""The tables of schema version 2 with the usual retention, as they were made then; frozen."""

STATEMENTS = (
    """\
CREATE DATABASE IF NOT EXISTS {database} ENGINE = Atomic""",
    """\
CREATE TABLE IF NOT EXISTS {database}.schema_version (version UInt32, at DateTime('UTC') DEFAULT now()) \
ENGINE = MergeTree() ORDER BY version SETTINGS non_replicated_deduplication_window=10000, \
fsync_after_insert=1, fsync_part_directory=1 COMMENT ''""",
    """\
CREATE TABLE IF NOT EXISTS {database}.series (series_id UInt64, component LowCardinality(String), metric \
LowCardinality(String), labels Map(LowCardinality(String), String), unit LowCardinality(String), kind \
Enum8('gauge' = 1, 'counter' = 2, 'state' = 3)) ENGINE = ReplacingMergeTree() ORDER BY (component, metric, \
series_id) SETTINGS non_replicated_deduplication_window=10000, fsync_after_insert=1, fsync_part_directory=1 \
COMMENT ''""",
    """\
CREATE TABLE IF NOT EXISTS {database}.latest (series_id UInt64, newest SimpleAggregateFunction(max, \
UInt128)) ENGINE = AggregatingMergeTree() ORDER BY series_id SETTINGS \
non_replicated_deduplication_window=10000, fsync_after_insert=1, fsync_part_directory=1 COMMENT ''""",
    """\
CREATE TABLE IF NOT EXISTS {database}.status_change (component LowCardinality(String), ts DateTime64(3, \
'UTC'), status Enum8('off' = 0, 'ok' = 1, 'unknown' = 2, 'warning' = 3, 'critical' = 4), reason String) \
ENGINE = ReplacingMergeTree() ORDER BY (component, ts) SETTINGS non_replicated_deduplication_window=10000, \
fsync_after_insert=1, fsync_part_directory=1 COMMENT ''""",
    """\
CREATE TABLE IF NOT EXISTS {database}.event (id UUID, ts DateTime64(3, 'UTC'), till Nullable(DateTime64(3, \
'UTC')), kind LowCardinality(String), component LowCardinality(String), author String, text String, ver \
UInt64, deleted UInt8) ENGINE = ReplacingMergeTree(ver, deleted) ORDER BY (ts, id) SETTINGS \
non_replicated_deduplication_window=10000, fsync_after_insert=1, fsync_part_directory=1 COMMENT ''""",
    """\
CREATE TABLE IF NOT EXISTS {database}.progress (source String, first UInt64, last UInt64, at DateTime64(6, \
'UTC') DEFAULT now64(6)) ENGINE = ReplacingMergeTree(at) ORDER BY source SETTINGS \
non_replicated_deduplication_window=10000, fsync_after_insert=1, fsync_part_directory=1 COMMENT ''""",
    """\
CREATE TABLE IF NOT EXISTS {database}.samples (series_id UInt64 CODEC(Delta, ZSTD(1)), ts DateTime('UTC') \
CODEC(Delta, ZSTD(1)), bits UInt64 CODEC(T64('bit'), ZSTD(1)), value Float64 ALIAS \
reinterpretAsFloat64(bits)) ENGINE = MergeTree() PARTITION BY toMonday(ts) ORDER BY (series_id, ts) TTL ts + \
toIntervalSecond(7776000) SETTINGS ttl_only_drop_parts=1, materialize_ttl_recalculate_only=1, \
non_replicated_deduplication_window=10000, fsync_after_insert=1, fsync_part_directory=1 COMMENT ''""",
    """\
CREATE TABLE IF NOT EXISTS {database}.samples_15m (series_id UInt64 CODEC(Delta, ZSTD(1)), t DateTime('UTC') \
CODEC(Delta, ZSTD(1)), vmin SimpleAggregateFunction(min, Float64) CODEC(ZSTD(1)), vmax \
SimpleAggregateFunction(max, Float64) CODEC(ZSTD(1)), vsum SimpleAggregateFunction(sum, Float64) \
CODEC(ZSTD(1)), cnt SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)), q \
AggregateFunction(quantilesDD(0.02, 0.5, 0.95, 0.99), Float64) CODEC(ZSTD(1))) ENGINE = \
AggregatingMergeTree() PARTITION BY toStartOfQuarter(t) ORDER BY (series_id, t) TTL t + \
toIntervalSecond(63072000) SETTINGS index_granularity=512, ttl_only_drop_parts=1, \
materialize_ttl_recalculate_only=1, non_replicated_deduplication_window=10000, fsync_after_insert=1, \
fsync_part_directory=1 COMMENT '{zone}'""",
    """\
CREATE TABLE IF NOT EXISTS {database}.samples_4h (series_id UInt64 CODEC(Delta, ZSTD(1)), t DateTime('UTC') \
CODEC(Delta, ZSTD(1)), vmin SimpleAggregateFunction(min, Float64) CODEC(ZSTD(1)), vmax \
SimpleAggregateFunction(max, Float64) CODEC(ZSTD(1)), vsum SimpleAggregateFunction(sum, Float64) \
CODEC(ZSTD(1)), cnt SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)), q \
AggregateFunction(quantilesDD(0.02, 0.5, 0.95, 0.99), Float64) CODEC(ZSTD(1))) ENGINE = \
AggregatingMergeTree() PARTITION BY toYear(t) ORDER BY (series_id, t) TTL t + toIntervalSecond(189216000) \
SETTINGS index_granularity=512, ttl_only_drop_parts=1, materialize_ttl_recalculate_only=1, \
non_replicated_deduplication_window=10000, fsync_after_insert=1, fsync_part_directory=1 COMMENT '{zone}'""",
    """\
CREATE TABLE IF NOT EXISTS {database}.samples_1d (series_id UInt64 CODEC(Delta, ZSTD(1)), t DateTime('UTC') \
CODEC(Delta, ZSTD(1)), vmin SimpleAggregateFunction(min, Float64) CODEC(ZSTD(1)), vmax \
SimpleAggregateFunction(max, Float64) CODEC(ZSTD(1)), vsum SimpleAggregateFunction(sum, Float64) \
CODEC(ZSTD(1)), cnt SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)), q \
AggregateFunction(quantilesDD(0.02, 0.5, 0.95, 0.99), Float64) CODEC(ZSTD(1))) ENGINE = \
AggregatingMergeTree() PARTITION BY toYear(t) ORDER BY (series_id, t) TTL t + toIntervalSecond(315360000) \
SETTINGS index_granularity=128, ttl_only_drop_parts=1, materialize_ttl_recalculate_only=1, \
non_replicated_deduplication_window=10000, fsync_after_insert=1, fsync_part_directory=1 COMMENT '{zone}'""",
    """\
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.samples_15m_mv TO {database}.samples_15m AS SELECT \
series_id, toDateTime(toStartOfInterval(ts, INTERVAL 15 MINUTE, 'UTC'), 'UTC') AS t, \
min(reinterpretAsFloat64(bits)) AS vmin, max(reinterpretAsFloat64(bits)) AS vmax, \
sum(reinterpretAsFloat64(bits)) AS vsum, count() AS cnt, quantilesDDState(0.02, 0.5, 0.95, \
0.99)(greatest(-1.7e308, least(1.7e308, reinterpretAsFloat64(bits) * 1099511627776))) AS q FROM \
{database}.samples AS s  GROUP BY series_id, t""",
    """\
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.samples_4h_mv TO {database}.samples_4h AS SELECT \
series_id, toDateTime(toStartOfInterval(s.t, INTERVAL 4 HOUR, '{zone}'), 'UTC') AS t, min(s.vmin) AS vmin, \
max(s.vmax) AS vmax, sum(s.vsum) AS vsum, sum(s.cnt) AS cnt, quantilesDDMergeState(0.02, 0.5, 0.95, \
0.99)(s.q) AS q FROM {database}.samples_15m AS s  GROUP BY series_id, t""",
    """\
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.samples_1d_mv TO {database}.samples_1d AS SELECT \
series_id, toDateTime(toStartOfInterval(s.t, INTERVAL 1 DAY, '{zone}'), 'UTC') AS t, min(s.vmin) AS vmin, \
max(s.vmax) AS vmax, sum(s.vsum) AS vsum, sum(s.cnt) AS cnt, quantilesDDMergeState(0.02, 0.5, 0.95, \
0.99)(s.q) AS q FROM {database}.samples_4h AS s  GROUP BY series_id, t""",
    """\
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.latest_mv TO {database}.latest AS SELECT series_id, \
max(bitShiftLeft(toUInt128(toUnixTimestamp(ts)), 64) + bits) AS newest FROM {database}.samples GROUP BY \
series_id""",
    """\
INSERT INTO {database}.schema_version (version) VALUES (2)""",
)


def create(database: str, zone: str) -> list[str]:
    """What a Tapewatch of version 2 ran at its first start, in that order."""
    return [statement.replace("{database}", database).replace("{zone}", zone) for statement in STATEMENTS]
