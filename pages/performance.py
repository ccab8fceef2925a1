"""Performance: who is slow, how slow at the worst, and did it fail while it was?"""

import streamlit as st

from analysis.performance import throughput_metric
from history import queries
from probes.cache import ComponentView
from probes.catalogue import humanize_duration
from ui import before_after, comparison, frame, moved, performance, trends
from ui.panels import Panel, Question, show
from ui.questions import fresh_s, known_components, metric_panel

page = frame.begin(
    "Performance", "Which component is slow, how slow at the worst, and did it fail while it was?", charted=True
)
names = known_components(page.monitor)


def latency_s(view: ComponentView) -> float:
    return (view.result.latency_ms or 0.0) / 1000 if view.result else 0.0


def slowest() -> list[ComponentView]:
    return sorted(page.monitor.views(), key=latency_s, reverse=True)


def choose() -> performance.Chosen | None:
    """Component and comparison, both in the URL: the link's, else the last one here, else the slowest."""
    if not names:
        return None
    wanted = st.query_params.get("component")
    last = st.session_state.get("performance")
    first = next(name for name in (wanted, last, slowest()[0].name) if name in names)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        # Not bound: other pages hand over a component by this name, which need not be one there is.
        chosen = st.selectbox("Component", names, index=names.index(first), width=260)
        comparison.control()
        before_after.control(page, chosen)
    before_after.complain(page.zone)
    st.session_state["performance"] = chosen
    if chosen != wanted:
        st.query_params["component"] = chosen
    return performance.Chosen(chosen, page.monitor.board.runners[chosen].kind, comparison.chosen())


def draw() -> None:
    chosen = choose()
    if chosen is None:
        st.info("Nothing is configured yet: name your systems in tapewatch.toml.", icon=":material/settings:")
        return
    listed = " · ".join(f"{v.name} {humanize_duration(latency_s(v))}" for v in slowest()[:5] if latency_s(v))
    st.markdown(f"**Slowest now** {listed or ':gray[no component answers with a latency]'}")
    fresh, window = fresh_s(page), page.window
    show(page.monitor.reader, before_after.panels(page, chosen.component, throughput_metric(chosen.kind)))
    show(page.monitor.reader, performance.panels(page, chosen))
    show(
        page.monitor.reader,
        [
            metric_panel(page, "probe_latency_seconds", names, title="Latency of every component"),
            Panel(
                "Latency percentiles over the range, slowest first",
                Question(queries.summaries, (window, ("probe_latency_seconds",), names), max(15.0, fresh)),
                trends.draw_percentiles,
                height=220,
            ),
        ],
        columns=2,
    )
    moved.draw(page)


frame.live(page, draw, every_s=10.0)
