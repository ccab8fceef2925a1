"""Answers of the history as tables, and tables as files: what endpoints send and what a page gives away."""

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet

from history.answers import Hours, Series, SeriesSet

MOMENTS = {
    **{name: name.removesuffix("_s") for name in ("at_s", "start_s", "end_s", "till_s", "began_s", "peak_s")},
    "longest_outage_at_s": "longest_outage_at",
    **dict.fromkeys(("t", "edges_s"), "time"),
}
"""Fields of answers that are epoch seconds; in a table they are times, called so."""
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TIME = pa.timestamp("ms", "UTC")


def tables_of(answer: object) -> dict[str, pa.Table]:
    """An answer of any question as tables, each under what its rows are (``series``, ``spans``).

    What is neither a row nor a column, such as a sentence about the whole, is left out; so nothing gives no table.
    """
    return dict(_tables("rows", answer))


def _tables(name: str, value: object) -> Iterator[tuple[str, pa.Table]]:
    if isinstance(value, SeriesSet):
        for held, lines in (("series", value.series), ("before", value.previous)):
            yield from _listed(held, lines)
    elif isinstance(value, Series | Hours) or (is_dataclass(value) and _columns(value)):
        yield from _listed(name, (value,))
    elif isinstance(value, Mapping):
        rows = [{"component": str(key), **row} for key, held in value.items() for row in _rows(held)]
        if rows:
            yield name, _row_table(rows)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield from _listed(name, value)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _tables(field.name, getattr(value, field.name))


def _listed(name: str, values: Sequence[Any]) -> Iterator[tuple[str, pa.Table]]:
    """The table of equal things, and of the series they hold."""
    if values and isinstance(values[0], Series):
        yield name, long_table(values, with_percentiles=all(line.p95 is not None for line in values))
    elif rows := _rows(values):
        yield name, _row_table(rows)
        lines = [getattr(value, field.name) for value in values if is_dataclass(value) for field in fields(value)]
        yield from _listed(f"{name} series", [line for line in lines if isinstance(line, Series)])


def _rows(value: object) -> list[dict[str, Any]]:
    """The rows that something is: each of several things one, a stretch of time one, columns as many as are long."""
    if isinstance(value, Hours):
        return list(_hours(value))
    if is_dataclass(value):
        columns = _columns(value)
        length = min(map(len, columns.values()), default=0)
        within = [{key: column[index].item() for key, column in columns.items()} for index in range(length)]
        parts = [getattr(value, field.name) for field in fields(value)]
        within += [row for part in parts if isinstance(part, tuple) for row in _rows(part)]
        return [{**_cells(value), **row} for row in within] or [_cells(value)]
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(end, int | float) for end in value):
        return [{"start_s": value[0], "end_s": value[1]}]
    return [row for held in value for row in _rows(held)] if isinstance(value, tuple | list) else []


def _columns(value: Any) -> dict[str, np.ndarray]:
    """The columns that something holds, by name; of a mapping one for each key, None being what was not observed."""
    found: dict[str, np.ndarray] = {}
    for field in fields(value):
        held = getattr(value, field.name)
        parts = {field.name: held}
        if isinstance(held, Mapping):
            parts = {"unobserved" if key is None else str(key): part for key, part in held.items()}
        found |= {key: part for key, part in parts.items() if isinstance(part, np.ndarray) and part.ndim == 1}
    return found


def _cells(value: Any) -> dict[str, Any]:
    """The fields of one thing that fit into a cell; those of things in it beside them."""
    row: dict[str, Any] = {}
    for field in fields(value):
        held = getattr(value, field.name)
        if field.name == "labels":
            row["labels"] = _labels(held)
        elif isinstance(held, Enum):
            row[field.name] = str(held)
        elif held is None or isinstance(held, str | bool | int | float | date):
            row[field.name] = held
        elif is_dataclass(held) and not isinstance(held, Series):
            row |= {f"{field.name}_{key}" if key in row else key: cell for key, cell in _cells(held).items()}
    return row


def _hours(hours: Hours) -> Iterator[dict[str, Any]]:
    named = {"component": hours.component, "metric": hours.metric, "labels": _labels(hours.labels), "unit": hours.unit}
    for day, name in enumerate(DAYS):
        for hour in range(24):
            yield {**named, "day": name, "hour": hour, "p95": hours.p95[day, hour], "peak": hours.peak[day, hour]}


def _row_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    columns = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        held = [row.get(name) for row in rows]
        if name in MOMENTS:
            moments_ms = [None if moment_s is None else round(moment_s * 1000) for moment_s in held]
            columns[MOMENTS[name]] = pa.array(moments_ms, pa.int64()).cast(_TIME)
        else:
            columns[name] = pa.array(held)
    return pa.table(columns)


def long_table(lines: Sequence[Series], with_percentiles: bool) -> pa.Table:
    """A row per point of every series."""

    def repeated(values: Sequence[str]) -> pa.Array:
        counts = np.repeat(np.arange(len(lines), dtype=np.int32), [len(line.t) for line in lines])
        return pa.DictionaryArray.from_arrays(pa.array(counts), pa.array(values, pa.string())).cast(pa.string())

    def joined(pick: Callable[[Series], object]) -> pa.Array:
        columns = [np.asarray(pick(line), dtype=np.float64) for line in lines]
        return pa.array(np.concatenate(columns) if columns else np.empty(0), pa.float64())

    columns = {
        "component": repeated([line.component for line in lines]),
        "metric": repeated([line.metric for line in lines]),
        "labels": repeated([_labels(line.labels) for line in lines]),
        "unit": repeated([line.unit for line in lines]),
        "time": joined(lambda line: line.t).cast(pa.int64()).cast(pa.timestamp("s", "UTC")).cast(_TIME),
        "avg": joined(lambda line: line.avg),
        "min": joined(lambda line: line.low),
        "max": joined(lambda line: line.high),
        "count": joined(lambda line: line.count).cast(pa.int64()),
    }
    if with_percentiles:
        columns |= {name: joined(attrgetter(name)) for name in ("p50", "p95", "p99")}
    return pa.table(columns)


def _labels(labels: Sequence[tuple[str, str]]) -> str:
    return json.dumps(dict(labels), separators=(",", ":"))


def csv_bytes(table: pa.Table) -> bytes:
    """As CSV; times as ISO 8601 in UTC with their T."""
    out = io.BytesIO()
    for place, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            moments = [None if text == "NaT" else text for text in _iso(table[column.name])]
            table = table.set_column(place, column.name, pa.array(moments, pa.string()))
    pyarrow.csv.write_csv(table, out)
    return out.getvalue()


def _iso(column: pa.ChunkedArray) -> list[str]:
    return [str(text) for text in np.datetime_as_string(column.to_numpy(), unit="ms", timezone="UTC").tolist()]


def arrow_bytes(table: pa.Table) -> bytes:
    """As a stream of Arrow's interprocess format."""
    out = io.BytesIO()
    with pyarrow.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def parquet_bytes(table: pa.Table) -> bytes:
    """As Parquet."""
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out, compression="zstd")
    return out.getvalue()


WRITERS: dict[str, Callable[[pa.Table], bytes]] = {"csv": csv_bytes, "arrow": arrow_bytes, "parquet": parquet_bytes}
