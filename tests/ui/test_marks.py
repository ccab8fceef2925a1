"""What is drawn over and under the lines: names, events, the status row; and days on which clocks change."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from history.answers import Event, Interval, Series
from history.trends import Timeline
from history.window import Window
from probes.result import Status
from ui import axes, charts
from ui.timerange import epoch_s

NEW_YORK, LONDON = ZoneInfo("America/New_York"), ZoneInfo("UTC")
HOUR = Window(0, 3600)


def series(values: np.ndarray, component: str = "kafka", start_s: float = 0.0, step_s: int = 10) -> Series:
    t = start_s + step_s * np.arange(len(values), dtype=np.float64)
    return Series(component, "m", (), "count", step_s, t, values, values, values, values * 0 + 1)


def texts(figure: object) -> list[str]:
    return [annotation.text for annotation in figure.layout.annotations]


def test_two_lines_apart_are_named_at_their_ends_and_those_that_lie_close_in_the_legend() -> None:
    low, high = series(np.full(360, 10.0)), series(np.full(360, 90.0), "redis")
    apart = charts.time_series([low, high], HOUR, LONDON)
    assert [text.rsplit(" ", 1)[1] for text in texts(apart)] == ["kafka", "redis"]
    assert apart.layout.showlegend is False
    near = charts.time_series([low, high, series(np.full(360, 12.0), "ib")], HOUR, LONDON)
    assert texts(near) == []
    assert near.layout.showlegend is True


def test_four_lines_and_lines_that_ended_have_a_legend() -> None:
    four = [series(np.full(360, 25.0 * n), f"c{n}") for n in range(1, 5)]
    assert charts.time_series(four, HOUR, LONDON).layout.showlegend is True
    ended = [series(np.full(100, 10.0)), series(np.full(360, 90.0), "redis")]
    assert charts.time_series(ended, HOUR, LONDON).layout.showlegend is True


def test_one_line_needs_no_name_and_an_earlier_period_beside_it_does() -> None:
    line = series(np.full(360, 90.0))
    alone = charts.time_series([line], HOUR, LONDON)
    assert (texts(alone), alone.layout.showlegend) == ([], False)
    earlier = series(np.full(360, 10.0))
    compared = charts.time_series([line], HOUR, LONDON, previous=[earlier], previous_name="last week")
    assert [text.partition("</span> ")[2] for text in texts(compared)] == ["kafka", "last week"]


def test_an_event_is_told_on_hover_and_shaded_as_long_as_it_went_on() -> None:
    events = [
        Event(600.0, None, "deploy", "kafka", "", "ticks-writer 1.8"),
        Event(1200.0, 1800.0, "annotation", "", "ann", "cable pulled"),
    ]
    figure = charts.time_series([series(np.ones(360))], HOUR, LONDON, events=events)
    (marks,) = [trace for trace in figure.data if trace.mode == "markers"]
    assert list(marks.text) == [
        "▲ 00:10:00 deploy kafka: ticks-writer 1.8",
        "▲ 00:20:00 annotation: cable pulled (10 min, by ann)",
    ]
    assert [(shape.x0, shape.x1) for shape in figure.layout.shapes] == [(1_200_000, 1_800_000)]


def test_the_status_row_tells_states_in_words_and_hatches_what_nobody_saw() -> None:
    spans = (Interval("kafka", Status.OK, 0, 1800, ""), Interval("kafka", Status.CRITICAL, 1800, 3600, "gone"))
    known = Timeline(spans, {"kafka": ((0.0, 2400.0),)})
    figure = charts.time_series([series(np.ones(360))], HOUR, LONDON, strip=("kafka", known))
    bars = {bar.name: bar for bar in figure.data if bar.type == "bar"}
    assert {name: bar.customdata[0] for name, bar in bars.items()} == {
        "● ok": "● ok for 30 min",
        "■ critical": "■ critical for 10 min",
        "not observed": "not observed for 20 min",
    }
    assert bars["■ critical"].width > bars["● ok"].width
    assert bars["not observed"].marker.pattern.shape == "/"
    domain = figure.layout.yaxis2.domain
    assert 6 <= domain[1] * (axes.HEIGHT - axes.MARGIN["t"] - axes.MARGIN["b"]) <= 8
    assert figure.layout.yaxis.domain[0] > domain[1]


def test_the_status_rows_room_is_kept_while_the_status_is_not_known_yet() -> None:
    waiting = charts.time_series([series(np.ones(360))], HOUR, LONDON, strip=("kafka", None))
    known = charts.time_series([series(np.ones(360))], HOUR, LONDON, strip=("kafka", Timeline((), {})))
    assert waiting.layout.yaxis.domain == known.layout.yaxis.domain


def positions(figure: object) -> np.ndarray:
    """Where the points of a line are, of all its pieces."""
    pieces = [trace for trace in figure.data if trace.mode == "lines" and trace.hoverinfo != "skip"]
    places = [t.x if t.x is not None else t.x0 + t.dx * np.arange(len(t.y)) for t in pieces]
    return np.concatenate(places).astype(np.float64)


def day(text: str, hours: int) -> Window:
    start_s = int(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp())
    return Window(start_s, start_s + hours * 3600)


def test_on_the_night_clocks_go_back_no_line_runs_backwards_and_one_clock_is_named() -> None:
    window = day("2026-11-01 00:00", 25)
    figure = charts.time_series([series(np.ones(25 * 60), start_s=window.start_s, step_s=60)], window, NEW_YORK)
    assert np.all(np.diff(positions(figure)) == 60_000)
    assert texts(figure) == ["clocks go back 1 h, times are UTC-05:00"]
    by = axes.clock_of(figure, NEW_YORK)
    assert epoch_s("2026-11-01 09:30:00", by) == datetime(2026, 11, 1, 14, 30, tzinfo=UTC).timestamp()
    right_edge = datetime.fromtimestamp(figure.layout.xaxis.range[1] / 1000, UTC)
    assert f"{right_edge:%d %H:%M}" == "02 00:00"


def test_on_the_morning_clocks_go_forward_the_hour_that_is_not_there_takes_no_room() -> None:
    window = day("2026-03-08 00:00", 23)
    figure = charts.time_series([series(np.ones(23 * 60), start_s=window.start_s, step_s=60)], window, NEW_YORK)
    (left_out,) = figure.layout.xaxis.rangebreaks
    assert tuple(left_out.bounds) == ("2026-03-08 02:00:00", "2026-03-08 03:00:00")
    steps = np.diff(positions(figure))
    assert sorted(set(steps)) == [60_000, 3_660_000]
    line = figure.data[-1]
    assert not np.isnan(np.asarray(line.y, dtype=np.float64)).any()
    assert texts(figure) == []


@pytest.mark.parametrize("window", [day("2026-10-20 00:00", 24 * 20), day("2026-06-01 00:00", 24)])
def test_any_other_range_goes_by_the_wall_clock(window: Window) -> None:
    assert axes.clock(window, NEW_YORK) is NEW_YORK
    figure = axes.blank(window, NEW_YORK, 200)
    assert figure.layout.meta is None


def test_what_is_still_to_come_is_marked_off() -> None:
    figure = charts.time_series([series(np.ones(180))], HOUR, LONDON, read_s=1800.0)
    assert texts(figure) == ["now"]
    assert texts(charts.time_series([series(np.ones(360))], HOUR, LONDON, read_s=3600.0)) == []


def test_a_chosen_moment_has_a_line_and_its_name_unless_it_is_outside() -> None:
    line = series(np.ones(360))
    figure = charts.percentiles(line, HOUR, LONDON, moment=(1200.0, "00:20:00"))
    assert texts(figure) == ["00:20:00"]
    assert figure.layout.shapes[0].x0 == 1_200_000
    assert texts(charts.time_series([line], HOUR, LONDON, moment=(9000.0, "02:30:00"))) == []


def test_series_without_a_single_value_are_a_frame_that_says_so() -> None:
    figure = charts.time_series([series(np.full(360, np.nan))], HOUR, LONDON)
    assert len(figure.data) == 0
    assert figure.layout.height == axes.HEIGHT
    assert texts(figure) == ["no value in this range"]


def test_of_many_series_a_dozen_is_drawn() -> None:
    figure = charts.time_series([series(np.ones(60) * n, f"c{n}") for n in range(200)], HOUR, LONDON)
    assert len(figure.data) == charts.MAX_LINES


def test_hover_tells_value_spread_unit_and_the_width_of_the_bucket() -> None:
    values = np.linspace(0.001, 0.002, 360)
    t = 10.0 * np.arange(360)
    line = Series("kafka", "m", (), "seconds", 10, t, values, values / 2, values * 2, values * 0 + 3)
    figure = charts.time_series([line], HOUR, LONDON)
    drawn = figure.data[-1]
    assert drawn.hovertemplate == "%{y:.4~r} (%{customdata[0]:.4~r} – %{customdata[1]:.4~r}) ms<extra>kafka</extra>"
    assert np.asarray(drawn.customdata)[0].tolist() == pytest.approx([0.5, 2.0])
    assert figure.layout.xaxis.unifiedhovertitle.text == "%{x|%a %d %b %H:%M:%S} · 10 s bucket"


@pytest.mark.parametrize(("columns", "most"), [(1, 750), (2, 540), (3, 340), (4, 340)])
def test_charts_side_by_side_have_fewer_points(columns: int, most: int) -> None:
    assert axes.width_px(columns) == most
