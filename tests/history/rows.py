"""Series with known values, written through the recorder as the program does."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np

import probes
from history.queries import Scope
from history.recorder import Recorder
from history.store import Store
from probes.catalogue import Metric
from probes.result import Labels, ProbeResult, Reading, Status, utc
from tests.probes.fakes import FILL

COUNT = Metric(name="fake_messages_total", title="messages", unit="messages", type="counter", help="Messages since.")
METRICS: Mapping[str, Metric] = {**probes.METRICS, FILL.name: FILL, COUNT.name: COUNT}
T0_S = 1_790_006_400
"""A multiple of four hours, so that buckets of every tier begin here."""


def sampled(
    name: str, at_s: int, *values: tuple[str, float, Labels], status: Status = Status.OK, summary: str = "fine"
) -> ProbeResult:
    return ProbeResult(
        component=name,
        kind="fake",
        status=status,
        checked_at=utc(at_s),
        tick=utc(at_s),
        took_ms=1,
        summary=summary,
        readings=tuple(Reading(*value) for value in values),
    )


def write(store: Store, results: Iterable[ProbeResult]) -> Recorder:
    """Record and flush `results`; the recorder's own thread does not run."""
    recorder = Recorder(store, METRICS)
    for one in results:
        recorder.record(one)
    assert recorder.flush(), recorder.state().last_error
    return recorder


def scope(store: Store, now_s: float, raw_kept_s: float = 90 * 86400) -> Scope:
    return Scope(store.database, raw_kept_s, now_s)


@contextmanager
def client_of(store: Store) -> Iterator:
    client = store.connect()
    try:
        yield client
    finally:
        client.close()


def count(store: Store, table: str, what: str = "count()") -> int:
    with client_of(store) as client:
        return int(client.query(f"SELECT {what} FROM {store.database}.{table}").result_rows[0][0])


def noise(size: int, seed: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(-1, 0.5, size)
