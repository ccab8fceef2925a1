from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.tiers import (
    BUCKETS_S,
    DAYS,
    ENOUGH_BUCKETS,
    FOUR_HOURS,
    MAX_ANSWER_POINTS,
    MAX_BUCKETS,
    QUARTER_HOUR,
    RAW,
    ROLLUPS,
    Kept,
    Tier,
    bucket_s,
    most_buckets,
    plan,
)
from history.window import Window

NOW_S = 1_790_000_000
DAY_S = 86400
KEPT = Kept(now_s=NOW_S, raw_s=90 * DAY_S, quarter_hour_s=730 * DAY_S, four_hours_s=2190 * DAY_S)


def last(days: float, step_s: int | None = None) -> Window:
    return Window(int(NOW_S - days * DAY_S), NOW_S, step_s)


@pytest.mark.parametrize(
    ("days", "series", "tier", "step_s"),
    [
        (1 / 24, 20, RAW, 10),
        (0.25, 20, RAW, 30),
        (1, 20, RAW, 120),
        (5, 20, RAW, 600),
        (7, 20, QUARTER_HOUR, 900),
        (30, 1, RAW, 3600),
        (30, 20, QUARTER_HOUR, 3600),
        (45, 20, QUARTER_HOUR, 7200),
        (80, 20, FOUR_HOURS, 14400),
        (180, 20, FOUR_HOURS, 28800),
        (365, 20, DAYS, 86400),
        (3650, 1, DAYS, 604800),
        (1, 200, RAW, 600),
        (365, 200, DAYS, 604800),
    ],
)
def test_ranges_of_the_screen(days: float, series: int, tier: Tier, step_s: int) -> None:
    how = plan(last(days), series, KEPT)
    assert (how.tier, how.step_s) == (tier, step_s)


def test_what_raw_does_not_keep_any_more_comes_from_a_roll_up() -> None:
    old = Window(NOW_S - 200 * DAY_S, NOW_S - 199 * DAY_S)
    how = plan(old, 1, KEPT)
    assert (how.tier, how.step_s) == (QUARTER_HOUR, 900)


def test_a_step_narrower_than_the_roll_up_is_widened_to_whole_rows() -> None:
    how = plan(Window(NOW_S - 200 * DAY_S, NOW_S - 199 * DAY_S, 1000), 1, KEPT)
    assert (how.tier, how.step_s) == (QUARTER_HOUR, 1800)
    assert plan(last(0.5, 70), 1, KEPT).step_s == 70


def test_a_fine_step_is_read_from_raw_however_many_rows_it_takes() -> None:
    assert plan(last(7, 120), 200, KEPT).tier == RAW


@given(st.floats(10, 3660 * DAY_S), st.integers(60, MAX_BUCKETS))
def test_a_bucket_is_the_smallest_that_fits_or_a_tiers_own_row(range_s: float, most: int) -> None:
    bucket = bucket_s(range_s, most)
    assert range_s / bucket <= most
    smaller = [each for each in BUCKETS_S if each < bucket and range_s / each <= most]
    if smaller:
        assert bucket in {tier.width_s for tier in ROLLUPS}
        assert range_s / bucket >= ENOUGH_BUCKETS


@given(st.integers(1, 10_000), st.integers(1, 4000))
def test_an_answer_is_never_more_than_a_browser_draws(series: int, width_px: int) -> None:
    most = most_buckets(series, width_px)
    assert 60 <= most <= MAX_BUCKETS
    assert most * min(series, 200) <= MAX_ANSWER_POINTS
    assert most_buckets(series, 340) <= 340


def test_percentiles_are_read_from_raw_for_longer_and_old_ranges_from_what_still_has_them() -> None:
    week = last(10)
    assert plan(week, 20, KEPT).tier is QUARTER_HOUR
    assert plan(week, 20, KEPT, percentiles=True).tier is RAW
    month = last(30)
    assert (plan(month, 20, KEPT).tier, plan(month, 13, KEPT, percentiles=True).step_s) == (QUARTER_HOUR, 3600)
    assert plan(month, 20, KEPT, percentiles=True).step_s == FOUR_HOURS.width_s, "57,600 sketches are too many to merge"
    for years, tier, step_s in ((3, FOUR_HOURS, 14400), (7, DAYS, 86400)):
        old = Window(NOW_S - years * 365 * DAY_S, NOW_S - years * 365 * DAY_S + DAY_S)
        how = plan(old, 1, KEPT)
        assert (how.tier, how.step_s) == (tier, step_s)


@given(
    st.integers(10, 3660 * DAY_S),
    st.integers(0, 400 * DAY_S),
    st.integers(1, 200),
    st.none() | st.integers(1, 10**6),
    st.sampled_from(["America/New_York", "Europe/Berlin", "Asia/Kolkata", "UTC"]),
)
def test_every_plan_covers_what_was_asked_in_whole_rows(
    length_s: int, ago_s: int, series: int, step_s: int | None, zone: str
) -> None:
    asked = Window(NOW_S - ago_s - length_s, NOW_S - ago_s, max(step_s, length_s // 10_000) if step_s else None)
    how = plan(asked, series, replace(KEPT, zone=zone))
    assert how.step_s % how.tier.width_s == 0
    assert how.step_s >= (step_s or 1)
    edges = how.buckets.edges_s
    assert edges[0] <= asked.start_s < edges[1]
    assert edges[-2] < asked.end_s <= edges[-1]
    if how.tier in {FOUR_HOURS, DAYS}:
        local = [datetime.fromtimestamp(edge, ZoneInfo(zone)) for edge in edges]
        assert {moment.minute for moment in local} == {0}
        assert all(moment.hour % (4 if how.tier is FOUR_HOURS else 24) == 0 for moment in local)
    if how.tier is RAW:
        assert asked.start_s >= NOW_S - 90 * DAY_S
