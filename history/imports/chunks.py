"""Cuts a file's samples into chunks: the same ones in every run, sorted, in parts that an insert can take."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from history.imports.columns import Ints, Refusals
from history.imports.increases import Increases
from history.imports.series import Known
from history.imports.source import Piece, Source
from history.rows import SeriesRow, columns_table
from history.window import shown

CHUNK_ROWS = 1_000_000
"""Below a block of ClickHouse's (1,048,449 rows), which is what a token holds for."""
MOST_WEEKS = 90
"""An insert may touch 100 partitions (``max_partitions_per_insert_block``); raw samples have one a week."""
WEEK_S, MONDAY_S = 7 * 86400, 4 * 86400
"""The first Monday began four days after 1970 did."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows `first` to `last` (exclusive) of a file, ready to be written.

    Attributes:
        series: those that no earlier chunk has.
        samples: sorted by series and time, in parts that an insert can take.
        position: how far the file is read, in the source's unit.
        known, refused, skipped, begun: series and rows so far, see `Report`.
    """

    index: int
    first: int
    last: int
    series: tuple[SeriesRow, ...]
    samples: tuple[pa.Table, ...]
    position: int
    known: int
    refused: int
    skipped: int
    begun: int

    @property
    def count(self) -> int:
        """Samples in it."""
        return sum(part.num_rows for part in self.samples)


@dataclass(slots=True)
class _Gathered:
    """The pieces of the chunk being made, and counts so far."""

    pieces: list[Piece] = field(default_factory=list)
    index: int = 0
    first: int = 0
    last: int = 0
    position: int = 0
    known: int = 0
    skipped: int = 0
    begun: int = 0


class Chunks:
    """The chunks of a source, in order.

    Args:
        known: the series met, which the source adds to.
        rows: of a chunk.
    """

    def __init__(self, source: Source, known: Known, refusals: Refusals, rows: int = CHUNK_ROWS) -> None:
        self._source, self._known, self._refusals, self._rows = source, known, refusals, rows
        self._increases = Increases()

    def __iter__(self) -> Iterator[Chunk]:
        gathered = _Gathered()
        for batch, position in cut(self._source.batches(), self._rows):
            piece = self._source.piece(batch, gathered.last)
            gathered.pieces.append(piece)
            gathered.skipped += piece.skipped
            gathered.last, gathered.position = gathered.last + batch.num_rows, position
            if gathered.last - gathered.first == self._rows:
                yield self._chunk(gathered)
                gathered.pieces, gathered.first, gathered.index = [], gathered.last, gathered.index + 1
        if gathered.pieces:
            yield self._chunk(gathered)

    def _chunk(self, of: _Gathered) -> Chunk:
        columns = ("series", "ts_s", "row", "value")
        series, ts_s, row, total = (np.concatenate([getattr(piece, name) for piece in of.pieces]) for name in columns)
        known, ids = self._known, self._known.ids()
        order = sorting(ids, series, ts_s)
        series, ts_s, row, total = series[order], ts_s[order], row[order], total[order]
        grown = self._increases.of(series, ts_s, total, known.running())
        good = self._refusals.checked(
            row,
            (
                (grown.late, lambda i: f"is of {shown(int(ts_s[i]))}, older than an earlier row of its counter; "
                                       "expected the rows of a counter in the order of time"),
                (known.counters()[series] & (total < 0), lambda i: f"is {total[i]:g} of a counter; expected 0 or more"),
            ),
        )  # fmt: skip
        of.begun += int(np.count_nonzero(good & grown.first))
        good &= ~grown.first
        value = known.values(series, grown.value)
        new = tuple(one.row for one in known.taken[of.known :])
        of.known = len(known.taken)
        parts = tuple(
            columns_table(ids[series[part]], ts_s[part], value[part]) for part in by_weeks(ts_s, np.flatnonzero(good))
        )
        counts = of.known, self._refusals.count, of.skipped, of.begun
        return Chunk(of.index, of.first, of.last, new, parts, of.position, *counts)


def cut(batches: Iterable[tuple[pa.RecordBatch, int]], rows: int) -> Iterator[tuple[pa.RecordBatch, int]]:
    """`batches` cut so that each multiple of `rows` is the end of one."""
    room = rows
    for batch, position in batches:
        while batch.num_rows:
            piece = batch.slice(0, room)
            yield piece, position
            batch, room = batch.slice(piece.num_rows), (room - piece.num_rows) or rows


def sorting(ids: NDArray[np.uint64], series: Ints, ts_s: Ints) -> Ints:
    """The order of rows by series id, then time; rows of one second stay in the order of the file.

    Args:
        ids: the id of each series, by number.
    """
    rank = np.empty(len(ids), np.int64)
    rank[np.argsort(ids)] = np.arange(len(ids))
    place = rank[series]
    if (ts_s[1:] >= ts_s[:-1]).all() and len(ids) <= 2**16:  # a stable sort of small numbers takes a tenth of the time
        return np.argsort(place.astype(np.uint16), kind="stable")
    return np.argsort((place << 32) | ts_s, kind="stable")


def by_weeks(ts_s: Ints, rows: Ints) -> Iterator[Ints]:
    """`rows` in parts of at most `MOST_WEEKS` weeks each, which begin on Monday as the partitions do."""
    week = (ts_s[rows] - MONDAY_S) // WEEK_S
    if len(rows) and week.max() - week.min() < MOST_WEEKS:
        yield rows
        return
    weeks = np.unique(week)
    for place in range(0, len(weeks), MOST_WEEKS):
        some = weeks[place : place + MOST_WEEKS]
        yield rows[(week >= some[0]) & (week <= some[-1])]
