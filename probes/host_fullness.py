"""When a disk will be full: a robust slope over what the probe has seen. Pure."""

from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from itertools import combinations

from probes.catalogue import humanize_duration
from probes.result import Finding, Labels, Status

SPACING_S = 60.0
SHORT_S, LONG_S = 3600.0, 6 * 3600.0
LEAST_SEEN_S = 900.0
FEWEST = 8
THINNED = 90
HORIZON = 4.0
"""A slope predicts no further than four times what it rests on: node_exporter's alerts take six hours for a day."""

RULES = ((Status.CRITICAL, 4 * 3600.0, 0.2), (Status.WARNING, 24 * 3600.0, 0.4))
"""(status, full within seconds, and less than this share free): those of the node_exporter mixin,
https://github.com/prometheus/node_exporter/blob/master/docs/node-mixin/alerts/alerts.libsonnet."""

Point = tuple[float, float]


class Courses:
    """What was left of each thing over the last hours, a point a minute, and when it will be used up."""

    def __init__(self) -> None:
        self._points: dict[Hashable, deque[Point]] = {}
        self._full_in_s: dict[Hashable, float | None] = {}

    def add(self, key: Hashable, left: float, now_s: float) -> float | None:
        """Take in what is left now; returns seconds until nothing is, None when that is not foreseeable.

        Args:
            now_s: a monotonic clock.
        """
        points = self._points.setdefault(key, deque(maxlen=int(LONG_S / SPACING_S) + 1))
        if not points or now_s - points[-1][0] >= SPACING_S:
            points.append((now_s, left))
            self._full_in_s[key] = used_up_in_s(points)
        return self._full_in_s[key]

    def keep(self, keys: Iterable[Hashable]) -> None:
        """Forget what is not among `keys`: it was unmounted."""
        gone = set(self._points) - set(keys)
        for key in gone:
            del self._points[key], self._full_in_s[key]


def used_up_in_s(points: Sequence[Point]) -> float | None:
    """Seconds from the last of `points` (second, left) until nothing is left: the sooner of two predictions.

    The last hour sees a sudden loss soon, six hours see a slow one; a prediction reaches no further than HORIZON
    times what it rests on.
    """
    if not points:
        return None
    last_hour = [point for point in points if points[-1][0] - point[0] <= SHORT_S]
    every = -(-len(points) // THINNED)
    found = [predict(last_hour), predict(list(points)[::-1][::every][::-1])]
    return min((value for value in found if value is not None), default=None)


def predict(points: Sequence[Point]) -> float | None:
    """Seconds until nothing is left at the median pace between all pairs of `points`; None: not foreseeable.

    Theil and Sen's slope (https://doi.org/10.1080/01621459.1968.10480934): a merge or a deleted file that bends up
    to 29 % of the points does not move it. Where a quarter of the pairs show no loss there is no trend to follow.

    >>> predict([(minute * 60.0, 1000.0 - minute * 20) for minute in range(31)])
    1200.0
    """
    seen_s = points[-1][0] - points[0][0] if points else 0.0
    if len(points) < FEWEST or seen_s < LEAST_SEEN_S:
        return None
    paces = sorted((left - later_left) / (later - at) for (at, left), (later, later_left) in combinations(points, 2))
    if paces[len(paces) // 4] <= 0:
        return None
    in_s = points[-1][1] / paces[len(paces) // 2]
    return in_s if in_s <= HORIZON * seen_s else None


def status_of(full_in_s: float | None, free_ratio: float) -> tuple[Status, float] | None:
    """(status, the limit in seconds) when something is soon used up of which little is left."""
    if full_in_s is None:
        return None
    return next(((status, within) for status, within, free in RULES if full_in_s < within and free_ratio < free), None)


def finding(metric: str, what: str, full_in_s: float | None, free_ratio: float, pair: Labels) -> Finding | None:
    """What to say about something (`what`, as the beginning of a sentence) that will soon be used up."""
    judged = status_of(full_in_s, free_ratio)
    if judged is None or full_in_s is None:
        return None
    left = f"{free_ratio:.0%}".replace("%", " %")
    return Finding(
        metric=metric,
        status=judged[0],
        message=f"{what} will be used up in {humanize_duration(full_in_s)} at the present pace; {left} is left.",
        hint="Find what grows there and stop it, shorten a retention, or enlarge the disk before it is full.",
        value=full_in_s,
        threshold=judged[1],
        labels=pair,
    )
