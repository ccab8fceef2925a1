import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NoReturn

import pytest

from probes.breaker import Breaker
from probes.result import ProbeFailure, ProbeResult, Reading, Status, labels, utc
from probes.runner import Runner
from settings_types import SecretUrl
from tests.probes.fakes import FILL, NOW_S, Clock, Script, component
from tests.probes.listeners import eventually


class Stage:
    """A runner, its scripted probe, its clock and what it has published."""

    def __init__(self, kind_of: Callable[[Script], object] = lambda script: script.kind) -> None:
        self.clock, self.script, self.threads = Clock(), Script(), threading.active_count()
        self.published: list[ProbeResult] = []
        self.runner = Runner(component(), kind_of(self.script), 2.0, self.published.append, self.clock, self.clock)  # type: ignore[arg-type]

    def run(self) -> ProbeResult:
        """One whole execution."""
        count = len(self.published)
        assert self.runner.request()
        self.settle()
        assert eventually(lambda: len(self.published) == count + 1)
        return self.published[-1]

    def settle(self) -> None:
        """Wait until the thread is idle."""
        assert eventually(lambda: self.runner._running is None)

    def stick(self) -> None:
        """Start an execution that hangs, and let its deadline pass."""
        self.script.hang.clear()
        assert self.runner.request()
        assert eventually(lambda: self.script.collects + self.script.pings > 0)
        self.clock.now_s += 2
        self.runner.expire()


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.script.hang.set()
    made.runner.stop()


def test_a_success(stage: Stage) -> None:
    assert stage.runner.request(utc(NOW_S - 7))
    assert eventually(lambda: len(stage.published) == 1)
    result = stage.published[0]
    assert (result.status, result.summary, result.latency_ms, result.error) == (Status.OK, "fine", 1.0, None)
    assert (result.tick, result.checked_at, result.trial) == (utc(NOW_S - 7), utc(NOW_S), False)
    assert result.value(FILL.name) == 0.5


def test_single_flight(stage: Stage) -> None:
    stage.script.hang.clear()
    assert [stage.runner.request() for _ in range(5)] == [True, False, False, False, False]
    stage.script.hang.set()
    assert eventually(lambda: len(stage.published) == 1)
    assert stage.script.collects == 1


def test_one_thread_and_one_client_serve_many_executions(stage: Stage) -> None:
    for _ in range(20):
        stage.clock.now_s += 10
        assert stage.run().status == Status.OK
    assert threading.active_count() <= stage.threads + 1
    assert (stage.script.opened, stage.script.closed) == (1, 0)


def test_readings_are_judged_and_the_worst_counts(stage: Stage) -> None:
    stage.script.readings = (
        Reading(FILL.name, 0.85, labels(disk="a")),
        Reading(FILL.name, 0.95, labels(disk="b")),
    )
    result = stage.run()
    assert result.status == Status.CRITICAL
    assert [finding.status for finding in result.findings] == [Status.CRITICAL, Status.WARNING]
    assert result.sentence == "Fill is 95 %, more than 90 %."


def test_a_failure_is_a_value_and_gives_the_client_back(stage: Stage) -> None:
    stage.script.fail("refused")
    result = stage.run()
    assert result.error is not None
    assert (result.status, result.error.code, result.sentence) == (Status.CRITICAL, "refused", "It said refused.")
    assert (stage.script.opened, stage.script.closed) == (1, 1)


def test_a_failure_has_the_status_it_names(stage: Stage) -> None:
    stage.script.fail("odd", Status.WARNING)
    assert stage.run().status == Status.WARNING


def test_the_deadline_stands_outside_of_what_hangs(stage: Stage) -> None:
    stage.script.hang.clear()
    assert stage.runner.request(utc(NOW_S))
    assert stage.runner.expires_in_s() == 2
    stage.clock.now_s += 1.9
    stage.runner.expire()
    assert stage.published == []
    stage.clock.now_s += 0.1
    for _ in range(3):
        stage.runner.expire()
    (late,) = stage.published
    assert late.error is not None
    assert (late.error.code, late.status) == ("timeout", Status.CRITICAL)
    assert late.took_ms == pytest.approx(2000)
    assert late.sentence == "Fake at thing did not answer within 2 s."
    state = stage.runner.state()
    assert (state.timeouts, state.breaker, state.stuck_s, stage.runner.expires_in_s()) == (1, Breaker(1), 2, None)


def test_nothing_is_started_while_one_is_stuck_and_the_age_stays_fresh(stage: Stage) -> None:
    stage.stick()
    for _ in range(3):
        stage.clock.now_s += 10
        assert not stage.runner.request(utc(stage.clock.now_s))
        stage.runner.expire()
    assert stage.script.collects == 1
    assert stage.runner.state().executions == 1
    assert [result.checked_at.timestamp() - NOW_S for result in stage.published] == [2, 12, 22, 32]
    assert {result.error.code for result in stage.published if result.error} == {"timeout"}
    assert "its first try still waits after 32 s" in stage.published[-1].sentence
    assert stage.runner.state().breaker.failures == 1, "it is one failure, however often it is told"


@pytest.mark.parametrize("fails", [False, True])
def test_a_late_answer_changes_nothing_and_the_next_execution_tells_the_truth(stage: Stage, fails: bool) -> None:
    stage.stick()
    if fails:
        stage.script.fail("auth_failed")
    stage.script.hang.set()
    stage.settle()
    assert [result.status for result in stage.published] == [Status.CRITICAL]
    assert stage.runner.state().breaker == Breaker(1), "counted once, as the time-out it was"
    stage.script.error = None
    assert stage.run().status == Status.OK
    assert stage.runner.state().breaker == Breaker()


def test_the_breaker_tries_the_cheapest_and_a_success_is_followed_by_all(stage: Stage) -> None:
    stage.script.fail("refused")
    assert [stage.run().trial for _ in range(3)] == [False, False, False]
    assert (stage.script.pings, stage.script.collects) == (0, 3)
    assert [stage.run().trial for _ in range(4)] == [True] * 4
    assert (stage.script.pings, stage.script.collects) == (4, 3), "while it is open only the trial runs"
    assert stage.runner.pause_s(10) == 10
    stage.script.error = None
    recovered = stage.run()
    assert (stage.script.pings, stage.script.collects) == (5, 4)
    assert (recovered.status, recovered.trial, recovered.value(FILL.name)) == (Status.OK, False, 0.5)
    assert not stage.runner.state().breaker.is_open


def test_a_trial_that_hangs_is_told_as_a_trial(stage: Stage) -> None:
    stage.script.fail("refused")
    for _ in range(3):
        stage.run()
    stage.stick()
    assert [result.trial for result in stage.published] == [False, False, False, True]


def test_time_outs_open_the_breaker_as_well(stage: Stage) -> None:
    for _ in range(3):
        stage.stick()
        stage.script.hang.set()
        stage.settle()
        stage.clock.now_s += 10
    assert stage.runner.state().breaker.is_open
    assert stage.script.pings == 0


def test_refused_credentials_are_tried_ever_less_often(stage: Stage) -> None:
    stage.script.fail("auth_failed")
    pauses_s = []
    for _ in range(5):
        stage.run()
        pauses_s.append(stage.runner.pause_s(10))
    assert pauses_s == [10, 20, 40, 60, 60]
    assert stage.script.collects == 1


def test_a_programming_error_is_unknown_with_its_traceback(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    SecretUrl("redis://:tr4ceback-secret@h")
    stage.script.error = KeyError("tr4ceback-secret")
    with caplog.at_level(logging.ERROR):
        result = stage.run()
    assert result.error is not None
    assert (result.status, result.error.code) == (Status.UNKNOWN, "internal")
    assert "KeyError" in result.error.message
    for text in (stage.runner.state().traceback, caplog.text):
        assert "Traceback (most recent call last)" in text
        assert "fakes.py" in text
        assert "KeyError" in text
    for text in (stage.runner.state().traceback, caplog.text, result.error.message):
        assert "tr4ceback-secret" not in text
    stage.script.error = None
    assert stage.run().status == Status.OK


def test_a_reading_nobody_catalogued_does_not_end_the_thread(stage: Stage) -> None:
    stage.script.readings = (Reading("made_up", 1.0),)
    assert stage.run().status == Status.UNKNOWN
    stage.script.readings = ()
    assert stage.run().status == Status.OK


def test_a_message_that_wants_a_label_there_is_not() -> None:
    odd = Stage(lambda script: replace(script.kind, metrics=(replace(FILL, message="{disk} is full"),)))
    odd.script.readings = (Reading(FILL.name, 1.0),)
    assert odd.run().status == Status.UNKNOWN
    odd.runner.stop()


def test_a_probe_that_cannot_even_be_made_or_closed(stage: Stage) -> None:
    stage.script.fail()
    stage.script.close_error = RuntimeError("broken close")
    assert [stage.run().status for _ in range(2)] == [Status.CRITICAL] * 2
    assert "broken close" in stage.runner.state().traceback

    def opened(*_: object) -> NoReturn:
        raise ProbeFailure("no_driver", "There is no driver.", "Install it.")

    unmade = Stage(lambda script: replace(script.kind, open=opened))
    assert unmade.run().sentence == "There is no driver."
    unmade.runner.stop()


def test_stop_closes_the_probe_and_ends_the_thread(stage: Stage, no_growth: Callable[[], None]) -> None:
    stage.run()
    stage.runner.stop()
    assert eventually(lambda: stage.script.closed == 1)
    no_growth()
    assert not stage.runner.request()


def test_stop_of_a_stuck_one_does_not_wait_and_it_ends_by_itself(stage: Stage, no_growth: Callable[[], None]) -> None:
    stage.stick()
    stage.runner.stop()
    assert stage.script.closed == 0
    stage.script.hang.set()
    assert eventually(lambda: stage.script.closed == 1)
    no_growth()


def test_a_stuck_one_starves_no_other() -> None:
    stuck, free = Stage(), Stage()
    stuck.stick()
    assert [free.run().status for _ in range(5)] == [Status.OK] * 5
    stuck.script.hang.set()
    stuck.runner.stop()
    free.runner.stop()


@pytest.mark.parametrize("error", [ProbeFailure("refused", "No.", "Look."), ZeroDivisionError(), None])
def test_a_hundred_failures_leave_nothing_behind(
    error: Exception | None, stage: Stage, no_growth: Callable[[], None]
) -> None:
    for _ in range(100):
        stage.clock.now_s += 10
        stage.script.error = error
        if error is None:  # a time-out
            stage.stick()
            stage.script.hang.set()
            stage.settle()
        else:
            stage.run()
        assert threading.active_count() <= stage.threads + 1
    assert (len(stage.published), stage.runner.state().executions) == (100, 100)
    stage.runner.stop()
    assert eventually(lambda: stage.script.opened == stage.script.closed)
    no_growth()


def test_a_check_a_person_asks_for_is_a_trial_at_once(stage: Stage) -> None:
    stage.script.fail("auth_failed")
    for _ in range(4):
        stage.run()
    assert stage.runner.pause_s(10) == 60
    pings, asked = stage.script.pings, stage.run()
    assert (asked.trial, asked.checked_at, stage.script.pings) == (True, utc(NOW_S), pings + 1)


def test_the_deadline_stands_in_real_time_too() -> None:
    script, published = Script(), list[ProbeResult]()
    script.hang.clear()
    runner = Runner(component(), script.kind, 0.1, published.append)
    assert runner.request()

    def expired() -> bool:
        runner.expire()
        return bool(published)

    assert eventually(expired)
    assert published[0].took_ms >= 100
    assert script.collects == 1, "it hangs still"
    script.hang.set()
    runner.stop()


def test_a_clock_that_is_set_back_does_not_hold_up_the_deadline() -> None:
    clock, timer, script = Clock(), Clock(), Script()
    published: list[ProbeResult] = []
    runner = Runner(component(), script.kind, 2.0, published.append, clock, timer)  # type: ignore[arg-type]
    script.hang.clear()
    assert runner.request()
    clock.now_s -= 3600
    timer.now_s += 2
    runner.expire()
    assert [result.error.code for result in published if result.error] == ["timeout"]
    script.hang.set()
    runner.stop()
