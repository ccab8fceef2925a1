"""Network: who is unreachable or slow, how was it, and how long will the link last?"""

import streamlit as st

from probes.cache import ComponentView
from ui import cards, comparison, frame, network
from ui.panels import show
from ui.questions import metric_panel

VIEWS = ("Now", "History", "Capacity")

FIGURES = (
    ("network_rtt_seconds", "Slowest target"),
    ("network_loss_ratio", "Worst loss"),
    ("network_receive_bytes_per_second", "Most received"),
    ("network_utilization_ratio", "Busiest link"),
    ("network_jitter_seconds", "Worst jitter"),
    ("network_retransmit_ratio", "Retransmitted"),
    ("network_udp_drops_per_second", "Lost datagrams"),
    ("network_listen_drops_per_second", "Dropped connections"),
)

COURSES = (
    "network_rtt_seconds",
    "network_jitter_seconds",
    "network_loss_ratio",
    "network_error_ratio",
    "network_receive_bytes_per_second",
    "network_transmit_bytes_per_second",
    "network_utilization_ratio",
    "network_retransmit_ratio",
    "network_udp_drops_per_second",
    "network_listen_drops_per_second",
)

page = frame.begin(
    "Network", "Who is unreachable or slow, how was it before, and how long will each link last?", charted=True
)


def network_page() -> None:
    chosen = st.segmented_control(
        "View", VIEWS, default=VIEWS[0], key="view", bind="query-params", label_visibility="collapsed"
    )
    view = cards.verdict_line(page.monitor.board.of_kind("network"), "network", page.now, page.monitor)
    if view is None:
        return
    if chosen == "History":
        history(view)
    elif chosen == "Capacity":
        capacity(view)
    else:
        now(view)


def now(view: ComponentView) -> None:
    cards.figures(view.result, FIGURES)
    cards.tables(
        view.result,
        {
            "targets": 'No target is configured: add targets = ["host:port"] to the network component.',
            "interfaces": "No interface could be read.",
        },
    )
    show(
        page.monitor.reader,
        [metric_panel(page, metric, (view.name,)) for metric in ("network_rtt_seconds", "network_loss_ratio")],
        columns=2,
    )
    cards.facts(view.result)
    cards.all_metrics(view)


def history(view: ComponentView) -> None:
    comparison.control()
    show(page.monitor.reader, [metric_panel(page, metric, (view.name,)) for metric in COURSES], columns=2)


def capacity(view: ComponentView) -> None:
    show(page.monitor.reader, network.capacity_panels(page, view.name))
    show(page.monitor.reader, network.busy_panels(page, view.name), columns=2)


frame.live(page, network_page, every_s=5.0)
