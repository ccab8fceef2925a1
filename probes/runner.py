"""Runs one component's probe: one daemon thread, one execution at a time, a deadline from outside.

A thread cannot be killed, so the deadline never waits for it: `expire` publishes a time-out the
moment it is due, whatever the thread is stuck in (DNS, slow drip, a client's own retries), and no
second execution starts until the first has ended.
"""

import logging
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from probes.breaker import Breaker
from probes.catalogue import Judge, humanize_duration
from probes.causes import linked
from probes.kind import Kind, Probe
from probes.result import Collected, ProbeError, ProbeFailure, ProbeResult, Status, utc, worst
from settings import Component
from settings_types import mask

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Execution:
    number: int
    tick: datetime
    started_s: float  # of the timer, which has no date
    trial: bool


@dataclass(frozen=True, slots=True)
class RunnerState:
    """The runner as the Debug page shows it."""

    executions: int
    timeouts: int
    stuck_s: float | None
    breaker: Breaker
    traceback: str


class Runner:
    """Keeps one component's result fresh.

    Args:
        publish: receives each `ProbeResult`; called from the probe's thread or from `expire`'s caller.
        clock: epoch seconds, for the times a result carries.
        timer: seconds that never go back, for deadlines: a clock that is set must not stop them.
    """

    def __init__(
        self,
        component: Component,
        kind: Kind,
        deadline_s: float,
        publish: Callable[[ProbeResult], None],
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.component = component
        self.kind = kind
        self.deadline_s = deadline_s
        self._publish = publish
        self._clock = clock
        self._timer = timer
        self._judge = Judge({metric.name: metric for metric in kind.metrics}, component.thresholds)
        self._breaker = Breaker()
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._running: _Execution | None = None
        self._reported = 0  # number of the last execution whose result was published
        self._number = 0
        self._timeouts = 0
        self._stopping = False
        self._traceback = ""

    @property
    def started(self) -> bool:
        """Whether there has been an execution; its result may be a moment away."""
        return self._number > 0

    def request(self, tick: datetime | None = None) -> bool:
        """Start an execution unless one is running; returns whether it was started. Never blocks.

        When one has outlived its deadline and still runs, its time-out is published anew: the
        component stays critical with a fresh age instead of fading to stale.
        """
        with self._lock:
            if self._stopping:
                return False
            stuck = self._running is not None and self._running.number == self._reported
            if self._running is None:
                self._number += 1
                self._running = _Execution(
                    self._number, tick or utc(int(self._clock())), self._timer(), self._breaker.is_open
                )
                if self._thread is None:
                    self._thread = threading.Thread(target=self._loop, name=f"probe:{self.component.name}", daemon=True)
                    self._thread.start()
                self._wake.notify()
                return True
        if stuck:
            self._publish_timeout(tick or utc(int(self._clock())))
        return False

    def expire(self) -> None:
        """Publish the time-out of an execution that has outlived its deadline. Any thread may call it."""
        running = self._running
        if running is None or running.number == self._reported:
            return
        if self._timer() - running.started_s < self.deadline_s:
            return
        with self._lock:
            if self._running is not running or running.number == self._reported:
                return
            self._reported = running.number
            self._timeouts += 1
            self._breaker = self._breaker.after_failure("timeout")
        self._publish_timeout(running.tick)

    def expires_in_s(self) -> float | None:
        """Seconds until `expire` has something to do; None while idle or already reported."""
        running = self._running
        if running is None or running.number == self._reported:
            return None
        return running.started_s + self.deadline_s - self._timer()

    def pause_s(self, interval_s: float) -> float:
        """Seconds between the starts of two executions, as the breaker has it."""
        return self._breaker.pause_s(interval_s)

    def stop(self) -> None:
        """Let the thread close its probe and end; does not wait for it."""
        with self._lock:
            self._stopping = True
            self._wake.notify()

    def state(self) -> RunnerState:
        """A snapshot for the Debug page and `/api/debug/`."""
        running = self._running
        stuck = running is not None and running.number == self._reported
        return RunnerState(
            executions=self._number,
            timeouts=self._timeouts,
            stuck_s=self._timer() - running.started_s if running and stuck else None,
            breaker=self._breaker,
            traceback=self._traceback,
        )

    def _loop(self) -> None:
        probe: Probe | None = None
        while True:
            with self._lock:
                while self._running is None and not self._stopping:
                    self._wake.wait()
                execution = self._running
            if execution is None or self._stopping:
                break
            probe = self._execute(execution, probe)
        if probe is not None:
            self._close(probe)

    def _execute(self, execution: _Execution, probe: Probe | None) -> Probe | None:
        try:
            probe = probe or self.kind.open(self.component, self.deadline_s)
            if execution.trial:
                probe.ping()  # its success is followed by the full probe at once
            result = self._success(execution, probe.collect())
        except ProbeFailure as failure:
            result = self._failure(execution, failure.error)
        except Exception as exc:  # a programming error in a probe must not stop the monitor
            result = self._failure(execution, self._internal(exc))
        if result.error and probe is not None:
            self._close(probe)
            probe = None
        self._finish(execution, result)
        return probe

    def _internal(self, exc: Exception) -> ProbeError:
        """A programming error as a value; its traceback goes to the log and the Debug page."""
        self._traceback = mask("".join(traceback.format_exception(exc)))
        log.error("probe %s failed unexpectedly\n%s", self.component.name, self._traceback)
        return ProbeError(
            "internal",
            f"The probe of {self.component.name} failed in itself: {mask(f'{type(exc).__name__}: {exc}')[:200]}.",
            "This is a fault in Tapewatch, not in the system: the Debug page has the traceback.",
            Status.UNKNOWN,
        )

    def _close(self, probe: Probe) -> None:
        try:
            probe.close()
        except Exception as exc:  # the thread has to live on: without it no result would come any more
            self._internal(exc)

    def _finish(self, execution: _Execution, result: ProbeResult) -> None:
        error = result.error
        with self._lock:
            self._running = None
            late = execution.number == self._reported
            self._reported = execution.number
            if error is None and not late:
                self._breaker = self._breaker.after_success()
            elif error is not None and not late:
                self._breaker = self._breaker.after_failure(error.code)
        if not late:  # a late answer was reported as timed out: the next execution tells the truth
            self._publish(result)

    def _failure(self, execution: _Execution, error: ProbeError) -> ProbeResult:
        return ProbeResult(
            component=self.component.name,
            kind=self.kind.name,
            status=error.status,
            checked_at=utc(self._clock()),
            tick=execution.tick,
            took_ms=(self._timer() - execution.started_s) * 1000,
            error=error,
            trial=execution.trial,
        )

    def _success(self, execution: _Execution, collected: Collected) -> ProbeResult:
        now_s = self._clock()
        findings = linked([*collected.findings, *self._judge.findings(collected.readings, now_s)])
        return ProbeResult(
            component=self.component.name,
            kind=self.kind.name,
            status=worst([Status.OK, *(finding.status for finding in findings)]),
            checked_at=utc(now_s),
            tick=execution.tick,
            took_ms=(self._timer() - execution.started_s) * 1000,
            latency_ms=None if collected.latency_s is None else collected.latency_s * 1000,
            summary=collected.summary,
            readings=tuple(collected.readings),
            findings=findings,
            facts=collected.facts,
            tables=collected.tables,
            unavailable=tuple(collected.unavailable),
        )

    def _publish_timeout(self, tick: datetime) -> None:
        running = self._running
        took_s = self._timer() - running.started_s if running else self.deadline_s
        waiting = (
            f", and its first try still waits after {humanize_duration(took_s)}" if took_s > 2 * self.deadline_s else ""
        )
        error = ProbeError(
            "timeout",
            f"{self.kind.title} at {self.component.target} did not answer within {self.deadline_s:g} s{waiting}.",
            "Is the process running and not frozen, and does a firewall drop the packets?",
        )
        self._publish(
            ProbeResult(
                component=self.component.name,
                kind=self.kind.name,
                status=Status.CRITICAL,
                checked_at=utc(self._clock()),
                tick=tick,
                took_ms=took_s * 1000,
                error=error,
                trial=running is not None and running.trial,
            )
        )
