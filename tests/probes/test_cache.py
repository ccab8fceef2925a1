import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from probes.cache import RECENT, Board, ComponentView, worst_first
from probes.result import ProbeError, ProbeResult, Status, utc
from tests.probes.fakes import NOW_S, Clock, Script, board_of, component, result, views
from tests.probes.listeners import eventually


def at(board: Board, clock: Clock, age_s: float) -> ComponentView:
    clock.now_s = NOW_S + age_s
    view = board.view("thing")
    assert view is not None
    return view


def test_the_first_read_starts_a_check_and_says_pending() -> None:
    script = Script()
    script.hang.clear()
    board = board_of(component(), clock=Clock(time.time()), script=script)
    views_ = [board.view("thing") for _ in range(50)]
    assert all(view is not None and view.pending and view.status == Status.UNKNOWN for view in views_)
    assert views_[0] is not None
    assert (views_[0].sentence, views_[0].hint, views_[0].age_s) == ("The first check is under way.", "", None)
    assert eventually(lambda: script.collects == 1)
    script.hang.set()
    assert eventually(lambda: board.views()[0].status == Status.OK)
    assert script.collects == 1, "fifty readers, one check"
    assert not board.views()[0].pending
    board.runners["thing"].stop()


def test_a_read_never_waits_for_a_probe_that_hangs() -> None:
    script = Script()
    script.hang.clear()
    board = board_of(component(), script=script)
    started_s = time.monotonic()
    for _ in range(100):
        board.views()
    assert time.monotonic() - started_s < 5
    script.hang.set()
    board.runners["thing"].stop()


def test_reading_alone_publishes_a_time_out_when_it_is_due() -> None:
    script, clock = Script(), Clock()
    script.hang.clear()
    board = board_of(component(), clock=clock, script=script)
    board.views()
    clock.now_s += 2.5
    (view,) = board.views()
    assert view.result is not None
    assert view.result.error is not None
    assert (view.status, view.result.error.code, view.pending) == (Status.CRITICAL, "timeout", False)
    script.hang.set()
    board.runners["thing"].stop()


def test_stale_is_older_than_two_intervals_and_the_deadline() -> None:
    clock = Clock()
    board = board_of(component(), clock=clock)
    board.publish(result(status=Status.WARNING))
    fresh = at(board, clock, 22)
    assert (fresh.status, fresh.stale, fresh.age_s) == (Status.WARNING, False, 22)
    stale = at(board, clock, 22.01)
    assert (stale.status, stale.last_status, stale.stale) == (Status.UNKNOWN, Status.WARNING, True)
    assert stale.sentence == "No fresh result: the last one said warning. thing is full."
    board.publish(result(status=Status.OK, at_s=clock.now_s))
    assert at(board, clock, 22.01).status == Status.OK


def test_a_clock_that_went_back_gives_no_negative_age() -> None:
    clock = Clock()
    board = board_of(component(), clock=clock)
    board.publish(result())
    assert at(board, clock, -60).age_s == 0


def test_the_back_off_of_refused_credentials_is_not_stale() -> None:
    clock, script = Clock(), Script()
    script.fail("auth_failed")
    board = board_of(component(), clock=clock, script=script)
    runner = board.runners["thing"]
    for _ in range(4):
        assert runner.request()
        assert eventually(lambda: runner.state().stuck_s is None and runner._running is None)
        clock.now_s += 1
    assert runner.pause_s(10) == 60
    clock.now_s = NOW_S + 3 + 10 + 60 + 2
    assert not board.views()[0].stale
    clock.now_s += 1
    assert board.views()[0].stale
    runner.stop()


@pytest.mark.parametrize(("code", "fresh_s"), [("auth_failed", 72), ("refused", 22)])
def test_a_mirrored_refusal_is_not_stale_while_the_leader_backs_off(code: str, fresh_s: float) -> None:
    clock = Clock()
    board = board_of(component(), clock=clock)
    board.publish(replace(result(status=Status.CRITICAL), error=ProbeError(code, "No.", "Look.")))
    assert at(board, clock, fresh_s).status == Status.CRITICAL
    assert at(board, clock, fresh_s + 1).status == Status.UNKNOWN


def test_a_clock_that_was_set_back_freezes_nothing() -> None:
    clock = Clock()
    board = board_of(component(), clock=clock)
    board.publish(result())
    lost = at(board, clock, -3600)
    assert (lost.status, lost.stale, lost.last_status) == (Status.UNKNOWN, True, Status.OK)
    down = result(status=Status.CRITICAL, at_s=clock.now_s)
    board.publish(down)
    found = at(board, clock, -3599)
    assert (found.status, found.result, found.age_s, found.stale) == (Status.CRITICAL, down, 1, False)


@pytest.mark.parametrize("ahead_s", [1, 20])
def test_another_process_whose_clock_runs_a_little_ahead_is_believed(ahead_s: float) -> None:
    board = board_of(component())
    board.publish(result(at_s=NOW_S + ahead_s))
    board.publish(result(status=Status.CRITICAL))
    (view,) = board.views()
    assert (view.status, view.stale, view.age_s) == (Status.OK, False, 0)


def test_since_is_kept_while_the_status_lasts() -> None:
    board = board_of(component())
    for offset_s, status in ((0, Status.OK), (10, Status.OK), (20, Status.CRITICAL), (30, Status.CRITICAL)):
        board.publish(result(status=status, at_s=NOW_S + offset_s))
    view = board.view("thing")
    assert view is not None
    assert view.since == utc(NOW_S + 20)


@pytest.mark.parametrize("restored_first", [True, False])
def test_since_is_restored_when_the_status_is_the_same(restored_first: bool) -> None:
    board = board_of(component())
    steps: list[Callable[[], None]] = [
        lambda: board.restore("thing", Status.OK, utc(NOW_S - 9999)),
        lambda: board.publish(result()),
    ]
    for step in steps if restored_first else reversed(steps):
        step()
    assert board.views()[0].since == utc(NOW_S - 9999)


@pytest.mark.parametrize("restored_first", [True, False])
def test_since_is_not_restored_when_the_status_is_another(restored_first: bool) -> None:
    board = board_of(component())
    steps: list[Callable[[], None]] = [
        lambda: board.restore("thing", Status.CRITICAL, utc(NOW_S - 9999)),
        lambda: board.publish(result()),
    ]
    for step in steps if restored_first else reversed(steps):
        step()
    assert board.views()[0].since == utc(NOW_S)


def test_a_later_since_is_not_believed() -> None:
    board = board_of(component())
    board.publish(result())
    board.restore("thing", Status.OK, utc(NOW_S + 5))
    board.restore("nobody", Status.OK, utc(NOW_S))
    assert board.views()[0].since == utc(NOW_S)


def test_results_that_are_old_or_here_already_or_of_nobody_are_ignored() -> None:
    board = board_of(component())
    heard: list[ProbeResult] = []
    board.subscribe(lambda new, before: heard.append(new))
    newest = result(at_s=NOW_S + 10)
    for given in (newest, newest, result(status=Status.CRITICAL), result("stranger")):
        board.publish(given)
    assert heard == [newest]
    assert (board.published, len(board.views()[0].recent)) == (1, 1)


def test_subscribers_get_what_was_before_and_one_that_fails_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    board = board_of(component())
    heard: list[tuple[ProbeResult, ProbeResult | None]] = []

    def broken(new: ProbeResult, before: ProbeResult | None) -> None:
        raise RuntimeError("no")

    board.subscribe(broken)
    board.subscribe(lambda new, before: heard.append((new, before)))
    first, second = result(), result(at_s=NOW_S + 10, status=Status.CRITICAL)
    with caplog.at_level(logging.ERROR):
        board.publish(first)
        board.publish(second)
    assert heard == [(first, None), (second, first)]
    assert "a result of thing could not be handed on" in caplog.text


def test_recent_results_are_bounded_and_carry_the_key_figure() -> None:
    board = board_of(component())
    for index in range(RECENT + 5):
        board.publish(result(at_s=NOW_S + index, value=index / 100, latency_ms=index))
    recent = board.views()[0].recent
    assert len(recent) == RECENT
    assert recent[-1] == (NOW_S + RECENT + 4, RECENT + 4, (RECENT + 4) / 100)
    board.publish(result(at_s=NOW_S + 100, status=Status.CRITICAL, value=None))
    assert board.views()[0].recent[-1] == (NOW_S + 100, None, None)


def test_views_are_found_by_name_and_kind() -> None:
    board = board_of(component("a"), component("b"))
    assert board.names() == ("a", "b")
    assert [view.name for view in board.of_kind("fake")] == ["a", "b"]
    assert board.of_kind("kafka") == ()
    assert board.view("c") is None
    assert board.keep_s("a") == 100


def test_causes_are_worked_out() -> None:
    root, _, leaf = views(
        ("redis", Status.CRITICAL, ()), ("web", Status.OK, ("redis",)), ("tape", Status.WARNING, ("redis",))
    )
    assert root.explains == ("tape",)
    assert leaf.caused_by == ("redis",)


def test_worst_first_and_the_oldest_trouble_before_the_new() -> None:
    board = board_of(*(component(name) for name in "abcde"))
    for name, status, at_s in (
        ("a", Status.OK, 5),
        ("b", Status.WARNING, 1),
        ("c", Status.CRITICAL, 9),
        ("d", Status.CRITICAL, 2),
        ("e", Status.OK, 1),
    ):
        board.publish(result(name, status, NOW_S + at_s))
    assert [view.name for view in worst_first(board.views())] == ["d", "c", "b", "a", "e"]


@pytest.fixture
def switching() -> Iterator[None]:
    """Threads take turns as often as they can, so that what is not held together comes apart."""
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before_s)


def test_a_reader_among_writers_sees_whole_results(switching: None) -> None:
    names = [f"c{index}" for index in range(3)]
    board = board_of(*map(component, names))
    for name in names:  # a read before the first result would start a check
        board.publish(result(name, at_s=NOW_S - 1))
    written: list[int] = []
    done = threading.Event()

    def write(name: str) -> None:
        step = 0
        while not done.is_set():
            board.publish(result(name, Status.OK if step % 2 else Status.WARNING, NOW_S + step))
            step += 1
        written.append(step)

    threads = [threading.Thread(target=write, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    views_ = [view for _ in range(1500) for view in board.views()]
    done.set()
    for thread in threads:
        thread.join(20)
    torn = [view for view in views_ if view.result is None or view.since != view.result.checked_at]
    assert torn == [], "every result changes the status, so each begins its own"
    assert board.published == len(names) + sum(written)
