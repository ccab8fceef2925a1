"""A kind whose probe does what a test says, and results made of a few words."""

import threading
from collections.abc import Callable
from typing import Any

from probes.cache import Board, ComponentView
from probes.catalogue import Metric
from probes.kind import Kind
from probes.result import Collected, Finding, ProbeError, ProbeFailure, ProbeResult, Reading, Status, utc
from settings import Component

FILL = Metric(
    name="fake_fill_ratio",
    title="fill",
    unit="ratio",
    help="How full it is.",
    better="lower",
    warning=0.8,
    critical=0.9,
    reason="A test needs some.",
    message="Fill is {value}, more than {threshold}.",
    hint="Empty it.",
)
NOW_S = 1_790_000_000.0


class Clock:
    """Epoch seconds that move when a test says so."""

    def __init__(self, now_s: float = NOW_S) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


class FakeProbe:
    """Answers, fails or hangs as its `Script` has it."""

    def __init__(self, script: "Script") -> None:
        self.script = script
        script.opened += 1

    def ping(self) -> float:
        self.script.pings += 1
        self.script.act()
        return 0.001

    def collect(self) -> Collected:
        self.script.collects += 1
        self.script.act()
        return Collected(latency_s=0.001, summary="fine", readings=self.script.readings)

    def close(self) -> None:
        self.script.closed += 1
        if self.script.close_error:
            raise self.script.close_error


class Script:
    """What the probes of one kind do from now on, and how often they were asked."""

    def __init__(self) -> None:
        self.opened = self.pings = self.collects = self.closed = 0
        self.error: Exception | None = None
        self.close_error: Exception | None = None
        self.readings: tuple[Reading, ...] = (Reading(FILL.name, 0.5),)
        self.hang = threading.Event()
        self.hang.set()

    def act(self) -> None:
        self.hang.wait(20)
        if self.error:
            raise self.error

    def fail(self, code: str = "refused", status: Status = Status.CRITICAL) -> None:
        self.error = ProbeFailure(code, f"It said {code}.", "Look.", status)

    @property
    def kind(self) -> Kind:
        opened: Callable[[Any, float], FakeProbe] = lambda component, deadline_s: FakeProbe(self)  # noqa: E731
        return Kind(
            name="fake", title="Fake", component=Component, metrics=(FILL,), open=opened, key_metric="fake_fill_ratio"
        )


def component(name: str = "thing", **keys: object) -> Component:
    return Component.model_validate({"kind": "fake", "name": name, **keys})


def board_of(*components: Component, clock: Clock | None = None, script: Script | None = None) -> Board:
    """A board of `components`, 10 s interval and 2 s deadline each."""
    clock = clock or Clock()
    board = Board(clock, clock)
    for one in components:
        board.add(one, (script or Script()).kind, interval_s=10, deadline_s=2)
    return board


def result(
    name: str = "thing",
    status: Status = Status.OK,
    at_s: float = NOW_S,
    value: float | None = 0.5,
    latency_ms: float = 1,
) -> ProbeResult:
    """A result of `status`; a critical one has an error, a warning a finding."""
    return ProbeResult(
        component=name,
        kind="fake",
        status=status,
        checked_at=utc(at_s),
        tick=utc(int(at_s)),
        took_ms=2.5,
        latency_ms=None if status == Status.CRITICAL else latency_ms,
        summary=f"{name} is fine",
        error=ProbeError("refused", f"{name} refuses connections.", "Start it.") if status == Status.CRITICAL else None,
        findings=(Finding(metric=FILL.name, status=status, message=f"{name} is full.", hint="Empty it."),)
        if status == Status.WARNING
        else (),
        readings=() if value is None else (Reading(FILL.name, value),),
    )


def views(*states: tuple[str, Status, tuple[str, ...]], **keys: object) -> tuple[ComponentView, ...]:
    """Views of components given as (name, status, depends_on)."""
    board = board_of(*(component(name, depends_on=needs, **keys) for name, _, needs in states))
    for name, status, _ in states:
        board.publish(result(name, status))
    return board.views()
