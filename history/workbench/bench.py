"""Runs statements beside the pages: each in a thread of its own with one that watches and stops it."""

import logging
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Literal

from history.store import Store, explain
from history.window import Window
from history.workbench import failures, guard
from history.workbench.access import closed
from history.workbench.refusal import Refused
from history.workbench.result import Result, result_of
from history.workbench.session import Progress, kill, progress, session, watching
from settings import Workbench

log = logging.getLogger(__name__)

MOST_RUNNING = 2
"""Statements of everybody together: each may take two cores and a gigabyte."""
LOOK_EVERY_S = 0.4
GRACE_S = 1.5
"""The engine ends a statement by itself when its time is up; so long after that it is killed."""
UNSTOPPABLE_S = 3.0
"""So long after it was killed a statement is given up on: one call of a function knows no interruption."""
UNSTOPPABLE = Refused(
    "It does not stop: one call of a function in it takes longer than a statement may.",
    "It goes on beside everything else and holds its place until it ends. Let the function work on less.",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a statement ended.

    Attributes:
        state: ``done``: there is a result; ``refused``: the statement is at fault; ``failed``: the history is.
        sentence, hint: why there is no result, and what to do.
    """

    state: Literal["done", "refused", "failed", "cancelled"]
    took_s: float
    sentence: str = ""
    hint: str = ""
    result: Result | None = None


class Run:
    """A statement under way or ended; read from any thread, never waits.

    Attributes:
        text: the statement as it was written.
        began_s: epoch seconds.
        over: set when nothing of it is at work any more.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tag = uuid.uuid4().hex
        self.began_s = time.time()
        self._started_s = time.monotonic()
        self._progress = Progress(0.0)
        self._outcome: Outcome | None = None
        self._lock = threading.Lock()
        self._cancel = threading.Event()
        self.over = threading.Event()

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._started_s

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None while it runs."""
        return self._outcome

    @property
    def progress(self) -> Progress:
        """How far it had come when it was last looked at."""
        seen = self._progress
        return Progress(self.elapsed_s, seen.rows, seen.bytes, seen.memory_bytes)

    @property
    def cancelled(self) -> bool:
        """Whether somebody has asked to stop it."""
        return self._cancel.is_set()

    def saw(self, progress: Progress) -> None:
        """Note how far it has come."""
        self._progress = progress

    def cancel(self) -> None:
        """Ask to stop it; returns at once."""
        self._cancel.set()

    def end(self, state: Literal["done", "refused", "failed", "cancelled"], why: Refused | None = None,
            result: Result | None = None) -> None:  # fmt: skip
        """Say how it ended; the first word holds."""
        with self._lock:
            if self._outcome is None:
                sentence, hint = (why.sentence, why.hint) if why else ("", "")
                self._outcome = Outcome(state, self.elapsed_s, sentence, hint, result)


class Bench:
    """The workbench of this process.

    Args:
        environ: of the process: `history.workbench.access` reads there who can reach it.
    """

    def __init__(self, store: Store, workbench: Workbench, environ: Mapping[str, str]) -> None:
        self.settings = workbench
        self.closed = closed(workbench, environ)
        self._store = store
        self._running: dict[str, Run] = {}
        self._lock = threading.Lock()

    def start(self, owner: str, text: str, window: Window) -> Run:
        """Start a statement; returns at once. One that cannot start has ended already and says why.

        Args:
            owner: a browser session; it can have one statement under way.
            window: what ``{from:DateTime}`` and ``{to:DateTime}`` mean.
        """
        run = Run(text)
        with self._lock:
            refused = self._no_room(owner)
            if refused is None:
                self._running[owner] = run
        if refused is not None:
            run.end("refused", refused)
            return run
        threading.Thread(target=self._run, args=(run, owner, window), name="workbench:run", daemon=True).start()
        threading.Thread(target=self._watch, args=(run,), name="workbench:watch", daemon=True).start()
        return run

    def stop(self) -> None:
        """Ask every statement to stop."""
        with self._lock:
            for run in self._running.values():
                run.cancel()

    def _no_room(self, owner: str) -> Refused | None:
        if self.closed:
            return Refused("There is no workbench here.", self.closed)
        if owner in self._running:
            return Refused("Your statement before has not ended yet.", "Cancel it, or wait for it.")
        if len(self._running) >= MOST_RUNNING:
            return Refused(f"{MOST_RUNNING} statements of others are running.", "Try again in some seconds.")
        return None

    def _run(self, run: Run, owner: str, window: Window) -> None:
        try:
            with session(self._store, self.settings, run.tag) as opened:
                statement = guard.check(opened.client, run.text, window, self._store.database, opened.settings)
                settings = opened.locked()
                if run.cancelled:
                    run.end("cancelled")
                else:
                    run.end("done", None, result_of(opened.client, statement, settings, self.settings.max_rows))
        except Exception as exc:  # whatever it is, the page gets a sentence
            self._ended_by(exc, run)
        finally:
            with self._lock:
                self._running.pop(owner, None)
            run.over.set()

    def _ended_by(self, exc: Exception, run: Run) -> None:
        if run.cancelled and getattr(exc, "code", failures.CANCELLED) == failures.CANCELLED:
            run.end("cancelled")
        elif refused := failures.judged(exc, run.text, self.settings):
            run.end("refused", refused)
        else:
            error = explain(exc, f"{self.settings.dsn or self._store.place}")
            run.end("failed", Refused(error.message, error.hint))

    def _watch(self, run: Run) -> None:
        """Look how far it has come; end it when somebody asks, or when it outlives its time."""
        if run.over.wait(LOOK_EVERY_S / 2):
            return
        try:
            with closing(watching(self._store, self.settings)) as client:
                while not run.over.wait(LOOK_EVERY_S / 4 if run.cancelled else LOOK_EVERY_S):
                    late_s = run.elapsed_s - self.settings.max_seconds - GRACE_S
                    if run.cancelled or late_s > 0:
                        kill(client, run.tag)
                    else:
                        run.saw(progress(client, run.tag, run.elapsed_s))
                    if late_s > UNSTOPPABLE_S:
                        run.end("failed", UNSTOPPABLE)
        except Exception as exc:
            log.info("workbench: the statement cannot be watched: %s", exc)
