"""What is promised of time where a fault comes and goes, and what was measured of it."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from monitor import TURN_S
from probes.breaker import FAILURES_TO_OPEN


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised of time, in seconds.

    Attributes:
        spare_s: beside the interval, what a recovery may take: the check itself, and every delay on the way.
        grain_s: how late a moment may be that is bounded without any spare time: the monitor's longest turn.
        flap_s: between a fault's coming and its going.
    """

    interval_s: float = 1.0
    deadline_s: float = 2.0
    spare_s: float = 1.0
    grain_s: float = TURN_S
    flap_s: float = 1.0

    @property
    def check_s(self) -> float:
        """From the start of a check to its result."""
        return self.deadline_s + self.grain_s

    @property
    def rest_s(self) -> float:
        """From a result to the start of the next check, whatever the breaker has seen: a grain for either moment."""
        return self.interval_s + 2 * self.grain_s

    @property
    def news_s(self) -> float:
        """From one result to the next, and from a fault's beginning to its right name."""
        return self.interval_s + self.deadline_s + self.grain_s

    @property
    def guard_s(self) -> float:
        """From a first failure to the result of the breaker's first trial: as many checks as open it."""
        return FAILURES_TO_OPEN * (self.interval_s + self.deadline_s) + self.grain_s

    @property
    def recovery_s(self) -> float:
        """From a fault's end to ok, to the second: no grain is needed."""
        return self.interval_s + self.spare_s


@dataclass(frozen=True, slots=True)
class Measured:
    """A time that has a bound.

    Attributes:
        of: what kind of time: ``detection``, ``breaker``, ``recovery``, ``check``, ``rest``, ``silence``;
            ``answer``, always late, where a time-out was told in place of one.
        what: it in words.
    """

    of: str
    what: str
    took_s: float
    most_s: float

    @property
    def is_late(self) -> bool:
        return self.took_s > self.most_s


def spread(took_s: Iterable[float]) -> tuple[float, float]:
    """The median and the longest of some times, in seconds; zeros for none."""
    known = sorted(took_s)
    return (statistics.median(known), known[-1]) if known else (0.0, 0.0)
