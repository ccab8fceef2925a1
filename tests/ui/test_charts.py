"""Charts: rows in, figure out; a hole in the data is a hole in the line."""

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from history.answers import Interval, Series
from history.window import Window
from probes.result import Status
from ui import axes, charts, lines, timeline

NEW_YORK = ZoneInfo("America/New_York")


def series(t: list[float], values: list[float], unit: str = "seconds", **extra: object) -> Series:
    v = np.array(values)
    return Series(
        component="c",
        metric="m",
        labels=(),
        unit=unit,
        step_s=10,
        t=np.array(t),
        avg=v,
        low=v * 0.5,
        high=v * 2,
        count=v * 0 + 1,
        **extra,
    )


def test_a_hole_breaks_the_line():
    t, y = lines.with_gaps(np.array([0.0, 10, 20, 300, 310]), np.array([1.0, 2, 3, 4, 5]), step_s=10)
    assert list(np.isnan(y)) == [False, False, False, True, True, False, False]
    assert 20 < t[3] < t[4] < 300


def test_a_hole_in_even_distances_leaves_them_even() -> None:
    t, y = lines.with_gaps(np.delete(np.arange(0, 200.0, 10), [7, 8, 9]), np.ones(17), step_s=10)
    assert t.tolist() == np.arange(0, 200.0, 10).tolist()
    assert np.flatnonzero(np.isnan(y)).tolist() == [7, 8, 9]


def test_sparse_samples_are_no_hole():
    t, _ = lines.with_gaps(np.arange(0, 3000, 300.0), np.ones(10), step_s=10)
    assert len(t) == 10


def test_a_single_point_is_drawn_as_a_marker():
    figure = charts.time_series([series([100.0], [1.0])], Window(0, 200), NEW_YORK)
    assert figure.data[-1].mode == "lines+markers"
    assert list(figure.data[-1].marker.size) == [4]


def test_no_series_gives_an_empty_frame_of_the_same_size():
    figure = charts.time_series([], Window(0, 200), NEW_YORK)
    assert figure.layout.height == charts.HEIGHT
    assert len(figure.data) == 0


def test_values_travel_as_typed_arrays_in_the_unit_of_the_axis():
    figure = charts.time_series([series([0.0, 10.0], [0.002, 0.004])], Window(0, 20), NEW_YORK)
    line = figure.data[-1]
    assert line.y.dtype == np.float32
    assert (line.x, line.x0, line.dx) == (None, -5 * 3600 * 1000, 10_000)
    assert list(line.y) == pytest.approx([2.0, 4.0])
    assert figure.layout.yaxis.ticksuffix == " ms"


def test_the_axis_follows_the_desks_clock_over_the_change_of_dst():
    before, after = 1_793_509_200.0, 1_793_520_000.0  # 2026-11-01 05:00 and 08:00 UTC; clocks change at 06:00
    x = axes.local_ms(np.array([before, after]), NEW_YORK)
    assert (x / 1000 - np.array([before, after])).tolist() == [-4 * 3600, -5 * 3600]


def test_thresholds_are_drawn_when_the_data_come_near_and_left_out_when_far():
    line = series([0.0, 10.0], [1.0, 1.0])
    near = charts.time_series([line], Window(0, 20), NEW_YORK, thresholds=[(Status.WARNING, 2.0)])
    far = charts.time_series([line], Window(0, 20), NEW_YORK, thresholds=[(Status.WARNING, 200.0)])
    assert len(near.layout.shapes) == 1
    assert len(far.layout.shapes) == 0


def test_the_state_timeline_leaves_out_what_nobody_observed():
    spans = [Interval("kafka", Status.CRITICAL, 0, 100, "down")]
    figure = timeline.state_timeline(spans, {"kafka": [(0, 20), (60, 100)]}, Window(0, 100), ZoneInfo("UTC"))
    bars = next(bar for bar in figure.data if bar.name == "critical")
    assert [x / 1000 for x in bars.x] == [20, 40]


@pytest.mark.parametrize(
    ("peak", "unit", "expected"),
    [
        (0.05, "ratio", "%"),
        (3e9, "bytes", "GiB"),
        (2e6, "bytes/s", "MB/s"),
        (5e-7, "seconds", "µs"),
        (1500, "messages", "k"),
        (0, "seconds", "µs"),
    ],
)
def test_scales_have_units_people_use(peak: float, unit: str, expected: str):
    assert axes.scale_for(np.array([peak, np.nan]), unit).unit == expected
