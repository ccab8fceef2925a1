"""Questions about two sides: one thing in two periods, or two components in one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clickhouse_connect.driver.client import Client

from history.answers import Period, SeriesSet, Summary, moved
from history.queries.levels import MOST_TOLD, counted_series, observed, read, summaries_of
from history.queries.scope import MAX_SERIES, Scope
from history.rows import SeriesRow
from history.tiers import Plan, plan
from history.window import Window

MOST = 400
"""Series of a component that are compared: more than any kind of probe has, unless its labels are many."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: a component over a window."""

    component: str
    window: Window


@dataclass(frozen=True, slots=True)
class Figures:
    """The answer to `figures`: summaries of both sides, and the stretches of each that were observed.

    Attributes:
        total_a: how many series the side has, of which `MOST` are compared at most; total_b the same.
    """

    a: tuple[Summary, ...]
    b: tuple[Summary, ...]
    observed_a: tuple[Period, ...]
    observed_b: tuple[Period, ...]
    total_a: int = 0
    total_b: int = 0


def courses(
    client: Client, scope: Scope, metric: str, component: str, window: Window, other: str, other_window: Window
) -> SeriesSet:
    """One metric of two sides in buckets of one width; the second one as `previous`, on the times of the first.

    Bucket by bucket: the second side is off by less than one where its beginning is none of a bucket. Of each side
    `MAX_SERIES` series at most, of the second one those first that the first one has; `total` is of the first one, and
    of the second where the first has none.
    """
    sides = (Side(component, window), Side(other, other_window))
    all_a, total_a = counted_series(client, scope, (metric,), (component,), MAX_SERIES)
    all_b, total_b = counted_series(client, scope, (metric,), (other,), MOST_TOLD)
    rows = (all_a, _alike_first(all_b, all_a))
    hows = _alike([side.window for side in sides], [len(found) for found in rows], scope)
    a, b = (read(client, scope, found, how) for found, how in zip(rows, hows, strict=True))
    onto = moved(b.series, hows[0].buckets, hows[1].buckets)
    return replace(
        a,
        previous=tuple(replace(line, component=component) for line in onto),
        rows=rows[0] or rows[1],
        total=total_a or total_b,
    )


def figures(client: Client, scope: Scope, component: str, window: Window, other: str, other_window: Window) -> Figures:
    """Summaries of every metric on both sides, and how much of each side was observed.

    Of a side with more than `MOST` series as many are told, some of each metric.
    """
    found = []
    for side in (Side(component, window), Side(other, other_window)):
        rows, total = counted_series(client, scope, (), (side.component,), MOST, of_each=True)
        seen = observed(client, scope, side.window, (side.component,))
        found.append((summaries_of(client, scope, side.window, rows), seen.get(side.component, ()), total))
    (a, seen_a, total_a), (b, seen_b, total_b) = found
    return Figures(a, b, seen_a, seen_b, total_a, total_b)


def _alike_first(found: Sequence[SeriesRow], wanted: Sequence[SeriesRow]) -> tuple[SeriesRow, ...]:
    """`MAX_SERIES` of `found`, those first whose labels one of `wanted` has: only these can be drawn beside it."""
    there = {row.key.labels for row in wanted}
    return tuple(sorted(found, key=lambda row: row.key.labels not in there)[:MAX_SERIES])


def _alike(windows: list[Window], counts: list[int], scope: Scope) -> list[Plan]:
    """A plan for each window, with buckets of one width: a tier that one needs may be too coarse for the other's."""
    hows = [plan(window, count, scope.kept) for window, count in zip(windows, counts, strict=True)]
    while len({how.step_s for how in hows}) > 1:
        step_s = max(how.step_s for how in hows)
        hows = [
            plan(replace(window, step_s=step_s), count, scope.kept)
            for window, count in zip(windows, counts, strict=True)
        ]
    return hows
