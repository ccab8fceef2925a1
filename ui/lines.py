"""Lines and bands over time: broken where samples are missing, dotted where a bucket is not over.

Payload matters more than anything: x travels as typed arrays of epoch milliseconds, y as 32-bit
floats; a datetime axis would become a list of ISO strings, more than half of the message.
"""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from history.answers import Series
from ui.axes import Scale, local_ms, narrow

Floats = NDArray[np.float64]
LONG_BUCKET_S = 900
"""A bucket of this width that is not over yet differs visibly from a whole one: the night of a day, say."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where lines are drawn: the figure, the desk's clock, the unit of the axis.

    Attributes:
        read_s: epoch second at which the values were read; a later end of a bucket is still to come.
    """

    figure: go.Figure
    zone: ZoneInfo
    scale: Scale
    read_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Pen:
    """How a line is drawn and what it is called."""

    name: str
    colour: str
    width: float = 1.6
    dash: str = "solid"


def with_gaps(t: Floats, *columns: Floats, step_s: float) -> tuple[Floats, ...]:
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


def unfinished(line: Series, read_s: float) -> bool:
    """Whether the last bucket was not over when it was read, and is wide enough to pass for a dip."""
    return len(line.t) > 0 and line.step_s >= LONG_BUCKET_S and float(line.t[-1]) + line.step_s > read_s > 0


def draw_line(canvas: Canvas, line: Series, values: Floats, pen: Pen) -> None:
    """`values` at the times of `line`; the last piece is dotted while its bucket is not over."""
    t, values = with_gaps(line.t, values, step_s=line.step_s)
    whole = len(t) - 1 if unfinished(line, canvas.read_s) and len(t) > 1 else len(t)
    _trace(canvas, t[:whole], values[:whole], pen)
    if whole < len(t):
        tail = Pen(pen.name, pen.colour, pen.width, "dot")
        _trace(canvas, t[-2:], values[-2:], tail, tail=True)


def draw_band(canvas: Canvas, line: Series, low: Floats, high: Floats, colour: str, opacity: float = 0.16) -> None:
    """`low` to `high` as an outline: Plotly fills between two lines across their gaps, an outline it does not."""
    t, low, high = with_gaps(line.t, low, high, step_s=line.step_s)
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    divisor = canvas.scale.divisor
    x, y = outline(local_ms(t, canvas.zone), low / divisor, high / divisor)
    canvas.figure.add_scatter(
        x=x,
        y=narrow(y),
        mode="lines",
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        fill="toself",
        fillcolor=f"rgba({red},{green},{blue},{opacity})",
    )


def outline(x: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """The closed outline of each stretch without a gap: along `high` and back along `low`, a NaN between stretches.

    >>> outline(np.array([0.0, 1, 2]), np.array([1, np.nan, 3]), np.array([2, np.nan, 4]))[1].tolist()
    [2.0, 1.0, nan, 4.0, 3.0]
    """
    stretches = np.split(np.arange(len(x)), np.flatnonzero(np.isnan(high)))
    xs: list[Floats] = []
    ys: list[Floats] = []
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


def _trace(canvas: Canvas, t: Floats, values: Floats, pen: Pen, *, tail: bool = False) -> None:
    lone = _lone(values)
    canvas.figure.add_scatter(
        x=local_ms(t, canvas.zone),
        y=narrow(values / canvas.scale.divisor),
        name=pen.name,
        legendgroup=pen.name,
        showlegend=not tail,
        mode="lines+markers" if lone.any() else "lines",
        marker={"size": np.where(lone, 4.0, 0.0) if lone.any() else 4, "color": pen.colour, "line": {"width": 0}},
        line={"color": pen.colour, "width": pen.width, "dash": pen.dash},
        hovertemplate=f"%{{y:.3~g}} {canvas.scale.unit}{' so far' if tail else ''}<extra>{pen.name}</extra>",
        connectgaps=False,
    )


def _lone(values: Floats) -> NDArray[np.bool_]:
    """Where a value has a neighbour on neither side: no line leads there, so it needs a mark of its own.

    >>> _lone(np.array([1.0, np.nan, 2.0, 3.0])).tolist()
    [True, False, False, False]
    """
    known = np.pad(np.isfinite(values), 1)
    alone: NDArray[np.bool_] = known[1:-1] & ~known[:-2] & ~known[2:]
    return alone
