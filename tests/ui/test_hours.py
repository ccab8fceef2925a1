from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import plotly.graph_objects as go
import pytest

from history.answers import Series
from history.calendar import read_sessions
from history.sessions import Sessions
from history.window import Window
from tests.history.exchange import NEW_YORK, november, wall_s
from ui import charts
from ui.axes import blank, clock_of, local_ms
from ui.hours import MINUTE_MS, collapse, collapsed, refusal
from ui.walltime import as_text

KNOWN = november()
MONDAY, TUESDAY, THANKSGIVING, HALF_DAY = (date(2026, 11, day) for day in (23, 24, 26, 27))
WEEK = Window(wall_s(MONDAY, 9, 30), wall_s(HALF_DAY, 16))


def chart(window: Window, zone: ZoneInfo = NEW_YORK, step_s: int = 300) -> go.Figure:
    """A figure with a line of evenly spaced points, a band's edge and marks."""
    figure = blank(window, zone, 220)
    clock = clock_of(figure, zone)
    t = np.arange(window.start_s, window.end_s, step_s, dtype=np.float64)
    start_ms = float(local_ms(t[:1], clock)[0])
    y = t.astype(np.float32)
    figure.add_scatter(x0=start_ms, dx=step_s * 1000.0, y=y, mode="lines", customdata=np.column_stack([t, t]))
    figure.add_scatter(x0=start_ms, dx=step_s * 1000.0, y=y, mode="lines", line={"width": 0})
    figure.add_scatter(x=local_ms(t[::10], clock), y=y[::10], mode="markers")
    return figure


def left_out(figure: go.Figure) -> list[tuple[float, float]]:
    """The stretches left out of a time axis, in milliseconds of its wall clock."""
    found = [
        (start, start + gap.dvalue) for gap in figure.layout.xaxis.rangebreaks if gap.values for start in gap.values
    ]
    return sorted(found)


def wall_ms(day: date, hour: int, minute: int = 0) -> float:
    return float(local_ms(np.array([float(wall_s(day, hour, minute))]), NEW_YORK)[0])


@pytest.fixture(scope="module")
def years() -> Sessions:
    return read_sessions("NYSE", date(2025, 1, 2), date(2026, 12, 31))


def test_nights_the_holiday_and_the_afternoon_of_the_half_day_are_left_out() -> None:
    figure = chart(WEEK)
    assert collapse(figure, KNOWN, NEW_YORK, extended=False) == ""
    assert left_out(figure) == [
        (wall_ms(MONDAY, 16), wall_ms(TUESDAY, 9, 30)),
        (wall_ms(TUESDAY, 16), wall_ms(date(2026, 11, 25), 9, 30)),
        (wall_ms(date(2026, 11, 25), 16), wall_ms(HALF_DAY, 9, 30)),
        (wall_ms(HALF_DAY, 13), wall_ms(HALF_DAY, 16)),
    ]


def test_between_a_few_sessions_the_seams_are_seen() -> None:
    figure = chart(WEEK)
    collapse(figure, KNOWN, NEW_YORK, extended=False)
    assert [shape.x0 for shape in figure.layout.shapes] == [end for _, end in left_out(figure)]


def test_two_nights_of_one_length_are_one_entry_of_the_axis() -> None:
    figure = chart(WEEK)
    collapse(figure, KNOWN, NEW_YORK, extended=False)
    assert sorted(len(gap.values) for gap in figure.layout.xaxis.rangebreaks) == [1, 1, 2]


def test_with_pre_and_post_market_only_the_closed_hours_are_left_out() -> None:
    figure = chart(WEEK)
    collapse(figure, KNOWN, NEW_YORK, extended=True)
    assert left_out(figure)[:1] == [(wall_ms(MONDAY, 20), wall_ms(TUESDAY, 4))]


def test_points_in_closed_hours_are_not_sent_and_a_line_breaks_where_they_were() -> None:
    figure = chart(WEEK)
    collapse(figure, KNOWN, NEW_YORK, extended=False)
    line, edge, marks = figure.data
    gaps = left_out(figure)
    assert not [x for trace in (line, edge) for x in trace.x if any(start <= x < end for start, end in gaps)]
    breaks = np.flatnonzero(np.isnan(line.y))
    assert [line.x[at] for at in breaks] == [start - MINUTE_MS for start, _ in gaps]
    assert len(line.x) == (3 * 6.5 + 3.5) * 12 + len(gaps)
    assert line.x.tolist() == edge.x.tolist()
    assert np.isfinite(edge.y).all()
    assert [edge.y[at] for at in breaks] == [edge.y[at - 1] for at in breaks]
    assert len(line.x) == len(line.y) == len(line.customdata)
    shown = ~np.isnan(line.y)
    assert local_ms(np.asarray(line.y[shown], dtype=np.float64), NEW_YORK) == pytest.approx(line.x[shown], abs=200_000)
    assert len(marks.x) == len(marks.y) > len(line.x) / 10


@pytest.mark.parametrize("step_s", [60, 20])
def test_with_short_buckets_the_break_is_behind_the_last_of_them(step_s: int) -> None:
    figure = chart(Window(wall_s(MONDAY, 15, 50), wall_s(TUESDAY, 9, 40)), step_s=step_s)
    collapse(figure, KNOWN, NEW_YORK, extended=False)
    line = figure.data[0]
    assert (np.diff(line.x) > 0).all()
    (broken,) = np.flatnonzero(np.isnan(line.y))
    assert line.x[broken] == wall_ms(MONDAY, 16) - step_s * 500


@pytest.mark.parametrize(("days", "most_bytes"), [(1, 25_000), (7, 25_000), (30, 25_000)])
def test_twelve_charts_of_trading_hours_are_as_light_as_twelve_of_all_hours(
    years: Sessions, days: int, most_bytes: int
) -> None:
    """300 kB is what a page of twelve may have; a figure's share of it."""
    end_s = wall_s(TUESDAY, 13)
    window = collapsed(Window(end_s - days * 86400, end_s), years, extended=False)
    t = np.arange(window.start_s // window.step_s * window.step_s, window.end_s, window.step_s, dtype=np.float64)
    level = np.random.default_rng(1).uniform(1, 2, len(t))
    line = Series("kafka", "m", (), "seconds", window.step_s, t, level, level / 2, level * 2, level * 0 + 9)
    figure = charts.time_series([line], window, NEW_YORK)
    assert collapse(figure, years, NEW_YORK, extended=False) == ""
    sent = as_text(figure)
    assert len(sent.to_json()) < most_bytes
    shared = sent.layout.template.data.scatter[0].x
    assert {len(trace.y) for trace in sent.data if trace.x is None} == {len(shared)}


@pytest.mark.parametrize("zone", ["America/New_York", "UTC", "Europe/Berlin", "Asia/Tokyo"])
@pytest.mark.parametrize("around", [date(2026, 3, 8), date(2026, 11, 1)])
def test_every_session_is_whole_in_every_clock_over_a_change_of_it(years: Sessions, zone: str, around: date) -> None:
    midnight_s = wall_s(around, 0)
    window = Window(midnight_s - 20 * 86400, midnight_s + 20 * 86400)
    clock = ZoneInfo(zone)
    figure = chart(window, clock, 1800)
    assert collapse(figure, years, clock, extended=False) == ""
    gaps, spans = left_out(figure), years.spans(window.start_s, window.end_s)
    edges = [window.start_s, *(edge for span in spans for edge in span), window.end_s]
    assert [edge for gap in gaps for edge in gap] == list(local_ms(np.array(edges, dtype=np.float64), clock))
    assert len(figure.layout.xaxis.rangebreaks) < 12


def test_a_short_range_over_a_change_goes_by_the_clock_of_its_axis(years: Sessions) -> None:
    monday = date(2026, 11, 2)
    window = Window(wall_s(date(2026, 10, 31), 12), wall_s(monday, 17))
    figure = chart(window)
    clock = clock_of(figure, NEW_YORK)
    assert collapse(figure, years, clock, extended=False) == ""
    edges = [window.start_s, wall_s(monday, 9, 30), wall_s(monday, 16), window.end_s]
    assert [edge for gap in left_out(figure) for edge in gap] == list(local_ms(np.array(edges, dtype=float), clock))


def test_buckets_wider_than_half_an_hour_keep_all_hours_and_say_so() -> None:
    figure = chart(WEEK, step_s=14_400)
    assert "too wide" in collapse(figure, KNOWN, NEW_YORK, extended=False)
    assert not figure.layout.xaxis.rangebreaks
    assert len(figure.data[0].y) == len(range(WEEK.start_s, WEEK.end_s, 14_400))


def test_below_many_sessions_some_are_named_by_their_day(years: Sessions) -> None:
    figure = chart(Window(wall_s(date(2026, 10, 26), 0), wall_s(TUESDAY, 0)), step_s=1800)
    collapse(figure, years, NEW_YORK, extended=False)
    axis = figure.layout.xaxis
    assert list(axis.ticktext) == ["Mon 26 Oct", "Mon 02 Nov", "Mon 09 Nov", "Mon 16 Nov", "Mon 23 Nov"]
    assert list(axis.tickvals[:1]) == [wall_ms(date(2026, 10, 26), 9, 30)]
    few = chart(WEEK)
    collapse(few, KNOWN, NEW_YORK, extended=False)
    assert few.layout.xaxis.tickvals is None


def test_why_nothing_can_be_left_out(years: Sessions) -> None:
    holiday = Window(wall_s(THANKSGIVING, 0), wall_s(THANKSGIVING, 23))
    assert refusal(holiday, KNOWN, extended=False) == "All hours are shown: NYSE has no trading hours in this range."
    assert "until the calendar" in refusal(WEEK, None, extended=False)
    assert "does not cover" in refusal(Window(0, 10), KNOWN, extended=False)
    now_s = wall_s(TUESDAY, 12)
    assert "more than 70 sessions" in refusal(Window(now_s - 365 * 86400, now_s), years, extended=False)
    figure = chart(holiday)
    assert collapse(figure, KNOWN, NEW_YORK, extended=False) == ""
    assert not figure.layout.xaxis.rangebreaks


@pytest.mark.parametrize(("length_d", "step_s"), [(1, 60), (7, 300), (30, 1800), (90, 1800)])
def test_buckets_are_those_the_trading_hours_call_for(years: Sessions, length_d: int, step_s: int) -> None:
    now_s = wall_s(TUESDAY, 16)
    window = Window(now_s - length_d * 86400, now_s, words=(f"now-{length_d}d", "now"))
    found = collapsed(window, years, extended=False)
    assert (found.step_s, found.words) == (step_s, window.words)
    assert collapsed(Window(0, 10), years, extended=False) == Window(0, 10)
