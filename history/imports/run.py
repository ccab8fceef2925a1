"""Bulk import: a file's samples into the history, each exactly once, however often it is broken off.

A chunk is a fixed number of the file's rows, so it is the same in every run. It is written under a
token made of the file's content and its number: sent again, because nobody knows whether it arrived,
it is written once. What is written is noted after each chunk, and a later run goes on there.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from history.imports.chunks import CHUNK_ROWS, Chunk, Chunks
from history.imports.columns import Refusals
from history.imports.formats import Text, open_source, recognise
from history.imports.series import Known
from history.imports.source import FileRefused, Options, Source
from history.rows import insert, series_table
from probes.catalogue import Metric

T = TypeVar("T")


@dataclass(slots=True)
class Report:
    """What an import did.

    Attributes:
        rows: rows of the file that are dealt with, those of earlier runs included.
        samples: samples written by this run.
        before: samples that earlier runs had written.
        series: series met in the file.
        refused: rows that could not be used.
        skipped: rows without a finite value.
        begun: first readings of running totals, from which nothing can have grown.
        position: how far the file is read, in the source's unit.
        whole: the file is in the history with all its rows.
        again: it already was before this run.
    """

    rows: int = 0
    samples: int = 0
    before: int = 0
    series: int = 0
    refused: int = 0
    skipped: int = 0
    begun: int = 0
    position: int = 0
    whole: bool = False
    again: bool = False
    notes: list[str] = field(default_factory=list)


class ImportedOtherwise(Exception):
    """The same file was imported with other options; the message names both."""


def content_hash(path: Path) -> str:
    """What names a file: its content, unpacked where it is gzipped.

    Raises:
        FileRefused: it cannot be read to its end, or is no format that can be imported.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        stream, _ = Text(path, recognise(path).gzipped).open()
        with stream:
            while block := stream.read(2**22):
                digest.update(block)
    except (OSError, EOFError, ValueError) as exc:
        raise FileRefused(f"{path.name} cannot be read to its end, nothing was imported: {exc}") from None
    return digest.hexdigest()


class Import:
    """One file on its way into the history.

    Args:
        told: is given each sentence about a refused row.
        chunk_rows: rows of a chunk; another number makes another import of the same file.

    Raises:
        FileRefused: the file is none that can be imported.
    """

    def __init__(
        self, path: Path, options: Options, catalogue: Mapping[str, Metric], told: Callable[[str], None],
        chunk_rows: int = CHUNK_ROWS,
    ) -> None:  # fmt: skip
        self._hash = content_hash(path)
        self._options, self._chunk_rows = options, chunk_rows
        self._known, self._refusals = Known(), Refusals(path.name, told=told)
        self.source: Source = open_source(path, options, catalogue, self._known, self._refusals)
        self.report = Report(notes=self.source.notes)

    @property
    def name(self) -> str:
        """What the notes of progress call this import."""
        return self._name(self._options)

    def _name(self, options: Options) -> str:
        size = "" if self._chunk_rows == CHUNK_ROWS else f"chunk={self._chunk_rows}"
        return " ".join(filter(None, (f"import:{self._hash}", options.words, size)))

    def run(self, client: Client, database: str, moved: Callable[[Report], None], again: bool = False) -> Report:
        """Write what is not written yet.

        Args:
            moved: is told after each chunk.
            again: import the file even though it was imported with other options.

        Raises:
            ImportedOtherwise: it was imported with other options, and `again` is not said.
            FileRefused: the file cannot be read further; the chunks before are written.
            ProbeFailure, ClickHouseError, OSError, urllib3.exceptions.HTTPError: the history failed; a later run goes
                on where this one ended.
        """
        written, whole = self._noted(client, database, again)
        report = self.report
        if whole:
            report.rows, report.whole, report.again = written, True, True
            return report
        for chunk in ahead(Chunks(self.source, self._known, self._refusals, self._chunk_rows)):
            if chunk.last <= written:
                report.before += chunk.count
            else:
                self._write(client, database, chunk)
                report.samples += chunk.count
            report.rows, report.position, report.series = chunk.last, chunk.position, chunk.known
            report.refused, report.skipped, report.begun = chunk.refused, chunk.skipped, chunk.begun
            moved(report)
        report.refused, report.whole = self._refusals.count, True
        self._note(client, database, report.rows, report.rows)
        return report

    def _noted(self, client: Client, database: str, again: bool) -> tuple[int, bool]:
        """How many rows are written, and whether that is all of them.

        Rows written before an option was found to be needed do not depend on it: they count.
        """
        rows = client.query(
            f"SELECT source, max(last), max(first) FROM {database}.progress "
            "WHERE startsWith(source, {prefix:String}) GROUP BY source",
            parameters={"prefix": f"import:{self._hash}"},
        ).result_rows
        noted = {str(source): (int(last), int(last) == int(first)) for source, last, first in rows}
        mine = {
            self._name(replace(self._options, component=component, step_s=step_s))
            for component in {"", self._options.component}
            for step_s in {0.0, self._options.step_s}
        }
        others = sorted(set(noted) - mine)
        if others and not mine & set(noted) and not again:
            said = [source.partition(" ")[2] or "none" for source in (*others, self.name)]
            raise ImportedOtherwise(
                f"{self.source.path.name} was imported before with other options ({'; '.join(said[:-1])}; now: "
                f"{said[-1]}). Its samples would be written once more beside those; --again does that."
            )
        return max((noted[name] for name in mine if name in noted), default=(0, False))

    def _note(self, client: Client, database: str, first: int, last: int) -> None:
        """Note that rows up to `last` are written; equal numbers say that the file has no more."""
        row = {"source": [self.name], "first": pa.array([first], pa.uint64()), "last": pa.array([last], pa.uint64())}
        insert(client, f"{database}.progress", pa.table(row), f"{self.name}:{first}:{last}")

    def _write(self, client: Client, database: str, chunk: Chunk) -> None:
        """A chunk's new series, its samples, and the note that they are written, in this order."""
        token = f"{self.name}:{chunk.index}"
        if chunk.series:
            insert(client, f"{database}.series", series_table(chunk.series), token)
        for part, rows in enumerate(chunk.samples):
            insert(client, f"{database}.samples", rows, f"{token}.{part}")
        self._note(client, database, chunk.first, chunk.last)


def ahead(items: Iterable[T]) -> Iterator[T]:
    """`items`, the next one made in another thread while the last is being used."""
    last = object()
    source = iter(items)
    with ThreadPoolExecutor(1, "import:reader") as pool:
        following = pool.submit(next, source, last)
        while (item := following.result()) is not last:
            following = pool.submit(next, source, last)
            yield item  # type: ignore[misc]
