"""Running totals into increases, chunk after chunk. Pure but for what it remembers of each series."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from history.imports.columns import Floats, Ints, Mask


@dataclass(frozen=True, slots=True)
class Grown:
    """What became of a chunk's rows.

    Attributes:
        value: the increase since the series' sample before; rows of other series as they were.
        first: the row is the first of its series: there is nothing it could have grown from.
        late: the row is older than one of its series in an earlier chunk: what it grew from is gone.
    """

    value: Floats
    first: Mask
    late: Mask


@dataclass(slots=True)
class Increases:
    """The last sample of each series of running totals, by the series' number."""

    _at_s: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    _total: Floats = field(default_factory=lambda: np.empty(0, np.float64))

    def of(self, series: Ints, ts_s: Ints, value: Floats, running: NDArray[np.bool_]) -> Grown:
        """The increases of rows sorted by series, then time.

        A total below the one before was reset: it is itself the increase. What is late neither
        counts nor is remembered.

        Args:
            running: by series number, whether its values are running totals.
        """
        self._room(len(running))
        total = running[series]
        late = total & (ts_s < self._at_s[series])
        kept = np.flatnonzero(total & ~late)
        value, first = value.copy(), np.zeros(len(series), np.bool_)
        if len(kept):
            of, now = series[kept], value[kept]
            begins = np.concatenate(([True], of[1:] != of[:-1]))
            before = np.concatenate(([0.0], now[:-1]))
            before[begins] = self._total[of[begins]]
            first[kept] = begins & (self._at_s[of] < 0)
            value[kept] = np.where(now < before, now, now - before)
            ends = np.concatenate((begins[1:], [True]))
            self._at_s[of[ends]], self._total[of[ends]] = ts_s[kept][ends], now[ends]
        return Grown(value, first, late)

    def _room(self, count: int) -> None:
        more = count - len(self._at_s)
        if more > 0:
            self._at_s = np.concatenate((self._at_s, np.full(more, -1, np.int64)))
            self._total = np.concatenate((self._total, np.zeros(more)))
