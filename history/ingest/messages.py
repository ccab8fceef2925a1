"""What a Kafka message says in samples, and which messages belong together. Pure.

The value of a message is JSON, a sample a line, so that any producer in any language can write it and a person can
read what was refused; Kafka's own compression takes the repeated names out of a batch::

    {"component": "gateway", "metric": "fix_orders_total", "labels": {"venue": "XNAS"},
     "time": "2026-11-24T14:30:00Z", "value": 12}

A counter's value is its increase since the sample before, as everywhere in the history.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Protocol

from history.imports.series import SeriesRefused, key_of, unit_by_name
from history.precision import rounded
from history.rows import Sample, SeriesKey, SeriesRow
from history.window import FIRST_YEAR, LAST_YEAR, quoted
from probes.catalogue import Metric
from probes.result import Labels, utc

KEYS = {"component", "metric", "labels", "time", "value"}
MOST_LINES = 10_000
MOST_SAMPLES = 50_000
"""In one batch; a message of more makes one alone."""
WEEK_S, MONDAY_S = 7 * 86400, 4 * 86400
WEEKS_AT_ONCE = 50
"""Samples are partitioned by week, and ClickHouse refuses an insert into more than 100 partitions."""


class Unreadable(ValueError):
    """A message that cannot be read; says the line, what it has and what was expected."""


@dataclass(frozen=True, slots=True)
class Range:
    """Offsets of one partition, both ends included; when `first` is past `last` all before `first` is written."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    @property
    def written(self) -> bool:
        return self.first > self.last

    @property
    def after(self) -> "Range":
        """What is noted when this range is written."""
        return Range(self.last + 1, self.last)


@dataclass(frozen=True, slots=True)
class Start:
    """Where to go on in a partition: from offset `at`, `redo` first; `gone` messages are no longer there."""

    at: int
    redo: Range | None
    gone: int


def start_of(noted: Range | None, first: int) -> Start:
    """Where to go on after the last note on a partition whose first offset is `first`."""
    if noted is None:
        return Start(first, None, 0)
    at = max(noted.first, first)
    return Start(at, None if noted.written or noted.last < first else noted, at - noted.first)


@dataclass(frozen=True, slots=True)
class Measured:
    """One line of a message."""

    key: SeriesKey
    ts_s: int
    value: float


class Message(Protocol):
    """What is needed of a record of Kafka's."""

    @property
    def offset(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Batch:
    """The messages of a range: what they measured, and a sentence on each that was refused."""

    range: Range
    measured: tuple[Measured, ...]
    refused: tuple[str, ...]


def batch_of(place: str, messages: Iterable[Message], of: Range) -> Batch:
    """Everything the messages of a range say; `place` names topic and partition."""
    measured: list[Measured] = []
    refused: list[str] = []
    for message in messages:
        try:
            measured += read(message.value)
        except Unreadable as exc:
            refused.append(f"The message at {place} offset {message.offset} is refused: {exc}.")
    return Batch(of, tuple(measured), tuple(refused))


def batches(place: str, messages: Iterable[Message]) -> Iterator[Batch]:
    """New messages of one partition, in order, cut into batches of a bounded size."""
    cut: list[Message] = []
    size = 0
    for message in messages:
        lines = (message.value or b"").count(b"\n") + 1
        if cut and size + lines > MOST_SAMPLES:
            yield batch_of(place, cut, Range(cut[0].offset, cut[-1].offset))
            cut, size = [], 0
        cut.append(message)
        size += lines
    if cut:
        yield batch_of(place, cut, Range(cut[0].offset, cut[-1].offset))


def read(value: bytes | None) -> list[Measured]:
    """The samples of a message.

    Raises:
        Unreadable: a line that is no sample; then none of the message is taken.
    """
    lines = (value or b"").splitlines()
    if len(lines) > MOST_LINES:
        raise Unreadable(f"it has {len(lines)} lines; expected at most {MOST_LINES}")
    found = [_measured(line, number) for number, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise Unreadable("it is empty; expected JSON, a sample a line")
    return found


def series_row(key: SeriesKey, metrics: Mapping[str, Metric]) -> SeriesRow:
    """A series with unit and kind from the catalogue; one it does not have is told by its name."""
    metric = metrics.get(key.metric)
    if metric is None:
        return SeriesRow(key, unit_by_name(key.metric), "counter" if key.metric.endswith("_total") else "gauge")
    return SeriesRow(key, str(metric.unit), str(metric.type))


def samples_of(measured: Sequence[Measured], metrics: Mapping[str, Metric]) -> Iterator[list[Sample]]:
    """Samples as the history keeps them, in as many batches as ClickHouse takes; the same ones each time."""

    ids = {key: key.id for key in {one.key for one in measured}}

    def kept(one: Measured) -> Sample:
        metric = metrics.get(one.key.metric)
        return Sample(ids[one.key], one.ts_s, rounded(one.value, metric.bits) if metric else one.value)

    def weeks(sample: Sample) -> int:
        return (sample.ts_s - MONDAY_S) // WEEK_S // WEEKS_AT_ONCE

    for _, batch in groupby(sorted(map(kept, measured), key=weeks), weeks):
        yield list(batch)


def later(*noted: Range | None) -> Range | None:
    """Of several notes on one partition the one that came last."""
    return max((one for one in noted if one), key=lambda one: (one.last, one.first), default=None)


def parse_range(text: str) -> Range | None:
    """The range a commit's metadata names, as ``Range`` is written there; None for anybody else's metadata."""
    first, dash, last = text.partition("-")
    return Range(int(first), int(last)) if dash and first.isdecimal() and last.isdecimal() else None


def _measured(line: bytes, number: int) -> Measured:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        raise Unreadable(
            f"line {number} is {quoted(line.decode(errors='replace'))}; expected a JSON object such as "
            '{"component": "gateway", "metric": "queue_messages", "time": 1795530600, "value": 3}'
        ) from None
    if not isinstance(said, dict) or not KEYS - {"labels"} <= set(said) <= KEYS:
        got = ", ".join(sorted(map(str, said))) if isinstance(said, dict) else type(said).__name__
        raise Unreadable(
            f"line {number} has {quoted(got)}; expected the keys component, metric, time, value and, if any, labels"
        )
    labels = said.get("labels", {})
    if not isinstance(labels, dict) or not all(isinstance(text, str) for text in labels.values()):
        raise Unreadable(f"line {number}: labels is {quoted(json.dumps(labels))}; expected an object of texts")
    if not isinstance(said["component"], str) or not isinstance(said["metric"], str):
        raise Unreadable(f"line {number}: component and metric are texts; got {quoted(line.decode(errors='replace'))}")
    try:
        key = _key_of(said["component"], said["metric"], tuple(labels.items()))
    except SeriesRefused as exc:
        raise Unreadable(f"line {number}: {exc}") from None
    return Measured(key, _second(said["time"], number), _number(said["value"], number))


@lru_cache(20_000)
def _key_of(component: str, metric: str, labels: Labels) -> SeriesKey:
    return key_of(component, metric, dict(labels))


def _second(time: object, number: int) -> int:
    moment: datetime | None = None
    try:
        if isinstance(time, int | float) and not isinstance(time, bool):
            moment = utc(float(time))
        elif isinstance(time, str) and len(time) <= 40:
            moment = datetime.fromisoformat(time)
    except (ValueError, OverflowError, OSError):
        pass
    if moment is None or moment.tzinfo is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise Unreadable(
            f"line {number}: time is {quoted(json.dumps(time))}; expected epoch seconds, or ISO 8601 with its zone "
            f"such as 2026-11-24T14:30:00Z, from {FIRST_YEAR} to {LAST_YEAR}"
        )
    return math.floor(moment.timestamp())


def _number(value: object, number: int) -> float:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:
        pass
    raise Unreadable(f"line {number}: value is {quoted(json.dumps(value))}; expected a finite number")
