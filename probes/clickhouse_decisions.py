"""What ClickHouse's system tables mean: pure functions over the rows of `clickhouse_queries`."""

from collections.abc import Mapping, Sequence

from probes.catalogue import humanize
from probes.clickhouse_queries import EVENTS, Row
from probes.clickhouse_work import some
from probes.counters import Turn
from probes.result import Reading, Table, labels

RATES = {
    "Query": "clickhouse_queries_per_second",
    "InsertedRows": "clickhouse_insert_rows_per_second",
    "InsertedBytes": "clickhouse_insert_bytes_per_second",
    "SelectedRows": "clickhouse_select_rows_per_second",
    "InsertQuery": "clickhouse_inserts_per_second",
    "FailedQuery": "clickhouse_failed_queries_per_second",
    "MergedRows": "clickhouse_merge_rows_per_second",
}
TOTALS = {
    "RejectedInserts": "clickhouse_rejected_inserts_total",
    "DelayedInserts": "clickhouse_slowed_inserts_total",
    "ReplicatedPartFailedFetches": "clickhouse_failed_fetches_total",
    "ReplicatedDataLoss": "clickhouse_lost_parts_total",
}
LEVELS = {
    "MemoryTracking": "clickhouse_memory_tracked_bytes",
    "DelayedInserts": "clickhouse_delayed_inserts",
    "TCPConnection": "clickhouse_tcp_connections",
    "HTTPConnection": "clickhouse_http_connections",
    "PendingAsyncInsert": "clickhouse_pending_async_inserts",
    "DistributedFilesToInsert": "clickhouse_distributed_files",
    "BrokenDistributedFilesToInsert": "clickhouse_distributed_broken_files",
}
REAL_DISK_BYTES = 2**60
"""Object storage reports more than that as its size."""


def split_counters(rows: Sequence[Row]) -> tuple[dict[str, float], dict[str, float], float | None]:
    """Gauges, events and uptime. An event that never happened has no row: it is 0."""
    values = {str(name): float(value) for name, value in rows}
    gauges = {name.removeprefix("gauge "): value for name, value in values.items() if name.startswith("gauge ")}
    events = {name: values.get(f"event {name}", 0.0) for name in EVENTS}
    return gauges, events, values.get("uptime") or None


def activity(
    gauges: Mapping[str, float], turn: Turn[str], uptime_s: float | None, memory_limit_bytes: float | None
) -> list[Reading]:
    """Rates, memory, connections and what the server does to inserts."""
    found = {metric: turn.per_second(event) for event, metric in RATES.items()}
    found |= {metric: turn.increases.get(event) for event, metric in TOTALS.items()}
    found |= {metric: gauges.get(gauge) for gauge, metric in LEVELS.items()}
    memory_bytes = gauges.get("MemoryTracking")
    return [
        *(Reading(metric, value) for metric, value in found.items() if value is not None),
        *some(
            memory_used_ratio=memory_bytes / memory_limit_bytes
            if memory_bytes is not None and memory_limit_bytes
            else None,
            query_mean_seconds=_each(turn, "QueryTimeMicroseconds", "Query", 1e-6),
            insert_rows_each=_each(turn, "InsertedRows", "InsertQuery"),
            uptime_seconds=uptime_s,
        ),
    ]


def _each(turn: Turn[str], of: str, among: str, scale: float = 1.0) -> float | None:
    """The mean of one counter's increase over another's; None when nothing happened."""
    total, count = turn.increases.get(of), turn.increases.get(among)
    return total * scale / count if total is not None and count else None


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
