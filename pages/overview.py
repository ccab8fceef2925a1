"""Overview: is the stack healthy, what is broken, since when, what depends on it, what changed; now or as it was."""

import math
from collections.abc import Sequence
from datetime import datetime
from functools import partial

import streamlit as st

from history import queries
from history.answers import Change, Event
from history.queries import Past
from history.window import Window
from probes.cache import ComponentView, worst_first
from probes.catalogue import humanize_duration
from probes.result import Status
from probes.verdict import Verdict, judge_all
from ui import cards, daybars, frame, moment, past
from ui.questions import known_events
from ui.status import badge, coloured
from ui.words import as_written, verbatim

CHANGES = 7
ROOTS = 6
MANY = 24
"""From this many components on, healthy ones are a line each instead of a card."""

page = frame.begin(
    "Overview",
    "Is the stack healthy, and if not: what broke, since when, what depends on it?",
    beside=moment.switch,
)
monitor = page.monitor


def overview() -> None:
    views = monitor.views()
    if views:
        board(page.now, views)
    else:
        st.subheader(as_written(judge_all(views).sentence), anchor=False)
        st.info(
            "Copy tapewatch.example.toml to tapewatch.toml, name your systems in it and start again.",
            icon=":material/settings:",
        )


def board(now: datetime, views: Sequence[ComponentView], found: Past | None = None) -> None:
    """The whole stack at one moment; `found`: what the history knows of it, None for the present."""
    verdict = judge_all(views)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader(f"{coloured(verdict.status, '')} {as_written(verdict.sentence)}", anchor=False)
        if found:
            st.markdown(past.MARK, width="content")
        else:
            st.caption(frame.freshness(monitor), width="content")
    root_causes, changed = st.columns([2, 1])
    with root_causes:
        what_broke(verdict, views, now, found)
    with changed:
        what_changed(now, found)
    healthy = [view for view in views if view.status in {Status.OK, Status.OFF}]
    carded = worst_first(views) if len(views) <= MANY else [view for view in worst_first(views) if view not in healthy]
    with st.grid(4, min_column_width=210, gap="small"):
        for view in carded:
            past.card(view, found, page.zone) if found else cards.card(view, now, page.zone)
    if len(views) > MANY:
        with st.expander(f"{len(healthy)} healthy"):
            for view in healthy:
                st.markdown(f"{badge(view.status)} {view.name} :gray[{as_written(view.sentence)}]")


def what_broke(verdict: Verdict, views: Sequence[ComponentView], now: datetime, found: Past | None) -> None:
    """The components in trouble that nothing else explains, below each what follows from it."""
    roots = [view for view in verdict.roots if not view.pending]
    if found:  # that nobody looked then is nothing to mend now; the cards say it
        roots = [view for view in roots if view.status.rank > Status.UNKNOWN.rank]
    if not roots:
        quiet = "Nothing is known to have been wrong." if found else "Nothing needs you."
        st.markdown(f"**{quiet}** :gray[Every component that {'' if found else 'has '}answered is within its limits.]")
        return
    st.markdown("**Root causes**")
    act = partial(past.charts, found) if found else partial(cards.look_into, monitor=monitor)
    for view in roots[:ROOTS]:
        cards.root_cause(view, views, now, page.zone, act)
    if len(roots) > ROOTS:
        st.page_link("pages/services.py", label=f"{len(roots) - ROOTS} more on Services")


def what_changed(now: datetime, found: Past | None) -> None:
    """The status changes and events of a day, newest first; at once from what is known."""
    window, direction = (past.day_before(found.at_s), "before") if found else (_last_day(now), "ago")
    title = f"**What changed** :gray[{'24 h before' if found else '24 h'}]"
    answer = monitor.reader.ask(queries.changes, 15.0, 0.0, window)
    if answer.value is None:
        why = f"Not known: {answer.error.message}" if answer.error else "Reading the history…"
        st.markdown(f"{title}  \n:gray[{why}]")
        return
    happened: list[Change | Event] = sorted(
        [*answer.value, *known_events(page, window)], key=lambda change: -change.at_s
    )
    if not happened:
        st.markdown(f"{title}  \n:gray[Nothing changed its status in these 24 h.]")
        return
    st.markdown("  \n".join([title, *(in_words(change, now, direction) for change in happened[:CHANGES])]))
    if len(happened) > CHANGES:
        start, end = window.words or (str(window.start_s), str(window.end_s))
        st.page_link(
            "pages/trends.py",
            label=f"{len(happened) - CHANGES} more on Health trends",
            query_params={"from": start, "to": end},
        )


def day_bars() -> None:
    """Each component's last ninety days, a bar a day; read when they are asked for."""
    days = st.expander("The last 90 days, day by day", icon=":material/calendar_month:", key="days", on_change="rerun")
    if not days.open:
        return
    known = daybars.known(page)
    rows = [daybars.row(name, found) for name, found in known.items()]
    days.markdown("\n\n".join(rows) if rows else ":gray[Reading the history…]")


def in_words(change: Change | Event, now: datetime, direction: str) -> str:
    """One change or event in a line; its time leads to the stack as it was then."""
    if isinstance(change, Change):
        what = f"{coloured(change.before)} → {coloured(change.after)}"
    else:
        what = f"{change.kind}: {verbatim(change.text)}"
    distance = humanize_duration(float(int(now.timestamp() - change.at_s)))
    then = f"[{frame.clock(change.at_s)}]({moment.link(math.ceil(change.at_s))})"
    return f"{then} **{change.component}** {what} :gray[{distance} {direction}]"


def _last_day(now: datetime) -> Window:
    end_s = int(now.timestamp())
    return Window(end_s - 86400, end_s, words=("now-24h", "now"))


moment.complain(page)
if moment.moment(page) is None:
    frame.live(page, overview, later=day_bars)
else:
    frame.live(page, partial(past.draw, page, board), every_s=past.PACE_S)
