"""Ever-growing counters turned into increases between two readings. Pure."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

WRAP_AT = 2.0**32


def increase(before: float, after: float, elapsed_s: float, most_per_s: float | None = None) -> float | None:
    """How much a counter grew in `elapsed_s` seconds; None when that cannot be told.

    A smaller value is a 32-bit counter that wrapped only if it stood in its upper half and the
    implied rate is possible (`most_per_s`); any other fall is a reset, whose sample is dropped:
    psutil's own correction turns a reset from 100 to 5 into 105.
    """
    if after >= before:
        return after - before
    wrapped = after + WRAP_AT - before
    if most_per_s is not None and WRAP_AT / 2 < before < WRAP_AT and wrapped <= most_per_s * elapsed_s:
        return wrapped
    return None


@dataclass(frozen=True, slots=True)
class Turn(Generic[Key]):
    """What the counters did between two readings; empty at the first."""

    elapsed_s: float = 0.0
    increases: Mapping[Key, float] = field(default_factory=dict)

    def per_second(self, key: Key) -> float | None:
        """The rate of one counter; None when it is new, was reset or no time has passed."""
        grown = self.increases.get(key)
        return None if grown is None or self.elapsed_s <= 0 else grown / self.elapsed_s


class Counters(Generic[Key]):
    """Remembers the last values of a set of counters; forgets those that are gone."""

    def __init__(self) -> None:
        self._values: Mapping[Key, float] = {}
        self._at_s: float | None = None

    def turn(
        self, values: Mapping[Key, float], now_s: float, most_per_s: Mapping[Key, float] | None = None
    ) -> Turn[Key]:
        """Take the counters' present values in and return what they did since the last time.

        Args:
            now_s: a monotonic clock.
            most_per_s: the fastest a counter can possibly grow, where that is known.
        """
        before, at_s = self._values, self._at_s
        self._values, self._at_s = dict(values), now_s
        if at_s is None or now_s <= at_s:
            return Turn()
        elapsed_s = now_s - at_s
        limits = most_per_s or {}
        grown = {
            key: increase(before[key], value, elapsed_s, limits.get(key))
            for key, value in values.items()
            if key in before
        }
        return Turn(elapsed_s, {key: value for key, value in grown.items() if value is not None})
