"""What is asked of ClickHouse's system tables.

Columns are named, never ``*``: some of `system.replicas` ask Keeper for every row. Every query has
a time limit, and a LIMIT or a list of names it asks for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

OWN_COMMENT = "tapewatch"
"""Marks our own queries (log_comment), so that the query log can be read without them."""
MOST_ROWS = 20
MOST_ERRORS = 1000
MOST_TABLES = 100
MOST_QUERIES = 20
MOST_DISKS = 50
Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One query.

    Attributes:
        about: in words, for who cannot see it.
        tables: the system tables it reads, which is what a grant has to name.
        every_s: how often it is asked at most, because it costs the server or hardly changes; 0: every time.
    """

    about: str
    tables: str
    sql: str
    every_s: float = 0.0


POOLS = {
    "merges and mutations": "BackgroundMergesAndMutationsPool",
    "fetches": "BackgroundFetchesPool",
    "moves": "BackgroundMovePool",
    "common": "BackgroundCommonPool",
    "schedule": "BackgroundSchedulePool",
    "distributed": "BackgroundDistributedSchedulePool",
    "message broker": "BackgroundMessageBrokerSchedulePool",
}
GAUGES = (
    "Query",
    "MemoryTracking",
    "DelayedInserts",
    "ReadonlyReplica",
    "TCPConnection",
    "HTTPConnection",
    "PendingAsyncInsert",
    "DistributedFilesToInsert",
    "BrokenDistributedFilesToInsert",
    *(f"{pool}{what}" for pool in POOLS.values() for what in ("Task", "Size")),
)
EVENTS = (
    "Query",
    "FailedQuery",
    "QueryTimeMicroseconds",
    "InsertQuery",
    "InsertedRows",
    "InsertedBytes",
    "SelectedRows",
    "MergedRows",
    "DelayedInserts",
    "RejectedInserts",
    "ReplicatedPartFailedFetches",
    "ReplicatedDataLoss",
)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


COUNTERS = Question(
    "activity counters",
    "metrics, events",
    f"""
    SELECT concat('gauge ', metric) AS name, toFloat64(value) FROM system.metrics WHERE metric IN ({_listed(GAUGES)})
    UNION ALL
    SELECT concat('event ', event), toFloat64(value) FROM system.events WHERE event IN ({_listed(EVENTS)})
    UNION ALL
    SELECT 'uptime', toFloat64(uptime())
    """,
)
TABLES = Question(
    "parts and tables",
    "parts",
    f"""
    SELECT database, table, sum(p.part_rows) AS table_rows, sum(p.part_bytes) AS table_bytes,
        sum(p.raw_bytes) AS table_raw, sum(p.packed_bytes) AS table_packed, sum(p.part_count) AS table_parts,
        count() OVER (), sum(table_rows) OVER (), sum(table_bytes) OVER (), sum(table_raw) OVER (),
        sum(table_packed) OVER (), sum(table_parts) OVER (), max(max(p.part_count)) OVER ()
    FROM (
        SELECT database, table, partition_id, count() AS part_count, sum(rows) AS part_rows,
            sum(bytes_on_disk) AS part_bytes, sum(data_uncompressed_bytes) AS raw_bytes,
            sum(data_compressed_bytes) AS packed_bytes
        FROM system.parts WHERE active GROUP BY database, table, partition_id
    ) AS p
    GROUP BY database, table ORDER BY table_bytes DESC LIMIT {MOST_TABLES}
    """,
)
PROCESSES = Question(
    "running queries",
    "processes",
    f"""
    SELECT count() OVER (), elapsed, user, memory_usage, read_rows,
        substring(replaceRegexpAll(normalizeQuery(query), '\\\\s+', ' '), 1, 160)
    FROM system.processes WHERE query_id != queryID() ORDER BY elapsed DESC LIMIT {MOST_QUERIES}
    """,
)
"""`normalizeQuery` puts ``?`` for every literal: values may be nobody else's business."""
MERGES = Question(
    "merges",
    "merges",
    f"""
    SELECT count() OVER (), max(elapsed) OVER (), database, table, if(is_mutation, 'mutation', 'merge'), elapsed,
        progress, num_parts, total_size_bytes_compressed, memory_usage
    FROM system.merges ORDER BY elapsed DESC LIMIT {MOST_ROWS}
    """,
)
MUTATIONS = Question(
    "mutations",
    "mutations",
    f"""
    SELECT count() OVER (), countIf(latest_fail_reason != '') OVER (),
        max(dateDiff('second', create_time, now())) OVER (), database, table,
        substring(normalizeQuery(command), 1, 160), dateDiff('second', create_time, now()) AS age, parts_to_do,
        substring(latest_fail_reason, 1, 400)
    FROM system.mutations WHERE NOT is_done ORDER BY latest_fail_reason = '', create_time LIMIT {MOST_ROWS}
    """,
)
DISKS = Question(
    "disks",
    "disks",
    f"SELECT name, path, unreserved_space, total_space FROM system.disks LIMIT {MOST_DISKS}",
)
REPLICAS = Question(
    "replicas",
    "replicas",
    f"""
    SELECT count() OVER (), countIf(is_readonly OR is_session_expired) OVER (), max(absolute_delay) OVER (),
        sum(queue_size) OVER (), database, table, is_readonly OR is_session_expired AS readonly, absolute_delay,
        queue_size, inserts_in_queue, merges_in_queue
    FROM system.replicas ORDER BY readonly DESC, absolute_delay DESC, queue_size DESC LIMIT {MOST_ROWS}
    """,
)
QUEUE = Question(
    "replication queue",
    "replication_queue",
    f"""
    SELECT countIf(last_exception != '' AND create_time < now() - 600) OVER (), database, table, toString(type),
        dateDiff('second', create_time, now()), num_tries, substring(last_exception, 1, 400),
        substring(postpone_reason, 1, 400)
    FROM system.replication_queue ORDER BY last_exception = '', create_time LIMIT {MOST_ROWS}
    """,
)
ERRORS = Question(
    "errors",
    "errors",
    f"""
    SELECT name, sum(value), toUnixTimestamp(max(last_error_time)), max(code),
        substring(argMax(last_error_message, last_error_time), 1, 400)
    FROM system.errors GROUP BY name LIMIT {MOST_ERRORS}
    """,
)
LOGGED = f"""
    FROM system.query_log
    WHERE event_date >= toDate(now() - 300) AND event_time >= now() - 300 AND type != 'QueryStart'
        AND is_initial_query AND log_comment != '{OWN_COMMENT}'
"""
LOG = Question(
    "query times and failures",
    "query_log",
    f"""
    SELECT count(), countIf(type != 'QueryFinish'), quantile(0.5)(query_duration_ms) / 1000,
        quantile(0.95)(query_duration_ms) / 1000, quantile(0.99)(query_duration_ms) / 1000
    {LOGGED} LIMIT 1
    """,
)
PATTERNS = Question(
    "slowest query patterns",
    "query_log",
    f"""
    SELECT any(substring(replaceRegexpAll(normalizeQuery(query), '\\s+', ' '), 1, 160)), count(),
        countIf(type != 'QueryFinish'), quantile(0.5)(query_duration_ms) / 1000,
        quantile(0.95)(query_duration_ms) / 1000, sum(query_duration_ms) / 1000 AS total,
        max(memory_usage), sum(read_rows)
    {LOGGED} GROUP BY normalized_query_hash ORDER BY total DESC LIMIT {MOST_ROWS}
    """,
    every_s=30,
)
FAILED = Question(
    "reasons of failed queries",
    "query_log",
    f"""
    SELECT errorCodeToName(exception_code), count(), uniq(user), toUnixTimestamp(max(event_time)),
        any(substring(replaceRegexpAll(normalizeQuery(query), '\\s+', ' '), 1, 160))
    {LOGGED} AND type != 'QueryFinish' GROUP BY exception_code ORDER BY count() DESC LIMIT {MOST_ROWS}
    """,
    every_s=30,
)
DETACHED = Question(
    "detached parts",
    "detached_parts",
    f"""
    SELECT sum(count()) OVER (), sum(countIf(startsWith(ifNull(reason, ''), 'broken'))) OVER (), database, table,
        ifNull(reason, '') AS why, count()
    FROM system.detached_parts GROUP BY database, table, why ORDER BY count() DESC LIMIT {MOST_ROWS}
    """,
    every_s=60,
)
"""Lists directories on disk, which may be many."""
DICTIONARIES = Question(
    "dictionaries",
    "dictionaries",
    f"""
    SELECT count() OVER (), countIf(last_exception != '') OVER (), database, name, toString(status),
        substring(last_exception, 1, 400)
    FROM system.dictionaries ORDER BY last_exception = '', name LIMIT {MOST_ROWS}
    """,
    every_s=30,
)
PART_LIMIT = Question(
    "the limit of parts",
    "merge_tree_settings",
    "SELECT toFloat64OrZero(value) FROM system.merge_tree_settings WHERE name = 'parts_to_delay_insert' LIMIT 1",
)
MEMORY_LIMIT = Question(
    "the limit of memory",
    "server_settings",
    "SELECT toFloat64OrZero(value) FROM system.server_settings WHERE name = 'max_server_memory_usage' LIMIT 1",
)
