"""Three real brokers, of which some are killed under load: what is said, and how soon."""

import time
from collections.abc import Iterator

import pytest

from probes import kafka as probe_module
from probes.result import ProbeResult, Status
from tests.fault_bounds import Measured, Promise
from tests.fault_matrix import TRIES
from tests.kafka_broker import KafkaBroker, require_kafka
from tests.kafka_watched import (
    DEADLINE_S,
    INTERVAL_S,
    Brokers,
    Watched,
    is_ok,
    known_s,
    load,
    names,
    said,
    three_brokers,
    watching,
)  # fmt: skip

SOON_S = Promise(INTERVAL_S, DEADLINE_S).recovery_s
"""The interval and a second: for what the monitor sees by itself from the kill, else from when the cluster knows it."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brokers]:
    require_kafka()
    with three_brokers(tmp_path_factory.mktemp("cluster")) as brokers:
        yield brokers


def killed(watched: Watched, cluster: Brokers, victim: KafkaBroker, alive: int, metric: str) -> list[Measured]:
    """Kill a broker: it is named by its own silence, what Kafka makes of it when Kafka has made it."""
    began_s = time.monotonic()
    victim.kill()
    named_s, _ = watched.first(names(victim), began_s)
    known = known_s(cluster[0].bootstrap, alive)
    counted_s, _ = watched.first(lambda result: (result.value(metric) or 0) > 0, began_s)
    return [
        Measured("detection", f"broker {victim.node} named after its kill", named_s - began_s, SOON_S),
        Measured("detection", f"{metric} after the cluster knew", max(0.0, counted_s - known), SOON_S),
    ]


def three_two_one_three(watched: Watched, cluster: Brokers) -> list[Measured]:
    """Two of three brokers are killed, one after the other, and started again."""
    first, second, third = cluster
    taken = killed(watched, cluster, third, 2, "kafka_partitions_under_replicated")
    without_third(watched.after_now(), third)
    taken += killed(watched, cluster, second, 1, "kafka_partitions_offline")
    without_second(watched.after_now(), second, third)
    for broker in (second, third):
        broker.launch()
    whole_s = known_s(first.bootstrap, 3, whole=True)
    ok_s, back = watched.first(is_ok, whole_s)
    assert back.value("kafka_brokers") == 3
    assert back.value("kafka_partitions_under_replicated") == 0
    return [*taken, Measured("recovery", "ok after the cluster was whole", ok_s - whole_s, SOON_S)]


def without_third(one: ProbeResult, third: KafkaBroker) -> None:
    assert f"Missing brokers: 3 ({third.bootstrap})" in said(one)
    assert one.status is Status.CRITICAL, "pair has one copy left and wants two"
    assert "Partitions with fewer copies in sync than they should have" in said(one)
    assert "Partitions below min.insync.replicas: 1." in said(one)
    assert one.value("kafka_partitions_offline") == 0
    states = {(row[0], row[1]): row[2] for row in one.tables["partitions"].rows}
    assert states["ticks", 0] == "under-replicated"
    assert states["pair", 0] == "below min.insync"


def without_second(two: ProbeResult, second: KafkaBroker, third: KafkaBroker) -> None:
    assert two.status is Status.CRITICAL
    assert f"2 ({second.bootstrap}), 3 ({third.bootstrap})" in said(two)
    assert "Partitions without a leader: 1." in said(two)
    assert next(row for row in two.tables["topics"].rows if row[0] == "pair")[3] == 1


@pytest.mark.kafka
def test_brokers_are_killed_under_load_and_come_back(cluster: Brokers, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is late and nothing else is tried again, twice at most: a busy machine is not late each time."""
    monkeypatch.setattr(probe_module, "_movements", {})
    first = cluster[0]
    with load(first.bootstrap), watching(first.bootstrap) as watched:
        _, healthy = watched.first(is_ok, 0)
        assert [row[2] for row in healthy.tables["brokers"].rows] == ["rack-1", "rack-2", "rack-3"]
        assert healthy.value("kafka_brokers") == 3
        assert healthy.value("kafka_topics_one_copy") == healthy.value("kafka_topics_one_rack") == 0
        tries: list[list[Measured]] = []
        while not tries or (any(taken.is_late for taken in tries[-1]) and len(tries) < TRIES):
            tries.append(three_two_one_three(watched, cluster))
    told = [f"{taken.what}: {taken.took_s:.2f} s" for each in tries for taken in each]
    print("\n".join(told))
    assert not any(taken.is_late for taken in tries[-1]), told
