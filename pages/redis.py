"""Redis: is it quick, has it room, does it lose anything?"""

from probes.cache import ComponentView
from ui import cards, comparison, frame
from ui.panels import show
from ui.questions import metric_panel

FIGURES = [
    ("redis_ping_seconds", "Ping"),
    ("redis_memory_used_bytes", "Memory"),
    ("redis_commands_per_second", "Commands"),
    ("redis_hits_ratio", "Hit rate"),
    ("redis_command_mean_seconds", "Time of a command"),
    ("redis_slowest_command_seconds", "Slowest new command"),
    ("redis_clients", "Clients"),
    ("redis_evicted_keys_per_second", "Evicted"),
]
SENTINEL_FIGURES = [
    ("redis_ping_seconds", "Ping"),
    ("redis_sentinel_masters", "Masters watched"),
    ("redis_sentinel_replicas", "Replicas, most of a master"),
    ("redis_sentinel_replicas_down", "Replicas down"),
]
CHARTS = (
    "redis_ping_seconds",
    "redis_memory_used_bytes",
    "redis_commands_per_second",
    "redis_hits_ratio",
    "redis_command_mean_seconds",
    "redis_command_p99_seconds",
    "redis_slow_commands_per_minute",
    "redis_evicted_keys_per_second",
    "redis_clients",
    "redis_network_transmit_bytes_per_second",
)
REPLICATED_CHARTS = ("redis_replica_lag_bytes", "redis_replica_lag_seconds")
REPLICA_CHARTS = ("redis_replication_lag_seconds", "redis_replication_unapplied_bytes")
CLUSTER_CHARTS = ("redis_cluster_slots_ok", "redis_cluster_nodes_failing")
SENTINEL_CHARTS = ("redis_ping_seconds", "redis_sentinel_master_down")
TABLES = {
    "slow log": "No slow command since the server started.",
    "commands": "The server does not tell its commands' times.",
    "keyspace": "No keys.",
    "errors": "No error reply since the server started.",
}
MORE_TABLES = {
    "replicas": "",
    "cluster nodes": "",
    "latency events": "",
}
"""Shown where there is something in them."""
SENTINEL_TABLES = {
    "sentinel masters": "This sentinel watches no master.",
    "sentinel replicas": "No replica to fail over to.",
}

page = frame.begin("Redis", "Is it quick, has it room, and does it lose or refuse anything?", charted=True)


def charts(view: ComponentView) -> tuple[str, ...]:
    """The metrics drawn, by what the server is."""
    tables = view.result.tables if view.result else {}
    role = view.result.facts.get("role") if view.result else None
    return (
        *CHARTS,
        *(REPLICATED_CHARTS if "replicas" in tables and tables["replicas"].rows else ()),
        *(REPLICA_CHARTS if role == "replica" else ()),
        *(CLUSTER_CHARTS if "cluster nodes" in tables else ()),
    )


def redis_page() -> None:
    view = cards.verdict_line(page.monitor.board.of_kind("redis"), "redis", page.now, page.monitor)
    if view is None:
        return
    sentinel = view.result is not None and view.result.facts.get("mode") == "sentinel"
    known = view.result.tables if view.result else {}
    more = {name: empty for name, empty in MORE_TABLES.items() if name in known and known[name].rows}
    cards.figures(view.result, SENTINEL_FIGURES if sentinel else FIGURES)
    cards.facts(view.result)
    comparison.control()
    drawn = SENTINEL_CHARTS if sentinel else charts(view)
    show(page.monitor.reader, [metric_panel(page, metric, (view.name,)) for metric in drawn], columns=2)
    cards.tables(view.result, SENTINEL_TABLES if sentinel else {**more, **TABLES})
    cards.all_metrics(view)


frame.live(page, redis_page, every_s=5.0)
