"""Where the buckets of a chart begin: on the desk's clock, across changes of the clock. Pure.

Up to half an hour a bucket is so many seconds of the epoch: every zone's offset is a multiple of a
quarter of an hour. Hours and days begin when the desk's wall clock shows them, so a day of a change
has 23 or 25 hours, as the tiers of the history have them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

HOUR_S, DAY_S, WEEK_S = 3600, 86400, 7 * 86400
EPOCH, MONDAY = date(1970, 1, 1), date(1970, 1, 5)


@dataclass(frozen=True, slots=True)
class Buckets:
    """The buckets that cover a range.

    Attributes:
        edges_s: epoch seconds, ascending: bucket ``i`` is from ``edges_s[i]`` until before ``edges_s[i + 1]``.
        step_s: the width they have but on the day of a change of the clock.
        even: every one has it, and they begin at multiples of it.
    """

    edges_s: tuple[int, ...]
    step_s: int
    even: bool

    @property
    def start_s(self) -> int:
        return self.edges_s[0]

    @property
    def end_s(self) -> int:
        return self.edges_s[-1]

    def seconds(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """The length of the bucket that begins at each of `t`."""
        edges = np.asarray(self.edges_s, dtype=np.float64)
        ends: NDArray[np.float64] = edges[np.searchsorted(edges, t, side="right").clip(max=len(edges) - 1)]
        return ends - t


@lru_cache(maxsize=64)
def buckets(start_s: int, end_s: int, step_s: int, zone: str) -> Buckets:
    """The buckets of `step_s` that cover the range on the clock of `zone`."""
    if is_plain(step_s):
        return Buckets(tuple(_multiples(start_s, end_s, step_s)), step_s, even=True)
    if step_s == HOUR_S:  # hours pass one by one: on the day of a change one of them is there twice
        shift_s = _offset_s(start_s, ZoneInfo(zone)) % HOUR_S
        edges = [edge - shift_s for edge in _multiples(start_s + shift_s, end_s + shift_s, step_s)]
        return Buckets(tuple(edges), step_s, even=not shift_s)
    edges = sorted(set(_on_the_clock(start_s, end_s, step_s, ZoneInfo(zone))))
    first = max(index for index, edge in enumerate(edges) if edge <= start_s)
    last = min(index for index, edge in enumerate(edges) if edge >= end_s)
    return Buckets(tuple(edges[first : last + 1]), step_s, even=False)


def since(whole: Buckets, from_s: float) -> Buckets:
    """The buckets that begin at `from_s` or later."""
    return Buckets(tuple(edge for edge in whole.edges_s if edge >= from_s), whole.step_s, whole.even)


def earlier(present: Buckets, by_s: int, zone: str) -> Buckets:
    """The buckets of the period so long before; whole days go by the wall clock, across a change of it."""
    start_s, end_s = (_earlier_s(edge, by_s, ZoneInfo(zone)) for edge in (present.start_s, present.end_s))
    return buckets(start_s, end_s, present.step_s, zone)


def _earlier_s(epoch_s: int, by_s: int, zone: ZoneInfo) -> int:
    if by_s % DAY_S:
        return epoch_s - by_s
    wall = datetime.fromtimestamp(epoch_s, zone) - timedelta(seconds=by_s)  # arithmetic of the wall clock
    return int(wall.timestamp())


def is_plain(step_s: int) -> bool:
    """Whether buckets of this width are mere multiples of it, not of the wall clock.

    >>> [step_s for step_s in (30, 1800, 3600, 5400, 14400, 18000, 86400, 604800) if is_plain(step_s)]
    [30, 1800, 5400, 18000]
    """
    return not (step_s % DAY_S == 0 or (step_s % HOUR_S == 0 and DAY_S % step_s == 0))


def _on_the_clock(start_s: int, end_s: int, step_s: int, zone: ZoneInfo) -> Iterator[int]:
    """Candidates for edges from before the start until after the end."""
    days = max(1, step_s // DAY_S)
    origin = MONDAY if days % 7 == 0 else EPOCH
    day = datetime.fromtimestamp(start_s, zone).date() - timedelta(days=1)
    day -= timedelta(days=(day - origin).days % days)
    until = datetime.fromtimestamp(end_s, zone).date() + timedelta(days=days + 1)
    while day <= until:
        for hour in range(0, 24, min(24, step_s // HOUR_S)):
            yield int(datetime.combine(day, time(hour), zone).timestamp())
        day += timedelta(days=days)


def _multiples(start_s: int, end_s: int, step_s: int) -> range:
    return range(start_s // step_s * step_s, -(-end_s // step_s) * step_s + 1, step_s)


def _offset_s(epoch_s: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(epoch_s, UTC).astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset else 0
