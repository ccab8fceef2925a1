"""Questions whose answers are judged as well: what the history has, and what the analysis makes of it."""

import gc
import importlib
from dataclasses import dataclass, field
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
from clickhouse_connect.driver.client import Client

from analysis.baseline import WEEKS, Excursion, Usual, excursions, seasonal_band
from analysis.changepoints import ChangePoint, change_points
from analysis.trend import LEAST_DAYS, WEEK_DAYS, Trend, day_numbers, evened, trend
from history.answers import Floats, Period, Series, SeriesSet, cut
from history.buckets import DAY_S, WEEK_S, buckets, earlier
from history.queries import Scope
from history.queries.levels import as_read, bucketed, read, series_of
from history.rows import SeriesKey, SeriesRow
from history.tiers import MIN_BUCKETS, RAW, Plan, bucket_s, plan
from history.window import Window

LONGEST_S = WEEKS * WEEK_S
"""What is usual is told of ranges as long as the past that tells it: in longer ones it has changed itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """How one series went, beside what it usually does.

    Attributes:
        answer: the series over the window, and how it was read.
        usual: the band of what is usual, or why there is none.
        outside: where it left the band by far.
        changes: where its level changed for good.
        trend: how its days go; None in ranges of less than two weeks.
    """

    answer: SeriesSet
    usual: Usual = field(default_factory=lambda: Usual(None, ""))
    outside: tuple[Excursion, ...] = ()
    changes: tuple[ChangePoint, ...] = ()
    trend: Trend | None = None

    @property
    def line(self) -> Series | None:
        return self.answer.series[0] if self.answer.series else None


def course(client: Client, scope: Scope, window: Window, key: SeriesKey, unlike: tuple[Period, ...] = ()) -> Course:
    """One series over `window` with its usual band, what left it, changes of its level, and its trend.

    Args:
        unlike: days unlike others (`analysis.baseline.unlike_days`).
    """
    _load()
    rows = tuple(series_of(client, scope, [key.id]).values())
    how, why_not = _plan(scope, window)
    answer = read(client, scope, rows, how)
    if not answer.series:
        return Course(answer)
    line, zone = answer.series[0], ZoneInfo(scope.zone)
    usual = Usual(None, why_not) if why_not else _usual(client, scope, rows, how, window, unlike)
    whole = line.of([column[line.t + line.step_s <= scope.now_s] for column in line.columns])
    days_t, days = _days(client, scope, rows, window, unlike)
    if usual.band is not None:
        outside = excursions(whole.t, whole.avg, usual.band, line.step_s)
        changes = change_points(whole.t, whole.avg, usual.band)
    elif len(days) >= 3 * WEEK_DAYS:
        outside, changes = (), change_points(days_t, evened(day_numbers(days_t, zone), days))
    else:  # over some days, the days themselves would be the changes
        outside, changes = (), change_points(whole.t, whole.avg) if window.length_s <= DAY_S else ()
    long = window.length_s >= LEAST_DAYS * DAY_S
    return Course(answer, usual, outside, changes, trend(days_t, days, line.unit, zone) if long else None)


def _plan(scope: Scope, window: Window) -> tuple[Plan, str]:
    """How to read the window in buckets that the past can be read in as well, or why it cannot."""
    step_s = window.step_s or bucket_s(window.length_s)
    alone = plan(window, 1, scope.kept)
    if window.length_s > LONGEST_S:
        return alone, f"What is usual is told of up to {WEEKS} weeks."
    reaching = plan(Window(window.start_s - LONGEST_S, window.end_s, step_s), 1, scope.kept)
    if reaching.tier is not RAW and window.length_s < MIN_BUCKETS * reaching.step_s:
        return alone, f"What is usual is not told: single samples of the last {WEEKS} weeks are not kept."
    span = buckets(window.start_s, window.end_s, reaching.step_s, scope.zone)
    return Plan(span, reaching.tier, window.words), ""


def _usual(
    client: Client, scope: Scope, rows: tuple[SeriesRow, ...], how: Plan, window: Window, unlike: tuple[Period, ...]
) -> Usual:
    """What is usual in the buckets of `how`, out of the same hours of the weeks before."""
    week = Window(window.start_s, min(window.end_s, window.start_s + WEEK_S))
    present = buckets(week.start_s, week.end_s, how.step_s, scope.zone)
    spans = [earlier(present, number * WEEK_S, scope.zone) for number in range(WEEKS, 0, -1)]
    columns = bucketed(client, scope, how.tier, rows, spans, percentiles=False)
    lines = [line for span in spans for line in cut(columns, as_read(rows), span, scope.now_s)]
    past_t, past = (np.concatenate([np.zeros(0), *(line.columns[which] for line in lines)]) for which in (0, 1))
    t = np.asarray(how.buckets.edges_s[:-1], dtype=np.float64)
    return seasonal_band(t, past_t, past, ZoneInfo(scope.zone), how.step_s, unlike)


def _days(
    client: Client, scope: Scope, rows: tuple[SeriesRow, ...], window: Window, unlike: tuple[Period, ...]
) -> tuple[Floats, Floats]:
    """The averages of the whole days of the window that are like others, and when they begin."""
    if window.length_s < LEAST_DAYS * DAY_S:
        return np.zeros(0), np.zeros(0)
    how = plan(Window(window.start_s, window.end_s, DAY_S), 1, scope.kept)
    (line,) = read(client, scope, rows, how).series or (None,)
    if line is None:
        return np.zeros(0), np.zeros(0)
    whole = (line.t >= window.start_s) & (line.t + how.buckets.seconds(line.t) <= min(window.end_s, scope.now_s))
    for start_s, end_s in unlike:
        whole &= (line.t < start_s) | (line.t >= end_s)
    return line.t[whole], line.avg[whole]


@cache
def _load() -> None:
    """Load what the analysis needs: it stays for good, and collections after every drawing need not walk it."""
    for name in ("ruptures", "scipy.ndimage", "scipy.stats"):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
