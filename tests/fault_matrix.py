"""Every fault on every kind that speaks over a socket: at start, while running, flapping. One loop drives all.

A cell is one component behind one fault. Cells only wait, so all of them run side by side; a turn of
the loop does what the monitor's does (start what is due, publish time-outs that are) and looks whether
what a cell waits for has come.
"""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import probes
from probes.result import ProbeResult
from probes.runner import Runner
from tests.fault_proxy import FaultProxy, Mode

INTERVAL_S = 1.0
DEADLINE_S = 2.0
PATIENT_S = 10.0
"""Deadline of the healthy neighbours, which are to be right whatever else the machine does."""
ALLOWANCE_S = 8.0
"""What a busy machine may add to any time: without the bounds these faults last for ever."""
FLAPS = 4
FLAP_S = 1.0
IN_PASSING = frozenset({"ok", "closed", "timeout", "refused", "unreachable"})
"""What may be said in the moment a fault comes or goes: a connection ends, or an answer is late."""
FLAPPING = frozenset({"failed", "query_failed", "tls_failed"})
"""What may be said besides while it comes and goes: a greeting or a handshake went well and the next word did not."""


class Names:
    """A name server: each name answers with this machine's address, is not known, or gets no answer."""

    def __init__(self) -> None:
        self._known: dict[str, threading.Event] = {}
        self._failing: set[str] = set()

    def __call__(self, host: str) -> str:
        if not self._known[host].wait(60):
            raise OSError(socket.EAI_AGAIN, "Temporary failure in name resolution")
        if host in self._failing:
            raise OSError(socket.EAI_NONAME, "Name or service not known")
        return "127.0.0.1"

    def fault(self, host: str, *, silent: bool) -> "Fault":
        """The fault of a name that gets no answer (silent) or is not known; before it begins it answers."""
        answering = self._known[host] = threading.Event()
        answering.set()

        def begin() -> None:
            answering.clear() if silent else self._failing.add(host)

        def end() -> None:
            self._failing.discard(host)
            answering.set()

        return Fault(begin, end)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that can be made wrong and right again."""

    begin: Callable[[], None]
    end: Callable[[], None]


def fault_of(proxy: FaultProxy, mode: Mode) -> Fault:
    """A proxy's fault."""
    return Fault(lambda: proxy.set(mode), lambda: proxy.set(Mode.PASS))


@dataclass(frozen=True, slots=True)
class Wait:
    """What a cell waits for, and for how long at most."""

    condition: Callable[[], bool]
    within_s: float
    what: str


@dataclass(slots=True)
class Cell:
    """One component behind one fault.

    Attributes:
        name: ``kind: fault``.
        at_start, running: the codes expected where the fault is there from the start, or comes later; ``ok``: none.
        volatile: parts of a sentence that differ from run to run, and what the document has for them.
        said: the first result of the code that was expected at the start.
    """

    name: str
    kind: str
    keys: dict[str, Any]
    fault: Fault
    at_start: str
    running: str
    volatile: dict[str, str]
    deadline_s: float = DEADLINE_S
    phase_s: float = 0.0
    problem: str = ""
    said: ProbeResult | None = None
    results: list[tuple[float, ProbeResult]] = field(default_factory=list)
    _runner: Runner | None = None
    _due_s: float = 0.0
    _since: int = 0

    @property
    def runner(self) -> Runner:
        if self._runner is None:
            kind = probes.KINDS[self.kind]
            component = kind.component.model_validate({"kind": self.kind, "name": self.name, **self.keys})
            self._runner = Runner(component, kind, self.deadline_s, self._heard)
            self._due_s = time.monotonic() + self.phase_s
        return self._runner

    def _heard(self, result: ProbeResult) -> None:
        self.results.append((time.monotonic(), result))

    def turn(self) -> None:
        """What the monitor does for a component in one turn."""
        runner, now_s = self.runner, time.monotonic()
        if now_s >= self._due_s:
            runner.request()
            pause_s = runner.pause_s(INTERVAL_S)
            self._due_s += pause_s * ((now_s - self._due_s) // pause_s + 1)
        runner.expire()

    def life(self) -> Iterator[Wait]:
        """Broken from the start, well, broken while it runs, well, flapping, well."""
        self.fault.begin()
        yield from self._broken(self.at_start, "at the start")
        yield from self._well("after a fault at the start")
        self._mark()
        self.fault.begin()
        yield from self._broken(self.running, "while running")
        yield from self._well("after a fault while running")
        self._mark()
        for flap in range(FLAPS):
            (self.fault.end if flap % 2 else self.fault.begin)()
            until_s = time.monotonic() + FLAP_S
            yield Wait(lambda until_s=until_s: time.monotonic() >= until_s, 2 * FLAP_S, "a flap")  # type: ignore[misc]
        self._only({self.at_start, self.running} | FLAPPING, "while flapping")
        yield from self._well("after flapping")

    def _broken(self, code: str, when: str) -> Iterator[Wait]:
        within_s = INTERVAL_S + DEADLINE_S + ALLOWANCE_S
        yield Wait(lambda: code in self._codes(), within_s, f"{code} {when}")
        if self.said is None:
            self.said = next(result for _, result in self.results if code_of(result) == code)
        if code != "ok" and self.said.error is not None and when == "at the start":
            yield Wait(self._guarded, 3 * (2 * INTERVAL_S + DEADLINE_S) + ALLOWANCE_S, f"an open breaker {when}")
        self._only({code}, when)

    def _guarded(self) -> bool:
        """The breaker is open and a trial was made; or the first try still hangs, and no second was begun."""
        state = self.runner.state()
        trial = any(result.trial for _, result in self.results)
        return (state.breaker.is_open and trial) or (state.stuck_s or 0.0) > INTERVAL_S

    def _well(self, when: str) -> Iterator[Wait]:
        """Recovery within interval + 1 s."""
        self._mark()
        self.fault.end()
        yield Wait(lambda: self._last() == "ok", INTERVAL_S + 1.0 + ALLOWANCE_S, f"ok {when}")
        if self.runner.state().breaker.failures:
            self.problem += f"{self.name}: the breaker counts failures {when}\n"

    def _mark(self) -> None:
        self._since = len(self.results)

    def _codes(self) -> list[str]:
        return [code_of(result) for _, result in self.results[self._since :]]

    def _last(self) -> str:
        return (self._codes() or [""])[-1]

    def told(self) -> list[str]:
        """What was said lately."""
        return [result.sentence for _, result in self.results[-3:]]

    def _only(self, codes: set[str], when: str) -> None:
        if others := set(self._codes()) - codes - IN_PASSING:
            self.problem += f"{self.name}: {', '.join(sorted(others))} {when}\n"


def code_of(result: ProbeResult) -> str:
    """The code of a result's trouble; of the network kind that of its first target. ``ok``: none."""
    if result.error is not None:
        return result.error.code
    if result.kind == "network":
        _, state, *_ = result.tables["targets"].rows[0]
        return {"accepts": "ok", "refused": "ok", "no answer yet": "timeout"}.get(state, str(state))
    return "ok"


def drive(cells: Sequence[Cell], neighbours: Sequence[Cell]) -> None:
    """Live every cell's life to its end; the neighbours are only asked in their rhythm."""
    for at, cell in enumerate([*cells, *neighbours]):
        cell.phase_s = at / (len(cells) + len(neighbours)) * INTERVAL_S
    living = {cell.name: (cell, life, next(life), time.monotonic()) for cell in cells if (life := cell.life())}
    pause = threading.Event()
    while living:
        for cell in neighbours:
            cell.turn()
        for name, (cell, life, wait, since_s) in list(living.items()):
            cell.turn()
            step: Wait | None = wait
            if wait.condition():
                step, since_s = next(life, None), time.monotonic()
            elif time.monotonic() - since_s > wait.within_s:
                cell.problem += f"{name}: waited {wait.within_s:g} s for {wait.what}, heard {cell.told()}\n"
                step = None
            if step is None:
                cell.runner.stop()
                cell.fault.end()
                del living[name]
            else:
                living[name] = (cell, life, step, since_s)
        pause.wait(0.02)
    for cell in neighbours:
        cell.runner.stop()


def late(cell: Cell) -> list[str]:
    """Where a deadline was not held: an execution that took longer, or a component that said nothing for too long."""
    found = []
    for (before_s, _), (at_s, result) in itertools.pairwise([(cell.results[0][0], cell.results[0][1]), *cell.results]):
        stuck = result.error is not None and "still waits" in result.error.message
        if result.took_ms / 1000 > DEADLINE_S + ALLOWANCE_S and not stuck:
            found.append(f"{cell.name}: a check took {result.took_ms:.0f} ms")
        if at_s - before_s > INTERVAL_S + DEADLINE_S + ALLOWANCE_S:
            found.append(f"{cell.name}: nothing was said for {at_s - before_s:.1f} s")
    return found
