"""The chart of one series beside what it usually does, and its words."""

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analysis.baseline import Band, Excursion, Usual
from analysis.changepoints import ChangePoint
from analysis.questions import Course
from analysis.trend import Trend
from history.answers import Series, SeriesSet
from history.window import Window
from ui import usual
from ui.timeline import NOBODY

NEW_YORK = ZoneInfo("America/New_York")
STEP_S, COUNT = 900, 96
T = 1_790_006_400 + STEP_S * np.arange(COUNT, dtype=np.float64)
WINDOW = Window(int(T[0]), int(T[-1]) + STEP_S)
BAND = Band(T, *(np.full(COUNT, value) for value in (0.038, 0.041, 0.055)), 5)
MESSAGE = "usual: same hours of the 5 weeks before"


def line(values: np.ndarray | None = None) -> Series:
    values = np.full(COUNT, 0.042) if values is None else values
    return Series("kafka", "probe_latency_seconds", (), "seconds", STEP_S, T, values, values, values, np.ones(COUNT))


def found(**more) -> Course:
    drawn = more.pop("line", line())
    return Course(SeriesSet((drawn,)), **{"usual": Usual(BAND, MESSAGE), **more})


def excursion(at: int, value: float = 0.12) -> Excursion:
    return Excursion(T[at], T[at + 2], T[at + 1], value, 0.041, 0.055, 2.3)


def test_the_band_is_drawn_behind_the_line_in_the_lines_unit() -> None:
    figure = usual.figure_of(found(), WINDOW, NEW_YORK)
    low, high, middle, values = figure.data
    assert (low.fill, high.fill) == ("none", "tonexty")
    assert middle.line.color == NOBODY
    assert values.line.color != NOBODY
    for trace, level in ((low, 38), (high, 55), (middle, 41), (values, 42)):
        assert trace.y.dtype == np.float32
        assert float(trace.y[0]) == pytest.approx(level)
    assert figure.layout.yaxis.ticksuffix == " ms"
    assert not figure.layout.showlegend


def test_stretches_far_outside_are_drawn_over_the_line_with_a_mark_and_a_sentence() -> None:
    values = np.full(COUNT, 0.042)
    values[10:12] = (0.09, 0.12)
    figure = usual.figure_of(found(line=line(values), outside=(excursion(10),)), WINDOW, NEW_YORK)
    stretch, mark = figure.data[-2:]
    assert np.flatnonzero(np.isfinite(stretch.y)).tolist() == [10, 11]
    assert (list(mark.y), mark.marker.symbol) == ([pytest.approx(120)], "diamond")
    assert mark.text[0] == (
        "◆ outside from 21 Sep 14:30:00 for 30 min: 120 ms at its farthest, usual 41 ms, at most 55 ms"
    )


def test_a_change_of_level_is_a_line_with_its_words_and_crowded_ones_keep_only_the_surest() -> None:
    changes = (
        ChangePoint(T[20], 0.041, 0.055, 30.0),
        ChangePoint(T[22], 0.055, 0.056, 5.0),
        ChangePoint(T[70], 0.056, 0.041, 25.0),
    )
    figure = usual.figure_of(found(changes=changes), WINDOW, NEW_YORK)
    assert len(figure.layout.shapes) == 3
    assert [note.text for note in figure.layout.annotations if note.text] == ["41 ms → 55 ms", "56 ms → 41 ms"]


def test_the_title_tells_value_usual_and_a_clear_trend() -> None:
    rising = Trend(0.001, 0.0008, 0.0012, 0.04, True, 30, "rises 2.5 % a week (2–3 %)")
    assert usual.told("Latency", found(trend=rising)) == (
        "Latency – 42 ms, usual at this hour 38 ms – 55 ms, rises 2.5 % a week (2–3 %)"
    )
    vague = Trend(0.0, -0.1, 0.1, 0.04, False, 30, "no clear trend (between −1 % and +1 % a week)")
    assert usual.told("Latency", found(trend=vague)).endswith("55 ms, no clear trend")
    assert usual.below(found(trend=vague)) == f"{MESSAGE} · {vague.message} · never far outside"
    few = Trend(None, None, None, None, False, 3, "a trend needs 14 days; there are 3")
    assert usual.told("Latency", found(trend=few)).endswith("55 ms")
    assert usual.below(found(outside=(excursion(1), excursion(20)))) == f"{MESSAGE} · ◆ 2 × far outside"


def test_without_a_band_the_reason_stands_below_the_line() -> None:
    why = "What is usual needs 3 weeks of the past at these hours; there is 1."
    lone = found(usual=Usual(None, why))
    assert len(usual.figure_of(lone, WINDOW, NEW_YORK).data) == 1
    assert usual.below(lone) == why
    assert usual.told("Latency", lone) == "Latency – 42 ms"


def test_hours_without_a_band_leave_a_hole_in_it() -> None:
    holed = np.where(np.isin(np.arange(COUNT), range(40, 60)), np.nan, 0.041)
    band = Band(T, holed * 0.9, holed, holed * 1.2, 5)
    figure = usual.figure_of(found(usual=Usual(band, MESSAGE)), WINDOW, NEW_YORK)
    assert np.isnan(figure.data[2].y).sum() == 20
    assert usual.told("Latency", found(usual=Usual(Band(T, *(np.full(COUNT, np.nan),) * 3), MESSAGE))).count(",") == 0


def test_nothing_recorded_is_an_empty_frame() -> None:
    nothing = Course(SeriesSet())
    assert (len(usual.figure_of(nothing, WINDOW, NEW_YORK).data), usual.told("Latency", nothing)) == (0, "Latency")
