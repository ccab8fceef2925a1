"""What an empty Explore offers: saved views, and living series to begin with."""

from collections.abc import Sequence
from urllib.parse import parse_qsl

import streamlit as st

from history import queries
from history.answers import Newest, View
from history.queries import exploring
from probes.catalogue import humanize
from ui import selection, share
from ui.frame import Page
from ui.naming import title_of
from ui.panels import Panel, Question, show
from ui.words import verbatim

MOST, MOST_VIEWS = 6, 12
LATENCY = "probe_latency_seconds"
FRESH_S, HEIGHT = 30.0, 130
VALUES_SHOWN = 3


def draw(page: Page) -> None:
    """Saved views, if any were saved, and a few metrics that have living series, as buttons."""
    views = page.monitor.notes.views(page.monitor.reader.ask(queries.saved_views, FRESH_S, 0.0).value or ())
    if views:
        _draw_views(views)
    if not page.monitor.board.names():
        st.info("Nothing is configured yet: name your systems in tapewatch.toml.", icon=":material/settings:")
    preferred = (LATENCY, *dict.fromkeys(view.kind.key_metric for view in page.monitor.views()))
    panel = Panel(
        "Where to begin",
        Question(exploring.beginnings, (preferred, MOST, selection.MOST), FRESH_S),
        _draw_beginnings,
        nothing="No series was recorded in the last hour: whatever is older is found by the search above.",
        height=HEIGHT,
    )
    show(page.monitor.reader, [panel])


def _draw_views(views: Sequence[View]) -> None:
    st.markdown("**Saved views**")
    with st.container(horizontal=True, gap="small"):
        for view in views[:MOST_VIEWS]:
            script = share.PAGES / f"{view.page or share.FIRST}.py"
            if script.exists():
                st.page_link(
                    f"pages/{script.name}",
                    label=verbatim(view.name),
                    icon=":material/bookmark:",
                    help=verbatim(view.note) or None,
                    query_params=parse_qsl(view.query),
                )
    if len(views) > MOST_VIEWS:
        st.caption(f"{len(views) - MOST_VIEWS} more behind Share")


def _draw_beginnings(found: Sequence[Sequence[Newest]]) -> None:
    with st.grid(3, min_column_width=260, gap="small"):
        for series in found:
            keys = [newest.row.key for newest in series]
            with st.container(border=True, gap=None):
                st.button(
                    f"{title_of(keys[0].metric)} – {len(keys)} series" if len(keys) > 1 else title_of(keys[0].metric),
                    key=f"begin:{keys[0].metric}",
                    icon=":material/show_chart:",
                    type="tertiary",
                    on_click=selection.choose,
                    args=(keys,),
                )
                st.caption(lately(series))


def lately(series: Sequence[Newest]) -> str:
    """``kafka 1.2 ms · redis 0.3 ms · 3 more``: the last values of some series of one metric."""
    one_component = len({newest.row.key.component for newest in series}) == 1
    named = []
    for newest in series[:VALUES_SHOWN]:
        labels = " ".join(value for _, value in newest.row.key.labels) if one_component else ""
        named.append(f"{labels or newest.row.key.component} {humanize(newest.value, newest.row.unit)}")
    more = [f"{len(series) - VALUES_SHOWN} more"] if len(series) > VALUES_SHOWN else []
    return " · ".join([*named, *more])
