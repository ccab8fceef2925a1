from typing import Any, ClassVar, cast

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from probes import clickhouse_client as client
from probes import clickhouse_decisions as decisions
from probes import clickhouse_queries as queries
from probes import clickhouse_read as reading
from probes import clickhouse_work as work
from probes.catalogue import Judge
from probes.clickhouse_metrics import METRICS
from probes.counters import Turn
from probes.result import Finding, Reading, Status

GIB = 2**30


def judged(readings: list[Reading], later_s: float = 0) -> list[Finding]:
    judge = Judge({metric.name: metric for metric in METRICS}, {})
    judge.findings(readings, 0)
    return judge.findings(readings, later_s)


@pytest.mark.parametrize(
    ("code", "phrase"),
    [
        (60, "disks (this server keeps no system.disks)"),
        (47, "disks (this version does not tell)"),
        (497, "disks (the user may not: GRANT SELECT ON system.disks)"),
        (159, "disks (took longer than 0.8 s)"),
        (241, "disks (the server answered MEMORY_LIMIT_EXCEEDED)"),
        (516, None),
        (None, None),
    ],
)
def test_why_a_question_got_no_answer(code: int | None, phrase: str | None) -> None:
    error = DatabaseError("", code=code, name="MEMORY_LIMIT_EXCEEDED" if code == 241 else None)
    assert reading.why_missing(error, queries.DISKS) == phrase


def test_activity_is_read_from_gauges_and_events() -> None:
    gauges, events, uptime_s = decisions.split_counters(
        [("gauge MemoryTracking", 9 * GIB), ("gauge DelayedInserts", 2), ("event Query", 10), ("uptime", 60)]
    )
    assert events["RejectedInserts"] == 0  # never happened: no row, so that the first one is seen
    grown = {"Query": 50, "QueryTimeMicroseconds": 100_000, "InsertQuery": 4, "InsertedRows": 10}
    grown |= {"RejectedInserts": 3, "DelayedInserts": 2, "ReplicatedDataLoss": 0}
    found = decisions.activity(gauges, Turn(10, grown), uptime_s, 10 * GIB)
    assert {(f.metric, f.status) for f in judged([r for r in found if r.metric != "clickhouse_memory_used_ratio"])} == {
        ("clickhouse_delayed_inserts", Status.WARNING),
        ("clickhouse_slowed_inserts_total", Status.WARNING),
        ("clickhouse_rejected_inserts_total", Status.CRITICAL),
    }
    rates = {reading.metric: reading.value for reading in found}
    assert rates["clickhouse_queries_per_second"] == 5
    assert rates["clickhouse_memory_used_ratio"] == 0.9
    assert rates["clickhouse_query_mean_seconds"] == 0.002
    assert rates["clickhouse_insert_rows_each"] == 2.5
    assert "clickhouse_query_mean_seconds" not in {r.metric for r in decisions.activity({}, Turn(), None, None)}


def test_trouble_with_parts_merges_replicas_and_disks_is_found() -> None:
    readings = [
        *decisions.storage([("d", "t", 1, 1, 1, 1, 1, 1, 5, 6, 30, 10, 400, 350)], 1000),
        *work.merges([(1, 8000, "d", "t", "merge", 8000, 0.5, 9, 1, 1)])[0],
        *work.mutations([(2, 1, 7200, "d", "t", "DELETE WHERE a = ?", 7200, 3, "")])[0],
        *work.replication([(3, 1, 90, 200, "d", "t", 1, 90, 200, 5, 6)])[0],
        *work.replication_queue([(1, "d", "t", "GET_PART", 900, 40, "Code: 1. DB::Exception: No part.", "")])[0],
        *work.pools({"BackgroundFetchesPoolTask": 16, "BackgroundFetchesPoolSize": 16})[0],
        *work.detached([(7, 2, "d", "t", "broken-on-start", 2)])[0],
        *work.dictionaries([(2, 1, "d", "prices", "FAILED", "x")])[0],
        *decisions.disks([("hot", "/", 5, 100), ("s3", "/", 2**63, 2**63), ("none", "/", 0, 0)]),
        *decisions.running([(4, 70.0, "u", 1, 1, "SELECT ?"), (4, 2.0, "u", 1, 1, "SELECT ?")]),
    ]
    assert {finding.metric.removeprefix("clickhouse_"): str(finding.status) for finding in judged(readings, 300)} == {
        "parts_ratio": "warning",
        "merge_longest_seconds": "critical",
        "mutations_failing": "warning",
        "mutation_oldest_seconds": "warning",
        "pool_used_ratio": "warning",
        "broken_parts": "warning",
        "dictionaries_failing": "warning",
        "readonly_replicas": "critical",
        "replica_delay_seconds": "warning",
        "replication_queue": "warning",
        "replication_stuck": "warning",
        "disk_used_ratio": "critical",
        "query_longest_seconds": "warning",
    }


def test_few_queries_give_no_failure_ratio() -> None:
    assert work.query_log([(19, 19, 0.1, 0.1, 0.1)]) == []
    assert work.query_log([(100, 2, 0.1, 0.2, 0.3)]) == [
        Reading("clickhouse_failed_queries_ratio", 0.02),
        Reading("clickhouse_query_p50_seconds", 0.1),
        Reading("clickhouse_query_p95_seconds", 0.2),
        Reading("clickhouse_query_p99_seconds", 0.3),
    ]


def test_a_slow_query_does_not_condemn_the_server() -> None:
    slow = client.explain(DatabaseError("Timeout exceeded", code=159), "host:8123")
    assert slow.code not in client.CONNECTION_CODES
    assert client.explain(ConnectionRefusedError("Connection refused"), "host:8123").code in client.CONNECTION_CODES


def error(name: str, count: int, at_s: int = 0) -> tuple[str, int, int, int, str]:
    return (
        name,
        count,
        at_s,
        241,
        "Memory limit (for query) exceeded: would use 9 GiB for 'secret'. (MEMORY_LIMIT_EXCEEDED)",
    )


def test_errors_since_the_last_reading() -> None:
    rows = [error("MEMORY_LIMIT_EXCEEDED", 5, 100), error("SYNTAX_ERROR", 9, 200), error("UNKNOWN_TABLE", 4)]
    assert work.new_errors(None, rows) == {}
    new = work.new_errors({"SYNTAX_ERROR": 7, "UNKNOWN_TABLE": 4}, rows)
    assert new == {"MEMORY_LIMIT_EXCEEDED": 5, "SYNTAX_ERROR": 2}
    readings, table = work.errors(rows, new)
    findings = judged(readings)
    assert [(finding.metric, finding.message) for finding in findings] == [
        ("clickhouse_serious_errors_total", "MEMORY_LIMIT_EXCEEDED happened 5 times since the last check.")
    ]
    assert [row[:3] for row in table.rows] == [
        ("SYNTAX_ERROR", 9, 2),
        ("MEMORY_LIMIT_EXCEEDED", 5, 5),
        ("UNKNOWN_TABLE", 4, 0),
    ]
    assert "secret" not in str(table)
    assert work.new_errors({"SYNTAX_ERROR": 99}, [error("SYNTAX_ERROR", 3)]) == {}  # a restart


class Answering:
    """A client that counts what it is asked and answers each time alike."""

    server_settings: ClassVar[dict[str, Any]] = {}

    def __init__(self, refusal: int | None = None) -> None:
        self.asked, self.refusal = 0, refusal
        self.result_rows = [(1,)]

    def query(self, sql: str, settings: dict[str, Any]) -> "Answering":
        self.asked += 1
        if self.refusal is not None:
            raise DatabaseError("", code=self.refusal)
        return self


@pytest.mark.parametrize(
    ("question", "refusal", "asked"),
    [
        (queries.DISKS, None, [1, 2, 3]),
        (queries.DETACHED, None, [1, 1, 2]),  # costly: once a minute
        (queries.LOG, 60, [1, 1, 1]),  # a missing table is an error in the server's log: every ten minutes
        (queries.LOG, 497, [1, 1, 2]),
        (queries.LOG, 159, [1, 2, 3]),
    ],
)
def test_what_is_costly_or_missing_is_asked_for_less_often(
    question: queries.Question, refusal: int | None, asked: list[int]
) -> None:
    client, known = Answering(refusal), reading.Known()
    for now_s, times in zip((0, 30, 90), asked, strict=True):
        interview = reading.Interview(cast(Any, client), known, clock=lambda at_s=now_s: at_s)
        assert (interview.rows(question) is None) == (refusal is not None)
        assert len(interview.unavailable) == (refusal is not None)
        assert client.asked == times


def test_one_missing_table_is_tried_and_told_once_for_all_its_questions() -> None:
    client = Answering(60)
    interview = reading.Interview(cast(Any, client), clock=lambda: 0)
    for question in (queries.LOG, queries.PATTERNS, queries.FAILED):
        assert interview.rows(question) is None
    assert client.asked == len(interview.unavailable) == 1


def test_nothing_is_asked_when_the_time_is_over() -> None:
    client = Answering()
    interview = reading.Interview(cast(Any, client), until_s=5, clock=lambda: 5)
    assert interview.rows(queries.DISKS) is None
    assert interview.unavailable == ["disks (no time was left)"]
    assert client.asked == 0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "Code: 60. DB::Exception: Table default.nope does not exist. (UNKNOWN_TABLE)",
            "Table default.nope does not exist.",
        ),
        ("Cannot parse 'pw' as UInt8", "Cannot parse ? as UInt8"),
        ("in 'db.ticks' at 'unfinish", "in 'db.ticks' at ?"),
        ("", ""),
    ],
)
def test_a_reason_is_told_without_values(text: str, shown: str) -> None:
    assert work.reason(text) == shown
