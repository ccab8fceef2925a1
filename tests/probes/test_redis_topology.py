"""Replication, Sentinel and Cluster against real processes, and as a table of cases."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis as client_library

from probes import redis_topology as topology
from probes.redis_metrics import METRICS
from probes.result import Collected, Status, labels
from tests.probes.listeners import eventually
from tests.probes.test_redis import probe, values
from tests.probes.test_redis_decisions import judged
from tests.probes.test_redis_states import talking_to
from tests.redis_process import RedisProcess, redis_process, sentinel_process

MASTER = "tape-primary"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RedisProcess, RedisProcess]]:
    """A primary and its replica, in step."""
    quick = ("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1")
    with redis_process(tmp_path_factory.mktemp("primary"), *quick) as primary:
        following = ("--replicaof", "127.0.0.1", str(primary.port))
        with redis_process(tmp_path_factory.mktemp("replica"), *following) as replica, talking_to(replica) as user:
            assert eventually(lambda: user.info("replication")["master_link_status"] == "up", within_s=10)
            yield primary, replica


def read(address: str) -> Collected:
    with contextlib.closing(probe(address)) as reading:
        return reading.collect()


def statuses(collected: Collected) -> dict[str, Status]:
    assert set(values(collected)) <= {metric.name for metric in METRICS}
    readings = [reading for reading in collected.readings if reading.metric != "redis_ping_seconds"]  # the machine's
    return {finding.metric: finding.status for finding in judged(readings, 60)}


def test_a_primary_and_its_replica(pair: tuple[RedisProcess, RedisProcess]) -> None:
    primary, replica = pair
    with talking_to(primary) as user, talking_to(replica) as wrong:
        user.set("order", "1")
        assert eventually(lambda: values(read(primary.address))["redis_replicas_syncing"] == 0)
        with contextlib.closing(probe(replica.address)) as lasting:
            lasting.collect()
            with pytest.raises(client_library.exceptions.ReadOnlyError):
                wrong.set("order", "2")
            told = lasting.collect()
        above = read(primary.address)
    name = f"127.0.0.1:{replica.port}"
    assert {r.metric for r in above.readings if r.labels == labels(replica=name)} == {
        "redis_replica_lag_bytes",
        "redis_replica_lag_seconds",
        "redis_replica_backlog_ratio",
    }
    assert above.tables["replicas"].rows[0][:2] == (name, "online")
    assert statuses(above) == {}
    assert values(told)["redis_replication_link_up"] == 1
    assert told.facts["writes"] == f"refused (READONLY): the primary is 127.0.0.1:{primary.port}"
    assert statuses(told) == {"redis_refused_commands_total": Status.WARNING}


def test_a_sentinel_tells_of_its_masters(pair: tuple[RedisProcess, RedisProcess], tmp_path: Path) -> None:
    primary, replica = pair
    with sentinel_process(tmp_path, MASTER, primary.port, quorum=1) as sentinel:
        assert eventually(lambda: values(read(sentinel.address)).get("redis_sentinel_replicas") == 1, within_s=10)
        healthy = read(sentinel.address)
        with talking_to(sentinel) as user:
            user.execute_command("SENTINEL", "SET", MASTER, "quorum", "3")
        lonely = read(sentinel.address)
    assert healthy.summary == "sentinel of 1 master"
    assert healthy.facts["mode"] == "sentinel"
    assert healthy.unavailable == []
    assert statuses(healthy) == {}
    row = dict(zip(healthy.tables["sentinel masters"].columns, healthy.tables["sentinel masters"].rows[0], strict=True))
    assert (row["master"], row["address"], row["state"]) == (MASTER, primary.address, "up")
    assert (row["quorum"], row["sentinels"], row["replicas"]) == (1, 1, 1)
    assert healthy.tables["sentinel replicas"].rows[0][1] == replica.address
    assert statuses(lonely) == {"redis_sentinel_quorum_ok": Status.CRITICAL}
    assert "NOQUORUM" in str(lonely.tables["sentinel masters"].rows)


def test_a_sentinel_whose_master_is_gone(tmp_path: Path) -> None:
    with sentinel_process(tmp_path, MASTER, 1, quorum=1) as sentinel:
        assert eventually(lambda: values(read(sentinel.address)).get("redis_sentinel_master_down") == 2, within_s=10)
        gone = read(sentinel.address)
    assert statuses(gone)["redis_sentinel_master_down"] == Status.CRITICAL
    assert "down by agreement" in str(gone.tables["sentinel masters"].rows)


def test_a_cluster_without_and_with_all_its_slots(tmp_path: Path) -> None:
    with redis_process(tmp_path, "--cluster-enabled", "yes") as running, talking_to(running) as user:
        down = read(running.address)
        user.execute_command("CLUSTER", "ADDSLOTSRANGE", "0", "16382")
        assert eventually(lambda: values(read(running.address))["redis_cluster_slots_unassigned"] == 1)
        user.execute_command("CLUSTER", "ADDSLOTSRANGE", "16383", "16383")
        assert eventually(lambda: values(read(running.address))["redis_cluster_ok"] == 1, within_s=10)
        whole = read(running.address)
    assert statuses(down) == {"redis_cluster_ok": Status.CRITICAL, "redis_cluster_slots_unassigned": Status.WARNING}
    assert values(down)["redis_serving_ok"] == 0
    assert statuses(whole) == {}
    assert values(whole)["redis_serving_ok"] == 1
    assert values(whole)["redis_cluster_slots_ok"] == 16384
    assert values(whole)["redis_cluster_nodes"] == 1
    assert whole.tables["cluster nodes"].rows[0][1:] == ("primary (this one)", "up", "connected", 16384)


PRIMARY: dict[str, Any] = {
    "role": "master",
    "master_repl_offset": 3_000_000,
    "repl_backlog_size": 1_048_576,
    "slave0": {"ip": "10.0.0.2", "port": 6379, "state": "online", "offset": 3_000_000, "lag": 0},
}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, {}),
        ({"lag": 20}, {"redis_replica_lag_seconds": Status.WARNING}),
        ({"lag": 40}, {"redis_replica_lag_seconds": Status.CRITICAL}),
        ({"offset": 2_400_000}, {"redis_replica_backlog_ratio": Status.WARNING}),
        ({"offset": 1_000_000}, {"redis_replica_backlog_ratio": Status.CRITICAL}),
        ({"state": "send_bulk", "offset": 0, "lag": 0}, {}),  # a first copy is no lag
    ],
)
def test_a_replica_that_falls_behind(change: dict[str, Any], found: dict[str, Status]) -> None:
    info = {**PRIMARY, "slave0": {**PRIMARY["slave0"], **change}}
    findings = judged(topology.replication(info), 60)
    assert {finding.metric: finding.status for finding in findings} == found
    assert all("10.0.0.2:6379" in finding.message for finding in findings)


def test_replication_lag_only_with_a_link() -> None:
    info = {"role": "slave", "master_link_status": "up", "master_last_io_seconds_ago": 12}
    found = {reading.metric: reading.value for reading in topology.replication(info)}
    assert found["redis_replication_lag_seconds"] == 12
    alone = topology.replication({**info, "master_last_io_seconds_ago": -1})
    assert "redis_replication_lag_seconds" not in {reading.metric for reading in alone}


NODES = b"""07c37df 10.0.0.4:6379@16379,host4 slave,fail e7d1eec 0 1426238317239 4 connected
67ed2db 10.0.0.2:6379@16379,host2 master,fail? - 0 1426238316232 2 disconnected 5461-10922
e7d1eec 10.0.0.1:6379@16379,host1 myself,master - 0 0 1 connected 0-5460 [93-<-292f8b3]
"""


def test_nodes_of_a_cluster_that_fail() -> None:
    nodes = topology.cluster_nodes(NODES)
    fields = topology.cluster_fields(
        b"cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_pfail:5462\r\ncluster_slots_fail:3\r\n"
    )
    findings = judged(topology.cluster(fields, nodes), 60)
    assert {finding.metric: finding.status for finding in findings} == {
        "redis_cluster_slots_pfail": Status.WARNING,
        "redis_cluster_slots_fail": Status.CRITICAL,
        "redis_cluster_nodes_failing": Status.WARNING,
    }
    rows = topology.node_table(nodes).rows
    assert [row[2] for row in rows] == ["failing here", "failed", "up"]
    assert rows[2] == ("10.0.0.1:6379", "primary (this one)", "up", "connected", 5461)


def test_a_node_that_met_nobody_does_not_know_its_own_address() -> None:
    nodes = topology.cluster_nodes(b"e7d1eec :7000@17000 myself,master - 0 0 0 connected\n")
    assert topology.node_table(nodes).rows == (("?:7000", "primary (this one)", "up", "connected", 0),)
    findings = judged(topology.cluster(topology.cluster_fields(b"cluster_slots_assigned:16383\r\n"), nodes), 60)
    assert "1 slot belongs to no node." in {finding.message for finding in findings}
