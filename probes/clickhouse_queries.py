"""What is asked of ClickHouse's system tables, and what it means when one cannot be read.

Columns are named, never ``*``: some of `system.replicas` ask Keeper for every row. Every query has
a time limit, and a LIMIT or a list of names it asks for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from probes.clickhouse_failures import AUTH_CODES, DENIED_CODES

QUERY_LIMIT_S = 1
MOST_TABLES = 100
MOST_QUERIES = 20
MOST_DISKS = 50
NO_SUCH_TABLE = frozenset({60, 81})
NO_SUCH_NAME = frozenset({16, 46, 47, 115})
"""NO_SUCH_COLUMN_IN_TABLE, UNKNOWN_FUNCTION, UNKNOWN_IDENTIFIER, UNKNOWN_SETTING: another version."""

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One query: what it is about in words, the system tables it reads, and its text."""

    about: str
    tables: str
    sql: str


GAUGES = ("Query", "MemoryTracking", "DelayedInserts", "ReadonlyReplica")
EVENTS = ("Query", "InsertedRows", "InsertedBytes", "SelectedRows", "RejectedInserts")


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
BACKGROUND = Question(
    "merges and mutations",
    "merges, mutations",
    """
    SELECT (SELECT count() FROM system.merges), (SELECT max(elapsed) FROM system.merges),
        (SELECT count() FROM system.mutations WHERE NOT is_done AND latest_fail_reason != '')
    LIMIT 1
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
    """
    SELECT count(), countIf(is_readonly OR is_session_expired), max(absolute_delay), sum(queue_size)
    FROM system.replicas LIMIT 1
    """,
)
QUEUE = Question(
    "replication queue",
    "replication_queue",
    """
    SELECT countIf(last_exception != '' AND create_time < now() - 600) FROM system.replication_queue LIMIT 1
    """,
)
LOG = Question(
    "query times and failures",
    "query_log",
    """
    SELECT count(), countIf(type != 'QueryFinish'), quantile(0.95)(query_duration_ms) / 1000
    FROM system.query_log
    WHERE event_date >= toDate(now() - 300) AND event_time >= now() - 300 AND type != 'QueryStart' AND is_initial_query
    LIMIT 1
    """,
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


@dataclass(slots=True)
class Interview:
    """Asks questions over one client; notes the ones that got no answer."""

    client: Client
    unavailable: list[str] = field(default_factory=list)

    def rows(self, question: Question) -> Sequence[Row] | None:
        """The answer's rows; None when this server or this user has none to give.

        Raises:
            ClickHouseError, OSError, urllib3.exceptions.HTTPError: nothing at all can be asked any more.
        """
        try:
            return self.client.query(question.sql, settings=_settings(self.client)).result_rows
        except ClickHouseError as exc:
            phrase = why_missing(exc, question)
            if phrase is None:
                raise
            self.unavailable.append(phrase)
            return None

    def number(self, question: Question) -> float | None:
        """The first column of the first row; None where there is none or it is 0, which means no limit."""
        rows = self.rows(question)
        return float(rows[0][0]) or None if rows else None


def why_missing(exc: ClickHouseError, question: Question) -> str | None:
    """Why one question got no answer, in a phrase; None when the server as a whole is the trouble."""
    code = getattr(exc, "code", None)
    if code is None or code in AUTH_CODES:
        return None
    if code in NO_SUCH_TABLE:
        return f"{question.about} (this server keeps no system.{question.tables})"
    if code in NO_SUCH_NAME:
        return f"{question.about} (this version does not tell)"
    if code in DENIED_CODES:
        granted = ", ".join(f"system.{table}" for table in question.tables.split(", "))
        return f"{question.about} (the user may not: GRANT SELECT ON {granted})"
    if code == 159:
        return f"{question.about} (took longer than {QUERY_LIMIT_S} s)"
    return f"{question.about} (the server answered {getattr(exc, 'name', None) or f'error {code}'})"


def _settings(client: Client) -> dict[str, Any]:
    """The time limit, unless the user is read-only in the sense that settings cannot be changed."""
    known = client.server_settings.get("max_execution_time")
    return {"max_execution_time": QUERY_LIMIT_S} if known is not None and not known.readonly else {}
