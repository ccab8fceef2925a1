"""Day bars: a component's last ninety days, one bar a day, as one small picture of some hundred bytes."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache

import streamlit as st

from analysis.days import DAYS, Day, Days, daily, last_days
from probes.catalogue import humanize_duration
from probes.result import Status
from ui import shown
from ui.frame import Page
from ui.panels import Panel, Question
from ui.questions import so_far
from ui.status import LOOKS
from ui.timeline import NOBODY
from ui.trends import uptime_words

BAR, GAP, HEIGHT = 4, 1, 26
SHARES = {Status.CRITICAL: 1.0, Status.WARNING: 0.8, Status.OK: 0.6}
"""How high the bar of a status is: what is worse is higher, for those who do not tell the colours."""
FRESH_S = 300.0
TOLD = 6
"""So many days in trouble are told by name."""


def question(page: Page) -> Question[dict[str, Days]]:
    """What the days of all components are asked with; the same for every page of a desk."""
    zone = page.monitor.settings.app.zone  # the desk's: a reader elsewhere sees the desk's days
    window = last_days(page.now.timestamp(), zone)
    return Question(daily, (window, page.monitor.board.names()), FRESH_S)


def known(page: Page) -> Mapping[str, Days]:
    """The days of all components as far as they are known; never waits."""
    return so_far(page, question(page)) or {}


def panel(page: Page, components: Sequence[str]) -> Panel[dict[str, Days]]:
    """The day bars of some components, with what each was up and how much of that was observed."""
    return Panel(
        f"How was each of the last {DAYS} days?",
        question(page),
        lambda found: _draw(found, components),
        empty=lambda found: not any(name in found for name in components),
        nothing=f"Nothing was recorded in the last {DAYS} days.",
        height=46 * -(-len(components) // 2),
        told=lambda found: told([found[name] for name in components if name in found]),
    )


def told(found: Sequence[Days]) -> str:
    """``How was each of the last 90 days? – 3 with something critical, 12 partly or not observed``."""
    by_day: dict[date, list[Day]] = {}
    for each in found:
        for day in each.days:
            by_day.setdefault(day.day, []).append(day)
    bad = sum(any(day.worst is Status.CRITICAL for day in days) for days in by_day.values())
    unseen = sum(any(day.partly or day.worst is None for day in days) for days in by_day.values())
    return (
        f"How was each of the last {DAYS} days? – {bad or 'none'} with something critical, {unseen} not fully observed"
    )


def row(component: str, found: Days) -> str:
    """Markdown: a component's name, uptime and coverage, and its days below."""
    return f"**{component}** :gray[{uptime_words(found.uptime)}]  \n{picture(component, found.days)}"


def _draw(found: Mapping[str, Days], components: Sequence[str]) -> None:
    with st.container(gap="small"):
        with st.grid(2, min_column_width=300, gap="small"):
            for name in components:
                if name in found:
                    st.markdown(row(name, found[name]))
                    shown.keep(f"{name}: {uptime_words(found[name].uptime)}; {in_words(found[name].days)}")
        st.caption(
            "Higher is worse: red critical, amber warning, green ok. Hatched: nobody looked; grey below: in part."
        )


@lru_cache(maxsize=512)
def picture(component: str, days: tuple[Day, ...]) -> str:
    """Markdown of the bars, oldest first; what is in them is told on hover and to those who do not see them."""
    width = len(days) * (BAR + GAP) - GAP
    paths = [_bars(days, status, SHARES[status], LOOKS[status].hexadecimal) for status in reversed(SHARES)]
    paths.append(_bars(days, None, SHARES[Status.OK], "url(#n)"))
    partly = [place for place, day in enumerate(days) if day.partly]
    paths.append(_path(partly, HEIGHT, 3, NOBODY))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT + 3}" width="{width}" '
        f'height="{HEIGHT + 3}"><pattern id="n" width="3" height="3" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><path d="M0 0v3" stroke="{NOBODY}" stroke-width="2"/></pattern>'
        f"{''.join(paths)}</svg>"
    )
    words = f"{component}: {in_words(days)}"
    return f'![{words}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()} "{words}")'


def in_words(days: Sequence[Day]) -> str:
    """What the bars show: ``90 days, 2 with something critical: 12 Nov 41 min down, …; 3 days not observed``."""
    down = sorted((day for day in days if day.down_s), key=lambda day: -day.down_s)
    warned = sum(day.worst is Status.WARNING for day in days)
    unseen, partly = sum(day.worst is None for day in days), sum(day.partly for day in days)
    named = ", ".join(f"{day.day:%d %b} {humanize_duration(float(round(day.down_s)))} down" for day in down[:TOLD])
    more = f" and {len(down) - TOLD} more" if len(down) > TOLD else ""
    parts = [
        f"{len(days)} days",
        f"{len(down)} with something critical ({named}{more})" if down else "none with anything critical",
        f"{warned} with a warning" if warned else "",
        f"{unseen} not observed" if unseen else "",
        f"{partly} observed in part" if partly else "",
    ]
    return ", ".join(filter(None, parts))


def _bars(days: Sequence[Day], status: Status | None, share: float, colour: str) -> str:
    height = round(HEIGHT * share)
    places = [place for place, day in enumerate(days) if day.worst is status]
    return _path(places, HEIGHT - height, height, colour)


def _path(places: Iterable[int], top: float, height: float, colour: str) -> str:
    """Bars at some places as one dashed line, a piece for each run of neighbours."""
    pieces: list[list[int]] = []
    for place in places:
        if pieces and place == pieces[-1][1] + 1:
            pieces[-1][1] = place
        else:
            pieces.append([place, place])
    if not pieces:
        return ""
    step, middle = BAR + GAP, top + height / 2
    lines = "".join(f"M{first * step} {middle:g}h{(last - first) * step + BAR}" for first, last in pieces)
    return f'<path d="{lines}" stroke="{colour}" stroke-width="{height:g}" stroke-dasharray="{BAR} {GAP}"/>'
