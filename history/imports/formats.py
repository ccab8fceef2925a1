"""Tells the format of a file by what is in it, and opens it as a source of samples."""

import gzip
import re
import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from history.imports.columns import Ints, Refusals
from history.imports.prometheus import Exposition
from history.imports.series import Known
from history.imports.source import FileRefused, Options, Source
from history.imports.tables import Table, columns_of
from history.window import quoted
from probes.catalogue import Metric

BATCH_ROWS = 250_000
BLOCK_BYTES = 8 * 2**20
LOOKED_AT_BYTES = 64 * 2**10
GZIP, PARQUET = b"\x1f\x8b", b"PAR1"
A_NUMBER = r"[-+]?(?:[\d.][\w.+-]*|(?i:nan|inf))"
SAMPLE_LINE = re.compile(
    r'([a-zA-Z_:][\w:.]*\s*(\{.*\})?|\{\s*(__name__=|").*\})\s*' + rf"\s{A_NUMBER}(\s+{A_NUMBER})?(\s+#.*)?\s*"
)
EXPECTED = "expected Parquet, CSV with a header, or Prometheus text (exposition, OpenMetrics, promtool tsdb dump)"


@dataclass(frozen=True, slots=True)
class Format:
    """What a file is: ``parquet``, ``csv`` or ``prometheus``, whether within gzip, and a CSV's delimiter."""

    name: str
    gzipped: bool = False
    delimiter: str = ","


@dataclass(slots=True)
class UnevenRows:
    """The rows of a CSV file that have too few or too many cells: Arrow leaves them out, so later rows move up."""

    refusals: Refusals
    _rows: "array[int]" = field(default_factory=lambda: array("q"))

    def refuse(self, row: Any) -> str:
        """Arrow's handler of such a row."""
        self._rows.append(row.number)
        expected = f"expected {row.expected_columns}, as the header has"
        self.refusals.add([row.number], lambda _: f"has {row.actual_columns} columns ({quoted(row.text)}); {expected}")
        return "skip"

    def number(self, at: Ints) -> Ints:
        """The number in the file, the header being row 1, of the rows at these places among the even ones."""
        rows = np.array(self._rows, np.int64)
        even_before = rows - 2 - np.arange(len(rows))
        return at + 2 + np.searchsorted(even_before, at, "right")


def recognise(path: Path) -> Format:
    """The format of a file by its first bytes; its name says nothing.

    Raises:
        FileRefused: it cannot be read, is empty, or is none of the formats.
    """
    try:
        with path.open("rb") as file:
            start = file.read(LOOKED_AT_BYTES)
        if gzipped := start.startswith(GZIP):
            with gzip.open(path) as unpacked:
                start = unpacked.read(LOOKED_AT_BYTES)
    except (OSError, EOFError, zlib.error) as exc:
        raise FileRefused(f"{path} cannot be read: {getattr(exc, 'strerror', None) or exc}.") from None
    if not start.strip():
        raise FileRefused(f"{path.name} is empty; {EXPECTED}.")
    if start.startswith(PARQUET):
        if gzipped:
            raise FileRefused(f"{path.name} is Parquet within gzip; unpack it first: gunzip {path.name}")
        return Format("parquet")
    lines = [line for line in start.decode("utf-8-sig", "replace").splitlines() if line.strip()]
    if b"\x00" in start:
        raise FileRefused(f"{path.name} is neither text nor Parquet (it begins with {start[:4]!r}); {EXPECTED}.")
    if lines[0].startswith("#") or SAMPLE_LINE.fullmatch(lines[0]):
        return Format("prometheus", gzipped)
    delimiter = max(",;\t", key=lines[0].count)
    if delimiter not in lines[0] or lines[0].lstrip()[0] in "{[<":
        raise FileRefused(f"{path.name} begins with {quoted(lines[0])}; {EXPECTED}.")
    return Format("csv", gzipped, delimiter)


def open_source(
    path: Path, options: Options, catalogue: Mapping[str, Metric], known: Known, refusals: Refusals
) -> Source:
    """The file as a source of samples.

    Raises:
        FileRefused: it is none that can be imported.
    """
    found = recognise(path)
    text = Text(path, found.gzipped)
    if found.name == "parquet":
        return _parquet(path, options, catalogue, known, refusals)
    if found.name == "csv":
        return _csv(text, found.delimiter, options, catalogue, known, refusals)
    return Exposition(path, text.open, options, catalogue, known, refusals)


@dataclass(frozen=True, slots=True)
class Text:
    """A text file, gzipped or not."""

    path: Path
    gzipped: bool

    def open(self) -> tuple[IO[bytes], Callable[[], int]]:
        """Its text, and what tells how many bytes of the file were read for it."""
        file = self.path.open("rb")
        return (gzip.GzipFile(fileobj=file) if self.gzipped else file), file.tell  # type: ignore[return-value]


def _parquet(path: Path, options: Options, catalogue: Mapping[str, Metric], known: Known, refusals: Refusals) -> Table:
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            schema, total = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError) as exc:
        said = " ".join(str(exc).split())[:200]
        raise FileRefused(f"{path.name} begins like Parquet but cannot be read: {said}") from None
    columns = columns_of(path.name, schema.names, options)
    texts = [name for name in columns.naming if pa.types.is_string(schema.field(name).type)]

    def read() -> Iterator[tuple[pa.RecordBatch, int]]:
        rows = 0
        # Not pre-buffered: a row group may be larger than memory.
        with pyarrow.parquet.ParquetFile(path, read_dictionary=texts, pre_buffer=False, buffer_size=2**20) as opened:
            for batch in opened.iter_batches(BATCH_ROWS, columns=columns.read):
                rows += batch.num_rows
                yield batch, rows

    return Table(path, columns, options, catalogue, known, refusals, read, "rows", total, lambda at: at + 1)


def _csv(
    text: Text, delimiter: str, options: Options, catalogue: Mapping[str, Metric], known: Known, refusals: Refusals
) -> Table:
    uneven = UnevenRows(refusals)

    def reader(stream: IO[bytes], kinds: Mapping[str, pa.DataType], handle: Callable[[Any], str]) -> Any:
        return pyarrow.csv.open_csv(
            stream,
            pyarrow.csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
            pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=handle),
            pyarrow.csv.ConvertOptions(check_utf8=False, column_types=kinds, include_columns=list(kinds)),
        )

    stream, _ = text.open()
    try:
        with stream:
            names = reader(stream, {}, lambda _: "skip").schema.names
    except (pa.ArrowException, OSError) as exc:
        said = " ".join(str(exc).split())[:200]
        raise FileRefused(f"{text.path.name} cannot be read as CSV: {said}") from None
    columns = columns_of(text.path.name, names, options)
    kinds = dict.fromkeys(columns.read, pa.string()) | dict.fromkeys(
        columns.naming, pa.dictionary(pa.int32(), pa.string())
    )

    def read() -> Iterator[tuple[pa.RecordBatch, int]]:
        stream, position = text.open()
        with stream:
            for batch in reader(stream, kinds, uneven.refuse):
                yield batch, position()

    total = text.path.stat().st_size
    return Table(text.path, columns, options, catalogue, known, refusals, read, "B", total, uneven.number)
