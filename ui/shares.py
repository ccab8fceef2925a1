"""Status shares over time: of all components' time in each bucket, how much was ok, how much not. Figures only."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import plotly.graph_objects as go

from analysis.shares import Mix
from history.buckets import DAY_S
from history.window import Window
from probes.catalogue import humanize
from probes.result import Status
from ui.axes import HEIGHT, blank, clock_of, hover_title, local_ms, narrow
from ui.status import LOOKS
from ui.timeline import NOBODY

LAYERS: tuple[tuple[Status | None, str], ...] = (
    (Status.CRITICAL, ""),
    (Status.WARNING, "\\"),
    (Status.UNKNOWN, "."),
    (None, "/"),
    (Status.OK, ""),
)
"""From the bottom up, each with the pattern that tells it from its neighbours without its colour."""


TOPS = (10, 25, 50, 100)
"""Per cent an axis may end at: what was not ok is seen, and the rest is ok all the way up."""


def figure(mix: Mix, window: Window, zone: ZoneInfo, *, height: int = HEIGHT) -> go.Figure:
    """Layers on top of each other, the worst at the bottom, where a little of it is seen best."""
    chart = blank(window, zone, height)
    x = local_ms(mix.edges_s, clock_of(chart, zone))
    for status, pattern in LAYERS:
        share = mix.shares[status]
        if not share.any():
            continue
        name, colour = (LOOKS[status].word, LOOKS[status].hexadecimal) if status else ("not observed", NOBODY)
        chart.add_scatter(
            x=x,
            y=narrow(np.append(share, share[-1]) * 100),
            name=name,
            stackgroup="shares",
            mode="lines",
            line={"width": 0, "shape": "hv", "color": colour},
            fillcolor=None if pattern else _faint(colour) if status is Status.OK else colour,
            fillpattern={"shape": pattern, "fgcolor": colour, "bgcolor": _faint(colour), "size": 6}
            if pattern
            else None,
            hovertemplate="%{y:.4~r} %<extra>" + name + "</extra>",
        )
    hover_title(chart, float(np.median(np.diff(mix.edges_s))))
    trouble = float((1 - mix.shares[Status.OK]).max(initial=0.0)) * 100
    chart.update_yaxes(range=[0, next(top for top in TOPS if top >= min(trouble, 100))], ticksuffix=" %")
    chart.update_layout(legend={"traceorder": "normal"}, showlegend=True)
    return chart


def told(mix: Mix, zone: ZoneInfo) -> str:
    """``How much of all time was which status? – 98.2 % ok, most critical 12 Nov 13:10 (31 %)``."""
    head = "How much of all time was which status?"
    parts = [f"{humanize(mix.over(Status.OK), 'ratio')} ok"]
    critical = mix.shares[Status.CRITICAL]
    if critical.any():
        at = int(np.argmax(critical))
        moment = datetime.fromtimestamp(float(mix.edges_s[at]), UTC).astimezone(zone)
        form = "%d %b" if float(mix.edges_s[at + 1] - mix.edges_s[at]) >= DAY_S else "%d %b %H:%M"
        parts.append(f"most critical {moment:{form}} ({humanize(float(critical[at]), 'ratio')})")
    if mix.over(None) > 0:
        parts.append(f"{humanize(mix.over(None), 'ratio')} not observed")
    return f"{head} – {', '.join(parts)}"


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.35)"
