"""What the readers of the several formats have in common: options, rows read, and why a file is refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from history.imports.columns import Floats, Ints


class FileRefused(Exception):
    """The file cannot be imported, or no further; the message says what was found, expected, and what to do."""


class OptionNeeded(FileRefused):
    """The file cannot be imported, or no further, without an option; rows before do not depend on it."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the rows of a file are to be taken.

    Attributes:
        component: the component of a table without that column, and of lines that name none.
        labels: columns that become labels.
        ignored: columns that are left out.
        columns: the file's name of each of our columns that has another there, as (ours, the file's).
        cumulative: counters of a table are running totals, and become increases.
        step_s: seconds of a bucket of an export, whose counters are rates per second.
    """

    component: str = ""
    labels: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    cumulative: bool = False
    step_s: float = 0.0

    @property
    def words(self) -> str:
        """What differs from the defaults, in one line; the same options have the same words."""
        said = [
            self.component and f"component={self.component}",
            self.labels and f"labels={','.join(self.labels)}",
            self.ignored and f"ignore={','.join(self.ignored)}",
            self.columns and f"columns={','.join('='.join(pair) for pair in sorted(self.columns))}",
            self.cumulative and "cumulative",
            self.step_s and f"step={self.step_s:g}s",
        ]
        return " ".join(str(word) for word in said if word)


@dataclass(frozen=True, slots=True)
class Piece:
    """The samples of consecutive rows: series by number, epoch seconds, values, the rows' numbers in the file.

    Attributes:
        skipped: rows without a finite value, which are neither samples nor mistakes.
    """

    series: Ints
    ts_s: Ints
    value: Floats
    row: Ints
    skipped: int


class Source(Protocol):
    """A file that is read batch by batch.

    Attributes:
        path: the file.
        unit: what `total` and positions count: ``rows`` or ``B``.
        notes: what a person should know of how the file was understood; complete when all is read.
    """

    path: Path
    unit: str
    total: int
    notes: list[str]

    def batches(self) -> Iterator[tuple[pa.RecordBatch, int]]:
        """The rows in order, and the position after each batch.

        Raises:
            FileRefused: the file cannot be read further.
        """
        ...

    def piece(self, batch: pa.RecordBatch, first: int) -> Piece:
        """The samples of `batch`, whose first row is the `first` of the file (from 0)."""
        ...
