"""Answers of ClickHouse whose bytes make no sense: whoever asked is told, and nothing is given up for it."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from history import queries, sender
from history.queries import exploring
from history.reader import Reader
from history.rows import SeriesKey, SeriesRow, insert, series_table
from history.store import Store, explain
from settings import History
from tests.clickhouse_http import ClickHouseProcess, clickhouse_process
from tests.probes.listeners import eventually

NO_UTF8 = "010102fffe06537472696e670161"
"""A column in the Native format with a name that no text has, in hexadecimal."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    with clickhouse_process(tmp_path_factory.mktemp("unreadable")) as started:
        yield started


@pytest.fixture(scope="module")
def store(server: ClickHouseProcess) -> Iterator[Store]:
    opened = Store(History.model_validate({"dsn": server.dsn, "database": "unreadable"}))
    opened.start()
    assert eventually(lambda: opened.state.ready, 30), opened.state.error
    with closing(opened.connect()) as client:
        rows = series_table([SeriesRow(SeriesKey("kafka", "probe_up"), "bool", "gauge")])
        insert(client, "unreadable.series", rows, "one")
    yield opened
    opened.stop()


@pytest.fixture(autouse=True)
def garbled(server: ClickHouseProcess, store: Store) -> Iterator[None]:
    server.tell(garbling=[(r"FROM unreadable\.series", NO_UTF8)])
    yield
    server.tell()


def test_who_asks_gets_a_sentence_and_the_next_time_the_answer(server: ClickHouseProcess, store: Store) -> None:
    reader = Reader(store)
    answer = reader.ask(exploring.vocabulary, 0.0, 10.0)
    assert answer.state == "failed"
    assert answer.error is not None
    assert answer.error.code == "query_failed"
    assert "gave no usable answer: its bytes make no sense (UnicodeDecodeError)" in answer.error.message
    assert store.state.ready  # the server is there: other questions go on
    server.tell()
    whole = reader.ask(exploring.vocabulary, 60.0, 10.0)
    assert (whole.state, whole.value and whole.value.total) == ("fresh", 1)
    reader.stop()


def test_rows_are_not_given_up_for_it(store: Store) -> None:
    with closing(store.connect()) as client, pytest.raises(UnicodeDecodeError) as caught:
        queries.known_series(client, queries.scope_of(store.settings, store.zone, 0.0))
    assert sender.verdict(caught.value) == "retry"
    assert sender.verdict(UnicodeEncodeError("utf-8", "\ud800", 0, 1, "ours")) == "refused"


def test_what_is_given_to_the_client_wrongly_stays_a_fault_of_ours(store: Store) -> None:
    class Wrong:
        def __str__(self) -> str:
            raise ZeroDivisionError

    with closing(store.connect()) as client, pytest.raises(ZeroDivisionError) as caught:
        client.query("SELECT {t:DateTime}", parameters={"t": Wrong()})
    assert explain(caught.value, store.place).code == "internal"
