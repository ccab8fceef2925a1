"""A cell for a notebook: Python that draws a page's charts anew, from the API."""

import json
from string import Template

from history import queries
from history.answers import SeriesSet
from history.window import Window, shown
from ui.shown import Drawing, Shown

CELL = Template('''\
# $title: $start to $end. Needs pandas and plotly.
import io
import time
import urllib.error
import urllib.parse
import urllib.request

import pandas as pd
import plotly.graph_objects as go

API = $api
CHARTS = $charts


def points(query, attempts=20):
    """The points of one chart: a row each, with average, minimum and maximum of its bucket."""
    url = f"{API}/query/?{urllib.parse.urlencode(query, doseq=True)}"
    while True:
        try:
            with urllib.request.urlopen(url) as answer:
                return pd.read_csv(io.BytesIO(answer.read()), parse_dates=["time"])
        except urllib.error.HTTPError as refusal:
            attempts -= 1
            if refusal.code != 503 or not attempts:  # 503: the history is still reading
                raise RuntimeError(refusal.read().decode()) from None
            time.sleep(0.5)


def draw(title, query):
    """Average and percentiles as lines, minimum to maximum as a band."""
    figure = go.Figure(layout={"title": title, "hovermode": "x unified"})
    for names, line in points(query).groupby(["component", "metric", "labels"]):
        name = " ".join(part for part in names if part != "{}")
        figure.add_scatter(x=line["time"], y=line["max"], line_width=0, hoverinfo="skip", showlegend=False)
        figure.add_scatter(
            x=line["time"], y=line["min"], line_width=0, fill="tonexty", hoverinfo="skip", showlegend=False
        )
        for column in ("avg", "p50", "p95", "p99"):
            if column in line:
                figure.add_scatter(x=line["time"], y=line[column], name=f"{name} {column}")
        figure.update_yaxes(title=line["unit"].iloc[0])
    return figure


figures = [draw(title, query) for title, query in CHARTS]
for figure in figures:
    figure.show()
''')


def cell(drawing: Drawing, base_url: str) -> str:
    """The cell for what a drawing showed; empty when none of it are series.

    Args:
        base_url: where the app is, without a slash at its end.
    """
    asked = [(each.panel.title, query_of(each, drawing.window)) for each in drawing.panels]
    charts = [(title, query) for title, query in asked if query is not None]
    if not charts:
        return ""
    listed = "".join(f"    ({_text(title)}, {json.dumps(query)}),\n" for title, query in charts)
    return CELL.substitute(
        title=" ".join(drawing.title.split()),
        start=shown(drawing.window.start_s),
        end=shown(drawing.window.end_s),
        api=_text(f"{base_url}/api"),
        charts=f"[\n{listed}]",
    )


def query_of(each: Shown, window: Window) -> dict[str, object] | None:
    """The parameters of ``/api/query/`` that answer a panel's question; None where its answer are no stored series."""
    value, question = each.value, each.panel.question
    span: dict[str, object] = {"from": window.start_s, "to": window.end_s}
    if isinstance(value, SeriesSet):
        stored = {(row.key.component, row.key.metric, row.key.labels) for row in value.rows}
        if not value.series or any((line.component, line.metric, line.labels) not in stored for line in value.series):
            return None
        metrics, components = ({getattr(line, name) for line in value.series} for name in ("metric", "component"))
        span["step"] = f"{value.step_s}s"
        percentiles = any(line.p95 is not None for line in value.series)
    elif question.ask is queries.series:
        metrics, components = question.args[1], (*question.args[2:3], ())[0]
        percentiles = bool(question.args[3:4] and question.args[3])
    else:
        return None
    found = {**span, "metric": sorted(metrics), "component": sorted(components), "format": "csv"}
    return {**found, "percentiles": "true"} if percentiles else found


def _text(value: str) -> str:
    """A string as Python has it."""
    return json.dumps(value, ensure_ascii=False)
