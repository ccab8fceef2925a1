"""What is made of a series, on answers known beforehand: values, units, holes, and what cannot be made."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.functions import AS_RECORDED, FUNCTIONS, Unfit, figures_of, smooth_s
from history.answers import Series

STEP_S = 10
DAY_S = 86400
FINITE = st.lists(st.floats(0.001, 1e12), min_size=1, max_size=30)


def line(values: list[float], unit: str = "bytes", at_s: list[float] | None = None, **columns: np.ndarray) -> Series:
    t = np.array(range(0, STEP_S * len(values), STEP_S) if at_s is None else at_s, dtype=np.float64)
    avg = np.array(values, dtype=np.float64)
    key = ("host", "host_memory_used_bytes", (), unit, STEP_S)
    return Series(*key, t, avg, avg * 0.5, avg * 2, np.ones(len(avg)), **columns)


def made(name: str, of: Series, length_s: float = 100) -> Series:
    return FUNCTIONS[name].make(of, length_s)


def test_as_recorded_is_what_was_recorded() -> None:
    recorded = line([1, 2])
    assert made(AS_RECORDED, recorded) is recorded
    assert next(iter(FUNCTIONS)) == AS_RECORDED


def test_a_rate_is_the_change_per_second_and_its_unit_says_so() -> None:
    rate = made("rate", line([100, 200, 150, 150]))
    assert rate.unit == "bytes/s"
    assert rate.t.tolist() == [10, 20, 30]
    assert rate.avg.tolist() == rate.low.tolist() == rate.high.tolist() == [10, -5, 0]


def test_a_difference_is_the_change_from_bucket_to_bucket() -> None:
    assert made("difference", line([100, 200, 150])).avg.tolist() == [100, -50]
    assert made("difference", line([1, 2])).unit == "bytes"
    states = made("difference", line([1, 0, 1], "bool"))
    assert (states.avg.tolist(), states.unit) == ([-1, 1], "count")


@pytest.mark.parametrize("name", ["rate", "difference"])
def test_nothing_is_made_up_over_a_hole(name: str) -> None:
    holed = made(name, line([1, 2, 50, 51], at_s=[0, 10, 200, 210]))
    assert holed.t.tolist() == [10, 210]


def test_a_moving_average_stays_in_place_and_weighs_by_samples() -> None:
    spike = [0.0] * 100
    spike[50] = 90
    smooth = made("smooth", line(spike, "seconds"), 1000)  # of 24 the next round duration is a minute
    assert smooth.unit == "seconds"
    assert smooth.avg[50] == pytest.approx(90 / 7)
    assert np.flatnonzero(smooth.avg > 1e-9).tolist() == list(range(47, 54))
    few = line([10, 20])
    weighted = Series("h", "m", (), "bytes", STEP_S, few.t, few.avg, few.low, few.high, np.array([3.0, 1.0]))
    assert made("smooth", weighted, 3600).avg.tolist() == [12.5, 12.5]


@given(FINITE)
def test_a_moving_average_lies_between_the_extremes(values: list[float]) -> None:
    smooth = made("smooth", line(values), 3600).avg
    assert np.all(smooth >= min(values) * (1 - 1e-9))
    assert np.all(smooth <= max(values) * (1 + 1e-9))


def test_the_span_of_a_moving_average_grows_with_the_range() -> None:
    spans = [smooth_s(length_s) for length_s in (10, 3600, DAY_S, 30 * DAY_S, 3650 * DAY_S)]
    assert spans == sorted(spans)
    assert spans[0] == 10


@pytest.mark.parametrize(
    ("unit", "becomes"), [("bytes/s", "bytes"), ("messages/s", "messages"), ("ratio", "seconds"), ("bool", "seconds")]
)
def test_what_comes_together(unit: str, becomes: str) -> None:
    total = made("cumulative", line([1, 2, 3], unit))
    assert (total.avg.tolist(), total.unit) == ([10, 30, 60], becomes)


def test_nothing_comes_together_while_nobody_looked() -> None:
    assert made("cumulative", line([1, 1, 1, 1], "bytes/s", [0, 10, 500, 510])).avg.tolist() == [10, 20, 30, 40]


def test_a_cumulative_rate_comes_back() -> None:
    steady = line([5.0] * 20, "bytes/s")
    assert made("rate", made("cumulative", steady)).avg.tolist() == [5.0] * 19


def test_the_share_of_the_usual() -> None:
    share = made("usual", line([10, 20, 40]))
    assert (share.avg.tolist(), share.low.tolist(), share.high.tolist()) == ([0.5, 1, 2], [0.25, 0.5, 1], [1, 2, 4])
    assert share.unit == "ratio"


def test_the_index_begins_at_a_hundred() -> None:
    indexed = made("index", line([50, 100, 25]))
    assert (indexed.avg.tolist(), indexed.unit) == ([100, 200, 50], "index")


def test_a_percentile_takes_the_place_of_the_average() -> None:
    known = line([1, 2], p50=np.array([1.0, 1]), p95=np.array([1.5, 2]), p99=np.array([3.0, 4]))
    assert [made(name, known).avg.tolist() for name in ("p50", "p95", "p99")] == [[1, 1], [1.5, 2], [3, 4]]
    assert {name for name, function in FUNCTIONS.items() if function.percentiles} == {"p50", "p95", "p99"}


@pytest.mark.parametrize(
    ("name", "of", "words"),
    [
        ("rate", line([1, 2], "bytes/s"), "rate already"),
        ("rate", line([1, 0], "bool"), "yes or no"),
        ("cumulative", line([1, 2], "bytes"), "nothing adds up"),
        ("usual", line([0, 0, 5]), "usually 0"),
        ("index", line([0, 5]), "begins at 0"),
        ("p95", line([1, 2]), "group"),
    ],
)
def test_what_cannot_be_made_is_said(name: str, of: Series, words: str) -> None:
    with pytest.raises(Unfit, match=words):
        made(name, of)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("values", [[], [3.0]], ids=["nothing", "one point"])
def test_one_point_or_none_is_no_trouble(name: str, values: list[float]) -> None:
    percentiles = dict.fromkeys(("p50", "p95", "p99"), np.array(values))
    unit = "bytes/s" if name == "cumulative" else "bytes"
    try:
        result = made(name, line(values, unit, **percentiles))
    except Unfit:
        assert not values
        return
    assert len(result.t) == max(0, len(values) - (name in {"rate", "difference"}))
    assert len({len(column) for column in result.columns}) == 1


def test_figures_of_the_points() -> None:
    found = figures_of(line([float(value) for value in range(101)]))
    assert (found.p50, found.p95, found.p99, found.avg, found.high, found.low, found.count) == (
        *(50, 95, 99, 50),
        *(200, 0, 101),
    )
