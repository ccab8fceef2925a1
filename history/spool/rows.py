"""Rows as the spool keeps them, there and back: what comes in, and the columns of the tables it goes to."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import numpy as np
import pyarrow as pa

from history.rows import (
    EventRow,
    Note,
    Sample,
    SeriesKey,
    SeriesRow,
    StatusChange,
    ViewRow,
    changes_table,
    columns_table,
    events_table,
    series_table,
    views_table,
)
from history.spool.schema import Table
from history.spool.thinning import Fold
from probes.result import Status, utc


@dataclass(slots=True)
class Rows:
    """Rows to append together."""

    samples: list[tuple[Sample, Fold]] = field(default_factory=list)
    series: list[SeriesRow] = field(default_factory=list)
    changes: list[StatusChange] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.samples or self.series or self.changes or self.notes)


def spooled(rows: Rows) -> Mapping[Table, Sequence[tuple[Any, ...]]]:
    """`rows` with the columns of `history.spool.schema.COLUMNS`, by table."""
    bits = np.array([sample.value for sample, _ in rows.samples], np.float64).view(np.int64).tolist()
    samples = [
        (_signed(sample.series_id), sample.ts_s, number, int(fold))
        for (sample, fold), number in zip(rows.samples, bits, strict=True)
    ]
    series = [(r.key.component, r.key.metric, json.dumps(r.key.labels), r.unit, r.kind) for r in rows.series]
    changes = [(c.component, round(c.ts.timestamp() * 1e6), str(c.status), encodable(c.reason)) for c in rows.changes]
    events = [
        (e.id, e.at_ms, e.till_ms, e.kind, e.component, encodable(e.author), encodable(e.text), e.ver, int(e.deleted))
        for e in rows.notes
        if isinstance(e, EventRow)
    ]
    views = [
        (v.id, encodable(v.name), v.page, encodable(v.query), encodable(v.author), encodable(v.note), v.at_ms, v.ver,
         int(v.deleted))
        for v in rows.notes
        if isinstance(v, ViewRow)
    ]  # fmt: skip
    return {"series": series, "status_change": changes, "event": events, "view": views, "samples": samples}


def notes_of(table: Literal["event", "view"], rows: Sequence[Sequence[Any]]) -> list[Note]:
    """Rows of the spool as the notes they are."""
    kind: type[EventRow] | type[ViewRow] = EventRow if table == "event" else ViewRow
    return [kind(*(*row[:-1], bool(row[-1]))) for row in rows]


def table_of(table: Table, rows: Sequence[Any]) -> pa.Table:
    """Rows of the spool as the columns of their ClickHouse table; samples sorted as the table stores them."""
    if table == "series":
        pairs = [tuple((name, value) for name, value in json.loads(row[2])) for row in rows]
        return series_table(
            SeriesRow(SeriesKey(row[0], row[1], labels), row[3], row[4])
            for row, labels in zip(rows, pairs, strict=True)
        )
    if table == "status_change":
        return changes_table(StatusChange(row[0], utc(row[1] / 1e6), cast(Status, row[2]), row[3]) for row in rows)
    if table == "event":
        return events_table(cast(list[EventRow], notes_of(table, rows)))
    if table == "view":
        return views_table(cast(list[ViewRow], notes_of(table, rows)))
    columns = np.array(rows, np.int64)
    series_id, ts_s, bits, _ = np.ascontiguousarray(columns[np.lexsort((columns[:, 1], columns[:, 0]))].T)
    return columns_table(series_id.view(np.uint64), ts_s, bits.view(np.float64))


def encodable(text: str) -> str:
    """`text` without lone surrogates, which no database takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _signed(series_id: int) -> int:
    """An unsigned 64-bit number as SQLite can hold it."""
    return series_id - 2**64 if series_id >= 2**63 else series_id
