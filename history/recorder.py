"""Writes results to the history in batches; never in anybody's way.

`record` only appends to memory. One thread makes batches, each with a token of its own: a batch
whose outcome is unknown is sent again with the same token, and ClickHouse writes it once. While
the store is away samples wait, bounded; at the bound the oldest go first and are counted.
"""

import logging
import math
import threading
import time
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from clickhouse_connect.driver.client import Client

from history.precision import rounded
from history.rows import Sample, SeriesKey, StatusChange, catalogued, changes_table, insert, samples_table, series_table
from history.store import Store
from probes.catalogue import Metric
from probes.common import readings
from probes.result import ProbeResult

log = logging.getLogger(__name__)

MAX_BATCH = 50_000
HEARTBEAT = timedelta(hours=1)
"""A status is written again after this long without a change, so that a window finds its beginning nearby."""


@dataclass(frozen=True, slots=True)
class RecorderState:
    """The recorder as the Debug page shows it."""

    waiting: int
    waiting_since: datetime | None
    written: int
    dropped: int
    batches: int
    last_error: str


@dataclass(slots=True)
class _Batch:
    """Rows on their way, under tokens that stay the same however often they are sent."""

    series: dict[int, SeriesKey]
    samples: list[Sample]
    changes: list[StatusChange]
    token: str


class Recorder:
    """Takes results in, writes them out.

    Args:
        metrics: the catalogue, for units and kinds.
    """

    def __init__(self, store: Store, metrics: Mapping[str, Metric]) -> None:
        self._store = store
        self._metrics = metrics
        self._limit = store.settings.max_waiting_samples
        self._lock = threading.Lock()
        self._samples: deque[Sample] = deque()
        self._changes: deque[StatusChange] = deque(maxlen=self._limit)
        self._series: dict[SeriesKey, int] = {}
        self._unwritten_series: dict[int, SeriesKey] = {}
        self._last_change: dict[str, StatusChange] = {}
        self._batch: _Batch | None = None
        self._client: Client | None = None
        self._waiting_since: datetime | None = None
        self._written = self._dropped = self._batches = 0
        self._last_error = ""
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="history:recorder", daemon=True)
            self._thread.start()

    def record(self, result: ProbeResult) -> None:
        """Queue the samples of a result and its status change, if it is one. Never blocks on the store."""
        rows = [
            Sample(
                self._id(SeriesKey(result.component, r.metric, r.labels)),
                int(result.tick.timestamp()),
                self._rounded(r.metric, r.value),
            )
            for r in readings(result)
            if math.isfinite(r.value)
        ]
        change = StatusChange(result.component, result.checked_at, result.status, result.sentence)
        last = self._last_change.get(result.component)
        with self._lock:
            self._samples.extend(rows)
            if last is None or last.status != change.status or change.ts - last.ts > HEARTBEAT:
                self._last_change[result.component] = change
                self._changes.append(change)
            self._waiting_since = self._waiting_since or result.checked_at
            excess = len(self._samples) - self._limit
            if excess > 0:
                for _ in range(excess):
                    self._samples.popleft()
                self._dropped += excess

    def stop(self, wait_s: float = 5.0) -> bool:
        """Write what waits, at most `wait_s` long; returns whether everything was written."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(wait_s)
        waiting = self.state().waiting
        if waiting:
            log.warning("history: %d samples could not be written before the stop: %s", waiting, self._last_error)
        return not waiting

    def state(self) -> RecorderState:
        """A snapshot; counts are samples."""
        batch = self._batch
        waiting = len(self._samples) + (len(batch.samples) if batch else 0)
        return RecorderState(
            waiting,
            self._waiting_since if waiting else None,
            self._written,
            self._dropped,
            self._batches,
            self._last_error,
        )

    def flush(self) -> bool:
        """Send what waits now, from the recorder's thread or a test; returns whether all of it was written."""
        while self._batch or self._samples or self._changes:
            if not self._store.state.ready:
                return False
            self._batch = self._batch or self._take()
            try:
                self._client = self._client or self._store.connect()
                _insert(self._client, self._store.database, self._batch, self._metrics)
            except Exception as exc:  # the batch is kept and sent again under its token
                self._last_error = self._store.report(exc).message
                if self._client is not None:
                    self._client.close()
                    self._client = None
                return False
            self._written += len(self._batch.samples)
            self._batches += 1
            self._batch = None
        with self._lock:
            if not self._samples:
                self._waiting_since = None
        return True

    def _loop(self) -> None:
        while not self._stopping.wait(self._store.settings.flush_s):
            self.flush()
        give_up_s = time.monotonic() + 4
        while not self.flush() and time.monotonic() < give_up_s and self._store.state.ready:
            time.sleep(0.2)
        if self._client is not None:
            self._client.close()

    def _take(self) -> _Batch:
        with self._lock:
            samples = [self._samples.popleft() for _ in islice(range(MAX_BATCH), min(MAX_BATCH, len(self._samples)))]
            changes = list(self._changes)
            self._changes.clear()
            series, self._unwritten_series = self._unwritten_series, {}
        return _Batch(series, samples, changes, uuid.uuid4().hex)

    def _rounded(self, metric: str, value: float) -> float:
        return rounded(value, self._metrics[metric].bits)

    def _id(self, key: SeriesKey) -> int:
        known = self._series.get(key)
        if known is None:
            known = self._series[key] = key.id
            with self._lock:
                self._unwritten_series[known] = key
        return known


def _insert(client: Client, database: str, batch: _Batch, metrics: Mapping[str, Metric]) -> None:
    for table, rows in (
        ("series", series_table(catalogued(batch.series.values(), metrics))),
        ("samples", samples_table(batch.samples)),
        ("status_change", changes_table(batch.changes)),
    ):
        if rows.num_rows:
            insert(client, f"{database}.{table}", rows, batch.token)
