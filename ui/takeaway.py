"""Files of what a page showed: every panel's answer as a table, CSV or Parquet, in one archive."""

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa

from history.tables import WRITERS, tables_of
from history.window import Window
from history.window import shown as iso
from monitor import VERSION
from ui.shown import Drawing
from ui.timerange import describe

UNKNOWN = "Its answer was not known when this was made: open the page again and wait until it is drawn."
EMPTY = "It had nothing to show."
NO_PANELS = "This page shows no charts or tables of the history; what it shows live is in the API: /api/status/."


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a panel was drawn from.

    Attributes:
        tables: by what their files are called, without an ending.
        note: why there are none, in a sentence; empty where there are.
    """

    tables: Mapping[str, pa.Table]
    note: str = ""


def numbers(drawing: Drawing) -> list[Numbers]:
    """The numbers of each panel; those that several panels were drawn from are given once, with the first."""
    found: list[Numbers] = []
    answered: dict[int, int] = {}
    for number, shown in enumerate(drawing.panels, 1):
        first = answered.setdefault(id(shown.value), number)
        tables = {} if first < number else tables_of(shown.value)
        stem = f"{number:02}-{slug(shown.panel.title)}"
        note = UNKNOWN if shown.value is None else f"Its numbers are those of {first}." if first < number else EMPTY
        named = {f"{stem}-{slug(name)}": table for name, table in tables.items()}
        found.append(Numbers(named, "" if named else note))
    return found


def archive(drawing: Drawing, kind: str, link: str) -> bytes:
    """A zip of one file per table of every panel, and ``about.txt``, which says what is in it and what is not.

    Args:
        kind: ``csv`` or ``parquet``.
        link: the address that shows the same.
    """
    out, lines = io.BytesIO(), [about(drawing), link, ""]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as files:
        for number, (shown, given) in enumerate(zip(drawing.panels, numbers(drawing), strict=True), 1):
            lines.append(f"{number}. {shown.title}")
            lines += [f"   {name}.{kind}" for name in given.tables] or [f"   {given.note}"]
            for name, table in given.tables.items():
                files.writestr(f"{name}.{kind}", WRITERS[kind](table))
        if not drawing.panels:
            lines.append(NO_PANELS)
        files.writestr("about.txt", "\n".join([*lines, ""]))
    return out.getvalue()


def about(drawing: Drawing) -> str:
    """What was shown, over which range, when this was made and by what."""
    window, zone = drawing.window, drawing.zone
    made = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f"{drawing.title}, {fixed(window, zone)} ({zone.key}): {iso(window.start_s)} until before {iso(window.end_s)}. "
        f"Made {made} by Tapewatch {VERSION}. Times in the files are UTC."
    )


def name_of(title: str, window: Window, ending: str) -> str:
    """What a file of a page is called: by its title and the end of its range.

    >>> name_of("Health trends", Window(1795500900, 1795508100), "csv.zip")
    'tapewatch-health-trends-20261124T0815Z.csv.zip'
    """
    return f"tapewatch-{slug(title)}-{datetime.fromtimestamp(window.end_s, UTC):%Y%m%dT%H%MZ}.{ending}"


def fixed(window: Window, zone: ZoneInfo) -> str:
    """A range in words that stay true: both ends, whatever it was called."""
    return describe(replace(window, words=None), zone)


def slug(text: str) -> str:
    """`text` as a part of a file's name.

    >>> slug("How slow is host:web1? – p95 …")
    'how-slow-is-host-web1-p95'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "panel"
