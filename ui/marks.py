"""What is drawn over and under the lines of a chart: limits, events, names, a moment, the status. No data access."""

import html
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import plotly.graph_objects as go

from history.answers import Event, Floats
from history.trends import Timeline
from history.window import Window
from probes.catalogue import humanize, humanize_duration
from probes.result import Status
from ui.axes import MARGIN, Scale, change_of_clock, local_ms
from ui.lines import Canvas
from ui.status import LOOKS
from ui.timeline import LEAST_SHARE, NOBODY, Piece, marker, pieces_of

EVENT = "#9085e9"
STRIP_PX, STRIP_GAP_PX = 7, 4
STRIP_HEIGHTS = {Status.OK: 0.45, Status.UNKNOWN: 0.45, Status.WARNING: 0.75, Status.CRITICAL: 1.0}
"""Of the strip: what is worse is higher, for those who do not tell the colours."""
LABEL_PX, LABEL_SHARE = 14, 0.25
"""A name is so high, and stands over the last such share of its line."""
MOST_LABELS = 3


@dataclass(frozen=True, slots=True)
class Named:
    """A line to be called by its name at its end: times in epoch seconds, values in the axis' unit."""

    name: str
    colour: str
    t: Floats
    y: Floats


def thresholds(figure: go.Figure, limits: Sequence[tuple[Status, float]], peak: float, unit: str, scale: Scale) -> None:
    """Dotted lines for the thresholds the data come near; far ones would flatten the data."""
    for status, value in limits:
        if (value <= peak * 2 or peak == 0) and value / scale.divisor > 0:
            at = value / scale.divisor
            middle = status == Status.CRITICAL
            line = {"color": LOOKS[status].hexadecimal, "width": 1, "dash": "dot"}
            figure.add_shape(type="line", xref="paper", x0=0, x1=1, y0=at, y1=at, line=line)
            figure.add_annotation(
                xref="paper",
                x=0.5 if middle else 0.0,
                xanchor="center" if middle else "left",
                y=math.log10(at) if figure.layout.yaxis.type == "log" else at,  # a shape is placed without it
                yanchor="bottom",
                text=f"{LOOKS[status].mark} {status} {humanize(value, unit)}",
                font={"size": 10},
                showarrow=False,
            )


def events(canvas: Canvas, known: Sequence[Event], at_y: float) -> None:
    """A triangle where something happened, told on hover; shaded for as long as it went on."""
    if not known:
        return
    moments = local_ms(np.array([[event.at_s, event.till_s or event.at_s] for event in known]).ravel(), canvas.clock)
    for start, end in moments.reshape(-1, 2):
        if end > start:
            canvas.figure.add_vrect(x0=start, x1=end, fillcolor=EVENT, opacity=0.1, line_width=0, layer="below")
    canvas.figure.add_scatter(
        x=moments[::2],
        y=np.full(len(known), at_y, dtype=np.float32),
        mode="markers",
        marker={"symbol": "triangle-up", "size": 9, "color": EVENT},
        text=[event_words(event, canvas) for event in known],
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
        cliponaxis=False,
    )


def event_words(event: Event, canvas: Canvas) -> str:
    """``14:31:10 deploy kafka: ticks-writer 1.8 (10 min, by ann)``, as Plotly takes it: its texts know HTML's tags."""
    at = datetime.fromtimestamp(event.at_s, UTC).astimezone(canvas.clock)
    length = humanize_duration(float(round(event.till_s - event.at_s))) if event.till_s else ""
    more = ", ".join(filter(None, (length, f"by {event.author}" if event.author else "")))
    subject = " ".join(filter(None, (event.kind, event.component)))
    words = f"▲ {at:%H:%M:%S} {subject}: {event.text[:160]}{f' ({more})' if more else ''}"
    return html.escape(words, quote=False)


def nothing(figure: go.Figure) -> go.Figure:
    """A frame without lines says that it has none."""
    figure.update_xaxes(showticklabels=False)
    figure.update_yaxes(visible=False)
    return figure.add_annotation(
        xref="paper", yref="paper", x=0.5, y=0.5, text="no value in this range", font={"size": 12}, showarrow=False
    )


def moment(canvas: Canvas, at_s: float, text: str) -> None:
    """A dashed line through a moment, with a word at its top."""
    at = float(local_ms(np.array([at_s]), canvas.clock)[0])
    canvas.figure.add_vline(x=at, line={"color": NOBODY, "width": 1, "dash": "dash"})
    canvas.figure.add_annotation(
        x=at, yref="paper", y=1, xanchor="left", yanchor="top", text=text, font={"size": 10}, showarrow=False
    )


def clock_change(canvas: Canvas, window: Window, zone: ZoneInfo) -> None:
    """Where clocks are put back within a range that keeps one clock throughout, and which that is."""
    change = change_of_clock(window, zone)
    if change and canvas.clock is not zone:
        moment(canvas, change[0], f"clocks go back {humanize_duration(float(-change[1]))}, times are {canvas.clock}")


def names(canvas: Canvas, lines: Sequence[Named], window: Window, wide: bool) -> bool:
    """Each of a few lines called by its name at its end; False, and nothing drawn, where names would not be read.

    Args:
        wide: the value axis is logarithmic.
    """
    figure = canvas.figure
    ends = [line.y[line.t >= window.end_s - LABEL_SHARE * window.length_s] for line in lines]
    if len(lines) > MOST_LABELS or not all(np.isfinite(end).any() for end in ends):
        return False
    heights = _pixels(figure, [line.y for line in lines], wide)
    spans = [(heights(float(np.nanmin(end))), heights(float(np.nanmax(end)))) for end in ends]
    for place, (_, top) in enumerate(spans):
        others = [span for other, span in enumerate(spans) if other != place]
        if any(low < top + LABEL_PX and high + LABEL_PX > top for low, high in others):
            return False
    for line, end in zip(lines, ends, strict=True):
        top = float(np.nanmax(end))
        figure.add_annotation(
            xref="paper",
            x=1,
            xanchor="right",
            y=math.log10(top) if wide else top,
            yanchor="bottom",
            text=f'<span style="color:{line.colour}">━</span> {line.name[:32]}',
            font={"size": 11},
            showarrow=False,
            borderpad=0,
        )
    return True


def status_strip(canvas: Canvas, answer: Timeline | None, component: str, window: Window) -> None:
    """A thin row below a chart: the component's status over the range, told on hover; hatched where nobody looked.

    The room is left free while the status is not known yet, so that nothing jumps when it is.
    """
    figure = canvas.figure
    strip, gap = (pixels / _plot_px(figure) for pixels in (STRIP_PX, STRIP_GAP_PX))
    figure.update_layout(
        barmode="overlay",
        xaxis={"anchor": "free", "position": 0},
        yaxis={"domain": [strip + gap, 1]},
        yaxis2={"domain": [0, strip], "range": [0, 1], "visible": False, "fixedrange": True},
    )
    if answer is None:
        return
    for status, pieces in pieces_of(answer.spans, answer.observed, window).items():
        mine = [piece for piece in pieces if piece.component == component]
        if mine:
            _strip_bars(canvas, status, mine, 0.0 if status is Status.OK else window.length_s * LEAST_SHARE)


def _strip_bars(canvas: Canvas, status: Status | None, pieces: Sequence[Piece], least_s: float) -> None:
    look = LOOKS[status] if status else None
    words = f"{look.mark} {look.word}" if look else "not observed"
    edges = local_ms(np.array([(piece.start_s, piece.end_s) for piece in pieces]).ravel(), canvas.clock)
    lengths = [humanize_duration(float(round(piece.end_s - piece.start_s))) for piece in pieces]
    canvas.figure.add_bar(
        base=edges[::2],
        x=np.maximum(edges[1::2] - edges[::2], least_s * 1000),
        y=np.zeros(len(pieces), dtype=np.uint8),
        offset=0,
        width=STRIP_HEIGHTS[status] if status else 1.0,
        orientation="h",
        xaxis="x",
        yaxis="y2",
        name=words,
        customdata=[f"{words} for {length}" for length in lengths],
        hovertemplate="%{customdata}<extra></extra>",
        marker=marker(status),
        showlegend=False,
    )


def _plot_px(figure: go.Figure) -> float:
    return max(40.0, float(figure.layout.height) - MARGIN["t"] - MARGIN["b"])


def _pixels(figure: go.Figure, columns: Sequence[Floats], wide: bool) -> Callable[[float], float]:
    """From a value to its height in pixels on an axis that holds the `columns`."""
    values = np.concatenate(columns)
    values = values[np.isfinite(values) & (values > 0 if wide else True)]
    low, high = (
        (float(np.log10(v)) for v in (values.min(), values.max()))
        if wide
        else (min(0.0, float(values.min())), float(values.max()))
    )
    per_unit = _plot_px(figure) / ((high - low) or 1.0)
    return lambda value: ((math.log10(value) if wide else value) - low) * per_unit
