"""Which bucket and which table answer a question. Pure; figures from docs/performance.md."""

import math
from dataclasses import dataclass

from history.window import Window

BUCKETS_S = (10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 28800, 43200, 86400, 172800, 604800)
MAX_BUCKETS = 750
RAW_ROWS = 2_000_000
"""Up to this many raw samples, reading them beats merging the 15-minute sketches."""


@dataclass(frozen=True, slots=True)
class Tier:
    """A table of the history and the width of its rows in seconds (raw: a sample each)."""

    name: str
    table: str
    width_s: int


RAW = Tier("raw", "samples", 1)
QUARTER_HOUR = Tier("15m", "samples_15m", 900)
FOUR_HOURS = Tier("4h", "samples_4h", 14400)


@dataclass(frozen=True, slots=True)
class Plan:
    """The window widened to whole buckets, and the tier that answers it."""

    window: Window
    step_s: int
    tier: Tier


def plan(
    window: Window,
    series_count: int,
    now_s: float,
    raw_kept_s: float,
    sample_every_s: float = 10,
    quarter_hour_kept_s: float = math.inf,
) -> Plan:
    """The cheapest way to draw `series_count` series over `window` without losing a spike."""
    step_s = window.step_s or bucket_s(window.length_s)
    tier = choose_tier(window, step_s, series_count, now_s, raw_kept_s, sample_every_s)
    if tier is QUARTER_HOUR and window.start_s < now_s - quarter_hour_kept_s:
        tier = FOUR_HOURS  # coarse, but it still has the beginning
    if tier is not RAW:  # a bucket narrower than the tier's rows would invent points
        step_s = -(-step_s // tier.width_s) * tier.width_s
    return Plan(window.aligned(step_s), step_s, tier)


def bucket_s(range_s: float) -> int:
    """The smallest bucket that gives at most `MAX_BUCKETS` points."""
    return next((bucket for bucket in BUCKETS_S if range_s / bucket <= MAX_BUCKETS), BUCKETS_S[-1])


def choose_tier(
    window: Window, step_s: int, series_count: int, now_s: float, raw_kept_s: float, sample_every_s: float
) -> Tier:
    """Raw where it is kept and small enough, else the coarsest tier whose rows fit the bucket."""
    rows = max(1, series_count) * window.length_s / sample_every_s
    if window.start_s >= now_s - raw_kept_s and (rows <= RAW_ROWS or step_s < QUARTER_HOUR.width_s):
        return RAW
    return FOUR_HOURS if step_s % FOUR_HOURS.width_s == 0 else QUARTER_HOUR
