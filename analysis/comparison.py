"""Two sides of a comparison: what lies between them, and which figures differ the most. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from history.answers import Period, Series, Summary
from history.window import Window

SAME = 0.005
"""A relative difference below is none that anybody acts on."""
LEAST_SPREAD = 0.05
"""Of the level: figures that never move are not far apart when they differ by less."""
FARTHEST = 1000.0


@dataclass(frozen=True, slots=True)
class Difference:
    """One series on both sides; None where a side has nothing of it.

    Attributes:
        distance: how far the sides lie apart, in spreads of the series itself; 0 where one is missing.
    """

    a: Summary | None
    b: Summary | None
    distance: float

    @property
    def known(self) -> Summary:
        """The side that there is."""
        found = self.a or self.b
        assert found is not None
        return found


def differences(a: Sequence[Summary], b: Sequence[Summary]) -> tuple[Difference, ...]:
    """The series of both sides, paired by metric and labels, those that differ the most first.

    What is on one side only comes last, in the order given.
    """
    sides = [{(line.metric, line.labels): line for line in side} for side in (a, b)]
    names = dict.fromkeys([*sides[0], *sides[1]])
    found = [
        Difference(left, right, distance(left, right))
        for left, right in ((sides[0].get(n), sides[1].get(n)) for n in names)
    ]
    return tuple(sorted(found, key=lambda one: (one.a is None or one.b is None, -one.distance)))


def distance(a: Summary | None, b: Summary | None) -> float:
    """How far two summaries of a series lie apart: the farthest of median, average and 95th percentile.

    It is told in spreads: from the median to the 95th percentile on the calmer side, but 5 % of the largest median or
    average at least. So a rise from 10 to 20 ms is far for a series that is steady, and near for one that always
    swings from 5 to 50.
    """
    if a is None or b is None:
        return 0.0
    level = max(abs(figure) for side in (a, b) for figure in (side.p50, side.avg))
    spread = max(min(abs(a.p95 - a.p50), abs(b.p95 - b.p50)), LEAST_SPREAD * level)
    apart = max(abs(a.p50 - b.p50), abs(a.avg - b.avg), abs(a.p95 - b.p95))
    if not apart:
        return 0.0
    return min(FARTHEST, apart / spread) if spread else FARTHEST


def in_words(a: float, b: float) -> str:
    """A beside b: ``3.2 times as much``, ``12 % more``, ``40 % less`` or ``the same``.

    >>> [in_words(a, b) for a, b in ((32, 10), (11.2, 10), (6, 10), (10, 10), (5, 0), (0, 5))]
    ['3.2 times as much', '12 % more', '40 % less', 'the same', 'B is 0', 'A is 0']
    """
    if a == b:
        return "the same"
    if not b:
        return "B is 0"
    if not a:
        return "A is 0"
    if a * b < 0:
        return "of the other sign"
    ratio = a / b
    if abs(ratio - 1) < SAME:
        return "the same"
    if ratio >= 2:
        return f"{ratio:.3g} times as much" if ratio < 1000 else "over 1000 times as much"
    if ratio > 1:
        return f"{_percent(ratio - 1)} % more"
    return f"{_percent(1 - ratio)} % less"


def between(a: Series, b: Series) -> Series:
    """A less B in each bucket that both have; B has been moved onto the times of A."""
    _, left, right = np.intersect1d(a.t, b.t, assume_unique=True, return_indices=True)
    values = a.avg[left] - b.avg[right]
    unit = "count" if a.unit == "bool" else a.unit
    key = (a.component, a.metric, a.labels, unit, a.step_s)
    return Series(*key, a.t[left], values, values, values, np.minimum(a.count[left], b.count[right]))


def pairs(a: Sequence[Series], b: Sequence[Series]) -> list[tuple[Series, Series]]:
    """The series that both sides have, by metric and labels."""
    others = {(line.metric, line.labels): line for line in b}
    return [(line, others[line.metric, line.labels]) for line in a if (line.metric, line.labels) in others]


def observed_share(seen: Sequence[Period], window: Window) -> float:
    """The share of a window in which somebody looked.

    >>> observed_share([(0, 25), (50, 75)], Window(0, 100))
    0.5
    """
    return min(1.0, sum(end_s - start_s for start_s, end_s in seen) / window.length_s)


def _percent(share: float) -> str:
    return "over 99" if share >= 0.995 else f"{share * 100:.2g}"
