"""Reads a Kafka cluster through the admin client, in a bounded number of requests whatever its size."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.errors import (
    AuthorizationError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NodeNotReadyError,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
    UnknownBrokerIdError,
    UnsupportedVersionError,
)

from probes.kafka_handshake import join_address
from probes.kafka_snapshot import OFFSETS_TOPIC, Broker, Group, Key, Partition, Snapshot

T = TypeVar("T")

MOST_GROUPS = 200
MIN_IN_SYNC = "min.insync.replicas"
KEEP_CONFIG_S = 300.0
KEEP_REFUSAL_S = 60.0


class Reader:
    """Reads snapshots through one client; remembers topic configuration for five minutes.

    Attributes:
        confused: a request to a certain node failed. The client learns of new brokers every five minutes
            and of a group's new coordinator never; another client knows at once.
    """

    def __init__(self, admin: KafkaAdminClient, ignore_groups: Sequence[str], request_s: float) -> None:
        self.confused = False
        self._admin = admin
        self._ignore_groups = ignore_groups
        self._request_s = request_s
        self._min_in_sync: Mapping[str, int] | None = None
        self._config_asked: set[str] = set()
        self._config_unavailable: list[str] = []
        self._config_until_s = float("-inf")
        self._unavailable: list[str] = []
        self._until_s = 0.0

    def snapshot(self, until_s: float) -> Snapshot:
        """The cluster now.

        Args:
            until_s: monotonic time after which no optional request is begun.

        Raises:
            Exception: whatever the client raised for the cluster or its topics; all else is `unavailable`.
        """
        self._unavailable, self._until_s = [], until_s
        started_s = time.perf_counter()
        cluster = self._admin.describe_cluster()
        ping_s = time.perf_counter() - started_s
        partitions = parse_partitions(self._admin.describe_topics())
        leader = self._attempt("the controller quorum", self._quorum_leader)
        brokers = parse_brokers(cluster["brokers"])
        # Committed offsets before end offsets, else a lag could be below zero.
        groups, commits_told = self._groups(partitions, [broker.id for broker in brokers if not broker.fenced])
        ends = self._attempt("end offsets", lambda: self._ends(partitions), True)
        ends_at_s = time.monotonic()
        # Last, because brokers that do not know it hang up.
        min_in_sync = self._configured({partition.topic for partition in partitions})
        controller = cluster.get("controller_id")
        return Snapshot(
            cluster_id=str(cluster.get("cluster_id") or ""),
            controller=leader if leader is not None else -1 if controller is None else controller,
            quorum_told=leader is not None,
            brokers=brokers,
            partitions=partitions,
            min_in_sync=min_in_sync,
            groups=groups,
            commits_told=commits_told,
            ends=ends,
            ends_at_s=ends_at_s,
            unavailable=tuple(self._unavailable),
            ping_s=ping_s,
        )

    def _attempt(self, what: str, call: Callable[[], T], of_node: bool = False) -> T | None:
        """What `call` returns; None, and a phrase in `unavailable`, when the broker does not tell."""
        if time.monotonic() > self._until_s:
            self._unavailable.append(f"{what} (the broker is too slow)")
            return None
        try:
            return call()
        except Exception as exc:  # brokers that are not Apache's make the client trip in any way
            moved = isinstance(exc, UnknownBrokerIdError) or getattr(exc, "retriable", False)
            self.confused = self.confused or (of_node and moved)
            self._unavailable.append(f"{what} ({why_not(exc)})")
            return None

    def _quorum_leader(self) -> int:
        quorum = self._admin.describe_metadata_quorum()
        return int(quorum["topics"][0]["partitions"][0]["leader_id"])

    def _configured(self, topics: set[str]) -> Mapping[str, int] | None:
        """`min.insync.replicas` by topic, asked anew every five minutes or for a new topic."""
        if time.monotonic() < self._config_until_s and topics <= self._config_asked:
            self._unavailable += self._config_unavailable
            return self._min_in_sync
        noted = len(self._unavailable)
        self._min_in_sync = self._attempt(MIN_IN_SYNC, lambda: self._read_min_in_sync(topics))
        self._config_unavailable = self._unavailable[noted:]
        self._config_asked = topics
        self._config_until_s = time.monotonic() + (KEEP_REFUSAL_S if self._min_in_sync is None else KEEP_CONFIG_S)
        return self._min_in_sync

    def _read_min_in_sync(self, topics: set[str]) -> dict[str, int]:
        if not topics:
            return {}
        resources = [ConfigResource(ConfigResourceType.TOPIC, topic, [MIN_IN_SYNC]) for topic in topics]
        told = self._admin.describe_configs(resources, config_filter="all").get("topic", {})
        found = {topic: int(config[MIN_IN_SYNC]["value"]) for topic, config in told.items() if MIN_IN_SYNC in config}
        if not found:  # the client leaves out what it may not read, without an error
            raise TopicAuthorizationFailedError
        return found

    def _groups(self, partitions: Sequence[Partition], alive: list[int]) -> tuple[list[Group] | None, bool]:
        """The groups, and whether their committed offsets were told."""
        offsets = [partition.offline for partition in partitions if partition.topic == OFFSETS_TOPIC]
        if offsets and all(offsets):  # brokers answer that there are no groups
            self._unavailable.append(f"consumer groups ({OFFSETS_TOPIC} has no leader)")
            return None, False
        listed = self._attempt("consumer groups", lambda: self._admin.list_groups(alive), True)
        if listed is None:
            return None, False
        rows = {row["group_id"]: row for row in listed if is_consumer(row) and not self._is_ignored(row["group_id"])}
        if len(rows) > MOST_GROUPS:
            self._unavailable.append(f"{len(rows) - MOST_GROUPS} consumer groups (only {MOST_GROUPS} are read)")
        names = sorted(rows)[:MOST_GROUPS]
        if not names:
            return [], True
        told_commits = self._attempt("committed offsets", lambda: self._admin.list_group_offsets(names), True)
        committed = told_commits or {}
        classic = [name for name in names if rows[name].get("group_type") in (None, "", "classic")]
        told: Mapping[str, Any] = {}
        if classic:
            told = self._attempt("group members", lambda: self._admin.describe_groups(classic), True) or {}
        groups = [
            Group(
                name,
                rows[name].get("group_state") or told.get(name, {}).get("group_state") or "",
                count_members(told.get(name)),
                {(tp.topic, tp.partition): o.offset for tp, o in committed.get(name, {}).items() if o.offset >= 0},
                assigned_to(told.get(name)),
            )
            for name in names
        ]
        return groups, told_commits is not None

    def _is_ignored(self, group: str) -> bool:
        return any(fnmatchcase(group, pattern) for pattern in self._ignore_groups)

    def _ends(self, partitions: Sequence[Partition]) -> dict[Key, int]:
        wanted = {TopicPartition(*p.key): OffsetSpec.LATEST for p in partitions if not p.offline and not p.internal}
        if not wanted:
            return {}
        told = self._admin.list_partition_offsets(wanted, timeout_ms=self._request_s * 1000)
        return {(tp.topic, tp.partition): end.offset for tp, end in told.items()}


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


def why_not(exc: Exception) -> str:
    """Why a request brought nothing, in a few words."""
    if isinstance(exc, UnsupportedVersionError) or not isinstance(exc, KafkaError):
        return "this broker does not offer it"
    if isinstance(exc, AuthorizationError):
        return "no right to read it"
    if isinstance(exc, KafkaTimeoutError | RequestTimedOutError):
        return "no answer in time"
    if isinstance(exc, KafkaConnectionError):
        return "a broker closed the connection"
    if isinstance(exc, NodeNotReadyError | UnknownBrokerIdError):
        return "a broker is just starting or stopping"
    return f"the broker answered {type(exc).__name__.removesuffix('Error')}"
