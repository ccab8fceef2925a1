"""What else moved? The series that left their own past in the page's range, in sentences and small charts."""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import streamlit as st

from history import queries
from history.answers import Change, Mover
from history.window import Window
from probes import METRICS
from probes.catalogue import humanize, humanize_duration, sentence_case
from ui import charts, shown
from ui.frame import Page
from ui.panels import Panel, Question, plot, show
from ui.questions import fresh_s
from ui.words import part_of

TITLE = "What else moved?"
LONGEST_S = 2 * 86400
"""In a longer range everything has moved at some time."""
SHOWN, PICTURE_HEIGHT = 9, 120
TIMES = 3.0
"""From so many times the usual value on, the factor says more than the figures."""
RELATED_S = 120.0
CHANGES_FRESH_S = 30.0


def draw(page: Page) -> None:
    """The answer for the page's range; where that is too long, how to come to one."""
    if page.window.length_s > LONGEST_S:
        st.caption(f"{TITLE} Drag over up to two days of a chart: every series is then held against its own past.")
        return
    panel = Panel(
        f"{TITLE} – every series against its own past",
        Question(queries.movers, (page.window,), max(30.0, fresh_s(page))),
        lambda found: _draw(page, found),
        nothing="No series left what it usually does.",
        height=PICTURE_HEIGHT,
        told=told,
        beside=(_changes(page),),
    )
    show(page.monitor.reader, [panel])


def told(found: Sequence[Mover]) -> str:
    """``What else moved? – the first 9 of 12 series, farthest from their own past first``."""
    return f"{TITLE} – {part_of(SHOWN, len(found)) or f'{len(found)} series'}, farthest from their own past first"


def _changes(page: Page) -> Question[tuple[Change, ...]]:
    return Question(queries.changes, (page.window,), CHANGES_FRESH_S)


def sentence(mover: Mover, changes: Sequence[Change], zone: ZoneInfo) -> str:
    """``lag of ticks, kafka: 40 × its usual 1.2 k, began 14:31:10, 20 s after kafka became critical``."""
    unit, key = mover.row.unit, mover.row.key
    title = METRICS[key.metric].title if key.metric in METRICS else key.metric
    which = " ".join(value for _, value in key.labels)
    factor = mover.value / mover.usual if mover.usual > 0 else 0.0
    if factor >= TIMES:
        what = f"{factor:.3g} × its usual {humanize(mover.usual, unit)}"
    elif mover.low == mover.high:
        what = f"{humanize(mover.value, unit)} instead of {humanize(mover.usual, unit)}"
    else:
        band = f"{humanize(mover.low, unit)} – {humanize(mover.high, unit)}"
        what = f"{humanize(mover.value, unit)} instead of the usual {band}"
    began = datetime.fromtimestamp(mover.began_s, UTC).astimezone(zone)
    before = after(mover.began_s, changes)
    subject = f"**{key.component}** {title}{f' {which}' if which else ''}"
    return f"{sentence_case(subject)}: {what}, began {began:%H:%M:%S}{f', {before}' if before else ''}"


def after(at_s: float, changes: Sequence[Change]) -> str:
    """The status change a moment follows closely, in words; empty without one."""
    near = [change for change in changes if 0 <= at_s - change.at_s <= RELATED_S]
    if not near:
        return ""
    change = max(near, key=lambda change: (change.after.rank, change.at_s))
    gap_s = float(int(at_s - change.at_s))
    return f"{humanize_duration(gap_s)} after {change.component} became {change.after}"


def _draw(page: Page, found: Sequence[Mover]) -> None:
    window, zone = page.window, page.zone
    known = _changes(page)
    changes = page.monitor.reader.answer(known.ask, known.fresh_s, *known.args).value or ()
    wide = Window(window.start_s - window.length_s, window.end_s)
    with st.grid(3, min_column_width=260, gap="small"):
        for number, mover in enumerate(found[:SHOWN]):
            with st.container(gap=None):
                st.markdown(f":small[{shown.keep(sentence(mover, changes, zone))}]")
                if mover.line is not None:
                    figure = charts.time_series([mover.line], wide, zone, height=PICTURE_HEIGHT)
                    plot(figure, f"chart:moved:{number}:{mover.row.key.id}")
