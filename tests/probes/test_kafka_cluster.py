"""Three real brokers, of which some are killed under load."""

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError

from probes import kafka as probe_module
from probes.kafka import KIND, KafkaComponent
from probes.result import ProbeResult, Status
from probes.runner import Runner
from tests.kafka_broker import KafkaBroker, kafka_cluster, require_kafka
from tests.probes.listeners import eventually

INTERVAL_S = 0.5
WAIT_S = 30.0
EXTRA = """offsets.topic.replication.factor=3
min.insync.replicas=2
replica.lag.time.max.ms=1500
group.coordinator.rebalance.protocols=classic"""

Brokers = tuple[KafkaBroker, ...]


class Watched:
    """The results of a component that is looked at every `INTERVAL_S`."""

    def __init__(self, bootstrap: str) -> None:
        component = KafkaComponent.model_validate({"kind": "kafka", "name": "three", "bootstrap": bootstrap})
        self.results: list[ProbeResult] = []
        self._runner = Runner(component, KIND, 2.0, self.results.append)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)
        self._thread.start()

    def _tick(self) -> None:
        while not self._stop.wait(INTERVAL_S):
            self._runner.expire()
            self._runner.request()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._runner.stop()

    def next_look(self) -> ProbeResult:
        """The result of a look that began after now: one that is under way does not count."""
        seen = len(self.results)
        assert eventually(lambda: len(self.results) > seen + 1, WAIT_S)
        return self.results[seen + 1]

    def becomes(self, condition: Callable[[ProbeResult], bool]) -> ProbeResult:
        seen = len(self.results)
        assert eventually(lambda: any(map(condition, self.results[seen:])), WAIT_S), self.results[-1]
        return next(result for result in self.results[seen:] if condition(result))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brokers]:
    """``ticks`` with copies everywhere, ``pair`` with copies on the second and third broker only."""
    require_kafka()
    with kafka_cluster(tmp_path_factory.mktemp("cluster"), extra=EXTRA) as brokers:
        admin = KafkaAdminClient(bootstrap_servers=brokers[0].bootstrap)
        admin.create_topics(
            {
                "ticks": {"assignments": {0: [3, 1, 2], 1: [1, 2, 3], 2: [2, 3, 1]}},
                "pair": {"assignments": {0: [3, 2]}},
            },
            wait_for_metadata=True,
        )
        admin.close()
        yield brokers


@contextlib.contextmanager
def load(bootstrap: str) -> Iterator[None]:
    """Messages to both topics for as long as the block runs, whatever becomes of them."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks=1, max_block_ms=100)
    stop = threading.Event()

    def produce() -> None:
        while not stop.wait(0.01):
            for topic in ("ticks", "pair"):
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


@contextlib.contextmanager
def watching(bootstrap: str) -> Iterator[Watched]:
    watched = Watched(bootstrap)
    try:
        yield watched
    finally:
        watched.close()


def known(bootstrap: str, alive: int) -> bool:
    """Whether the cluster itself knows how many of its brokers are alive."""
    with contextlib.suppress(Exception):  # it may be busy with an election
        admin = KafkaAdminClient(bootstrap_servers=bootstrap)
        try:
            told = admin.describe_cluster()["brokers"]
            return sum(not broker["is_fenced"] for broker in told) == alive
        finally:
            admin.close()
    return False


def said(result: ProbeResult) -> str:
    return " ".join([result.sentence, *(finding.message for finding in result.findings)])


def is_ok(result: ProbeResult) -> bool:
    return result.status is Status.OK and not result.unavailable


@pytest.mark.kafka
def test_brokers_are_killed_under_load_and_come_back(cluster: Brokers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_module, "_movements", {})
    first, second, third = cluster
    with load(first.bootstrap), watching(first.bootstrap) as watched:
        healthy = watched.becomes(is_ok)
        assert [row[2] for row in healthy.tables["brokers"].rows] == ["rack-1", "rack-2", "rack-3"]
        assert healthy.value("kafka_brokers") == 3
        assert healthy.value("kafka_topics_one_copy") == healthy.value("kafka_topics_one_rack") == 0

        third.kill()
        noticed = watched.next_look()
        assert noticed.status.rank >= Status.WARNING.rank
        assert third.bootstrap in said(noticed), "its socket says so before the cluster does"
        assert eventually(lambda: known(first.bootstrap, 2), WAIT_S)
        one = watched.next_look()
        assert f"Missing brokers: 3 ({third.bootstrap})" in said(one)
        assert one.status is Status.CRITICAL, "pair has one copy left and wants two"
        assert "Partitions with fewer copies in sync than they should have" in said(one)
        assert "Partitions below min.insync.replicas: 1." in said(one)
        assert one.value("kafka_partitions_offline") == 0
        states = {(row[0], row[1]): row[2] for row in one.tables["partitions"].rows}
        assert states["ticks", 0] == "under-replicated"
        assert states["pair", 0] == "below min.insync"

        second.kill()
        assert eventually(lambda: known(first.bootstrap, 1), WAIT_S)
        two = watched.next_look()
        assert two.status is Status.CRITICAL
        assert f"2 ({second.bootstrap}), 3 ({third.bootstrap})" in said(two)
        assert "Partitions without a leader: 1." in said(two)
        assert next(row for row in two.tables["topics"].rows if row[0] == "pair")[3] == 1

        for broker in (second, third):
            broker.launch()
        back = watched.becomes(is_ok)
        assert back.value("kafka_brokers") == 3
        assert back.value("kafka_partitions_under_replicated") == 0
