"""Services: every component in a table, and who depends on whom."""

import streamlit as st

from probes.cache import worst_first
from ui import cards, diagram, frame

page = frame.begin(
    "Services", "Every component: its state, since when, how fast, what it depends on and what explains it."
)


def services() -> None:
    views = page.monitor.views()
    if not views:
        st.info("Nothing is configured yet: name your systems in tapewatch.toml.", icon=":material/settings:")
        return
    words = st.text_input(
        "Filter", placeholder="Filter by name, kind or status", key="filter", label_visibility="collapsed"
    )
    table = cards.services_frame(worst_first(views), page.now, page.zone)
    if words:
        table = table[table.apply(lambda row: words.lower() in " ".join(map(str, row)).lower(), axis=1)]
    if table.empty:
        st.caption(f'No component matches "{words[:40]}".')
    else:
        st.dataframe(table, hide_index=True, key="services", alt="All components with their status")
    st.markdown("**Dependencies** :gray[an arrow points at what a component needs]")
    scheme = "dark" if st.context.theme.type == "dark" else "light"
    st.graphviz_chart(diagram.dependencies(views, scheme), width="content")


frame.live(page, services, every_s=2.0)
