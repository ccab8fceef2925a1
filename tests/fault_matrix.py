"""Every fault on every kind that speaks over a socket: at start, while running, flapping. One loop drives all.

A cell is one life of one component behind one fault. Cells only wait, so all of them run side by side; a turn of
the loop does what the monitor's does (start what is due, publish time-outs that are) and looks whether what a cell
waits for has come. Everything that has a bound is timed where it happens, not where the loop sees it.

Many at once keep a machine busy, and one that has other work as well delays any of them. So a case that was late,
and nothing else, is lived anew with few others beside it; what is late each time is not the machine's fault. A wrong
code, a breaker that counts wrongly and a check that never comes are judged the first time.
"""

import functools
import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from probes.breaker import FAILURES_TO_OPEN
from probes.kind import Kind
from probes.result import ProbeResult
from probes.runner import Runner
from tests.fault_bounds import Measured, Promise

TRIES = 3
FEW = 12
"""So many are lived side by side when they are lived anew."""
PACE = 0.05
"""Lives begin so many intervals apart: those that go alike would otherwise recover all at once."""
GIVE_UP_S = 8.0
"""Beyond its bound a wait goes on for so long, to tell what is late from what never comes."""
LOOKS = 5
"""The neighbours are watched for so many intervals at least."""
PATIENT_S = 10.0
"""Deadline of the healthy neighbours, which are to be right whatever else the machine does."""
FLAPS = 3
"""It comes, goes and comes again; then it goes for good."""
IN_PASSING = frozenset(
    {"ok", "closed", "timeout", "refused", "unreachable", "failed", "query_failed", "tls_failed", "auth_required"}
)
"""What a check may say in whose middle a fault comes or goes: a connection ends, or the word after a greeting fails.
A Kafka listener that hangs up there usually wants a login."""


TIMED = frozenset({"timeout", "dns_timeout"})
"""What a check says that had no time: of a busy machine, unless it comes in every life."""
News = tuple[float, float, float]
"""When a result was heard and when its check began (both monotonic), and how long that took."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that can be made wrong and right again; in force, or over, when the call returns."""

    begin: Callable[[], None]
    end: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Wait:
    """What a cell waits for: `moment` tells when it came (monotonic), None until then."""

    of: str
    what: str
    moment: Callable[[], float | None]
    since_s: float
    most_s: float


@dataclass(slots=True)
class Cell:
    """One life of one component behind one fault.

    Attributes:
        name: ``kind: fault``.
        at_start, running: the codes expected where the fault is there from the start, or comes later; ``ok``: none.
        volatile: parts of a sentence that differ from run to run, and what the document has for them.
        deadline_s: what its runner is told, where that is not what is promised.
        said: the first result of the code that was expected at the start.
        results: each with the moment at which it was heard.
    """

    name: str
    kind: Kind
    keys: dict[str, Any]
    fault: Fault
    at_start: str = "ok"
    running: str = "ok"
    volatile: dict[str, str] = field(default_factory=dict)
    promise: Promise = field(default_factory=Promise)
    deadline_s: float | None = None
    problem: str = ""
    said: ProbeResult | None = None
    results: list[tuple[float, ProbeResult]] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    _runner: Runner | None = None
    _due_s: float = float("inf")
    _since: int = 0

    @property
    def runner(self) -> Runner:
        if self._runner is None:
            component = self.kind.component.model_validate({"kind": self.kind.name, "name": self.name, **self.keys})
            deadline_s = self.promise.deadline_s if self.deadline_s is None else self.deadline_s
            self._runner = Runner(component, self.kind, deadline_s, self._heard, clock=time.monotonic)
        return self._runner

    def _heard(self, result: ProbeResult) -> None:
        self.results.append((time.monotonic(), result))

    def turn(self) -> None:
        """What the monitor does for a component in one turn."""
        runner, now_s = self.runner, time.monotonic()
        if now_s >= self._due_s:
            runner.request()
            pause_s = runner.pause_s(self.promise.interval_s)
            self._due_s += pause_s * ((now_s - self._due_s) // pause_s + 1)
        runner.expire()

    def start(self, at_s: float) -> None:
        """Ask it from then on (monotonic), once an interval."""
        self._due_s = at_s

    def life(self, at_s: float) -> Iterator[Wait]:
        """From `at_s` on: broken from the start, well, broken while it runs, well, flapping, well."""
        yield Wait("", "turn", functools.partial(past, at_s), at_s, 0.0)
        yield from self._broken(self.at_start, "at the start", guarded=True)
        yield from self._well("after a fault at the start")
        yield from self._broken(self.running, "while running", guarded=False)
        yield from self._well("after a fault while running")
        yield from self._flapping()
        yield from self._well("after flapping")

    def end(self) -> None:
        """Stop it, and take down how long its checks and its silences were."""
        self.runner.stop()
        self.fault.end()
        news = [(at_s, begun_s(result), result.took_ms / 1000) for at_s, result in self.results]
        # where a check is stuck, it is told anew at every interval: only its first result has the deadline's time
        checks = [one for one, before in zip(news, [None, *news], strict=False) if not self._same(one, before)]
        took_s = [took for _, _, took in checks]
        silent_s = [at - before for (before, _, _), (at, _, _) in itertools.pairwise(news)]
        rests_s = [one[1] - before[0] for before, one in itertools.pairwise(news) if not self._same(one, before)]
        self._measure("check", "the result of a check", max(took_s, default=0.0), self.promise.check_s)
        self._measure("rest", "the next check", max(rests_s, default=0.0), self.promise.rest_s)
        self._measure("silence", "another result", max(silent_s, default=0.0), self.promise.news_s)

    def _same(self, one: News, before: News | None) -> bool:
        """Whether two results are of one check."""
        return before is not None and one[1] - before[1] < self.promise.interval_s / 2

    def came(self, wait: Wait, at_s: float) -> None:
        """What was waited for has come."""
        if wait.of:
            self._measure(wait.of, wait.what, max(0.0, at_s - wait.since_s), wait.most_s)

    def never_came(self, wait: Wait) -> None:
        """It is late where every check since had no time, and wrong where one had and said something else."""
        whole = [result for _, result in self.results[self._since :] if begun_s(result) > wait.since_s]
        if all(code_of(result) in TIMED for result in whole):
            self._measure(wait.of or "answer", f"no {wait.what}", time.monotonic() - wait.since_s, wait.most_s)
        else:
            told = [result.sentence for result in whole[-3:]]
            self.problem += f"{self.name}: no {wait.what} within {wait.most_s + GIVE_UP_S:g} s, heard {told}\n"

    def _measure(self, of: str, what: str, took_s: float, most_s: float) -> None:
        self.measured.append(Measured(of, what, took_s, most_s))

    def _broken(self, code: str, when: str, *, guarded: bool) -> Iterator[Wait]:
        self._mark()
        self.fault.begin()
        in_force_s = time.monotonic()
        if math.isinf(self._due_s):
            self.start(in_force_s)
        of = "" if code == "ok" else "detection"
        yield Wait(of, f"{code} {when}", lambda: self._first(code), in_force_s, self.promise.news_s)
        if self.said is None:
            self.said = next(result for _, result in self.results if code_of(result) == code)
        if guarded and self.said.error is not None:
            first_s = self.results[0][0]
            yield Wait("breaker", f"trial behind an open breaker {when}", self._guarded, first_s, self.promise.guard_s)
        self._only({code}, in_force_s, when)

    def _guarded(self) -> float | None:
        """When the breaker's first trial was told; or when the first try is known to hang, and no second was begun."""
        state = self.runner.state()
        trial = next((at for at, (_, result) in enumerate(self.results) if result.trial), None)
        if trial is None:
            return time.monotonic() if (state.stuck_s or 0.0) > self.promise.interval_s else None
        if trial != FAILURES_TO_OPEN or not state.breaker.is_open:
            self.problem += f"{self.name}: the breaker opened after {trial} failures\n"
        return self.results[trial][0]

    def _well(self, when: str) -> Iterator[Wait]:
        """Recovery within interval + 1 s."""
        self._mark()
        self.fault.end()
        ended_s = time.monotonic()
        yield Wait("recovery", f"ok {when}", lambda: self._first("ok"), ended_s, self.promise.recovery_s)
        self._only({"ok"}, ended_s, when)

    def _flapping(self) -> Iterator[Wait]:
        self._mark()
        for flap in range(FLAPS):
            (self.fault.end if flap % 2 else self.fault.begin)()
            now_s = time.monotonic()
            over = functools.partial(past, now_s + self.promise.flap_s)
            yield Wait("", "flap", over, now_s, self.promise.flap_s)
        self._only({self.at_start, self.running}, float("inf"), "while flapping")

    def _mark(self) -> None:
        self._since = len(self.results)

    def _first(self, code: str) -> float | None:
        """When `code` was heard first since the mark."""
        return next((at_s for at_s, result in self.results[self._since :] if code_of(result) == code), None)

    def _only(self, codes: set[str], in_force_s: float, when: str) -> None:
        """Checks that began after `in_force_s` said one of `codes`, others what may be said in passing as well."""
        for _, result in self.results[self._since :]:
            code, whole = code_of(result), begun_s(result) > in_force_s
            if code in codes or (not whole and code in IN_PASSING):
                continue
            if code in TIMED:
                self._measure("answer", f"a time-out in place of an answer {when}", result.took_ms / 1000, 0.0)
            else:
                self.problem += f"{self.name}: {code} {when}\n"


@dataclass(slots=True)
class Case:
    """A component behind a fault, and its lives so far.

    Attributes:
        cell: makes the cell of another life, given how many there were before.
    """

    cell: Callable[[int], Cell]
    lives: list[Cell] = field(default_factory=list)

    @property
    def last(self) -> Cell:
        return self.lives[-1]

    @property
    def problem(self) -> str:
        return "".join(life.problem for life in self.lives)

    @property
    def measured(self) -> list[Measured]:
        """Every time that was taken, of all lives."""
        return [measured for life in self.lives for measured in life.measured]

    @property
    def is_late(self) -> bool:
        """Whether the last life missed a bound."""
        return any(measured.is_late for measured in self.last.measured)

    def begin(self) -> Cell:
        self.lives.append(self.cell(len(self.lives)))
        return self.last

    def missed(self) -> list[str]:
        """What was late, life by life."""
        return [
            f"  {number}. {measured.what} after {measured.took_s:.2f} s, promised are {measured.most_s:g} s"
            for number, life in enumerate(self.lives, 1)
            for measured in life.measured
            if measured.is_late
        ]

    def lateness(self) -> str:
        """What was late in each of the lives, where the last one was late as well; else nothing."""
        if not self.is_late:
            return ""
        return "\n".join([f"{self.last.name}: late in each of {len(self.lives)} tries", *self.missed(), ""])


def live(cases: Sequence[Case], neighbours: Sequence[Case]) -> None:
    """Live every case to its end; then anew, few at a time, those of which nothing but their time was wrong."""
    drive([case.begin() for case in cases], [case.begin() for case in neighbours])
    for _ in range(TRIES - 1):
        late = [case for case in cases if case.is_late and not case.problem]
        for at in range(0, len(late), FEW):
            drive([case.begin() for case in late[at : at + FEW]], [case.begin() for case in neighbours])
        if not late and any(case.is_late for case in neighbours):
            drive([], [case.begin() for case in neighbours])


def drive(cells: Sequence[Cell], neighbours: Sequence[Cell]) -> None:
    """Live every cell's life to its end; the neighbours are only asked in their rhythm."""
    everybody, pause, now_s = [*cells, *neighbours], threading.Event(), time.monotonic()
    for at, cell in enumerate(neighbours):
        cell.start(now_s + at / len(neighbours) * cell.promise.interval_s)
    while not all(cell.results for cell in neighbours):  # the first check of a kind loads its libraries
        for cell in neighbours:
            cell.turn()
        pause.wait(0.01)
    now_s = time.monotonic()
    lives = [(cell, cell.life(now_s + at * PACE * cell.promise.interval_s)) for at, cell in enumerate(cells)]
    living = [(cell, life, next(life)) for cell, life in lives]
    until_s = time.monotonic() + LOOKS * max((cell.promise.interval_s for cell in neighbours), default=0.0)
    while living or time.monotonic() < until_s:
        for cell in everybody:
            cell.turn()
        living = [(cell, life, wait) for cell, life, now in living if (wait := step(cell, life, now))]
        everybody = [*(cell for cell, _, _ in living), *neighbours]
        pause.wait(0.01)
    for cell in neighbours:
        cell.end()


def step(cell: Cell, life: Iterator[Wait], wait: Wait) -> Wait | None:
    """What a cell waits for now; None when its life is over."""
    at_s = wait.moment()
    if at_s is not None:
        cell.came(wait, at_s)
        following = next(life, None)
    elif time.monotonic() - wait.since_s > wait.most_s + GIVE_UP_S:
        cell.never_came(wait)
        following = None
    else:
        return wait
    if following is None:
        cell.end()
    return following


def past(moment_s: float) -> float | None:
    """That moment, once it is over."""
    return moment_s if time.monotonic() >= moment_s else None


def begun_s(result: ProbeResult) -> float:
    """When the check of a result began; results carry monotonic time here."""
    return result.checked_at.timestamp() - result.took_ms / 1000


def code_of(result: ProbeResult) -> str:
    """The code of a result's trouble; of the network kind that of its first target. ``ok``: none."""
    if result.error is not None:
        return result.error.code
    if result.kind == "network":
        _, state, *_ = result.tables["targets"].rows[0]
        return {"accepts": "ok", "refused": "ok", "no answer yet": "timeout"}.get(state, str(state))
    return "ok"
