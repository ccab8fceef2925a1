"""What a cluster's state means: readings, findings and tables from snapshots. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from probes import kafka_groups as groups
from probes import kafka_retention as retention
from probes import kafka_topics as topics
from probes.catalogue import humanize, humanize_duration
from probes.kafka_evaluation import BEHIND_S
from probes.kafka_movement import MOST_POSITIONS, Moved
from probes.kafka_snapshot import OFFSETS_TOPIC, Broker, Partition, QuorumNode, Snapshot
from probes.result import Finding, Reading, Status, Table, labels

REMEMBER_BROKERS_S = 86400.0

Seen = Mapping[int, tuple[Broker, float]]
"""Brokers by number, each with the time it was last alive."""


def cluster_readings(snapshot: Snapshot) -> list[Reading]:
    """How whole the cluster is."""
    partitions = snapshot.partitions
    readings = [
        Reading("kafka_ping_seconds", snapshot.ping_s),
        Reading("kafka_brokers", float(len(snapshot.alive))),
        Reading("kafka_controller_known", float(snapshot.controller >= 0)),
        Reading("kafka_topics", float(len(snapshot.topics))),
        Reading("kafka_partitions", float(len(partitions))),
        Reading("kafka_partitions_offline", float(sum(p.offline for p in partitions))),
        Reading("kafka_partitions_under_replicated", float(sum(p.under_replicated for p in partitions))),
    ]
    if snapshot.settings is not None:
        below = sum(topics.below_min_in_sync(p, snapshot.settings) for p in partitions)
        readings.append(Reading("kafka_partitions_below_min_in_sync", float(below)))
    led = [p for p in partitions if not p.offline and p.replicas]
    if led:
        readings.append(Reading("kafka_leader_imbalance_ratio", sum(p.moved for p in led) / len(led)))
    return readings + topics.risk_readings(snapshot) + quorum_readings(snapshot)


def quorum_readings(snapshot: Snapshot) -> list[Reading]:
    """How well the controllers follow their leader."""
    if snapshot.quorum is None:
        return []
    voters = [node for node in snapshot.quorum.nodes if node.voter]
    return [
        Reading("kafka_quorum_voters", float(len(voters))),
        *(
            Reading("kafka_quorum_behind_seconds", node.behind_s, labels(node=str(node.id)))
            for node in voters
            if node.behind_s is not None
        ),
    ]


def movement_readings(snapshot: Snapshot, moved: Moved) -> list[Reading]:
    """How fast messages come, and how far behind those are who consume them."""
    readings = [Reading("kafka_under_replicated_seconds", moved.under_replicated_s)]
    shown = set(topics.biggest(snapshot))
    if moved.topic_rates:
        readings.append(Reading("kafka_messages_per_second", sum(moved.topic_rates.values())))
    for metric, values in (
        ("kafka_topic_messages_per_second", moved.topic_rates),
        ("kafka_topic_silent_seconds", moved.silent_s),
        ("kafka_topic_size_bytes", snapshot.storage.topic_bytes if snapshot.storage else {}),
    ):
        readings += [Reading(metric, float(v), labels(topic=t)) for t, v in sorted(values.items()) if t in shown]
    return [*readings, *groups.readings(snapshot, moved), *retention.readings(snapshot, moved)]


def after_seeing(seen: Seen, alive: Sequence[Broker], now_s: float) -> dict[int, tuple[Broker, float]]:
    """The brokers alive within the last 24 hours, those alive now brought up to date."""
    kept = {number: (broker, at_s) for number, (broker, at_s) in seen.items() if now_s - at_s < REMEMBER_BROKERS_S}
    return kept | {broker.id: (broker, now_s) for broker in alive}


def missing_brokers(seen: Seen, alive: Sequence[Broker], partitions: Iterable[Partition] = ()) -> Finding | None:
    """The finding when brokers that were there are gone: critical when half of them are.

    The comparison is with the brokers of the last 24 hours, because a cluster does not say how
    many it should have, and with those that should have copies of `partitions`.
    """
    here = {broker.id for broker in alive}
    known = {number: f"{number} ({broker.address})" for number, (broker, _) in seen.items()}
    for number in {number for partition in partitions for number in partition.replicas}:
        known.setdefault(number, str(number))
    gone = [name for number, name in sorted(known.items()) if number not in here]
    if not gone:
        return None
    half = 2 * len(gone) >= len(known)
    named = ", ".join(gone[:5]) + (" …" if len(gone) > 5 else "")
    return Finding(
        metric="kafka_brokers",
        status=Status.CRITICAL if half else Status.WARNING,
        message=f"Missing brokers: {named}; there were {len(known)} within the last day.",
        hint="Start them again; after a planned removal this ends by itself within a day.",
        value=float(len(alive)),
        threshold=float(len(known)),
    )


def offsets_finding(partitions: Sequence[Partition]) -> Finding | None:
    """The finding when consumers cannot commit, because the topic that keeps their offsets is offline."""
    offline = sum(p.offline for p in partitions if p.topic == OFFSETS_TOPIC)
    if not offline:
        return None
    return Finding(
        metric="kafka_partitions_offline",
        status=Status.CRITICAL,
        message=f"Consumers cannot commit: {OFFSETS_TOPIC} has partitions without a leader ({offline}).",
        hint="Start the brokers that hold this topic before any other.",
        value=float(offline),
        threshold=0.0,
        labels=labels(topic=OFFSETS_TOPIC),
    )


def silent_bootstrap(failures: Mapping[str, str]) -> list[Finding]:
    """A finding for each bootstrap server that does not answer while another does."""
    return [
        Finding(
            metric="kafka_brokers",
            status=Status.WARNING,
            message=f"Of the bootstrap servers {address} cannot be used: {reason}",
            hint="Another one answers, so nothing is lost yet: start this broker, or take it out of bootstrap.",
            labels=labels(address=address),
        )
        for address, reason in sorted(failures.items())
    ]


def tables(snapshot: Snapshot, moved: Moved, seen: Seen) -> dict[str, Table]:
    """Topics, groups and brokers as a page shows them; None where the broker does not tell."""
    found = {
        "brokers": Table(
            ("id", "address", "rack", "controller", "state", "partitions", "leads"), broker_rows(snapshot, seen)
        ),
        "topics": topics.topic_table(snapshot, moved),
        "partitions": topics.partition_table(snapshot),
    }
    if snapshot.quorum is not None:
        rows = tuple((node.id, role(node, snapshot), node.behind, node.behind_s) for node in snapshot.quorum.nodes)
        found["quorum"] = Table(("node", "role", "behind_records", "behind_seconds"), rows)
    if snapshot.storage is not None:
        disks = tuple(
            (disk.broker, disk.path, "failed" if disk.failed else "ok", disk.total_bytes, disk.usable_bytes)
            for disk in snapshot.storage.disks
        )
        found["disks"] = Table(("broker", "directory", "state", "total_bytes", "usable_bytes"), disks)
    return found | groups.tables(snapshot, moved)


SILENCE = {
    "refused": "refuses connections",
    "timeout": "does not answer",
    "dns_unknown": "has a name that cannot be resolved here",
    "dns_timeout": "has a name that the DNS server does not answer for",
}
"""What a broker does that cannot be reached, by the code of the failure."""


def silent_brokers(snapshot: Snapshot, failures: Mapping[int, str]) -> list[Finding]:
    """A finding for each broker that cannot be reached though the cluster has not noticed yet.

    Args:
        failures: codes of the failures, by the broker's number.
    """
    return [
        Finding(
            metric="kafka_brokers",
            status=Status.WARNING,
            message=f"Broker {broker.id} ({broker.address}) {SILENCE.get(failures[broker.id], 'cannot be reached')}"
            f"{_held(broker.id, snapshot.partitions)}.",
            hint="The cluster gives its partitions to others when it has missed it for long enough (9 s by default).",
            labels=labels(broker=str(broker.id)),
        )
        for broker in snapshot.alive
        if broker.id in failures
    ]


def _held(number: int, partitions: Iterable[Partition]) -> str:
    """What hangs on a broker while the cluster still counts its copies as in sync; nothing where it has none."""
    copies = [partition for partition in partitions if number in partition.in_sync]
    led = sum(partition.leader == number for partition in copies)
    return f"; partitions with a copy there: {len(copies)}, led by it: {led}" if copies else ""


def role(node: QuorumNode, snapshot: Snapshot) -> str:
    """What a node is in the quorum, in a word."""
    return "leader" if node.id == snapshot.controller else "voter" if node.voter else "observer"


def broker_rows(snapshot: Snapshot, seen: Seen) -> tuple[tuple[object, ...], ...]:
    """The lines of the brokers table: those there are, and those missing since less than a day."""
    told = {broker.id: broker for broker in snapshot.brokers}
    alive = {broker.id for broker in snapshot.alive}
    known = {number: broker for number, (broker, _) in seen.items()} | told
    holds = Counter(node for partition in snapshot.partitions for node in partition.replicas)
    leads = Counter(partition.leader for partition in snapshot.partitions)
    return tuple(
        (
            number,
            broker.address,
            broker.rack or "",
            number == snapshot.controller,
            "up" if number in alive else "down",
            holds[number],
            leads[number],
        )
        for number, broker in sorted(known.items())
    )


def left_out(moved: Moved) -> list[str]:
    """What is not followed because there is too much of it."""
    if not moved.unfollowed:
        return []
    return [f"the evaluation of {moved.unfollowed} partitions of groups (only {MOST_POSITIONS} are followed)"]


def facts(snapshot: Snapshot) -> dict[str, str]:
    """The cluster's names."""
    if snapshot.controller < 0:
        controller = "none"
    elif snapshot.quorum is not None:
        controller = f"node {snapshot.controller} (leader of the KRaft quorum)"
    else:
        controller = f"node {snapshot.controller} (as a broker says; with KRaft that is any live broker)"
    brokers = ", ".join(broker.address for broker in snapshot.alive[:20])
    named = {"cluster id": snapshot.cluster_id or "not told", "brokers": brokers, "controller": controller}
    return named | topics.risk_facts(snapshot)


def summarise(snapshot: Snapshot, moved: Moved) -> str:
    """The cluster in one short phrase."""
    count = len(snapshot.topics)
    parts = [f"{count} topic{'' if count == 1 else 's'}"]
    if moved.topic_rates:
        parts.append(f"{humanize(sum(moved.topic_rates.values()), 'messages')} messages/s")
    if snapshot.groups and snapshot.lag_known:
        parts.append(f"lag {humanize(groups.total_lag(moved), 'messages')}")
    age = groups.oldest(position for positions in moved.positions.values() for position in positions)
    if age is not None and age.seconds >= BEHIND_S:
        parts.append(f"{'at least ' if age.at_least else ''}{humanize_duration(round(age.seconds))} behind")
    return ", ".join(parts)
