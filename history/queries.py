"""Every question the program asks the history, and the only module that knows SQL.

Each function takes a client first and hashable arguments after, so that `history.reader` can run it
off everybody's path and remember its answer. Times are epoch seconds; values are in the metric's
base unit. A period without samples has no point: gaps stay gaps.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from clickhouse_connect.driver.client import Client
from numpy.typing import NDArray

from history.schema import SKETCH_MERGE
from history.tiers import RAW, Plan, plan
from history.window import Window
from probes.result import Status

LIMITS = {"max_execution_time": 8, "max_result_rows": 2_000_000, "max_memory_usage": 1_000_000_000, "max_threads": 2}
MAX_SERIES = 200
Floats = NDArray[np.float64]
Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """What the questions are asked of: the database, how long its finer tiers are kept, and the present."""

    database: str
    raw_kept_s: float
    now_s: float
    quarter_hour_kept_s: float = math.inf


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One series over a window, a point per bucket that has samples.

    Attributes:
        t: start of each bucket, epoch seconds, ascending.
        avg, low, high: average, minimum and maximum of the bucket; for counters all three are the rate per second.
        count: samples in each bucket.
        p95: 95th percentile of each bucket, where it was asked for; a counter has none.
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
    p95: Floats | None = None

    @property
    def label(self) -> str:
        """What tells this series from others of its metric: its label values, else its component."""
        return " ".join(value for _, value in self.labels) or self.component

    @property
    def last(self) -> float | None:
        return float(self.avg[-1]) if len(self.avg) else None


@dataclass(frozen=True, slots=True)
class SeriesSet:
    """The answer to `series`: the series and how they were read."""

    series: tuple[Series, ...] = ()
    tier: str = RAW.name
    step_s: int = 0
    window: Window = field(default_factory=lambda: Window(0, 0))
    truncated: bool = False

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


@dataclass(frozen=True, slots=True)
class _Columns:
    """How a tier's table says the time, average, minimum and maximum, sample count and percentiles of a bucket."""

    time: str
    levels: str
    count: str
    quantiles: str


_RAW_COLUMNS = _Columns("ts", "avg(value), min(value), max(value)", "count()", "quantiles(0.5, 0.95, 0.99)(value)")
_TIER_COLUMNS = _Columns("t", "sum(vsum) / sum(cnt), min(vmin), max(vmax)", "sum(cnt)", f"{SKETCH_MERGE}(q)")


def series(
    client: Client, scope: Scope, window: Window, metrics: Names, components: Names = (), with_p95: bool = False
) -> SeriesSet:
    """Min, average and max of every series of `metrics` (of `components`; empty: of all) over `window`.

    Counters come as rates per second. At most `MAX_SERIES` series; `truncated` says that there are more.
    """
    found = _find_series(client, scope, metrics, components)
    chosen = found[:MAX_SERIES]
    how = plan(window, len(chosen), scope.now_s, scope.raw_kept_s, quarter_hour_kept_s=scope.quarter_hour_kept_s)
    if not chosen:
        return SeriesSet((), how.tier.name, how.step_s, how.window)
    columns = _RAW_COLUMNS if how.tier is RAW else _TIER_COLUMNS
    quantile = columns.quantiles if with_p95 else "[0, 0, 0]"
    rows = client.query_np(
        f"""SELECT series_id, intDiv(toUInt32({columns.time}), {{step:UInt32}}) * {{step:UInt32}} AS bucket,
                   {columns.levels}, toFloat64({columns.count}), ({quantile})[2]
            FROM {scope.database}.{how.tier.table} WHERE {_within(columns.time)}
            GROUP BY series_id, bucket ORDER BY series_id, bucket""",
        parameters={"step": how.step_s, **_bounds(chosen, how)},
        settings=LIMITS,
    )
    lines = _split(rows, chosen, how.step_s, with_p95)
    return SeriesSet(lines, how.tier.name, how.step_s, how.window, truncated=len(found) > MAX_SERIES)


def summaries(
    client: Client, scope: Scope, window: Window, metrics: Names, components: Names = ()
) -> tuple[Summary, ...]:
    """Percentiles and extremes of each series of `metrics` over the whole window; counters per reading, not second."""
    chosen = _find_series(client, scope, metrics, components)[:MAX_SERIES]
    if not chosen:
        return ()
    how = plan(window, len(chosen), scope.now_s, scope.raw_kept_s, quarter_hour_kept_s=scope.quarter_hour_kept_s)
    columns = _RAW_COLUMNS if how.tier is RAW else _TIER_COLUMNS
    rows = client.query(
        f"""SELECT series_id, {columns.count} AS n, {columns.levels}, {columns.quantiles}
            FROM {scope.database}.{how.tier.table} WHERE {_within(columns.time)} GROUP BY series_id""",
        parameters=_bounds(chosen, how),
        settings=LIMITS,
    ).result_rows
    values = {row[0]: row[1:] for row in rows}
    return tuple(
        Summary(component, metric, tuple(sorted(labels.items())), unit, int(n), avg, low, high, *quantiles)
        for series_id, component, metric, labels, unit, _ in chosen
        if series_id in values
        for n, avg, low, high, quantiles in (values[series_id],)
    )


def intervals(client: Client, scope: Scope, window: Window, components: Names = ()) -> tuple[Interval, ...]:
    """Each component's status intervals clipped to `window`, oldest first; equal neighbours are one."""
    rows = client.query(
        f"""SELECT component, toFloat64(toUnixTimestamp64Milli(ts)) / 1000, toString(status), reason
            FROM (SELECT *, lagInFrame(toString(status)) OVER (PARTITION BY component ORDER BY ts
                            ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before
                  FROM {scope.database}.status_change FINAL WHERE ts >= toDateTime64({{earliest:Float64}}, 3, 'UTC')
                    AND ts < toDateTime64({{end:Float64}}, 3, 'UTC')
                    AND (empty({{names:Array(String)}}) OR component IN {{names:Array(String)}}))
            WHERE before != toString(status) ORDER BY component, ts LIMIT 200000""",
        parameters={
            "end": float(window.end_s),
            "earliest": float(max(0, window.start_s - 2 * 86400)),  # a heartbeat comes every hour
            "names": list(components),
        },
        settings=LIMITS,
    ).result_rows
    found: list[Interval] = []
    for index, (component, ts, status, reason) in enumerate(rows):
        following = rows[index + 1] if index + 1 < len(rows) and rows[index + 1][0] == component else None
        start_s, end_s = max(ts, window.start_s), min(following[1] if following else window.end_s, window.end_s)
        if end_s > window.start_s:
            found.append(Interval(component, Status(status), start_s, end_s, reason))
    return tuple(found)


def changes(client: Client, scope: Scope, window: Window, components: Names = ()) -> tuple[Change, ...]:
    """Status changes in `window`, newest first."""
    found = [
        Change(after.component, after.start_s, before.status, after.status, after.reason)
        for before, after in pairwise(intervals(client, scope, window, components))
        if before.component == after.component
    ]
    return tuple(sorted(found, key=lambda change: -change.at_s))


def last_statuses(client: Client, scope: Scope) -> tuple[Interval, ...]:
    """Each component's current status interval with its true beginning in the last 90 days."""
    spans = intervals(client, scope, Window(int(scope.now_s) - 90 * 86400, int(scope.now_s)))
    return tuple({span.component: span for span in spans}.values())


def events(client: Client, scope: Scope, window: Window) -> tuple[Event, ...]:
    """Events that touch `window`, oldest first."""
    rows = client.query(
        f"""SELECT toFloat64(toUnixTimestamp64Milli(ts)) / 1000, toFloat64(toUnixTimestamp64Milli(till)) / 1000,
                   kind, component, author, text
            FROM {scope.database}.event FINAL WHERE ts < toDateTime64({{end:Float64}}, 3, 'UTC')
              AND coalesce(till, ts) >= toDateTime64({{start:Float64}}, 3, 'UTC')
            ORDER BY ts LIMIT 5000""",
        parameters={"start": float(window.start_s), "end": float(window.end_s)},
        settings=LIMITS,
    ).result_rows
    return tuple(Event(*row) for row in rows)


def _find_series(client: Client, scope: Scope, metrics: Sequence[str], components: Sequence[str]) -> list[Any]:
    return list(
        client.query(
            f"""SELECT series_id, any(component) AS c, any(metric) AS m, any(labels), any(unit), toString(any(kind))
                FROM {scope.database}.series
                WHERE metric IN {{metrics:Array(String)}}
                  AND (empty({{components:Array(String)}}) OR component IN {{components:Array(String)}})
                GROUP BY series_id ORDER BY m, c, series_id LIMIT {MAX_SERIES + 1}""",
            parameters={"metrics": list(metrics), "components": list(components)},
            settings=LIMITS,
        ).result_rows
    )


def _within(time: str) -> str:
    bounds = f"{time} >= toDateTime({{start:UInt32}}, 'UTC') AND {time} < toDateTime({{end:UInt32}}, 'UTC')"
    return f"series_id IN {{ids:Array(UInt64)}} AND {bounds}"


def _bounds(chosen: Sequence[Any], how: Plan) -> dict[str, Any]:
    return {"ids": [row[0] for row in chosen], "start": how.window.start_s, "end": how.window.end_s}


def _split(rows: Any, chosen: Sequence[Any], step_s: int, with_p95: bool) -> tuple[Series, ...]:
    """Cut the sorted rows of all series into one `Series` each."""
    if not len(rows):
        return ()
    table = [rows[name] for name in rows.dtype.names] if rows.dtype.names else list(rows.T)
    ids = table[0].astype(np.uint64)
    found = []
    for series_id, component, metric, labels, unit, kind in chosen:
        start, end = (np.searchsorted(ids, np.uint64(series_id), side) for side in ("left", "right"))
        if start == end:
            continue
        t, avg, low, high, count, p95 = (column[start:end].astype(np.float64) for column in table[1:7])
        if kind == "counter":  # stored as increases: the rate is their sum over the bucket's seconds
            avg = low = high = avg * count / step_s
        key = component, metric, tuple(sorted(labels.items())), unit, step_s
        found.append(Series(*key, t, avg, low, high, count, p95 if with_p95 and kind != "counter" else None))
    return tuple(found)
