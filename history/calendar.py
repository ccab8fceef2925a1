"""Reads the calendar of an exchange and keeps it: in the background, anew every day, never on anybody's path."""

import gc
import logging
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from history.sessions import Session, Sessions

log = logging.getLogger(__name__)

BACK, AHEAD = timedelta(days=6 * 366), timedelta(days=400)
"""How far the calendar is read: every range a chart is drawn session by session for, and the holidays to come."""
AGAIN_S, RETRY_S = 86_400.0, 60.0


def read_sessions(calendar: str, first: date, last: date) -> Sessions:
    """The sessions of a calendar from one day to another, as pandas_market_calendars has them.

    Raises:
        Exception: whatever the package raises for a calendar it knows by name only.
    """
    import pandas_market_calendars as calendars  # half a second, a few thousand objects: not for who needs none

    market = calendars.get_calendar(calendar)
    times = set(market.regular_market_times)
    start, end = ("pre" if "pre" in times else "market_open"), ("post" if "post" in times else "market_close")
    table = market.schedule(first, last, start=start, end=end)
    early = set(market.early_closes(table).index)
    columns = (start, "market_open", "market_close", end)
    days = []
    for day, row in zip(table.index, table.to_dict("records"), strict=True):
        pre_s, open_s, close_s, post_s = (_epoch_s(row[column]) for column in columns)
        days.append(Session(day.date(), pre_s, open_s, close_s, post_s, day in early))
    return Sessions(calendar, ZoneInfo(str(market.tz)), tuple(days))


def _epoch_s(moment: Any) -> int:
    return int(moment.timestamp())  # not the integer of the column, whose unit is the package's affair


class SessionBook:
    """The sessions of the desk's calendar, as soon as they are read.

    Args:
        calendar: a name pandas_market_calendars knows.
        read: reads it between two days.
    """

    def __init__(self, calendar: str, read: Callable[[str, date, date], Sessions] = read_sessions) -> None:
        self.calendar = calendar
        self.known: Sessions | None = None
        self.error = ""
        self._read = read
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def why_not(self) -> str:
        """Why the sessions are not known, in a sentence; empty when they are."""
        if self.known is not None:
            return ""
        return self.error or f"The calendar of {self.calendar} is being read; this takes a few seconds."

    def start(self) -> None:
        """Read in the background; returns at once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="history:calendar", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread; a reading under way ends by itself."""
        self._stopping.set()

    def _work(self) -> None:
        pause_s = 0.0
        while not self._stopping.wait(pause_s):
            pause_s = AGAIN_S if self._turn() else RETRY_S

    def _turn(self) -> bool:
        first = self.known is None
        today = datetime.now(UTC).date()
        try:
            self.known, self.error = self._read(self.calendar, today - BACK, today + AHEAD), ""
        except Exception as exc:  # what was read before stays; a calendar that cannot be read must stop nothing
            error = f"The calendar of {self.calendar} cannot be read: {str(exc) or type(exc).__name__}."
            if error != self.error:
                log.warning("%s", error)
            self.error = error
            return False
        if first:  # the package stays for good: collections after every drawing of a page need not walk it
            gc.collect()
            gc.freeze()
        return True
