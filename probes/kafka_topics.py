"""What topics and their settings mean: rows of tables, and which of them put data at risk. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from probes.kafka_movement import Moved
from probes.kafka_snapshot import Broker, Partition, Snapshot, TopicSettings
from probes.result import Reading, Table, labels

MOST_TOPICS = 200
MOST_ROWS = 5_000
MOST_NAMED = 5
ONE_COPY = "one copy"
UNCLEAN = "unclean election"
ONE_ACK = "acks=all waits for one copy"
ONE_RACK = "copies in one rack"
RISKS = {
    ONE_COPY: "kafka_topics_one_copy",
    UNCLEAN: "kafka_topics_unclean_election",
    ONE_ACK: "kafka_topics_one_acknowledgement",
    ONE_RACK: "kafka_topics_one_rack",
}
"""What may lose data, and the metric that counts the topics of which it is true."""


def biggest(snapshot: Snapshot) -> list[str]:
    """The topics whose rates are kept as series: those with most messages, where there are very many."""
    topics = snapshot.topics
    if len(topics) <= MOST_TOPICS:
        return topics
    written = written_by_topic(snapshot)
    return sorted(topics, key=lambda topic: (-written.get(topic, 0), topic))[:MOST_TOPICS]


def written_by_topic(snapshot: Snapshot) -> dict[str, int]:
    """Sum of end offsets by topic: the messages ever written."""
    written: dict[str, int] = defaultdict(int)
    for (topic, _), end in (snapshot.ends or {}).items():
        written[topic] += end
    return dict(written)


def by_topic(partitions: Iterable[Partition]) -> dict[str, list[Partition]]:
    """The partitions of each topic."""
    found: dict[str, list[Partition]] = defaultdict(list)
    for partition in partitions:
        found[partition.topic].append(partition)
    return dict(found)


def below_min_in_sync(partition: Partition, settings: Mapping[str, TopicSettings]) -> bool:
    """Whether writes with acks=all are refused; False where the topic's settings are not told."""
    told = settings.get(partition.topic)
    return told is not None and len(partition.in_sync) < told.min_in_sync


def risks(partitions: Sequence[Partition], settings: TopicSettings | None, brokers: Sequence[Broker]) -> list[str]:
    """What of a topic's settings may lose data.

    A single copy counts only where there are brokers for a second one, and racks only where there are several.
    """
    copies = max((len(partition.replicas) for partition in partitions), default=0)
    racks = {broker.id: broker.rack for broker in brokers}
    found = []
    if copies == 1 and len(brokers) > 1:
        found.append(ONE_COPY)
    if settings is not None and settings.unclean and copies > 1:
        found.append(UNCLEAN)
    if settings is not None and settings.min_in_sync < 2 <= copies:
        found.append(ONE_ACK)
    if copies > 1 and all(racks.values()) and len(set(racks.values())) > 1:
        spread = [{racks.get(node) for node in partition.replicas} for partition in partitions]
        if any(len(held) == 1 and None not in held for held in spread):
            found.append(ONE_RACK)
    return found


def topics_at_risk(snapshot: Snapshot) -> dict[str, list[str]]:
    """By risk, the topics of which it is true, Kafka's own included."""
    found: dict[str, list[str]] = {risk: [] for risk in RISKS}
    for topic, partitions in sorted(by_topic(snapshot.partitions).items()):
        for risk in risks(partitions, (snapshot.settings or {}).get(topic), snapshot.brokers):
            found[risk].append(topic)
    return found


def risk_readings(snapshot: Snapshot) -> list[Reading]:
    """How many topics each risk is true of; nothing of settings that are not told."""
    hidden = {UNCLEAN, ONE_ACK} if snapshot.settings is None else set()
    return [
        Reading(RISKS[risk], float(len(topics)))
        for risk, topics in topics_at_risk(snapshot).items()
        if risk not in hidden
    ] + _disk_readings(snapshot)


def _disk_readings(snapshot: Snapshot) -> list[Reading]:
    disks = snapshot.storage.disks if snapshot.storage else ()
    failed = dict.fromkeys(sorted({disk.broker for disk in disks}), 0.0)
    found = []
    for disk in disks:
        failed[disk.broker] += disk.failed
        if disk.total_bytes and disk.usable_bytes is not None:
            named = labels(directory=disk.path, broker=str(disk.broker))
            found.append(Reading("kafka_disk_available_ratio", disk.usable_bytes / disk.total_bytes, named))
    return found + [Reading("kafka_failed_disks", count, labels(broker=str(b))) for b, count in failed.items()]


def risk_facts(snapshot: Snapshot) -> dict[str, str]:
    """The topics at risk by name."""
    found = {}
    for risk, topics in topics_at_risk(snapshot).items():
        if topics:
            more = f" and {len(topics) - MOST_NAMED} more" if len(topics) > MOST_NAMED else ""
            found[f"{risk}:"] = ", ".join(topics[:MOST_NAMED]) + more
    return found


TOPIC_COLUMNS = (
    "topic",
    "partitions",
    "replicas",
    "offline",
    "under_replicated",
    "below_min_in_sync",
    "leaders_moved",
    "messages_per_second",
    "messages",
    "size_bytes",
    "kept_seconds",
    "kept_bytes",
    "at_risk",
)


def topic_table(snapshot: Snapshot, moved: Moved) -> Table:
    """Every topic people made, a line each."""
    grouped, written = by_topic(snapshot.partitions), written_by_topic(snapshot)
    settings, sizes = snapshot.settings or {}, snapshot.storage.topic_bytes if snapshot.storage else {}
    rows = []
    for topic in snapshot.topics:
        partitions, told = grouped[topic], settings.get(topic)
        rows.append(
            (
                topic,
                len(partitions),
                max(len(p.replicas) for p in partitions),
                sum(p.offline for p in partitions),
                sum(p.under_replicated for p in partitions),
                None if told is None else sum(below_min_in_sync(p, settings) for p in partitions),
                sum(p.moved for p in partitions),
                moved.topic_rates.get(topic),
                written.get(topic),
                sizes.get(topic),
                told.retention_s if told and told.deletes else None,
                told.retention_bytes if told and told.deletes else None,
                ", ".join(risks(partitions, told, snapshot.brokers)),
            )
        )
    return Table(TOPIC_COLUMNS, tuple(rows))


PARTITION_COLUMNS = ("topic", "partition", "state", "leader", "replicas", "in_sync", "end")
STATES = ("offline", "below min.insync", "under-replicated", "leader moved", "ok")
"""Worst first."""


def partition_state(partition: Partition, settings: Mapping[str, TopicSettings]) -> str:
    """The worst that is true of a partition, in words."""
    if partition.offline:
        return STATES[0]
    if below_min_in_sync(partition, settings):
        return STATES[1]
    if partition.under_replicated:
        return STATES[2]
    return STATES[3] if partition.moved else STATES[4]


def partition_table(snapshot: Snapshot) -> Table:
    """Every partition, Kafka's own included; the worst where there are more than can be shown."""
    settings, ends = snapshot.settings or {}, snapshot.ends or {}
    rows = [(partition, partition_state(partition, settings)) for partition in snapshot.partitions]
    if len(rows) > MOST_ROWS:
        rows.sort(key=lambda row: STATES.index(row[1]))
        del rows[MOST_ROWS:]
    return Table(
        PARTITION_COLUMNS,
        tuple(
            (
                p.topic,
                p.number,
                state,
                None if p.offline else p.leader,
                ", ".join(map(str, p.replicas)),
                ", ".join(map(str, sorted(p.in_sync))),
                ends.get(p.key),
            )
            for p, state in sorted(rows, key=lambda row: row[0].key)
        ),
    )
