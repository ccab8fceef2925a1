"""The state timeline: a row a component, what was wrong when, and when nobody looked."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import plotly.graph_objects as go

from history.answers import Interval, Period
from history.window import Window
from probes.catalogue import humanize_duration
from probes.result import Status
from ui.axes import MARGIN, blank, clock_of, local_ms
from ui.status import LOOKS

LEAST_SHARE = 1 / 400
"""What is wrong, and when nobody looked, is drawn at least so wide: two minutes of a year are less than a pixel."""
EDGE_SHARE = 1 / 100
"""At an end of the range only a longer stretch without a look is a hole: the first look is due within it."""
NOBODY, FAINT = "#8a94a0", "rgba(138,148,160,0.12)"
DRAWN = (Status.OK, Status.UNKNOWN, Status.WARNING, Status.CRITICAL)
"""The statuses a row is made of, the lesser first: what is worse lies over it."""
THICKNESS = {Status.OK: 0.4, Status.UNKNOWN: 0.4, Status.WARNING: 0.62, Status.CRITICAL: 0.84, None: 0.84}
"""What is worse is thicker, for those who do not tell the colours."""


class Piece(NamedTuple):
    """A stretch of a row: whose, from when to when, and what is told of it."""

    component: str
    start_s: float
    end_s: float
    text: str


def state_timeline(
    spans: Sequence[Interval], observed: Mapping[str, Sequence[Period]], window: Window, zone: ZoneInfo
) -> go.Figure:
    """One row a component, coloured by status; hatched where nobody looked.

    Args:
        observed: (start, end) of the periods with samples, per component.
    """
    names = list(dict.fromkeys([*observed, *(span.component for span in spans)]))
    figure = blank(window, zone, 34 + 26 * max(1, len(names)))
    for status, pieces in pieces_of(spans, observed, window).items():
        _bars(figure, status, pieces, 0.0 if status is Status.OK else window.length_s * LEAST_SHARE, zone)
    figure.update_layout(barmode="overlay", showlegend=False, hovermode="closest", margin={**MARGIN, "l": 110})
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], showgrid=False, dtick=1)
    return figure


def pieces_of(
    spans: Sequence[Interval], observed: Mapping[str, Sequence[Period]], window: Window
) -> dict[Status | None, list[Piece]]:
    """The observed stretches of each status, the lesser first, and under None those in which nobody looked."""
    names = dict.fromkeys([*observed, *(span.component for span in spans)])
    found: dict[Status | None, list[Piece]] = {status: [] for status in DRAWN}
    for span in spans:
        if span.status in found:
            seen = clip((span.start_s, span.end_s), observed.get(span.component, ()))
            text = span.reason or LOOKS[span.status].word
            found[span.status] += [Piece(span.component, start_s, end_s, text) for start_s, end_s in seen]
    found[None] = [
        Piece(name, start_s, end_s, "nobody looked")
        for name in names
        for start_s, end_s in holes(observed.get(name, ()), window)
    ]
    return found


def holes(periods: Sequence[Period], window: Window) -> list[Period]:
    """The stretches of `window` outside `periods`, which ascend; short ones at its ends are no holes.

    >>> holes([(0, 40), (60, 99.5)], Window(0, 100)), holes([], Window(0, 100))
    ([(40, 60)], [(0, 100)])
    """
    edges = [window.start_s, *(edge for period in periods for edge in period), window.end_s]
    short_s = window.length_s * EDGE_SHARE
    return [
        (start_s, end_s)
        for start_s, end_s in zip(edges[::2], edges[1::2], strict=True)
        if end_s - start_s > (short_s if start_s == window.start_s or end_s == window.end_s else 0)
    ]


def clip(span: Period, periods: Iterable[Period]) -> list[Period]:
    """The parts of `span` inside `periods`.

    >>> clip((0, 10), [(-5, 3), (6, 20)])
    [(0, 3), (6, 10)]
    """
    parts = ((max(span[0], start), min(span[1], end)) for start, end in periods)
    return [(start, end) for start, end in parts if end > start]


def _bars(figure: go.Figure, status: Status | None, pieces: Sequence[Piece], least_s: float, zone: ZoneInfo) -> None:
    by = clock_of(figure, zone)
    edges = local_ms(np.array([edge for piece in pieces for edge in (piece.start_s, piece.end_s)]), by)
    name = LOOKS[status].word if status else "not observed"
    figure.add_bar(
        base=edges[::2],
        x=np.maximum(edges[1::2] - edges[::2], least_s * 1000),
        y=[piece.component for piece in pieces],
        orientation="h",
        name=name,
        marker=marker(status),
        customdata=[f"{piece.text[:160]}<br>{_told(piece, by)}" for piece in pieces],
        hovertemplate="%{y}: %{customdata}<extra>" + name + "</extra>",
        width=THICKNESS[status],
    )


def marker(status: Status | None) -> dict[str, Any]:
    """How a bar of a status is filled: unknown dotted, so that it is not ok without its green; None: hatched."""
    colour = LOOKS[status].hexadecimal if status else NOBODY
    filled: dict[str, Any] = {"color": colour, "line": {"width": 0}}
    if status in (None, Status.UNKNOWN):
        shape, solidity = ("/", 0.25) if status is None else (".", 0.5)
        pattern = {"shape": shape, "size": 5, "solidity": solidity, "fgcolor": colour, "bgcolor": FAINT}
        filled["pattern"] = pattern
    return filled


def _told(piece: Piece, zone: tzinfo) -> str:
    start, end = (datetime.fromtimestamp(at_s, UTC).astimezone(zone) for at_s in (piece.start_s, piece.end_s))
    last = f"{end:%H:%M:%S}" if start.date() == end.date() else f"{end:%d %b %H:%M:%S}"
    return f"{start:%d %b %H:%M:%S} – {last} ({humanize_duration(float(round(piece.end_s - piece.start_s)))})"
