"""When did its level change for good? Pure.

Method: the split into stretches of one level with the least squared error and a penalty for each change, found
exactly by PELT (Killick, Fearnhead and Eckley 2012) as `ruptures` has it in C. Before: the scale on which the series
varies alike at every level, what is usual at that hour taken off where it is known, short excursions taken out by a
running median. The penalty is 3 log n times the noise: twice log n is Schwarz's (Yao 1988), half as much again
because the noise is estimated as well. Noise whose neighbours are alike counts for as much as it moves an average
(its long-run variance, as Lavielle and Moulines 2000 ask): a slow wander is no change of level. After: a change must
stand out from the noise of the two stretches it parts, or it goes, the weakest first.
"""

from dataclasses import dataclass, replace

import numpy as np

from analysis.baseline import Band, even_scale
from history.answers import Floats

MOST_POINTS = 750
LEAST_POINTS, LEAST_SHARE = 5, 0.02
"""A level that lasts for fewer buckets, or a smaller share of the range, is an excursion, not a level."""
PENALTY = 3.0
LEAST_NOISES = 1.0
"""A change that is smaller than the usual distance of a value from its level is not worth a line."""
MOST_ALIKE = 0.95
SMALLEST_SHARE = 0.005
"""Of the whole span of values: a series without noise of its own has at least so much."""
NORMAL_90 = 1.645
"""Nine in ten values of a normal distribution lie within so many standard deviations."""


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """The level changed and stayed.

    Attributes:
        at_s: start of the first bucket of the new level, epoch seconds.
        before, after: the levels in the series' unit, the usual course of the hours taken off.
        standard_errors: how sure: how many standard errors the two levels lie apart; above four.
    """

    at_s: float
    before: float
    after: float
    standard_errors: float


def change_points(t: Floats, values: Floats, band: Band | None = None) -> tuple[ChangePoint, ...]:
    """Where the level of a series changed, oldest first.

    Args:
        t: starts of the buckets, epoch seconds, ascending; holes are passed over.
        values: what is not finite counts as missing.
        band: what is usual at these times; values it does not tell of count as missing.
    """
    usual = np.zeros(len(t)) if band is None else np.interp(t, band.t, band.middle, left=np.nan, right=np.nan)
    known = np.isfinite(values) & np.isfinite(usual)
    t, values, usual = t[known], values[known], usual[known]
    if len(t) < 2 * LEAST_POINTS:
        return ()
    even, back = even_scale(float(min(values.min(), values.min() if band is None else usual.min())))
    course = even(values)
    if band is not None:
        course = course - even(usual) + np.median(even(usual))
    t, course = _thinned(t, course)
    found = []
    for level in _levels(course):
        before, after = back(np.array([level.before, level.after]))
        found.append(ChangePoint(float(t[level.at]), float(before), float(after), level.standard_errors))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Level:
    """A new level: the bucket it begins with, the levels before and of it, and how many standard errors apart."""

    at: int
    before: float
    after: float
    standard_errors: float


def _levels(course: Floats) -> list[_Level]:
    """The new levels that stand out from the noise around them."""
    noise = _Noise(course)
    places = _places(course, noise)
    enough = (PENALTY * np.log(len(course))) ** 0.5
    while places:
        parts = zip([0, *places[:-1]], places, [*places[1:], len(course)], strict=True)
        found = [_compared(course, noise, *part) for part in parts]
        weakest = min(range(len(found)), key=lambda place: found[place].standard_errors)
        if found[weakest].standard_errors >= enough:
            return [replace(level, at=_refined(course, level)) for level in found]
        del places[weakest]
    return []


class _Noise:
    """How much a course varies by itself, told by differences of neighbours, which know no level.

    Where a value keeps a share r of the one before, differences of neighbours vary by 2 (1 - r), those of the next
    but one by 2 (1 - r²): their ratio is 1 + r.

    Attributes:
        least: what a course without noise is given.
        usual: standard deviation.
        longer: by so much an average of neighbours errs more than if they were not alike.
    """

    def __init__(self, course: Floats) -> None:
        self.least = SMALLEST_SHARE * float(np.ptp(course)) or 1.0
        one, two = (_spread(course[step:] - course[:-step]) for step in (1, 2))
        alike = min(MOST_ALIKE, max(0.0, (two / max(one, self.least)) ** 2 - 1))
        self.usual = max(self.least, one / (2 * (1 - alike)) ** 0.5)
        self.longer = ((1 + alike) / (1 - alike)) ** 0.5


def _places(course: Floats, noise: _Noise) -> list[int]:
    """Where new levels may begin."""
    from ruptures import KernelCPD
    from scipy.ndimage import median_filter

    shortest = _shortest(course)
    calm = median_filter(course, 2 * shortest - 1, mode="nearest") / (noise.usual * noise.longer)
    search = KernelCPD(kernel="linear", min_size=shortest).fit(calm[:, None])
    ends: list[int] = search.predict(pen=PENALTY * np.log(len(calm)))
    return ends[:-1]


def _compared(course: Floats, noise: _Noise, start: int, at: int, end: int) -> _Level:
    """The levels before and after `at`, held against the noise around them."""
    old, new = course[start:at], course[at:end]
    before, after = float(np.median(old)), float(np.median(new))
    around = max(noise.least, _spread(np.concatenate([old - before, new - after])))
    error = around * noise.longer * (1 / len(old) + 1 / len(new)) ** 0.5
    notable = abs(after - before) >= LEAST_NOISES * around
    return _Level(at, before, after, abs(after - before) / error if notable else 0.0)


def _refined(course: Floats, level: _Level) -> int:
    """The bucket near a change from which on values are nearer to the new level than to the old."""
    reach = _shortest(course) // 2
    first, last = level.at - reach, level.at + reach
    nearer = np.abs(course[first:last] - level.before) - np.abs(course[first:last] - level.after)
    return first + int(np.argmin(np.concatenate([[0.0], np.cumsum(nearer)])))


def _shortest(course: Floats) -> int:
    """How many buckets make a level. Shorter excursions vanish in a running median of twice the width."""
    return max(LEAST_POINTS, int(LEAST_SHARE * len(course)))


def _spread(values: Floats) -> float:
    """The standard deviation nine in ten values tell: of counts that are mostly nothing half of them tell none."""
    return float(np.quantile(np.abs(values), 0.9)) / NORMAL_90


def _thinned(t: Floats, course: Floats) -> tuple[Floats, Floats]:
    """At most `MOST_POINTS`: medians of so many neighbours each, at the time of the first."""
    step = -(-len(t) // MOST_POINTS)
    if step <= 1:
        return t, course
    whole = len(t) // step * step
    return t[:whole:step], np.median(course[:whole].reshape(-1, step), axis=1)
