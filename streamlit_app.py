"""Tapewatch in one file, two roles.

Imported (by uvicorn or ``streamlit run``) it is the ASGI app: Streamlit, the API at ``/api`` and the
monitor's start and stop. Run as a script, on every page view, it is the router.
"""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

ICON = str(Path(__file__).with_name("ui") / "icon.svg")  # a named icon would be fetched from outside
SECTIONS = {
    "Live": [
        ("overview", "Overview", ":material/monitor_heart:"),
        ("services", "Services", ":material/account_tree:"),
        ("system", "System", ":material/memory:"),
        ("redis", "Redis", ":material/bolt:"),
        ("clickhouse", "ClickHouse", ":material/database:"),
        ("kafka", "Kafka", ":material/conversion_path:"),
        ("network", "Network", ":material/lan:"),
    ],
    "History": [
        ("trends", "Health trends", ":material/timeline:"),
        ("performance", "Performance", ":material/speed:"),
    ],
    "Explore": [
        ("explore", "Explore", ":material/query_stats:"),
        ("compare", "Compare", ":material/compare_arrows:"),
        ("sql", "SQL", ":material/code:"),
    ],
    "Trading": [("tape", "Tape", ":material/candlestick_chart:")],
    "Operate": [("debug", "Debug", ":material/bug_report:")],
}
"""The one list of pages: script in `pages/`, title, icon; the first is what opens."""


def main() -> None:
    """Route one page view."""
    from ui import frame, kiosk, share, timerange
    from ui.state import monitor

    st.set_page_config(page_title=frame.tab_title(monitor()), page_icon=ICON, layout="wide")
    titles = {script: title for pages in SECTIONS.values() for script, title, _ in pages}
    wall = kiosk.begin(titles)
    if not wall:
        st.logo(":material/monitoring:", size="large")
    page = st.navigation(
        {
            section: [
                st.Page(f"pages/{script}.py", title=title, icon=icon, url_path=script, default=script == "overview")
                for script, title, icon in pages
            ]
            for section, pages in SECTIONS.items()
        },
        position="hidden" if wall else "sidebar",
    )
    kiosk.at(page.url_path)
    share.here(page.url_path)
    timerange.restore()
    page.run()


def routes() -> "list[BaseRoute]":
    """What is served beside the pages; also the once-in-a-process preparations."""
    import pandas  # noqa: F401  # heavy imports come before the freeze in `lifespan`
    import plotly.graph_objects  # noqa: F401
    from starlette.responses import RedirectResponse
    from starlette.routing import Mount, Route
    from streamlit.runtime.pages_manager import PagesManager

    import api.app
    import api.exposition
    from ui.state import monitor, running

    # Scripts in a folder named pages/ wake Streamlit's old page discovery: until st.navigation has run once,
    # a deep link would run its page without this router. A browser test opens a deep link first.
    PagesManager.uses_pages_directory = False
    running()  # a configuration that cannot be used ends the process here, before the port is served
    return [
        Mount("/api", api.app.create(monitor)),
        api.exposition.route(monitor),  # /metrics, where Prometheus looks by default
        # Streamlit serves the default page at / only; its name is what people type.
        Route("/overview", lambda request: RedirectResponse(request.url.replace(path="/"))),
    ]


@asynccontextmanager
async def lifespan(_: "st.App") -> AsyncIterator[dict[str, Any]]:
    """Start and stop everything long-lived with the server."""
    from ui.state import running

    running().start()
    # Streamlit collects garbage after every run; without the freeze it would walk all modules each time.
    gc.collect()
    gc.freeze()
    try:
        yield {}
    finally:
        running().stop()


if __name__ == "__main__":
    main()
else:
    app = st.App(__file__, routes=routes(), lifespan=lifespan)  # `streamlit run` looks for this very line
