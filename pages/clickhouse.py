"""ClickHouse: does it take the inserts, do merges keep up, what runs, is there room?"""

from ui import cards, comparison, frame
from ui.panels import show
from ui.questions import metric_panel

FIGURES = [
    ("clickhouse_insert_rows_per_second", "Rows inserted"),
    ("clickhouse_queries_per_second", "Queries"),
    ("clickhouse_parts_ratio", "Parts of the most allowed"),
    ("clickhouse_disk_used_ratio", "Fullest disk"),
    ("clickhouse_query_mean_seconds", "Query time, mean"),
    ("clickhouse_query_p95_seconds", "Query time, p95"),
    ("clickhouse_memory_used_ratio", "Memory of the most allowed"),
    ("clickhouse_pool_used_ratio", "Busiest background pool"),
]
CHARTS = (
    "clickhouse_insert_rows_per_second",
    "clickhouse_queries_per_second",
    "clickhouse_query_mean_seconds",
    "clickhouse_failed_queries_per_second",
    "clickhouse_parts_per_partition",
    "clickhouse_merges",
    "clickhouse_insert_rows_each",
    "clickhouse_pool_used_ratio",
    "clickhouse_memory_tracked_bytes",
    "clickhouse_data_bytes",
    "clickhouse_query_longest_seconds",
    "clickhouse_ping_seconds",
)
LOG_CHARTS = ("clickhouse_query_p95_seconds", "clickhouse_query_p99_seconds")
REPLICA_CHARTS = ("clickhouse_replica_delay_seconds", "clickhouse_replication_queue")
TABLES = {
    "running queries": "No query runs at this moment.",
    "slowest patterns": "The server keeps no log of its queries, or none ran in the last five minutes.",
    "merges": "No merge runs at this moment.",
    "tables": "No table with data.",
    "disks": "The server does not tell its disks.",
    "errors": "No error since the server started.",
    "background pools": "The server does not tell its background pools.",
}
TROUBLE = {
    "mutations": "",
    "failed queries": "",
    "replicas": "",
    "replication queue": "",
    "detached parts": "",
    "dictionaries": "",
}
"""Shown where there is something in them, before the others."""

page = frame.begin(
    "ClickHouse", "Does it take the inserts, do merges keep up, what runs, and is there room?", charted=True
)


def clickhouse_page() -> None:
    view = cards.verdict_line(page.monitor.board.of_kind("clickhouse"), "clickhouse", page.now, page.monitor)
    if view is None:
        return
    known = view.result.tables if view.result else {}
    trouble = {name: empty for name, empty in TROUBLE.items() if name in known and known[name].rows}
    drawn = (
        *CHARTS,
        *(LOG_CHARTS if "slowest patterns" in known else ()),
        *(REPLICA_CHARTS if "replicas" in trouble else ()),
    )
    cards.figures(view.result, FIGURES)
    cards.facts(view.result)
    comparison.control()
    show(page.monitor.reader, [metric_panel(page, metric, (view.name,)) for metric in drawn], columns=2)
    cards.tables(view.result, {**trouble, **TABLES})
    cards.all_metrics(view)


frame.live(page, clickhouse_page, every_s=5.0)
