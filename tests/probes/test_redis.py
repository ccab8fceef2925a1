import contextlib
import re
import signal
import socket
import threading
from collections.abc import Iterator
from os import kill
from pathlib import Path
from typing import Any

import pytest
import redis as client_library
from pydantic import ValidationError
from redis.backoff import NoBackoff
from redis.retry import Retry

import probes.redis as module
from probes.dns import Resolver
from probes.redis import KIND, RedisComponent, RedisProbe
from probes.redis_metrics import METRICS
from probes.result import Collected, ProbeFailure, ProbeResult, Status
from probes.runner import Runner
from tests import faults
from tests.probes.listeners import Behaviour, descriptors, eventually, listening
from tests.probes.test_redis_decisions import judged
from tests.redis_process import RedisProcess, redis_process


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    options = ("--slowlog-log-slower-than", "0", "--maxclients", "20")
    with redis_process(tmp_path_factory.mktemp("redis"), *options) as running:
        yield running


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    options = ["--requirepass", "right horse", "--user", "pinger", "on", ">pinging-horse", "-@all", "+ping"]
    options += ["--user", "switched-off", "off", ">right horse", "+@all"]
    with redis_process(tmp_path_factory.mktemp("locked"), *options) as running:
        yield running


def component(address: str, user: str = "", scheme: str = "redis") -> RedisComponent:
    return RedisComponent.model_validate({"kind": "redis", "name": "redis", "url": f"{scheme}://{user}{address}"})


def probe(address: str, user: str = "", deadline_s: float = 2.0, scheme: str = "redis") -> RedisProbe:
    return RedisProbe(component(address, user, scheme), deadline_s)


def failure(refused: RedisProbe) -> ProbeFailure:
    with contextlib.closing(refused), pytest.raises(ProbeFailure) as caught:
        refused.collect()
    return caught.value


def expired(runner: Runner) -> bool:
    runner.expire()
    return True


def values(collected: Collected) -> dict[str, float]:
    return {reading.metric: reading.value for reading in collected.readings}


def saying(reply: bytes) -> Behaviour:
    """A server that gives the same answer to every command."""

    def behave(client: socket.socket, stop: threading.Event) -> None:
        while asked := client.recv(65536):
            client.sendall(reply * len(re.findall(rb"\*\d+\r\n", asked)))

    return behave


def test_a_healthy_server_is_read_completely(server: RedisProcess) -> None:
    with client_library.Redis(port=server.port) as user, contextlib.closing(probe(server.address)) as healthy:
        user.flushall()
        user.set("order:1", "secret-value", ex=1000)
        first = healthy.collect()
        user.get("order:1")
        user.get("nothing")
        second = healthy.collect()
    assert "redis_commands_per_second" not in values(first)
    found = values(second)
    assert found["redis_keys"] == 1
    assert found["redis_hits_ratio"] == 0.5
    assert found["redis_commands_per_second"] > 0
    assert found["redis_slow_commands_per_minute"] > 0
    assert found["redis_rejected_connections_total"] == 0
    assert 0 < found["redis_ping_seconds"] < 1
    assert found["redis_clients"] == 2
    assert second.facts["role"] == "primary"
    assert second.facts["version"].count(".") == 2
    assert second.unavailable == []
    assert found["redis_command_p99_seconds"] >= found["redis_command_p50_seconds"] > 0
    assert found["redis_command_mean_seconds"] > 0
    assert found["redis_slowest_command_seconds"] > 0
    assert found["redis_db_keys"] == found["redis_db_expiring_keys"] == 1
    assert found["redis_refused_commands_total"] == 0
    assert {"get", "set", "flushall"} <= {row[0] for row in second.tables["commands"].rows}
    assert "ping" not in {row[0] for row in second.tables["commands"].rows}
    assert second.tables["keyspace"].rows[0][:3] == ("db0", 1, 1)
    assert any(row[0] == "GET nothing" for row in second.tables["slow log"].rows)
    assert "secret-value" not in str(second)
    assert judged([r for r in second.readings if "slow" not in r.metric and r.metric != "redis_ping_seconds"]) == []


def test_everything_read_is_in_the_catalogue(server: RedisProcess) -> None:
    with contextlib.closing(probe(server.address)) as healthy:
        healthy.collect()
        names = set(values(healthy.collect()))
    assert names <= {metric.name for metric in METRICS}


@pytest.mark.parametrize(
    ("fault", "code", "says"),
    [
        ("refused", "refused", "refuses connections"),
        ("dropped", "timeout", "did not accept"),
        ("hanging", "timeout", "did not answer"),
        ("garbage", "wrong_protocol", "does not speak"),
        ("closing", "closed", "closed the connection"),
    ],
)
def test_each_fault_has_its_own_words(fault: str, code: str, says: str) -> None:
    with faults.FAULTS[fault]() as address:
        error = failure(probe(address, deadline_s=0.4)).error
    assert (error.code, error.status) == (code, Status.CRITICAL)
    assert says in error.message
    assert address in error.message
    assert error.hint


@pytest.mark.parametrize(
    ("reply", "code", "status"),
    [
        (b"-LOADING Redis is loading the dataset in memory\r\n", "loading", Status.WARNING),
        (b"-BUSY Redis is busy running a script.\r\n", "busy", Status.CRITICAL),
        (b"-ERR unknown command\r\n", "refused_command", Status.CRITICAL),
        (b"-NOAUTH Authentication required.\r\n", "auth_required", Status.CRITICAL),
        (b"+HELLO\r\n", "wrong_protocol", Status.CRITICAL),
        (b":abc\r\n", "wrong_protocol", Status.CRITICAL),
    ],
)
def test_what_a_server_says_is_understood(reply: bytes, code: str, status: Status) -> None:
    with listening(saying(reply)) as address:
        error = failure(probe(address)).error
    assert (error.code, error.status) == (code, status)


def test_protected_mode_is_heard_although_the_server_hangs_up() -> None:
    def refuse(client: socket.socket, stop: threading.Event) -> None:
        client.sendall(b"-DENIED Redis is running in protected mode because ...\r\n")

    with listening(refuse) as address:
        assert failure(probe(address)).error.code == "protected_mode"


def test_dripping_is_reported_at_the_deadline_and_the_thread_ends_with_the_drip() -> None:
    published: list[ProbeResult] = []
    with faults.dripping_redis() as address:
        runner = Runner(component(address), KIND, 0.6, published.append)
        assert runner.request()
        assert eventually(lambda: expired(runner) and bool(published))
        assert runner.state().stuck_s is not None
    assert published[0].error is not None
    assert published[0].error.code == "timeout"
    assert eventually(lambda: runner.state().stuck_s is None)
    runner.stop()


@pytest.mark.parametrize(
    ("user", "code", "says"),
    [
        ("", "auth_required", "wants a password (NOAUTH)"),
        (":wrong@", "auth_failed", "(WRONGPASS)"),
        ("nobody:right%20horse@", "auth_failed", "(WRONGPASS)"),
        ("switched-off:right%20horse@", "auth_failed", "(WRONGPASS)"),
    ],
)
def test_credentials(locked: RedisProcess, user: str, code: str, says: str) -> None:
    error = failure(probe(locked.address, user)).error
    assert error.code == code
    assert says in error.message
    assert "wrong" not in error.message + error.hint


def test_a_password_nobody_asked_for(server: RedisProcess) -> None:
    error = failure(probe(server.address, ":needless@")).error
    assert error.code == "auth_failed"
    assert "has no password" in error.message


def test_the_right_password_works(locked: RedisProcess) -> None:
    with contextlib.closing(probe(locked.address, ":right%20horse@")) as healthy:
        assert values(healthy.collect())["redis_uptime_seconds"] >= 0


def test_what_the_user_may_not_read_is_no_fault(locked: RedisProcess) -> None:
    with contextlib.closing(probe(locked.address, "pinger:pinging-horse@")) as restricted:
        collected = restricted.collect()
    assert set(values(collected)) == {"redis_ping_seconds", "redis_serving_ok"}
    assert [phrase.split(" (")[0] for phrase in collected.unavailable] == ["INFO", "SLOWLOG GET", "LATENCY LATEST"]
    assert "grant +slowlog|get" in collected.unavailable[1]


def test_a_full_server_says_so_each_time(server: RedisProcess) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        with client_library.Redis(port=server.port, retry=Retry(NoBackoff(), 0)) as user:
            assert eventually(lambda: _refused(user))
        codes = {failure(probe(server.address)).error.code for _ in range(5)}
    assert codes == {"max_clients"}


def _refused(user: "client_library.Redis") -> bool:
    try:
        return not user.ping()
    except client_library.ConnectionError:
        return True


def test_a_replica_without_its_primary(tmp_path: Path) -> None:
    options = ("--replicaof", "127.0.0.1", "1", "--replica-serve-stale-data", "no")
    with redis_process(tmp_path, *options) as running, contextlib.closing(probe(running.address)) as replica:
        collected = replica.collect()
    assert collected.facts["role"] == "replica"
    assert "redis_replication_link_up" in [finding.metric for finding in judged(list(collected.readings))]


def test_memory_nearly_full(server: RedisProcess) -> None:
    with client_library.Redis(port=server.port) as user, contextlib.closing(probe(server.address)) as full:
        user.config_set("maxmemory", int(user.info("memory")["used_memory"] * 1.02))
        try:
            collected = full.collect()
        finally:
            user.config_set("maxmemory", 0)
    findings = judged(list(collected.readings))
    assert ("redis_memory_used_ratio", Status.CRITICAL) in [(finding.metric, finding.status) for finding in findings]


def test_one_probe_survives_restarts(tmp_path: Path) -> None:
    with redis_process(tmp_path) as running, contextlib.closing(probe(running.address)) as lasting:
        lasting.collect()
        assert "redis_commands_per_second" in values(lasting.collect())
        running.kill()
        with pytest.raises(ProbeFailure):
            lasting.ping()
        running.start()
        assert "redis_commands_per_second" not in values(lasting.collect())  # its counters began anew
        assert "redis_commands_per_second" in values(lasting.collect())
        running.kill()
        running.start()
        assert lasting.ping() > 0  # although the old connection is dead


def test_a_frozen_server_is_a_timeout(tmp_path: Path) -> None:
    with redis_process(tmp_path) as running, contextlib.closing(probe(running.address, deadline_s=0.5)) as lasting:
        lasting.collect()
        kill(running.pid, signal.SIGSTOP)
        try:
            assert failure(lasting).error.code == "timeout"
        finally:
            kill(running.pid, signal.SIGCONT)
        assert lasting.ping() > 0


def test_nothing_grows_over_100_failures(locked: RedisProcess) -> None:
    with faults.refused() as refused, faults.closing() as closing, faults.talking_garbage() as garbage:
        cases = [(refused, ""), (closing, ""), (garbage, ""), (locked.address, ":wrong@")]
        for address, user in cases:
            failure(probe(address, user))
        descriptors_before, threads_before = descriptors(), threading.active_count()
        for _ in range(25):
            for address, user in cases:
                failure(probe(address, user, deadline_s=0.2))
        assert eventually(lambda: threading.active_count() <= threads_before + 1)
        assert eventually(lambda: descriptors() <= descriptors_before + 2)


def test_a_silent_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    monkeypatch.setattr(module, "RESOLVER", Resolver(lambda host: str(answered.wait(5))))
    assert failure(probe("redis.example:6379", deadline_s=0.4)).error.code == "dns_timeout"
    answered.set()


@pytest.mark.parametrize("url", ["http://h:1", "redis:", 7])
def test_a_url_that_is_none_is_refused(url: Any) -> None:
    with pytest.raises(ValidationError):
        RedisComponent.model_validate({"kind": "redis", "url": url})


def test_the_target_shows_no_secret() -> None:
    assert component("[::1]", "me:pw@").target == "[::1]:6379"
    assert component("host:1/3", ":pw@").target == "host:1"
