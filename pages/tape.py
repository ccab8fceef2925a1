"""Tape: is it flowing, hop by hop?"""

import streamlit as st

import probes
from probes.result import Status
from ui import cards, frame
from ui.panels import show
from ui.questions import metric_panel
from ui.status import badge

page = frame.begin("Tape", "Is the tape flowing: IQFeed → Kafka → ClickHouse, with Redis for live state?")
HOPS = ("kafka", "clickhouse", "redis")


def tape() -> None:
    views = [view for kind in HOPS for view in page.monitor.board.of_kind(kind)]
    if views:
        cards.watched(views, "The hops that are watched", page)
    else:
        st.info("No Kafka, ClickHouse or Redis is configured.", icon=":material/add_circle:")
    for kind, title in probes.PLANNED.items():
        st.markdown(
            f"{badge(Status.OFF)} **{title[0].upper()}{title[1:]}** This version has no probe for it (kind `{kind}`)."
        )
    names = tuple(view.name for view in views)
    wanted = [metric for metric in network_free(FLOW) if names]
    show(page.monitor.reader, [metric_panel(page, metric, names) for metric in wanted], columns=2)


frame.live(tape, every_s=5.0)
