"""The driver of the fault matrix judges: services made to break a promise, four times as quick as the real ones."""

import threading
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from probes.breaker import Breaker
from probes.kind import Kind
from probes.result import Collected, ProbeFailure
from settings import Component
from tests import fault_matrix
from tests.fault_bounds import Promise
from tests.fault_matrix import TRIES, Case, Cell, Fault, live

QUICK = Promise(interval_s=0.3, deadline_s=0.3, spare_s=0.3, grain_s=0.1, flap_s=0.1)
SLOWER_S = 0.3
"""What a second is beside the real deadline, and more than a grain."""


class Service:
    """Fails by these codes while it is broken, the last for good; hangs before it does."""

    def __init__(self, *codes: str, hangs_s: float = 0.0) -> None:
        self._codes = iter(codes[:-1])
        self._last = codes[-1]
        self._hangs_s = hangs_s
        self._mended = threading.Event()
        self._mended.set()
        self.fault = Fault(self._mended.clear, self._mended.set)

    @property
    def kind(self) -> Kind:
        opened: Callable[[Any, float], Service] = lambda component, deadline_s: self  # noqa: E731
        return Kind(name="fake", title="Fake", component=Component, metrics=(), open=opened, key_metric="")

    def ping(self) -> float:
        if not self._mended.is_set():
            self._mended.wait(self._hangs_s)
            code = next(self._codes, self._last)
            raise ProbeFailure(code, f"It said {code}.", "Look.")
        return 0.001

    def collect(self) -> Collected:
        return Collected(latency_s=self.ping(), summary="fine", readings=())

    def close(self) -> None:
        pass


def cell(service: Service, expected: str = "refused", deadline_s: float | None = None) -> Cell:
    return Cell(
        "fake: made up", service.kind, {}, service.fault, expected, expected, promise=QUICK, deadline_s=deadline_s
    )


def late(_: int) -> Cell:
    """It hangs, and its time-out comes later than promised."""
    return cell(Service("timeout", hangs_s=9), "timeout", QUICK.deadline_s + SLOWER_S)


def backing_off(_: int) -> Cell:
    """The second check after three failures comes two intervals after the first."""
    made = cell(Service("refused"))
    runner = made.runner
    runner.pause_s = lambda interval_s: interval_s * (2 if runner.state().breaker.is_open else 1)  # type: ignore[method-assign]
    return made


def miscounting(_: int) -> Cell:
    """Its breaker has counted a failure that never was."""
    made = cell(Service("refused"))
    made.runner._breaker = Breaker(failures=1)
    return made


MADE: dict[str, Callable[[int], Cell]] = {
    "sound": lambda _: cell(Service("refused")),
    "deadline": late,
    "back-off": backing_off,
    "late once": lambda life: cell(Service("refused")) if life else late(life),
    "time-outs besides": lambda _: cell(Service("timeout", "refused")),
    "another code": lambda _: cell(Service("garbage")),
    "a code besides": lambda _: cell(Service("garbage", "refused")),
    "miscounting": miscounting,
}


@pytest.fixture(scope="module")
def judged() -> dict[str, Case]:
    """All of them, lived side by side beside a healthy one."""
    cases = {name: Case(made) for name, made in MADE.items()}
    healthy = Service("refused")
    well = Case(lambda _: Cell("fake: healthy", healthy.kind, {}, healthy.fault, promise=QUICK))
    with mock.patch.object(fault_matrix, "GIVE_UP_S", 0.2):
        live(list(cases.values()), [well])
    return cases


def test_what_holds_every_bound_passes_and_every_kind_of_time_is_taken(judged: dict[str, Case]) -> None:
    case = judged["sound"]
    assert case.problem == case.lateness() == ""
    assert {measured.of for measured in case.measured} == {
        "detection", "breaker", "recovery", "check", "rest", "silence"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("deadline", "the result of a check"),
        ("back-off", "the next check"),
        ("time-outs besides", "a time-out in place of an answer at the start"),
    ],
)
def test_a_bound_that_is_never_held_fails_with_every_measurement(judged: dict[str, Case], name: str, what: str) -> None:
    case = judged[name]
    assert (len(case.lives), case.problem) == (TRIES, "")
    said = case.lateness()
    assert [f"  {number}. {what} after" in said for number in range(1, TRIES + 1)] == [True] * TRIES, said
    assert said.startswith(f"fake: made up: late in each of {TRIES} tries\n")


def test_what_was_late_once_is_lived_anew_and_passes(judged: dict[str, Case]) -> None:
    case = judged["late once"]
    assert any(measured.is_late for measured in case.lives[0].measured)
    assert len(case.lives) > 1
    assert case.problem == case.lateness() == ""


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("another code", "no refused at the start within"),
        ("a code besides", "garbage at the start"),
        ("miscounting", "the breaker opened after 2 failures"),
    ],
)
def test_what_is_wrong_is_never_tried_again(judged: dict[str, Case], name: str, problem: str) -> None:
    assert problem in judged[name].problem
    assert len(judged[name].lives) == 1
