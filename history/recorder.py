"""Takes results in for the history; never in anybody's way.

`Recorder.record` only appends to memory. One thread moves what is there to the spool at once, which is
the acknowledgement: from then on nothing but a lost disk loses it (`history.spool.depot`). Another sends
what waits to ClickHouse (`history.sender`). While that is away samples wait; at the bound the oldest
are made coarser, and only then dropped (`history.spool.thinning`).
"""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from history.precision import rounded
from history.rows import Note, Sample, SeriesKey, SeriesRow, StatusChange
from history.sender import MAX_BATCH, Sender
from history.spool.depot import Depot, file_of
from history.spool.rows import Rows
from history.spool.sqlite import Freed
from history.spool.thinning import Fold, fold_of
from history.store import Store
from probes.catalogue import Metric
from probes.common import readings
from probes.result import ProbeResult, utc

log = logging.getLogger(__name__)

MOST_QUEUED = 500_000
"""Samples that wait in memory at most, should the spool's disk hang: then the oldest go."""
HEARTBEAT = timedelta(hours=1)
"""A status is written again after this long without a change, so that a window finds its beginning nearby."""


@dataclass(frozen=True, slots=True)
class RecorderState:
    """The recorder as the Debug page shows it; counts are samples.

    Attributes:
        waiting: not yet in ClickHouse, those of earlier processes included.
        unspooled: how many of them are not in the spool yet.
        waiting_since: the oldest of them.
        thinned: merged into a later one, because too many waited.
        dropped: lost, because too many waited.
        quarantined: rows that ClickHouse refused; `refusal` says why it did so last.
        batches: batches of samples written.
        last_error: why the last attempt to write failed; empty after a success.
        spool_bytes: size of the spool's file.
        spool_error: what is wrong with the spool's file, and what to do.
    """

    waiting: int
    unspooled: int
    waiting_since: datetime | None
    written: int
    thinned: int
    dropped: int
    quarantined: int
    refusal: str
    batches: int
    last_error: str
    spool_bytes: int
    spool_error: str


@dataclass(frozen=True, slots=True)
class _Known:
    """What is needed to write a series' samples."""

    id: int
    bits: int
    fold: Fold


class Recorder:
    """Takes results in, writes them out.

    Args:
        metrics: the catalogue, for units, kinds and precision.
        on_late: called after samples of more than two minutes ago, or notes, were written.
        clock: epoch seconds.
    """

    def __init__(
        self,
        store: Store,
        metrics: Mapping[str, Metric],
        on_late: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._metrics = metrics
        self._limit = store.settings.max_waiting_samples
        self._most_queued = min(self._limit, MOST_QUEUED)
        self._lock = threading.Lock()
        self._samples: deque[tuple[Sample, Fold]] = deque()
        self._changes: list[StatusChange] = []
        self._new_series: list[SeriesRow] = []
        self._moving: list[tuple[Sample, Fold]] = []
        self._notes: list[Note] = []
        self._lost = 0
        self._series: dict[SeriesKey, _Known] = {}
        self._last_change: dict[str, StatusChange] = {}
        self._depot = Depot(file_of(store.settings))
        self._damages = 0
        self._sender = Sender(store, self._depot, on_late, clock)
        self._told: set[str] = set()
        self._arrived = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start both threads; idempotent."""
        if self._thread is None:
            self._arrived.set()  # the spool is opened at once: what waits in it is to be sent
            self._thread = threading.Thread(target=self._loop, name="history:recorder", daemon=True)
            self._thread.start()
            self._sender.start()

    def record(self, result: ProbeResult) -> None:
        """Queue the samples of a result and its status change, if it is one. Never blocks."""
        tick_s = int(result.tick.timestamp())
        rows = []
        for reading in readings(result):
            if math.isfinite(reading.value):
                known = self._know(SeriesKey(result.component, reading.metric, reading.labels))
                rows.append((Sample(known.id, tick_s, rounded(reading.value, known.bits)), known.fold))
        change = StatusChange(result.component, result.checked_at, result.status, result.sentence)
        last = self._last_change.get(result.component)
        with self._lock:
            self._samples.extend(rows)
            while len(self._samples) > self._most_queued:
                self._samples.popleft()
                self._lost += 1
            if last is None or last.status != change.status or change.ts - last.ts > HEARTBEAT:
                self._last_change[result.component] = change
                self._changes.append(change)
        self._arrived.set()

    def note(self, *notes: Note) -> None:
        """Queue what a person left, to be spooled at once. Never blocks."""
        with self._lock:
            self._notes.extend(notes)
        self._arrived.set()

    @property
    def notes(self) -> tuple[Note, ...]:
        """What people left and is not yet in ClickHouse, that of earlier processes included."""
        with self._lock:
            return (*self._depot.figures.notes, *self._notes)

    def stop(self, wait_s: float = 5.0) -> bool:
        """Write what waits, at most `wait_s` long; returns whether everything was written."""
        until_s = time.monotonic() + wait_s
        self._stopping.set()
        self._arrived.set()
        if self._thread is None:
            self._spool()
        else:
            self._thread.join(wait_s)
            self._sender.stop(max(0.1, until_s - time.monotonic()))
        state = self.state()
        lasts = False
        if self._depot.lock.acquire(timeout=1):  # a disk that hangs must not keep us from leaving
            lasts = self._depot.lasts
            self._depot.close()
            self._depot.lock.release()
        if state.waiting:
            fate = "wait in the spool for the next start" if lasts else "waited in memory and are lost"
            log.warning("history: %d samples could not be written before the stop and %s", state.waiting, fate)
        return not state.waiting

    def state(self) -> RecorderState:
        """A snapshot."""
        with self._lock:
            figures, lost = self._depot.figures, self._lost
            unspooled = len(self._samples) + len(self._moving)
            first = next(iter(self._moving or self._samples), None)
        since_s = first[0].ts_s if figures.since_s is None and first else figures.since_s
        return RecorderState(
            waiting=figures.waiting + unspooled,
            unspooled=unspooled,
            waiting_since=None if since_s is None else utc(since_s),
            written=figures.written,
            thinned=figures.thinned,
            dropped=figures.dropped + lost,
            quarantined=figures.quarantined,
            refusal=self._sender.refusal,
            batches=figures.batches,
            last_error=self._sender.last_error,
            spool_bytes=figures.bytes,
            spool_error=figures.error,
        )

    def flush(self) -> bool:
        """Spool and send what waits now; returns whether all of it was written."""
        while True:
            self._spool()
            done = self._sender.drain()
            if not done or not self.state().unspooled:  # more may have come while that was sent
                return done

    def _loop(self) -> None:
        stopping = False
        while not stopping:
            self._arrived.wait()
            stopping = self._stopping.is_set()  # asked first, so that what came before the stop is moved
            self._spool()

    def _spool(self) -> None:
        """Move what is in memory to the spool."""
        self._arrived.clear()
        with self._depot.lock:
            with self._lock:
                rows = Rows(list(self._samples), self._new_series, self._changes, list(self._notes))
                self._samples, self._new_series, self._changes = deque(), [], []
                self._moving = rows.samples
                lost, self._lost = self._lost, 0
            freed = Freed()
            try:
                self._depot.append(rows)
                freed = self._depot.bound(self._limit)
            except Exception:  # a fault of ours in these rows must not stop those that come after
                log.exception("history: %d samples could not be spooled", len(rows.samples))
                lost += len(rows.samples)
                self._series.clear()
            freed = Freed(freed.thinned, freed.dropped + lost)
            figures = self._depot.look(freed=freed)
            with self._lock:  # a sample is seen to wait in one place, not in both or none
                self._depot.figures, self._moving = figures, []
                del self._notes[: len(rows.notes)]
            if self._depot.damages != self._damages:  # announcements of series may have been in the damaged file
                self._damages = self._depot.damages
                self._series.clear()
        self._tell(freed)
        if rows.changes or rows.notes or self._depot.figures.waiting > MAX_BATCH:  # what happened is not to be late
            self._sender.wake()

    def _tell(self, freed: Freed) -> None:
        """Say in the log that samples go, once until the spool has been empty."""
        if not self._depot.figures.waiting:
            self._told.clear()
        sentences = {"thinned": "the oldest are made coarser", "dropped": "the oldest are dropped"}
        for what, sentence in sentences.items():
            if getattr(freed, what) and what not in self._told:
                self._told.add(what)
                log.warning("history: more than %d samples wait to be written: %s", self._limit, sentence)

    def _know(self, key: SeriesKey) -> _Known:
        known = self._series.get(key)
        if known is None:
            metric = self._metrics[key.metric]
            known = self._series[key] = _Known(key.id, metric.bits, fold_of(metric))
            with self._lock:
                self._new_series.append(SeriesRow(key, str(metric.unit), str(metric.type)))
        return known
