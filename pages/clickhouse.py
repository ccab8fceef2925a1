"""ClickHouse: does it take the inserts, do merges keep up, what runs, is there room?"""

from ui import cards, comparison, frame
from ui.panels import show
from ui.questions import metric_panel

FIGURES = [
    ("clickhouse_insert_rows_per_second", "Rows inserted"),
    ("clickhouse_queries_per_second", "Queries"),
    ("clickhouse_parts_ratio", "Parts of the most allowed"),
    ("clickhouse_disk_used_ratio", "Fullest disk"),
]
CHARTS = (
    "clickhouse_insert_rows_per_second",
    "clickhouse_queries_per_second",
    "clickhouse_parts_per_partition",
    "clickhouse_merges",
    "clickhouse_memory_tracked_bytes",
    "clickhouse_data_bytes",
    "clickhouse_query_longest_seconds",
    "clickhouse_ping_seconds",
)
TABLES = {
    "running queries": "No query runs at this moment.",
    "tables": "No table with data.",
    "disks": "The server does not tell its disks.",
}

page = frame.begin(
    "ClickHouse", "Does it take the inserts, do merges keep up, what runs, and is there room?", charted=True
)


def clickhouse_page() -> None:
    view = cards.verdict_line(page.monitor.board.of_kind("clickhouse"), "clickhouse", page.now, page.monitor)
    if view is None:
        return
    cards.figures(view.result, FIGURES)
    cards.facts(view.result)
    comparison.control()
    show(page.monitor.reader, [metric_panel(page, metric, (view.name,)) for metric in CHARTS], columns=2)
    cards.tables(view.result, TABLES)
    cards.all_metrics(view)


frame.live(page, clickhouse_page, every_s=5.0)
