"""How old the first message is that a group has still to consume, from a partition's earlier end offsets. Pure.

Kafka tells offsets, not times: when the message at an offset was written lies between the polls before and after
which the partition's end was there (as kafka-lag-exporter does: https://github.com/seglo/kafka-lag-exporter).
"""

from array import array
from bisect import bisect_right
from dataclasses import dataclass

MOST_POINTS = 64


@dataclass(frozen=True, slots=True)
class Age:
    """How long ago a message was written.

    Attributes:
        at_least: it was written before the first poll, which is that long ago.
    """

    seconds: float
    at_least: bool = False


class EndHistory:
    """One partition's end offsets over time, closer together the younger they are; a kilobyte at most."""

    __slots__ = ("_ends", "_times_s")

    def __init__(self) -> None:
        self._times_s = array("d")
        self._ends = array("q")

    def __len__(self) -> int:
        return len(self._ends)

    def add(self, end: int, at_s: float) -> None:
        """Take in a poll. An end that went back means another topic of the same name: what was known is forgotten."""
        if self._ends and end < self._ends[-1]:
            self._times_s, self._ends = array("d"), array("q")
        if len(self._ends) > 1 and self._ends[-2] == self._ends[-1] == end:
            self._times_s[-1] = at_s  # of a pause only its begin and its end are kept
            return
        self._times_s.append(at_s)
        self._ends.append(end)
        if len(self._ends) > MOST_POINTS:
            del self._times_s[1 : MOST_POINTS // 2 : 2], self._ends[1 : MOST_POINTS // 2 : 2]

    def age(self, offset: int, now_s: float) -> Age:
        """How long ago the message at `offset` was written; zero when there is none yet.

        >>> history = EndHistory()
        >>> history.add(100, 0.0), history.add(200, 10.0)
        (None, None)
        >>> history.age(150, 30.0).seconds, history.age(200, 30.0).seconds, history.age(99, 30.0)
        (24.95, 0.0, Age(seconds=30.0, at_least=True))
        """
        after = bisect_right(self._ends, offset)
        if after == len(self._ends):
            return Age(0.0)
        if after == 0:
            return Age(now_s - self._times_s[0], at_least=True)
        first, first_s = self._ends[after - 1], self._times_s[after - 1]
        share = (offset - first + 0.5) / (self._ends[after] - first)
        return Age(now_s - first_s - share * (self._times_s[after] - first_s))
