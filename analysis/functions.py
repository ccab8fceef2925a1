"""What can be made of a series: a rate, a difference, a smoother line, its share of the usual. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from history.answers import Floats, Series, Summary
from history.grouping import HOLE
from history.tiers import BUCKETS_S

SMOOTH_SHARE = 24
"""A moving average spans so great a part of the range, as a round duration: an hour of a day."""
INDEX, INDEX_START = "index", 100.0
AS_RECORDED = "recorded"


class Unfit(ValueError):
    """A series of which this cannot be made. The message goes on where its name ends: ``is a rate already``."""


@dataclass(frozen=True, slots=True)
class Function:
    """What can be made of a series.

    Attributes:
        name: in a link.
        title: in a list.
        make: the new series out of the recorded one and the length of the range in seconds; raises `Unfit`.
        percentiles: it needs the percentiles of each bucket.
    """

    name: str
    title: str
    make: Callable[[Series, float], Series]
    percentiles: bool = False


def rate(line: Series, _: float = 0) -> Series:
    """The change per second from each bucket to the next; none over a hole. Counters are rates already."""
    if line.unit.endswith("/s"):
        raise Unfit("is a rate already")
    if line.unit == "bool":
        raise Unfit("is yes or no and has no rate")
    steps, near = _steps(line)
    return _line(line, line.t[1:][near], np.diff(line.avg)[near] / steps[near], f"{line.unit}/s", line.count[1:][near])


def difference(line: Series, _: float = 0) -> Series:
    """The change from each bucket to the next; none over a hole."""
    near = _steps(line)[1]
    unit = "count" if line.unit == "bool" else line.unit
    return _line(line, line.t[1:][near], np.diff(line.avg)[near], unit, line.count[1:][near])


def moving_average(line: Series, length_s: float) -> Series:
    """The average of `smooth_s` of samples around each bucket, so that what happens stays where it was."""
    half_s = smooth_s(length_s) / 2
    first = np.searchsorted(line.t, line.t - half_s, side="left")
    after = np.searchsorted(line.t, line.t + half_s, side="right")
    base = float(line.avg.mean()) if len(line.avg) else 0.0  # sums of what is left lose no digits
    sums = np.concatenate([[0.0], np.cumsum((line.avg - base) * line.count)])
    counts = np.concatenate([[0.0], np.cumsum(line.count)])
    values = base + (sums[after] - sums[first]) / (counts[after] - counts[first])
    return _line(line, line.t, values, line.unit, line.count)


def smooth_s(length_s: float) -> int:
    """The span of a moving average over a range so long.

    >>> smooth_s(6 * 3600), smooth_s(86400), smooth_s(90 * 86400)
    (900, 3600, 604800)
    """
    return next((width_s for width_s in BUCKETS_S if width_s >= length_s / SMOOTH_SHARE), BUCKETS_S[-1])


def cumulative(line: Series, _: float = 0) -> Series:
    """What has come together since the start: of bytes per second the bytes, of a share of time the seconds.

    A bucket counts for as long as until the next one; before a hole and at the end for the usual distance.
    """
    if line.unit.endswith("/s"):
        unit = line.unit.removesuffix("/s")
    elif line.unit in {"ratio", "bool"}:
        unit = "seconds"
    else:
        raise Unfit("is no rate, so nothing adds up")
    usual_s, (steps, near) = _usual_s(line), _steps(line)
    lasts_s = np.append(np.where(near, steps, usual_s), usual_s)
    return _line(line, line.t, np.cumsum(line.avg * lasts_s[: len(line.t)]), unit, line.count)


def of_usual(line: Series, _: float = 0) -> Series:
    """Each bucket as a share of the median of all: 1 is the usual."""
    usual = float(np.median(line.avg)) if len(line.avg) else 0.0
    if usual <= 0:
        raise Unfit("is usually 0, and nothing is a share of that")
    return _scaled(line, 1 / usual, "ratio")


def index(line: Series, _: float = 0) -> Series:
    """Each bucket so that the first one is 100: what began together is seen to part, whatever its unit."""
    start = float(line.avg[0]) if len(line.avg) else 0.0
    if start <= 0:
        raise Unfit("begins at 0, which cannot become 100")
    return _scaled(line, INDEX_START / start, INDEX)


def percentile(which: str) -> Callable[[Series, float], Series]:
    """The function that takes a percentile of each bucket (``p50``, ``p95``, ``p99``) instead of its average."""

    def take(line: Series, _: float = 0) -> Series:
        values: Floats | None = getattr(line, which)
        if values is None:
            raise Unfit("is a group, and no percentiles are known of groups")
        return replace(line, avg=values)

    return take


FUNCTIONS = {
    function.name: function
    for function in (
        Function(AS_RECORDED, "As recorded", lambda line, _: line),
        Function("rate", "Rate per second", rate),
        Function("difference", "Difference", difference),
        Function("smooth", "Moving average", moving_average),
        Function("cumulative", "Cumulative", cumulative),
        Function("usual", "Of its usual", of_usual),
        Function("index", "Index, start = 100", index),
        Function("p50", "p50", percentile("p50"), percentiles=True),
        Function("p95", "p95", percentile("p95"), percentiles=True),
        Function("p99", "p99", percentile("p99"), percentiles=True),
    )
}
"""By the name in a link; the first is what is drawn when nothing is asked for."""


def figures_of(line: Series) -> Summary:
    """Extremes and percentiles of the points of a line, each bucket counting once."""
    quantiles = np.quantile(line.avg, (0.5, 0.95, 0.99))
    levels = (line.avg.mean(), line.low.min(), line.high.max(), *quantiles)
    return Summary(
        line.component, line.metric, line.labels, line.unit, int(line.count.sum()), *(float(level) for level in levels)
    )


def _usual_s(line: Series) -> float:
    """The usual distance of two points."""
    return max(float(np.median(np.diff(line.t))), float(line.step_s)) if len(line.t) > 1 else float(line.step_s)


def _steps(line: Series) -> tuple[Floats, NDArray[np.bool_]]:
    """The distances of neighbours, and which of them are none across a hole."""
    steps = np.diff(line.t)
    return steps, steps <= HOLE * _usual_s(line)


def _line(line: Series, t: Floats, values: Floats, unit: str, count: Floats) -> Series:
    key = (line.component, line.metric, line.labels, unit, line.step_s)
    return Series(*key, t, values, values, values, count)


def _scaled(line: Series, factor: float, unit: str) -> Series:
    key = (line.component, line.metric, line.labels, unit, line.step_s)
    return Series(*key, line.t, line.avg * factor, line.low * factor, line.high * factor, line.count)
