"""Health trends: how healthy was it, when, and how much of that did anybody see?"""

import streamlit as st

from analysis.shares import health
from history import queries
from ui import axes, comparison, components, daybars, frame, moved, shares, trends
from ui.panels import Panel, Question, plot, show
from ui.questions import fresh_s, known_components, metric_panel, nothing

page = frame.begin(
    "Health trends", "How healthy was each component over the range, and how much of it was observed?", charted=True
)


def health_trends() -> None:
    configured = known_components(page.monitor)
    if not configured:
        st.info("Nothing is configured yet: name your systems in tapewatch.toml.", icon=":material/settings:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = components.control(configured)
        comparison.control()
    components.complain(configured)
    window, zone, fresh = page.window, page.zone, fresh_s(page)
    unrecorded = nothing(page, "No component was looked at in this range.")
    asked = Question(health, (window, names), fresh)
    show(
        page.monitor.reader,
        [
            Panel(
                "When was what in trouble?",
                asked,
                lambda answer: trends.draw_timeline(answer.timeline, page),
                empty=lambda answer: not answer.timeline.spans,
                nothing=unrecorded,
                height=60 + 26 * len(names),
                told=lambda answer: trends.told_timeline(answer.timeline),
            )
        ],
    )
    show(
        page.monitor.reader,
        [
            Panel(
                "How much of all time was which status?",
                asked,
                lambda answer: plot(shares.figure(answer.mix, window, zone), "chart:shares"),
                empty=lambda answer: not answer.timeline.spans,
                nothing=unrecorded,
                told=lambda answer: shares.told(answer.mix, zone),
            ),
            metric_panel(page, "probe_latency_seconds", names, title="Latency of each component"),
        ],
        columns=2,
    )
    show(
        page.monitor.reader,
        [
            Panel(
                "Uptime, and how much of the range was observed",
                asked,
                lambda answer: trends.draw_uptime(answer.uptimes),
                empty=lambda answer: not answer.timeline.spans,
                nothing=unrecorded,
                height=180,
                told=lambda answer: trends.told_uptime(answer.uptimes),
            ),
            daybars.panel(page, names),
            Panel(
                "Status changes",
                Question(queries.changes, (window, names), fresh),
                lambda changes: trends.draw_changes(changes, page),
                nothing=nothing(page, "Nothing changed its status in this range."),
                height=axes.HEIGHT,
            ),
        ],
    )
    moved.draw(page)
    st.caption("Thicker is worse. Hatched means that nobody looked: neither up nor down is claimed for it.")


frame.live(page, health_trends, every_s=10.0)
