import math
import threading
import time

import pytest

from history import sender
from history.recorder import Recorder
from history.rows import SeriesKey
from history.store import Store, StoreState
from probes.result import ProbeError, Reading, Status, labels, utc
from settings import History
from tests.history.rows import COUNT, METRICS, T0_S, client_of, count, sampled
from tests.probes.fakes import FILL
from tests.probes.listeners import eventually

COMMON = 2
"""probe_up and probe_status of every result."""


def fill(at_s: int, value: float = 0.5, name: str = "thing", status: Status = Status.OK):
    return sampled(name, at_s, (FILL.name, value, ()), status=status)


def test_a_series_has_one_identity_for_ever() -> None:
    key = SeriesKey("kafka", "kafka_lag", labels(topic="ticks", group="writer"))
    assert key.id == SeriesKey("kafka", "kafka_lag", labels(group="writer", topic="ticks")).id
    assert key.id == 9480135369465836257, "what is on disk keeps its series"
    others = {SeriesKey("kafka", "kafka_lag").id, SeriesKey("kafka2", "kafka_lag", key.labels).id, key.id}
    assert len(others) == 3
    assert all(0 <= number < 2**64 for number in others)


def test_orderly_stop_loses_nothing(store: Store) -> None:
    recorder = Recorder(store, METRICS)
    recorder.start()
    for step in range(500):
        recorder.record(fill(T0_S + step * 10))
    assert recorder.stop()
    state = recorder.state()
    assert (state.written, state.waiting, state.dropped, state.waiting_since) == (500 * (1 + COMMON), 0, 0, None)
    assert count(store, "samples") == 500 * (1 + COMMON)
    assert count(store, "samples", f"sum(value) * (uniqExact(ts) = 500) * (min(ts) = toDateTime({T0_S}, 'UTC'))") > 0
    assert count(store, "series", "uniqExact(series_id)") == 1 + COMMON
    assert count(store, "samples_15m", "sum(cnt)") == count(store, "samples_4h", "sum(cnt)") == 500 * (1 + COMMON)


def test_it_writes_by_itself_every_flush(history_settings: History, store: Store) -> None:
    store.settings = history_settings.model_copy(update={"flush_s": 0.05})
    recorder = Recorder(store, METRICS)
    recorder.start()
    recorder.record(fill(T0_S))
    assert eventually(lambda: recorder.state().written == 1 + COMMON, 10)
    assert recorder.stop()


def test_a_batch_whose_outcome_is_unknown_is_written_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(store, METRICS)
    for step in range(100):
        recorder.record(fill(T0_S + step * 10))
    insert, tokens = sender.insert, []

    def insert_and_lose_the_answer(client, table, rows, token) -> None:
        insert(client, table, rows, token)
        tokens.append((table, token))
        if table.endswith("samples") and sum(name == table for name, _ in tokens) <= 2:
            raise TimeoutError("timed out")

    monkeypatch.setattr(sender, "insert", insert_and_lose_the_answer)
    attempts = 0
    while not recorder.flush():
        attempts += 1
        assert "did not answer in time" in recorder.state().last_error
        assert recorder.state().waiting == 100 * (1 + COMMON)
        assert eventually(lambda: store.state.ready, 10), "the store answers its next trial"
    assert attempts == 2
    assert len({token for table, token in tokens if table.endswith("samples")}) == 1
    assert count(store, "samples") == 100 * (1 + COMMON)
    assert count(store, "samples_15m", "sum(cnt)") == 100 * (1 + COMMON), "nor does a roll-up count twice"
    assert count(store, "series") == 1 + COMMON
    assert recorder.state().batches == 1


def test_a_new_batch_has_a_token_of_its_own(store: Store) -> None:
    recorder = Recorder(store, METRICS)
    for _ in range(2):
        recorder.record(fill(T0_S))
        assert recorder.flush()
    assert count(store, "samples") == 2 * (1 + COMMON), "equal rows of two batches are two rows"


def test_many_batches(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "MAX_BATCH", 7)
    recorder = Recorder(store, METRICS)
    for step in range(10):
        recorder.record(fill(T0_S + step))
    assert recorder.flush()
    assert recorder.state().batches == 5
    assert count(store, "samples") == 10 * (1 + COMMON)


def away(store: Store) -> None:
    store._state = StoreState(False, ProbeError("refused", "It refuses.", "Start it."), utc(time.time()))


def test_while_the_store_is_away_samples_wait_and_are_written_when_it_is_back(history_settings: History) -> None:
    store = Store(history_settings)
    recorder = Recorder(store, METRICS)
    recorder.start()
    for step in range(50):
        recorder.record(fill(T0_S + step))
    assert not recorder.flush()
    waiting = recorder.state()
    assert (waiting.waiting, waiting.written, waiting.waiting_since) == (50 * (1 + COMMON), 0, utc(T0_S))
    store.start()
    assert eventually(lambda: store.state.ready, 30)
    assert recorder.flush()
    assert recorder.state().waiting_since is None
    assert count(store, "samples") == 50 * (1 + COMMON)
    assert recorder.stop()
    store.stop()


def test_at_the_bound_the_oldest_are_made_coarser_and_counted(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.settings = store.settings.model_copy(update={"max_waiting_samples": 30})
    ready = store.state
    away(store)
    recorder = Recorder(store, METRICS)
    for step in range(100):
        result = sampled("thing", T0_S + step, (COUNT.name, float(step), ()), (FILL.name, 0.5, ()))
        recorder.record(result)
        assert not recorder.flush()
    state = recorder.state()
    assert state.waiting <= 30
    assert (state.waiting + state.thinned, state.dropped) == (100 * (2 + COMMON), 0)
    assert caplog.text.count("the oldest are made coarser") == 1
    store._state = ready
    assert recorder.flush()
    counted = SeriesKey("thing", COUNT.name).id
    assert count(store, f"samples WHERE series_id = {counted}", "sum(value)") == sum(range(100)), "no increase is lost"
    assert count(store, f"samples WHERE ts = toDateTime({T0_S + 99}, 'UTC')") == 2 + COMMON, (
        "the newest are as they were"
    )


def test_when_nothing_can_be_made_coarser_the_oldest_go_and_are_counted(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.settings = store.settings.model_copy(update={"max_waiting_samples": 30})
    ready = store.state
    away(store)
    recorder = Recorder(store, METRICS)
    for step in range(15):
        recorder.record(fill(T0_S + step * 900))
        assert not recorder.flush()
    state = recorder.state()
    assert (state.waiting, state.thinned, state.dropped) == (30, 0, 15)
    assert caplog.text.count("the oldest are dropped") == 1
    store._state = ready
    assert recorder.flush()
    assert count(store, "samples", "toUnixTimestamp(min(ts))") == T0_S + 5 * 900


def test_a_stop_without_a_store_is_soon_and_says_what_is_lost(
    history_settings: History, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(history_settings)
    away(store)
    recorder = Recorder(store, METRICS)
    recorder.start()
    recorder.record(fill(T0_S))
    started_s = time.monotonic()
    assert not recorder.stop()
    assert time.monotonic() - started_s < 5
    assert "3 samples could not be written before the stop and waited in memory and are lost" in caplog.text


def test_record_does_not_wait_for_a_flush_that_hangs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    insert = sender.insert

    def slow(*arguments) -> None:
        begun.set()
        assert go_on.wait(20)
        insert(*arguments)

    monkeypatch.setattr(sender, "insert", slow)
    recorder = Recorder(store, METRICS)
    recorder.record(fill(T0_S))
    thread = threading.Thread(target=recorder.flush)
    thread.start()
    assert begun.wait(10)
    started_s = time.monotonic()
    for step in range(1, 200):
        recorder.record(fill(T0_S + step))
    assert time.monotonic() - started_s < 5
    assert recorder.state().waiting == 200 * (1 + COMMON)
    go_on.set()
    thread.join(20)
    assert count(store, "samples") == 200 * (1 + COMMON)


def test_status_changes_and_a_heartbeat(store: Store) -> None:
    recorder = Recorder(store, METRICS)
    statuses = [Status.OK] * 3 + [Status.CRITICAL] * 2 + [Status.OK] * 400
    for step, status in enumerate(statuses):
        recorder.record(fill(T0_S + step * 10, status=status))
    assert recorder.flush()
    with client_of(store) as client:
        rows = client.query(
            f"SELECT toUnixTimestamp(ts), toString(status) FROM {store.database}.status_change ORDER BY ts"
        ).result_rows
    assert [(at_s - T0_S, status) for at_s, status in rows] == [
        (0, "ok"),
        (30, "critical"),
        (50, "ok"),
        (50 + 3610, "ok"),
    ]


def test_what_is_no_number_is_not_written(store: Store) -> None:
    recorder = Recorder(store, METRICS)
    for value in (math.nan, math.inf, -math.inf):
        recorder.record(fill(T0_S, value))
    assert recorder.flush()
    assert count(store, "samples") == 3 * COMMON


def test_labels_come_back(store: Store) -> None:
    recorder = Recorder(store, METRICS)
    pairs = labels(disk="/mnt/ü", name='a"b\\')
    result = sampled("thing", T0_S)
    object.__setattr__(result, "readings", (Reading(FILL.name, 1.0, pairs),))
    recorder.record(result)
    assert recorder.flush()
    with client_of(store) as client:
        rows = client.query(
            f"SELECT labels, unit, toString(kind) FROM {store.database}.series WHERE metric = '{FILL.name}'"
        ).result_rows
    assert [tuple(row) for row in rows] == [(dict(pairs), "ratio", "gauge")]
