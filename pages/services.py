"""Services: every component in a table, and who depends on whom; now or as it was."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import streamlit as st

from history.queries import Past
from probes.cache import ComponentView, worst_first
from ui import cards, causetree, diagram, frame, moment, past

page = frame.begin(
    "Services",
    "Every component: its state, since when, how fast, what it depends on and what explains it.",
    beside=moment.switch,
)


def services() -> None:
    views = page.monitor.views()
    if views:
        board(page.now, views)
    else:
        st.info("Nothing is configured yet: name your systems in tapewatch.toml.", icon=":material/settings:")


def board(now: datetime, views: Sequence[ComponentView], found: Past | None = None) -> None:
    """Every component at one moment; `found`: what the history knows of it, None for the present."""
    words = st.text_input(
        "Filter", placeholder="Filter by name, kind or status", key="filter", label_visibility="collapsed"
    )
    listed = worst_first(views)
    table = past.services_frame(listed, found, page.zone) if found else cards.services_frame(listed, now, page.zone)
    if words:
        table = table[table.apply(lambda row: words.lower() in " ".join(map(str, row)).lower(), axis=1)]
    if table.empty:
        st.caption(f'No component matches "{words[:40]}".')
    else:
        st.dataframe(table, hide_index=True, key="services", alt="All components with their status")
    if tree := causetree.whole(views):
        st.markdown(f"**What explains what** :gray[each below its cause]\n\n{tree}")
    st.markdown("**Dependencies** :gray[an arrow points at what a component needs]")
    scheme = "dark" if st.context.theme.type == "dark" else "light"
    st.graphviz_chart(diagram.dependencies(views, scheme), width="content")


moment.complain(page)
if moment.moment(page) is None:
    frame.live(page, services, every_s=2.0)
else:
    frame.live(page, partial(past.draw, page, board), every_s=past.PACE_S)
