"""What Explore shows of the chosen series: a chart for each unit, notes on those that are not there, figures."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from analysis.exploring import Made, Row, figures, made
from analysis.functions import AS_RECORDED, INDEX, smooth_s
from history.answers import Newest
from history.queries import exploring
from history.reader import WAIT_S
from history.rows import SeriesKey
from probes import METRICS
from probes.catalogue import Metric, humanize, humanize_duration
from ui import charts, shown
from ui.finder import FRESH_S
from ui.frame import Page
from ui.naming import name_of, title_of, told_apart
from ui.panels import Panel, Question, plot_answer, show
from ui.questions import events_of, events_question, fresh_s, nothing
from ui.selection import Selection
from ui.usual import usual_panel
from ui.words import left_out, told

UNITS = {
    "seconds": "Durations",
    "bytes": "Sizes",
    "bytes/s": "Bytes per second",
    "ratio": "Shares",
    "count": "Counts",
    "count/s": "Counts per second",
    "messages": "Messages",
    "messages/s": "Messages per second",
    "celsius": "Temperatures",
    "bool": "Yes or no",
    INDEX: "Index",
}
"""What a chart of several metrics is called, by their unit."""
HEIGHT, HEIGHT_OF_MANY, TABLE_HEIGHT = 280, 220, 70
STOPPED_S = 900
"""Who was not seen for a quarter of an hour is said to have stopped."""
NOTHING = "Nothing of these series was recorded in this range."


def draw(page: Page, chosen: Selection) -> None:
    """Charts of the chosen series, a unit each; above them notes on those that are not there, below them figures."""
    known = page.monitor.reader.ask(exploring.described, FRESH_S, 0.0, chosen.keys)
    notes = st.container(gap="xsmall")
    if chosen.usual and chosen.is_plain:
        (key,) = chosen.keys
        show(page.monitor.reader, [usual_panel(page, key, title=f"{key.component} · {name_of(key)}", height=HEIGHT)])
    else:
        show(page.monitor.reader, chart_panels(page, chosen, known.value or ()))
    known = page.monitor.reader.ask(exploring.described, FRESH_S, WAIT_S, chosen.keys)
    if known.value is not None:
        with notes:
            for sentence in absent(chosen.keys, known.value, page.now, page.zone):
                st.caption(f":material/info: {sentence}")
    show(page.monitor.reader, [figures_panel(page, chosen)])


def chart_panels(page: Page, chosen: Selection, known: Sequence[Newest]) -> list[Panel[Made]]:
    """A panel for each unit among the chosen series."""
    units: dict[str, list[SeriesKey]] = {}
    there = {newest.row.key for newest in known} or chosen.keys
    for key in chosen.keys:
        if key in there:
            units.setdefault(unit_of(key.metric, known), []).append(key)
    height = HEIGHT if len(units) == 1 else HEIGHT_OF_MANY
    return [
        Panel(
            title(keys, unit),
            Question(made, (page.window, tuple(keys), chosen.function.name, chosen.grouping), fresh_s(page)),
            partial(_draw_chart, page, chosen, keys, height),
            empty=lambda answer: not answer.answer.series and not answer.refused,
            nothing=nothing(page, NOTHING),
            height=height,
            told=partial(_told, page, chosen, keys),
            beside=(events_question(page.window),),
        )
        for unit, keys in units.items()
    ]


def figures_panel(page: Page, chosen: Selection) -> Panel[tuple[Row, ...]]:
    """Figures of the whole range: of every sample where series are drawn as recorded, else of what is drawn."""
    recorded = chosen.grouping is None and chosen.function.name == AS_RECORDED
    return Panel(
        "The whole range in figures" if recorded else "What is drawn, in figures",
        Question(
            figures,
            (page.window, chosen.keys, chosen.function.name, chosen.grouping),
            max(15.0, fresh_s(page)),
        ),
        _draw_figures,
        nothing=nothing(page, NOTHING),
        height=TABLE_HEIGHT,
    )


def unit_of(metric: str, known: Sequence[Newest]) -> str:
    """The unit a metric is read in, from its series or else the catalogue; a name of its own where neither tells."""
    units = {newest.row.key.metric: (newest.row.unit, newest.row.kind) for newest in known}
    if metric in METRICS:
        units.setdefault(metric, (METRICS[metric].unit, METRICS[metric].type))
    unit, kind = units.get(metric, (metric, ""))
    return f"{unit}/s" if kind == "counter" else unit


def absent(keys: Sequence[SeriesKey], known: Sequence[Newest], now: datetime, zone: ZoneInfo) -> list[str]:
    """A sentence for each chosen series that the history does not know, or that is no longer recorded."""
    newest = {one.row.key: one.at_s for one in known}
    said = []
    for key in keys:
        name, at_s = f"{key.component} · {name_of(key)}", newest.get(key)
        if at_s is None:
            said.append(f"{name} is not in the history: search for a part of its name.")
        elif now.timestamp() - at_s > STOPPED_S:
            last = datetime.fromtimestamp(at_s, UTC).astimezone(zone)
            said.append(f"{name} has stopped: its last sample is of {last:%d %b %Y %H:%M:%S}.")
    return said


def title(keys: Sequence[SeriesKey], unit: str) -> str:
    """What a chart of some series is called: the one, or their metric, or their unit."""
    if len(keys) == 1:
        return f"{keys[0].component} · {name_of(keys[0])}"
    metrics = {key.metric for key in keys}
    return title_of(keys[0].metric) if len(metrics) == 1 else UNITS.get(unit, unit or "Values")


def _told(page: Page, chosen: Selection, keys: Sequence[SeriesKey], answer: Made) -> str:
    lines = answer.answer.series
    if not lines:
        return title(keys, "")
    drawn = [SeriesKey(line.component, line.metric, line.labels) for line in lines]
    name = title_of(drawn[0].metric) if chosen.grouping and len(drawn) == 1 else title(drawn, lines[0].unit)
    if chosen.function.name == "smooth":
        name += f", moving average of {humanize_duration(float(smooth_s(page.window.length_s)))}"
    elif chosen.function.name != AS_RECORDED:
        name += f", {chosen.function.title[:1].lower()}{chosen.function.title[1:]}"
    metric = METRICS.get(drawn[0].metric) or Metric(name=drawn[0].metric, unit="count", title=name, help="")
    return told(name, metric, told_apart(lines), page.zone, min(page.window.end_s, answer.answer.read_s))


def _draw_chart(page: Page, chosen: Selection, keys: Sequence[SeriesKey], height: int, answer: Made) -> None:
    lines = told_apart(answer.answer.series)
    if lines:
        figure = charts.time_series(
            lines,
            page.window,
            page.zone,
            events=events_of(page, tuple({key.component for key in keys})),
            height=height,
            legend=len(keys) > 1 or chosen.grouping is not None,
            read_s=answer.answer.read_s,
        )
        made_of = f"of {len(answer.answer.rows)} series" if chosen.grouping and not answer.answer.truncated else ""
        narrow = "group them by less, or choose fewer"
        plot_answer(
            figure,
            f"chart:explore:{keys[0].metric}",
            answer.answer,
            left_out(lines, charts.MAX_LINES, narrow) or made_of,
        )
    for sentence in answer.refused:
        st.caption(shown.keep(f":material/info: {sentence}"))


def _draw_figures(rows: Sequence[Row]) -> None:
    """Minimum, percentiles, maximum and last value of each line."""
    table = [
        {
            "Series": name_of(SeriesKey(row.figures.component, row.figures.metric, row.figures.labels)),
            "Component": row.figures.component or "several",
            "Min": humanize(row.figures.low, row.figures.unit),
            "p50": humanize(row.figures.p50, row.figures.unit),
            "p95": humanize(row.figures.p95, row.figures.unit),
            "p99": humanize(row.figures.p99, row.figures.unit),
            "Max": humanize(row.figures.high, row.figures.unit),
            "Last": "—" if row.last is None else humanize(row.last, row.figures.unit),
            "Samples": row.figures.count,
        }
        for row in rows
    ]
    right = st.column_config.TextColumn(alignment="right")
    st.dataframe(
        shown.keep(pd.DataFrame(table)),
        hide_index=True,
        key="figures",
        column_config={"Series": st.column_config.TextColumn(width="medium")}
        | dict.fromkeys(("Min", "p50", "p95", "p99", "Max", "Last"), right),
        alt="Figures of each series over the range",
    )
