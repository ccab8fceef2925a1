"""CSV and Parquet: a row a sample, columns by name."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from history.imports.columns import (
    NO_TIME,
    TIME_EXPECTED,
    Ints,
    Refusals,
    codes,
    combined,
    epoch_seconds,
    numbers,
    shown,
    text_at,
)
from history.imports.series import Known, SeriesRefused, Taken, is_counter, key_of, taken
from history.imports.source import FileRefused, OptionNeeded, Options, Piece
from probes.catalogue import Metric

OF_AN_EXPORT = frozenset({"min", "max", "count", "p50", "p95", "p99"})
"""What an export has beside ``avg``: of a bucket only that becomes a sample."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of the file is what; empty: it has none."""

    component: str
    metric: str
    time: str
    value: str
    labels: str
    unit: str
    extra: tuple[str, ...]
    averaged: bool
    left_out: tuple[str, ...]

    @property
    def naming(self) -> list[str]:
        """The columns that name a series."""
        return [name for name in (self.component, self.metric, self.labels, self.unit, *self.extra) if name]

    @property
    def read(self) -> list[str]:
        """All that is read of the file."""
        return [*self.naming, self.time, self.value]


def columns_of(file: str, found: Sequence[str], options: Options) -> Columns:
    """What each of a file's columns is.

    Raises:
        FileRefused: one is missing, appears twice, or nothing says what it is.
    """
    twice = sorted({name for name in found if list(found).count(name) > 1})
    if twice:
        raise FileRefused(f"{file} has {_listed(twice)} more than once; expected each column once.")
    ours = dict(options.columns)
    named = {name: ours.get(name, name) for name in ("component", "metric", "time", "value", "labels", "unit")}
    averaged = named["value"] not in found and "value" not in ours and "avg" in found
    named["value"] = "avg" if averaged else named["value"]
    required = {"metric", "time", "value", *(() if options.component else ("component",)), *ours}
    missing = [named[name] for name in ("component", "metric", "time", "value") if name in required]
    missing = [name for name in [*missing, *options.labels, *options.ignored, *ours.values()] if name not in found]
    if missing:
        raise FileRefused(
            f"{file} has the columns {_listed(found)}; expected component, metric, time and value (or avg), but "
            f"{_listed(list(dict.fromkeys(missing)))} is not there. --columns time=NAME tells another name of a "
            "column, --component NAME the component of a file without one."
        )
    known = {*named.values(), *options.labels, *options.ignored, *(OF_AN_EXPORT if averaged else ())}
    unknown = [name for name in found if name not in known]
    if unknown:
        names = ",".join(unknown)
        raise FileRefused(
            f"{file} has the columns {_listed(found)}; nothing says what {_listed(unknown)} is. "
            f"--labels {names} makes labels of them, --ignore {names} leaves them out."
        )
    there = {name: column if column in found else "" for name, column in named.items()}
    left_out = tuple(name for name in found if averaged and name in OF_AN_EXPORT)
    return Columns(**there, extra=options.labels, averaged=averaged, left_out=left_out)


class Table:
    """A source of rows with named columns; `read` yields them as Arrow has them, with the position after each."""

    def __init__(
        self, path: Path, columns: Columns, options: Options, catalogue: Mapping[str, Metric], known: Known,
        refusals: Refusals, read: Callable[[], Iterator[tuple[pa.RecordBatch, int]]], unit: str, total: int,
        number: Callable[[Ints], Ints],
    ) -> None:  # fmt: skip
        self.path, self.unit, self.total = path, unit, total
        self.notes: list[str] = []
        self._columns, self._options, self._catalogue = columns, options, catalogue
        self._known, self._refusals, self._read, self._number = known, refusals, read, number
        self._epochs: set[str] = set()
        if columns.left_out:
            self.notes.append(
                f"A row became one sample, its avg: {_listed(columns.left_out)} of a bucket are left out."
            )

    def batches(self) -> Iterator[tuple[pa.RecordBatch, int]]:
        """See `history.imports.source.Source`."""
        rows = 0
        try:
            for batch, position in self._read():
                yield batch, position
                rows += batch.num_rows
        except (pa.ArrowException, OSError, EOFError) as exc:
            said = " ".join(str(exc).split())[:200]
            if "straddling" in said:  # Arrow's word for a row that is longer than a block
                said = "a quote that is never closed, or a row of more than 8 MiB"
            raise FileRefused(f"{self.path.name} cannot be read beyond its first {rows} rows: {said}.") from None

    def piece(self, batch: pa.RecordBatch, first: int) -> Piece:
        """See `history.imports.source.Source`."""
        row = self._number(np.arange(first, first + batch.num_rows))
        times, values = batch.column(self._columns.time), batch.column(self._columns.value)
        epochs: set[str] = set()
        ts_s = epoch_seconds(times, epochs)
        self.notes += [f"Times that are numbers were read as epoch {unit}." for unit in sorted(epochs - self._epochs)]
        self._epochs |= epochs
        value, no_number = numbers(values)
        series = self._series(batch)
        good = self._refusals.checked(
            row,
            (
                (series < 0, lambda i: self._known.sentence(int(series[i]))),
                (ts_s == NO_TIME, lambda i: f"{self._columns.time} is {text_at(times, i)}; {TIME_EXPECTED}"),
                (no_number, lambda i: f"{self._columns.value} is {text_at(values, i)}; expected a number"),
            ),
        )
        finite = good & ~np.isnan(value)
        return Piece(series[finite], ts_s[finite], value[finite], row[finite], int(np.count_nonzero(good & ~finite)))

    def _series(self, batch: pa.RecordBatch) -> Ints:
        """The number of each row's series; work is done once for each distinct name in the batch."""
        names = self._columns.naming
        coded = [codes(batch.column(name)) for name in names]
        dense, first = combined([column for column, _ in coded])
        numbered = np.empty(len(first), np.int64)
        for place, row in enumerate(first):
            cells = {name: values[column[row]] for name, (column, values) in zip(names, coded, strict=True)}
            source = tuple(tuple(cell) if isinstance(cell, list) else cell for cell in cells.values())
            found = self._known.find(source)
            numbered[place] = self._known.add(source, self._taken(cells)) if found is None else found
        return numbered[dense]

    def _taken(self, cells: Mapping[str, object]) -> Taken | SeriesRefused:
        columns, options = self._columns, self._options
        try:
            labels = labels_of(cells.get(columns.labels))
            labels |= {name: str(cells[name]) for name in columns.extra if cells[name] not in (None, "")}
            component = _text(cells[columns.component]) if columns.component else options.component
            key = key_of(component, _text(cells[columns.metric]), labels)
            counter = is_counter(key.metric, self._catalogue)
            if counter and columns.averaged and not (options.cumulative or options.step_s):
                raise OptionNeeded(
                    f"{self.path.name} has averages of {key.metric}, a counter: rates per second. They need the width "
                    "of the export's buckets, such as --step 60s (the answer's header X-Tapewatch-Step-Seconds)."
                )
            running = counter and options.cumulative
            factor = options.step_s if counter and columns.averaged and not running else 1.0
            return taken(key, self._catalogue, counter, running, factor, _text(cells.get(columns.unit)))
        except SeriesRefused as refused:
            return refused


def labels_of(cell: object) -> dict[str, str]:
    """The labels of a row: a JSON object as text, or the pairs of a map.

    Raises:
        SeriesRefused: it is neither.
    """
    if cell is None or cell == "":
        return {}
    pairs: object = cell
    if isinstance(cell, str):
        try:
            pairs = json.loads(cell)
        except ValueError:
            pairs = None
    else:
        pairs = dict(cell) if isinstance(cell, Sequence) else cell
    if not isinstance(pairs, dict) or any(isinstance(value, dict | list) for value in pairs.values()):
        raise SeriesRefused(f'labels is {shown(cell)}; expected a JSON object such as {{"topic":"ticks"}}, or a map')
    return {str(name): _text(value) for name, value in pairs.items() if value is not None}


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
