"""What a series usually does at this minute of the week, and where it did something else. Pure.

A moment is held against the same moment of the weeks before, on the desk's wall clock: nine o'clock is nine
o'clock across a change of the clock. The usual value is the median of those weeks. How far from it is still usual
is told by how far each past week was from the median of the *others* at that moment (leave-one-out, as in Barber
et al. 2021, "Predictive inference with the jackknife+"): what one sees next is as far away as they were. Of these
distances the quartiles are taken, over neighbouring moments, and scaled as those of a normal distribution: a quarter
of the past may be incidents and does not widen the band. A series that is always positive is compared by ratios, one
that is sometimes nothing by square roots, which even out the spread of counts (Anscombe 1948): a quiet night and a
busy morning have each the spread of its own level.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from history.answers import Floats, Period
from history.buckets import HOUR_S, WEEK_S
from history.sessions import Sessions

WEEKS = 5
"""So many weeks before are asked: more would still know a stack that has changed since."""
LEAST_WEEKS = 3
"""A median of two is no usual value."""
COVERED_IQR = 1.96 / 0.6745
"""From the quartile's distance to that of 19 in 20 values, of a normal distribution."""
NEAR_S = 450
"""Buckets so near tell the usual value together: shorter ones than a quarter of an hour have too few weeks each."""
ENOUGH = 80
"""Distances that tell a quartile; as many neighbouring buckets are taken together as that needs."""
SMALLEST_SHARE = 0.025
"""Of the usual value: a series that never moves is not far from it before."""
FAR = 1.0
"""So many times the distance of the band's edge beyond the edge are worth a mark: of a normal series one value in
ten thousand, where being outside alone is one in twenty."""


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """What is usual at each of `t`; NaN where too few weeks tell.

    Attributes:
        t: start of each bucket, epoch seconds, ascending.
        low, middle, high: about 19 in 20 values lie between low and high; in the series' unit.
        weeks: how many weeks it was made of.
    """

    t: Floats
    low: Floats
    middle: Floats
    high: Floats
    weeks: int = 0


@dataclass(frozen=True, slots=True)
class Usual:
    """The band, or a sentence why there is none; `message` tells in either case what it was made of."""

    band: Band | None
    message: str


@dataclass(frozen=True, slots=True)
class Excursion:
    """A stretch outside the band.

    Attributes:
        start_s, end_s: its first bucket's start and its last one's end.
        peak_s, value: the bucket that was farthest away, and the value then.
        usual, edge: the usual value there and the band's edge that was crossed.
        distance: how far beyond the edge at its farthest, in distances of the edge from the usual value, on the
            scale on which the band was made (of a positive series: by ratios).
    """

    start_s: float
    end_s: float
    peak_s: float
    value: float
    usual: float
    edge: float
    distance: float


def seasonal_band(
    t: Floats,
    past_t: Floats,
    past: Floats,
    zone: ZoneInfo,
    step_s: float,
    excluded: Sequence[Period] = (),
) -> Usual:
    """The usual course at each of `t`, out of what was there in the weeks before.

    Args:
        t: starts of the buckets to tell, a step apart, ascending; epoch seconds.
        past_t, past: buckets of the same width from before `t`, and their values.
        excluded: days unlike others (holidays, half days): they tell nothing, and nothing is told of them.
    """
    known = np.isfinite(past) & (past_t < t[0]) & ~_inside(past_t, excluded)
    clock_s, past_clock_s = (wall_clock_s(each, zone) for each in (t, past_t[known]))
    week, place = _place(clock_s, clock_s[0], step_s)
    weeks, grid = _table(*_place(past_clock_s, clock_s[0], step_s), past[known], int(place.max()) + 1)
    count = len(weeks)
    if count < LEAST_WEEKS:
        seen = f"there {'is' if count == 1 else 'are'} {count or 'none'}"
        return Usual(None, f"What is usual needs {LEAST_WEEKS} weeks of the past at these hours; {seen}.")
    even, back = even_scale(float(np.nanmin(grid)))
    growth = _growth(even(grid), weeks)
    middle, down, up = (column[place] for column in _course(even(grid) - growth * weeks[:, None], step_s))
    middle = np.where(_inside(t, excluded), np.nan, middle + growth * week)
    if not np.isfinite(middle).any():
        return Usual(None, "What is usual is not told: the range has no day that is like others.")
    carried_on = f", carried on as they {'rose' if growth > 0 else 'fell'}" if growth else ""
    band = Band(t, back(middle - down), back(middle), back(middle + up), count)
    return Usual(band, f"usual: same hours of the {count} weeks before{carried_on}")


def excursions(t: Floats, values: Floats, band: Band, step_s: float, least: float = FAR) -> tuple[Excursion, ...]:
    """The stretches in which `values` lie outside the band, and at least once by `least`; oldest first.

    Args:
        t, values: buckets of the series; those the band does not tell of count as inside.
        step_s: width of a bucket; a series that is seen more rarely counts from one time to the next.
        least: in distances of the edge from the usual value; 0: every stretch.
    """
    places = np.searchsorted(band.t, t).clip(max=len(band.t) - 1)
    told = band.t[places] == t
    low, middle, high = (np.where(told, column[places], np.nan) for column in (band.low, band.middle, band.high))
    grain = 1e-9 * np.abs(middle)
    above, below = values > high + grain, values < low - grain
    edge = np.where(above, high, low)
    distance = np.where(above | below, _beyond(values, middle, edge, float(np.nanmin(band.low))), 0.0)
    if len(t) > 1:
        step_s = max(step_s, float(np.median(np.diff(t))))
    found = []
    for stretch in _runs(above.astype(np.int8) - below.astype(np.int8), t, step_s):
        peak = int(stretch[np.argmax(distance[stretch])])
        if distance[peak] >= least:
            figures = (t[peak], values[peak], middle[peak], edge[peak], distance[peak])
            found.append(Excursion(float(t[stretch[0]]), float(t[stretch[-1]] + step_s), *map(float, figures)))
    return tuple(found)


def even_scale(least: float) -> tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]:
    """The scale on which a series varies by as much at every level, and the way back."""
    if least > 0:
        return np.log, np.exp
    if least == 0:
        return np.sqrt, lambda roots: np.square(np.maximum(roots, 0.0))
    return np.positive, np.positive


def unlike_days(sessions: Sessions | None, start_s: float, end_s: float, zone: ZoneInfo) -> tuple[Period, ...]:
    """The weekdays on which the exchange stays closed or closes early, from midnight to midnight of the desk.

    Args:
        sessions: None: not known, so no day is.
    """
    if sessions is None or not sessions.reaches(start_s, end_s):
        return ()
    day, last = (datetime.fromtimestamp(each, zone).date() for each in (start_s, end_s))
    found = []
    while day <= last:
        session = sessions.session_on(day)
        if day.weekday() < 5 and (session is None or session.early):
            edges = (datetime.combine(each, time(), zone).timestamp() for each in (day, day + timedelta(days=1)))
            found.append((next(edges), next(edges)))
        day += timedelta(days=1)
    return tuple(found)


def wall_clock_s(t: Floats, zone: ZoneInfo) -> Floats:
    """Epoch seconds moved by the zone's offset: what its clocks show, counted from 1970.

    >>> wall_clock_s(np.array([1782912600.0]), ZoneInfo("America/New_York")).tolist()  # 09:30 there
    [1782898200.0]
    """
    hours, where = np.unique(np.floor(t / HOUR_S), return_inverse=True)  # zones change at whole hours
    moments = (datetime.fromtimestamp(float(hour) * HOUR_S, UTC).astimezone(zone) for hour in hours)
    offsets = [offset.total_seconds() if (offset := moment.utcoffset()) else 0.0 for moment in moments]
    return t + np.asarray(offsets, dtype=np.float64)[where]


def _place(clock_s: Floats, origin_s: float, step_s: float) -> tuple[Floats, NDArray[np.intp]]:
    """Weeks after the one that begins at `origin_s` (before it: less than nothing), and steps into the week."""
    week = np.floor((clock_s - origin_s) / WEEK_S)
    return week, np.rint((clock_s - origin_s - week * WEEK_S) / step_s).astype(np.intp)


def _table(week: Floats, place: NDArray[np.intp], values: Floats, width: int) -> tuple[Floats, Floats]:
    """The weeks there are, and the values as a row a week and a column a step; NaN where nothing is."""
    inside = place < width
    weeks, row = np.unique(week[inside], return_inverse=True)
    grid = np.full((len(weeks), width), np.nan)
    grid[row, place[inside]] = values[inside]
    return weeks, grid


def _growth(grid: Floats, weeks: Floats) -> float:
    """By how much each week lies above the one before, where every one does or none; else 0.

    Of weeks in any order one in sixty is in one of these two (of five): what rose every week is taken to rise on.
    """
    around = _quantiles(grid.T, (0.5,), LEAST_WEEKS)[0]
    level = _quantiles(grid - around, (0.5,), 1)[0]
    steps = np.diff(level) / np.diff(weeks)
    one_way = len(weeks) > LEAST_WEEKS and (bool(np.all(steps > 0)) or bool(np.all(steps < 0)))
    return float(np.median(steps)) if one_way else 0.0


def _course(grid: Floats, step_s: float) -> tuple[Floats, Floats, Floats]:
    """The usual value of each column, and the distances of the band's edges below and above it."""
    near = int(NEAR_S // step_s)
    middle = _location(grid, near, LEAST_WEEKS)
    away = np.stack([row - _location(np.delete(grid, place, 0), near, 1) for place, row in enumerate(grid)])
    around = max(near, -(-(ENOUGH // len(grid)) // 2))
    quartiles = _quantiles(_pooled(away, around), (0.25, 0.75), LEAST_WEEKS)
    edges = []
    for sign, quartile in zip((-1, 1), quartiles, strict=True):
        distance = np.maximum(sign * quartile, 0.0) * COVERED_IQR
        flat = np.nanquantile(np.maximum(sign * away, 0.0), 0.95)  # of all, where the neighbours never moved
        edges.append(np.where(distance == 0.0, flat, distance))
    return middle, edges[0], edges[1]


def _location(grid: Floats, near: int, least: int) -> Floats:
    return _quantiles(_pooled(grid, near), (0.5,), least)[0]


def _pooled(grid: Floats, near: int) -> Floats:
    """For each column of `grid` all values of it and of `near` columns on both sides."""
    padded = np.pad(grid, ((0, 0), (near, near)), constant_values=np.nan)
    around = sliding_window_view(padded, 2 * near + 1, axis=1)
    return np.moveaxis(around, 1, 0).reshape(grid.shape[1], -1)


def _quantiles(rows: Floats, shares: Sequence[float], least: int) -> list[Floats]:
    """Quantiles of each row without its NaN; NaN where fewer than `least` values are left."""
    ordered = np.sort(rows, axis=1)  # NaN goes last
    count = np.isfinite(rows).sum(axis=1)
    line, found = np.arange(len(rows)), []
    for share in shares:
        place = share * np.maximum(count - 1, 0)
        lower = np.floor(place).astype(np.intp)
        upper = np.ceil(place).astype(np.intp)
        value = ordered[line, lower] + (ordered[line, upper] - ordered[line, lower]) * (place - lower)
        found.append(np.where(count >= least, value, np.nan))
    return found


def _beyond(values: Floats, middle: Floats, edge: Floats, least: float) -> Floats:
    """How far beyond the edge, in distances of the edge from the middle, on the scale the band was made on.

    By plain distances a fall to nothing would never be far, since nothing lies below zero.
    """
    even, _ = even_scale(least)
    if least >= 0:
        values = np.maximum(values, 0.01 * edge)
    smallest = np.abs(even(middle * (1 + SMALLEST_SHARE)) - even(middle)) + 1e-9
    return np.abs(even(values) - even(edge)) / np.maximum(np.abs(even(edge) - even(middle)), smallest)


def _runs(side: NDArray[np.int8], t: Floats, step_s: float) -> list[NDArray[np.intp]]:
    """Places of neighbours that are on one side; a hole in time ends a run."""
    cuts = np.flatnonzero((np.diff(side) != 0) | (np.diff(t) > 2.5 * step_s)) + 1
    return [run for run in np.split(np.arange(len(side)), cuts) if len(run) and side[run[0]]]


def _inside(t: Floats, periods: Sequence[Period]) -> NDArray[np.bool_]:
    inside = np.zeros(len(t), bool)
    for start_s, end_s in periods:
        inside |= (t >= start_s) & (t < end_s)
    return inside
