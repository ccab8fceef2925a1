"""Charts: Plotly in one house style. Rows in, figure out; no Streamlit, no data access."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from zoneinfo import ZoneInfo

import numpy as np
import plotly.graph_objects as go

from analysis.performance import error_ratio
from history.answers import Event, Floats, Series
from history.trends import Timeline
from history.window import Window
from probes.result import Status
from ui import marks
from ui.axes import COLOURS, HEIGHT, MARGIN, blank, clock_of, hover_title, is_wide, scale_for, value_axis
from ui.lines import Canvas, Pen, draw_band, draw_line
from ui.marks import Named
from ui.status import LOOKS

FAILED = LOOKS[Status.CRITICAL].hexadecimal
MAXIMUM = "#8a94a0"
MAX_LINES = 12
MAX_BANDS = 3
LEAST_FAILURES = 0.01
"""An axis of failures reaches this share at least: one check in a million is no mountain."""
FUTURE_SHARE = 0.02
"""From such a share of a range on what is still to come is marked off."""


def time_series(
    lines: Sequence[Series],
    window: Window,
    zone: ZoneInfo,
    *,
    previous: Sequence[Series] = (),
    previous_name: str = "",
    thresholds: Sequence[tuple[Status, float]] = (),
    events: Sequence[Event] = (),
    strip: tuple[str, Timeline | None] | None = None,
    moment: tuple[float, str] | None = None,
    height: int = HEIGHT,
    legend: bool = False,
    read_s: float = 0.0,
) -> go.Figure:
    """Average as a line, minimum to maximum as a band (for up to three lines), gaps as gaps.

    Args:
        previous: the same series of an earlier period, moved onto the window: thin, dashed, called `previous_name`.
        thresholds: drawn as dotted lines when the data come near them.
        strip: a component, and its status as far as that is known, for the row below.
        moment: a moment to draw a line through, in epoch seconds, and what it is called.
        legend: name even a single line, because the title speaks of several.
        read_s: when the values were read; a wide bucket that was not over then is dotted.
    """
    figure = blank(window, zone, height)
    shown = [line for line in lines if np.isfinite(line.avg).any()][:MAX_LINES]
    if not shown:
        return marks.nothing(figure)
    banded = len(shown) <= MAX_BANDS
    usual, peak = np.concatenate([s.avg for s in shown]), np.concatenate([s.high if banded else s.avg for s in shown])
    wide = is_wide([s.avg for s in shown], float(np.nanmax(peak)), shown[0].unit)
    canvas = Canvas(figure, clock_of(figure, zone), scale_for(usual if wide else peak, shown[0].unit), read_s)
    named = _draw_present(canvas, shown, banded=banded) + _draw_earlier(canvas, shown, previous, previous_name)
    around = _Around(thresholds, events, strip, moment)
    _draw_around(canvas, around, window, zone, shown[0], float(np.nanmax(peak)), float(np.nanmin(usual)) if wide else 0)
    asked = legend or len(named) > 1
    figure.layout.showlegend = asked and not marks.names(canvas, named, window, wide)
    return figure


def _draw_present(canvas: Canvas, shown: Sequence[Series], *, banded: bool) -> list[Named]:
    """Each line in its colour, over a band from minimum to maximum; returns what is to be named."""
    for line, colour in zip(shown, cycle(COLOURS), strict=False):
        spread = line.high > line.low
        if banded and spread.any():
            draw_band(canvas, line, line.low, line.high, colour)
        draw_line(canvas, line, line.avg, Pen(line.label, colour), spread=banded and bool(spread.mean() > 0.5))
    divisor = canvas.scale.divisor
    return [Named(s.label, colour, s.t, s.avg / divisor) for s, colour in zip(shown, cycle(COLOURS), strict=False)]


def _draw_earlier(canvas: Canvas, shown: Sequence[Series], previous: Sequence[Series], name: str) -> list[Named]:
    """The averages of an earlier period, each in the colour of its line; returns what is to be named: one alone."""
    before = {(line.component, line.labels): line for line in previous}
    alone, drawn = len(shown) == 1, []
    for line, colour in zip(shown, cycle(COLOURS), strict=False):
        if (earlier := before.get((line.component, line.labels))) is not None:
            called = name if alone else f"{line.label} {name}"
            draw_line(canvas, earlier, earlier.avg, Pen(called, colour, 1.0, "dash", named=alone))
            drawn.append(Named(called, colour, earlier.t, earlier.avg / canvas.scale.divisor))
    return drawn if alone else []


@dataclass(frozen=True, slots=True)
class _Around:
    """What stands around the lines of a chart; see `time_series`."""

    thresholds: Sequence[tuple[Status, float]] = ()
    events: Sequence[Event] = ()
    strip: tuple[str, Timeline | None] | None = None
    moment: tuple[float, str] | None = None


def _draw_around(
    canvas: Canvas, around: _Around, window: Window, zone: ZoneInfo, line: Series, peak: float, lowest: float
) -> None:
    """Axes, limits, events, the status row, and the moments that have a line.

    Args:
        line: one of those drawn, for its unit and its buckets.
        peak: of all of them, as they were measured.
        lowest: more than nothing: the value axis is logarithmic, and events stand there.
    """
    value_axis(canvas.figure, canvas.scale, logarithmic=lowest > 0)
    hover_title(canvas.figure, line.step_s)
    marks.thresholds(canvas.figure, around.thresholds, peak, line.unit, canvas.scale)
    marks.events(canvas, around.events, lowest / canvas.scale.divisor)
    if around.strip:
        marks.status_strip(canvas, around.strip[1], around.strip[0], window)
    if around.moment and window.start_s < around.moment[0] < window.end_s:
        marks.moment(canvas, *around.moment)
    if canvas.read_s and window.end_s - canvas.read_s > FUTURE_SHARE * window.length_s:
        marks.moment(canvas, canvas.read_s, "now")
    marks.clock_change(canvas, window, zone)


def percentiles(
    line: Series,
    window: Window,
    zone: ZoneInfo,
    *,
    previous: Series | None = None,
    previous_name: str = "",
    thresholds: Sequence[tuple[Status, float]] = (),
    events: Sequence[Event] = (),
    strip: tuple[str, Timeline | None] | None = None,
    moment: tuple[float, str] | None = None,
    height: int = HEIGHT,
    read_s: float = 0.0,
) -> go.Figure:
    """A fan: median, 95th and 99th percentile and maximum of each bucket, the spread between them shaded.

    Args:
        previous: the series of an earlier period, of which the 95th percentile is drawn, thin and dashed.
    """
    figure = blank(window, zone, height)
    p50, p95, p99 = (line.avg if column is None else column for column in (line.p50, line.p95, line.p99))
    wide = is_wide([p50], float(np.nanmax(line.high)), line.unit)
    scale = scale_for(p50 if wide else p95, line.unit)
    canvas = Canvas(figure, clock_of(figure, zone), scale, read_s)
    draw_band(canvas, line, p50, p99, COLOURS[0], 0.12)
    for pen, values in (
        (Pen("max", MAXIMUM, 0.9), line.high),
        (Pen("p99", COLOURS[4], 1.1), p99),
        (Pen("p95", COLOURS[1], 1.5), p95),
        (Pen("p50", COLOURS[0], 1.8), p50),
    ):
        draw_line(canvas, line, values, pen)
    if previous is not None:
        before = previous.avg if previous.p95 is None else previous.p95
        draw_line(canvas, previous, before, Pen(f"p95 {previous_name}", COLOURS[1], 1.0, "dash"))
    around = _Around(thresholds, events, strip, moment)
    _draw_around(canvas, around, window, zone, line, float(np.nanmax(line.high)), float(np.nanmin(p50)) if wide else 0)
    figure.update_layout(showlegend=True, legend={"traceorder": "reversed"})
    return figure


def failures(
    line: Series,
    window: Window,
    zone: ZoneInfo,
    *,
    previous: Series | None = None,
    previous_name: str = "",
    moment: tuple[float, str] | None = None,
    height: int = HEIGHT,
    read_s: float = 0.0,
) -> go.Figure:
    """The share of checks that failed, of a series of ``probe_up``: 1 less its average in each bucket."""
    figure = blank(window, zone, height)
    failed = error_ratio(line)
    scale = scale_for(failed, "ratio")
    canvas = Canvas(figure, clock_of(figure, zone), scale, read_s)
    draw_band(canvas, line, np.zeros(len(failed)), failed, FAILED, 0.25)
    draw_line(canvas, line, failed, Pen("failed", FAILED, 1.2))
    peak = float(failed.max())
    if previous is not None:
        before = error_ratio(previous)
        peak = max(peak, float(before.max(initial=0.0)))
        draw_line(canvas, previous, before, Pen(previous_name, FAILED, 1.0, "dash"))
    _draw_around(canvas, _Around(moment=moment), window, zone, line, peak, 0)
    figure.update_yaxes(range=[0, max(LEAST_FAILURES, min(1.0, peak * 1.08)) / scale.divisor])
    figure.update_layout(showlegend=previous is not None)
    return figure


def hour_of_week(table: Floats, unit: str, *, peak: Floats | None = None, height: int = 250) -> go.Figure:
    """A heat map, 7 rows (Monday first) by 24 hours; NaN cells stay empty.

    Args:
        peak: a second table, told on hover.
    """
    scale = scale_for(table, unit)
    figure = go.Figure(
        go.Heatmap(
            z=(table / scale.divisor).astype(np.float32),
            x=[f"{hour:02d}" for hour in range(24)],
            y=["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
            colorscale=[[0, "rgba(57,135,229,0.06)"], [1, "rgba(57,135,229,1)"]],  # on light and dark alike
            zmin=0,
            xgap=1,
            ygap=1,
            colorbar={"thickness": 8, "ticksuffix": f" {scale.unit}", "outlinewidth": 0},
            customdata=None if peak is None else (peak / scale.divisor).astype(np.float32),
            hovertemplate="%{y} %{x}:00  p95 %{z:.4~r} "
            + scale.unit
            + ("" if peak is None else ", peak %{customdata:.4~r} " + scale.unit)
            + "<extra></extra>",
            hoverongaps=False,
        )
    )
    figure.update_layout(height=height, margin=MARGIN)
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False, automargin=False)
    return figure
