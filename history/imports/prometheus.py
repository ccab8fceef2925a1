"""Prometheus' text formats: exposition, OpenMetrics, and what `promtool tsdb dump` writes.

A line is a series, a value and a time. Values and times are read as columns; what names a series
is read by Prometheus' own client library, once for each spelling.
"""

import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from prometheus_client.parser import text_string_to_metric_families

from history.imports.columns import NO_TIME, TIME_EXPECTED, Ints, Mask, Refusals, codes, epoch_seconds, numbers, text_at
from history.imports.series import Known, SeriesRefused, Taken, key_of, taken
from history.imports.source import FileRefused, OptionNeeded, Options, Piece
from history.window import quoted
from probes.catalogue import Metric

BLOCK_BYTES = 8 * 2**20
LONGEST_LINE_BYTES = 2**20
LINE = r"^\s*(?P<head>[^\s{]*(?:\s*\{.*\})?)\s+(?P<value>[^\s{}\"]+)(?:\s+(?P<time>[^\s{}\"]+))?\s*$"
HEAD_ENDS = r"^[^\s{}]+$|\}$"
EXEMPLAR = r'\s# \{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\}\s\S+(?:\s\S+)?\s*$'
TYPE = re.compile(r"\s*#\s+TYPE\s+(\S+)\s+(\w+)\s*")
GROWS = {"counter": ("", "_total"), "histogram": ("_bucket", "_count", "_sum"), "summary": ("_count", "_sum")}
"""Of a family of each type, the series that only grow."""
GROWS_UNTYPED = ("_total", "_bucket", "_count", "_sum")
SUFFIXES = ("_total", "_bucket", "_count", "_sum", "_created", "_gcount", "_gsum")


class Exposition:
    """A source of lines; see `history.imports.source.Source`."""

    unit = "B"

    def __init__(
        self, path: Path, opened: Callable[[], tuple[IO[bytes], Callable[[], int]]], options: Options,
        catalogue: Mapping[str, Metric], known: Known, refusals: Refusals,
    ) -> None:  # fmt: skip
        self.path, self.total = path, path.stat().st_size
        self.notes: list[str] = []
        self._opened, self._options, self._catalogue = opened, options, catalogue
        self._known, self._refusals = known, refusals
        self._types: dict[str, str] = {}
        refusals.word = "line"

    def batches(self) -> Iterator[tuple[pa.RecordBatch, int]]:
        """Lines, as they stand in the file, in blocks of a few megabytes."""
        stream, position = self._opened()
        rest, lines = b"", 0
        try:
            with stream:
                while block := stream.read(BLOCK_BYTES):
                    *whole, rest = (rest + block).split(b"\n")
                    if len(rest) > LONGEST_LINE_BYTES:
                        raise FileRefused(
                            f"{self.path.name}: line {lines + len(whole) + 1} is longer than {LONGEST_LINE_BYTES} "
                            "bytes; expected a sample a line."
                        )
                    lines += len(whole)
                    yield _lines(whole), position()
                if rest:
                    yield _lines([rest]), position()
        except (OSError, EOFError, zlib.error) as exc:
            raise FileRefused(f"{self.path.name} cannot be read beyond line {lines}: {exc}") from None

    def piece(self, batch: pa.RecordBatch, first: int) -> Piece:
        """The samples of these lines; comments tell the types of what follows them."""
        lines = pc.ascii_trim_whitespace(batch.column(0))
        comments = _true(pc.or_(pc.starts_with(lines, "#"), pc.equal(pc.binary_length(lines), 0)))
        self._note_types(lines.filter(pa.array(comments)))
        at = np.flatnonzero(~comments)
        lines = lines.take(pa.array(at))
        row = at + first + 1
        heads, values, times = _parts(_without_exemplars(lines))
        named, series = _true(pc.not_equal(heads, "")), self._series(heads)
        ts_s = epoch_seconds(times, set())
        value, no_number = numbers(values)
        good = self._refusals.checked(
            row,
            (
                (~named, lambda i: f"is {text_at(lines, i)}; expected name{{labels}} value time"),
                (series < 0, lambda i: self._known.sentence(int(series[i]))),
                (_true(pc.equal(times, "")), lambda i: f"is {text_at(lines, i)}; expected a time after the value"),
                (ts_s == NO_TIME, lambda i: f"the time is {text_at(times, i)}; {TIME_EXPECTED}"),
                (no_number, lambda i: f"the value is {text_at(values, i)}; expected a number"),
            ),
        )
        finite = good & ~np.isnan(value)
        skipped = int(np.count_nonzero(good & ~finite))
        return Piece(series[finite], ts_s[finite], value[finite], row[finite], skipped)

    def _note_types(self, comments: pa.Array) -> None:
        for line in comments.cast(pa.binary()).to_pylist():
            if match := TYPE.fullmatch(line.decode("utf-8", "replace")):
                self._types[match[1].strip('"')] = match[2].lower()

    def _series(self, heads: pa.Array) -> Ints:
        """The number of each line's series; 0 where the line is none."""
        coded, distinct = codes(heads)
        numbered = np.zeros(len(distinct), np.int64)
        for place, head in enumerate(distinct):
            if head:
                found = self._known.find(str(head))
                numbered[place] = self._known.add(str(head), self._taken(str(head))) if found is None else found
        return numbered[coded]

    def _taken(self, head: str) -> Taken | SeriesRefused:
        try:
            ((name, labels),) = (
                (sample.name, dict(sample.labels))
                for family in text_string_to_metric_families(f"{head} 1\n")
                for sample in family.samples
            )
        except ValueError as exc:
            return SeriesRefused(f'its series is {quoted(head, 80)}; expected name{{label="text"}} ({exc})')
        component = labels.pop("component", "") or labels.pop("job", "") or self._options.component
        if not component:
            raise OptionNeeded(
                f"{self.path.name} has series without a label component or job, such as {quoted(head, 80)}: they need "
                "--component NAME."
            )
        try:
            key = key_of(component, name, labels)
            grows = self._grows(name)
            return taken(key, self._catalogue, grows, grows)
        except SeriesRefused as refused:
            return refused

    def _grows(self, name: str) -> bool:
        """Whether a series holds running totals: by the type the file gives, else as catalogued, else by its name."""
        bases = [name, *(name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix))]
        family = next((base for base in bases if base in self._types), None)
        if family is not None and self._types[family] not in {"untyped", "unknown"}:
            return name[len(family) :] in GROWS.get(self._types[family], ())
        metric = self._catalogue.get(name)
        return metric.type == "counter" if metric else name.endswith(GROWS_UNTYPED)


def _lines(whole: list[bytes]) -> pa.RecordBatch:
    return pa.record_batch({"line": pa.array(whole, pa.binary()).view(pa.string())})


def _parts(lines: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Series, value and time of each line; null where it has not even that shape, an empty time where it has none.

    Splitting at the last two blanks is right for nearly all lines and ten times as fast as the expression, which
    takes what then looks odd: other white space, or no time.
    """
    split = pc.split_pattern(lines, " ", max_splits=2, reverse=True)
    whole = pc.equal(pc.list_value_length(split), 3)
    three = split.filter(whole)
    head, value, time = (pc.list_element(three, place) for place in range(3))
    even = pc.and_(pc.match_substring_regex(head, HEAD_ENDS), pc.invert(pc.match_substring(value, '"')))
    plain = _true(whole)
    plain[plain] = _true(even)
    odd = pc.extract_regex(lines.filter(pa.array(~plain)), LINE)
    order = np.empty(len(lines), np.int64)
    order[np.flatnonzero(plain)] = np.arange(np.count_nonzero(plain))
    order[np.flatnonzero(~plain)] = np.arange(np.count_nonzero(plain), len(lines))
    columns = ((head, "head"), (value, "value"), (time, "time"))
    joined = (pa.concat_arrays([column.filter(even), odd.field(name)]) for column, name in columns)
    first, second, third = (column.take(pa.array(order)) for column in joined)
    return first, second, third


def _without_exemplars(lines: pa.Array) -> pa.Array:
    """OpenMetrics may add an exemplar to a sample: it is no part of it."""
    if not pc.any(pc.match_substring(lines, " # {")).as_py():
        return lines
    return pc.replace_substring_regex(lines, EXEMPLAR, "")


def _true(column: pa.Array) -> Mask:
    return np.asarray(pc.fill_null(column, False).to_numpy(zero_copy_only=False), np.bool_)
