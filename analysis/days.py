"""How each day was: the worst that was seen, how long it was down, how much of it anybody saw. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from clickhouse_connect.driver.client import Client

from analysis.uptime import DOWN, Piece, Uptime, observed_pieces, uptime_report
from history.answers import Interval, Period
from history.buckets import DAY_S
from history.queries import Scope
from history.trends import timeline
from history.window import Window
from probes.result import Status, worst

DAYS = 90
WHOLE_RATIO = 0.98
"""A day is wholly observed from this share on: a look that came late is no hole."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a component, by the desk's clock.

    Attributes:
        worst: the worst status that was seen; None: nobody looked.
        down_s: observed time in status critical.
        observed_ratio: observed time as a share of what of the day lies in the window.
    """

    day: date
    worst: Status | None
    down_s: float
    observed_ratio: float

    @property
    def partly(self) -> bool:
        """Whether somebody looked, but not all day."""
        return self.worst is not None and self.observed_ratio < WHOLE_RATIO


@dataclass(frozen=True, slots=True)
class Days:
    """The days of one component and its uptime over all of them."""

    days: tuple[Day, ...]
    uptime: Uptime


def day_states(
    spans: Sequence[Interval], observed: Mapping[str, Sequence[Period]], window: Window, zone: ZoneInfo
) -> dict[str, tuple[Day, ...]]:
    """Each day that `window` touches, of every component in `spans` or `observed`, oldest first.

    A day is from midnight to midnight of `zone`: one on which clocks change has 23 or 25 hours.

    Args:
        observed: per component the stretches in which somebody looked, as `history.queries.observed` gives them.
    """
    midnights = _midnights(window, zone)
    found = {}
    for component, pieces in observed_pieces(spans, observed, window).items():
        found[component] = tuple(
            _day(day, pieces, max(start_s, window.start_s), min(end_s, window.end_s))
            for (day, start_s), (_, end_s) in pairwise(midnights)
        )
    return found


def last_days(now_s: float, zone: ZoneInfo, count: int = DAYS) -> Window:
    """From the midnight that begins the first of the last `count` days until now; one question for a whole minute."""
    today = datetime.fromtimestamp(now_s, zone).date()
    start_s = _midnight_s(today - timedelta(days=count - 1), zone)
    return Window(start_s, int(now_s), DAY_S, (f"now-{count}d", "now"))


def daily(client: Client, scope: Scope, window: Window, components: tuple[str, ...] = ()) -> dict[str, Days]:
    """The days of `components` (empty: of all) over `window`, by the desk's clock."""
    answer = timeline(client, scope, window, components)
    states = day_states(answer.spans, answer.observed, window, ZoneInfo(scope.zone))
    report = uptime_report(answer.spans, answer.observed, window)
    return {uptime.component: Days(states[uptime.component], uptime) for uptime in report}


def _day(day: date, pieces: Sequence[Piece], start_s: float, end_s: float) -> Day:
    seen = [
        (piece.status, min(piece.end_s, end_s) - max(piece.start_s, start_s))
        for piece in pieces
        if piece.start_s < end_s and piece.end_s > start_s
    ]
    return Day(
        day,
        worst(status for status, _ in seen) if seen else None,
        sum(length_s for status, length_s in seen if status in DOWN),
        min(1.0, sum(length_s for _, length_s in seen) / (end_s - start_s)),
    )


def _midnights(window: Window, zone: ZoneInfo) -> list[tuple[date, int]]:
    """The midnights from before the window's start until after its end."""
    day = datetime.fromtimestamp(window.start_s, zone).date()
    found = [(day, _midnight_s(day, zone))]
    while found[-1][1] < window.end_s:
        day += timedelta(days=1)
        found.append((day, _midnight_s(day, zone)))
    return found


def _midnight_s(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp())
