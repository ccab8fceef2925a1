"""Lines and bands over time: broken where samples are missing, dotted where a bucket is not over.

Payload matters more than anything: an evenly spaced x travels as two numbers, any other as times written out, once for
all lines that share them (`walltime`), y as 32-bit floats.
"""

from dataclasses import dataclass
from datetime import tzinfo

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from history.answers import Series
from ui.axes import Scale, even_stretches, narrow, times

Floats = NDArray[np.float64]
LONG_BUCKET_S = 900
"""A bucket of this width that is not over yet differs visibly from a whole one: the night of a day, say."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where lines are drawn: the figure, the clock of its time axis, the unit of the other.

    Attributes:
        read_s: epoch second at which the values were read; a later end of a bucket is still to come.
    """

    figure: go.Figure
    clock: tzinfo
    scale: Scale
    read_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Pen:
    """How a line is drawn and what it is called.

    Attributes:
        named: it has a place in the legend.
    """

    name: str
    colour: str
    width: float = 1.6
    dash: str = "solid"
    named: bool = True


def with_gaps(t: Floats, *columns: Floats, step_s: float) -> tuple[Floats, ...]:
    """`t` and its columns with rows of NaN wherever samples are missing, so that a line breaks there.

    A hole is a distance over two and a half times the usual one, and at least two buckets: series
    sampled more rarely than the bucket stay whole. It gets the rows that are missing, which keeps even
    distances even, or where those were too many, one behind its edge and one before the other.
    """
    if len(t) < 2:
        return (t, *columns)
    distances = np.diff(t)
    usual_s = float(np.median(distances))
    holes = np.flatnonzero(distances > max(2.5 * usual_s, 2.01 * step_s))
    if not len(holes):
        return (t, *columns)
    missing = np.maximum(1, np.rint(distances[holes] / usual_s).astype(int) - 1)
    if missing.sum() <= len(t):
        moments = np.concatenate(
            [t[hole] + usual_s * np.arange(1, n + 1) for hole, n in zip(holes, missing, strict=True)]
        )
        places = np.repeat(holes + 1, missing)
    else:
        edge_s = np.minimum(step_s, distances[holes] / 3)
        moments = np.column_stack([t[holes] + edge_s, t[holes + 1] - edge_s]).ravel()
        places = np.repeat(holes + 1, 2)
    return (np.insert(t, places, moments), *(np.insert(c, places, np.nan) for c in columns))


def evenly(t: Floats, step_s: float) -> Floats:
    """The same times with those between them that make all distances one; as they are where too many would be added.

    >>> evenly(np.array([0.0, 10, 20, 40]), 10).tolist(), evenly(np.array([0.0, 10, 20, 45]), 10).tolist()
    ([0.0, 10.0, 20.0, 30.0, 40.0], [0.0, 10.0, 20.0, 45.0])
    """
    distances = np.diff(t)
    for width_s in (float(np.median(distances)), step_s) if len(t) > 1 else ():
        if not np.any(distances % width_s) and t[-1] - t[0] <= 2 * len(t) * width_s:
            filled: Floats = t[0] + width_s * np.arange(round((t[-1] - t[0]) / width_s) + 1)
            return filled
    return t


def unfinished(line: Series, read_s: float) -> bool:
    """Whether the last bucket was not over when it was read, and is wide enough to pass for a dip."""
    return len(line.t) > 0 and line.step_s >= LONG_BUCKET_S and float(line.t[-1]) + line.step_s > read_s > 0


def draw_line(canvas: Canvas, line: Series, values: Floats, pen: Pen, *, spread: bool = False) -> None:
    """`values` at the times of `line`; the last piece is dotted while its bucket is not over.

    Args:
        spread: tell the minimum and maximum of each bucket on hover.
    """
    t, values, low, high = with_gaps(line.t, values, line.low, line.high, step_s=line.step_s)
    told = np.column_stack([low, high]) if spread else np.empty((len(t), 0))
    whole = len(t) - 1 if unfinished(line, canvas.read_s) and len(t) > 1 else len(t)
    _trace(canvas, _Points(t[:whole], values[:whole], told[:whole], line.step_s), pen)
    if whole < len(t):
        tail = Pen(pen.name, pen.colour, pen.width, "dot", named=False)
        _trace(canvas, _Points(t[-2:], values[-2:], told[-2:], line.step_s), tail, tail=True)


def draw_band(canvas: Canvas, line: Series, low: Floats, high: Floats, colour: str, opacity: float = 0.16) -> None:
    """From `low` to `high`, filled.

    Plotly fills between two lines across their gaps as well: there they meet in the middle, and what is
    between them is nothing.
    """
    t, low, high = with_gaps(line.t, low, high, step_s=line.step_s)
    known = np.isfinite(low) & np.isfinite(high)
    if not known.any():
        return
    middle = np.interp(t, t[known], ((low + high) / 2)[known])
    even = evenly(t, line.step_s)
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    edges = [np.interp(even, t, np.where(known, edge, middle)) / canvas.scale.divisor for edge in (low, high)]
    for stretch in even_stretches(even, canvas.clock):
        for edge, fill in zip(edges, ("none", "tonexty"), strict=True):
            canvas.figure.add_scatter(
                **times(even[stretch], canvas.clock),
                y=narrow(edge[stretch]),
                mode="lines",
                line={"width": 0},
                hoverinfo="skip",
                showlegend=False,
                fill=fill,
                fillcolor=f"rgba({red},{green},{blue},{opacity})",
            )


@dataclass(frozen=True, slots=True)
class _Points:
    """The points of a trace; `told`: minimum and maximum of each, or nothing."""

    t: Floats
    values: Floats
    told: Floats
    step_s: float

    def even(self) -> "_Points":
        """The same points among empty ones at even distances, which take fewer bytes; as they are if that cannot be.

        A line without a hole is drawn through its empty points.
        """
        t = evenly(self.t, self.step_s)
        if len(t) == len(self.t) or np.isnan(self.values).any():
            return self
        places = np.searchsorted(t, self.t)
        values, told = np.full(len(t), np.nan), np.full((len(t), self.told.shape[1]), np.nan)
        values[places], told[places] = self.values, self.told
        return _Points(t, values, told, self.step_s)


def _trace(canvas: Canvas, points: _Points, pen: Pen, *, tail: bool = False) -> None:
    lone = _lone(points.values)
    unit = f"{canvas.scale.unit}{' so far' if tail else ''}"
    even = points.even()
    spread = " (%{customdata[0]:.4~r} – %{customdata[1]:.4~r})" if even.told.size else ""
    for stretch in even_stretches(even.t, canvas.clock):
        canvas.figure.add_scatter(
            **times(even.t[stretch], canvas.clock),
            y=narrow(even.values[stretch] / canvas.scale.divisor),
            customdata=narrow(even.told[stretch] / canvas.scale.divisor) if even.told.size else None,
            name=pen.name,
            legendgroup=pen.name,
            showlegend=pen.named and not stretch.start,
            mode="lines+markers" if lone.any() else "lines",
            marker={"size": np.where(lone[stretch], 4, 0).astype(np.uint8) if lone.any() else 4, "color": pen.colour},
            line={"color": pen.colour, "width": pen.width, "dash": pen.dash},
            hovertemplate=f"%{{y:.4~r}}{spread} {unit}<extra>{pen.name}</extra>",
            connectgaps=even is not points,
        )


def _lone(values: Floats) -> NDArray[np.bool_]:
    """Where a value has a neighbour on neither side: no line leads there, so it needs a mark of its own.

    >>> _lone(np.array([1.0, np.nan, 2.0, 3.0])).tolist()
    [True, False, False, False]
    """
    known = np.pad(np.isfinite(values), 1)
    alone: NDArray[np.bool_] = known[1:-1] & ~known[:-2] & ~known[2:]
    return alone
