"""Whole columns of a file turned into times, numbers and codes, and what of them cannot be used. Pure but for a tally.

Everything works on a column at a time: row by row Python would take ten times as long as ClickHouse.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from history.window import FIRST_YEAR, LAST_YEAR, quoted

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

SHOWN = 20
"""So many refused rows are shown in words; all are counted."""
EARLIEST_S = int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
LATEST_S = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())
NO_TIME = -1
EPOCH_UNITS = (("s", 1, 10**10), ("ms", 10**3, 10**13), ("µs", 10**6, 10**16), ("ns", 10**9, 2**63 - 1))
"""A unit of epoch time, its parts in a second, and the number it ends below: the years allowed never overlap."""
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
NOT_FINITE = r"^[+-]?(?i:nan|inf|infinity)$"
ZONED = r"\d[Tt ]\d\d.*([Zz]|[+-]\d\d(:?\d\d)?)$"
TIME_EXPECTED = f"expected ISO 8601 or epoch s, ms, µs or ns, from {FIRST_YEAR} to {LAST_YEAR}"


@dataclass(slots=True)
class Refusals:
    """The rows that cannot be used: all counted, the first `SHOWN` in words.

    Args:
        file: how sentences call the file.
        word: what a row of it is called: ``row`` or ``line``.
        told: is given each sentence as it comes.
    """

    file: str
    word: str = "row"
    told: Callable[[str], None] | None = None
    count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, rows: Iterable[int], sentence: Callable[[int], str]) -> None:
        """Refuse `rows` (their numbers in the file); `sentence` is asked, by position, only about those shown."""
        with self._lock:
            for position, row in enumerate(rows):
                if self.told and self.count < SHOWN:
                    self.told(f"{self.file}: {self.word} {row}: {sentence(position)}.")
                self.count += 1

    def checked(self, rows: Ints, checks: Sequence[tuple[Mask, Callable[[int], str]]]) -> Mask:
        """Which of `rows` pass every check; each of the others is refused by the first it fails.

        Args:
            checks: a mask of the bad ones, and the sentence for the one at a position.
        """
        good = np.ones(len(rows), np.bool_)
        for bad, sentence in checks:
            at = np.flatnonzero(bad & good)
            good &= ~bad
            self.add(rows[at], lambda place, at=at, sentence=sentence: sentence(int(at[place])))  # type: ignore[misc]
        return good


def epoch_seconds(column: pa.Array, units: set[str]) -> Ints:
    """Whole epoch seconds of a column of times, `NO_TIME` where there is none that can be used.

    A time without a zone is UTC. A number is seconds, ms, µs or ns by its magnitude.

    Args:
        units: gets the unit of the numbers found.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):  # Arrow keeps zoned ones in UTC
        whole = column.cast(pa.timestamp("s"), safe=False).cast(pa.int64())
        return _in_range(pc.fill_null(whole, NO_TIME).to_numpy(zero_copy_only=False))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        column = column.cast(pa.int64() if pa.types.is_integer(kind) else pa.float64(), safe=False)
        known = pc.fill_null(column, NO_TIME).to_numpy(zero_copy_only=False)
        return _in_range(_seconds_of_numbers(known, units))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _seconds_of_texts(pc.ascii_trim_whitespace(column), units)
    return np.full(len(column), NO_TIME, np.int64)


def numbers(column: pa.Array) -> tuple[Floats, Mask]:
    """A column as numbers, and which of them are none; NaN also stands for empty and infinite ones."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    bad = np.zeros(len(column), np.bool_)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        try:
            column = column.cast(pa.float64())
        except pa.ArrowInvalid:
            column = pc.ascii_trim_whitespace(column)
            number = pc.fill_null(pc.match_substring_regex(column, NUMBER), False)
            absent = pc.or_(pc.is_null(column), pc.equal(pc.binary_length(column), 0))
            absent = pc.or_(absent, pc.match_substring_regex(column, NOT_FINITE))
            bad = _mask(pc.invert(pc.or_(number, pc.fill_null(absent, True))))
            column = pc.if_else(number, column, None).cast(pa.float64())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return np.full(len(column), np.nan), np.ones(len(column), np.bool_)
    values = pc.fill_null(column.cast(pa.float64(), safe=False), np.nan).to_numpy(zero_copy_only=False)
    return np.where(np.isfinite(values), values, np.nan), bad


def codes(column: pa.Array) -> tuple[Ints, list[object]]:
    """The number of each row's value in the list of distinct ones; 0 is for null. A map counts as its pairs."""
    if pa.types.is_map(column.type):
        return _map_codes(column)
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    indices = pc.fill_null(column.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False) + 1
    return indices, [None, *_decoded(column.dictionary)]


def combined(columns: Sequence[Ints]) -> tuple[Ints, Ints]:
    """The number of each row's combination of codes, and for each combination the first row that has it."""
    total, size = columns[0], int(columns[0].max(initial=0)) + 1
    for column in columns[1:]:
        width = int(column.max(initial=0)) + 1
        if size > 2**62 // width:
            total = _dense(total)
            size = int(total.max(initial=0)) + 1
        total, size = total * width + column, size * width
    dense = _dense(total)
    first = np.empty(int(dense.max(initial=-1)) + 1, np.int64)
    first[dense[::-1]] = np.arange(len(dense))[::-1]  # the last one written is the first row
    return dense, first


def shown(value: object) -> str:
    """A value of a file as a sentence shows it."""
    return "empty" if value in (None, "", b"") else quoted(str(value))


def text_at(column: pa.Array, index: int) -> str:
    """`shown` of one cell, whatever bytes it is made of."""
    return shown(_decoded(column[index : index + 1])[0])


def _dense(total: Ints) -> Ints:
    numbered: Ints = pa.array(total).dictionary_encode().indices.to_numpy().astype(np.int64)
    return numbered


def _decoded(column: pa.Array) -> list[object]:
    """Values as Python has them; bytes that are no UTF-8 become U+FFFD."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type) or pa.types.is_binary(column.type):
        raw = column.cast(pa.large_binary()).to_pylist()
        return [None if value is None else value.decode("utf-8", "replace") for value in raw]
    return list(column.to_pylist())


def _map_codes(column: pa.Array) -> tuple[Ints, list[object]]:
    """Codes of a column of maps: pairs are numbered, then rows by their pairs, one place at a time."""
    starts = np.asarray(column.offsets, np.int64)
    keys, values = column.keys, column.items
    pair, _ = combined([codes(keys)[0], codes(values)[0]]) if len(keys) else (np.empty(0, np.int64), None)
    lengths = np.where(_mask(column.is_null()), 0, np.diff(starts))
    total = np.zeros(len(column), np.int64)
    pair = pair + 1
    for place in range(int(lengths.max(initial=0))):
        here = np.zeros(len(column), np.int64)
        having = lengths > place
        here[having] = pair[starts[:-1][having] + place - starts[0]]
        total, _ = combined([total, here])
    dense, first = combined([total])
    return dense, column.take(pa.array(first)).to_pylist()


def _in_range(seconds: Ints) -> Ints:
    return np.where((seconds >= EARLIEST_S) & (seconds < LATEST_S), seconds, NO_TIME)


def _seconds_of_numbers(values: NDArray[np.int64] | Floats, units: set[str]) -> Ints:
    """Epoch seconds of numbers; what is negative or no number is out of any range."""
    if values.dtype.kind == "f":
        values = np.where(np.isfinite(values), values, NO_TIME)
    seconds = np.full(len(values), NO_TIME, np.int64)
    below = 1
    for unit, parts, ends in EPOCH_UNITS:
        these = (values >= below) & (values < ends)
        if these.any():
            found = np.floor_divide(values[these], parts).astype(np.int64)
            seconds[these] = found
            if (_in_range(found) != NO_TIME).any():
                units.add(unit)
        below = ends
    return seconds


def _seconds_of_texts(column: pa.Array, units: set[str]) -> Ints:
    """Epoch seconds of texts: the whole column at once where one cast takes it, else sorted by what they look like."""
    for kind in (pa.int64(), pa.timestamp("ns", "UTC"), pa.timestamp("ns")):
        try:
            return epoch_seconds(column.cast(kind), units)
        except pa.ArrowInvalid:
            continue
    number = _mask(pc.fill_null(pc.match_substring_regex(column, NUMBER), False))
    zoned = _mask(pc.fill_null(pc.match_substring_regex(column, ZONED), False)) & ~number
    seconds = np.full(len(column), NO_TIME, np.int64)
    for these, kind in (
        (number, pa.float64()),
        (zoned, pa.timestamp("ns", "UTC")),
        (~number & ~zoned, pa.timestamp("ns")),
    ):
        some = column.filter(pa.array(these))
        try:
            seconds[these] = epoch_seconds(some.cast(kind), units)
        except pa.ArrowInvalid:
            seconds[these] = [_second_of(value) for value in _decoded(some)]
    return seconds


def _second_of(text: object) -> int:
    """One time that Arrow does not read: Python knows more of ISO 8601."""
    try:
        moment = datetime.fromisoformat(str(text))
        at_s = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return NO_TIME
    return int(at_s // 1) if EARLIEST_S <= at_s < LATEST_S else NO_TIME


def _mask(column: pa.Array) -> Mask:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.bool_)
