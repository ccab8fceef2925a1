"""What the history answers: series, summaries, statuses, events. Values without access to anything.

Times are epoch seconds; values are in the metric's base unit. A period without samples has no point:
gaps stay gaps.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from history.buckets import Buckets
from history.rows import SeriesRow
from history.tiers import RAW
from history.window import Window
from probes.result import Status

Floats = NDArray[np.float64]
Period = tuple[float, float]
"""Start and end in epoch seconds, half open."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One series over a window, a point per bucket that has samples.

    Attributes:
        t: start of each bucket, epoch seconds, ascending.
        avg, low, high: average, minimum and maximum of the bucket; of a counter as rates per second, those of
            single readings as if they were equally far apart.
        count: samples in each bucket.
        p50, p95, p99: percentiles of each bucket, where they were asked for.
        step_s: bucket width.
    """

    component: str
    metric: str
    labels: tuple[tuple[str, str], ...]
    unit: str
    step_s: int
    t: Floats
    avg: Floats
    low: Floats
    high: Floats
    count: Floats
    p50: Floats | None = None
    p95: Floats | None = None
    p99: Floats | None = None

    @property
    def label(self) -> str:
        """What tells this series from others of its metric: its label values, else its component."""
        return " ".join(value for _, value in self.labels) or self.component

    @property
    def last(self) -> float | None:
        return float(self.avg[-1]) if len(self.avg) else None

    @property
    def columns(self) -> list[Floats]:
        """Every column that there is, the times first."""
        found = (self.t, self.avg, self.low, self.high, self.count, self.p50, self.p95, self.p99)
        return [column for column in found if column is not None]

    def of(self, columns: Sequence[Floats]) -> "Series":
        """This series with other points: as many columns as `columns` has."""
        key = (self.component, self.metric, self.labels, self.unit, self.step_s)
        return Series(*key, *columns)


@dataclass(frozen=True, slots=True)
class SeriesSet:
    """The answer to `series`: the series and how they were read.

    Attributes:
        previous: the same series of the period before, moved onto this one, where that was asked for.
        total: how many series match what was asked, of which an answer has `rows` at most; 0 where they were named.
        read_s: when the last point was read; whole_s: when all of them were.
    """

    series: tuple[Series, ...] = ()
    tier: str = RAW.name
    step_s: int = 0
    window: Window = field(default_factory=lambda: Window(0, 0))
    total: int = 0
    previous: tuple[Series, ...] = ()
    rows: tuple[SeriesRow, ...] = ()
    read_s: float = 0.0
    whole_s: float = 0.0

    @property
    def truncated(self) -> bool:
        """There are more series than an answer has."""
        return self.total > len(self.rows)

    def of(self, metric: str, component: str | None = None) -> list[Series]:
        """The series of one metric, optionally of one component."""
        return [s for s in self.series if s.metric == metric and component in (None, s.component)]


@dataclass(frozen=True, slots=True)
class Interval:
    """A component had `status` from `start_s` until `end_s` (the window's end when it still has)."""

    component: str
    status: Status
    start_s: float
    end_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """At `at_s` a component went from `before` to `after`."""

    component: str
    at_s: float
    before: Status
    after: Status
    reason: str


@dataclass(frozen=True, slots=True)
class Event:
    """A deploy, restart, annotation or other thing worth a mark; `till_s` None: a moment."""

    at_s: float
    till_s: float | None
    kind: str
    component: str
    author: str
    text: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """A page as somebody saved it: its `page` (the path) and `query` (all that stands behind the ``?``), by name."""

    id: str
    name: str
    page: str
    query: str
    author: str
    note: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Summary:
    """One series over a whole window: percentiles, extremes and how often it was seen."""

    component: str
    metric: str
    labels: tuple[tuple[str, str], ...]
    unit: str
    count: int
    avg: float
    low: float
    high: float
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """One series by the hour of the week: 7 rows, Monday first, by 24 hours; NaN where nothing was seen."""

    component: str
    metric: str
    labels: tuple[tuple[str, str], ...]
    unit: str
    p95: Floats
    peak: Floats


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest sample of a series: when it was taken, and its value (of a counter the increase)."""

    row: SeriesRow
    at_s: float
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class Mover:
    """A series that left its own past in a window.

    Attributes:
        usual, low, high: its median before the window, and the band it usually kept to.
        value: its average while it was outside.
        began_s: when it was outside first.
        outside_ratio: share of the window it spent there.
        line: its course over the window and as long before it.
    """

    row: SeriesRow
    score: float
    usual: float
    low: float
    high: float
    value: float
    began_s: float
    outside_ratio: float
    line: Series | None


def cut(columns: Sequence[Floats], rows: Sequence[SeriesRow], buckets: Buckets, now_s: float) -> tuple[Series, ...]:
    """One `Series` for each of `rows` that has points, out of the sorted columns of all of them.

    Args:
        columns: series id, bucket, average, minimum, maximum, count and, optionally, three percentiles.
        now_s: a bucket that is not over yet is as long as what of it has passed, which a counter's rate needs.
    """
    if not columns:
        return ()
    inside = (columns[1] >= buckets.start_s) & (columns[1] < buckets.end_s)
    ids, *columns = (column[inside] for column in columns)
    found = []
    for row in rows:
        start, end = (int(np.searchsorted(ids, np.uint64(row.key.id), side)) for side in ("left", "right"))
        if start == end:
            continue
        t, *values = (column[start:end].astype(np.float64) for column in columns)
        if row.kind == "counter":
            values = rates(values, np.minimum(buckets.seconds(t), np.maximum(1.0, now_s - t)))
        key = (row.key.component, row.key.metric, row.key.labels, row.unit, buckets.step_s)
        found.append(Series(*key, t, *values))
    return tuple(found)


def stretches(
    first_s: float, last_s: float, holes: Sequence[Period], usual_s: float, window: Window
) -> tuple[Period, ...]:
    """What lies between some holes, clipped to `window`.

    Args:
        first_s, last_s: the first and the last look.
        holes: the looks before and after each distance that may be one.
        usual_s: the usual distance: a look stands for so long, and a hole is longer than two and a half of it.
    """
    real = [(before_s, after_s) for before_s, after_s in holes if after_s - before_s > 2.5 * usual_s]
    starts = [first_s, *(after_s for _, after_s in real)]
    ends = [*(before_s for before_s, _ in real), last_s]
    clipped = (
        (max(float(start_s), window.start_s), min(end_s + usual_s, window.end_s))
        for start_s, end_s in zip(starts, ends, strict=True)
    )
    return tuple((start_s, end_s) for start_s, end_s in clipped if start_s < end_s)


def rates(values: Sequence[Floats], seconds: Floats) -> list[Floats]:
    """Increases per reading as rates per second; the count stays.

    A counter is stored as its increase since the reading before: the sum over the bucket's seconds is its
    rate, in every tier.
    """
    readings_per_s = values[3] / seconds
    return [column if index == 3 else column * readings_per_s for index, column in enumerate(values)]


def moved(lines: Sequence[Series], buckets: Buckets, earlier: Buckets) -> tuple[Series, ...]:
    """Lines of `earlier` buckets on the times of the present ones, bucket by bucket."""
    onto = np.asarray(buckets.edges_s, dtype=np.float64)
    found = []
    for line in lines:
        places = np.searchsorted(np.asarray(earlier.edges_s), line.t)
        inside = places < len(onto) - 1
        columns = [column[inside] for column in line.columns[1:]]
        found.append(line.of([onto[places[inside]], *columns]))
    return tuple(found)
