from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from analysis.hours import by_hour_of_week

NEW_YORK = ZoneInfo("America/New_York")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()


def test_each_value_lands_in_its_local_weekday_and_hour():
    table = by_hour_of_week(np.array([at("2026-11-23T09:30"), at("2026-11-29T00:05")]), np.array([3.0, 5.0]), NEW_YORK)
    assert table[0, 9] == 3.0
    assert table[6, 0] == 5.0
    assert np.isnan(table).sum() == 7 * 24 - 2


def test_the_percentile_is_taken_within_a_cell_across_weeks():
    weeks = [at("2026-11-09T10:00"), at("2026-11-16T10:00"), at("2026-11-23T10:00")]
    table = by_hour_of_week(np.array(weeks), np.array([1.0, 2.0, 3.0]), NEW_YORK, rank=50)
    assert table[0, 10] == 2.0


def test_the_same_wall_clock_hour_on_both_sides_of_a_zone_change_is_one_cell():
    summer, winter = at("2026-10-30T15:00"), at("2026-11-06T15:00")  # clocks go back on 1 November
    table = by_hour_of_week(np.array([summer, winter]), np.array([1.0, 3.0]), NEW_YORK, rank=100)
    assert table[4, 15] == 3.0
    assert np.isfinite(table).sum() == 1


def test_no_values_and_values_that_are_not_numbers_leave_the_table_empty():
    assert np.isnan(by_hour_of_week(np.array([]), np.array([]), NEW_YORK)).all()
    assert np.isnan(by_hour_of_week(np.array([0.0]), np.array([np.nan]), NEW_YORK)).all()
