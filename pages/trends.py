"""Health trends: how healthy was it, when, and how much of that did anybody see?"""

import streamlit as st

from analysis.shares import Health, health
from history import queries
from history.answers import Change
from ui import axes, comparison, components, daybars, frame, moved, shares, trends
from ui.panels import Panel, Question, plot, show
from ui.questions import fresh_s, known_components, metric_panel, nothing

page = frame.begin(
    "Health trends", "How healthy was each component over the range, and how much of it was observed?", charted=True
)
UNRECORDED = "No component was looked at in this range."


def health_trends() -> None:
    configured = known_components(page.monitor)
    if not configured:
        st.info("Nothing is configured yet: name your systems in tapewatch.toml.", icon=":material/settings:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = components.control(configured)
        comparison.control()
    components.complain(configured)
    asked = Question(health, (page.window, names), fresh_s(page))
    show(page.monitor.reader, [in_trouble(asked, len(names))])
    latency = metric_panel(page, "probe_latency_seconds", names, title="Latency of each component")
    show(page.monitor.reader, [status_shares(asked), latency], columns=2)
    show(page.monitor.reader, [uptime(asked), daybars.panel(page, names), changes(names)])
    moved.draw(page)
    st.caption("Thicker is worse. Hatched means that nobody looked: neither up nor down is claimed for it.")


def in_trouble(asked: Question[Health], rows: int) -> Panel[Health]:
    return Panel(
        "When was what in trouble?",
        asked,
        lambda answer: trends.draw_timeline(answer.timeline, page),
        empty=is_unrecorded,
        nothing=nothing(page, UNRECORDED),
        height=60 + 26 * rows,
        told=lambda answer: trends.told_timeline(answer.timeline),
    )


def status_shares(asked: Question[Health]) -> Panel[Health]:
    window, zone = page.window, page.zone
    return Panel(
        "How much of all time was which status?",
        asked,
        lambda answer: plot(shares.figure(answer.mix, window, zone), "chart:shares"),
        empty=is_unrecorded,
        nothing=nothing(page, UNRECORDED),
        told=lambda answer: shares.told(answer.mix, zone),
    )


def uptime(asked: Question[Health]) -> Panel[Health]:
    return Panel(
        "Uptime, and how much of the range was observed",
        asked,
        lambda answer: trends.draw_uptime(answer.uptimes),
        empty=is_unrecorded,
        nothing=nothing(page, UNRECORDED),
        height=180,
        told=lambda answer: trends.told_uptime(answer.uptimes),
    )


def changes(names: tuple[str, ...]) -> Panel[tuple[Change, ...]]:
    return Panel(
        "Status changes",
        Question(queries.changes, (page.window, names), fresh_s(page)),
        lambda found: trends.draw_changes(found, page),
        nothing=nothing(page, "Nothing changed its status in this range."),
        height=axes.HEIGHT,
    )


def is_unrecorded(answer: Health) -> bool:
    return not answer.timeline.spans


frame.live(page, health_trends, every_s=10.0)
