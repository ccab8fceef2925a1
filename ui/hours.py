"""Charts without the hours in which the exchange is closed: what is left out of their time axes. Pure.

Every closed stretch is left out by itself, as the sessions have it, in the clock of the axis: nights,
weekends, holidays and half days are right, also over a change of the clock, for which no weekly pattern
would be. Stretches of one length are one entry of the axis, so that a month takes a few hundred bytes.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from history.sessions import Sessions, Span
from history.tiers import BUCKETS_S
from history.window import Window
from ui.axes import local_ms

Floats = NDArray[np.float64]
TRADING, EXTENDED = "trading", "extended"
MODES = {"All hours": "", "Trading hours": TRADING, "With pre and post": EXTENDED}
"""What the page's control calls each word of the URL."""
MOST_SESSIONS = 70
"""A quarter of a year. Beyond, a bucket is hours wide, and hardly one lies within a session."""
WIDEST_BUCKET_S = 1800
"""Exchanges open and close on the half hour: in wider buckets a session would begin or end before it does."""
MOST_BUCKETS = 400
SEAM = {
    "type": "line",
    "yref": "paper",
    "y0": 0,
    "y1": 1,
    "layer": "below",
    "line": {"color": "rgba(138,148,160,0.45)", "width": 1, "dash": "dot"},
}
"""Where hours are left out between a few sessions."""
MINUTE_MS = 60_000.0
FEW_SESSIONS, MOST_NAMED = 6, 5
"""Of more sessions than a few, so many are named below a chart: a phone has room for no more."""


def collapsed(window: Window, sessions: Sessions, *, extended: bool) -> Window:
    """The window with the bucket its trading hours alone call for; unchanged where `refusal` has a reason."""
    if window.step_s or refusal(window, sessions, extended=extended):
        return window
    spans = sessions.spans(window.start_s, window.end_s, extended=extended)
    shown_s = sum(min(end, window.end_s) - max(start, window.start_s) for start, end in spans)
    fitting = (bucket_s for bucket_s in BUCKETS_S if shown_s / bucket_s <= MOST_BUCKETS)
    return replace(window, step_s=min(WIDEST_BUCKET_S, next(fitting, WIDEST_BUCKET_S)))


def refusal(window: Window, sessions: Sessions | None, *, extended: bool) -> str:
    """Why no hours of a window can be left out, in a sentence; empty when they can."""
    if sessions is None:
        return "All hours are shown until the calendar of the exchange is read."
    if not sessions.reaches(window.start_s, window.end_s):
        return f"All hours are shown: the calendar of {sessions.calendar} does not cover this range."
    count = len(sessions.spans(window.start_s, window.end_s, extended=extended))
    if not count:
        return f"All hours are shown: {sessions.calendar} has no trading hours in this range."
    if count > MOST_SESSIONS:
        return f"All hours are shown: over more than {MOST_SESSIONS} sessions a single one is too short to be seen."
    return ""


def collapse(figure: go.Figure, sessions: Sessions, clock: tzinfo, *, extended: bool) -> str:
    """Leave what is no trading out of a figure's time axes; returns a note where the figure must keep it.

    Args:
        clock: the clock its time axis goes by.
    """
    start_s, end_s = (int(_epoch_s(edge_ms, clock)) for edge_ms in figure.layout.xaxis.range or (0, 0))
    window = Window(start_s, end_s)
    if refusal(window, sessions, extended=extended):
        return ""
    if _distance_s(figure) > WIDEST_BUCKET_S:
        return "all hours, the buckets are too wide to leave any out"
    spans = sessions.spans(window.start_s, window.end_s, extended=extended)
    gaps = closed(window, spans)
    edges_ms = local_ms(np.array(gaps, dtype=np.float64).ravel(), clock).reshape(-1, 2)
    breaks = [*(figure.layout.xaxis.rangebreaks or ()), *_breaks(edges_ms)]
    figure.update_xaxes(rangebreaks=breaks, **_days(window, spans, clock), selector={"type": "date"})
    for _, end_ms in edges_ms if len(edges_ms) <= FEW_SESSIONS else ():
        figure.add_shape({**SEAM, "x0": end_ms, "x1": end_ms})
    for trace in figure.data:
        if trace.type == "scatter" and "lines" in (trace.mode or "lines"):
            _thin(trace, edges_ms)
    return ""


def closed(window: Window, spans: Sequence[Span]) -> list[Span]:
    """The stretches of a window outside `spans`, which ascend.

    >>> closed(Window(0, 100), [(-10, 20), (50, 60), (90, 120)])
    [(20, 50), (60, 90)]
    """
    edges = [window.start_s, *(edge for span in spans for edge in span), window.end_s]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]


def _breaks(edges_ms: Floats) -> list[dict[str, Any]]:
    """The stretches as a time axis takes them, those of one length together."""
    by_length: dict[float, list[float]] = defaultdict(list)
    for start, end in edges_ms:
        if end > start:  # not one that lies within the hour a clock put back goes through twice
            by_length[float(end - start)].append(float(start))
    return [{"values": starts, "dvalue": length} for length, starts in by_length.items()]


def _days(window: Window, spans: Sequence[Span], clock: tzinfo) -> dict[str, Any]:
    """The days to name below many sessions: midnights, where a time axis would have its marks, are left out."""
    if len(spans) <= FEW_SESSIONS:
        return {}
    starts = np.array([max(start, window.start_s) for start, _ in spans[:: -(-len(spans) // MOST_NAMED)]], dtype=float)
    named = [f"{datetime.fromtimestamp(start_s, clock):%a %d %b}" for start_s in starts]
    return {"tickmode": "array", "tickvals": local_ms(starts, clock), "ticktext": named, "tickangle": 0}


def _thin(trace: Any, edges_ms: Floats) -> None:
    """Drop a trace's points in closed hours; in place of each stretch of them a line breaks just before it.

    The edge of a band must not break, because Plotly fills from one edge to the other piece by piece: there it goes on
    as high as it was. So all that is drawn of a series has the same times, which `walltime` sends once.
    """
    x = _x(trace)
    if x is None or not len(x) or not len(edges_ms):
        return
    stretch = np.searchsorted(edges_ms[:, 0], x, side="right") - 1
    hidden = (stretch >= 0) & (x < edges_ms[np.maximum(stretch, 0), 1])
    if not hidden.any():
        return
    ends = np.flatnonzero(hidden[1:] & ~hidden[:-1]) + 1
    kept = ~hidden
    kept[ends] = True
    x[ends] = edges_ms[stretch[ends], 0] - min(MINUTE_MS, float(np.diff(x).min()) / 2)
    columns = {name: np.array(trace[name]) for name in ("y", "customdata", "text") if _long(trace[name], len(x))}
    if columns["y"].dtype.kind == "f":
        columns["y"][ends] = columns["y"][ends - 1] if trace.line.width == 0 else np.nan
    trace.update(x0=None, dx=None, x=x[kept], **{name: column[kept] for name, column in columns.items()})
    if _long(trace.marker.size, len(x)):
        trace.marker.size = np.asarray(trace.marker.size)[kept]


def _x(trace: Any) -> Floats | None:
    """Where a trace's points are, in milliseconds of its axis; None for one that is not numbers."""
    if trace.x is not None:
        x = np.asarray(trace.x)
        return np.array(x, dtype=np.float64) if x.dtype.kind in "fiu" else None
    if trace.y is None or trace.dx is None:
        return None
    return np.asarray(float(trace.x0) + trace.dx * np.arange(len(trace.y)), dtype=np.float64)


def _long(column: Any, length: int) -> bool:
    return isinstance(column, tuple | list | np.ndarray) and len(column) == length


def _distance_s(figure: go.Figure) -> float:
    """The distance of the points of a figure's finest line, or of its columns; 0 without any."""
    drawn = [trace for trace in figure.data if trace.type == "scatter" and "lines" in (trace.mode or "lines")]
    drawn += [trace for trace in figure.data if trace.type == "bar" and trace.orientation != "h"]
    found = [np.diff(x).min() / 1000 for trace in drawn if (x := _x(trace)) is not None and len(x) > 1]
    return float(min(found, default=0.0))


def _epoch_s(edge_ms: Any, clock: tzinfo) -> float:
    """What an end of a time axis, milliseconds of a wall clock, is in epoch seconds."""
    return datetime.fromtimestamp(float(edge_ms) / 1000, UTC).replace(tzinfo=clock).timestamp()
