"""Reads a Kafka cluster through the admin client, in a bounded number of requests whatever its size."""

import contextlib
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence, Set
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.errors import (
    AuthorizationError,
    ClusterAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NodeNotReadyError,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
    UnknownBrokerIdError,
    UnsupportedVersionError,
)

from probes.kafka_client import learn
from probes.kafka_parse import (
    SETTINGS,
    assigned_to,
    count_members,
    is_consumer,
    parse_brokers,
    parse_controller,
    parse_partitions,
    parse_quorum,
    parse_settings,
    parse_storage,
)
from probes.kafka_slow import KEEP_SETTINGS_S, KEEP_STARTS_S, KEEP_STORAGE_S, Kept
from probes.kafka_snapshot import OFFSETS_TOPIC, Broker, Group, Key, Partition, Snapshot, Storage, TopicSettings

T = TypeVar("T")

MOST_GROUPS = 200
TOO_SLOW = "the broker is too slow"


class Reader:
    """Reads snapshots through one client.

    A snapshot takes five requests and six to each broker at most, however many topics, partitions and groups
    there are (brokers before 3.0 want two more for each group); what changes slowly (`Kept`) is asked for every
    minute or five.

    Attributes:
        confused: a request to a certain node failed. The client learns of a group's new coordinator never; another
            client knows at once.
    """

    def __init__(self, admin: KafkaAdminClient, ignore_groups: Sequence[str], request_s: float) -> None:
        self.confused = False
        self._admin = admin
        self._ignore_groups = ignore_groups
        self._request_s = request_s
        self._settings: Kept[dict[str, TopicSettings]] = Kept(KEEP_SETTINGS_S)
        self._storage: Kept[Storage] = Kept(KEEP_STORAGE_S)
        self._starts: Kept[dict[Key, int]] = Kept(KEEP_STARTS_S)
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
        cluster, ping_s = self._timed_cluster()
        partitions = parse_partitions(self._admin.describe_topics())
        quorum = self._attempt("the controller quorum", lambda: parse_quorum(self._admin.describe_metadata_quorum()))
        brokers = parse_brokers(cluster["brokers"])
        alive = self._alive(brokers)
        # Committed offsets before end offsets, else a lag could be below zero.
        groups, commits_told = self._groups(partitions, sorted(alive))
        ends = self._attempt("end offsets", lambda: self._offsets(readable(partitions), OffsetSpec.LATEST), True)
        ends_at_s = time.monotonic()
        # Last, because brokers that do not know them hang up.
        settings = self._slow("topic settings", self._settings, {p.topic for p in partitions}, self._read_settings)
        starts = self._first_offsets(groups or (), ends or {}, settings or {})
        storage = self._slow("sizes on disk", self._storage, alive, self._read_storage, True)
        return Snapshot(
            cluster_id=str(cluster.get("cluster_id") or ""),
            controller=quorum.leader if quorum is not None else parse_controller(cluster),
            quorum=quorum,
            brokers=brokers,
            partitions=partitions,
            settings=settings,
            groups=groups,
            commits_told=commits_told,
            ends=ends,
            ends_at_s=ends_at_s,
            starts=starts,
            storage=storage,
            unavailable=tuple(self._unavailable),
            ping_s=ping_s,
        )

    def _timed_cluster(self) -> tuple[Mapping[str, Any], float]:
        started_s = time.perf_counter()
        return self._admin.describe_cluster(), time.perf_counter() - started_s

    def _alive(self, brokers: Iterable[Broker]) -> set[int]:
        """The numbers of the brokers that can be asked, all of them known to the client."""
        alive = {broker.id for broker in brokers if not broker.fenced}
        with contextlib.suppress(KafkaError):  # what is asked of such a broker says so
            learn(self._admin, alive)
        return alive

    def _attempt(self, what: str, call: Callable[[], T], of_node: bool = False) -> T | None:
        """What `call` returns; None, and a phrase in `unavailable`, when the broker does not tell."""
        if time.monotonic() > self._until_s:
            self._unavailable.append(f"{what} ({TOO_SLOW})")
            return None
        try:
            return call()
        except Exception as exc:  # brokers that are not Apache's make the client trip in any way
            moved = isinstance(exc, UnknownBrokerIdError) or getattr(exc, "retriable", False)
            self.confused = self.confused or (of_node and moved)
            self._unavailable.append(f"{what} ({why_not(exc)})")
            return None

    def _slow(
        self, what: str, kept: Kept[T], about: Set[Hashable], read: Callable[[], T], of_node: bool = False
    ) -> T | None:
        """What is known and not too old; else what is read now, or what was known where time is short."""
        if kept.is_fresh(about):
            self._unavailable += kept.unavailable
        elif time.monotonic() <= self._until_s:
            noted = len(self._unavailable)
            value = self._attempt(what, read, of_node)
            kept.keep(value, about, self._unavailable[noted:])
        elif kept.value is None:
            self._unavailable.append(f"{what} ({TOO_SLOW})")
        return kept.value

    def _read_settings(self) -> dict[str, TopicSettings]:
        topics = self._settings.wanted
        if not topics:
            return {}
        resources = [ConfigResource(ConfigResourceType.TOPIC, str(topic), list(SETTINGS)) for topic in topics]
        found = parse_settings(self._admin.describe_configs(resources, config_filter="all").get("topic", {}))
        if not found:  # the client leaves out what it may not read, without an error
            raise TopicAuthorizationFailedError
        return found

    def _read_storage(self) -> Storage:
        found = parse_storage(self._admin.describe_log_dirs(brokers=sorted(self._storage.wanted)))
        if not found.disks:  # as above
            raise ClusterAuthorizationFailedError
        return found

    def _first_offsets(
        self, groups: Iterable[Group], ends: Mapping[Key, int], settings: Mapping[str, TopicSettings]
    ) -> dict[Key, int] | None:
        """First offsets of the partitions that groups consume and that delete messages."""
        wanted = {
            key
            for group in groups
            for key in group.committed
            if key in ends and settings.get(key[0], TopicSettings()).deletes
        }
        return self._slow(
            "first offsets", self._starts, wanted, lambda: self._offsets(sorted(wanted), OffsetSpec.EARLIEST), True
        )

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

    def _offsets(self, keys: Iterable[Key], spec: OffsetSpec) -> dict[Key, int]:
        wanted = {TopicPartition(*key): spec for key in keys}
        if not wanted:
            return {}
        told = self._admin.list_partition_offsets(wanted, timeout_ms=self._request_s * 1000)
        return {(tp.topic, tp.partition): found.offset for tp, found in told.items()}


def readable(partitions: Iterable[Partition]) -> list[Key]:
    """The partitions whose ends are asked for: those with a leader, of topics people made."""
    return [partition.key for partition in partitions if not partition.offline and not partition.internal]


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
