"""Before and after a moment, on courses whose answer is known."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from analysis.shift import CHANCE, Shift, compare, sides, split
from history.answers import Series
from history.window import Window

RANDOM = np.random.default_rng(7)


def noisy(level: float, count: int = 120) -> np.ndarray:
    return level * np.exp(RANDOM.normal(0, 0.1, count))


def test_a_level_that_doubled_is_told_with_its_factor() -> None:
    found = compare("p95", "seconds", noisy(0.04), noisy(0.12))
    assert found.verdict == "higher"
    assert found.above > 0.99
    assert found.before == pytest.approx(0.04, rel=0.05)
    assert found.words.endswith("times as much")
    assert compare("p95", "seconds", noisy(0.12), noisy(0.06)).words.endswith("less")


def test_noise_is_no_change_and_one_spike_is_none_either() -> None:
    quiet, spiked = noisy(0.04), noisy(0.04)
    spiked[50] = 40.0
    found = compare("p95", "seconds", quiet, spiked)
    assert found.verdict == "alike"
    assert found.after == pytest.approx(0.04, rel=0.05)
    assert found.words == "no more than it varies anyhow"


def test_slow_waves_that_a_rank_test_alone_would_take_for_a_change_are_alike() -> None:
    wave = 1 + 0.1 * np.sin(2 * np.pi * np.arange(240) / 180)
    assert mannwhitneyu(wave[:120], wave[120:]).pvalue < CHANCE
    assert compare("p50", "seconds", wave[:120], wave[120:]).verdict == "alike"


def test_the_same_value_all_the_time_is_alike_and_from_nothing_is_told() -> None:
    assert compare("failed", "ratio", np.zeros(50), np.zeros(50)).verdict == "alike"
    assert compare("failed", "ratio", np.zeros(50), np.full(50, 0.2)).words == "from nothing"


def test_of_a_few_buckets_or_none_nothing_is_claimed() -> None:
    found = compare("p50", "seconds", np.array([1.0, np.nan]), np.full(50, 2.0))
    assert (found.verdict, found.before, found.after) == ("unknown", 1.0, 2.0)
    assert compare("p50", "seconds", np.zeros(0), np.zeros(0)) == Shift("p50", "seconds", None, None, 0.5, "unknown")


def test_a_bucket_that_lies_on_the_moment_is_on_neither_side() -> None:
    t = np.arange(0, 60.0, 10)
    line = Series("c", "m", (), "seconds", 10, t, t, t, t, t)
    before, after = split(line, t, 25.0)
    assert (before.tolist(), after.tolist()) == ([0, 10], [30, 40, 50])
    assert [side.tolist() for side in split(line, t, 30.0)] == [[0, 10, 20], [30, 40, 50]]


def test_the_sides_are_as_long_as_the_shorter_one_and_end_with_the_present() -> None:
    window = Window(0, 1000)
    assert sides(window, 300, 2000) == Window(0, 600)
    assert sides(window, 700, 800) == Window(600, 800)
    assert sides(window, 999, 2000) is None
    assert sides(window, 900, 800) is None
