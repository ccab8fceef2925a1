"""The states in which Redis refuses, each brought about on a real server."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis as client_library
from redis.backoff import NoBackoff
from redis.retry import Retry

from probes import redis_failures as failures
from probes import redis_states as states
from probes.redis import KIND
from probes.result import ProbeResult, Status
from probes.runner import Runner
from tests.probes.listeners import eventually, listening
from tests.probes.test_redis import component, failure, probe, saying
from tests.redis_process import RedisProcess, redis_process

SCRIPT = "while true do end"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    with redis_process(tmp_path_factory.mktemp("states"), "--busy-reply-threshold", "1") as running:
        yield running


def talking_to(running: RedisProcess) -> Any:
    user = client_library.Redis(port=running.port, retry=Retry(NoBackoff(), 0), decode_responses=True)
    return contextlib.closing(user)


def result_of(address: str, user: str = "") -> ProbeResult:
    """What the runner makes of one execution."""
    published: list[ProbeResult] = []
    runner = Runner(component(address, user), KIND, 2.0, published.append)
    assert runner.request()
    assert eventually(lambda: bool(published))
    runner.stop()
    return published[0]


def test_a_full_memory_is_told_from_a_nearly_full_one(server: RedisProcess) -> None:
    with talking_to(server) as user:
        user.config_set("maxmemory", 1)
        try:
            with pytest.raises(client_library.exceptions.OutOfMemoryError):
                user.set("order", "1")
            full = result_of(server.address)
            user.config_set("maxmemory-policy", "allkeys-lru")
            cache = result_of(server.address)
        finally:
            user.config_set("maxmemory", 0)
            user.config_set("maxmemory-policy", "noeviction")
    assert full.status == Status.CRITICAL
    assert "(OOM)" in full.sentence
    assert "maxmemory" in full.hint
    assert full.value(states.SERVING) == 0
    assert cache.value(states.SERVING) == 1


def test_writes_stopped_by_a_failed_save(tmp_path: Path) -> None:
    with redis_process(tmp_path) as running, talking_to(running) as user:
        user.config_set("save", "3600 1")
        user.set("order", "1")
        (tmp_path / "dump.rdb").mkdir()  # no file can be renamed to it, not even by root
        user.bgsave()
        assert eventually(lambda: user.info("persistence")["rdb_last_bgsave_status"] == "err")
        stopped = result_of(running.address)
        user.config_set("stop-writes-on-bgsave-error", "no")
        going_on = result_of(running.address)
    assert stopped.status == Status.CRITICAL
    assert "(MISCONF)" in stopped.sentence
    assert stopped.value(states.SERVING) == 0
    assert going_on.value(states.SERVING) == 1
    assert "redis_rdb_ok" in [finding.metric for finding in going_on.findings]


def test_a_replica_says_where_writes_go_and_when_it_refuses_all(tmp_path: Path) -> None:
    with redis_process(tmp_path, "--replicaof", "127.0.0.1", "1") as running, talking_to(running) as user:
        stale = result_of(running.address)
        user.config_set("replica-serve-stale-data", "no")
        refusing = result_of(running.address)
    assert stale.facts["writes"] == "refused (READONLY): the primary is 127.0.0.1:1"
    assert stale.value(states.SERVING) == 1
    assert "lost its primary" in stale.sentence
    assert "(MASTERDOWN)" in refusing.sentence
    assert refusing.value(states.SERVING) == 0


def test_a_server_that_loads(tmp_path: Path) -> None:
    with redis_process(tmp_path, "--rdbcompression", "no") as running, talking_to(running) as user:
        with user.pipeline(transaction=False) as pipeline:
            for number in range(2000):
                pipeline.set(f"key:{number}", "x" * 1000)
            pipeline.execute()
        user.save()
        running.kill()
    slow = ("--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024")
    with redis_process(tmp_path, *slow) as loading:
        result = result_of(loading.address)
    assert result.error is None
    assert {finding.metric: finding.status for finding in result.findings}["redis_loading"] == Status.WARNING
    assert result.value(states.SERVING) == 0
    assert " %" in result.facts["loaded"]


def test_a_server_busy_with_a_script(server: RedisProcess) -> None:
    with talking_to(server) as user, talking_to(server) as killer:

        def run() -> None:
            with contextlib.suppress(client_library.ResponseError):  # SCRIPT KILL is what ends it
                user.eval(SCRIPT, 0)

        endless = threading.Thread(target=run)
        endless.start()
        assert eventually(lambda: is_busy(killer))
        busy = failure(probe(server.address)).error
        killer.script_kill()
        endless.join()
    assert (busy.code, busy.status) == ("busy", Status.CRITICAL)
    assert "(BUSY)" in busy.message
    assert "SCRIPT KILL" in busy.hint
    assert result_of(server.address).error is None


def is_busy(user: Any) -> bool:
    try:
        user.ping()
    except client_library.ResponseError as exc:
        return failures.word_of(exc) == "BUSY"
    return False


def test_a_user_without_any_right_is_no_fault(tmp_path: Path) -> None:
    with redis_process(tmp_path, "--user", "nothing", "on", ">idle-horse", "-@all") as running:
        result = result_of(running.address, "nothing:idle-horse@")
    assert result.error is None
    assert result.unavailable[0] == "PING (the user may not: grant +ping)"
    assert len(result.unavailable) >= 3


def test_the_sentence_a_full_server_hangs_up_with() -> None:
    def refuse(client: socket.socket, stop: threading.Event) -> None:
        client.sendall(b"-ERR max number of clients reached\r\n")

    with listening(refuse) as address:
        error = failure(probe(address)).error
    assert error.code == "max_clients"
    assert "CLIENT LIST" in error.hint


SENTENCES = {
    "NOAUTH": "Authentication required.",
    "WRONGPASS": "invalid username-password pair or user is disabled.",
    "LOADING": "Redis is loading the dataset in memory",
    "BUSY": "Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "MASTERDOWN": "Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "MISCONF": "Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
    "OOM": "command not allowed when used memory > 'maxmemory'.",
    "READONLY": "You can't write against a read only replica.",
    "CLUSTERDOWN": "Hash slot not served",
}
"""As src/server.c and src/cluster.c of Redis 8.2 write them."""


@pytest.mark.parametrize(("word", "sentence"), SENTENCES.items())
def test_every_refusal_of_everything_has_its_own_state(word: str, sentence: str) -> None:
    with listening(saying(f"-{word} {sentence}\r\n".encode())) as address:
        error = failure(probe(address)).error
    wanted = failures.REFUSALS[word]
    assert (error.code, error.status, error.hint) == (wanted.code, wanted.status, wanted.hint)
    assert f"({word})" in error.message
    assert address in error.message


def test_no_two_states_share_a_word_or_a_sentence() -> None:
    refusals = list(failures.REFUSALS.values())
    assert len({refusal.code for refusal in refusals}) == len({refusal.says for refusal in refusals}) == len(refusals)


@pytest.mark.parametrize(
    ("pinged", "info", "words"),
    [
        ("", {}, []),
        ("NOPERM", {}, []),
        ("MISCONF", {"maxmemory": 10, "used_memory": 11}, ["MISCONF", "OOM"]),
        ("", {"maxmemory": 10, "used_memory": 11, "mem_not_counted_for_evict": 2}, []),
        ("", {"maxmemory": 10, "used_memory": 11, "maxmemory_policy": "allkeys-lfu"}, []),
        ("", {"maxmemory": 10, "used_memory": 11, "maxmemory_policy": "volatile-ttl"}, ["OOM"]),
        ("", {"maxmemory": 0, "used_memory": 11}, []),
        ("LOADING", {"loading": 1}, ["LOADING"]),
    ],
)
def test_what_is_refused_now(pinged: str, info: dict[str, Any], words: list[str]) -> None:
    assert states.refusing(pinged, info, keys_expire=False, cluster={}) == words
    assert len(states.findings(words, "host:1")) == len([word for word in words if word != "LOADING"])
