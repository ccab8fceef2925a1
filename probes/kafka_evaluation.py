"""How a consumer group does with a partition, judged by its last offsets instead of by a fixed lag. Pure.

The rules are Burrow's (https://github.com/linkedin/Burrow/wiki/Consumer-Lag-Evaluation-Rules), made fit for a
monitor that polls: commits are not seen, only that an offset is another one than at the last poll. So a point is
added when the offset changes, and "stopped" (no commits) and "stalled" (commits of the same offset), which look
alike from here, are told apart by whether anybody in the group has the partition.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import pairwise

WINDOW_POINTS = 10
"""Burrow's default (`intervals`)."""
LEAST_POINTS = 3
LEAST_POLLS = 5
QUICKEST_S, SLOWEST_S = 60.0, 300.0
"""Between them lies how long an offset may stand still with messages waiting: as long as its last changes took."""
DEPLOYMENT_S = 120.0
"""A group may be without consumers so long: a deployment takes less."""
BEHIND_S = 10.0
"""Below it nothing is called slow: with the usual commit every 5 s a healthy consumer seems to be so far behind."""


class Evaluation(IntEnum):
    """What a group does with a partition, better before worse; its value is that of `kafka_group_evaluation`."""

    OK = 0
    UNKNOWN = 1
    WARNING = 2
    REWINDING = 3
    STALLED = 4
    STOPPED = 5

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Point:
    """A poll that found another committed offset than the one before, and the lag it found."""

    committed: int
    lag: int
    at_s: float


@dataclass(frozen=True, slots=True)
class Window:
    """The last changes of one group's offset in one partition.

    Attributes:
        points: oldest first, `WINDOW_POINTS` at most.
        end: the offset after the partition's last message, at the last poll.
        waits_since_s: monotonic time since which messages wait and the offset stands still; None when none wait.
        waits_polls: polls since then, that one included.
    """

    points: tuple[Point, ...] = ()
    end: int = 0
    waits_since_s: float | None = None
    waits_polls: int = 0

    @property
    def lag(self) -> int:
        return max(0, self.end - self.points[-1].committed) if self.points else 0

    def after(self, committed: int, end: int, at_s: float) -> "Window":
        """The window after another poll. An end that went back means another topic of the same name: all is new."""
        if end < self.end:
            return Window().after(committed, end, at_s)
        lag = max(0, end - committed)
        if not self.points or self.points[-1].committed != committed:
            points = (*self.points, Point(committed, lag, at_s))[-WINDOW_POINTS:]
            return Window(points, end, at_s if lag else None, 1 if lag else 0)
        if not lag:
            return self
        since_s = at_s if self.waits_since_s is None else self.waits_since_s
        return replace(self, end=end, waits_since_s=since_s, waits_polls=self.waits_polls + 1)

    def waits_s(self, now_s: float) -> float:
        """How long messages have waited without one being consumed."""
        return 0.0 if self.waits_since_s is None else now_s - self.waits_since_s


def evaluate(window: Window, now_s: float, attended: bool | None, behind_s: float) -> Evaluation:
    """What a group does with a partition; the first rule that holds.

    1. Nothing waits: ok.
    2. Messages wait and the offset stands still for longer than `patience_s` and five polls: stopped when
       nobody has the partition, else stalled.
    3. The offset went back, and the group has not caught up since: rewinding.
    4. Nothing waited at one of the last changes: ok.
    5. Fewer than three changes were seen: unknown.
    6. The lag of ten changes in a row never fell and grew, and the group is more than ten seconds behind: warning.
    7. Otherwise ok.

    Burrow warns of a lag that never falls even when it does not grow: a consumer that keeps pace would be slow.

    Args:
        attended: whether a member of the group has the partition; None when that is not told.
        behind_s: how long ago the first message that waits was written.
    """
    if not window.lag:
        return Evaluation.OK
    if window.waits_polls >= LEAST_POLLS and window.waits_s(now_s) >= patience_s(window, attended):
        return Evaluation.STOPPED if attended is False else Evaluation.STALLED
    if went_back(window.points):
        return Evaluation.REWINDING
    if not all(point.lag for point in window.points):
        return Evaluation.OK
    if len(window.points) < LEAST_POINTS:
        return Evaluation.UNKNOWN
    if falls_behind(window.points) and behind_s > BEHIND_S:
        return Evaluation.WARNING
    return Evaluation.OK


def patience_s(window: Window, attended: bool | None) -> float:
    """How long an offset may stand still while messages wait: Burrow's rule, the span of the last changes, in bounds.

    >>> patience_s(Window(), None), patience_s(Window(), False)
    (300.0, 120.0)
    """
    if attended is False:
        return DEPLOYMENT_S
    if len(window.points) < LEAST_POINTS:
        return SLOWEST_S
    return min(SLOWEST_S, max(QUICKEST_S, window.points[-1].at_s - window.points[0].at_s))


def went_back(points: tuple[Point, ...]) -> bool:
    """Whether the offset fell and the group has not been without lag since."""
    for after, before in pairwise(reversed(points)):
        if not after.lag:
            return False
        if after.committed < before.committed:
            return True
    return False


def falls_behind(points: tuple[Point, ...]) -> bool:
    """Whether a full window shows a lag that never fell and grew."""
    lags = [point.lag for point in points]
    return len(lags) == WINDOW_POINTS and lags[-1] > lags[0] and all(a <= b for a, b in pairwise(lags))


def worst_of(evaluations: Iterable[Evaluation]) -> Evaluation:
    """A group's evaluation: that of its worst partition; unknown for a group without any."""
    return max(evaluations, default=Evaluation.UNKNOWN)
