"""Which buckets and which table answer a question. Pure; figures from docs/performance.md."""

import math
from dataclasses import dataclass

from history.buckets import DAY_S, HOUR_S, Buckets, buckets, is_plain
from history.window import Window
from settings import DEFAULT_ZONE

BUCKETS_S = (
    *(10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(hours * HOUR_S for hours in (1, 2, 3, 4, 8, 12)),
    *(days * DAY_S for days in (1, 2, 7, 28, 91)),
)
MAX_BUCKETS, MIN_BUCKETS = 750, 60
ENOUGH_BUCKETS = 300
"""A chart with as many says all a screen can show; fewer, if wider ones are the rows of a tier."""
MAX_ANSWER_POINTS = 30_000
"""Points of all series together: what a browser draws at once, and what is read within 50 ms."""
RAW_ROWS, RAW_ROWS_WITH_PERCENTILES = 1_000_000, 2_000_000
"""Up to so many raw samples, reading them beats reading the roll-up, whose sketches cost as much as their samples."""

MAX_SKETCHES = 40_000
"""So many sketches are merged within 100 ms; a question for the percentiles of more is answered by a coarser tier."""


@dataclass(frozen=True, slots=True)
class Tier:
    """A table of the history and the width of its rows in seconds (raw: a sample each)."""

    name: str
    table: str
    width_s: int


RAW = Tier("raw", "samples", 1)
QUARTER_HOUR = Tier("15m", "samples_15m", 900)
FOUR_HOURS = Tier("4h", "samples_4h", 4 * HOUR_S)
DAYS = Tier("1d", "samples_1d", DAY_S)
ROLLUPS = (QUARTER_HOUR, FOUR_HOURS, DAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How long before now each tier reaches, and whose clock the coarse ones follow."""

    now_s: float
    raw_s: float
    quarter_hour_s: float = math.inf
    four_hours_s: float = math.inf
    zone: str = DEFAULT_ZONE

    def has(self, tier: Tier, start_s: float) -> bool:
        """Whether a tier still has what was at `start_s`."""
        reach = {RAW: self.raw_s, QUARTER_HOUR: self.quarter_hour_s, FOUR_HOURS: self.four_hours_s}
        return start_s >= self.now_s - reach.get(tier, math.inf)


@dataclass(frozen=True, slots=True)
class Plan:
    """The buckets that cover a window, and the tier that answers it."""

    buckets: Buckets
    tier: Tier
    words: tuple[str, str] | None = None

    @property
    def step_s(self) -> int:
        return self.buckets.step_s

    @property
    def window(self) -> Window:
        """The window widened to whole buckets."""
        return Window(self.buckets.start_s, self.buckets.end_s, self.step_s, self.words)


def plan(
    window: Window,
    series_count: int,
    kept: Kept,
    *,
    percentiles: bool = False,
    width_px: int = MAX_BUCKETS,
    sample_every_s: float = 10,
) -> Plan:
    """The cheapest way to draw `series_count` series over `window` without losing a spike.

    Args:
        width_px: of the chart: more buckets than pixels say nothing.
        sample_every_s: the usual distance of samples.
    """
    step_s = window.step_s or bucket_s(window.length_s, most_buckets(series_count, width_px))
    rows = max(1, series_count) * window.length_s / sample_every_s
    few = rows <= (RAW_ROWS_WITH_PERCENTILES if percentiles else RAW_ROWS)
    if kept.has(RAW, window.start_s) and (few or step_s < QUARTER_HOUR.width_s):
        tier = RAW
    else:
        tier = choose_rollup(window, series_count, kept, step_s, percentiles)
        step_s = widened(step_s, tier)
    return Plan(buckets(window.start_s, window.end_s, step_s, kept.zone), tier, window.words)


def choose_rollup(window: Window, series_count: int, kept: Kept, step_s: int, percentiles: bool) -> Tier:
    """The coarsest roll-up whose rows fit the buckets; a coarser one where that is too short or too much to merge."""
    fitting = next(tier for tier in reversed(ROLLUPS) if fits(tier, step_s) or tier is QUARTER_HOUR)
    for tier in ROLLUPS[ROLLUPS.index(fitting) :]:
        sketches = series_count * window.length_s / tier.width_s if percentiles else 0
        if kept.has(tier, window.start_s) and sketches <= MAX_SKETCHES:
            return tier
    return DAYS


def most_buckets(series_count: int, width_px: int = MAX_BUCKETS) -> int:
    """How many buckets a chart of so many series and pixels may have.

    >>> most_buckets(20), most_buckets(200), most_buckets(1, 340)
    (750, 150, 340)
    """
    return max(MIN_BUCKETS, min(MAX_BUCKETS, width_px, MAX_ANSWER_POINTS // max(1, series_count)))


def bucket_s(range_s: float, most: int = MAX_BUCKETS) -> int:
    """The smallest bucket that gives at most `most` points; a tier's own row where that leaves enough of them.

    >>> bucket_s(3600), bucket_s(90 * 86400), bucket_s(365 * 86400)
    (10, 14400, 86400)
    """
    smallest = next((bucket for bucket in BUCKETS_S if range_s / bucket <= most), BUCKETS_S[-1])
    rows = [tier.width_s for tier in ROLLUPS if tier.width_s >= smallest and range_s / tier.width_s >= ENOUGH_BUCKETS]
    return rows[0] if rows and smallest > QUARTER_HOUR.width_s else smallest


def fits(tier: Tier, step_s: int) -> bool:
    """Whether the buckets are made of whole rows of a roll-up."""
    return step_s % tier.width_s == 0 and (tier is QUARTER_HOUR or not is_plain(step_s))


def widened(step_s: int, tier: Tier) -> int:
    """The next width that whole rows of `tier` fill: a narrower bucket would invent points.

    >>> widened(1000, QUARTER_HOUR), widened(3600, FOUR_HOURS), widened(5 * 3600, FOUR_HOURS), widened(90000, DAYS)
    (1800, 14400, 28800, 172800)
    """
    if tier is FOUR_HOURS and step_s < DAY_S:
        return next((width for width in (4 * HOUR_S, 8 * HOUR_S, 12 * HOUR_S) if width >= step_s), DAY_S)
    width_s = tier.width_s if tier is QUARTER_HOUR else DAY_S
    return -(-step_s // width_s) * width_s
