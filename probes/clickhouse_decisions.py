"""What ClickHouse's system tables mean: pure functions over the rows of `clickhouse_queries`."""

from collections.abc import Mapping, Sequence

from probes.catalogue import humanize
from probes.clickhouse_queries import EVENTS, Row
from probes.counters import Turn
from probes.result import Reading, Table, labels

RATES = {
    "Query": "clickhouse_queries_per_second",
    "InsertedRows": "clickhouse_insert_rows_per_second",
    "InsertedBytes": "clickhouse_insert_bytes_per_second",
    "SelectedRows": "clickhouse_select_rows_per_second",
}
FEWEST_QUERIES = 20
"""Below so many in five minutes a share of failures says nothing."""
REAL_DISK_BYTES = 2**60
"""Object storage reports more than that as its size."""


def some(**values: float | None) -> list[Reading]:
    """Readings of the values there are; the names lack their prefix."""
    return [Reading(f"clickhouse_{name}", float(value)) for name, value in values.items() if value is not None]


def split_counters(rows: Sequence[Row]) -> tuple[dict[str, float], dict[str, float], float | None]:
    """Gauges, events and uptime. An event that never happened has no row: it is 0."""
    values = {str(name): float(value) for name, value in rows}
    gauges = {name.removeprefix("gauge "): value for name, value in values.items() if name.startswith("gauge ")}
    events = {name: values.get(f"event {name}", 0.0) for name in EVENTS}
    return gauges, events, values.get("uptime") or None


def activity(
    gauges: Mapping[str, float], turn: Turn[str], uptime_s: float | None, memory_limit_bytes: float | None
) -> list[Reading]:
    """Rates, memory and what the server does to inserts."""
    memory_bytes = gauges.get("MemoryTracking")
    rates = {metric: turn.per_second(event) for event, metric in RATES.items()}
    return [
        *(Reading(metric, rate) for metric, rate in rates.items() if rate is not None),
        *some(
            memory_tracked_bytes=memory_bytes,
            memory_used_ratio=memory_bytes / memory_limit_bytes
            if memory_bytes is not None and memory_limit_bytes
            else None,
            delayed_inserts=gauges.get("DelayedInserts"),
            rejected_inserts_total=turn.increases.get("RejectedInserts"),
            uptime_seconds=uptime_s,
        ),
    ]


def storage(rows: Sequence[Row], part_limit: float | None) -> list[Reading]:
    """Totals over all tables, which every row of the query carries."""
    tables, count, data_bytes, raw, packed, parts, fullest = rows[0][7:] if rows else (0, 0, 0, 0, 0, 0, 0)
    return some(
        tables=tables,
        rows=count,
        data_bytes=data_bytes,
        compression_factor=raw / packed if packed else None,
        parts=parts,
        parts_per_partition=fullest,
        parts_ratio=fullest / part_limit if part_limit else None,
    )


def table_sizes(rows: Sequence[Row]) -> Table:
    """The biggest tables."""
    return Table(
        ("database", "table", "rows", "bytes", "compression_factor", "parts"),
        tuple(
            (database, table, int(count), int(size), raw / packed if packed else None, int(parts))
            for database, table, count, size, raw, packed, parts, *_ in rows
        ),
    )


def running(rows: Sequence[Row]) -> list[Reading]:
    """How many queries are under way, and how long the longest."""
    return some(
        running_queries=rows[0][0] if rows else 0, query_longest_seconds=max((row[1] for row in rows), default=0)
    )


def running_table(rows: Sequence[Row]) -> Table:
    """The queries that have been running longest."""
    columns = ("elapsed_seconds", "user", "memory_bytes", "read_rows", "query")
    return Table(columns, tuple(tuple(row[1:]) for row in rows))


def background(rows: Sequence[Row]) -> list[Reading]:
    """Merges and mutations."""
    merges, longest_s, failing = rows[0]
    return some(merges=merges, merge_longest_seconds=longest_s or 0, mutations_failing=failing)


def disks(rows: Sequence[Row]) -> list[Reading]:
    """How full each disk is; object storage has no size."""
    return [
        Reading("clickhouse_disk_used_ratio", 1 - unreserved / total, labels(disk=str(name)))
        for name, _, unreserved, total in rows
        if 0 < total < REAL_DISK_BYTES
    ]


def disk_table(rows: Sequence[Row]) -> Table:
    """One row a disk with a size."""
    return Table(
        ("disk", "path", "used_ratio", "free_bytes", "total_bytes"),
        tuple(
            (name, path, 1 - unreserved / total, int(unreserved), int(total))
            for name, path, unreserved, total in rows
            if 0 < total < REAL_DISK_BYTES
        ),
    )


def replication(rows: Sequence[Row], stuck: float | None) -> list[Reading]:
    """Replicated tables; nothing where there are none."""
    tables, readonly, delay_s, queue = rows[0]
    if not tables:
        return []
    return some(
        readonly_replicas=readonly, replica_delay_seconds=delay_s, replication_queue=queue, replication_stuck=stuck
    )


def query_log(rows: Sequence[Row]) -> list[Reading]:
    """Failures and the time queries take; nothing when hardly any ran."""
    count, failed, p95_s = rows[0]
    if count < FEWEST_QUERIES:
        return []
    return some(failed_queries_ratio=failed / count, query_p95_seconds=p95_s)


def summary(readings: Sequence[Reading]) -> str:
    """The server in one short phrase."""
    values = {reading.metric: reading.value for reading in readings}
    parts = []
    for metric, unit, words in (
        ("clickhouse_queries_per_second", "count", "queries/s"),
        ("clickhouse_insert_rows_per_second", "count", "rows/s in"),
        ("clickhouse_data_bytes", "bytes", "of data"),
    ):
        if metric in values:
            parts.append(f"{humanize(values[metric], unit)} {words}")
    return ", ".join(parts) or "answers"
