"""Overview: is the stack healthy now, what is broken, since when, what depends on it, what changed."""

import streamlit as st

from history import queries
from history.answers import Change, Event
from history.window import Window
from probes.cache import worst_first
from probes.catalogue import humanize_duration
from probes.result import Status
from ui import cards, frame
from ui.questions import known_events
from ui.status import badge, coloured, view_badge

TITLE = "**What changed** :gray[24 h]"
CHANGES = 7
MANY = 24
"""From this many components on, healthy ones are a line each instead of a card."""

page = frame.begin("Overview", "Is the stack healthy now, and if not: what broke, since when, what depends on it?")
monitor, zone = page.monitor, page.zone


def overview() -> None:
    now, views = page.now, monitor.views()
    verdict = monitor.verdict(views)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader(f"{coloured(verdict.status, '')} {verdict.sentence}", anchor=False)
        st.caption(frame.freshness(monitor), width="content")
    if not views:
        st.info(
            "Copy tapewatch.example.toml to tapewatch.toml, name your systems in it and start again.",
            icon=":material/settings:",
        )
        return
    root_causes, changed = st.columns([2, 1])
    with root_causes:
        if any(view.status.rank > Status.OK.rank and not view.pending for view in verdict.roots):
            st.markdown("**Root causes**")
            for view in [view for view in verdict.roots if not view.pending][:6]:
                cards.root_cause(view, now, monitor)
            for view in verdict.explained:
                st.markdown(
                    f"{view_badge(view)} {view.name} :gray[put down to {', '.join(view.caused_by)}:] {view.sentence}"
                )
        else:
            st.markdown("**Nothing needs you.** :gray[Every component that has answered is within its limits.]")
    with changed:
        what_changed()
    healthy = [view for view in views if view.status in {Status.OK, Status.OFF}]
    carded = worst_first(views) if len(views) <= MANY else [view for view in worst_first(views) if view not in healthy]
    with st.grid(4, min_column_width=210, gap="small"):
        for view in carded:
            cards.card(view, now, zone)
    if len(views) > MANY:
        with st.expander(f"{len(healthy)} healthy"):
            for view in healthy:
                st.markdown(f"{badge(view.status)} {view.name} :gray[{view.sentence}]")


def what_changed() -> None:
    """The last day's status changes, newest first; at once from what is known."""
    answer = monitor.reader.ask(queries.changes, 15.0, 0.0, _last_day())
    if answer.value is None:
        why = f"Not known: {answer.error.message}" if answer.error else "Reading the history…"
        st.markdown(f"{TITLE}  \n:gray[{why}]")
        return
    events = known_events(page, _last_day())
    moments: list[Change | Event] = sorted([*answer.value, *events], key=lambda moment: -moment.at_s)
    if not moments:
        st.markdown(f"{TITLE}  \n:gray[Nothing changed its status in the last 24 h.]")
        return
    st.markdown("  \n".join([TITLE, *map(in_words, moments[:CHANGES])]))
    if len(moments) > CHANGES:
        st.page_link(
            "pages/trends.py",
            label=f"{len(moments) - CHANGES} more on Health trends",
            query_params={"from": "now-24h", "to": "now"},
        )


def in_words(moment: Change | Event) -> str:
    """One change or event in a line."""
    if isinstance(moment, Change):
        what = f"{coloured(moment.before)} → {coloured(moment.after)}"
    else:
        what = f"{moment.kind}: {moment.text}"
    ago = humanize_duration(float(int(page.now.timestamp() - moment.at_s)))
    return f":gray[{frame.clock(monitor, moment.at_s)}] **{moment.component}** {what} :gray[{ago} ago]"


def _last_day() -> Window:
    end_s = int(page.now.timestamp())
    return Window(end_s - 86400, end_s, words=("now-24h", "now"))


frame.live(page, overview)
