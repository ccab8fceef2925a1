"""Kafka: are all partitions led and replicated, and do the consumers keep up?"""

from ui import cards, comparison, frame, kafka
from ui.panels import show
from ui.questions import metric_panel

FIGURES = [
    ("kafka_brokers", "Brokers"),
    ("kafka_partitions_under_replicated", "Under-replicated partitions"),
    ("kafka_messages_per_second", "Messages"),
    ("kafka_lag_messages", "Lag of all groups"),
]
CHARTS = (
    "kafka_messages_per_second",
    "kafka_topic_messages_per_second",
    "kafka_group_lag_messages",
    "kafka_group_lag_seconds",
    "kafka_partitions_under_replicated",
    "kafka_ping_seconds",
)
TABLES = {
    "brokers": "No broker answered.",
    "disks": "The brokers do not tell their disks.",
    "quorum": "The cluster does not tell its quorum.",
}

page = frame.begin("Kafka", "Are all partitions led and replicated, and do the consumers keep up?", charted=True)


def kafka_page() -> None:
    view = cards.verdict_line(page.monitor.board.of_kind("kafka"), "kafka", page.now, page.monitor)
    if view is None or kafka.drilled(page, view):
        return
    cards.figures(view.result, FIGURES)
    cards.facts(view.result)
    kafka.pick(view)
    comparison.control()
    show(page.monitor.reader, [metric_panel(page, metric, (view.name,)) for metric in CHARTS], columns=2)
    cards.tables(view.result, TABLES)
    cards.all_metrics(view)


frame.live(page, kafka_page, every_s=5.0)
