import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.tiers import BUCKETS_S, FOUR_HOURS, MAX_BUCKETS, QUARTER_HOUR, RAW, Tier, bucket_s, plan
from history.window import Window

NOW_S = 1_790_000_000
DAY_S = 86400
KEPT_S = 90 * DAY_S


def last(days: float, step_s: int | None = None) -> Window:
    return Window(int(NOW_S - days * DAY_S), NOW_S, step_s)


@pytest.mark.parametrize(
    ("days", "series", "tier", "step_s"),
    [
        (1 / 24, 20, RAW, 10),
        (0.25, 20, RAW, 30),
        (1, 20, RAW, 120),
        (7, 20, RAW, 900),
        (30, 1, RAW, 3600),
        (30, 20, QUARTER_HOUR, 3600),
        (80, 20, QUARTER_HOUR, 10800),
        (365, 20, FOUR_HOURS, 43200),
        (3650, 1, FOUR_HOURS, 604800),
    ],
)
def test_ranges_of_the_screen(days: float, series: int, tier: Tier, step_s: int) -> None:
    how = plan(last(days), series, NOW_S, KEPT_S)
    assert (how.tier, how.step_s) == (tier, step_s)


def test_what_raw_does_not_keep_any_more_comes_from_a_roll_up() -> None:
    old = Window(NOW_S - 200 * DAY_S, NOW_S - 199 * DAY_S)
    how = plan(old, 1, NOW_S, KEPT_S)
    assert (how.tier, how.step_s) == (QUARTER_HOUR, 900)


def test_a_step_narrower_than_the_roll_up_is_widened_to_whole_rows() -> None:
    how = plan(Window(NOW_S - 200 * DAY_S, NOW_S - 199 * DAY_S, 1000), 1, NOW_S, KEPT_S)
    assert (how.tier, how.step_s) == (QUARTER_HOUR, 1800)
    assert plan(last(0.5, 70), 1, NOW_S, KEPT_S).step_s == 70


def test_a_fine_step_is_read_from_raw_however_many_rows_it_takes() -> None:
    assert plan(last(7, 120), 200, NOW_S, KEPT_S).tier == RAW


@given(st.floats(10, 3660 * DAY_S))
def test_a_bucket_is_the_smallest_that_fits(range_s: float) -> None:
    bucket = bucket_s(range_s)
    assert range_s / bucket <= MAX_BUCKETS
    assert all(range_s / smaller > MAX_BUCKETS for smaller in BUCKETS_S if smaller < bucket)


@given(
    st.integers(10, 3660 * DAY_S), st.integers(0, 400 * DAY_S), st.integers(1, 200), st.none() | st.integers(1, 10**6)
)
def test_every_plan_covers_what_was_asked_in_whole_rows(
    length_s: int, ago_s: int, series: int, step_s: int | None
) -> None:
    asked = Window(NOW_S - ago_s - length_s, NOW_S - ago_s, step_s)
    how = plan(asked, series, NOW_S, KEPT_S)
    assert how.step_s % how.tier.width_s == 0
    assert how.step_s >= (step_s or 1)
    assert how.window.start_s <= asked.start_s < asked.end_s <= how.window.end_s
    assert how.window.length_s % how.step_s == 0
    if how.tier is RAW:
        assert asked.start_s >= NOW_S - KEPT_S
