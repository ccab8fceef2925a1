"""Sends what waits to ClickHouse: in order, each batch under its own token until it is known to be written.

A failure that may pass (the store away, overloaded, full, not allowing it) is tried again. A definite
refusal of rows is not: the batch is halved until the rows at fault are alone and go to the quarantine.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from history.gate import WRITES
from history.rows import insert
from history.spool.depot import Depot
from history.spool.rows import table_of
from history.spool.schema import NOTES
from history.spool.sqlite import Batch, Spool
from history.store import Store
from probes.clickhouse_failures import is_unreadable
from settings_types import mask

log = logging.getLogger(__name__)

MAX_BATCH = 50_000
LATE_S = 120
"""Samples older than this when they are written change a past that somebody may have read already."""
LONGEST_PAUSE_S = 30.0
POLL_S = 0.25
REFUSED_CODES = frozenset({6, 26, 27, 38, 41, 43, 53, 69, 70, 72, 117, 130, 131, 349, 691})
"""ClickHouse's errors of parsing and of types (see system.errors): the same rows would be refused again."""
REFUSED_IN_A_ROW = 100
"""After so many rows alone without one that was taken the table is at fault, not the rows, and they are kept."""


def verdict(exc: Exception) -> Literal["retry", "refused"]:
    """Whether a failed insert may succeed later, or its rows were refused and none of them written."""
    if is_unreadable(exc):
        return "retry"  # what it answered makes no sense: whether it has the rows is not known
    if isinstance(exc, pa.ArrowInvalid | pa.ArrowTypeError | OverflowError | UnicodeError):
        return "refused"
    return "refused" if getattr(exc, "code", None) in REFUSED_CODES else "retry"


def pause_s(failures: int) -> float:
    """Seconds from the `failures`-th failure in a row to the next attempt.

    >>> [pause_s(n) for n in (1, 2, 3, 7, 1000)]
    [0.5, 1.0, 2.0, 30.0, 30.0]
    """
    return min(LONGEST_PAUSE_S, 0.5 * 2.0 ** min(failures - 1, 10))


class Sender:
    """The one way from a depot to the store.

    Args:
        on_late: called after samples older than `LATE_S`, or notes, were written.
        clock: epoch seconds.

    Attributes:
        last_error: why the last attempt failed, in a sentence; kept until one succeeds.
        refusal: why the newest row in quarantine is there.
    """

    def __init__(self, store: Store, depot: Depot, on_late: Callable[[], None], clock: Callable[[], float]) -> None:
        self._store = store
        self._depot = depot
        self._on_late = on_late
        self._clock = clock
        self._client: Client | None = None
        self._draining = threading.Lock()
        self._failures = self._refused_in_a_row = 0
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None
        self.last_error = self.refusal = ""

    def start(self) -> None:
        """Start the thread; idempotent."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="history:sender", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """More than a batch waits, or somebody waits for what does: do not wait for the next flush."""
        self._woken.set()

    def stop(self, wait_s: float) -> None:
        """Send what waits a last time, at most `wait_s` long."""
        self._stopping.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join(wait_s)

    def drain(self) -> bool:
        """Send batch after batch; returns whether nothing waits any more."""
        with self._draining:
            while self._store.state.ready:
                try:
                    with self._depot.lock:
                        self._depot.tend()
                        going = self._next()
                        self._depot.publish()
                except sqlite3.Error as exc:
                    self._spool_failed(exc)
                    return False
                if going is None:
                    return self._depot.figures.waiting == 0
                with WRITES.batch():  # the insert, and that the spool forgets it
                    if not self._send(*going):
                        return False
            return False

    def _next(self) -> tuple[Spool, Batch, list[Any]] | None:
        for spool in self._depot.spools():
            batch = spool.take(MAX_BATCH)
            if batch is not None:
                return spool, batch, spool.rows(batch)
        return None

    def _send(self, spool: Spool, batch: Batch, rows: list[Any]) -> bool:
        """One attempt; returns whether to go on."""
        try:
            self._client = self._client or self._store.connect()
            insert(self._client, f"{self._store.database}.{batch.table}", table_of(batch.table, rows), batch.token)
        except Exception as exc:  # whatever it is, the batch is kept, to be sent again or in smaller ones
            if verdict(exc) == "refused" and self._refused_in_a_row < REFUSED_IN_A_ROW:
                return self._refused(spool, batch, " ".join(mask(str(exc)).split())[:500])
            self._failures += 1
            self.last_error = self._store.report(exc).message
            if self._client is not None:
                self._client.close()
                self._client = None
            return False
        return self._written(spool, batch, rows)

    def _written(self, spool: Spool, batch: Batch, rows: list[Any]) -> bool:
        is_samples = batch.table == "samples"
        try:
            with self._depot.lock:
                spool.written(batch)
                self._depot.publish(written=len(rows) * is_samples, batches=int(is_samples))
        except sqlite3.Error as exc:  # it is sent again under its token, which changes nothing
            self._spool_failed(exc)
            return False
        self._failures = self._refused_in_a_row = 0
        self.last_error = ""
        if batch.table in NOTES or (is_samples and min(row[1] for row in rows) < self._clock() - LATE_S):
            self._on_late()
        return True

    def _refused(self, spool: Spool, batch: Batch, reason: str) -> bool:
        try:
            with self._depot.lock:
                alone = spool.refused(batch, reason)
                self._depot.publish()
        except sqlite3.Error as exc:
            self._spool_failed(exc)
            return False
        if alone:
            self._refused_in_a_row += 1
            self.refusal = f"A row of {batch.table} was refused and put into quarantine: {reason}"
            log.warning("history: %s", self.refusal)
        return True

    def _spool_failed(self, exc: sqlite3.Error) -> None:
        self._failures += 1
        with self._depot.lock:
            self._depot.fail(exc)
            self._depot.publish()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._pause()
            if not self._stopping.is_set():
                self.drain()
        give_up_s = time.monotonic() + 4
        while not self.drain() and self._store.state.ready and time.monotonic() < give_up_s:
            time.sleep(0.2)
        with self._draining:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _pause(self) -> None:
        """Wait for the next flush; after a failure for the next attempt, or until the store is back."""
        before = self._store.state
        until_s = time.monotonic() + (pause_s(self._failures) if self._failures else self._store.settings.flush_s)
        while not self._stopping.is_set() and (left_s := until_s - time.monotonic()) > 0:
            troubled = self._failures > 0 or not self._store.state.ready
            if self._woken.wait(min(left_s, POLL_S) if troubled else left_s):
                self._woken.clear()
                if not troubled:
                    return
            state = self._store.state
            if state.ready and state is not before:
                return
