"""Health trends: how healthy was it, when, and how much of that did anybody see?"""

import streamlit as st

from analysis.uptime import uptime_report
from history import queries
from history.trends import timeline
from ui import axes, frame, moved, trends
from ui.panels import Panel, Question, show
from ui.questions import fresh_s, known_components, metric_panel

page = frame.begin(
    "Health trends", "How healthy was each component over the range, and how much of it was observed?", charted=True
)


def health_trends() -> None:
    names = known_components(page.monitor)
    window, fresh = page.window, fresh_s(page)
    show(
        page.monitor.reader,
        [
            Panel(
                "When was what in trouble?",
                Question(timeline, (window, names), fresh),
                lambda answer: trends.draw_timeline(answer, page),
                empty=lambda answer: not answer.spans,
                height=60 + 26 * len(names),
                told=trends.told_timeline,
            ),
            Panel(
                "Uptime, and how much of the range was observed",
                Question(timeline, (window, names), fresh),
                lambda answer: trends.draw_uptime(uptime_report(answer.spans, answer.observed, window)),
                empty=lambda answer: not answer.spans,
                height=180,
                told=lambda answer: trends.told_uptime(uptime_report(answer.spans, answer.observed, window)),
            ),
        ],
    )
    show(
        page.monitor.reader,
        [
            metric_panel(page, "probe_latency_seconds", names, title="Latency of each component"),
            Panel(
                "Status changes",
                Question(queries.changes, (window, names), fresh),
                lambda changes: trends.draw_changes(changes, page),
                nothing="Nothing changed its status in this range.",
                height=axes.HEIGHT,
            ),
        ],
        columns=2,
    )
    moved.draw(page)
    st.caption("Hatched means that nobody looked: neither up nor down is claimed for it.")


frame.live(page, health_trends, every_s=10.0)
