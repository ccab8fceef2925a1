"""The whole way: recorder, spool, sender, ClickHouse. Nothing acknowledged is lost, nothing is there twice."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from benchmarks import kill9
from history import sender
from history.recorder import Recorder
from history.rows import StatusChange
from history.spool.rows import Rows
from history.store import Store, StoreState
from probes.result import ProbeFailure, Status, utc
from settings import History
from tests.history.rows import COUNT, METRICS, T0_S, client_of, count, sampled
from tests.probes.fakes import FILL
from tests.probes.listeners import eventually

EACH = 4
HOUR = 360
"""Ticks of ten seconds."""


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("history.store.RETRY_EVERY_S", 0.02)


@pytest.fixture
def spooled(history_settings: History, tmp_path: Path) -> History:
    return history_settings.model_copy(update={"spool": str(tmp_path / "spool")})


def tick(number: int) -> Any:
    return sampled("thing", T0_S + number * 10, (FILL.name, 0.5, ()), (COUNT.name, float(number), ()))


def opened(settings: History) -> Store:
    store = Store(settings)
    store.start()
    assert eventually(lambda: store.state.ready, 30), store.state.error
    return store


def check_once(store: Store, ticks: int) -> None:
    """Every sample of `ticks` is there once, in every tier."""
    assert count(store, "samples") == ticks * EACH
    assert count(store, "samples", "uniqExact(series_id, ts)") == ticks * EACH
    assert count(store, "series", "uniqExact(series_id)") == EACH
    with client_of(store) as client:
        for tier in ("15m", "4h", "1d"):
            sums = f"SELECT sum(cnt), sum(vsum) FROM {store.database}.samples_{tier}"
            raw = f"SELECT count(), sum(value) FROM {store.database}.samples"
            assert client.query(sums).result_rows == client.query(raw).result_rows, tier


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The first second of each batch of samples that is sent, in small batches."""
    real, found = sender.insert, []

    def noted(client: Any, table: str, rows: pa.Table, token: str) -> None:
        if table.endswith(".samples"):
            found.append(rows["ts"].cast(pa.int64()).to_numpy().min())
        real(client, table, rows, token)

    monkeypatch.setattr(sender, "insert", noted)
    monkeypatch.setattr(sender, "MAX_BATCH", 250)
    return found


def test_away_for_an_hour_everything_waits_on_disk_and_goes_out_in_order(spooled: History, order: list[float]) -> None:
    store, late = Store(spooled), []
    recorder = Recorder(store, METRICS, lambda: late.append(1), clock=lambda: T0_S + HOUR * 10.0)
    for number in range(HOUR):
        recorder.record(tick(number))
        if number % 18 == 0:
            assert not recorder.flush()
    assert not recorder.flush()
    waiting = recorder.state()
    assert (waiting.waiting, waiting.unspooled, waiting.waiting_since) == (HOUR * EACH, 0, utc(T0_S))
    assert waiting.spool_bytes > 0
    store.start()
    assert eventually(recorder.flush, 30), recorder.state()
    check_once(store, HOUR)
    assert order == sorted(order)
    assert len(late) == sum(first_s < T0_S + HOUR * 10 - sender.LATE_S for first_s in order)
    assert len(late) > 0
    state = recorder.state()
    assert (state.written, state.waiting, state.dropped, state.thinned) == (HOUR * EACH, 0, 0, 0)
    assert recorder.stop()
    store.stop()


def test_every_third_acknowledgement_lost_changes_nothing(
    spooled: History, order: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, inserted, calls = opened(spooled), sender.insert, []

    def forgetful(*arguments: Any) -> None:
        inserted(*arguments)
        calls.append(arguments[3])
        if len(calls) % 3 == 0:
            raise ConnectionResetError("Connection reset by peer")

    monkeypatch.setattr(sender, "insert", forgetful)
    recorder = Recorder(store, METRICS)
    for number in range(HOUR):
        recorder.record(tick(number))
    assert eventually(recorder.flush, 30), recorder.state()
    assert len(calls) > len(set(calls)), "some went twice, under the same token"
    check_once(store, HOUR)
    assert order == sorted(order)
    recorder.stop()
    store.stop()


def test_a_restart_sends_what_waits_and_ends_the_batch_on_its_way(
    spooled: History, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store, real, tokens = opened(spooled), sender.insert, []

    def last_words(client: Any, table: str, rows: pa.Table, token: str) -> None:
        real(client, table, rows, token)
        if table.endswith(".samples"):
            tokens.append(token)
            if len(tokens) == 1:
                store.stop()
                raise ConnectionResetError("Connection reset by peer")

    monkeypatch.setattr(sender, "insert", last_words)
    first = Recorder(store, METRICS)
    for number in range(10):
        first.record(tick(number))
    assert not first.flush()
    for number in range(10, 20):
        first.record(tick(number))
    assert not first.stop()
    assert "wait in the spool for the next start" in caplog.text
    again = opened(spooled)
    second = Recorder(again, METRICS)
    second.record(tick(20))
    assert second.flush(), second.state()
    assert second.state().written == 21 * EACH
    assert (tokens[1], len(set(tokens))) == (tokens[0], len(tokens) - 1)
    check_once(again, 21)
    assert count(again, "series") >= EACH, "announced by each process"
    assert second.stop()
    again.stop()


def weird(number: int) -> StatusChange:
    return StatusChange(f"c{number}", utc(T0_S + number), "weird", "no such status")  # type: ignore[arg-type]


def test_one_bad_row_among_a_thousand_is_put_aside_with_its_reason(store: Store) -> None:
    recorder = Recorder(store, METRICS)
    changes = [StatusChange(f"c{number}", utc(T0_S + number), Status.OK, "fine") for number in range(1_000)]
    changes[617] = weird(617)
    recorder._depot.append(Rows(changes=changes))
    recorder.record(tick(0))
    assert recorder.flush(), recorder.state()
    state = recorder.state()
    assert count(store, "status_change", "uniqExact(component)") == 1_000, "the other 999 and the recorded one"
    assert count(store, "status_change WHERE component = 'c617'") == 0
    assert (state.quarantined, state.waiting, state.last_error) == (1, 0, "")
    assert "status_change was refused" in state.refusal
    assert "weird" in state.refusal
    (spool,) = recorder._depot.spools()
    ((row, reason),) = spool._db.execute("SELECT row, reason FROM quarantine").fetchall()
    assert '"c617"' in row
    assert "691" in reason


def test_when_all_rows_are_refused_the_table_is_at_fault_and_they_are_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "REFUSED_IN_A_ROW", 3)
    recorder = Recorder(store, METRICS)
    recorder._depot.append(Rows(changes=[weird(number) for number in range(20)]))
    assert not recorder.flush()
    assert recorder.state().quarantined == 3
    assert "weird" in recorder.state().last_error
    (spool,) = recorder._depot.spools()
    assert spool._one("SELECT count(*) FROM status_change") == 17


def refusal(code: int) -> Exception:
    return DatabaseError(f"Code: {code}. DB::Exception", code=code)


@pytest.mark.parametrize(
    ("exc", "expected"),
    [
        *((refusal(code), "refused") for code in sorted(sender.REFUSED_CODES)),
        *(
            (refusal(code), "retry")
            for code in (16, 60, 81, 159, 164, 202, 209, 210, 241, 242, 243, 252, 497, 516, 999)
        ),
        (pa.ArrowInvalid("x"), "refused"),
        (pa.ArrowTypeError("x"), "refused"),
        (OverflowError("x"), "refused"),
        (UnicodeEncodeError("utf-8", "x", 0, 1, "surrogates not allowed"), "refused"),
        (TimeoutError("timed out"), "retry"),
        (ConnectionResetError(), "retry"),
        (ProbeFailure("refused", "It refuses.", "Start it."), "retry"),
        (RuntimeError("EmbeddedServer"), "retry"),
        (MemoryError(), "retry"),
        (KeyError("a fault of ours"), "retry"),
    ],
    ids=lambda value: f"{type(value).__name__} {getattr(value, 'code', '')}" if isinstance(value, Exception) else value,
)
def test_what_may_pass_is_tried_again_and_what_cannot_is_not(exc: Exception, expected: str) -> None:
    assert sender.verdict(exc) == expected


def test_more_than_a_batch_goes_at_once_and_a_store_that_comes_back_is_used_at_once(
    spooled: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "MAX_BATCH", 40)
    monkeypatch.setattr("history.recorder.MAX_BATCH", 40)
    store = opened(spooled)
    recorder = Recorder(store, METRICS)
    recorder.start()
    recorder.record(tick(0))
    assert eventually(lambda: recorder.state().unspooled == 0, 20)
    assert recorder.state().written == 0, "the next flush is an hour away"
    for number in range(1, 12):
        recorder.record(tick(number))
    assert eventually(lambda: recorder.state().written == 12 * EACH, 20), recorder.state()
    ready = store.state
    store._state = StoreState(False, None, utc(T0_S))
    for number in range(12, 24):
        recorder.record(tick(number))
    assert eventually(lambda: recorder.state().waiting == 12 * EACH, 20)
    store._state = replace(ready, since=utc(T0_S + 1))
    assert eventually(lambda: recorder.state().written == 24 * EACH, 20), recorder.state()
    check_once(store, 24)
    assert recorder.stop()
    store.stop()


def test_killed_at_any_moment_everything_acknowledged_is_there_once(tmp_path: Path) -> None:
    outcome = kill9.ordeal(tmp_path, 4, np.random.default_rng(1), longest_life_s=0.6)
    assert outcome.acknowledged > 0
    assert (outcome.lost, outcome.duplicates) == (0, 0)
