"""The sessions of an exchange: when it opened and closed, and which phase a moment belongs to. Pure."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from zoneinfo import ZoneInfo

Span = tuple[int, int]
"""Start and end in epoch seconds, the end exclusive."""


class Phase(StrEnum):
    """What the exchange does at a moment."""

    PRE = "pre-market"
    REGULAR = "regular session"
    POST = "post-market"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day, in epoch seconds.

    Attributes:
        day: the date the exchange gives it.
        pre_s, post_s: start of the pre-market and end of the post-market; the open and the close where there is none.
        early: it closed before its usual hour: a half day.
    """

    day: date
    pre_s: int
    open_s: int
    close_s: int
    post_s: int
    early: bool = False


@dataclass(frozen=True, slots=True)
class Sessions:
    """The trading days of a calendar, ascending, found by bisection.

    Attributes:
        calendar: its name, such as ``NYSE``.
        zone: the exchange's own clock.
    """

    calendar: str
    zone: ZoneInfo
    days: tuple[Session, ...]

    def phase(self, epoch_s: float) -> Phase:
        """What the exchange does at a moment. A lunch break belongs to the session."""
        session = self.begun(epoch_s)
        if session is None or epoch_s >= session.post_s:
            return Phase.CLOSED
        if epoch_s < session.open_s:
            return Phase.PRE
        return Phase.REGULAR if epoch_s < session.close_s else Phase.POST

    def session_on(self, day: date) -> Session | None:
        """The session of a date; None on a weekend, a holiday and outside the calendar's reach."""
        place = bisect_left(self.days, day, key=lambda session: session.day)
        return self.days[place] if place < len(self.days) and self.days[place].day == day else None

    def begun(self, epoch_s: float, before: int = 0) -> Session | None:
        """The last session whose pre-market has begun by a moment, or the one so many sessions `before` it."""
        return self._last(bisect_right(self.days, epoch_s, key=lambda session: session.pre_s), before)

    def opened(self, epoch_s: float, before: int = 0) -> Session | None:
        """The last session that has opened by a moment, or the one so many sessions `before` it."""
        return self._last(bisect_right(self.days, epoch_s, key=lambda session: session.open_s), before)

    def spans(self, start_s: float, end_s: float, *, extended: bool = False) -> list[Span]:
        """When there is trading between two moments, not clipped to them.

        Args:
            extended: from the start of the pre-market until the end of the post-market.
        """
        first = bisect_right(self.days, start_s, key=lambda session: session.post_s if extended else session.close_s)
        last = bisect_left(self.days, end_s, key=lambda session: session.pre_s if extended else session.open_s)
        days = self.days[first:last]
        return [(day.pre_s, day.post_s) if extended else (day.open_s, day.close_s) for day in days]

    def reaches(self, start_s: float, end_s: float) -> bool:
        """Whether the calendar knows every session between two moments."""
        return bool(self.days) and self.days[0].pre_s <= start_s and end_s <= self.days[-1].post_s

    def _last(self, count: int, before: int) -> Session | None:
        return self.days[count - 1 - before] if count > before else None
