import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError
from pydantic import ValidationError

from probes import clickhouse_client as client
from probes.clickhouse import KIND, ClickHouseComponent, ClickHouseProbe
from probes.clickhouse_metrics import METRICS
from probes.result import Collected, ProbeFailure, ProbeResult, Status
from probes.runner import Runner
from settings_types import SecretUrl
from tests import faults
from tests.clickhouse_http import PASSWORD, USER, ClickHouseProcess, clickhouse_process
from tests.probes.listeners import Behaviour, descriptors, eventually, listening
from tests.probes.test_clickhouse_decisions import judged

GARBAGE = {
    "a name that is no UTF-8": "010102fffe06537472696e670161",
    "an unknown type": "0101016103586261",
    "numbers of no column": "ffffffffff01ffffffffff01",
    "letters": b"<html>busy</html>".hex(),
}
"""Answers to a question in the Native format, in hexadecimal."""
MANY = 200_000
"""Rows that make a table one of the biggest, which are those listed: the embedded engine holds other tests' as well."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    with clickhouse_process(tmp_path_factory.mktemp("clickhouse"), denied=("system.disks",)) as running:
        yield running


def component(dsn: str) -> ClickHouseComponent:
    return ClickHouseComponent.model_validate({"kind": "clickhouse", "name": "clickhouse", "dsn": dsn})


def probe(dsn: str, deadline_s: float = 2.0) -> ClickHouseProbe:
    return ClickHouseProbe(component(dsn), deadline_s)


def failure(refused: ClickHouseProbe) -> ProbeFailure:
    with contextlib.closing(refused), pytest.raises(ProbeFailure) as caught:
        refused.collect()
    return caught.value


def expired(runner: Runner) -> bool:
    runner.expire()
    return True


def values(collected: Collected) -> dict[str, float]:
    return {reading.metric: reading.value for reading in collected.readings}


def answering(body: bytes, head: bytes = b"HTTP/1.0 400 Bad Request\r\n\r\n") -> Behaviour:
    def behave(connection: socket.socket, stop: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(head + body)

    return behave


def ping_only(rest: bytes) -> Behaviour:
    """Answers a ping as ClickHouse does, and every query with `rest` (empty: never)."""

    def behave(connection: socket.socket, stop: threading.Event) -> None:
        if connection.recv(65536).startswith(b"GET /ping"):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nOk.\n")
        elif rest:
            connection.sendall(rest)
        else:
            stop.wait(10)

    return behave


def check_healthy(dsn: str) -> Collected:
    with contextlib.closing(probe(dsn, deadline_s=10)) as healthy:  # nothing is left out for want of time
        assert healthy.ping() > 0
        with contextlib.closing(client.connect(SecretUrl(dsn), read_timeout_s=5)) as user:
            user.command("CREATE TABLE ticks (at DateTime, price Float64) ENGINE = MergeTree ORDER BY at")
            first = healthy.collect()
            user.command(f"INSERT INTO ticks SELECT now(), randCanonical() FROM numbers({MANY})")
            user.insert("ticks", [[0, 1.5]], column_names=["at", "price"])
            second = healthy.collect()
            user.command("DROP TABLE ticks")
    assert "clickhouse_insert_rows_per_second" not in values(first)
    found = values(second)
    assert found["clickhouse_insert_rows_per_second"] > 0
    assert found["clickhouse_queries_per_second"] > 0
    assert found["clickhouse_rows"] > MANY  # the embedded engine may hold other tests' tables as well
    assert found["clickhouse_parts"] >= found["clickhouse_parts_per_partition"] >= 1
    assert found["clickhouse_parts_ratio"] == found["clickhouse_parts_per_partition"] / 1000
    assert 0 < found["clickhouse_memory_used_ratio"] < 1
    assert found["clickhouse_rejected_inserts_total"] == 0
    assert found["clickhouse_inserts_per_second"] > 0
    assert found["clickhouse_insert_rows_each"] > 1
    assert found["clickhouse_query_mean_seconds"] > 0
    assert {"clickhouse_mutations", "clickhouse_merges", "clickhouse_detached_parts"} <= set(found)
    assert "clickhouse_replication_stuck" not in found  # nothing is replicated here
    assert set(found) <= {metric.name for metric in METRICS}
    assert ("default", "ticks", MANY + 1) in {row[:3] for row in second.tables["tables"].rows}
    assert any("system.query_log" in phrase for phrase in second.unavailable)
    # The machine's affair, and of memory that of all tests that have used the engine of this process.
    shared = {"clickhouse_disk_used_ratio", "clickhouse_ping_seconds", "clickhouse_memory_used_ratio"}
    assert [f for f in judged(list(second.readings)) if f.metric not in shared] == []
    return second


def test_the_embedded_engine_is_read_completely(chdb_path: Path) -> None:
    collected = check_healthy(f"chdb://{chdb_path}")
    assert collected.facts["mode"] == "embedded"
    assert 0 < values(collected)["clickhouse_disk_used_ratio"] < 1
    assert collected.tables["disks"].rows[0][0] == "default"


def test_a_server_is_read_completely_but_for_what_it_denies(server: ClickHouseProcess) -> None:
    collected = check_healthy(server.dsn)
    assert collected.facts["mode"] == "server"
    assert "clickhouse_disk_used_ratio" not in values(collected)
    assert "disks (the user may not: GRANT SELECT ON system.disks)" in collected.unavailable


def test_work_that_is_stuck_is_told_with_its_reason(server: ClickHouseProcess) -> None:
    with contextlib.closing(client.connect(SecretUrl(server.dsn), read_timeout_s=5)) as user:
        user.command("CREATE TABLE orders (id Int32, note String) ENGINE = MergeTree ORDER BY id")
        user.command("INSERT INTO orders SELECT number, 'secret' FROM numbers(10)")
        user.command("CREATE TABLE aside (id Int32) ENGINE = MergeTree ORDER BY id")
        user.command("INSERT INTO aside VALUES (1)")
        user.command("ALTER TABLE aside DETACH PART 'all_1_1_0'")
        user.command(
            "CREATE DICTIONARY prices (id UInt64, price Float64) PRIMARY KEY id "
            "SOURCE(CLICKHOUSE(TABLE 'nowhere')) LAYOUT(FLAT()) LIFETIME(60)"
        )
        with contextlib.closing(probe(server.dsn, deadline_s=10)) as lasting:
            lasting.collect()
            with pytest.raises(ClickHouseError):
                user.query("SELECT dictGet('prices', 'price', toUInt64(1))")
            user.command("ALTER TABLE orders UPDATE note = toString(toUInt8(note)) WHERE 1 SETTINGS mutations_sync = 0")
            assert eventually(
                lambda: user.command("SELECT count() FROM system.mutations WHERE latest_fail_reason != ''")
            )
            lasting.close()  # what is asked once a minute is asked again
            stuck = lasting.collect()
        for what in ("TABLE orders", "TABLE aside", "DICTIONARY prices"):
            user.command(f"DROP {what}")
    found = values(stuck)
    assert found["clickhouse_mutations"] == found["clickhouse_mutations_failing"] == 1
    assert found["clickhouse_detached_parts"] == 1
    assert found["clickhouse_dictionaries_failing"] == 1
    mutation, *_ = stuck.tables["mutations"].rows
    assert mutation[:2] == ("default", "orders")
    assert mutation[5].startswith("Cannot parse string ? as UInt8")
    assert stuck.tables["dictionaries"].rows[0][1] == "prices"
    assert stuck.tables["detached parts"].rows[0][:3] == ("default", "aside", "by hand")
    new = {row[0]: row[2] for row in stuck.tables["errors"].rows}
    assert new["CANNOT_PARSE_TEXT"] > 0
    assert "secret" not in str(stuck)


def test_when_no_time_is_left_the_rest_is_left_out_and_the_check_holds(server: ClickHouseProcess) -> None:
    class Hurried(ClickHouseProbe):
        asking_share = 0.0

    with contextlib.closing(Hurried(component(server.dsn), 10.0)) as hurried:
        short = hurried.collect()
    assert set(values(short)) == {"clickhouse_ping_seconds"}
    assert short.summary == "answers"
    assert "merges (no time was left)" in short.unavailable


def test_the_query_log_is_read_where_there_is_one(server: ClickHouseProcess) -> None:
    with contextlib.closing(client.connect(SecretUrl(server.dsn), read_timeout_s=5)) as user:
        user.command(
            "CREATE TABLE system.query_log (event_date Date, event_time DateTime, type String, is_initial_query UInt8, "
            "query_duration_ms UInt64, query String, normalized_query_hash UInt64, exception_code Int32, user String, "
            "memory_usage UInt64, read_rows UInt64, log_comment String) ENGINE = MergeTree ORDER BY event_time"
        )
        user.command(
            "INSERT INTO system.query_log SELECT today(), now(), if(number % 10, 'QueryFinish', "
            "'ExceptionWhileProcessing'), 1, number * 10, 'SELECT secret FROM t WHERE a = ' || toString(number), 7, "
            "if(number % 10, 0, 241), 'desk', 1024, 5, if(number < 100, '', 'tapewatch') FROM numbers(200)"
        )
        with contextlib.closing(probe(server.dsn, deadline_s=10)) as reading:
            logged = reading.collect()
        user.command("DROP TABLE system.query_log")
    found = values(logged)
    assert found["clickhouse_failed_queries_ratio"] == 0.1
    assert 0.4 < found["clickhouse_query_p50_seconds"] < 0.6
    assert found["clickhouse_query_p95_seconds"] < found["clickhouse_query_p99_seconds"] < 1
    assert logged.tables["slowest patterns"].rows[0][:3] == ("SELECT secret FROM t WHERE a = ?", 100, 10)
    assert logged.tables["failed queries"].rows[0][:3] == ("MEMORY_LIMIT_EXCEEDED", 10, 1)
    assert not any("query_log" in phrase for phrase in logged.unavailable)


def test_a_second_embedded_path_is_explained(chdb_path: Path, tmp_path: Path) -> None:
    with contextlib.closing(probe(f"chdb://{chdb_path}")) as first:
        first.ping()
        error = failure(probe(f"chdb://{tmp_path}/two")).error
    assert error.code == "second_engine"
    assert "history.dsn" in error.hint


@pytest.mark.parametrize(
    ("fault", "code", "says"),
    [
        ("refused", "refused", "refuses connections"),
        ("dropped", "timeout", "did not accept"),
        ("hanging", "timeout", "did not answer"),
        ("garbage", "wrong_protocol", "not ClickHouse's HTTP"),
        ("closing", "closed", "closed the connection"),
        ("dripping", "timeout", "did not answer"),
    ],
)
def test_each_fault_has_its_own_words(fault: str, code: str, says: str) -> None:
    with faults.FAULTS[fault]() as address:
        error = failure(probe(f"clickhouse://{address}", deadline_s=0.4)).error
    assert (error.code, error.status) == (code, Status.CRITICAL)
    assert says in error.message
    assert f"ClickHouse at {address}" in error.message or f"at {address} is not" in error.message
    assert "web server" not in error.message
    assert error.hint


def test_the_native_port_is_recognised_by_what_it_says() -> None:
    said = b"Port 9000 is for clickhouse-client program\r\nYou must use port 8124 for HTTP.\r\n"
    with listening(answering(said)) as address:
        error = failure(probe(f"clickhouse://{address}")).error
    assert error.code == "wrong_protocol"
    assert "native port" in error.message
    assert "8124" in error.hint


@pytest.mark.parametrize("code", ["not_http", "closed"])
def test_the_native_port_is_recognised_by_its_number(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(url: str, **options: object) -> None:
        raise ProbeFailure(code, f"{url} closed the connection before it had answered.", "")

    monkeypatch.setattr(client, "fetch", fetch)
    error = failure(probe("clickhouse://10.0.0.1:9000")).error
    assert error.code == "wrong_protocol"
    assert "native port" in error.message
    assert "8123" in error.hint


@pytest.mark.parametrize(
    ("head", "code"), [(b"HTTP/1.0 200 OK\r\n\r\n", "wrong_protocol"), (b"HTTP/1.0 502 Bad\r\n\r\n", "wrong_status")]
)
def test_another_http_server_is_not_clickhouse(head: bytes, code: str) -> None:
    with listening(answering(b"<html>", head)) as address:
        assert failure(probe(f"clickhouse://{address}")).error.code == code


def test_a_server_that_pings_but_answers_no_query() -> None:
    with listening(ping_only(b"")) as address:
        error = failure(probe(f"clickhouse://{address}")).error
    assert error.code == "timeout"
    assert address in error.message


def test_a_server_that_pings_but_answers_queries_with_garbage() -> None:
    with listening(ping_only(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n\x00\xffabc\r\n")) as address:
        error = failure(probe(f"clickhouse://{address}")).error
    assert error.status == Status.CRITICAL
    assert address in error.message


@pytest.mark.parametrize("question", ["FROM system.parts", "FROM system.processes"])
@pytest.mark.parametrize("answer", GARBAGE.values(), ids=GARBAGE)
def test_bytes_that_make_no_sense_are_a_failure_with_a_name_and_the_next_check_is_whole(
    server: ClickHouseProcess, question: str, answer: str
) -> None:
    with contextlib.closing(probe(server.dsn)) as lasting:
        lasting.collect()
        server.tell(garbling=[(question, answer)])
        try:
            error = failure(lasting).error
        finally:
            server.tell()
        assert (error.code, error.status) == ("query_failed", Status.CRITICAL)
        assert "gave no usable answer: " in error.message
        assert lasting.collect().summary


def test_a_fault_of_ours_stays_one(server: ClickHouseProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> str:
        raise IndexError("ours")

    monkeypatch.setattr("probes.clickhouse_decisions.summary", broken)
    with contextlib.closing(probe(server.dsn)) as lasting, pytest.raises(IndexError, match="ours"):
        lasting.collect()


@pytest.mark.parametrize(
    ("user", "password", "path", "code"),
    [
        (USER, "wrong", "", "auth_failed"),
        ("nobody", PASSWORD, "", "auth_failed"),
        (USER, None, "/no", "unknown_database"),
    ],
)
def test_user_password_database(
    server: ClickHouseProcess, user: str, password: str | None, path: str, code: str
) -> None:
    dsn = server.dsn if password is None else f"clickhouse://{user}:{password.replace(' ', '%20')}@{server.address}"
    error = failure(probe(dsn + path)).error
    assert error.code == code
    assert PASSWORD not in error.message
    assert error.hint


def test_a_drip_ends_in_time_and_leaves_no_thread_stuck() -> None:
    published: list[ProbeResult] = []
    with faults.dripping_body() as address:
        runner = Runner(component(f"clickhouse://{address}"), KIND, 0.3, published.append)
        assert runner.request()
        assert eventually(lambda: expired(runner) and bool(published))
        assert eventually(lambda: runner.expires_in_s() is None and runner.state().stuck_s is None)
    runner.stop()
    assert published[0].error is not None
    assert published[0].error.code == "timeout"


def test_one_probe_survives_a_freeze_and_a_restart(tmp_path: Path) -> None:
    with clickhouse_process(tmp_path) as running, contextlib.closing(probe(running.dsn)) as lasting:
        lasting.collect()
        os.kill(running.pid, signal.SIGSTOP)
        try:
            assert failure(lasting).error.code == "timeout"
        finally:
            os.kill(running.pid, signal.SIGCONT)
        assert lasting.ping() > 0
        running.kill()
        assert failure(lasting).error.code == "refused"
        running.start()
        assert values(lasting.collect())["clickhouse_ping_seconds"] > 0


def test_nothing_grows_over_100_failures(server: ClickHouseProcess) -> None:
    wrong = server.dsn.replace("right", "wrong")
    with faults.refused() as refused, faults.closing() as closing, listening(ping_only(b"\x00garbage\r\n\r\n")) as mute:
        cases = [f"clickhouse://{refused}", f"clickhouse://{closing}", f"clickhouse://{mute}", wrong]
        for dsn in cases:
            failure(probe(dsn))
        descriptors_before, threads_before = descriptors(), threading.active_count()
        for _ in range(25):
            for dsn in cases:
                failure(probe(dsn))
        assert eventually(lambda: threading.active_count() <= threads_before + 1)
        assert eventually(lambda: descriptors() <= descriptors_before + 4)


@pytest.mark.parametrize("dsn", ["http://h:8123", "clickhouse:", 7])
def test_a_dsn_that_is_none_is_refused(dsn: Any) -> None:
    with pytest.raises(ValidationError):
        ClickHouseComponent.model_validate({"kind": "clickhouse", "dsn": dsn})


def test_the_target_shows_no_secret() -> None:
    assert component("clickhouse://me:pw@[::1]/db").target == "[::1]:8123"
    assert component("clickhouses://me:pw@host/db").target == "host:8443"
    assert component("chdb://var/history?mark_cache_size=1").target == "var/history"
