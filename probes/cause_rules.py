"""What follows from what, as far as metrics and codes tell: data for `causes`, each rule with its reason.

A rule here says that one thing *can* bring the other about and that nobody would mend the other first. It is
applied only when both are there.
"""

from dataclasses import dataclass

FOLLOWS: dict[str, tuple[str, ...]] = {
    # Kafka: a broker or a disk that is gone takes its copies with it; what has no leader or too few copies takes no
    # messages; a consumer whose partitions have no leader falls behind, and one that is behind loses what is deleted.
    "kafka_failed_disks": ("kafka_disk_available_ratio",),
    "kafka_controller_known": ("kafka_brokers",),
    "kafka_quorum_behind_seconds": ("kafka_brokers",),
    "kafka_partitions_offline": ("kafka_failed_disks", "kafka_brokers"),
    "kafka_partitions_below_min_in_sync": ("kafka_failed_disks", "kafka_brokers"),
    "kafka_partitions_under_replicated": ("kafka_failed_disks", "kafka_brokers"),
    "kafka_under_replicated_seconds": ("kafka_failed_disks", "kafka_brokers"),
    "kafka_leader_imbalance_ratio": ("kafka_brokers",),
    "kafka_topic_silent_seconds": ("kafka_partitions_offline", "kafka_partitions_below_min_in_sync"),
    "kafka_group_rebalancing_seconds": ("kafka_brokers",),
    "kafka_group_evaluation": (
        "kafka_group_rebalancing_seconds",
        "kafka_partitions_offline",
        "kafka_partitions_under_replicated",
        "kafka_under_replicated_seconds",
        "kafka_brokers",
    ),
    "kafka_group_lag_seconds": ("kafka_group_evaluation", "kafka_partitions_offline", "kafka_brokers"),
    "kafka_group_retention_used_ratio": ("kafka_group_evaluation", "kafka_group_lag_seconds"),
    "kafka_group_lost_messages": ("kafka_group_retention_used_ratio", "kafka_group_evaluation"),
    # ClickHouse: merges that cannot keep up, for want of room or of Keeper, leave parts; parts delay and then reject
    # inserts (https://clickhouse.com/docs/operations/settings/merge-tree-settings: parts_to_delay_insert).
    "clickhouse_parts_ratio": ("clickhouse_disk_used_ratio",),
    "clickhouse_delayed_inserts": ("clickhouse_parts_ratio", "clickhouse_disk_used_ratio"),
    "clickhouse_slowed_inserts_total": ("clickhouse_parts_ratio", "clickhouse_disk_used_ratio"),
    "clickhouse_rejected_inserts_total": ("clickhouse_parts_ratio", "clickhouse_disk_used_ratio"),
    "clickhouse_mutation_oldest_seconds": ("clickhouse_mutations_failing", "clickhouse_pool_used_ratio"),
    "clickhouse_lost_parts_total": ("clickhouse_broken_parts",),
    "clickhouse_mutations_failing": ("clickhouse_disk_used_ratio", "clickhouse_memory_used_ratio"),
    "clickhouse_replication_stuck": ("clickhouse_readonly_replicas", "clickhouse_disk_used_ratio"),
    "clickhouse_replication_queue": ("clickhouse_replication_stuck", "clickhouse_readonly_replicas"),
    "clickhouse_replica_delay_seconds": ("clickhouse_replication_stuck", "clickhouse_readonly_replicas"),
    "clickhouse_failed_queries_ratio": ("clickhouse_readonly_replicas", "clickhouse_memory_used_ratio"),
    # Redis: paged out or forking it is slow; without a snapshot it refuses writes (stop-writes-on-bgsave-error); with
    # all its clients it turns others away; a replica whose link is down falls behind.
    "redis_rejected_connections_total": ("redis_clients_ratio",),
    "redis_refused_commands_total": ("redis_rdb_ok", "redis_aof_ok", "redis_memory_used_ratio", "redis_cluster_ok"),
    "redis_slow_commands_per_minute": ("redis_memory_swapped_bytes", "redis_fork_seconds"),
    "redis_ping_seconds": ("redis_memory_swapped_bytes", "redis_slow_commands_per_minute"),
    "redis_replication_lag_seconds": ("redis_replication_link_up",),
    "redis_sentinel_quorum_ok": ("redis_sentinel_tilt",),
    "redis_cluster_slots_fail": ("redis_cluster_nodes_failing",),
    "redis_cluster_slots_pfail": ("redis_cluster_nodes_failing",),
    "redis_cluster_ok": (
        "redis_cluster_slots_unassigned",
        "redis_cluster_slots_fail",
        "redis_cluster_slots_pfail",
        "redis_cluster_nodes_failing",
    ),
    # A host: memory that runs short is swapped, swapping waits for the disk, and waiting shows as pressure.
    "host_swap_traffic_bytes_per_second": ("host_memory_available_ratio",),
    "host_pressure_memory_ratio": ("host_memory_available_ratio", "host_swap_traffic_bytes_per_second"),
    "host_disk_busy_ratio": ("host_swap_traffic_bytes_per_second",),
    "host_pressure_io_ratio": ("host_disk_busy_ratio", "host_swap_traffic_bytes_per_second"),
    "host_oom_kills_total": ("host_memory_available_ratio", "host_pressure_memory_ratio"),
    "host_pressure_cpu_ratio": ("host_cpu_throttled_ratio", "host_cpu_steal_ratio", "host_cpu_ratio"),
    "host_load5_per_core": ("host_disk_answers", "host_pressure_io_ratio", "host_cpu_ratio"),
    # The network: a link that is down reaches nobody; one that is full loses packets, which are sent again.
    "network_reachable": ("network_interface_up",),
    "network_loss_ratio": ("network_reachable", "network_interface_up", "network_utilization_ratio"),
    "network_retransmit_ratio": ("network_loss_ratio", "network_utilization_ratio", "network_error_ratio"),
    "network_rtt_p95_seconds": ("network_loss_ratio", "network_utilization_ratio"),
    "network_jitter_seconds": ("network_utilization_ratio",),
}
"""By the metric of a finding, the metrics whose findings explain it in the same component, the nearest cause first."""

DNS_SILENT = "dns_timeout"
NO_ANSWER = frozenset({"timeout", "unreachable"})
"""Codes of a peer from which nothing came at all; a refusal or a wrong answer shows that its host is alive."""
KEEPER_PORTS = frozenset({2181, 9181})
"""ZooKeeper's port and ClickHouse Keeper's (https://clickhouse.com/docs/guides/sre/keeper/clickhouse-keeper)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A finding of one kind that explains another component's trouble.

    Attributes:
        metrics: of the finding that is the cause.
        kind: of the component it is found in.
        effects: codes of errors, and metrics of findings, that it explains elsewhere on the same machine.
        why: what links the two, to stand between them.
    """

    kind: str
    metrics: frozenset[str]
    effects: frozenset[str]
    why: str


ON_A_HOST = (
    Evidence(
        "host",
        frozenset({"host_disk_used_ratio", "host_inodes_used_ratio"}),
        frozenset({"no_space", "writes_stopped", "clickhouse_disk_used_ratio", "clickhouse_rejected_inserts_total"})
        | {"redis_rdb_ok", "redis_aof_ok", "redis_aof_rewrite_ok", "kafka_failed_disks", "kafka_disk_available_ratio"},
        "writes to its full disk",
    ),
    Evidence(
        "host",
        frozenset({"host_swap_traffic_bytes_per_second", "host_memory_available_ratio"}),
        frozenset({"redis_memory_swapped_bytes", "redis_ping_seconds", "clickhouse_memory_used_ratio"}),
        "is short of its memory",
    ),
    Evidence(
        "host",
        frozenset({"host_descriptors_used_ratio"}),
        frozenset({"redis_rejected_connections_total", "kafka_failed_disks"}),
        "is short of its descriptors",
    ),
)
KEEPER_LOST = frozenset(
    {"read_only_table", "clickhouse_readonly_replicas", "clickhouse_replication_stuck"}
    | {"clickhouse_replica_delay_seconds", "clickhouse_replication_queue"}
)
"""What ClickHouse shows when its Keeper does not answer."""
