import socket
import threading
from collections.abc import Callable

import pytest

from history.schema import VERSION
from history.store import Store, StoreUnavailable, explain
from probes.clickhouse_client import is_embedded
from probes.result import ProbeError, ProbeFailure
from settings import History
from settings_types import SecretUrl
from tests.faults import closing, hanging, talking_garbage
from tests.history.rows import client_of, count
from tests.probes.listeners import eventually


def test_it_opens_in_the_background_and_brings_its_schema(history_settings: History) -> None:
    told = threading.Event()
    store = Store(history_settings, told.set)
    assert (store.state.ready, store.state.error) == (False, None)
    store.start()
    store.start()
    assert told.wait(30)
    assert store.state.ready
    assert is_embedded(store.settings.dsn)
    assert count(store, "schema_version", "max(version)") == VERSION
    with client_of(store) as client:
        tables = {row[0] for row in client.query(f"SHOW TABLES FROM {store.database}").result_rows}
        assert {"series", "samples", "samples_15m", "samples_4h", "status_change", "event"} <= tables
        store.migrate(client)
        assert count(store, "schema_version") == 1, "a second time changes nothing"
    store.stop()


def test_a_schema_of_the_future_is_left_alone(store: Store) -> None:
    with client_of(store) as client:
        client.command(f"INSERT INTO {store.database}.schema_version (version) VALUES (99)")
        with pytest.raises(ProbeFailure) as caught:
            store.migrate(client)
    assert caught.value.error.code == "newer_schema"
    assert "schema version 99" in caught.value.error.message


def test_retention_is_the_configured_one(store: Store) -> None:
    with client_of(store) as client:
        created = str(client.command(f"SHOW CREATE TABLE {store.database}.samples_15m"))
    assert f"toIntervalSecond({2 * 365 * 86400})" in created


@pytest.mark.parametrize(
    ("fault", "code"), [(hanging, "timeout"), (closing, "closed"), (talking_garbage, "wrong_protocol")]
)
def test_a_store_that_misbehaves_is_said_and_left_in_peace(
    fault: Callable, code: str, no_growth: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("history.store.RETRY_EVERY_S", 0.02)
    with fault() as address:
        store = Store(History(dsn=SecretUrl(f"clickhouse://desk:not-to-be-seen@{address}")))
        store.start()
        assert eventually(lambda: store.state.error is not None, 10)
        store.stop()
        error = store.state.error
        assert error is not None
        assert (store.state.ready, error.code) == (False, code)
        assert address in error.message
        for text in (error.message, error.hint, store.place):
            assert "not-to-be-seen" not in text


def test_it_comes_back_by_itself(history_settings: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("history.store.RETRY_EVERY_S", 0.02)
    readied: list[int] = []
    store = Store(history_settings, lambda: readied.append(1))
    connect = store.connect

    def refused(timeout_s: int = 1) -> None:
        raise ConnectionRefusedError("Connection refused")

    store.connect = refused  # type: ignore[method-assign,assignment]
    store.start()
    assert eventually(lambda: store.state.error is not None)
    assert store.state.error is not None
    assert store.state.error.code == "refused"
    store.connect = connect  # type: ignore[method-assign]
    assert eventually(lambda: store.state.ready, 30)
    assert (store.state.error, readied) == (None, [1])
    store.report(ConnectionResetError("Connection reset by peer"))
    assert eventually(lambda: readied == [1, 1], 10), "a broken connection is tried at once"
    store.stop()


def test_a_refused_query_does_not_close_the_store(store: Store) -> None:
    with client_of(store) as client:
        with pytest.raises(Exception, match="nonsense") as caught:
            client.query("SELECT nonsense")
        error = store.report(caught.value)  # type: ignore[arg-type]
    assert "nonsense" in error.message
    assert store.state.ready


def test_failures_in_words() -> None:
    known = ProbeError("x", "m", "h")
    assert explain(StoreUnavailable(known), "here") == known
    assert explain(socket.gaierror(-2, "Name or service not known"), "here").message.startswith("ClickHouse at here")
