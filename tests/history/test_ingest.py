"""Kafka into the history on a real broker: killed anywhere, each sample is there once and garbage is told."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError
from kafka import TopicPartition

import probes
from history.ingest import intake as taking
from history.ingest import notes
from history.ingest.intake import Intake, IntakeError
from history.precision import rounded
from history.store import Store
from probes.kafka import KafkaComponent
from settings import History
from settings_types import SecretUrl
from tests.clickhouse_http import clickhouse_process
from tests.history.rows import T0_S, client_of, count
from tests.history.topics import PARTITIONS, Topic, drain, is_once, owned, turn_both
from tests.kafka_broker import KafkaBroker, kafka, require_kafka  # noqa: F401
from tests.probes.listeners import eventually

pytestmark = pytest.mark.kafka
QUICK = {"max_poll_interval_ms": 1000, "heartbeat_interval_ms": 100}


@pytest.fixture
def topic(kafka: KafkaBroker) -> Iterator[Topic]:  # noqa: F811
    made = Topic(kafka.bootstrap)
    yield made
    made.close()


@pytest.fixture
def start(store: Store, topic: Topic) -> Iterator[Callable[..., Intake]]:
    """Another consumer of the topic's group."""
    started: list[Intake] = []

    def begin(**options: Any) -> Intake:
        started.append(Intake(store, [topic.bootstrap], topic.name, topic.name, options=options))
        return started[-1]

    yield begin
    for one in started:
        one.close()


def test_three_partitions_arrive_and_kafka_has_no_lag(store: Store, topic: Topic, start: Callable[..., Intake]) -> None:
    topic.send(300)
    intake = start()
    drain(intake, lambda: intake.state().written == 300)
    is_once(store, topic)
    metric = next(one for one in probes.METRICS.values() if one.bits == 10)
    said = [{"component": "c0", "metric": metric.name, "time": T0_S + step, "value": 0.123456789} for step in range(3)]
    topic.raw("\n".join(map(json.dumps, said)).encode())
    topic.flush()
    drain(intake, lambda: intake.state().written == 303)
    with client_of(store) as client:
        rows = client.query(
            f"SELECT component, metric, unit, toString(kind) FROM {store.database}.series FINAL"
        ).result_rows
        notes = client.query(f"SELECT source, first, last FROM {store.database}.progress FINAL ORDER BY 1").result_rows
        kept = client.query(f"SELECT DISTINCT value FROM {store.database}.samples WHERE value < 0.13 AND value > 0.12")
    strangers = [(f"c{index}", "fake_total", "count", "counter") for index in range(5)]
    assert sorted(rows) == sorted([*strangers, ("c0", metric.name, str(metric.unit), "gauge")])
    assert kept.result_rows == [(rounded(0.123456789, 10),)]
    assert notes == [(f"kafka:{topic.name}/{number}", after, after - 1) for number, after in enumerate((101, 100, 100))]
    (committed,) = topic.admin.list_group_offsets([topic.name]).values()
    assert {place.offset for place in committed.values()} == {100, 101}


class Killed(BaseException):
    """The process is gone: nothing after this runs."""


STEPS = ((2, False), (1, True), (3, True), (4, True), (6, False), (5, True))
"""The operation killed at, and whether it was carried out; they are note, its row, series, samples, note, its row. So:
noted in Kafka only; noted; series there; samples there; noted as written in Kafka only; one partition done."""


def breaking(monkeypatch: pytest.MonkeyPatch, at: int, done: bool) -> None:
    """The operation number `at` kills: after it was carried out (nobody heard of it) or instead."""
    seen = 0
    for module, name in ((notes, "insert"), (taking, "insert"), (taking, "note")):
        real = getattr(module, name)

        def operation(*args: Any, real: Any = real, **keys: Any) -> None:
            nonlocal seen
            seen += 1
            mine = seen
            if mine == at and not done:
                raise Killed
            real(*args, **keys)
            if mine == at:
                raise Killed

        monkeypatch.setattr(module, name, operation)


def test_killed_at_every_step_every_sample_is_there_once(
    store: Store, topic: Topic, start: Callable[..., Intake], monkeypatch: pytest.MonkeyPatch
) -> None:
    for at, done in STEPS:
        topic.send(30)
        dying = start()
        with monkeypatch.context() as patch:
            breaking(patch, at, done)
            with pytest.raises(Killed):
                drain(dying, lambda: False)
        dying.close()
    intake = start()
    drain(intake, lambda: count(store, "samples") == len(topic.values) == 30 * len(STEPS))
    intake.turn(0.1)
    is_once(store, topic)


def test_killed_for_a_lost_acknowledgement_it_goes_on_by_itself(
    store: Store, topic: Topic, start: Callable[..., Intake], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every third insert is carried out and not acknowledged."""
    calls, real = 0, taking.insert

    def deaf(*args: Any) -> None:
        nonlocal calls
        calls += 1
        real(*args)
        if calls % 3 == 0:
            raise ConnectionResetError("Connection reset by peer")

    monkeypatch.setattr(taking, "insert", deaf)
    monkeypatch.setattr(taking, "RETRY_S", 0.01)
    monkeypatch.setattr(store, "report", lambda exc: taking.ProbeError("closed", str(exc), ""))
    intake, stop = start(), threading.Event()
    monkeypatch.setattr(store, "settings", store.settings.model_copy(update={"flush_s": 0.05}))
    thread = threading.Thread(target=intake.run, args=(stop,), daemon=True)
    thread.start()
    try:
        for _ in range(2):
            topic.send(30)
            assert eventually(lambda: count(store, "samples") == len(topic.values), 20), intake.state()
    finally:
        stop.set()
        thread.join(20)
    assert calls > 5
    is_once(store, topic)


@pytest.mark.parametrize("noted", [False, True], ids=["before its note", "between note and insert"])
def test_a_consumer_that_lost_its_partitions_unawares_writes_nothing_twice(
    store: Store, topic: Topic, start: Callable[..., Intake], monkeypatch: pytest.MonkeyPatch, noted: bool
) -> None:
    topic.send(90)
    slow, other = start(**QUICK), start(**QUICK)

    def all_there() -> bool:
        return count(store, "samples") == len(topic.values)

    real, took = taking.note, False

    def stalled(*args: Any) -> None:
        """As a process stopped for longer than Kafka waits for it: the other has everything by then."""
        nonlocal took
        if took:
            return real(*args)
        took = True
        if noted:
            real(*args)
        for more in (0, 30):
            topic.send(more)
            assert eventually(lambda: turn_both(other) and owned(other) == PARTITIONS and all_there(), 20)
        return None if noted else real(*args)

    monkeypatch.setattr(taking, "note", stalled)
    with pytest.raises(taking.NOT_OURS):
        drain(slow, lambda: False)
    is_once(store, topic)
    monkeypatch.setattr(taking, "note", real)
    topic.send(60)
    assert eventually(lambda: turn_both(slow, other) and all_there(), 20)
    is_once(store, topic)


def test_garbage_is_refused_with_its_place_and_does_not_hold_up_the_rest(
    store: Store, topic: Topic, start: Callable[..., Intake], caplog: pytest.LogCaptureFixture
) -> None:
    topic.send(30)
    for number in range(20):
        topic.raw(b"\x00garbage" if number % 2 else b" ", 1)
    topic.send(30)
    intake = start()
    drain(intake, lambda: intake.state().written == 60 and intake.state().refused == 20)
    is_once(store, topic)
    told = intake.state().refusals
    assert told[0].startswith(f"The message at {topic.name}/1 offset 10 is refused: it is empty")
    assert [int(one.split(" offset ")[1].split()[0]) for one in told] == list(range(10, 30))
    assert told[0] in caplog.text
    assert "10 more of that batch are refused" in caplog.text
    intake.close()
    again = start()
    topic.send(3)
    drain(again, lambda: again.state().written == 3)
    assert again.state().refused == 0, "what was refused is not read again"


def test_a_topic_that_is_not_there_or_made_anew_is_refused(
    store: Store, topic: Topic, start: Callable[..., Intake]
) -> None:
    topic.send(30)
    intake = start()
    drain(intake, lambda: intake.state().written == 30)
    intake.close()
    topic.admin.delete_topics([topic.name])
    assert eventually(lambda: topic.name not in topic.admin.list_topics(), 20), "Kafka deletes in its own time"
    with pytest.raises(IntakeError, match=f'no topic "{topic.name}": create it'):
        drain(intake, lambda: False)
    topic.create()
    with pytest.raises(
        IntakeError, match=r"offsets up to 9 were taken from it: it was made anew. Give it another name"
    ):
        drain(intake, lambda: False)


def test_what_kafka_deleted_unread_is_told(store: Store, topic: Topic, start: Callable[..., Intake]) -> None:
    topic.send(30)
    intake = start()
    drain(intake, lambda: intake.state().written == 30)
    intake.close()
    topic.send(30)
    topic.admin.delete_records({TopicPartition(topic.name, 0): 14})
    again = start()
    drain(again, lambda: again.state().written == 26)
    assert again.state().lost == 4
    assert count(store, "samples") == 56


def test_whatever_is_wrong_is_told_in_a_sentence_and_tried_again(
    store: Store, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "RETRY_S", 0.01)
    monkeypatch.setattr(taking, "REQUEST_S", 0.2)
    intake, stop = Intake(store, ["127.0.0.1:1"], topic.name), threading.Event()
    thread = threading.Thread(target=intake.run, args=(stop,), daemon=True)
    thread.start()
    try:
        assert eventually(lambda: intake.state().error, 20)
        assert intake.state().error.startswith("Kafka does not answer as it should")
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


def test_the_notes_of_kafka_lost_those_of_the_history_count(
    store: Store, topic: Topic, start: Callable[..., Intake]
) -> None:
    topic.send(30)
    intake = start()
    drain(intake, lambda: intake.state().written == 30)
    intake.close()
    topic.admin.delete_groups([topic.name])
    topic.send(30)
    again = start()
    drain(again, lambda: again.state().written == 30)
    is_once(store, topic)


def test_the_component_names_the_brokers() -> None:
    from history.ingest.__main__ import _broker

    one, two = (KafkaComponent.model_validate({"kind": "kafka", "name": name, "bootstrap": "a:9092"}) for name in "ab")
    assert _broker([one], None) is one
    assert _broker([one, two], "b") is two
    for components, name in (([], None), ([one, two], None), ([one], "c")):
        with pytest.raises(IntakeError, match="--component is"):
            _broker(components, name)


def test_the_process_is_killed_and_started_and_stops_when_told(topic: Topic, tmp_path: Path) -> None:
    topic.send(3000)
    with clickhouse_process(tmp_path / "engine") as server:
        config = tmp_path / "tapewatch.toml"
        config.write_text(
            f'[history]\ndsn = "{server.dsn}"\nflush = "50ms"\n'
            f'[[component]]\nkind = "kafka"\nbootstrap = "{topic.bootstrap}"\n'
        )
        there = Store(History(dsn=SecretUrl(server.dsn)))
        command = [sys.executable, "-m", "history.ingest", topic.name, "--group", topic.name]

        def run() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                command, env={**os.environ, "TAPEWATCH_CONFIG": str(config)}, stderr=subprocess.PIPE
            )

        def arrived(at_least: int) -> bool:
            with contextlib.suppress(ClickHouseError):  # no tables yet
                return count(there, "samples") >= at_least
            return False

        first = run()
        assert eventually(lambda: arrived(1), 30)
        first.kill()
        first.communicate()
        topic.forget_members()
        topic.send(300)
        second = run()
        assert eventually(lambda: arrived(3300), 30)
        second.send_signal(signal.SIGTERM)
        _, told = second.communicate(timeout=20)
        assert (second.returncode, b"ended" in told) == (0, True), told
        is_once(there, topic)
