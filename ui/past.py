"""The time machine: the Overview and Services as they stood at a past moment, unmistakably not the present."""

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from analysis.past import views_at, watched
from history import queries
from history.queries import Past
from history.queries.past import REACH_S
from history.reader import WAIT_S, Answer, wait_for
from history.trends import timeline
from history.window import Window
from probes.cache import ComponentView
from probes.catalogue import humanize_duration
from probes.result import utc
from ui import cards, scrubber
from ui.frame import Page
from ui.moment import ICON, in_words, moment
from ui.panels import PATIENCE_S
from ui.status import LOOKS, age

FRESH_S = 60.0
PACE_S = 30.0
"""A past page is drawn anew only so that it fills when the history opens late, and so that "ago" stays true."""
DAY_S = 86400
AROUND_CHARTS_S = 30 * 60
MARK = ":violet-badge[:material/history: PAST]"
SKELETON_PX = 360

Draw = Callable[[datetime, Sequence[ComponentView], Past], Any]
"""Draws the board of a moment."""


def draw(page: Page, body: Draw) -> None:
    """The page as it stood: what moment that is, the ways to other moments, and `body` once the facts are known."""
    at_s = moment(page)
    if at_s is None:  # the browser's way back led to the present, which the whole page is drawn for next
        return
    _tab_and_tint(page, at_s)
    window = scrubber.window_around(page.window, at_s, page.zone, time.time())
    moment_asked, around_asked = scrubber.question(page.monitor, at_s), (scrubber.FRESH_S, window)
    reader = page.monitor.reader
    late = [
        reader.submit(queries.as_it_was, *moment_asked),
        reader.submit(timeline, *around_asked),
        reader.submit(queries.changes, FRESH_S, day_before(at_s)),
        reader.submit(queries.events, FRESH_S, day_before(at_s)),
    ]
    _banner(page, at_s)
    answered = _wait(late, WAIT_S)
    found = reader.answer(queries.as_it_was, *moment_asked).value
    scrubber.controls(page, at_s, window, found, reader.answer(timeline, *around_asked).value)
    strip, board = st.container(), st.empty()
    if not answered:
        if found is None:
            board.skeleton(height=SKELETON_PX)
        _wait(late, PATIENCE_S)
    with strip:
        scrubber.strip(page, at_s, window, reader.answer(timeline, *around_asked))
    with board.container():
        _board(page, reader.answer(queries.as_it_was, *moment_asked), body)
    st.caption(f":material/history: End of the page as it stood on {in_words(at_s, page.zone)}: not the present.")


def _wait(futures: Sequence[Future[Any] | None], wait_s: float) -> bool:
    """Whether all of them ended within `wait_s` together."""
    give_up_s = time.monotonic() + wait_s
    return all(wait_for(future, max(0.0, give_up_s - time.monotonic())) for future in futures if future is not None)


def _board(page: Page, answer: Answer[Past], body: Draw) -> None:
    found = answer.value
    if found is None:
        why = f"{answer.error.message} {answer.error.hint}" if answer.error else "the history is still reading."
        st.info(f"This moment cannot be shown now: {why} This fills by itself.", icon=ICON)
    elif not found.recorded:
        scrubber.nothing_on_record(page, found)
    else:
        if (found.looked_s, found.looks_s) != (None, None):
            scrubber.nobody_looked(page, found)
        body(utc(found.at_s), views_at(found, watched(page.monitor.settings)), found)


def _banner(page: Page, at_s: int) -> None:
    ago = humanize_duration(float(int(time.time()) - at_s))
    st.warning(
        f"**This is the past**: the stack as it stood on **{in_words(at_s, page.zone)}**, {ago} ago. "
        "What depends on what, and the limits, are those of today's configuration.",
        icon=":material/history:",
    )


def _tab_and_tint(page: Page, at_s: int) -> None:
    local = utc(at_s).astimezone(page.zone)
    st.set_page_config(page_title=f"⏪ {local:%d %b %H:%M} · {page.monitor.settings.app.title}")
    _tint(key="past")


_tint = st.components.v2.component("past", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"))


def day_before(at_s: int) -> Window:
    """The 24 h before the moment, its own second included."""
    return Window(at_s + 1 - DAY_S, at_s + 1)


def card(view: ComponentView, found: Past, zone: ZoneInfo) -> None:
    """A component's card as it stood, marked as past, with what came next."""
    average = f" · {humanize_duration(float(found.width_s))} average" if found.width_s > 1 else ""
    cards.card(view, utc(found.at_s), zone, mark=MARK, remark=average, aged=partial(_seen_and_after, found, zone))


def services_frame(views: Sequence[ComponentView], found: Past, zone: ZoneInfo) -> pd.DataFrame:
    """The Services table as it stood, with what came next."""
    frame = cards.services_frame(views, utc(found.at_s), zone, seen)
    frame.insert(list(frame.columns).index("Since") + 1, "Next", [after(found, view.name, zone) for view in views])
    return frame


def seen(view: ComponentView) -> str:
    """How old the knowledge of a component was: ``seen 3 s before``."""
    if view.age_s is None:
        return "never seen"
    return "seen then" if view.age_s < 1 else f"seen {age(view.age_s).removesuffix(' ago')} before"


def _seen_and_after(found: Past, zone: ZoneInfo, view: ComponentView) -> str:
    following = after(found, view.name, zone)
    lasting = f"for more than {humanize_duration(REACH_S)}" if view.age_s is not None and view.since is None else ""
    return " · ".join(filter(None, (lasting, seen(view), f"next {following}" if following else "")))


def after(found: Past, component: str, zone: ZoneInfo) -> str:
    """The component's next status and when it began; empty while it has none."""
    fact = next((recorded for recorded in found.recorded if recorded.component == component), None)
    if fact is None or fact.next_s is None or fact.next_status is None:
        return ""
    local, then = utc(fact.next_s).astimezone(zone), utc(found.at_s).astimezone(zone)
    look = LOOKS[fact.next_status]
    return f"{look.mark} {look.word} at {local:{'%H:%M:%S' if local.date() == then.date() else '%d %b %H:%M:%S'}}"


def charts(found: Past, view: ComponentView) -> None:
    """A link to the charts of a component around the moment."""
    st.page_link(
        cards.KIND_PAGES.get(view.kind.name, "pages/performance.py"),
        label="Charts of that time",
        icon=":material/show_chart:",
        query_params={
            "component": view.name,
            "from": str(found.at_s - AROUND_CHARTS_S),
            "to": str(min(found.at_s + AROUND_CHARTS_S, math.ceil(time.time()))),
        },
    )
