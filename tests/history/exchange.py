"""A hand-made calendar of New York around Thanksgiving, for tests that need no package."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from history.sessions import Session, Sessions

NEW_YORK = ZoneInfo("America/New_York")


def wall_s(day: date, hour: int, minute: int = 0) -> int:
    """Epoch second of New York's wall clock."""
    return int(datetime.combine(day, time(hour, minute), NEW_YORK).timestamp())


def session(day: date, *, early: bool = False, pre: bool = True) -> Session:
    """A usual day, or one that closes at 13:00."""
    start_s, close_s = wall_s(day, 9, 30), wall_s(day, 13 if early else 16)
    end_s = wall_s(day, 17 if early else 20)
    return Session(day, wall_s(day, 4) if pre else start_s, start_s, close_s, end_s if pre else close_s, early)


def november(*, pre: bool = True) -> Sessions:
    """The sessions from 16 to 30 November 2026: closed on the 26th, a half day on the 27th."""
    days = [16, 17, 18, 19, 20, 23, 24, 25, 27, 30]
    return Sessions("NYSE", NEW_YORK, tuple(session(date(2026, 11, d), early=d == 27, pre=pre) for d in days))
