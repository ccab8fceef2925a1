"""A server that is killed, started, refuses, or is not what the DSN says: nothing is lost, no secret given away."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from history import sender
from history.reader import Reader
from history.recorder import Recorder
from history.store import Store, explain
from probes.result import ProbeError
from settings import History
from settings_types import SecretUrl
from tests import faults
from tests.clickhouse_http import PASSWORD, USER, ClickHouseProcess, clickhouse_process
from tests.history.rows import METRICS, T0_S, count, sampled
from tests.probes.fakes import FILL
from tests.probes.listeners import eventually, listening

SECRET = "hunter2-not-to-be-seen"
EACH = 3
"""Samples of one result: its own and the two every component has."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    with clickhouse_process(tmp_path_factory.mktemp("outage")) as running:
        yield running


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials follow each other quickly."""
    monkeypatch.setattr("history.store.RETRY_EVERY_S", 0.05)
    monkeypatch.setattr("history.store.PING_EVERY_S", 0.05)


def history(dsn: str, database: str = "tapewatch", **keys: object) -> History:
    return History.model_validate({"dsn": dsn, "database": database, "flush": "50ms", **keys})


def error_of(store: Store) -> ProbeError:
    """What a store that cannot open says."""
    store.start()
    try:
        assert eventually(lambda: store.state.error is not None, 20)
        assert not store.state.ready
        assert store.state.error is not None
        return store.state.error
    finally:
        store.stop()


def ready(store: Store) -> bool:
    return eventually(lambda: store.state.ready, 20)


def test_down_at_start_then_killed_then_back_every_sample_is_there_once(tmp_path: Path, database: str) -> None:
    server = ClickHouseProcess(tmp_path)
    store = Store(history(server.dsn, database))
    recorder = Recorder(store, METRICS)
    store.start()
    recorder.start()
    try:
        assert eventually(lambda: store.state.error is not None, 20)
        assert store.state.error is not None
        assert store.state.error.code == "refused"
        for step in range(100):
            recorder.record(sampled("thing", T0_S + step, (FILL.name, 0.5, ())))
        assert (recorder.state().waiting, recorder.state().written) == (100 * EACH, 0)
        server.start()
        assert eventually(lambda: recorder.state().written == 100 * EACH, 20), recorder.state()
        server.kill()
        assert eventually(lambda: not store.state.ready, 20)
        for step in range(100, 250):
            recorder.record(sampled("thing", T0_S + step, (FILL.name, 0.5, ())))
        server.start()
        assert eventually(lambda: recorder.state().written == 250 * EACH, 20), recorder.state()
        assert (recorder.stop(), recorder.state().dropped) == (True, 0)
        assert count(store, "samples") == count(store, "samples_4h", "sum(cnt)") == 250 * EACH
        assert count(store, "samples", "uniqExact(ts)") == 250
    finally:
        recorder.stop()
        store.stop()
        server.kill()


def test_killed_while_a_batch_is_on_its_way_it_is_written_once(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert, tokens = sender.insert, []
    with clickhouse_process(tmp_path) as server:
        store = Store(history(server.dsn, database))
        store.start()
        assert ready(store), store.state

        def insert_then_die(client, table, rows, token) -> None:  # type: ignore[no-untyped-def]
            insert(client, table, rows, token)
            if table.endswith(".samples"):
                tokens.append(token)
                if len(tokens) == 1:
                    server.kill()
                    raise ConnectionResetError("Connection reset by peer")

        monkeypatch.setattr(sender, "insert", insert_then_die)
        recorder = Recorder(store, METRICS)
        for step in range(50):
            recorder.record(sampled("thing", T0_S + step, (FILL.name, 0.5, ())))
        assert not recorder.flush()
        assert (recorder.state().waiting, recorder.state().written) == (50 * EACH, 0)
        recorder.record(sampled("thing", T0_S + 50, (FILL.name, 0.5, ())))
        server.start()
        assert ready(store)
        assert eventually(recorder.flush, 20), recorder.state()
        assert (tokens[0], len(set(tokens)), recorder.state().written) == (tokens[1], 2, 51 * EACH)
        for table, what in (("samples", "count()"), ("samples_15m", "sum(cnt)"), ("samples_4h", "sum(cnt)")):
            assert count(store, table, what) == 51 * EACH, table
        store.stop()


def test_at_the_bound_the_newest_wait_for_the_server(server: ClickHouseProcess, database: str) -> None:
    store = Store(history(server.dsn, database, max_waiting_samples=1_000))
    recorder = Recorder(store, METRICS)
    for step in range(1_000):
        recorder.record(sampled("thing", T0_S + step, (FILL.name, 0.5, ())))
        if step % 100 == 99:
            assert not recorder.flush()
    state = recorder.state()
    assert 800 <= state.waiting <= 1_000
    assert (state.waiting + state.thinned, state.dropped) == (1_000 * EACH, 0)
    store.start()
    assert ready(store), store.state
    assert recorder.flush()
    assert count(store, "samples") == state.waiting
    assert count(store, f"samples WHERE ts >= toDateTime({T0_S + 900}, 'UTC')") == 100 * EACH
    assert count(store, "samples", "toUnixTimestamp(min(ts))") < T0_S + 600, "the oldest are coarser, not gone"
    store.stop()


def test_frozen_and_thawed_the_store_follows_and_readers_do_not_wait(
    server: ClickHouseProcess, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(history(server.dsn, database))
    store.start()
    reader = Reader(store)
    asked = threading.Event()

    def question(client, scope, number: int) -> int:  # type: ignore[no-untyped-def]
        asked.set()
        return int(client.query(f"SELECT {number}").result_rows[0][0])

    try:
        assert ready(store), store.state
        assert reader.ask(question, 60, 10, 1).value == 1
        os.kill(server.pid, signal.SIGSTOP)
        assert eventually(lambda: not store.state.ready, 20)
        assert store.state.error is not None
        assert store.state.error.code == "timeout"
        asked.clear()
        known, unknown = (reader.ask(question, 60, 10, number) for number in (1, 2))
        assert (known.state, known.value, unknown.state) == ("stale", 1, "failed")
        assert known.error == unknown.error == store.state.error
        assert not asked.is_set(), "nothing is sent to a store that is away"
    finally:
        os.kill(server.pid, signal.SIGCONT)
    assert ready(store)
    assert reader.ask(question, 60, 10, 2).state == "fresh"
    reader.stop()
    store.stop()


def test_a_wrong_password_is_said_without_it(server: ClickHouseProcess, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    store = Store(history(f"clickhouse://{USER}:{SECRET}@{server.address}"))
    error = error_of(store)
    assert error.code == "auth_failed"
    assert "refuses the user or the password" in error.message
    for text in (error.message, error.hint, store.place, repr(store.settings), str(store.state), caplog.text):
        assert SECRET not in text
        assert PASSWORD not in text


def test_the_native_port_is_recognised() -> None:
    answer = b"Port 9000 is for clickhouse-client program\r\nYou must use port 8123 for HTTP.\r\n"

    def native(client: socket.socket, stop: threading.Event) -> None:
        client.recv(65536)
        client.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n" + answer)

    with listening(native) as address:
        error = error_of(Store(history(f"clickhouse://desk:{SECRET}@{address}")))
    assert error.code == "wrong_protocol"
    assert error.message.startswith(f"{address} is ClickHouse's native port")
    assert "8123" in error.hint
    assert SECRET not in f"{error}"


@pytest.mark.parametrize(("fault", "code"), [("refused", "refused"), ("dropped", "timeout"), ("dripping", "timeout")])
def test_a_store_that_cannot_be_had_says_why(fault: str, code: str) -> None:
    with faults.FAULTS[fault]() as address:
        error = error_of(Store(history(f"clickhouse://desk:{SECRET}@{address}")))
    assert error.code == code
    assert address in error.message
    assert error.hint
    assert SECRET not in f"{error}"


def test_a_directory_another_process_has_open_is_said(tmp_path: Path) -> None:
    with clickhouse_process(tmp_path):
        error = explain_open(tmp_path)
    assert error == "locked: in use by another process"


def explain_open(directory: Path) -> str:
    """What a third process says that opens `directory`: this one has an engine on another path."""
    program = (
        "import os, sys\n"
        "from history.store import Store\n"
        "from settings import History\n"
        "from tests.history.test_outage import error_of\n"
        "error = error_of(Store(History.model_validate({'dsn': 'chdb://' + sys.argv[1]})))\n"
        "sentence = 'in use by another process' if 'in use by another process' in error.message else error.message\n"
        "print(f'{error.code}: {sentence}', flush=True)\n"
        "os._exit(0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(directory)], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip().splitlines()[-1]


def test_an_engine_on_another_path_is_said(tmp_path: Path, store: Store) -> None:
    other = Store(History(dsn=SecretUrl(f"chdb://{tmp_path}")))
    with pytest.raises(Exception, match=r"chdb") as caught:
        other.connect()
    error = explain(caught.value, other.place)
    assert error.code in {"second_engine", "locked"}
    assert str(tmp_path) in error.message
    assert store.state.ready, "the engine that is open stays so"
