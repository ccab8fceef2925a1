"""The series of a file: what names each, its unit and kind, and how its values are to be taken."""

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from history.imports.columns import Floats, Ints, shown
from history.precision import rounded_column
from history.rows import SeriesKey, SeriesRow
from probes.catalogue import EXACT_BITS, Metric
from probes.result import Labels

MOST_LENGTH = 500
METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:.\-/]*")
UNITS_BY_SUFFIX = (
    ("_bytes_per_second", "bytes/s"),
    ("_per_second", "count/s"),
    ("_seconds", "seconds"),
    ("_bytes", "bytes"),
    ("_ratio", "ratio"),
    ("_celsius", "celsius"),
)
SERIES_SUFFIXES = ("_total", "_bucket", "_sum")
"""What follows the unit in the name of a counter's or a histogram's series; ``_count`` counts and has no unit."""


class SeriesRefused(ValueError):
    """A series that cannot be taken; the message says what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A series as it is written.

    Attributes:
        running: its values are running totals, which become increases.
        factor: what a value is multiplied with: a rate per second with the seconds of its bucket.
        bits: significant bits its values keep.
    """

    row: SeriesRow
    running: bool = False
    factor: float = 1.0
    bits: int = EXACT_BITS


@dataclass(slots=True)
class Known:
    """Every series met so far, by number; a refused one has a negative number that leads to its sentence."""

    taken: list[Taken] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    _by_source: dict[Hashable, int] = field(default_factory=dict)
    _by_id: dict[int, int] = field(default_factory=dict)
    _columns: "tuple[NDArray[np.uint64], Ints, Floats, NDArray[np.bool_], NDArray[np.bool_]] | None" = None

    def find(self, source: Hashable) -> int | None:
        """The number of what the file calls `source`, if it was met before."""
        return self._by_source.get(source)

    def add(self, source: Hashable, series: Taken | SeriesRefused) -> int:
        """Number a series; two spellings of one series get one number."""
        if isinstance(series, SeriesRefused):
            self.sentences.append(str(series))
            number = -len(self.sentences)
        else:
            number = self._by_id.setdefault(series.row.key.id, len(self.taken))
            if number == len(self.taken):
                self.taken.append(series)
                self._columns = None
        self._by_source[source] = number
        return number

    def sentence(self, number: int) -> str:
        """Why the series with this negative number is refused."""
        return self.sentences[-number - 1]

    def ids(self) -> NDArray[np.uint64]:
        """The id of each series, by number."""
        return self._arrays()[0]

    def running(self) -> NDArray[np.bool_]:
        """Whether each series holds running totals, by number."""
        return self._arrays()[3]

    def counters(self) -> NDArray[np.bool_]:
        """Whether each series is a counter, by number: it can only grow."""
        return self._arrays()[4]

    def values(self, numbers: Ints, values: Floats) -> Floats:
        """`values` as the history keeps them: rates as increases, rounded to what their metric can tell."""
        _, bits, factors, _, _ = self._arrays()
        if (factors != 1).any():
            values = values * factors[numbers]
        kept = np.unique(bits[bits < EXACT_BITS])
        if len(kept):
            values = values.copy()
        for precision in kept:
            these = (bits == precision)[numbers]
            values[these] = rounded_column(values[these], int(precision))
        return values

    def _arrays(self) -> "tuple[NDArray[np.uint64], Ints, Floats, NDArray[np.bool_], NDArray[np.bool_]]":
        if self._columns is None:
            self._columns = (
                np.array([one.row.key.id for one in self.taken], np.uint64),
                np.array([one.bits for one in self.taken], np.int64),
                np.array([one.factor for one in self.taken], np.float64),
                np.array([one.running for one in self.taken], np.bool_),
                np.array([one.row.kind == "counter" for one in self.taken], np.bool_),
            )
        return self._columns


def key_of(component: str, metric: str, labels: Mapping[str, str]) -> SeriesKey:
    """The key of a series.

    Raises:
        SeriesRefused: a part is missing, too long, or holds what its identity is built with.
    """
    if not component:
        raise SeriesRefused("component is empty; expected the name of what was measured")
    if not METRIC_NAME.fullmatch(metric):
        raise SeriesRefused(f"metric is {shown(metric)}; expected a name such as http_requests_total")
    pairs: Labels = tuple(sorted(labels.items()))
    for part in (component, metric, *(text for pair in pairs for text in pair)):
        if len(part) > MOST_LENGTH or any(not char.isprintable() for char in part):
            raise SeriesRefused(
                f"a name or label is {shown(part)}; expected printable text of at most {MOST_LENGTH} characters"
            )
    return SeriesKey(component, metric, pairs)


def unit_by_name(metric: str) -> str:
    """The unit that a metric's name tells by its suffix, as Prometheus' names have it; ``count`` where it tells none.

    >>> unit_by_name("http_request_duration_seconds_bucket"), unit_by_name("jobs_waiting")
    ('count', 'count')
    >>> unit_by_name("http_request_duration_seconds_sum"), unit_by_name("net_receive_bytes_total")
    ('seconds', 'bytes')
    """
    if metric.endswith("_bucket"):
        return "count"
    stem = next((metric.removesuffix(suffix) for suffix in SERIES_SUFFIXES if metric.endswith(suffix)), metric)
    return next((unit for suffix, unit in UNITS_BY_SUFFIX if stem.endswith(suffix)), "count")


def is_counter(metric: str, catalogue: Mapping[str, Metric]) -> bool:
    """Whether a metric counts: as catalogued, and one the catalogue does not have by its name."""
    known = catalogue.get(metric)
    return known.type == "counter" if known else metric.endswith("_total")


def taken(
    key: SeriesKey, catalogue: Mapping[str, Metric], counter: bool, running: bool, factor: float = 1.0, unit: str = ""
) -> Taken:
    """A series with unit, kind and precision from the catalogue; one it does not have is told by its name, and exact.

    Args:
        counter: the file has it as a counter.
        running: its values there are running totals.
        unit: what the file says, for a metric the catalogue does not have.

    Raises:
        SeriesRefused: a running total of what the catalogue has as a level.
    """
    metric = catalogue.get(key.metric)
    if metric is None:
        kind = "counter" if counter else "gauge"
        return Taken(SeriesRow(key, unit or unit_by_name(key.metric), kind), running, factor)
    if running and metric.type != "counter":
        raise SeriesRefused(f"{key.metric} is a counter here, but Tapewatch has a {metric.type} of that name")
    return Taken(SeriesRow(key, str(metric.unit), str(metric.type)), running, factor, metric.bits)
