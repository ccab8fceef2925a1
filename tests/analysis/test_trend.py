from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.trend import Trend, evened, trend

NEW_YORK = ZoneInfo("America/New_York")
DAY_S, FIRST_S = 86400, 1_780_286_400  # a Monday in New York
Floats = NDArray[np.float64]


def days(count: int) -> Floats:
    return FIRST_S + DAY_S * np.arange(count, dtype=np.float64)


def wandering(count: int, share: float, seed: int) -> Floats:
    """Noise of spread 1 in which each day keeps a share of the day before."""
    fresh = np.random.default_rng(seed).normal(0, 1, count)
    found = np.zeros(count)
    for day in range(count):
        found[day] = (found[day - 1] if day else 0.0) * share + fresh[day] * (1 - share**2) ** 0.5
    return found


def told(values: Floats, unit: str = "count") -> Trend:
    return trend(days(len(values)), values, unit, NEW_YORK)


@pytest.mark.parametrize("share", [0.0, 0.6])
def test_the_true_slope_is_inside_the_interval(share: float) -> None:
    inside = 0
    for seed in range(200):
        slope = np.random.default_rng(seed).uniform(-1, 1)
        found = told(100 + slope * np.arange(60) + 5 * wandering(60, share, seed))
        assert found.low_per_week is not None
        assert found.high_per_week is not None
        inside += found.low_per_week <= 7 * slope <= found.high_per_week
    assert inside >= 180


@pytest.mark.parametrize("share", [0.0, 0.6])
def test_noise_has_no_clear_trend(share: float) -> None:
    clear = sum(told(100 + 5 * wandering(60, share, seed)).clear for seed in range(200))
    assert clear <= 18


def test_the_words_tell_how_much_of_the_usual_day_a_week() -> None:
    found = told(100 * (1 + 0.01 * (np.arange(61) - 30) / 7))
    assert found.per_week == pytest.approx(1)
    assert found.level == pytest.approx(100)
    assert (found.clear, found.days, found.message) == (True, 61, "rises 1 % a week (1–1 %)")
    falling = told(100 - 0.5 * np.arange(60) + wandering(60, 0, 3))
    assert falling.message == "falls 4 % a week (3.9–4.2 %)"
    assert told(5 * wandering(60, 0, 2) + 100).message == "no clear trend (between −0.31 % and +0.79 % a week)"
    assert told(np.full(60, 5.0)).message == "no trend: every day is the same"


def test_a_ratio_is_told_in_points_and_what_has_no_level_in_its_unit() -> None:
    assert told(0.3 + 0.001 * np.arange(60), "ratio").message == "rises 0.7 points a week (0.7–0.7 points)"
    sunk = -(2.0**20) * np.arange(60)
    assert told(sunk, "bytes").message == "falls 7 MiB a week (7–7 MiB)"


def test_weekends_do_not_widen_the_interval() -> None:
    weekend = np.arange(63) % 7 >= 5
    busy = 100 + 0.5 * np.arange(63) + wandering(63, 0, 3)
    plain, weekly = told(busy), told(np.where(weekend, 0.3 * busy, busy))
    assert plain.low_per_week is not None
    assert weekly.low_per_week is not None
    assert plain.high_per_week is not None
    assert weekly.high_per_week is not None
    assert weekly.high_per_week - weekly.low_per_week < 2 * (plain.high_per_week - plain.low_per_week)
    assert weekly.per_week == pytest.approx(3.5, rel=0.1)


def test_a_level_survives_what_is_taken_off_for_weekdays() -> None:
    step = np.where(np.arange(63) < 30, 10.0, 20.0)
    weekly = step * np.where(np.arange(63) % 7 >= 5, 0.5, 1.0)
    np.testing.assert_allclose(evened(np.arange(63.0), weekly), step, rtol=1e-6)
    short = np.arange(20.0)
    assert evened(short, short) is short


def test_spikes_do_not_turn_a_trend() -> None:
    spiky = 100 + 0.5 * np.arange(60) + wandering(60, 0, 5)
    spiky[[7, 21, 40]] = 5000.0
    assert told(spiky).per_week == pytest.approx(3.5, rel=0.1)


def test_holes_keep_their_width() -> None:
    whole = 100 + 0.5 * np.arange(60)
    kept = ~np.isin(np.arange(60), range(20, 35))
    found = trend(days(60)[kept], whole[kept], "count", NEW_YORK)
    assert found.per_week == pytest.approx(3.5)
    missing = np.where(kept, whole, np.nan)
    assert told(missing) == found


@pytest.mark.parametrize(("count", "seen"), [(0, "there are none"), (1, "there is 1"), (13, "there are 13")])
def test_too_few_days_say_how_many_are_needed(count: int, seen: str) -> None:
    found = told(np.arange(count, dtype=np.float64))
    assert (found.per_week, found.clear) == (None, False)
    assert found.message == f"a trend needs 14 days; {seen}"
