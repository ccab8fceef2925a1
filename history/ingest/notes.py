"""How far each partition of a topic is taken in, noted in two places.

Kafka's note counts first: a commit is refused to a consumer that has lost the partition, so a range is named by one
consumer only. The row in ``progress`` is what remains when the group is deleted, or was away longer than Kafka keeps
its offsets (a week).
"""

from typing import Any

import pyarrow as pa
from clickhouse_connect.driver.client import Client
from kafka import OffsetAndMetadata, TopicPartition

from history.ingest.messages import Range, later, parse_range
from history.rows import insert


def place_of(partition: TopicPartition) -> str:
    """Topic and partition as sentences name them."""
    return f"{partition.topic}/{partition.partition}"


def source_of(partition: TopicPartition) -> str:
    """The partition's name in ``progress``, and the beginning of its tokens."""
    return f"kafka:{place_of(partition)}"


def note(consumer: Any, client: Client, database: str, partition: TopicPartition, noted: Range) -> None:
    """Note that `noted` is on its way, or written.

    The offset committed is the one to go on from, so Kafka's lag is that of the history.

    Raises:
        CommitFailedError, RebalanceInProgressError: the partition is another consumer's, which may have read the notes
            already: nothing must be written.
        KafkaError, ClickHouseError, OSError: it is not known whether it is noted.
    """
    source = source_of(partition)
    consumer.commit({partition: OffsetAndMetadata(noted.first, str(noted), -1)})
    offsets = {name: pa.array([value], pa.uint64()) for name, value in (("first", noted.first), ("last", noted.last))}
    insert(client, f"{database}.progress", pa.table({"source": [source], **offsets}), f"{source} {noted} noted")


def noted_last(consumer: Any, client: Client, database: str, partition: TopicPartition) -> Range | None:
    """The last note on a partition; None: there is none.

    Raises:
        KafkaError, ClickHouseError, OSError: a note could not be read; then nothing must be written.
    """
    committed = consumer.committed(partition, metadata=True)
    rows = client.query(
        f"SELECT first, last FROM {database}.progress WHERE source = {{source:String}} "
        "ORDER BY last DESC, first DESC LIMIT 1",
        parameters={"source": source_of(partition)},
    ).result_rows
    in_kafka = parse_range(committed.metadata or "") if committed else None
    return later(in_kafka, Range(*rows[0]) if rows else None)
