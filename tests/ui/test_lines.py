"""Lines, bands and bars: holes stay open, what is not over is dotted, what is short is seen."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from history.answers import Interval, Series
from history.buckets import buckets
from history.window import Window
from probes.result import Status
from ui import charts, timeline

UTC = ZoneInfo("UTC")
DAY_S = 86400
YEAR = Window(0, 365 * DAY_S)


def series(t: np.ndarray, values: np.ndarray, step_s: int = DAY_S, unit: str = "seconds") -> Series:
    return Series(
        *("kafka", "probe_latency_seconds", (), unit, step_s),
        *(t, values, values * 0.5, values * 2, np.full(len(t), 96.0)),
        *(values, values * 1.5, values * 1.8),
    )


def year(hole: slice = slice(200, 204)) -> Series:
    """A value a day, four days missing."""
    days = np.delete(np.arange(365), np.arange(365)[hole])
    return series(days * float(DAY_S), 0.002 + 0.0001 * np.sin(days))


def drawn_at(figure: object, moment_s: float) -> set[str]:
    """The colours of the lines and fills that are drawn at a moment."""
    found, lower = set(), np.zeros(0)
    for trace in figure.data:
        x, y = places(trace), np.asarray(trace.y, dtype=np.float64)
        seen = np.isfinite(y) if trace.fill != "tonexty" else ~np.isclose(y, lower)
        joined = (seen[:-1] & seen[1:]) if trace.fill is None else (seen[:-1] | seen[1:])
        if trace.fill != "none" and np.any(joined & (x[:-1] <= moment_s) & (x[1:] >= moment_s)):
            found.add(f"{trace.name} {trace.fillcolor}")
        lower = y
    return found


def places(trace: object) -> np.ndarray:
    """Where a trace's points are, in epoch seconds of a chart in UTC."""
    even = trace.x is None
    x = trace.x0 + trace.dx * np.arange(len(trace.y)) if even else trace.x
    return np.asarray(x, dtype=np.float64) / 1000


def one_series(line: Series, *at: object, previous: Series | None = None, previous_name: str = "") -> object:
    return charts.time_series([line], *at, previous=[previous] if previous else [], previous_name=previous_name)


@pytest.mark.parametrize("kind", [charts.percentiles, charts.failures, one_series])
def test_neither_line_nor_band_nor_an_earlier_period_crosses_a_hole_of_days(kind: object) -> None:
    for line, drawn in ((year(), False), (year(slice(0, 0)), True)):
        figure = kind(line, YEAR, UTC, previous=line, previous_name="last year")
        everything = drawn_at(figure, 100.0 * DAY_S)
        assert len(everything) >= 3
        assert drawn_at(figure, 202.5 * DAY_S) == (everything if drawn else set())


def test_a_day_that_is_not_over_is_dotted_and_one_of_seconds_is_not() -> None:
    line = year()
    figure = charts.time_series([line], YEAR, UTC, read_s=364.5 * DAY_S)
    whole, tail = figure.data[-2:]
    assert (whole.line.dash, tail.line.dash) == ("solid", "dot")
    assert tail.showlegend is False
    assert "so far" in tail.hovertemplate
    assert places(whole)[-1] == places(tail)[0]
    over = charts.time_series([line], YEAR, UTC, read_s=366.0 * DAY_S)
    short = charts.time_series([replace(line, step_s=10)], YEAR, UTC, read_s=364 * DAY_S + 5.0)
    assert [len(each.data) for each in (over, short)] == [3, 3]


def test_an_earlier_period_is_thin_dashed_and_named() -> None:
    figure = charts.percentiles(year(), YEAR, UTC, previous=year(), previous_name="last week")
    (before,) = [trace for trace in figure.data if trace.name == "p95 last week"]
    assert before.line.dash == "dash"
    assert before.line.width <= 1
    assert {"p50", "p95", "p99", "max"} <= {trace.name for trace in figure.data}


def test_failures_are_what_is_missing_to_availability() -> None:
    line = series(np.arange(4) * 60.0, np.array([1.0, 1.0, 0.75, 1.0]), 60, "ratio")
    figure = charts.failures(line, Window(0, 240), UTC)
    assert [float(value) for value in figure.data[-1].y] == [0, 0, 25, 0]
    quiet = charts.failures(series(np.arange(4) * 60.0, np.ones(4), 60, "ratio"), Window(0, 240), UTC)
    assert tuple(quiet.layout.yaxis.range) == (0, 1)  # per cent


def test_a_peak_far_above_the_usual_makes_the_axis_logarithmic_with_thresholds_in_place() -> None:
    values = np.full(100, 0.002)
    values[50] = 0.4
    line = series(np.arange(100) * 60.0, values, 60)
    figure = charts.time_series([line], Window(0, 6000), UTC, thresholds=[(Status.WARNING, 0.1)])
    assert figure.layout.yaxis.type == "log"
    assert figure.layout.shapes[0].y0 == pytest.approx(100)  # ms; a shape in values, its words in exponents
    assert figure.layout.annotations[0].y == pytest.approx(2)
    rate = charts.time_series([replace(line, unit="messages/s")], Window(0, 6000), UTC)
    assert rate.layout.yaxis.type != "log"


def test_two_minutes_of_a_year_are_seen_and_their_true_length_is_told() -> None:
    spans = [
        Interval("redis", Status.OK, 0, YEAR.end_s, ""),
        Interval("redis", Status.CRITICAL, 1e6, 1e6 + 120, "gone"),
    ]
    figure = timeline.state_timeline(spans, {"redis": [(0, YEAR.end_s)]}, YEAR, UTC)
    (down,) = [bar for bar in figure.data if bar.name == "critical"]
    assert down.x[0] / 1000 == pytest.approx(YEAR.length_s / 400)
    assert "(2 min)" in down.customdata[0]


def test_holes_are_hatched_and_a_first_look_that_is_due_is_none() -> None:
    seen = {"redis": [(900.0, 1e6), (1e6 + 32_400, YEAR.end_s - 600.0)], "kafka": []}
    figure = timeline.state_timeline([Interval("redis", Status.OK, 0, YEAR.end_s, "")], seen, YEAR, UTC)
    (unseen,) = [bar for bar in figure.data if bar.name == "not observed"]
    assert list(unseen.y) == ["redis", "kafka"]
    assert unseen.marker.pattern.shape == "/"
    assert "(9 h)" in unseen.customdata[0]
    assert unseen.x[1] / 1000 == YEAR.length_s


def test_samples_rarer_than_buckets_travel_at_even_distances_and_no_line_is_drawn_over_a_hole() -> None:
    t = np.floor(np.arange(0, 3600, 15.0) / 10) * 10
    rare = series(t, np.ones(len(t)) * 0.002, 10)
    joined = charts.time_series([rare], Window(0, 3600), UTC).data[-1]
    assert (joined.x, joined.dx, joined.connectgaps) == (None, 10_000, True)
    assert places(joined)[np.isfinite(joined.y)].tolist() == t.tolist()
    assert np.isnan(joined.y).sum() == len(joined.y) - len(t)
    with_hole = rare.of([column[(t < 600) | (t > 1200)] for column in rare.columns])
    broken = charts.time_series([with_hole], Window(0, 3600), UTC).data[-1]
    assert broken.connectgaps is False
    assert drawn_at(charts.time_series([with_hole], Window(0, 3600), UTC), 900.0) == set()


def test_points_at_the_clocks_hours_are_even_over_a_change_of_the_clock() -> None:
    zone = ZoneInfo("America/New_York")
    edges = buckets(1_793_300_000, 1_793_900_000, 4 * 3600, str(zone)).edges_s
    line = series(np.array(edges[:-1], dtype=float), np.ones(len(edges) - 1), 4 * 3600)
    drawn = charts.time_series([line], Window(edges[0], edges[-1]), zone).data[-1]
    assert (drawn.x, drawn.dx) == (None, 4 * 3600 * 1000)


def test_over_a_change_of_the_clock_a_line_is_two_even_ones() -> None:
    """Every point with a time of its own would be three times the bytes."""
    t = 1_793_512_800.0 + 3600 * np.arange(-200, 200)  # New York's clocks change at 2026-11-01 06:00 UTC
    zone, line = ZoneInfo("America/New_York"), series(t, 1 + np.arange(400) / 400, 3600)
    drawn = charts.time_series([line], Window(int(t[0]), int(t[-1]) + 3600), zone).data
    assert [trace.dx for trace in drawn] == [3_600_000] * 6
    assert [trace.fill for trace in drawn] == ["none", "tonexty"] * 2 + [None] * 2
    assert [len(trace.y) for trace in drawn] == [200] * 6
    assert drawn[5].x0 - drawn[4].x0 == 199 * 3_600_000, "the hour is there twice"
    assert [trace.name for trace in drawn[4:]] == [line.label] * 2
