import time
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.baseline import Band
from analysis.changepoints import LEAST_POINTS, MOST_POINTS, change_points

Floats = NDArray[np.float64]
STEP_S = 60.0
SEEDS = range(60)


def wandering(chance: np.random.Generator, count: int, share: float = 0.6) -> Floats:
    """Noise of spread 1 in which each value keeps a share of the one before."""
    found = chance.normal(0, 1, count)
    for at in range(1, count):
        found[at] = share * found[at - 1] + found[at] * (1 - share**2) ** 0.5
    return found


NOISES: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "even": lambda chance, count: 10 + chance.normal(0, 1, count),
    "skewed": lambda chance, count: np.exp(chance.normal(0, 0.5, count)),
    "counts": lambda chance, count: chance.poisson(3, count).astype(np.float64),
    "heavy": lambda chance, count: chance.standard_t(2, count),
    "wandering": lambda chance, count: 10 + wandering(chance, count),
}


def moments(count: int) -> Floats:
    return STEP_S * np.arange(count)


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
@pytest.mark.parametrize("count", [200, 750])
def test_noise_alone_has_no_change(noise: Callable[[np.random.Generator, int], Floats], count: int) -> None:
    false = sum(bool(change_points(moments(count), noise(np.random.default_rng(seed), count))) for seed in SEEDS)
    assert false <= 0.05 * len(SEEDS)


@pytest.mark.parametrize("at", [40, 107, 160])
def test_a_step_is_found_at_its_bucket(at: int) -> None:
    found = 0
    for seed in SEEDS:
        values = NOISES["even"](np.random.default_rng(seed), 200)
        values[at:] += 4
        changes = change_points(moments(200), values)
        found += len(changes) == 1 and abs(changes[0].at_s - at * STEP_S) <= STEP_S
    assert found >= 0.95 * len(SEEDS)


def test_levels_before_and_after_are_told_with_how_sure_they_are() -> None:
    values = np.random.default_rng(1).normal(10, 1, 300)
    values[100:200] += 8
    up, down = change_points(moments(300), values)
    assert (up.at_s, down.at_s) == (100 * STEP_S, 200 * STEP_S)
    assert (up.before, up.after) == (pytest.approx(10, abs=0.4), pytest.approx(18, abs=0.4))
    assert (down.before, down.after) == (up.after, pytest.approx(10, abs=0.4))
    assert up.standard_errors > 20


def test_a_change_of_level_with_a_change_of_spread_is_one_change() -> None:
    """Twice as much with twice the noise, as rates have it."""
    found = 0
    for seed in SEEDS:
        values = np.exp(np.random.default_rng(seed).normal(0, 0.2, 300)) * np.where(np.arange(300) < 150, 10, 25)
        changes = change_points(moments(300), values)
        found += len(changes) == 1 and abs(changes[0].at_s - 150 * STEP_S) <= STEP_S
    assert found >= 0.95 * len(SEEDS)


def test_spikes_and_short_excursions_are_no_change() -> None:
    values = np.random.default_rng(1).normal(10, 1, 300)
    values[[20, 21, 90, 150, 151, 280]] = 500.0
    values[200 : 200 + LEAST_POINTS - 1] = 60.0
    assert change_points(moments(300), values) == ()


def test_a_hole_is_passed_over_and_the_new_level_begins_after_it() -> None:
    values = np.random.default_rng(1).normal(10, 1, 300)
    values[150:] += 6
    kept = (np.arange(300) < 120) | (np.arange(300) >= 160)
    (found,) = change_points(moments(300)[kept], values[kept])
    assert found.at_s == 160 * STEP_S
    missing = np.where(kept, values, np.nan)
    assert change_points(moments(300), missing) == (found,)


def test_the_usual_course_of_the_day_is_no_change_and_hides_none() -> None:
    t = np.arange(480) * 900.0
    usual = 10 + 9 * (np.sin(t / 86400 * 2 * np.pi) > 0)
    band = Band(t, usual * 0.8, usual, usual * 1.2, 5)
    found = false = 0
    for seed in SEEDS:
        values = usual * np.exp(np.random.default_rng(seed).normal(0, 0.1, 480))
        false += bool(change_points(t, values, band))
        values[300:] *= 1.5
        changes = change_points(t, values, band)
        found += len(changes) == 1 and abs(changes[0].at_s - t[300]) <= 900
    assert false <= 0.05 * len(SEEDS)
    assert found >= 0.95 * len(SEEDS)
    (change,) = changes
    assert change.after / change.before == pytest.approx(1.5, rel=0.1)


def test_where_nothing_is_usual_nothing_is_judged() -> None:
    t = np.arange(200) * 900.0
    values = np.where(t < t[150], 10.0, 20.0)
    told = np.where(t < t[120], 10.0, np.nan)
    assert change_points(t, values, Band(t, told, told, told, 5)) == ()


def test_what_never_moves_and_then_does_has_one_change() -> None:
    values = np.where(np.arange(100) < 60, 3.0, 4.0)
    (found,) = change_points(moments(100), values)
    assert (found.at_s, found.before, found.after) == (
        60 * STEP_S,
        pytest.approx(3),
        pytest.approx(4),
    )
    assert change_points(moments(100), np.full(100, 3.0)) == ()


@pytest.mark.parametrize("count", [0, 1, 2 * LEAST_POINTS - 1])
def test_too_few_buckets_have_no_change(count: int) -> None:
    assert change_points(moments(count), np.arange(count, dtype=np.float64)) == ()


def test_the_cost_is_bounded() -> None:
    """At most so many points are looked at, and those within 50 ms of processor time."""
    count = 13 * MOST_POINTS + 5
    values = np.random.default_rng(1).normal(10, 1, count)
    values[5000:] += 6
    (found,) = change_points(moments(count), values)
    assert abs(found.at_s - 5000 * STEP_S) <= 14 * STEP_S
    took_s = []
    for seed in range(5):
        values = NOISES["wandering"](np.random.default_rng(seed), MOST_POINTS)
        began_s = time.thread_time()
        change_points(moments(MOST_POINTS), values)
        took_s.append(time.thread_time() - began_s)
    assert sorted(took_s)[2] < 0.05
