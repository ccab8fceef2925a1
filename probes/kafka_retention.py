"""Whether messages are deleted before the groups that want them have consumed them. Pure."""

from collections.abc import Mapping, Sequence

from probes.kafka_movement import Moved, Position
from probes.kafka_snapshot import Key, Partition, Snapshot, Storage, TopicSettings
from probes.kafka_topics import by_topic
from probes.result import Reading, labels


def readings(snapshot: Snapshot, moved: Moved) -> list[Reading]:
    """By group, the messages it has lost and how near it is to losing some."""
    grouped = by_topic(snapshot.partitions)
    found = []
    for name, positions in sorted(moved.positions.items()):
        if snapshot.starts is not None:
            lost = sum(max(0, snapshot.starts.get(p.key, 0) - p.committed) for p in positions if p.lag)
            found.append(Reading("kafka_group_lost_messages", float(lost), labels(group=name)))
        if snapshot.settings is not None:
            used = max((_used(p, snapshot, snapshot.settings, grouped) for p in positions), default=0.0)
            found.append(Reading("kafka_group_retention_used_ratio", used, labels(group=name)))
    return found


def _used(
    position: Position,
    snapshot: Snapshot,
    settings: Mapping[str, TopicSettings],
    grouped: Mapping[str, Sequence[Partition]],
) -> float:
    told = settings.get(position.key[0])
    if told is None or not told.deletes or not position.lag:
        return 0.0
    copies = sum(len(partition.replicas) for partition in grouped.get(position.key[0], ()))
    held_bytes = held(position.key[0], snapshot.storage, copies)
    unread = unread_share(position, snapshot.starts or {})
    return max(used_by_age(position, told), used_by_size(unread, held_bytes, told))


def used_by_age(position: Position, settings: TopicSettings) -> float:
    """Age of the oldest unread message as a share of the time messages are kept."""
    if position.age is None or not settings.retention_s:
        return 0.0
    return position.age.seconds / settings.retention_s


def used_by_size(unread: float | None, held_bytes: float | None, settings: TopicSettings) -> float:
    """Bytes unread as a share of the bytes kept, as if all messages were of one size.

    >>> used_by_size(0.5, 80.0, TopicSettings(retention_bytes=100)), used_by_size(0.5, None, TopicSettings())
    (0.4, 0.0)
    """
    if unread is None or held_bytes is None or not settings.retention_bytes:
        return 0.0
    return unread * held_bytes / settings.retention_bytes


def unread_share(position: Position, starts: Mapping[Key, int]) -> float | None:
    """Share of a partition's messages that wait for a group; None when not known."""
    start = starts.get(position.key)
    if start is None or position.end is None or not position.lag or position.end <= start:
        return None
    return min(1.0, position.lag / (position.end - start))


def held(topic: str, storage: Storage | None, copies: int) -> float | None:
    """Bytes of an average copy of an average partition; None when not told."""
    size = storage.topic_bytes.get(topic) if storage else None
    return None if size is None or not copies else size / copies
