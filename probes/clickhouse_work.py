"""What ClickHouse works on and what goes wrong there, from its system tables: pure functions over rows."""

import re
from collections.abc import Mapping, Sequence

from probes.clickhouse_queries import POOLS, Row
from probes.result import Reading, Table, labels, utc

SERIOUS = frozenset(
    {
        "NOT_ENOUGH_SPACE",
        "MEMORY_LIMIT_EXCEEDED",
        "TOO_MANY_PARTS",
        "TABLE_IS_READ_ONLY",
        "TOO_MANY_SIMULTANEOUS_QUERIES",
        "CANNOT_SCHEDULE_TASK",
        "CHECKSUM_DOESNT_MATCH",
        "CORRUPTED_DATA",
        "POTENTIALLY_BROKEN_DATA_PART",
        "NO_REPLICA_HAS_PART",
        "ALL_CONNECTION_TRIES_FAILED",
        "S3_ERROR",
    }
)
"""Errors that are the server's trouble; most others are a query's own mistake (names: src/Common/ErrorCodes.cpp)."""
MOST_ERRORS = 30
FEWEST_QUERIES = 20
"""Below so many in five minutes a share of failures says nothing."""


def some(**values: float | None) -> list[Reading]:
    """Readings of the values there are; the names lack their prefix."""
    return [Reading(f"clickhouse_{name}", float(value)) for name, value in values.items() if value is not None]


def reason(text: str) -> str:
    """ClickHouse's sentence without its frame, and without the values it quotes; names of tables stay.

    >>> reason("Code: 6. DB::Exception: Cannot parse 'secret' as UInt8 in 'db.ticks'. (CANNOT_PARSE_TEXT) (version 26)")
    "Cannot parse ? as UInt8 in 'db.ticks'."
    """
    plain = re.sub(r"^.*?DB::Exception: ", "", " ".join(text.split()))
    plain = re.sub(r" ?\((version .*|[A-Z0-9_]{4,}\).*)$", "", plain)
    return re.sub(r"'([^']*)('|$)", lambda found: found[0] if re.fullmatch(r"'\w+\.\w+'", found[0]) else "?", plain)[
        :200
    ]


def pools(gauges: Mapping[str, float]) -> tuple[list[Reading], Table]:
    """How busy each pool of background threads is; those this server has not are left out."""
    rows = []
    for name, metric in POOLS.items():
        busy, size = gauges.get(f"{metric}Task"), gauges.get(f"{metric}Size")
        if busy is not None and size:
            rows.append((name, int(busy), int(size), busy / size))
    readings = [Reading("clickhouse_pool_used_ratio", row[3], labels(pool=row[0])) for row in rows]
    return readings, Table(("pool", "busy", "size", "used_ratio"), tuple(rows))


def merges(rows: Sequence[Row]) -> tuple[list[Reading], Table]:
    """Merges and mutations of parts under way, the longest first."""
    count, longest_s = rows[0][:2] if rows else (0, 0)
    columns = ("database", "table", "what", "elapsed_seconds", "done_ratio", "parts", "size_bytes", "memory_bytes")
    return some(merges=count, merge_longest_seconds=longest_s), Table(columns, tuple(tuple(row[2:]) for row in rows))


def mutations(rows: Sequence[Row]) -> tuple[list[Reading], Table]:
    """Unfinished ALTER … UPDATE and DELETE, those that fail first, with the reason."""
    count, failing, oldest_s = rows[0][:3] if rows else (0, 0, 0)
    shown = tuple((*row[3:8], reason(row[8])) for row in rows)
    return (
        some(mutations=count, mutations_failing=failing, mutation_oldest_seconds=max(0, oldest_s)),
        Table(("database", "table", "command", "age_seconds", "parts_to_do", "fails_because"), shown),
    )


def replication(rows: Sequence[Row]) -> tuple[list[Reading], Table]:
    """Replicated tables, the worst first; nothing where there are none."""
    columns = ("database", "table", "read_only", "delay_seconds", "queue", "inserts_in_queue", "merges_in_queue")
    table = Table(columns, tuple((*row[4:6], "yes" if row[6] else "no", *row[7:]) for row in rows))
    if not rows:
        return [], table
    tables, readonly, delay_s, queue = rows[0][:4]
    return some(
        replicated_tables=tables, readonly_replicas=readonly, replica_delay_seconds=delay_s, replication_queue=queue
    ), table


def replication_queue(rows: Sequence[Row]) -> tuple[list[Reading], Table]:
    """What waits in the replication queue, that which fails first, with the reason."""
    shown = tuple((*row[1:6], reason(row[6]) or reason(row[7])) for row in rows)
    return (
        some(replication_stuck=rows[0][0] if rows else 0),
        Table(("database", "table", "what", "age_seconds", "tries", "waits_because"), shown),
    )


def new_errors(before: Mapping[str, float] | None, rows: Sequence[Row]) -> dict[str, float]:
    """How often each error happened since the last reading; one that is new began at 0.

    Args:
        before: counts of the last reading; None at the first, which cannot tell what is new.
    """
    if before is None:
        return {}
    return {name: grown for name, count, *_ in rows if (grown := float(count) - before.get(name, 0.0)) > 0}


def errors(rows: Sequence[Row], new: Mapping[str, float]) -> tuple[list[Reading], Table]:
    """Errors since the last reading, and the table of all since the start, the latest first."""
    readings = [
        Reading(f"clickhouse_{'serious' if name in SERIOUS else 'other'}_errors_total", count, labels(error=name))
        for name, count in new.items()
    ]
    latest = sorted(rows, key=lambda row: -int(row[2]))[:MOST_ERRORS]
    shown = tuple(
        (name, int(count), int(new.get(name, 0)), utc(int(at_s)).isoformat(), int(code), reason(message))
        for name, count, at_s, code, message in latest
    )
    return readings, Table(("error", "count", "new", "last_at", "code", "last_message"), shown)


def query_log(rows: Sequence[Row]) -> list[Reading]:
    """Failures and the time queries take; nothing when hardly any ran."""
    count, failed, p50_s, p95_s, p99_s = rows[0]
    if count < FEWEST_QUERIES:
        return []
    return some(
        failed_queries_ratio=failed / count, query_p50_seconds=p50_s, query_p95_seconds=p95_s, query_p99_seconds=p99_s
    )


def pattern_table(rows: Sequence[Row]) -> Table:
    """Queries that differ only in their values, as one; those that took most time in all first."""
    columns = ("query", "runs", "failed", "p50_seconds", "p95_seconds", "total_seconds", "memory_bytes", "read_rows")
    return Table(columns, tuple(tuple(row) for row in rows))


def failure_table(rows: Sequence[Row]) -> Table:
    """Why queries failed in the last five minutes."""
    shown = tuple((name, count, users, utc(int(at_s)).isoformat(), query) for name, count, users, at_s, query in rows)
    return Table(("error", "queries", "users", "last_at", "for_example"), shown)


def detached(rows: Sequence[Row]) -> tuple[list[Reading], Table]:
    """Parts put aside, by reason; broken ones were put aside by the server itself."""
    count, broken = rows[0][:2] if rows else (0, 0)
    shown = tuple((*row[2:4], row[4] or "by hand", row[5]) for row in rows)
    return some(detached_parts=count, broken_parts=broken), Table(("database", "table", "reason", "parts"), shown)


def dictionaries(rows: Sequence[Row]) -> tuple[list[Reading], Table]:
    """Dictionaries, and those whose last load failed; nothing where there are none."""
    shown = tuple((*row[2:5], reason(row[5])) for row in rows if row[5])
    table = Table(("database", "dictionary", "status", "fails_because"), shown)
    return (some(dictionaries=rows[0][0], dictionaries_failing=rows[0][1]) if rows else []), table
