"""Tape: is it flowing, hop by hop?"""

import streamlit as st

import probes
from probes.catalogue import sentence_case
from probes.result import Status
from ui import cards, comparison, frame
from ui.panels import show
from ui.questions import metric_panel
from ui.status import badge

HOPS = {
    "kafka": ("kafka_messages_per_second", "kafka_group_lag_seconds"),
    "clickhouse": ("clickhouse_insert_rows_per_second",),
    "redis": ("redis_commands_per_second",),
}
"""The kinds the tape flows through, in its order, and the metrics that show it flowing."""

page = frame.begin("Tape", "Is the tape flowing: IQFeed → Kafka → ClickHouse, with Redis for live state?", charted=True)


def tape() -> None:
    views = [view for kind in HOPS for view in page.monitor.board.of_kind(kind)]
    if views:
        cards.watched(views, "The hops that are watched", page)
    else:
        st.info(
            "No Kafka, ClickHouse or Redis is configured: name them in tapewatch.toml.", icon=":material/add_circle:"
        )
    for kind, title in probes.PLANNED.items():
        st.markdown(f"{badge(Status.OFF)} **{sentence_case(title)}** This version has no probe for it (kind `{kind}`).")
    panels = [
        metric_panel(page, metric, (view.name,), title=f"{view.name}: {probes.METRICS[metric].title}")
        for view in views
        for metric in HOPS[view.kind.name]
    ]
    comparison.control()
    show(page.monitor.reader, panels, columns=2)


frame.live(page, tape, every_s=5.0)
