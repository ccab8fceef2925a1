"""Times of a chart as text, which Plotly shows as they are; a number would be moved by the browser's own zone.

Charts are made of milliseconds of a wall clock, because numbers are quick to count with. Plotly takes a
number on a time axis for a moment of the epoch and shows it by the clock of the browser: a reader in Berlin
would see New York's 09:30 as 10:30. What is written out it takes as it stands.
"""

from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray


def as_text(figure: go.Figure) -> go.Figure:
    """The same figure with every time on its horizontal axes written out; other axes stay as they are."""
    dated = {f"x{name.removeprefix('xaxis')}" for name in _axes(figure)}
    for name in _axes(figure):
        axis = figure.layout[name]
        _write(axis, ("range", "tickvals"))
        for left_out in axis.rangebreaks or ():
            _write(left_out, ("values",))
    for trace in figure.data:
        if (trace.xaxis or "x") in dated:
            _write(trace, ("base",) if trace.type == "bar" and trace.orientation == "h" else ("x", "x0"))
    for marks, names in ((figure.layout.shapes, ("x0", "x1")), (figure.layout.annotations, ("x",))):
        for mark in marks:
            if (mark.xref or "x") in dated:
                _write(mark, names)
    _share(figure)
    return figure


def _share(figure: go.Figure) -> None:
    """Send times that several lines have once: as what the template gives a line that has none of its own.

    A time written out takes four times as much as the value at it, and of one series there are up to seven lines.
    """
    lines = [trace for trace in figure.data if trace.type == "scatter"]
    if any(trace.x is None for trace in lines):
        return
    times = [tuple(trace.x) if len(trace.x) and isinstance(trace.x[0], str) else () for trace in lines]
    most = max(times, key=lambda each: len(each) * (times.count(each) - 1), default=())
    if most and times.count(most) > 1:
        figure.layout.template.data.scatter = [{"x": most}]
        for trace, own in zip(lines, times, strict=True):
            if own == most:
                trace.x = None


def written(times: Any) -> list[str]:
    """Milliseconds of a wall clock as text, no longer than they need be.

    >>> written([1795512600000.0, 1795512660000.0]), written([1795512600500])
    (['2026-11-24T09:30', '2026-11-24T09:31'], ['2026-11-24T09:30:00.500'])
    """
    ms: NDArray[np.int64] = np.rint(np.asarray(times, dtype=np.float64)).astype(np.int64)
    unit: Literal["m", "s", "ms"] = "m" if not np.any(ms % 60_000) else "s" if not np.any(ms % 1000) else "ms"
    moments: NDArray[np.datetime64] = ms.astype("datetime64[ms]")
    text: list[str] = np.datetime_as_string(moments, unit=unit).tolist()
    return text


def _axes(figure: go.Figure) -> list[str]:
    return [name for name in figure.layout if name.startswith("xaxis") and figure.layout[name].type == "date"]


def _write(part: Any, names: tuple[str, ...]) -> None:
    for name in names:
        value = part[name]
        if _is_number(value):
            part[name] = written([value])[0]
        elif isinstance(value, np.ndarray | tuple | list) and len(value) and _is_number(value[0]):
            part[name] = written(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number)
