"""Does it rise or fall, by how much a week, and is that more than chance? Pure.

Method: Theil–Sen, the median of the slopes between all pairs of days, with the interval that Kendall's test gives
(Sen 1968, "Estimates of the regression coefficient based on Kendall's tau"): an interval without zero is a trend the
Mann–Kendall test finds as well. Two things of daily figures are taken care of before: weekends, by what each weekday
usually differs from the week around it, and that a day is like the day before, which makes the interval wider as if
there were fewer days (Yue and Wang 2004). When something will be full is another question: see `analysis.forecast`.
"""

import math
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from analysis.baseline import even_scale, wall_clock_s
from history.answers import Floats
from history.buckets import DAY_S
from probes.catalogue import humanize

LEAST_DAYS = 14
CONFIDENCE_Z = 1.96
"""Of a normal distribution: an interval that holds the truth in 19 of 20 cases."""
MOST_LIKE_BEFORE = 0.85
"""Days more alike than that are one long day: an interval for them would be a guess."""
WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class Trend:
    """How a figure goes over weeks.

    Attributes:
        per_week: change a week in the figure's unit; None with too few days.
        low_per_week, high_per_week: where the truth lies in 19 of 20 cases, in 18 when days are much alike.
        level: the median day.
        clear: the interval lies on one side of zero.
        days: days with a figure.
        message: the answer in words, to stand in a title.
    """

    per_week: float | None
    low_per_week: float | None
    high_per_week: float | None
    level: float | None
    clear: bool
    days: int
    message: str


def trend(t: Floats, values: Floats, unit: str, zone: ZoneInfo) -> Trend:
    """The trend of daily figures.

    Args:
        t: a moment of each day, epoch seconds, ascending; days may be missing.
        values: the figures; one that is not finite counts as missing.
        unit: of the catalogue, for the words.
    """
    known = np.isfinite(values)
    days, figures = day_numbers(t[known], zone), values[known]
    if len(days) < LEAST_DAYS:
        message = f"a trend needs {LEAST_DAYS} days; there {'is' if len(days) == 1 else 'are'} {len(days) or 'none'}"
        return Trend(None, None, None, None, False, len(days), message)
    figures = evened(days, figures)
    middle, low, high = (slope * WEEK_DAYS for slope in _slopes(days, figures))
    level, clear = float(np.median(figures)), low > 0 or high < 0
    return Trend(middle, low, high, level, clear, len(days), _words((middle, low, high), level, unit))


def day_numbers(t: Floats, zone: ZoneInfo) -> Floats:
    """Days since 1970 on the clock of `zone`, whole."""
    return np.floor(wall_clock_s(t, zone) / DAY_S)


def evened(days: Floats, figures: Floats) -> Floats:
    """Daily figures less what each weekday usually differs from the week around it; as they are in under three weeks.

    Args:
        days: ascending day numbers.
    """
    if len(days) < 3 * WEEK_DAYS:
        return figures
    even, back = even_scale(float(figures.min()))
    scaled = even(figures)
    first = np.searchsorted(days, days - WEEK_DAYS // 2)
    after = np.searchsorted(days, days + WEEK_DAYS // 2, side="right")
    around = np.array([np.median(scaled[i:j]) for i, j in zip(first, after, strict=True)])
    weekday = days % WEEK_DAYS
    usual = np.zeros(len(days))
    for each in np.unique(weekday):
        usual[weekday == each] = np.median((scaled - around)[weekday == each])
    return back(scaled - (usual - np.median(usual)))


def _slopes(days: Floats, figures: Floats) -> tuple[float, float, float]:
    """The median slope a day and its interval."""
    from scipy.stats import norm, theilslopes

    first = theilslopes(figures, days)
    rest = figures - first.intercept - first.slope * days
    z = CONFIDENCE_Z * math.sqrt(_repeats(rest))
    found = theilslopes(figures, days, alpha=float(2 * norm.cdf(z) - 1))
    return float(found.slope), float(found.low_slope), float(found.high_slope)


def _repeats(rest: Floats) -> float:
    """How many days tell as much as one that is like no other: from the correlation of neighbours.

    Of what is left beside a line it comes out too small, by (2 + 4 r) / n (Marriott and Pope 1954).
    """
    rest = rest - rest.mean()
    power = float(rest @ rest)
    if power == 0.0:
        return 1.0
    alike = float(rest[1:] @ rest[:-1]) / power
    alike = min(MOST_LIKE_BEFORE, max(0.0, alike + (2 + 4 * alike) / len(rest)))
    return (1 + alike) / (1 - alike)


def _words(slopes: tuple[float, float, float], level: float, unit: str) -> str:
    """``rises 3.1 % a week (2.4–3.9 %)``: of the median day, of a ratio in points, of what has no level in its unit."""
    middle, low, high = slopes
    if unit == "ratio" or level <= 0:
        low_word, middle_word, high_word = (_amount(abs(slope), unit) for slope in (low, middle, high))
    else:
        low_word, middle_word, high_word = (f"{_digits(abs(slope) / level * 100)} %" for slope in (low, middle, high))
    if low > 0:
        return f"rises {middle_word} a week ({_between(low_word, high_word)})"
    if high < 0:
        return f"falls {middle_word} a week ({_between(high_word, low_word)})"
    if low == high:
        return "no trend: every day is the same"
    return f"no clear trend (between −{low_word} and +{high_word} a week)"


def _amount(value: float, unit: str) -> str:
    return f"{_digits(value * 100)} points" if unit == "ratio" else humanize(value, unit)


def _between(low: str, high: str) -> str:
    figure, _, word = low.partition(" ")
    return f"{figure}–{high}" if high.endswith(f" {word}") else f"{low} – {high}"


def _digits(value: float) -> str:
    """Two digits: an interval tells how little the rest means.

    >>> _digits(3.14), _digits(0.0312), _digits(123.4)
    ('3.1', '0.031', '120')
    """
    return f"{float(f'{value:.2g}'):.10g}"
