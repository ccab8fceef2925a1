"""One series beside what it usually does: a quiet band behind the line, marks where it left it, changes of level."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np
import plotly.graph_objects as go

from analysis.baseline import Band, Excursion, unlike_days
from analysis.changepoints import ChangePoint
from analysis.questions import LONGEST_S, Course, course
from history.answers import Floats, Series
from history.rows import SeriesKey
from history.window import Window
from probes import METRICS
from probes.catalogue import humanize, humanize_duration, sentence_case
from probes.result import Status
from ui import axes, marks
from ui.frame import Page
from ui.lines import Canvas, Pen, draw_band, draw_line, with_gaps
from ui.panels import Panel, Question, plot_answer
from ui.questions import fresh_s, nothing
from ui.status import LOOKS
from ui.timeline import NOBODY

OUTSIDE = LOOKS[Status.WARNING].hexadecimal
BAND_OPACITY = 0.22
MOST_WORDS = 4
"""Changes of level that have their words on the chart, the surest; the others have a line."""
ROOM_PX = 60
"""Words of two changes stand at least so far apart, of a chart as wide as a screen."""


def usual_panel(page: Page, key: SeriesKey, *, title: str = "", height: int = axes.HEIGHT) -> Panel[Course]:
    """One series over the page's range beside what it usually does; its title tells its trend.

    Args:
        title: what the series is called; else what the catalogue calls its metric, its component and labels.
    """
    name = title or called(key)
    window, desk = page.window, page.monitor.settings.app.zone
    unlike = unlike_days(page.monitor.sessions.known, window.start_s - LONGEST_S, window.end_s, desk)
    return Panel(
        title=name,
        question=Question(course, (window, key, unlike), max(15.0, fresh_s(page))),
        draw=partial(_draw, window, page.zone, key, height),
        empty=lambda answer: answer.line is None,
        nothing=nothing(page, f"Nothing of this was recorded in this range: {name}."),
        height=height,
        told=lambda answer: told(name, answer),
    )


def called(key: SeriesKey) -> str:
    """``Consumer lag, kafka ticks``.

    >>> called(SeriesKey("host", "host_cpu_ratio")), called(SeriesKey("a", "m", (("topic", "ticks"),)))
    ('CPU, host', 'M, a ticks')
    """
    title = METRICS[key.metric].title if key.metric in METRICS else key.metric
    return f"{sentence_case(title)}, {' '.join([key.component, *(value for _, value in key.labels)])}"


def told(name: str, found: Course) -> str:
    """The title: where the series stands, between what it usually is at that hour, and its trend if that is clear."""
    line, band = found.line, found.usual.band
    if line is None or line.last is None:
        return name
    words = [humanize(line.last, line.unit)]
    if band is not None:
        place = int(np.searchsorted(band.t, line.t[-1]).clip(max=len(band.t) - 1))
        low, high = float(band.low[place]), float(band.high[place])
        if np.isfinite(low):
            words.append(f"usual at this hour {_between(low, high, line.unit)}")
    if found.trend is not None and found.trend.per_week is not None:
        words.append(found.trend.message if found.trend.clear else "no clear trend")
    return f"{name} – {', '.join(words)}"


def below(found: Course) -> str:
    """The note under the chart: what the band is made of, how often the series left it, why no trend is told."""
    remarks = [found.usual.message, "" if found.trend is None or found.trend.clear else found.trend.message]
    if found.usual.band is not None:
        count = len(found.outside)
        remarks.append(f"◆ {count} × far outside" if count else "never far outside")
    return " · ".join(filter(None, remarks))


def figure_of(found: Course, window: Window, zone: ZoneInfo, height: int = axes.HEIGHT) -> go.Figure:
    """The line with its band behind, marks where it left it, and a line at each change of its level."""
    figure = axes.blank(window, zone, height)
    line, band = found.line, found.usual.band
    if line is None:
        return figure
    tops = [line.avg, *([band.high[np.isfinite(band.high)]] if band else [])]
    peak = max(float(np.nanmax(top, initial=0.0)) for top in tops)
    wide = axes.is_wide([line.avg], peak, line.unit) and (band is None or bool(np.nanmin(band.low) > 0))
    scale = axes.scale_for(line.avg if wide else np.concatenate(tops), line.unit)
    canvas = Canvas(figure, axes.clock_of(figure, zone), scale, found.answer.read_s)
    if band is not None:
        draw_usual(canvas, line, band)
    draw_line(canvas, line, line.avg, Pen(line.label, axes.COLOURS[0]))
    draw_outside(canvas, line, found.outside)
    draw_changes(canvas, found.changes, line.unit, window)
    axes.value_axis(figure, scale, logarithmic=wide)
    axes.hover_title(figure, line.step_s)
    figure.update_layout(showlegend=False)
    return figure


def draw_usual(canvas: Canvas, line: Series, band: Band) -> None:
    """What is usual of `line`: a grey band with its middle, told on hover. To be drawn before the line."""
    known = np.isfinite(band.middle)
    usual = line.of([column[known] for column in (band.t, band.middle, band.low, band.high, np.ones(len(band.t)))])
    draw_band(canvas, usual, usual.low, usual.high, NOBODY, BAND_OPACITY)
    draw_line(canvas, usual, usual.avg, Pen("usual", NOBODY, 0.9, "dot", named=False), spread=True)


def draw_outside(canvas: Canvas, line: Series, outside: Sequence[Excursion]) -> None:
    """The stretches far outside, drawn over the line, with a mark at the farthest moment of each."""
    if not outside:
        return
    inside = np.zeros(len(line.t), bool)
    for stretch in outside:
        inside |= (line.t >= stretch.start_s) & (line.t < stretch.end_s)
    t, values = with_gaps(line.t, np.where(inside, line.avg, np.nan), step_s=line.step_s)
    divisor = canvas.scale.divisor
    canvas.figure.add_scatter(
        **axes.times(t, canvas.clock),
        y=axes.narrow(values / divisor),
        mode="lines",
        line={"color": OUTSIDE, "width": 2.2},
        hoverinfo="skip",
        showlegend=False,
        connectgaps=False,
    )
    canvas.figure.add_scatter(
        x=axes.local_ms(_column(outside, "peak_s"), canvas.clock),
        y=axes.narrow(_column(outside, "value") / divisor),
        mode="markers",
        marker={"symbol": "diamond", "size": 8, "color": OUTSIDE},
        text=[sentence(stretch, line.unit, canvas) for stretch in outside],
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
        cliponaxis=False,
    )


def sentence(stretch: Excursion, unit: str, canvas: Canvas) -> str:
    """``◆ outside from 14:31:00 for 12 min: 120 ms at its farthest, usual 41 ms, at most 55 ms``."""
    began = datetime.fromtimestamp(stretch.start_s, UTC).astimezone(canvas.clock)
    lasted = humanize_duration(float(round(stretch.end_s - stretch.start_s)))
    edge = "at most" if stretch.value > stretch.usual else "at least"
    value, usual, limit = (humanize(each, unit) for each in (stretch.value, stretch.usual, stretch.edge))
    return f"◆ outside from {began:%d %b %H:%M:%S} for {lasted}: {value} at its farthest, usual {usual}, {edge} {limit}"


def draw_changes(canvas: Canvas, changes: Sequence[ChangePoint], unit: str, window: Window) -> None:
    """A thin line at each change of level; the surest say from which level to which, where there is room."""
    named: list[ChangePoint] = []
    room_s = window.length_s * ROOM_PX / axes.width_px(1)
    for change in sorted(changes, key=lambda each: -each.standard_errors):
        if len(named) < MOST_WORDS and all(abs(change.at_s - other.at_s) > room_s for other in named):
            named.append(change)
    for change in changes:
        words = f"{humanize(change.before, unit)} → {humanize(change.after, unit)}" if change in named else ""
        marks.moment(canvas, change.at_s, words)


def _draw(window: Window, zone: ZoneInfo, key: SeriesKey, height: int, found: Course) -> None:
    plot_answer(figure_of(found, window, zone, height), f"chart:usual:{key.id}", found.answer, below(found))


def _between(low: float, high: float, unit: str) -> str:
    words = [humanize(each, unit) for each in (low, high)]
    return words[0] if words[0] == words[1] else f"{words[0]} – {words[1]}"


def _column(outside: Sequence[Excursion], name: str) -> Floats:
    return np.array([getattr(stretch, name) for stretch in outside], dtype=np.float64)
