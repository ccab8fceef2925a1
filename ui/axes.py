"""Axes of the charts: units people use, the desk's clock, the empty frame all charts share."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from history.buckets import DAY_S
from history.tiers import MAX_BUCKETS
from history.window import Window
from probes.catalogue import humanize_duration

HEIGHT, LOW = 220, 150
MARGIN = {"l": 64, "r": 12, "t": 8, "b": 24}
COLOURS = ("#3987e5", "#d95926", "#199e70", "#c98500", "#d55181", "#9085e9", "#008300", "#e66767")
WIDTHS_PX = {1: MAX_BUCKETS, 2: 540, 3: 340}
"""How wide a chart's plot is at most where so many stand side by side: more points than pixels say nothing."""
_SCALES = {
    "seconds": ((1, "s"), (1e-3, "ms"), (1e-6, "µs")),
    "bytes": ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B")),
    "bytes/s": ((1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s"), (1, "B/s")),
    "ratio": ((0.01, "%"),),
}
FOLDED_S, UNSEEN_S = 3 * 86400, 31 * 86400
"""Up to how long a range an hour that is there twice, or not at all, is seen: as wide as some pixels, as one."""
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


def width_px(columns: int) -> int:
    """How many pixels a chart has for its points where `columns` stand side by side."""
    return WIDTHS_PX[min(columns, max(WIDTHS_PX))]


def blank(window: Window, zone: ZoneInfo, height: int) -> go.Figure:
    """An empty figure with `window` on its time axis.

    Its clock (`clock`) is written into the figure where it is not the zone's (`clock_of`).
    """
    by = clock(window, zone)
    start, end = local_ms(np.array([window.start_s, window.end_s], dtype=np.float64), by)
    layout: dict[str, Any] = {
        # A template of its own: Streamlit's has more bytes than the line it is sent with.
        "template": {"layout": {"colorway": COLOURS}},
        "height": height,
        "margin": MARGIN,
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "dragmode": "select",
        "selectdirection": "h",
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 11}},
        "uirevision": "keep",
        "xaxis": {
            "type": "date",
            "range": [start, end],
            "showgrid": False,
            "rangebreaks": _missing_hour(window, zone),
            "tickformatstops": _ticks(dated=height >= LOW),
        },
        # charts below each other share their time axis
        "yaxis": {"fixedrange": True, "nticks": 5, "automargin": False},
    }
    if by is not zone:
        layout["meta"] = {"utc_offset_s": _offset_s(window.start_s, by)}
    return go.Figure(layout=layout)  # all at once: each update of a figure costs a millisecond or two


def value_axis(figure: go.Figure, scale: Scale, *, logarithmic: bool = False) -> None:
    """The vertical axis: its unit, from zero on or logarithmic."""
    suffix = f" {scale.unit}" if scale.unit else ""
    if logarithmic:
        figure.layout.yaxis.update(type="log", dtick=1, ticksuffix=suffix, tickformat="~g", nticks=None)
    else:
        figure.layout.yaxis.update(ticksuffix=suffix, rangemode="tozero")


def hover_title(figure: go.Figure, step_s: float) -> None:
    """The head of what is told on hover: the moment, and how wide the bucket is that begins there."""
    moment = "%a %d %b %Y" if step_s >= DAY_S else "%a %d %b %H:%M:%S" if step_s % 60 else "%a %d %b %H:%M"
    text = f"%{{x|{moment}}} · {humanize_duration(float(step_s))} bucket"
    figure.layout.xaxis.unifiedhovertitle = {"text": text}


def is_wide(levels: Iterable[NDArray[np.float64]], peak: float, unit: str) -> bool:
    """Whether the peak is so far above a line's usual value that only a logarithmic axis shows both.

    Such an axis has no zero, so only durations: a rate at night is as good as nothing, and must look like that.
    """
    lines = [level[np.isfinite(level)] for level in levels]
    known = [line for line in lines if len(line)]
    if unit != "seconds" or not known or min(float(line.min()) for line in known) <= 0:
        return False
    return peak > WIDE * min(float(np.median(line)) for line in known)


def clock(window: Window, zone: ZoneInfo) -> tzinfo:
    """The clock the time axis of `window` goes by: the zone's, but for a short range in which it is put back.

    The hour that is there twice would fold every line back upon itself: such a range has one clock throughout,
    the one its end has. In a longer one the hour is thinner than a line.
    """
    change = change_of_clock(window, zone)
    if change is None or change[1] > 0 or window.length_s > FOLDED_S:
        return zone
    return timezone(timedelta(seconds=_offset_s(window.end_s, zone)))


def clock_of(figure: go.Figure, zone: ZoneInfo) -> tzinfo:
    """The clock a figure's time axis goes by."""
    meta = figure.layout.meta
    return timezone(timedelta(seconds=meta["utc_offset_s"])) if meta else zone


def change_of_clock(window: Window, zone: ZoneInfo) -> tuple[int, int] | None:
    """When in `window` the zone's clocks change, and by how many seconds: more than nothing is forward.

    None where they do not, or where the range is so long that an hour more or less is not seen.
    """
    start_s, end_s = window.start_s, window.end_s
    if window.length_s > UNSEEN_S or _offset_s(start_s, zone) == _offset_s(end_s, zone):
        return None
    while end_s - start_s > 1:
        middle_s = (start_s + end_s) // 2
        if _offset_s(middle_s, zone) == _offset_s(start_s, zone):
            start_s = middle_s
        else:
            end_s = middle_s
    return end_s, int(_offset_s(end_s, zone) - _offset_s(end_s - 1, zone))


def _ticks(*, dated: bool) -> list[dict[str, Any]]:
    """How moments are written below a chart, by their distance in ms; a low one has no room for a second line."""
    day = "\n%a %d %b" if dated else ""
    forms = (
        (60_000, f"%H:%M:%S{day}"),
        (DAY_S * 1000, f"%H:%M{day}"),
        (27 * DAY_S * 1000, "%a %d %b"),
        (None, "%b %Y"),
    )
    starts = (None, *(until for until, _ in forms))
    return [{"dtickrange": [start, until], "value": form} for start, (until, form) in zip(starts, forms, strict=False)]


def _missing_hour(window: Window, zone: ZoneInfo) -> list[dict[str, Any]] | None:
    """The hour that clocks put forward leave out, which the axis leaves out as well."""
    change = change_of_clock(window, zone)
    if change is None or change[1] <= 0:
        return None
    moment = datetime.fromtimestamp(change[0], zone).replace(tzinfo=None)
    return [{"bounds": [str(moment - timedelta(seconds=change[1])), str(moment)]}]


def local_ms(t: NDArray[np.float64], zone: tzinfo) -> NDArray[np.float64]:
    """Epoch milliseconds moved to the desk's zone: Plotly shows a date axis without a zone as it is."""
    if not len(t):
        return t
    # One offset an hour is enough: zones change at whole hours.
    hours, inverse = np.unique(np.floor(t / 3600), return_inverse=True)
    offsets = [_offset_s(hour * 3600, zone) for hour in hours] if len(hours) < 20_000 else [0.0] * len(hours)
    return np.asarray((t + np.array(offsets)[inverse]) * 1000, dtype=np.float64)


def times(t: NDArray[np.float64], zone: tzinfo) -> dict[str, Any]:
    """Where points lie on a time axis, for a trace: the first and the distance where that is even, else each.

    >>> times(np.array([0.0, 10, 20]), UTC)
    {'x0': 0.0, 'dx': 10000.0}
    """
    x = local_ms(t, zone)
    distances = np.unique(np.diff(x))
    return {"x0": float(x[0]), "dx": float(distances[0])} if len(distances) == 1 else {"x": x}


def even_stretches(t: NDArray[np.float64], zone: tzinfo) -> list[slice]:
    """The pieces of `t` whose points a time axis takes as even: all of it, else those between changes of the clock.

    In a short range the break between two pieces would be seen: it stays one.
    """
    x = local_ms(t, zone)
    if len(np.unique(np.diff(x))) <= 1 or t[-1] - t[0] <= FOLDED_S:
        return [slice(0, len(t))]
    cuts = [int(cut) for cut in np.flatnonzero(np.diff(x - 1000 * t)) + 1]
    return [slice(start, end) for start, end in zip([0, *cuts], [*cuts, len(t)], strict=True)]


@lru_cache(maxsize=1 << 14)
def _offset_s(epoch_s: float, zone: tzinfo) -> float:
    offset = datetime.fromtimestamp(float(epoch_s), UTC).astimezone(zone).utcoffset()
    return offset.total_seconds() if offset else 0.0


def narrow(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Values as they travel: 32 bits are more than a screen shows."""
    return values.astype(np.float32)
