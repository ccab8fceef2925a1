import random

import pytest

from analysis.forecast import forecast


def growing(days: int = 30, per_day: float = 0.01, start: float = 0.2, noise: float = 0.0) -> dict[int, float]:
    chance = random.Random(7)
    return {day: start + per_day * day + chance.gauss(0, noise) for day in range(days)}


def test_a_straight_line_has_an_exact_date() -> None:
    found = forecast(growing(), 1.0)
    assert found.level == pytest.approx(0.49)
    assert found.growth_per_day == pytest.approx(0.01)
    assert found.days_until_full == pytest.approx(51)
    assert found.clear
    assert found.message == "Full in about 51 days (51 to 51)."


def test_noise_widens_the_interval_around_the_truth() -> None:
    found = forecast(growing(60, noise=0.004), 1.0)
    assert found.days_until_full == pytest.approx(21, rel=0.15)
    assert found.days_until_full_low is not None
    assert found.days_until_full_high is not None
    assert found.days_until_full is not None
    assert found.days_until_full_low < found.days_until_full < found.days_until_full_high


def test_spikes_and_a_clean_up_do_not_mislead() -> None:
    spiky = growing()
    for day in (4, 13, 22):
        spiky[day] += 0.5
    assert forecast(spiky, 1.0).days_until_full == pytest.approx(51, rel=0.05)
    cleaned = {day: value - (0.15 if day >= 15 else 0) for day, value in growing().items()}
    assert forecast(cleaned, 1.0).days_until_full == pytest.approx(66, rel=0.05)


def test_holes_are_left_out() -> None:
    holed = {day: value for day, value in growing(40).items() if day not in {5, 6, 20, 21, 22}}
    assert forecast(holed, 1.0).days_until_full == pytest.approx(41)
    holed[39] = float("nan")
    assert forecast(holed, 1.0).level == pytest.approx(0.58), "a figure that is none counts as missing"


def test_without_clear_growth_there_is_no_date() -> None:
    for daily in (growing(per_day=0), growing(per_day=-0.002), growing(noise=0.05, per_day=0.0005)):
        found = forecast(daily, 1.0)
        assert (found.clear, found.days_until_full, found.message) == (False, None, "No clear growth.")


def test_a_week_as_lag_cancels_weekends() -> None:
    weekly = {day: value - (0.15 if day % 7 in {5, 6} else 0) for day, value in growing(42).items()}
    assert not forecast(weekly, 1.0).clear
    assert forecast(weekly, 1.0, lag_days=7, level=0.6).days_until_full == pytest.approx(40)


def test_too_few_days_say_how_many_are_needed() -> None:
    found = forecast(growing(7), 1.0)
    assert (found.days_until_full, found.growth_per_day, found.days_used) == (None, None, 7)
    assert found.message == "A forecast needs 8 whole days in a row; there are 7 days."
    assert forecast(growing(8), 1.0).clear
    assert forecast({}, 1.0).message == "Nothing was recorded yet, so there is no forecast."


def test_a_limit_already_reached_is_full_now() -> None:
    for daily in (growing(start=0.9), growing(start=1.5, per_day=0), {0: 1.2}):
        found = forecast(daily, 1.0)
        assert (found.days_until_full, found.message) == (0, "The limit is reached already.")


def test_a_date_beyond_ten_years_is_no_date() -> None:
    found = forecast(growing(per_day=1e-6), 1.0)
    assert found.clear
    assert found.days_until_full is None
    assert "ten years" in found.message
