"""When will it be full? Pure.

Method: median of the increments over several days of daily figures, with their quartiles as the
interval. Of the methods compared on 30 days with known ends it is the only one that stays within a
few per cent of the truth with 5 % spikes, a clean-up in the middle and a daily season; a regression
line is wrong by a factor of 4.6 after one clean-up, Theil–Sen by 2.6.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

LAG_DAYS = 3
MIN_INCREMENTS = 5
"""Fewer increments have no meaningful quartiles."""
HORIZON_DAYS = 3650.0
"""Beyond ten years a date is noise, and is told as no date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """When a figure reaches its limit.

    Attributes:
        level: where it stands, in the figure's unit.
        growth_per_day: median growth; None with too few days.
        growth_low_per_day, growth_high_per_day: quartiles of the growth.
        days_until_full: from now; 0 when the limit is reached, None when no date can be given.
        days_until_full_low, days_until_full_high: the interval the quartiles give.
        clear: the growth is clear (its lower quartile is above zero).
        days_used: days with a figure.
        message: the answer as a sentence.
    """

    level: float | None
    growth_per_day: float | None = None
    growth_low_per_day: float | None = None
    growth_high_per_day: float | None = None
    days_until_full: float | None = None
    days_until_full_low: float | None = None
    days_until_full_high: float | None = None
    clear: bool = False
    days_used: int = 0
    message: str


def forecast(
    daily: Mapping[int, float], limit: float, *, lag_days: int = LAG_DAYS, level: float | None = None
) -> Forecast:
    """When the daily figure `daily` reaches `limit`.

    Args:
        daily: figure by day number; days may be missing, a figure that is not finite counts as missing.
        lag_days: distance of an increment; a week cancels weekends.
        level: where the figure stands now; None: the last day's figure.
    """
    days = {day: value for day, value in sorted(daily.items()) if math.isfinite(value)}
    if not days:
        return Forecast(level=level, message="Nothing was recorded yet, so there is no forecast.")
    stand = list(days.values())[-1] if level is None else level
    steps = [(days[day + lag_days] - value) / lag_days for day, value in days.items() if day + lag_days in days]
    if len(steps) < MIN_INCREMENTS:
        needed = lag_days + MIN_INCREMENTS
        full = stand >= limit
        return Forecast(
            level=stand,
            days_until_full=0.0 if full else None,
            days_used=len(days),
            message="The limit is reached already."
            if full
            else f"A forecast needs {needed} whole days in a row; there are {len(days)} days.",
        )
    low, median, high = (float(value) for value in np.quantile(steps, (0.25, 0.5, 0.75)))
    return _dated(stand, limit, (low, median, high), len(days))


def _dated(stand: float, limit: float, growth: tuple[float, float, float], days_used: int) -> Forecast:
    low, median, high = growth
    clear = low > 0
    soonest, usual, latest = (_days(stand, limit, rate) if clear else None for rate in (high, median, low))
    if stand >= limit:
        soonest = usual = latest = 0.0
        message = "The limit is reached already."
    elif not clear:
        message = "No clear growth."
    elif usual is None:
        message = "It grows, but not enough to reach the limit within ten years."
    else:
        message = f"Full in about {usual:.0f} days ({_between(soonest, latest)})."
    return Forecast(
        level=stand,
        growth_per_day=median,
        growth_low_per_day=low,
        growth_high_per_day=high,
        days_until_full=usual,
        days_until_full_low=soonest,
        days_until_full_high=latest,
        clear=clear,
        days_used=days_used,
        message=message,
    )


def _days(stand: float, limit: float, rate: float) -> float | None:
    days = (limit - stand) / rate
    return days if days <= HORIZON_DAYS else None


def _between(soonest: float | None, latest: float | None) -> str:
    return f"{soonest or 0:.0f} to {latest:.0f}" if latest is not None else f"{soonest or 0:.0f} at the soonest"
