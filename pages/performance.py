"""Performance: who is slow, how slow at the worst, and did it fail while it was?"""

import streamlit as st

import probes
from history import queries
from probes.cache import ComponentView
from probes.catalogue import humanize_duration
from ui import frame, trends
from ui.panels import Panel, Question, show
from ui.questions import fresh_s, known_components, metric_panel

page = frame.begin("Performance", "Which component is slow, how slow at the worst, and did it fail while it was?")


def latency_s(view: ComponentView) -> float:
    return (view.result.latency_ms or 0.0) / 1000 if view.result else 0.0


def key_metric(name: str) -> str:
    return page.monitor.board.runners[name].kind.key_metric


def key_title(name: str) -> str:
    return probes.METRICS[key_metric(name)].title


def choose(names: tuple[str, ...]) -> str:
    """Which component: the link's, else the slowest at the first visit."""
    slowest = sorted(page.monitor.views(), key=latency_s, reverse=True)
    listed = " · ".join(f"{v.name} {humanize_duration(latency_s(v))}" for v in slowest[:5] if latency_s(v))
    st.markdown(f"**Slowest now** {listed or ':gray[no component answers with a latency]'}")
    wanted = st.query_params.get("component")
    st.session_state.setdefault("performance", wanted if wanted in names else slowest[0].name)
    return st.selectbox("Component", names, key="performance")


def performance() -> None:
    names = known_components(page.monitor)
    if not names:
        st.info("Nothing is configured yet: name your systems in tapewatch.toml.", icon=":material/settings:")
        return
    chosen = choose(names)
    fresh, window = fresh_s(page), page.window
    show(
        page.monitor.reader,
        [
            Panel(
                f"Latency of {chosen}: average, p95, maximum",
                Question(queries.series, (window, ("probe_latency_seconds",), (chosen,), True), fresh),
                lambda answer: trends.draw_fan(answer, page),
                empty=lambda answer: not answer.series,
                nothing=f"No latency of {chosen} was recorded in this range.",
            ),
            metric_panel(page, key_metric(chosen), (chosen,), title=f"Work of {chosen}: {key_title(chosen)}"),
            metric_panel(page, "probe_up", (chosen,), title=f"Availability of {chosen}"),
            metric_panel(page, "probe_latency_seconds", names, title="Latency of every component"),
        ],
        columns=2,
    )
    show(
        page.monitor.reader,
        [
            Panel(
                "Latency percentiles over the range, slowest first",
                Question(queries.summaries, (window, ("probe_latency_seconds",), names), max(15.0, fresh)),
                trends.draw_percentiles,
                height=120,
            ),
        ],
    )


frame.live(performance, every_s=10.0)
