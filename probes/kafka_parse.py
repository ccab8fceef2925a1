"""Answers of the admin client as the values of a snapshot. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from probes.kafka_snapshot import Broker, Disk, Key, Partition, Quorum, QuorumNode, Storage, TopicSettings
from probes.kafka_wire import join_address

SETTINGS = (
    "min.insync.replicas",
    "retention.ms",
    "retention.bytes",
    "cleanup.policy",
    "unclean.leader.election.enable",
)
"""What is asked of each topic's configuration."""


def is_consumer(row: Mapping[str, Any]) -> bool:
    """Whether a listed group consumes topics: Connect workers and share groups keep other accounts."""
    return row.get("protocol_type") in ("consumer", "") and row.get("group_type") in (None, "", "classic", "consumer")


def count_members(described: Mapping[str, Any] | None) -> int | None:
    """Members of a described group; None when the broker did not describe it."""
    return None if described is None or described.get("error") else len(described["members"])


def assigned_to(described: Mapping[str, Any] | None) -> dict[Key, str] | None:
    """By partition, the member of a described group that has it; None when the broker did not describe it all."""
    if described is None or described.get("error"):
        return None
    found: dict[Key, str] = {}
    for member in described["members"]:
        assignment = member.get("member_assignment")
        if not isinstance(assignment, Mapping):  # not a consumer's, or of a version the client does not know
            return None
        who = f"{member.get('client_id', '')} at {str(member.get('client_host', '')).lstrip('/')}"
        for row in assignment.get("assigned_partitions", ()):
            found |= {(row["topic"], number): who for number in row["partitions"]}
    return found


def parse_brokers(rows: Iterable[Mapping[str, Any]]) -> tuple[Broker, ...]:
    """The brokers in order of their number."""
    brokers = [
        Broker(row["broker_id"], join_address(row["host"], row["port"]), row.get("rack"), bool(row.get("is_fenced")))
        for row in rows
    ]
    return tuple(sorted(brokers, key=lambda broker: broker.id))


def parse_controller(cluster: Mapping[str, Any]) -> int:
    """The node that a broker says is the controller; below zero when it names none."""
    told = cluster.get("controller_id")
    return -1 if told is None else int(told)


def parse_partitions(topics: Iterable[Mapping[str, Any]]) -> tuple[Partition, ...]:
    """Every partition of every topic."""
    return tuple(
        Partition(
            topic["name"],
            row["partition_index"],
            row["leader_id"],
            tuple(row["replica_nodes"]),
            tuple(row["isr_nodes"]),
        )
        for topic in topics
        for row in topic["partitions"]
    )


def parse_settings(topics: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, TopicSettings]:
    """What the topics' configurations say of keeping data; a topic that may not be read is left out."""
    found = {}
    for topic, configs in topics.items():
        values = {name: str(config["value"]) for name, config in configs.items() if config.get("value") is not None}
        if "min.insync.replicas" not in values:
            continue
        kept_ms, kept_bytes = int(values.get("retention.ms", -1)), int(values.get("retention.bytes", -1))
        found[topic] = TopicSettings(
            min_in_sync=int(values["min.insync.replicas"]),
            retention_s=kept_ms / 1000 if kept_ms >= 0 else None,
            retention_bytes=kept_bytes if kept_bytes >= 0 else None,
            deletes="delete" in values.get("cleanup.policy", "delete"),
            unclean=values.get("unclean.leader.election.enable") == "true",
        )
    return found


def parse_storage(brokers: Iterable[Mapping[str, Any]]) -> Storage:
    """Directories and the sizes of topics; sizes of file systems are told since Kafka 3.3 (KIP-827)."""
    disks: list[Disk] = []
    sizes: dict[str, int] = defaultdict(int)
    for broker in brokers:
        for row in broker["log_dirs"]:
            total, usable = row.get("total_bytes", -1), row.get("usable_bytes", -1)
            told = total > 0 and usable >= 0
            disks.append(
                Disk(
                    broker["broker"],
                    row["log_dir"],
                    total if told else None,
                    usable if told else None,
                    bool(row["error_code"]),
                )
            )
            for topic in row["topics"]:
                sizes[topic["name"]] += sum(partition["partition_size"] for partition in topic["partitions"])
    return Storage(tuple(disks), dict(sizes))


def parse_quorum(told: Mapping[str, Any]) -> Quorum:
    """The controllers' quorum, its leader first."""
    partition = told["topics"][0]["partitions"][0]
    rows = [(row, True) for row in partition["current_voters"]] + [(row, False) for row in partition["observers"]]
    leader = int(partition["leader_id"])
    newest: Mapping[str, Any] = next((row for row, _ in rows if row["replica_id"] == leader), {})
    nodes = [
        QuorumNode(
            row["replica_id"],
            voter,
            max(0, newest.get("log_end_offset", 0) - max(0, row["log_end_offset"])),
            caught_up_ago_s(newest, row),
        )
        for row, voter in rows
    ]
    return Quorum(leader, tuple(sorted(nodes, key=lambda node: (node.id != leader, not node.voter, node.id))))


def caught_up_ago_s(leader: Mapping[str, Any], node: Mapping[str, Any]) -> float | None:
    """How long a node has lacked records, by the leader's clock, which is the time of its own row (KIP-836)."""
    now_ms, then_ms = leader.get("last_caught_up_timestamp", -1), node.get("last_caught_up_timestamp", -1)
    return max(0.0, (now_ms - then_ms) / 1000) if now_ms > 0 and then_ms > 0 else None
