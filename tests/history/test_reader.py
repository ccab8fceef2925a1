import threading
import time
from collections.abc import Callable, Iterator

import pytest
from clickhouse_connect.driver.client import Client

from history import reader as reading
from history.queries import Scope
from history.reader import Reader, wait_for
from history.store import Store, StoreState
from history.window import Window, parse_window
from probes.result import ProbeError, utc
from settings import History
from tests.probes.fakes import Clock
from tests.probes.listeners import eventually


class Question:
    """A question that counts, can be held up and can fail."""

    def __init__(self) -> None:
        self.asked = 0
        self.go_on = threading.Event()
        self.go_on.set()
        self.error: Exception | None = None
        self.__module__, self.__qualname__ = "tests", "question"

    def __call__(self, client: Client, scope: Scope, *args: object, **keys: object) -> object:
        self.asked += 1
        assert self.go_on.wait(20)
        if self.error:
            raise self.error
        return (*args, self.asked)


class FakeStore:
    """A store that is ready or not as a test says, whose clients are nothing."""

    def __init__(self) -> None:
        self.settings, self.database, self.zone = History(), "d", "UTC"
        self.state = StoreState(True, None, utc(0))
        self.connected = 0

    def connect(self) -> "FakeStore":
        self.connected += 1
        return self

    def close(self) -> None:
        pass

    def report(self, exc: Exception) -> ProbeError:
        return ProbeError("query_failed", str(exc), "Look.")

    def fall(self) -> None:
        self.state = StoreState(False, ProbeError("refused", "It refuses.", "Start it."), utc(1))


@pytest.fixture
def store_() -> FakeStore:
    return FakeStore()


@pytest.fixture
def clock() -> Clock:
    return Clock(0)


@pytest.fixture
def reader(store_: FakeStore, clock: Clock) -> Iterator[Reader]:
    made = Reader(store_, clock)  # type: ignore[arg-type]
    yield made
    made.stop()


def test_an_answer_is_fresh_then_stale_then_fresh_again(reader: Reader, clock: Clock) -> None:
    question = Question()
    first = reader.ask(question, 10, 5, "x")
    assert (first.state, first.value, first.age_s, first.error) == ("fresh", ("x", 1), 0, None)
    clock.now_s = 9
    assert reader.ask(question, 10, 5, "x").value == ("x", 1)
    clock.now_s = 11
    assert reader.answer(question, 10, "x").state == "stale"
    renewed = reader.ask(question, 10, 5, "x")
    assert (renewed.state, renewed.value, renewed.age_s) == ("fresh", ("x", 2), 0)


def test_it_waits_no_longer_than_granted(reader: Reader) -> None:
    question = Question()
    question.go_on.clear()
    started_s = time.monotonic()
    pending = reader.ask(question, 10, 0.05)
    assert time.monotonic() - started_s < 3
    assert (pending.state, pending.value, pending.error) == ("pending", None, None)
    question.go_on.set()
    assert eventually(lambda: reader.answer(question, 10).state == "fresh")
    assert question.asked == 1


def test_while_a_new_answer_is_fetched_the_old_one_serves(reader: Reader, clock: Clock) -> None:
    question = Question()
    reader.ask(question, 10, 5)
    clock.now_s = 60
    question.go_on.clear()
    old = reader.ask(question, 10, 0.01)
    assert (old.state, old.value, old.age_s, old.error) == ("stale", (1,), 60, None)
    question.go_on.set()


def test_the_same_question_runs_once(reader: Reader) -> None:
    question = Question()
    question.go_on.clear()
    futures = {reader.submit(question, 10, "x", step=1) for _ in range(20)}
    assert len(futures) == 1
    other = reader.submit(question, 10, "y", step=1)
    assert other not in futures
    question.go_on.set()
    assert all(future is not None and wait_for(future, 5) for future in (*futures, other))
    assert question.asked == 2


def test_questions_of_two_modules_with_one_name_are_two(reader: Reader) -> None:
    mine, theirs = Question(), Question()
    theirs.__module__ = "elsewhere"
    reader.ask(mine, 10, 5)
    assert reader.answer(theirs, 10).state == "pending"


def test_a_moving_window_is_one_question(reader: Reader) -> None:
    question = Question()
    for now_s in (1e9, 1e9 + 60):
        reader.ask(question, 10, 5, parse_window("now-1h", "now", now_s))
    assert question.asked == 1
    reader.ask(question, 10, 5, Window(0, 60))
    assert question.asked == 2


def test_a_question_that_fails_says_why_and_is_asked_again(reader: Reader, clock: Clock) -> None:
    question = Question()
    question.error = ValueError("memory limit exceeded")
    failed = reader.ask(question, 10, 5)
    assert (failed.state, failed.value) == ("failed", None)
    assert failed.error is not None
    assert failed.error.message == "memory limit exceeded"
    question.error = None
    assert reader.ask(question, 10, 5).state == "fresh"
    clock.now_s = 60
    question.error = ValueError("again")
    stale = reader.ask(question, 10, 5)
    assert (stale.state, stale.value) == ("stale", (2,))
    assert stale.error is not None
    assert stale.error.message == "again"
    question.error = None
    recovered = reader.ask(question, 10, 5)
    assert (recovered.state, recovered.error) == ("fresh", None)


def test_a_store_that_is_down_is_not_asked(reader: Reader, store_: FakeStore, clock: Clock) -> None:
    question = Question()
    reader.ask(question, 10, 5, "known")
    store_.fall()
    started_s = time.monotonic()
    unknown = reader.ask(question, 10, 5, "unknown")
    clock.now_s = 60
    known = reader.ask(question, 10, 5, "known")
    assert time.monotonic() - started_s < 3
    assert (unknown.state, known.state, known.value) == ("failed", "stale", ("known", 1))
    assert unknown.error == known.error == store_.state.error
    assert question.asked == 1


def test_a_store_that_is_opening_is_pending(reader: Reader, store_: FakeStore) -> None:
    store_.state = StoreState(False, None, utc(0))
    assert reader.ask(Question(), 10, 5).state == "pending"


def test_a_queue_that_is_full_says_pending(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    question = Question()
    question.go_on.clear()
    started = [reader.submit(question, 10, index) for index in range(reading.WORKERS + reading.MAX_WAITING + 20)]
    assert started[-1] is None
    assert reader.ask(question, 10, 0.01, "one more").state == "pending"
    assert len(reader._threads) == reading.WORKERS
    question.go_on.set()
    assert all(wait_for(future, 10) for future in started if future is not None)


def test_memory_is_bounded(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_REMEMBERED", 5)
    question = Question()
    for index in range(12):
        reader.ask(question, 10, 5, index)
    assert len(reader._known) == 5
    assert reader.answer(question, 10, 11).state == "fresh"
    assert reader.answer(question, 10, 0).state == "pending"
    question.error = ValueError("no")
    for index in range(100, 112):
        reader.ask(question, 10, 5, index)
    assert len(reader._failed) == 5


def test_stop_ends_the_workers(store_: FakeStore, no_growth: Callable[[], None]) -> None:
    made = Reader(store_)  # type: ignore[arg-type]
    for index in range(5):
        made.ask(Question(), 10, 5, index)
    made.stop()
    no_growth()


def test_on_a_real_store(store: Store) -> None:
    def answer_of_all(client: Client, scope: Scope, what: int) -> int:
        return int(client.query(f"SELECT {what} + 2").result_rows[0][0])

    real = Reader(store)
    assert real.ask(answer_of_all, 10, 20, 40).value == 42
    broken = real.ask(lambda client, scope: client.query("SELECT broken"), 10, 20)
    assert broken.state == "failed"
    assert broken.error is not None
    assert "broken" in broken.error.message
    assert store.state.ready
    real.stop()


def test_what_was_begun_before_the_past_was_written_is_read_anew(reader: Reader, clock: Clock) -> None:
    question = Question()
    assert reader.ask(question, 60, 10).value == (1,)
    question.go_on.clear()
    clock.now_s += 100
    future = reader.submit(question, 60)
    assert eventually(lambda: question.asked == 2, 10)
    clock.now_s += 1
    reader.outdate()  # while the second is under way: it may have read what was there before
    question.go_on.set()
    assert future is not None
    assert wait_for(future, 10)
    assert (reader.answer(question, 60).state, reader.answer(question, 60).value) == ("stale", (2,))
    clock.now_s += 1
    assert (reader.ask(question, 60, 10).state, reader.answer(question, 60).value) == ("fresh", (3,))
