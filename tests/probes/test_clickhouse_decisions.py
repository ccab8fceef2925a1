import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from probes import clickhouse_client as client
from probes import clickhouse_decisions as decisions
from probes import clickhouse_queries as queries
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
        (159, "disks (took longer than 1 s)"),
        (241, "disks (the server answered MEMORY_LIMIT_EXCEEDED)"),
        (516, None),
        (None, None),
    ],
)
def test_why_a_question_got_no_answer(code: int | None, phrase: str | None) -> None:
    error = DatabaseError("", code=code, name="MEMORY_LIMIT_EXCEEDED" if code == 241 else None)
    assert queries.why_missing(error, queries.DISKS) == phrase


def test_activity_is_read_from_gauges_and_events() -> None:
    gauges, events, uptime_s = decisions.split_counters(
        [("gauge MemoryTracking", 9 * GIB), ("gauge DelayedInserts", 2), ("event Query", 10), ("uptime", 60)]
    )
    assert events["RejectedInserts"] == 0  # never happened: no row, so that the first one is seen
    found = decisions.activity(gauges, Turn(10, {"Query": 50, "RejectedInserts": 3}), uptime_s, 10 * GIB)
    assert {(f.metric, f.status) for f in judged([r for r in found if r.metric != "clickhouse_memory_used_ratio"])} == {
        ("clickhouse_delayed_inserts", Status.WARNING),
        ("clickhouse_rejected_inserts_total", Status.CRITICAL),
    }
    rates = {reading.metric: reading.value for reading in found}
    assert rates["clickhouse_queries_per_second"] == 5
    assert rates["clickhouse_memory_used_ratio"] == 0.9


def test_trouble_with_parts_merges_replicas_and_disks_is_found() -> None:
    readings = [
        *decisions.storage([("d", "t", 1, 1, 1, 1, 1, 1, 5, 6, 30, 10, 400, 350)], 1000),
        *decisions.background([(1, 8000, 1)]),
        *decisions.replication([(3, 1, 90, 200)], 1),
        *decisions.disks([("hot", "/", 5, 100), ("s3", "/", 2**63, 2**63), ("none", "/", 0, 0)]),
        *decisions.running([(4, 70.0, "u", 1, 1, "SELECT ?"), (4, 2.0, "u", 1, 1, "SELECT ?")]),
    ]
    assert {finding.metric.removeprefix("clickhouse_"): str(finding.status) for finding in judged(readings, 60)} == {
        "parts_ratio": "warning",
        "merge_longest_seconds": "critical",
        "mutations_failing": "warning",
        "readonly_replicas": "critical",
        "replica_delay_seconds": "warning",
        "replication_queue": "warning",
        "replication_stuck": "warning",
        "disk_used_ratio": "critical",
        "query_longest_seconds": "warning",
    }


def test_few_queries_give_no_failure_ratio() -> None:
    assert decisions.query_log([(19, 19, 0.1)]) == []
    assert decisions.query_log([(100, 2, 0.1)])[0] == Reading("clickhouse_failed_queries_ratio", 0.02)


def test_a_slow_query_does_not_condemn_the_server() -> None:
    slow = client.explain(DatabaseError("Timeout exceeded", code=159), "host:8123")
    assert slow.code not in client.CONNECTION_CODES
    assert client.explain(ConnectionRefusedError("Connection refused"), "host:8123").code in client.CONNECTION_CODES
