"""The rows a Kafka page shows of one topic or of one consumer group. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from probes.result import Table

Row = Mapping[str, Any]
PLACE = ("state", "leader", "replicas", "in_sync")
TOPIC_PARTITIONS = ("partition", *PLACE, "end")
TOPIC_GROUPS = ("group", "partition", "evaluation", "committed", "end", "lag_messages", "lag_seconds", "member")
GROUP_PARTITIONS = (
    "topic",
    "partition",
    "evaluation",
    "lag_messages",
    "lag_seconds",
    "unmoved_seconds",
    "committed",
    "end",
    "member",
    *PLACE,
)


def rows(table: Table | None) -> list[Row]:
    """A table's rows by column."""
    return [] if table is None else [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def only(columns: tuple[str, ...], found: Iterable[Row]) -> Table:
    """Some columns of some rows; a column a row lacks stays empty."""
    return Table(columns, tuple(tuple(row.get(column) for column in columns) for row in found))


def names(tables: Mapping[str, Table], of: str) -> list[str]:
    """Every topic or group there is, Kafka's own topics last.

    >>> names({"partitions": Table(("topic",), (("__consumer_offsets",), ("ticks",), ("ticks",)))}, "topic")
    ['ticks', '__consumer_offsets']
    """
    table = {"topic": "partitions", "group": "groups"}[of]
    found = {str(row[of]) for row in rows(tables.get(table))}
    return sorted(found, key=lambda name: (name.startswith("__"), name))


def of_topic(tables: Mapping[str, Table], topic: str) -> tuple[Table, Table]:
    """A topic's partitions, and where every group is in them, the furthest behind first."""
    partitions = [row for row in rows(tables.get("partitions")) if row["topic"] == topic]
    positions = [row for row in rows(tables.get("positions")) if row["topic"] == topic]
    positions.sort(key=lambda row: -(row["lag_messages"] or 0))
    return only(TOPIC_PARTITIONS, partitions), only(TOPIC_GROUPS, positions)


def of_group(tables: Mapping[str, Table], group: str) -> Table:
    """A group's partitions, each with its leader and copies, the furthest behind first."""
    places = {(row["topic"], row["partition"]): row for row in rows(tables.get("partitions"))}
    positions = [row for row in rows(tables.get("positions")) if row["group"] == group]
    positions.sort(key=lambda row: -(row["lag_messages"] or 0))
    joined = ({**places.get((row["topic"], row["partition"]), {}), **row} for row in positions)
    return only(GROUP_PARTITIONS, joined)


def topics_of(tables: Mapping[str, Table], group: str) -> list[str]:
    """The topics a group consumes."""
    return sorted({str(row["topic"]) for row in rows(tables.get("positions")) if row["group"] == group})


def groups_of(tables: Mapping[str, Table], topic: str) -> list[str]:
    """The groups that consume a topic."""
    return sorted({str(row["group"]) for row in rows(tables.get("positions")) if row["topic"] == topic})
