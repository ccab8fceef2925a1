"""Redis: is it quick, has it room, does it lose anything?"""

from ui import cards, comparison, frame
from ui.panels import show
from ui.questions import metric_panel

FIGURES = [
    ("redis_ping_seconds", "Ping"),
    ("redis_memory_used_bytes", "Memory"),
    ("redis_commands_per_second", "Commands"),
    ("redis_hits_ratio", "Hit rate"),
]
CHARTS = (
    "redis_ping_seconds",
    "redis_memory_used_bytes",
    "redis_commands_per_second",
    "redis_hits_ratio",
    "redis_evicted_keys_per_second",
    "redis_clients",
    "redis_slow_commands_per_minute",
    "redis_network_transmit_bytes_per_second",
)
TABLES = {
    "slow log": "No slow command since the server started.",
    "commands": "The server does not tell its commands' times.",
    "keyspace": "No keys.",
}

page = frame.begin("Redis", "Is it quick, has it room, and does it lose or refuse anything?", charted=True)


def redis_page() -> None:
    view = cards.verdict_line(page.monitor.board.of_kind("redis"), "redis", page.now, page.monitor)
    if view is None:
        return
    cards.figures(view.result, FIGURES)
    cards.facts(view.result)
    comparison.control()
    show(page.monitor.reader, [metric_panel(page, metric, (view.name,)) for metric in CHARTS], columns=2)
    cards.tables(view.result, TABLES)
    cards.all_metrics(view)


frame.live(page, redis_page, every_s=5.0)
