"""Three real brokers under load, and a component that watches them as the monitor does."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError

from probes.kafka import KIND, KafkaComponent
from probes.result import ProbeResult, Status
from probes.runner import Runner
from tests.fault_matrix import begun_s
from tests.kafka_broker import KafkaBroker, kafka_cluster
from tests.probes.listeners import eventually

INTERVAL_S = 1.0
DEADLINE_S = 2.0
WAIT_S = 30.0
EXTRA = """offsets.topic.replication.factor=3
min.insync.replicas=2
replica.lag.time.max.ms=1500
group.coordinator.rebalance.protocols=classic"""
TOPICS = {"ticks": {0: [3, 1, 2], 1: [1, 2, 3], 2: [2, 3, 1]}, "pair": {0: [3, 2]}}
"""``ticks`` with copies everywhere, ``pair`` with copies on the second and third broker only."""

Brokers = tuple[KafkaBroker, ...]
Heard = tuple[float, ProbeResult]
"""A result, and when it was told (monotonic)."""


@contextlib.contextmanager
def three_brokers(directory: Path) -> Iterator[Brokers]:
    """The brokers with `TOPICS`; the cluster misses a broker after a second (Kafka's default: nine)."""
    with kafka_cluster(directory, extra=EXTRA) as brokers:
        admin = KafkaAdminClient(bootstrap_servers=brokers[0].bootstrap)
        admin.create_topics(
            {topic: {"assignments": copies} for topic, copies in TOPICS.items()}, wait_for_metadata=True
        )
        admin.close()
        yield brokers


class Watched:
    """The results of a component that is looked at in its rhythm."""

    def __init__(self, bootstrap: str, interval_s: float = INTERVAL_S) -> None:
        component = KafkaComponent.model_validate({"kind": "kafka", "name": "three", "bootstrap": bootstrap})
        self.heard: list[Heard] = []
        self._interval_s = interval_s
        self._runner = Runner(component, KIND, DEADLINE_S, self._hear, clock=time.monotonic)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)
        self._thread.start()

    def _hear(self, result: ProbeResult) -> None:
        self.heard.append((time.monotonic(), result))

    def _tick(self) -> None:
        due_s = time.monotonic()
        while not self._stop.wait(0.01):
            if time.monotonic() >= due_s:
                self._runner.request()
                due_s += self._interval_s
            self._runner.expire()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._runner.stop()

    def after_now(self) -> ProbeResult:
        """The result of a look that began after now: one that is under way does not count."""
        now_s = time.monotonic()
        return self.first(lambda result: begun_s(result) > now_s, now_s)[1]

    def first(self, condition: Callable[[ProbeResult], bool], since_s: float) -> Heard:
        """The first result heard after `since_s` of which `condition` is true."""

        def found() -> Heard | None:
            return next((heard for heard in list(self.heard) if heard[0] > since_s and condition(heard[1])), None)

        assert eventually(lambda: found() is not None, WAIT_S), self.heard[-1][1]
        heard = found()
        assert heard
        return heard


@contextlib.contextmanager
def watching(bootstrap: str, interval_s: float = INTERVAL_S) -> Iterator[Watched]:
    watched = Watched(bootstrap, interval_s)
    try:
        yield watched
    finally:
        watched.close()


@contextlib.contextmanager
def load(bootstrap: str) -> Iterator[None]:
    """Messages to both topics for as long as the block runs, whatever becomes of them."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks=1, max_block_ms=100)
    stop = threading.Event()

    def produce() -> None:
        while not stop.wait(0.01):
            for topic in TOPICS:
                with contextlib.suppress(Exception):  # what a dying broker makes of a message is not the question
                    producer.send(topic, b"tick")

    thread = threading.Thread(target=produce, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        with contextlib.suppress(KafkaError):
            producer.close(timeout=2)


def known_s(bootstrap: str, alive: int, whole: bool = False) -> float:
    """When the cluster itself was found to know how many brokers are alive and, `whole`, has all copies in sync."""
    asked_s = [0.0]

    def known() -> bool:
        asked_s[0] = time.monotonic()
        with contextlib.suppress(Exception):  # it may be busy with an election
            admin = KafkaAdminClient(bootstrap_servers=bootstrap)
            try:
                up = sum(not broker["is_fenced"] for broker in admin.describe_cluster()["brokers"])
                return up == alive and (not whole or in_sync(admin))
            finally:
                admin.close()
        return False

    assert eventually(known, WAIT_S)
    return asked_s[0]


def in_sync(admin: KafkaAdminClient) -> bool:
    """Whether no partition lacks a copy."""
    partitions = [one for topic in admin.describe_topics() for one in topic["partitions"]]
    return all(len(one["isr_nodes"]) == len(one["replica_nodes"]) for one in partitions)


def said(result: ProbeResult) -> str:
    return " ".join([result.sentence, *(finding.message for finding in result.findings)])


def is_ok(result: ProbeResult) -> bool:
    return result.status is Status.OK and not result.unavailable


def names(broker: KafkaBroker) -> Callable[[ProbeResult], bool]:
    """Whether a result warns, or worse, of this broker by its address."""
    return lambda result: result.status.rank >= Status.WARNING.rank and broker.bootstrap in said(result)
