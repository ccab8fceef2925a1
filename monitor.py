"""The loop that keeps the board warm and hands each result on; the one place where parts meet.

It starts executions when they are due and publishes time-outs the moment they are; it never runs a
probe and never waits for one.
"""

import heapq
import logging
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import probes
from history import queries
from history.backups.door import Door
from history.calendar import SessionBook
from history.notes import Notes
from history.reader import Reader
from history.recorder import Recorder
from history.store import Store
from probes.cache import Board, ComponentView
from probes.mirror import Mirror
from probes.result import Status, utc
from probes.verdict import Verdict, judge_all
from settings import Settings

log = logging.getLogger(__name__)

VERSION = "0.1.0"
TURN_S = 0.25
"""Longest pause between two turns; `/api/health/` calls the loop stopped after ten of them."""


@dataclass(frozen=True, slots=True)
class Demo:
    """How far the demo stack has come; None in a `Monitor` that watches real services."""

    ready: bool
    text: str
    simulated_before: datetime | None = None


class Monitor:
    """Everything long-lived of one process.

    Args:
        settings: what to monitor.
        demo: tells the demo stack's progress; None when this is not the demo.
    """

    def __init__(self, settings: Settings, demo: Callable[[], Demo] | None = None) -> None:
        self.settings = settings
        self.started_at = utc(time.time())
        self.board = Board()
        self.mirror = Mirror(settings.state.redis_url, self.board)
        self.store = Store(settings.history, self._on_store_ready, settings.app.time_zone)
        self.reader = Reader(self.store)
        self.recorder = Recorder(self.store, probes.METRICS, self.reader.outdate)
        self.notes = Notes(self.recorder)
        self.backups = Door(self.store, self.recorder.flush)
        self.sessions = SessionBook(settings.app.desk_calendar)
        self._demo = demo
        self._intervals_s: dict[str, float] = {}
        for component in settings.component:
            self._intervals_s[component.name] = settings.interval_s(component)
            self.board.add(
                component,
                probes.KINDS[component.kind],
                interval_s=settings.interval_s(component),
                deadline_s=settings.deadline_s(component),
            )
        self.board.subscribe(self.mirror.on_result)
        self.board.subscribe(lambda result, _: self.recorder.record(result) if self.mirror.leading else None)
        self._due: list[tuple[float, str]] = []
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.last_turn_s = time.time()

    @property
    def demo(self) -> Demo | None:
        return self._demo() if self._demo else None

    @property
    def uptime_s(self) -> float:
        return time.time() - self.started_at.timestamp()

    @property
    def turning(self) -> bool:
        """Whether the loop turns; false before `start` and when it hangs."""
        return self._thread is not None and time.time() - self.last_turn_s < 10 * TURN_S

    def views(self) -> tuple[ComponentView, ...]:
        return self.board.views()

    def verdict(self, views: Sequence[ComponentView] | None = None) -> Verdict:
        return judge_all(self.board.views() if views is None else views)

    def check_now(self, name: str) -> bool:
        """Start an immediate check (a trial when the breaker is open); false while one is running."""
        return self.board.runners[name].request()

    def start(self) -> None:
        """Start every thread; idempotent, returns at once."""
        if self._thread is not None:
            return
        self.store.start()
        self.recorder.start()
        self.backups.start()
        self.sessions.start()
        self.mirror.start()
        self._plan(time.time())
        self._thread = threading.Thread(target=self._loop, name="monitor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop probing, write what waits (at most 5 s), give back the lease."""
        self._stopping.set()
        for runner in self.board.runners.values():
            runner.stop()
        self.mirror.stop()
        self.backups.stop()
        self.sessions.stop()
        self.recorder.stop()
        self.reader.stop()
        self.store.stop()

    def _plan(self, now_s: float) -> None:
        """Make every component due now; from there each finds its place in the grid."""
        self._due = [(now_s, name) for name in self._intervals_s]
        heapq.heapify(self._due)

    def _loop(self) -> None:
        pause_s = 0.0
        while not self._stopping.wait(pause_s):
            try:
                pause_s = self._turn()
            except Exception:  # a turn that fails (no thread can start, say) must not be the last one
                log.exception("monitor: a turn of the loop failed")
                pause_s = TURN_S

    def _turn(self) -> float:
        """Start what is due, expire what is overdue; returns seconds until there is more to do."""
        now_s = time.time()
        if now_s < self.last_turn_s - TURN_S:  # the clock was set back: what is due by the old one may be hours away
            self._plan(now_s)
        self.last_turn_s = now_s
        runners = self.board.runners
        while self._due and self._due[0][0] <= now_s:
            _, name = heapq.heappop(self._due)
            interval_s, runner = self._intervals_s[name], runners[name]
            if self.mirror.leading:
                runner.request(utc(tick_s(now_s, interval_s)))
            pause_s = runner.pause_s(interval_s)
            heapq.heappush(self._due, (next_due_s(now_s, pause_s, phase_s(name, interval_s)), name))
        for runner in runners.values():
            runner.expire()
        waits_s = [left_s for left_s in (runner.expires_in_s() for runner in runners.values()) if left_s is not None]
        if self._due:
            waits_s.append(self._due[0][0] - now_s)
        return min(TURN_S, max(0.002, min(waits_s, default=TURN_S)))

    def _on_store_ready(self) -> None:
        """Learn from the history since when each component has its status."""
        try:
            client = self.store.connect()
            try:
                scope = queries.Scope(self.store.database, self.settings.history.retention.raw_s, time.time())
                for span in queries.last_statuses(client, scope):
                    self.board.restore(span.component, Status(span.status), utc(span.start_s))
            finally:
                client.close()
        except Exception as exc:  # only a nicety: without it "since" begins with this process
            log.info("history: earlier statuses not read: %s", exc)


def phase_s(name: str, interval_s: float) -> float:
    """Where in its interval a component is checked: spread by name, so that checks do not come in bursts."""
    return zlib.crc32(name.encode()) % 997 / 997 * interval_s


def next_due_s(now_s: float, pause_s: float, phase: float) -> float:
    """The next moment of the grid ``phase + k · pause``; after a first check at start up to one pause away."""
    return now_s - (now_s - phase) % pause_s + pause_s


def tick_s(now_s: float, interval_s: float) -> int:
    """The whole second a sample taken now is written under: the start of its interval."""
    return int(now_s // interval_s * interval_s)
