"""The frame every page has: title, freshness, range, demo banner, and its one live part."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from history.recorder import RecorderState
from history.window import Window
from monitor import Monitor
from probes.result import Status
from ui import cursor, keys, kiosk, order, pulse, rangecontrol, share, shown, timerange
from ui.forgetting import forget_gone
from ui.state import running
from ui.status import LOOKS, age

SLOW_REFRESH_S = 5.0


@dataclass(frozen=True, slots=True)
class Page:
    """What a page script works with.

    Attributes:
        charted: its charts follow the range: then the head is part of what is drawn anew, so that a range taken
            from a chart costs one drawing, not two.
        beside: draws what stands beside the range; whether it stands instead of it.
    """

    monitor: Monitor
    title: str
    question: str
    charted: bool
    beside: Callable[[], bool] | None = None

    @property
    def window(self) -> Window:
        """The URL's range as of now: a relative one moves with every drawing of the live part."""
        return timerange.window()

    @property
    def zone(self) -> ZoneInfo:
        """The clock the page goes by: the URL's, else the desk's."""
        return timerange.zone()

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)


def begin(title: str, question: str, *, charted: bool = False, beside: Callable[[], bool] | None = None) -> Page:
    """Begin a page and return what the rest of it needs.

    Args:
        question: what this page answers, in a line under the title.
        charted: it has charts of the range.
        beside: draws what stands beside the range; whether it stands instead of it.
    """
    page = Page(running().monitor, title, question, charted, beside)
    if not charted:
        head(page)
    return page


def head(page: Page) -> None:
    """Title, range and the question the page answers."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(page.title, anchor=False, width="stretch")
        if page.beside is None or not page.beside():
            rangecontrol.control()
        share.control(page)
    rangecontrol.complain()
    st.caption(page.question)


def live(
    page: Page,
    body: Callable[[], Any],
    every_s: float | None = None,
    later: Callable[[], Any] | None = None,
    still: Callable[[], Any] | None = None,
) -> None:
    """Draw `body` and draw it again as results come in; a page has exactly one such part.

    Args:
        every_s: None: as often as the number of viewers allows (`refresh_s`).
        later: what stands below it and can wait: drawn from the second drawing on.
        still: what stands above it, below the banner, and is drawn with the page alone: a field somebody writes in.
    """
    pace_s = refresh_s(_viewers()) if every_s is None else every_s
    first, ranged = True, timerange.generation()
    if still:
        st.fragment(_said_first, run_every=pace_s)()
        still()

    @st.fragment(run_every=pace_s)
    def part() -> None:
        nonlocal first, ranged
        _look_back(again=not first)
        before, ranged = ranged, timerange.generation()
        order.begin(charts_first=page.charted and ranged != before)
        order.place(partial(_above, page, banner_too=not still))
        shown.begin(page.title, page.window, page.zone)
        body()
        order.rest()
        if later and not first:
            later()
        _listen(page, pace_s, first=first)
        first = False

    part()
    if page.charted:
        cursor.shared()


def _look_back(*, again: bool) -> None:
    """What is owed to the drawings before; again: there was one on this page."""
    forget_gone()
    _viewers()
    if again:
        timerange.hold()


def _above(page: Page, *, banner_too: bool) -> None:
    if page.charted:
        head(page)
    if banner_too:
        _said_first()


def _viewers() -> int:
    """How many look at Tapewatch, whoever asks among them."""
    context = get_script_run_ctx()
    return running().viewers(context.session_id if context else "")


def _listen(page: Page, pace_s: float, *, first: bool) -> None:
    """What the browser loads for these comes after the Overview's own content."""
    if page.charted or not first:
        pulse.beat(page.zone, pace_s)
        keys.listen(charted=page.charted)


def _said_first() -> None:
    monitor = running().monitor
    kiosk.draw(monitor)
    banner(monitor)


def refresh_s(viewers: int) -> float:
    """Seconds between two drawings: quick for a few viewers, 5 s for fifty, so that drawing never eats a core.

    >>> [refresh_s(n) for n in (1, 8, 20, 50, 500)]
    [0.75, 0.8, 2.0, 5.0, 5.0]
    """
    return min(SLOW_REFRESH_S, max(0.75, viewers * 0.1))


def banner(monitor: Monitor) -> None:
    """What must be said on every page before anything else: demo data, a history that is away, a lone board."""
    demo = monitor.demo
    if demo is not None:
        words = "Demo data: stack, tape and past are simulated; host and network figures are this machine's."
        st.info(f"{words} {demo.text}".strip(), icon=":material/science:" if demo.ready else ":material/hourglass_top:")
    state, waiting = monitor.store.state, monitor.recorder.state()
    if not state.ready and state.error is not None:
        words = f"No history: {state.error.message} {state.error.hint} {backlog(waiting, monitor.settings.app.zone)}"
        st.warning(words.strip(), icon=":material/history_toggle_off:")
    elif waiting.quarantined and waiting.refusal:
        st.warning(waiting.refusal, icon=":material/block:")
    if waiting.spool_error:
        st.warning(waiting.spool_error, icon=":material/sd_card_alert:")
    mirror = monitor.mirror.state
    if mirror.mode == "alone":
        st.warning(f"This board is this process's alone: {mirror.error}", icon=":material/cloud_off:")
    if not monitor.turning and (demo is None or demo.ready):
        st.error("The monitor's loop has stopped: what you see is growing old. Restart Tapewatch; the log says why.")


def backlog(waiting: RecorderState, zone: ZoneInfo) -> str:
    """What waits for the history and since when, and what of it had to go; empty when that is nothing."""
    sentences = []
    if waiting.waiting_since is not None:
        since = waiting.waiting_since.astimezone(zone)
        sentences.append(f"{waiting.waiting:,} samples since {since:%H:%M:%S} on {since:%d %b} wait to be written.")
    if waiting.thinned:
        sentences.append(f"{waiting.thinned:,} of the oldest were merged with their neighbours to make room.")
    if waiting.dropped:
        sentences.append(f"{waiting.dropped:,} of the oldest had to go.")
    return " ".join(sentences)


def tab_title(monitor: Monitor) -> str:
    """The browser tab: ``■ 2 · Tapewatch`` when two components need somebody."""
    verdict = monitor.verdict()
    need = verdict.counts[Status.CRITICAL] + verdict.counts[Status.WARNING]
    title = monitor.settings.app.title
    return f"{LOOKS[verdict.status].mark} {need} · {title}" if need else f"{LOOKS[verdict.status].mark} {title}"


def freshness(monitor: Monitor) -> str:
    """``live, oldest value 3 s ago`` for the head of a live part."""
    oldest_s = monitor.verdict().oldest_age_s
    return "waiting for the first results" if oldest_s is None else f"live · oldest value {age(oldest_s)}"


def clock(epoch_s: float) -> str:
    """A moment by the page's clock."""
    return f"{datetime.fromtimestamp(epoch_s, UTC).astimezone(timerange.zone()):%H:%M:%S}"
