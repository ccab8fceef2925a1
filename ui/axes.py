"""Axes of the charts: units people use, the desk's clock, the empty frame all charts share."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from history.window import Window

HEIGHT = 220
MARGIN = {"l": 64, "r": 12, "t": 8, "b": 24}
_SCALES = {
    "seconds": ((1, "s"), (1e-3, "ms"), (1e-6, "µs")),
    "bytes": ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B")),
    "bytes/s": ((1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s"), (1, "B/s")),
    "ratio": ((0.01, "%"),),
}
WIDE = 20
"""From so many times the usual value on the peak would press everything else flat: the axis becomes logarithmic."""
_PLAIN = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""))


@dataclass(frozen=True, slots=True)
class Scale:
    """How an axis shows a unit: values are divided by `divisor` and followed by `unit`."""

    divisor: float
    unit: str


def scale_for(values: NDArray[np.float64], unit: str) -> Scale:
    """The largest scale in which the values' peak is at least one."""
    finite = np.abs(values[np.isfinite(values)])
    peak = float(finite.max()) if len(finite) else 0.0
    steps = _SCALES.get(unit, tuple((d, f"{u}{'/s' if unit.endswith('/s') else ''}") for d, u in _PLAIN))
    if not peak:
        return Scale(*steps[-1])
    return Scale(*next((step for step in steps if peak >= step[0]), steps[-1]))


def blank(window: Window, zone: ZoneInfo, height: int) -> go.Figure:
    """An empty figure with `window` on its time axis."""
    figure = go.Figure()
    start, end = local_ms(np.array([window.start_s, window.end_s], dtype=np.float64), zone)
    figure.update_layout(
        height=height,
        margin=MARGIN,
        hovermode="x unified",
        dragmode="select",
        selectdirection="h",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 11}},
        uirevision="keep",
    )
    figure.update_xaxes(type="date", range=[start, end], showgrid=False)
    figure.update_yaxes(fixedrange=True, nticks=5, automargin=False)  # charts below each other share their time axis
    return figure


def value_axis(figure: go.Figure, scale: Scale, *, logarithmic: bool = False) -> None:
    """The vertical axis: its unit, from zero on or logarithmic."""
    suffix = f" {scale.unit}" if scale.unit else ""
    if logarithmic:
        figure.update_yaxes(type="log", dtick=1, ticksuffix=suffix, tickformat="~g", nticks=None)
    else:
        figure.update_yaxes(ticksuffix=suffix, rangemode="tozero")


def is_wide(levels: Iterable[NDArray[np.float64]], peak: float, unit: str) -> bool:
    """Whether the peak is so far above a line's usual value that only a logarithmic axis shows both.

    Such an axis has no zero, so only durations: a rate at night is as good as nothing, and must look like that.
    """
    lines = [level[np.isfinite(level)] for level in levels]
    known = [line for line in lines if len(line)]
    if unit != "seconds" or not known or min(float(line.min()) for line in known) <= 0:
        return False
    return peak > WIDE * min(float(np.median(line)) for line in known)


def local_ms(t: NDArray[np.float64], zone: ZoneInfo) -> NDArray[np.float64]:
    """Epoch milliseconds moved to the desk's zone: Plotly shows a date axis without a zone as it is."""
    if not len(t):
        return t
    # One offset an hour is enough: zones change at whole hours.
    hours, inverse = np.unique(np.floor(t / 3600), return_inverse=True)
    offsets = [_offset_s(hour * 3600, zone) for hour in hours] if len(hours) < 20_000 else [0.0] * len(hours)
    return np.asarray((t + np.array(offsets)[inverse]) * 1000, dtype=np.float64)


def _offset_s(epoch_s: float, zone: ZoneInfo) -> float:
    offset = datetime.fromtimestamp(float(epoch_s), UTC).astimezone(zone).utcoffset()
    return offset.total_seconds() if offset else 0.0


def narrow(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Values as they travel: 32 bits are more than a screen shows."""
    return values.astype(np.float32)
