"""Any series: found by words among 10,000, described, read by name, grouped; also those that stopped or never were."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from history import queries, rows
from history.queries import exploring
from history.queries.exploring import Found, Sought
from history.reader import Reader
from history.rows import SeriesKey, SeriesRow
from history.store import Store
from history.window import Window
from probes.result import labels
from settings import DEFAULT_ZONE, History
from settings_types import SecretUrl
from tests.history.rows import T0_S, client_of
from tests.probes.listeners import eventually

HOUR_S, STEP_S = 3600, 10
END_S = T0_S + HOUR_S
WINDOW = Window(T0_S, END_S)
T = np.arange(T0_S, END_S, STEP_S)
TICKS = SeriesKey("kafka", "kafka_group_lag_messages", labels(group="writer", topic="ticks"))
ORDERS = SeriesKey("kafka", "kafka_group_lag_messages", labels(group="writer", topic="orders"))
PING = SeriesKey("kafka", "kafka_ping_seconds")
STOPPED = SeriesKey("kafka-old", "kafka_ping_seconds")
REFUSED = SeriesKey("redis", "redis_rejected_connections_total")
IMPORTED = SeriesKey("elsewhere", "imported_widgets", labels(colour="Grün 50%", **{"we,ird": '{"x"}'}))
NEVER = SeriesKey("kafka", "kafka_ping_seconds", labels(broker="9"))
LINES = {
    TICKS: np.linspace(100, 200, len(T)),
    ORDERS: np.full(len(T), 10.0),
    PING: np.full(len(T), 0.002),
    REFUSED: np.full(len(T), 20.0),
    IMPORTED: np.arange(len(T), dtype=np.float64),
}
INTERFACES = ("eth0", "eth1", "lo")
HOSTS = 1000


def host_rows() -> list[SeriesRow]:
    """So many that all are 10,000: three interfaces received and sent, and four metrics without a label."""
    found = []
    for number in range(HOSTS):
        host = f"host:web{number:03}"
        for interface in INTERFACES:
            for way in ("receive", "transmit"):
                key = SeriesKey(host, f"network_{way}_bytes_per_second", labels(interface=interface))
                found.append(SeriesRow(key, "bytes/s", "gauge"))
        for metric in ("host_cpu_ratio", "host_load1_per_core", "host_memory_used_bytes", "host_processes"):
            found.append(SeriesRow(SeriesKey(host, metric), "ratio", "gauge"))
    return found


@pytest.fixture(scope="module")
def many(chdb_path: Path) -> Iterator[Store]:
    store = Store(History(dsn=SecretUrl(f"chdb://{chdb_path}"), database="t_exploring"))
    store.start()
    assert eventually(lambda: store.state.ready, 30), store.state.error
    named = [
        SeriesRow(TICKS, "messages", "gauge"),
        SeriesRow(ORDERS, "messages", "gauge"),
        SeriesRow(PING, "seconds", "gauge"),
        SeriesRow(STOPPED, "seconds", "gauge"),
        SeriesRow(REFUSED, "count", "counter"),
        SeriesRow(IMPORTED, "", "gauge"),
        *(hosts := host_rows()),
    ]
    with client_of(store) as client:
        rows.insert(client, "t_exploring.series", rows.series_table(named), "series")
        for key, values in LINES.items():
            ids = np.full(len(T), key.id, np.uint64)
            rows.insert(client, "t_exploring.samples", rows.columns_table(ids, T, values), str(key.id))
        old = rows.columns_table(np.array([STOPPED.id], np.uint64), np.array([T0_S - 86400 * 9]), np.array([0.5]))
        rows.insert(client, "t_exploring.samples", old, "old")
        ids = np.array(sorted(row.key.id for row in hosts), np.uint64)
        last = T[-6:]
        table = rows.columns_table(np.repeat(ids, len(last)), np.tile(last, len(ids)), np.ones(len(last) * len(ids)))
        rows.insert(client, "t_exploring.samples", table, "hosts")
    yield store
    store.stop()


def asked(store: Store, question: Callable[..., Any], *args: Any, **keys: Any) -> Any:
    with client_of(store) as client:
        return question(client, queries.scope_of(store.settings, DEFAULT_ZONE, END_S), *args, **keys)


def search(store: Store, text: str, **filters: str) -> Found:
    return asked(store, exploring.search, Sought(tuple(text.split()), **filters))


def first(found: Found) -> SeriesKey:
    return found.matches[0].row.key


@pytest.mark.parametrize(
    ("text", "best"),
    [
        ("lag ticks", TICKS),
        ("TICKS LAG", TICKS),
        ("kafka_group_lag_messages orders", ORDERS),
        ("grün", IMPORTED),
        ("50%", IMPORTED),
        ('{"x"}', IMPORTED),
        ("kafka ping", PING),
        ("rejected connections", REFUSED),
        ("web007 eth1 sent", SeriesKey("host:web007", "network_transmit_bytes_per_second", labels(interface="eth1"))),
        ("host:web007 cpu", SeriesKey("host:web007", "host_cpu_ratio")),
    ],
)
def test_words_find_a_series_by_name_label_title_and_description(many: Store, text: str, best: SeriesKey) -> None:
    assert first(search(many, text)) == best


def test_it_says_how_many_there_are_and_lists_the_best(many: Store) -> None:
    found = search(many, "eth0 received")
    assert (found.total, len(found.matches)) == (HOSTS, exploring.MOST_FOUND)
    everything = search(many, "")
    assert everything.total == 10 * HOSTS + 6


def test_a_living_series_comes_before_one_that_stopped(many: Store) -> None:
    found = search(many, "kafka_ping_seconds")
    assert [match.row.key for match in found.matches] == [PING, STOPPED]
    assert [(match.at_s, match.value) for match in found.matches] == [(T[-1], 0.002), (T0_S - 9 * 86400, 0.5)]


def test_filters_hold(many: Store) -> None:
    assert search(many, "", component="kafka").total == 3
    assert search(many, "", component="kafka", unit="seconds").total == 1
    assert search(many, "web", metric="host_processes").total == HOSTS
    assert search(many, "", component="nobody") == Found((), 0)


def test_words_nobody_has_are_named(many: Store) -> None:
    assert search(many, "kafka laag") == Found((), 0, ("laag",))
    assert search(many, "kafka eth0") == Found((), 0, ())
    assert search(many, "laag", component="nobody") == Found((), 0, ("laag",))


@pytest.mark.parametrize("text", ["'", "\\", "%", "\x00", "'; DROP TABLE series", "a " * 500, "é" * 5000, "{x:String}"])
def test_hostile_words_find_nothing_and_break_nothing(many: Store, text: str) -> None:
    assert isinstance(search(many, text), Found)
    assert search(many, "").total > HOSTS


def test_choosing_answers_at_once_among_ten_thousand(many: Store) -> None:
    reader = Reader(many)
    try:
        for question, args in (
            (exploring.search, (Sought(("lag", "ticks")),)),
            (exploring.search, (Sought(("web5", "received")),)),
            (exploring.vocabulary, ()),
            (exploring.chosen, (WINDOW, (TICKS, ORDERS, PING))),
        ):
            reader.ask(question, 0.0, 5.0, *args)
            started_s = time.perf_counter()
            answer = reader.ask(question, 0.0, 5.0, *args)
            assert time.perf_counter() - started_s < 1, question.__name__
            assert answer.value, answer.error
    finally:
        reader.stop()


def test_what_there_is_to_choose_from(many: Store) -> None:
    known = asked(many, exploring.vocabulary)
    assert known.total == 10 * HOSTS + 6
    assert len(known.components) == exploring.MOST_LISTED
    metrics = {each.metric: each for each in known.metrics}
    assert metrics["network_receive_bytes_per_second"].labels == ("interface",)
    assert metrics["network_receive_bytes_per_second"].count == 3 * HOSTS
    assert (metrics["kafka_group_lag_messages"].unit, metrics["kafka_ping_seconds"].labels) == ("messages", ())


def test_series_are_described_in_their_order_and_unknown_ones_left_out(many: Store) -> None:
    found = asked(many, exploring.described, (STOPPED, NEVER, TICKS))
    assert [(newest.row.key, newest.at_s) for newest in found] == [(STOPPED, T0_S - 9 * 86400), (TICKS, T[-1])]
    assert asked(many, exploring.described, (NEVER,)) == ()


def test_chosen_series_come_in_their_order_with_their_units(many: Store) -> None:
    answer = asked(many, exploring.chosen, WINDOW, (ORDERS, NEVER, REFUSED, TICKS, STOPPED), True)
    orders, refused, ticks = answer.series
    assert (orders.label, ticks.label) == ("writer orders", "writer ticks")
    assert ticks.avg.tolist() == pytest.approx(LINES[TICKS])
    assert ticks.p95 is not None
    assert (refused.unit, set(refused.avg)) == ("count/s", {2.0})  # 20 in each ten seconds
    assert [row.key for row in answer.rows] == [ORDERS, REFUSED, TICKS, STOPPED]


def test_an_answer_is_read_on_from_the_last_one(many: Store) -> None:
    half = Window(T0_S, END_S - 600, STEP_S)
    with client_of(many) as client:
        scope = queries.scope_of(many.settings, DEFAULT_ZONE, END_S - 600)
        before = exploring.chosen(client, scope, half, (TICKS, PING))
        later = queries.scope_of(many.settings, DEFAULT_ZONE, END_S)
        after = exploring.chosen(client, later, Window(T0_S, END_S, STEP_S), (TICKS, PING), known=before)
    assert after.series[0].avg.tolist() == pytest.approx(LINES[TICKS])


def test_groups_of_the_chosen_and_of_the_whole_metric(many: Store) -> None:
    answer = asked(many, exploring.groups, WINDOW, (TICKS, ORDERS), (), "group", "sum")
    (line,) = answer.series
    assert (line.label, line.avg.tolist()) == ("writer", pytest.approx(LINES[TICKS] + 10))
    received = ("network_receive_bytes_per_second",)
    answer = asked(many, exploring.groups, WINDOW, (), received, "interface", "sum")
    assert answer.truncated
    assert [group.label for group in answer.series] == ["eth0", "eth1", "lo"]
    assert sum(group.avg[-1] for group in answer.series) == exploring.MOST_GROUPED


def test_figures_of_the_chosen(many: Store) -> None:
    found = {summary.metric: summary for summary in asked(many, exploring.figures, WINDOW, (TICKS, REFUSED, NEVER))}
    assert found[TICKS.metric].p50 == pytest.approx(150)
    assert (found[REFUSED.metric].unit, found[REFUSED.metric].avg) == ("count/s", pytest.approx(2))


def test_beginnings_are_living_series_of_preferred_metrics_first(many: Store) -> None:
    found = asked(many, exploring.beginnings, ("kafka_ping_seconds", "nobody_has_this"), 3, 4)
    assert [together[0].row.key.metric for together in found] == [
        *("kafka_ping_seconds", "network_receive_bytes_per_second", "network_transmit_bytes_per_second"),
    ]
    assert [len(together) for together in found] == [1, 4, 4]
    assert found[0][0].row.key == PING
