"""What is written: samples, series, status changes, and their columns as the tables take them."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from numpy.typing import NDArray

from history.gate import WRITES
from probes.catalogue import Metric
from probes.result import Labels, Status

ONCE = {"insert_deduplicate": 1, "deduplicate_blocks_in_dependent_materialized_views": 1}
"""Every target of an insert remembers its token, roll-ups included: sent again, the batch is written once, and what
an earlier, broken attempt left undone in a roll-up is made good. (1 is the default of 26.x, not of older servers.)"""

THROUGH: Mapping[str, str | int] = {
    "distributed_foreground_insert": 1,
    "insert_quorum": "auto",
    "insert_quorum_timeout": 8000,
}
"""For a table of a cluster: acknowledged means that every shard has its rows, on most of its replicas. Without them
the server takes the rows into a queue of its own and says yes. 8 s are less than a client of ours waits: the server
says what is missing before the client gives up."""
_distributed: WeakKeyDictionary[Client, dict[str, bool]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one series at a whole second."""

    series_id: int
    ts_s: int
    value: float


@dataclass(frozen=True, slots=True)
class StatusChange:
    """From `ts` on the component has `status`; `reason` is the sentence shown then."""

    component: str
    ts: datetime
    status: Status
    reason: str


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """What names a series: component, metric and labels."""

    component: str
    metric: str
    labels: Labels = ()

    @property
    def id(self) -> int:
        """The series' 64-bit identity: BLAKE2b of its parts, the same in every process and version."""
        text = "\x00".join((self.component, self.metric, *(f"{name}={value}" for name, value in self.labels)))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A series as the ``series`` table has it: its key, unit and kind (``gauge counter state``)."""

    key: SeriesKey
    unit: str
    kind: str


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as the ``event`` table has it: of the rows of one `id` and `at_ms` that of the highest `ver` counts."""

    id: str
    at_ms: int
    till_ms: int | None
    kind: str
    component: str
    author: str
    text: str
    ver: int
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class ViewRow:
    """A saved view as the ``view`` table has it: of the rows of one `id` that of the highest `ver` counts."""

    id: str
    name: str
    page: str
    query: str
    author: str
    note: str
    at_ms: int
    ver: int
    deleted: bool = False


Note = EventRow | ViewRow
"""What a person left."""


def insert(client: Client, table: str, rows: pa.Table, token: str) -> None:
    """Write `rows` once, however often this is called with the same token.

    The token goes through a distributed table to the shards; each keeps it for its own tables. A row goes to the same
    shard each time as long as the shards and their weights stay what they are.
    """
    through = THROUGH if _is_distributed(client, table) else {}
    with WRITES.batch():
        client.insert_arrow(table, rows, settings={"insert_deduplication_token": token, **ONCE, **through})


def _is_distributed(client: Client, table: str) -> bool:
    """Whether `table` stands for those of a cluster; the server is asked once a client."""
    known = _distributed.setdefault(client, {})
    if table not in known:
        database, _, name = table.rpartition(".")
        found = client.query(
            "SELECT engine FROM system.tables WHERE name = {name:String} "
            "AND database = if({database:String} = '', currentDatabase(), {database:String})",
            parameters={"name": name, "database": database},
        ).result_rows
        if not found:
            return False  # it may yet be made
        known[table] = found[0][0] == "Distributed"
    return known[table]


def catalogued(keys: Iterable[SeriesKey], metrics: Mapping[str, Metric]) -> list[SeriesRow]:
    """The series rows of `keys`, whose metrics stand in the catalogue."""
    return [SeriesRow(key, str(metrics[key.metric].unit), str(metrics[key.metric].type)) for key in keys]


def series_table(rows: Iterable[SeriesRow]) -> pa.Table:
    """Rows of the ``series`` table."""
    found = list(rows)
    return pa.table(
        {
            "series_id": pa.array([row.key.id for row in found], pa.uint64()),
            "component": [row.key.component for row in found],
            "metric": [row.key.metric for row in found],
            "labels": pa.array([list(row.key.labels) for row in found], pa.map_(pa.string(), pa.string())),
            "unit": [row.unit for row in found],
            "kind": [row.kind for row in found],
        }
    )


def samples_table(samples: Iterable[Sample]) -> pa.Table:
    """Rows of the ``samples`` table, sorted as it stores them."""
    rows = sorted((s.series_id, s.ts_s, s.value) for s in samples)
    return columns_table(
        np.array([row[0] for row in rows], np.uint64),
        np.array([row[1] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.float64),
    )


def columns_table(series_id: NDArray[np.uint64], ts_s: NDArray[np.int64], value: NDArray[np.float64]) -> pa.Table:
    """Rows of the ``samples`` table from columns of equal length; values travel as their 64 bits (`history.schema`)."""
    return pa.table(
        {
            "series_id": pa.array(series_id),
            "ts": pa.array(ts_s.astype("datetime64[s]"), pa.timestamp("s", "UTC")),
            "bits": pa.array(np.ascontiguousarray(value).view(np.uint64)),
        }
    )


def events_table(events: Iterable[EventRow]) -> pa.Table:
    """Rows of the ``event`` table."""
    rows = list(events)
    return pa.table(
        {
            "id": [row.id for row in rows],
            "ts": pa.array([row.at_ms for row in rows], _MOMENT),
            "till": pa.array([row.till_ms for row in rows], _MOMENT),
            **{name: [getattr(row, name) for row in rows] for name in ("kind", "component", "author", "text")},
            **_versions(rows),
        }
    )


def views_table(views: Iterable[ViewRow]) -> pa.Table:
    """Rows of the ``view`` table."""
    rows = list(views)
    texts = ("id", "name", "page", "query", "author", "note")
    return pa.table(
        {
            **{name: [getattr(row, name) for row in rows] for name in texts},
            "at": pa.array([row.at_ms for row in rows], _MOMENT),
            **_versions(rows),
        }
    )


def _versions(rows: Iterable[Note]) -> dict[str, pa.Array]:
    return {
        "ver": pa.array([row.ver for row in rows], pa.uint64()),
        "deleted": pa.array([int(row.deleted) for row in rows], pa.uint8()),
    }


_MOMENT = pa.timestamp("ms", "UTC")


def changes_table(changes: Iterable[StatusChange]) -> pa.Table:
    """Rows of the ``status_change`` table."""
    rows = list(changes)
    return pa.table(
        {
            "component": [row.component for row in rows],
            "ts": pa.array([row.ts for row in rows], pa.timestamp("ms", "UTC")),
            "status": [str(row.status) for row in rows],
            "reason": [row.reason for row in rows],
        }
    )
