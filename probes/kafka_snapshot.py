"""A Kafka cluster at one moment, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Key = tuple[str, int]
"""Topic and number of a partition."""

OFFSETS_TOPIC = "__consumer_offsets"
REBALANCING = frozenset({"PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling"})
DESERTED = frozenset({"Empty", "Dead"})


@dataclass(frozen=True, slots=True)
class Broker:
    """One broker; `fenced`: registered but not alive in the controller's eyes."""

    id: int
    address: str
    rack: str | None = None
    fenced: bool = False


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition; `replicas` in order of preference."""

    topic: str
    number: int
    leader: int
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]

    @property
    def key(self) -> Key:
        return self.topic, self.number

    @property
    def offline(self) -> bool:
        return self.leader < 0

    @property
    def under_replicated(self) -> bool:
        return len(self.in_sync) < len(self.replicas)

    @property
    def moved(self) -> bool:
        """Led by another replica than the preferred one."""
        return not self.offline and bool(self.replicas) and self.leader != self.replicas[0]

    @property
    def internal(self) -> bool:
        return self.topic.startswith("__")


@dataclass(frozen=True, slots=True)
class Group:
    """One consumer group.

    Attributes:
        state: in Kafka's words, e.g. ``Stable Empty PreparingRebalance``; empty when not told.
        members: None when the broker does not tell.
        committed: the next offset to consume, by partition.
        assigned: who consumes, by partition; None when not told.
    """

    name: str
    state: str
    members: int | None = None
    committed: Mapping[Key, int] = field(default_factory=dict)
    assigned: Mapping[Key, str] | None = None

    @property
    def rebalancing(self) -> bool:
        return self.state in REBALANCING

    @property
    def deserted(self) -> bool:
        return self.state in DESERTED

    def attends(self, key: Key) -> bool | None:
        """Whether somebody in the group has a partition; None when that is not told or just being settled."""
        if self.deserted:
            return False
        return None if self.rebalancing or self.assigned is None else key in self.assigned


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSettings:
    """What a topic's configuration says of keeping its data.

    Attributes:
        retention_s, retention_bytes: how long and how much of each partition is kept; None: without limit.
        deletes: old messages are deleted, not only compacted.
        unclean: a copy that lacks messages may become leader.
    """

    min_in_sync: int = 1
    retention_s: float | None = None
    retention_bytes: int | None = None
    deletes: bool = True
    unclean: bool = False


@dataclass(frozen=True, slots=True)
class Disk:
    """A broker's directory for its partitions; sizes are of the file system, None where the broker does not tell."""

    broker: int
    path: str
    total_bytes: int | None = None
    usable_bytes: int | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Storage:
    """What the brokers keep on disk.

    Attributes:
        topic_bytes: by topic, all copies together.
    """

    disks: Sequence[Disk]
    topic_bytes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class QuorumNode:
    """A node that follows the quorum's log.

    Attributes:
        behind: records of the leader's log it lacks.
        behind_s: time since it last had all of them, by the leader's clock; None when it never had or is not told.
    """

    id: int
    voter: bool
    behind: int = 0
    behind_s: float | None = None


@dataclass(frozen=True, slots=True)
class Quorum:
    """The controllers' quorum; `leader` is below zero when there is none."""

    leader: int
    nodes: Sequence[QuorumNode] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything one collection read.

    Attributes:
        controller: its node, the leader of `quorum` where that is told. If not, it is what a broker said,
            which with KRaft is any live broker (apache/kafka PR 16968); below zero when there is none.
        quorum: None when not told.
        settings: by topic; None when not told.
        storage: None when not told.
        groups: None when not told.
        commits_told: whether the groups' committed offsets were.
        ends: the offset after the last message, by partition; None when not told.
        ends_at_s: monotonic time of `ends`.
        starts: the offset of the first message that is kept, by partition that a group consumes; None when
            not told.
        unavailable: what was not told, and why.
        ping_s: round trip of the cheapest request.
    """

    cluster_id: str
    controller: int
    brokers: Sequence[Broker]
    partitions: Sequence[Partition]
    quorum: Quorum | None
    settings: Mapping[str, TopicSettings] | None
    groups: Sequence[Group] | None
    ends: Mapping[Key, int] | None
    ends_at_s: float
    starts: Mapping[Key, int] | None = None
    storage: Storage | None = None
    commits_told: bool = True
    unavailable: Sequence[str] = ()
    ping_s: float = 0.0

    @property
    def topics(self) -> list[str]:
        """Names of the topics people made."""
        return sorted({partition.topic for partition in self.partitions if not partition.internal})

    @property
    def lag_known(self) -> bool:
        return self.groups is not None and self.commits_told and self.ends is not None

    @property
    def alive(self) -> list[Broker]:
        return [broker for broker in self.brokers if not broker.fenced]
