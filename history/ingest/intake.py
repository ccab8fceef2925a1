"""Takes samples from a Kafka topic into the history, each exactly once.

What `history.ingest.messages` says about a message decides what is in it. Here is the order that makes it once:

1. The range of offsets about to be written is committed to Kafka (as metadata of the offset before it) and noted in
   the table ``progress``. Kafka refuses the commit of a consumer that has lost the partition without knowing it: so a
   range is named by one consumer only, and the next one sees the name.
2. The samples are inserted under a token made of topic, partition and range.
3. It is noted that the range is written.

After a crash, a lost acknowledgement or a rebalance the noted range is read again and sent under the same token, which
ClickHouse writes once; then it goes on behind it. Any failure is dealt with in this way: forget all, read the notes.
"""

import hashlib
import logging
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from clickhouse_connect.driver.client import Client
from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import CommitFailedError, KafkaError, RebalanceInProgressError

import probes
from history.gate import WRITES
from history.ingest.messages import Batch, Message, Range, Start, batch_of, batches, samples_of, series_row, start_of
from history.ingest.notes import note, noted_last, place_of, source_of
from history.rows import SeriesKey, insert, samples_table, series_table
from history.store import Store, StoreUnavailable
from probes.catalogue import Metric
from probes.kafka_client import RECONNECT_MAX_MS, open_client
from probes.result import ProbeError

log = logging.getLogger(__name__)

POLL_S = 0.5
RETRY_S = 2.0
REQUEST_S = 10.0
SESSION_S = 10  # a consumer that was killed keeps its partitions from the others so long
MOST_MESSAGES = 20_000  # taken from Kafka before they are written
TOLD_AT_ONCE = 10  # refused messages of one batch that the log gets a sentence on
NOT_OURS = (CommitFailedError, RebalanceInProgressError)
"""The partition is another consumer's by now: no failure, whoever has it goes on."""


class IntakeError(Exception):
    """The topic cannot be taken in as it is; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class IntakeState:
    """What was done since the start: samples written, messages refused, and the last sentences on those.

    Attributes:
        lost: messages Kafka had deleted before they were taken in.
        error: why nothing is taken in now; empty while all is well.
    """

    written: int
    refused: int
    lost: int
    refusals: tuple[str, ...]
    error: str


@dataclass(slots=True)
class _Lane:
    """A partition of ours: the range noted but perhaps not written, and what was read of it again."""

    redo: Range | None = None
    read: list[Message] = field(default_factory=list)


class Intake(ConsumerRebalanceListener):
    """One consumer of a group. Any number of them, in any number of processes, share the topic's partitions.

    Args:
        store: started; inserts go where it leads.
        bootstrap: ``host:port`` of brokers.
        group: the consumer group; those who share a topic have one name, and no others.
        metrics: the catalogue, for units, kinds and precision.
        options: further ones of kafka-python's consumer, e.g. for TLS.

    Messages are gathered for ``history.flush`` seconds and then written, a batch a partition.
    """

    def __init__(
        self,
        store: Store,
        bootstrap: Sequence[str],
        topic: str,
        group: str = "tapewatch",
        metrics: Mapping[str, Metric] = probes.METRICS,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self._store = store
        self._bootstrap, self._topic, self._group = tuple(bootstrap), topic, group
        self._metrics = metrics
        self._options = dict(options or {})
        self._consumer: Any = None
        self._client: Client | None = None
        self._settled = False
        self._lanes: dict[TopicPartition, _Lane] = {}
        self._series: set[SeriesKey] = set()
        self._written = self._refused = 0
        self._gone: set[tuple[TopicPartition, Start]] = set()
        self._refusals: deque[str] = deque(maxlen=100)
        self._error = ""

    def state(self) -> IntakeState:
        """A snapshot, from any thread."""
        lost = sum(start.gone for _, start in list(self._gone))
        return IntakeState(self._written, self._refused, lost, tuple(self._refusals), self._error)

    def run(self, stop: threading.Event) -> None:
        """Take in what comes until `stop` is set; whatever is wrong meanwhile is told and tried again."""
        pause_s = 0.0
        while not stop.wait(pause_s):
            try:
                self.turn(self._store.settings.flush_s, stop)
                pause_s, self._error = 0.0, ""
            except NOT_OURS as exc:
                log.info("ingest: a partition went to another consumer: %s", exc)
                pause_s = 0.0
            except Exception as exc:  # what broke off is read from the notes and sent again
                self._tell(exc)
                pause_s = RETRY_S
        self.close()

    def turn(self, wait_s: float, stop: threading.Event | None = None) -> None:
        """Write what comes within `wait_s`.

        Raises:
            IntakeError: the topic is not there, or was made anew under its name.
            StoreUnavailable, ClickHouseError, KafkaError, OSError: calling again goes on from the notes.
        """
        if not self._store.state.ready:
            raise StoreUnavailable(self._store.state.error or ProbeError("starting", "The history is opening.", ""))
        try:
            self._client = self._client or self._store.connect()
            self._consumer = self._consumer or self._subscribed()
            for partition, messages in self._gathered(wait_s, stop or threading.Event()).items():
                self._take(partition, messages)
        except BaseException:
            self._lanes.clear()
            raise

    def _gathered(self, wait_s: float, stop: threading.Event) -> dict[TopicPartition, list[Message]]:
        come: dict[TopicPartition, list[Message]] = {}
        until_s = time.monotonic() + wait_s
        while True:
            left_s = until_s - time.monotonic()
            polled = self._consumer.poll(timeout_ms=max(0.0, min(POLL_S, left_s)) * 1000)
            if not self._settled:
                # A rebalance that outlasts a poll may be forgotten by kafka-python 3.0, which then waits for ever.
                self._consumer._coordinator.request_rejoin()
            ours = self._consumer.assignment() if self._settled else set()
            for partition in sorted(ours - set(self._lanes)):
                for read in (polled, come):  # from where the client thought; it is read again from where we are
                    read.pop(partition, None)
                self._lanes[partition] = self._resume(partition)
            for partition, messages in polled.items() if ours else ():
                come.setdefault(partition, []).extend(messages)
            if left_s <= 0 or stop.is_set() or sum(map(len, come.values())) >= MOST_MESSAGES:
                return {partition: messages for partition, messages in come.items() if partition in self._lanes}

    def close(self) -> None:
        """Leave the group; nothing that is half done is lost by it."""
        self._settled = False
        self._lanes.clear()
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with suppress(KafkaError, OSError):  # a broker that is away: the group forgets us after a while
                consumer.close(autocommit=False, timeout_ms=REQUEST_S * 1000)
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def on_partitions_revoked(self, *_: Any) -> None:
        """Called by the client inside of its poll: until others are given, nothing is ours.

        A rebalance may outlast the poll. The client would commit in the name of the group's new generation by then,
        for partitions of the old one.
        """
        self._settled = False
        self._lanes.clear()

    on_partitions_lost = on_partitions_revoked

    def on_partitions_assigned(self, *_: Any) -> None:
        """Called by the client inside of its poll; the notes are read after it, where a failure is not swallowed."""
        self._settled = True
        self._lanes.clear()

    def _subscribed(self) -> Any:
        ours = {
            "bootstrap_servers": list(self._bootstrap),
            "group_id": self._group,
            "client_id": "tapewatch-ingest",
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "isolation_level": "read_committed",
            "allow_auto_create_topics": False,
            "max_poll_records": 5000,
            "session_timeout_ms": SESSION_S * 1000,
            "metadata_max_age_ms": 30_000,
            "bootstrap_timeout_ms": REQUEST_S * 1000,
            "reconnect_backoff_max_ms": RECONNECT_MAX_MS,
        }
        consumer = open_client(KafkaConsumer, REQUEST_S, **ours, **self._options)
        if not consumer.partitions_for_topic(self._topic):
            consumer.close(autocommit=False)
            raise IntakeError(
                f'Kafka at {", ".join(self._bootstrap)} has no topic "{self._topic}": create it, or give its name.'
            )
        consumer.subscribe([self._topic], listener=self)
        return consumer

    def _resume(self, partition: TopicPartition) -> _Lane:
        """Read the notes and put the consumer where they say."""
        assert self._client is not None
        first: int = self._consumer.beginning_offsets([partition])[partition]
        end: int = self._consumer.end_offsets([partition])[partition]
        noted = noted_last(self._consumer, self._client, self._store.database, partition)
        if noted and noted.last >= end:
            raise IntakeError(
                f"{place_of(partition)} ends before offset {end}, but offsets up to {noted.last} were taken from it: "
                "it was made anew. Give it another name, or the tokens of the old offsets keep its samples out."
            )
        start = start_of(noted, first)
        if start.gone and (partition, start) not in self._gone:
            self._gone.add((partition, start))
            place = place_of(partition)
            log.warning("ingest: Kafka deleted %d messages of %s before they were taken in", start.gone, place)
        self._consumer.seek(partition, start.at)
        return _Lane(start.redo)

    def _take(self, partition: TopicPartition, messages: Sequence[Message]) -> None:
        lane, place = self._lanes[partition], place_of(partition)
        if lane.redo is not None:
            last = lane.redo.last
            lane.read += [message for message in messages if message.offset <= last]
            messages = [message for message in messages if message.offset > last]
            if not messages and self._consumer.position(partition) <= last:
                return
            with WRITES.batch():
                self._write(partition, batch_of(place, lane.read, lane.redo))
            self._lanes[partition] = _Lane()
        for batch in batches(place, messages):
            with WRITES.batch():
                self._note(partition, batch.range)
                self._write(partition, batch)

    def _note(self, partition: TopicPartition, noted: Range) -> None:
        assert self._client is not None
        note(self._consumer, self._client, self._store.database, partition, noted)

    def _write(self, partition: TopicPartition, batch: Batch) -> None:
        """Insert a batch whose range is noted, the new series first."""
        assert self._client is not None
        database, token = self._store.database, f"{source_of(partition)} {batch.range}"
        new = {one.key for one in batch.measured} - self._series
        if new:
            rows = [series_row(key, self._metrics) for key in sorted(new, key=lambda key: key.id)]
            # Named by what it holds: a consumer that did not know these series yet sends more under the same range.
            content = hashlib.blake2b(repr(rows).encode(), digest_size=16).hexdigest()
            insert(self._client, f"{database}.series", series_table(rows), content)
            self._series |= new
        for number, samples in enumerate(samples_of(batch.measured, self._metrics)):
            insert(self._client, f"{database}.samples", samples_table(samples), f"{token} {number}")
        self._note(partition, batch.range.after)
        self._written += len(batch.measured)
        self._refuse(batch.refused)

    def _refuse(self, sentences: Sequence[str]) -> None:
        self._refused += len(sentences)
        self._refusals.extend(sentences)
        for sentence in sentences[:TOLD_AT_ONCE]:
            log.warning("ingest: %s", sentence)
        if len(sentences) > TOLD_AT_ONCE:
            log.warning("ingest: %d more of that batch are refused", len(sentences) - TOLD_AT_ONCE)

    def _tell(self, exc: Exception) -> None:
        if isinstance(exc, IntakeError | KafkaError):
            said = str(exc) if isinstance(exc, IntakeError) else f"Kafka does not answer as it should: {exc}"
            self.close()
        else:
            error = self._store.report(exc)
            said = f"{error.message} {error.hint}"
            client, self._client = self._client, None
            if client is not None:
                client.close()
        if said != self._error:
            log.warning("ingest: %s", said)
        self._error = said
