"""The report: what a page showed, as one file that needs nothing else: live charts, and the data with them."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import plotly.graph_objects as go
from jinja2 import Environment, FileSystemLoader, Template
from plotly.offline import get_plotlyjs

from history.answers import Change, Event
from history.tables import csv_bytes
from monitor import VERSION
from ui.axes import HEIGHT
from ui.shown import Drawing, Part, Shown
from ui.takeaway import Numbers, fixed, numbers

MOST_ROWS = 200
"""Rows of a table that are shown; its file has them all."""
_MARKUP = re.compile(r":material/\w+: ?|\*\*|:\w+\[([^\]]*)\]")
"""What Streamlit makes icons, bold words and colours of."""
NOT_READ = "Not known: the history had not answered yet when this was made."
NONE = "None in this range."


@dataclass(frozen=True, slots=True)
class Around:
    """What a report says beside the panels.

    Attributes:
        app: the title people gave Tapewatch.
        link: the address that shows the same.
        verdict: how everything is as the report is made, in a sentence.
        demo: what of the data is simulated; empty: nothing.
        changes, events: of the range; None: not known.
    """

    app: str
    link: str
    verdict: str
    demo: str
    changes: Sequence[Change] | None
    events: Sequence[Event] | None


def report(drawing: Drawing, around: Around) -> bytes:
    """The HTML of a report in UTF-8."""
    window, zone = drawing.window, drawing.zone
    page = _template().render(
        title=drawing.title,
        range=fixed(window, zone),
        start=_moment(window.start_s, zone),
        end=_moment(window.end_s, zone),
        zone=zone.key,
        made=_moment(datetime.now(UTC).timestamp(), zone),
        version=VERSION,
        app=around.app,
        link=around.link,
        verdict=around.verdict,
        demo=around.demo,
        panels=[_panel(*each) for each in zip(drawing.panels, numbers(drawing), strict=True)],
        happened=[_changes(around.changes, zone), _events(around.events, zone)],
        plotly=get_plotlyjs(),
    )
    return page.encode()


def _panel(shown: Shown, given: Numbers) -> dict[str, Any]:
    parts = [_part(part) for part in shown.parts]
    if not parts:
        parts = [_table(table.slice(0, MOST_ROWS).to_pandas()) for table in given.tables.values()]
    files = [
        {"name": f"{name}.csv", "rows": table.num_rows, "content": base64.b64encode(csv_bytes(table)).decode()}
        for name, table in given.tables.items()
    ]
    nothing = given.note if shown.value is None else shown.panel.nothing
    return {"title": shown.title, "parts": parts, "files": files, "note": "" if parts else nothing}


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, go.Figure):
        text = str(part.to_json()).replace("<", "\\u003c")  # so that no text ends the script it stands in
        return {"figure": text, "height": part.layout.height or HEIGHT}
    if isinstance(part, pd.DataFrame):
        return _table(part.head(MOST_ROWS))
    return {"text": _MARKUP.sub(r"\1", part)}


def _table(frame: pd.DataFrame) -> dict[str, Any]:
    rows = [["" if pd.isna(cell) else str(cell) for cell in row] for row in frame.itertuples(index=False)]
    return {"columns": [str(column) for column in frame.columns], "rows": rows}


def _changes(changes: Sequence[Change] | None, zone: ZoneInfo) -> dict[str, Any]:
    rows = [[_moment(one.at_s, zone), one.component, one.before, one.after, one.reason] for one in changes or ()]
    columns = ["When", "Component", "From", "To", "What it said"]
    text = NOT_READ if changes is None else NONE
    return {"title": "Status changes", "columns": columns, "rows": rows[:MOST_ROWS], "text": text}


def _events(events: Sequence[Event] | None, zone: ZoneInfo) -> dict[str, Any]:
    rows = [
        [
            _moment(one.at_s, zone),
            "" if one.till_s is None else _moment(one.till_s, zone),
            one.kind,
            one.component or "everything",
            one.text,
            one.author,
        ]
        for one in events or ()
    ]
    columns = ["When", "Till", "Kind", "Component", "What", "By"]
    text = NOT_READ if events is None else NONE
    return {"title": "Events and annotations", "columns": columns, "rows": rows[:MOST_ROWS], "text": text}


def _moment(epoch_s: float, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(epoch_s, UTC).astimezone(zone):%a %d %b %Y %H:%M:%S}"


@cache
def _template() -> Template:
    folder = Path(__file__).parent
    found = Environment(loader=FileSystemLoader(folder), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return found.get_template("report.html")
