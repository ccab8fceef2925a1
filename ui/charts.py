"""Charts: Plotly in one house style. Rows in, figure out; no Streamlit, no data access.

Payload matters more than anything: x travels as typed arrays of epoch milliseconds, y as 32-bit
floats; a datetime axis would become a list of ISO strings, more than half of the message.
"""

from collections.abc import Mapping, Sequence
from itertools import cycle
from zoneinfo import ZoneInfo

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from history.answers import Event, Interval, Series
from history.window import Window
from probes.catalogue import humanize
from probes.result import Status
from ui.axes import HEIGHT, MARGIN, Scale, blank, local_ms, narrow, scale_for
from ui.status import LOOKS

COLOURS = ("#3987e5", "#d95926", "#199e70", "#c98500", "#d55181", "#9085e9", "#008300", "#e66767")
MAX_LINES = 12
MAX_BANDS = 3


def with_gaps(t: NDArray[np.float64], *columns: NDArray[np.float64], step_s: float) -> tuple[NDArray[np.float64], ...]:
    """`t` and its columns with a NaN row wherever samples are missing, so that a line breaks there.

    A hole is a distance over two and a half times the usual one, and at least two buckets: series
    sampled more rarely than the bucket stay whole.
    """
    if len(t) < 2:
        return (t, *columns)
    distances = np.diff(t)
    limit = max(2.5 * float(np.median(distances)), 2.01 * step_s)
    holes = np.flatnonzero(distances > limit)
    if not len(holes):
        return (t, *columns)
    moments = t[holes] + np.minimum(step_s, distances[holes] / 2)
    return (np.insert(t, holes + 1, moments), *(np.insert(c, holes + 1, np.nan) for c in columns))


def time_series(
    lines: Sequence[Series],
    window: Window,
    zone: ZoneInfo,
    *,
    thresholds: Sequence[tuple[Status, float]] = (),
    events: Sequence[Event] = (),
    height: int = HEIGHT,
    legend: bool = False,
) -> go.Figure:
    """Average as a line, minimum to maximum as a band (for up to three lines), gaps as gaps.

    Args:
        thresholds: drawn as dotted lines when the data come near them.
        legend: name even a single line, because the title speaks of several.
    """
    figure = blank(window, zone, height)
    shown = list(lines[:MAX_LINES])
    if not shown:
        return figure
    banded = len(shown) <= MAX_BANDS
    scale = scale_for(np.concatenate([s.high if banded else s.avg for s in shown]), shown[0].unit)
    for line, colour in zip(shown, cycle(COLOURS), strict=False):
        _line(figure, line, zone, scale, colour, banded=banded)
    figure.update_yaxes(ticksuffix=f" {scale.unit}" if scale.unit else "", rangemode="tozero")
    figure.update_layout(showlegend=legend or len(shown) > 1)
    _draw_thresholds(figure, thresholds, max(float(np.nanmax(s.high)) for s in shown), shown[0].unit, scale)
    _mark_events(figure, events, zone)
    return figure


def _line(figure: go.Figure, line: Series, zone: ZoneInfo, scale: Scale, colour: str, *, banded: bool) -> None:
    t, avg, low, high = with_gaps(line.t, line.avg, line.low, line.high, step_s=line.step_s)
    x = local_ms(t, zone)
    if banded and np.any(high > low):
        _band(figure, x, low / scale.divisor, high / scale.divisor, colour)
    figure.add_scatter(
        x=x,
        y=narrow(avg / scale.divisor),
        name=line.label,
        mode="lines" if len(t) > 1 else "markers",
        line={"color": colour, "width": 1.6},
        hovertemplate=f"%{{y:.3~g}} {scale.unit}<extra>{line.label}</extra>",
        connectgaps=False,
    )


def percentiles(
    line: Series,
    window: Window,
    zone: ZoneInfo,
    *,
    thresholds: Sequence[tuple[Status, float]] = (),
    height: int = HEIGHT,
) -> go.Figure:
    """A fan: average, 95th percentile and maximum of each bucket."""
    figure = blank(window, zone, height)
    p95 = line.p95 if line.p95 is not None else line.avg
    scale = scale_for(p95, line.unit)
    t, avg, upper, high = with_gaps(line.t, line.avg, p95, line.high, step_s=line.step_s)
    x = local_ms(t, zone)
    for name, values, colour, width in (
        ("max", high, "#b9c0c8", 1.0),
        ("p95", upper, COLOURS[1], 1.4),
        ("average", avg, COLOURS[0], 1.8),
    ):
        figure.add_scatter(
            x=x,
            y=narrow(values / scale.divisor),
            name=name,
            mode="lines" if len(t) > 1 else "markers",
            line={"color": colour, "width": width},
            hovertemplate=f"%{{y:.3~g}} {scale.unit}<extra>{name}</extra>",
        )
    figure.update_yaxes(ticksuffix=f" {scale.unit}" if scale.unit else "", rangemode="tozero")
    figure.update_layout(showlegend=True)
    _draw_thresholds(figure, thresholds, float(np.nanmax(high)), line.unit, scale)
    return figure


def state_timeline(
    spans: Sequence[Interval], observed: Mapping[str, Sequence[tuple[float, float]]], window: Window, zone: ZoneInfo
) -> go.Figure:
    """One row a component, coloured by status; grey where nobody looked.

    Args:
        observed: (start, end) of the periods with samples, per component; what lies outside is left empty.
    """
    names = list(dict.fromkeys(span.component for span in spans))
    figure = blank(window, zone, 34 + 26 * max(1, len(names)))
    for status in (Status.OK, Status.UNKNOWN, Status.WARNING, Status.CRITICAL):
        pieces = [
            (span, start, end)
            for span in spans
            if span.status == status
            for start, end in clip((span.start_s, span.end_s), observed.get(span.component, ()))
        ]
        figure.add_bar(
            base=local_ms(np.array([start for _, start, _ in pieces], dtype=np.float64), zone),
            x=np.array([(end - start) * 1000 for _, start, end in pieces], dtype=np.float64),
            y=[span.component for span, _, _ in pieces],
            orientation="h",
            name=LOOKS[status].word,
            marker={"color": LOOKS[status].hexadecimal, "line": {"width": 0}},
            customdata=[(span.reason or LOOKS[status].word)[:160] for span, _, _ in pieces],
            hovertemplate="%{y}: %{customdata}<extra>" + LOOKS[status].word + "</extra>",
            width=0.72,
        )
    figure.update_layout(barmode="overlay", showlegend=False, hovermode="closest", margin={**MARGIN, "l": 110})
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], showgrid=False, dtick=1)
    return figure


def clip(span: tuple[float, float], periods: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The parts of `span` inside `periods`.

    >>> clip((0, 10), [(-5, 3), (6, 20)])
    [(0, 3), (6, 10)]
    """
    parts = ((max(span[0], start), min(span[1], end)) for start, end in periods)
    return [(start, end) for start, end in parts if end > start]


def hour_of_week(
    table: NDArray[np.float64], unit: str, *, peak: NDArray[np.float64] | None = None, height: int = 250
) -> go.Figure:
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
            hovertemplate="%{y} %{x}:00  %{z:.3~g} "
            + scale.unit
            + ("" if peak is None else ", peak %{customdata:.3~g} " + scale.unit)
            + "<extra></extra>",
            hoverongaps=False,
        )
    )
    figure.update_layout(height=height, margin=MARGIN)
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False)
    return figure


def _draw_thresholds(
    figure: go.Figure, thresholds: Sequence[tuple[Status, float]], peak: float, unit: str, scale: Scale
) -> None:
    """Dotted lines for the thresholds the data come near; far ones would flatten the data."""
    for status, value in thresholds:
        if value <= peak * 2 or peak == 0:
            figure.add_hline(
                y=value / scale.divisor,
                line={"color": LOOKS[status].hexadecimal, "width": 1, "dash": "dot"},
                annotation={"text": f"{status} {humanize(value, unit)}", "font": {"size": 10}},
                annotation_position="top right" if status == Status.CRITICAL else "top left",
            )


def _band(
    figure: go.Figure, x: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64], colour: str
) -> None:
    """Minimum to maximum as an outline: Plotly fills between two lines across their gaps, an outline it does not."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    outline_x, outline_y = outline(x, low, high)
    figure.add_scatter(
        x=outline_x,
        y=narrow(outline_y),
        mode="lines",
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        fill="toself",
        fillcolor=f"rgba({red},{green},{blue},0.16)",
    )


def outline(
    x: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The closed outline of each stretch without a gap: along `high` and back along `low`, a NaN between stretches.

    >>> outline(np.array([0.0, 1, 2]), np.array([1, np.nan, 3]), np.array([2, np.nan, 4]))[1].tolist()
    [2.0, 1.0, nan, 4.0, 3.0]
    """
    stretches = np.split(np.arange(len(x)), np.flatnonzero(np.isnan(high)))
    xs: list[NDArray[np.float64]] = []
    ys: list[NDArray[np.float64]] = []
    for stretch in stretches:
        known = stretch[np.isfinite(high[stretch])]
        if not len(known):
            continue
        if xs:
            xs.append(x[known[:1]])
            ys.append(np.array([np.nan]))
        xs += [x[known], x[known[::-1]]]
        ys += [high[known], low[known[::-1]]]
    return (np.concatenate(xs), np.concatenate(ys)) if xs else (x[:0], high[:0])


def _mark_events(figure: go.Figure, events: Sequence[Event], zone: ZoneInfo) -> None:
    if not events:
        return
    figure.add_scatter(
        x=local_ms(np.array([event.at_s for event in events], dtype=np.float64), zone),
        y=np.zeros(len(events), dtype=np.float32),
        mode="markers",
        marker={"symbol": "triangle-up", "size": 9, "color": "#9085e9"},
        text=[f"{event.kind} {event.component}: {event.text}" for event in events],
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )
