"""Making waiting samples coarser when there are too many: which go, and what becomes of those that stay. Pure.

Two neighbouring samples of a series become one, at the time of the later. Done again and again to the
same samples this halves their number each time, until they are `COARSEST_S` apart.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from probes.catalogue import Metric

COARSEST_S = 15 * 60
"""Samples of a series this far apart are not thinned any more: the finest roll-up has a bucket for each."""


class Fold(IntEnum):
    """What two samples of a series become. The numbers are on disk."""

    LATER = 0
    SUM = 1
    LOW = 2
    HIGH = 3


@dataclass(frozen=True, slots=True, eq=False)
class Thinned:
    """What to do with the samples given to `thin`, by their positions.

    Attributes:
        gone: positions of the samples that are merged into a later one.
        kept: positions of the later ones, in the same order.
        value: what each of `kept` is worth from now on.
    """

    gone: NDArray[np.int64]
    kept: NDArray[np.int64]
    value: NDArray[np.float64]


def fold_of(metric: Metric) -> Fold:
    """How samples of `metric` are thinned.

    A counter's increases are added, so that its total stays true. A state keeps the worse value where the
    catalogue knows which is worse: an outage that was seen must not be thinned away, though a time of many
    changes then looks worse than it was. Levels keep the later value, unaltered.
    """
    if metric.type == "counter":
        return Fold.SUM
    if metric.type == "state":
        return {"higher": Fold.LOW, "lower": Fold.HIGH, "neither": Fold.LATER}[metric.better]
    return Fold.LATER


def thin(
    series_id: NDArray[np.int64], ts_s: NDArray[np.int64], value: NDArray[np.float64], fold: NDArray[np.int64]
) -> Thinned:
    """Pair the neighbours of each series that are less than `COARSEST_S` apart; an odd one out stays as it is.

    Args:
        series_id, ts_s, value, fold: a row per sample, in any order; `fold` holds the numbers of `Fold`.
    """
    order = np.lexsort((ts_s, series_id))
    ids, times = series_id[order], ts_s[order]
    joins = (ids[1:] == ids[:-1]) & (times[1:] - times[:-1] < COARSEST_S)
    starts = np.concatenate(([True], ~joins))[: len(order)]
    run_start = np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))
    second = np.flatnonzero((np.arange(len(order)) - run_start) % 2 == 1)
    gone, kept = order[second - 1], order[second]
    earlier, later, how = value[gone], value[kept], fold[kept]
    merged = np.select(
        [how == Fold.SUM, how == Fold.LOW, how == Fold.HIGH],
        [earlier + later, np.minimum(earlier, later), np.maximum(earlier, later)],
        later,
    )
    return Thinned(gone, kept, merged)
