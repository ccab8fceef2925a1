"""Tapewatch served as users have it, with its dependencies up, refused, hanging, or behind a silent DNS server."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.services import kafka_broker, redis_server

ROOT = Path(__file__).resolve().parent.parent
START_S = 60
MOST_KEPT = 1024


@dataclass(frozen=True, slots=True)
class Served:
    """A server under test."""

    name: str
    port: int
    pid: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu_s(self) -> float:
        """Processor seconds the process has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self, kind: str = "VmRSS") -> float:
        """Megabytes of its memory, by a name of ``/proc/<pid>/status``: VmRSS all that is resident, RssAnon what of it
        is not pages of files."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(f"{kind}:"))
        return int(line.split()[1]) * 1024 / 1e6


CONFIG = """
[history]
dsn = "{history}"
spool = "memory"
[monitor]
interval = "{interval}"
[[component]]
kind = "host"
name = "host"
[[component]]
kind = "redis"
name = "redis"
url = "redis://{redis}/0"
depends_on = ["host"]
[[component]]
kind = "clickhouse"
name = "clickhouse"
dsn = "{clickhouse}"
depends_on = ["host"]
[[component]]
kind = "kafka"
name = "kafka"
bootstrap = "{kafka}"
depends_on = ["host"]
"""


@contextmanager
def up(interval: str = "10s") -> Iterator[Served]:
    """Everything answers: a real redis-server, the demo's Kafka broker, the embedded ClickHouse."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis_port, kafka_port = free_port(), free_port()
        stack.enter_context(closing(redis_server(redis_port, directory)))
        stack.enter_context(closing(kafka_broker(kafka_port, directory)))
        history = f"chdb://{directory}/history"
        config = CONFIG.format(
            history=history,
            clickhouse=history,
            redis=f"127.0.0.1:{redis_port}",
            kafka=f"127.0.0.1:{kafka_port}",
            interval=interval,
        )
        yield stack.enter_context(tapewatch("up", config, directory))


@contextmanager
def refused() -> Iterator[Served]:
    """Nothing listens where Redis, ClickHouse, Kafka and the history should be."""
    with tempfile.TemporaryDirectory() as directory:
        yield from _dark("refused", "127.0.0.1", [free_port() for _ in range(3)], Path(directory))


@contextmanager
def hanging() -> Iterator[Served]:
    """Sockets that accept and never answer."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ports = [stack.enter_context(silent_listener()) for _ in range(3)]
        yield from _dark("hanging", "127.0.0.1", ports, directory)


@contextmanager
def dns_silent() -> Iterator[Served]:
    """Names whose DNS server never answers: needs root, for a mount namespace with its own resolv.conf."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)))
        server.bind(("127.0.0.1", 53))  # takes questions in and says nothing
        resolv = directory / "resolv.conf"
        resolv.write_text("nameserver 127.0.0.1\n")
        prefix = ["unshare", "-m", "sh", "-c", f'mount --bind {resolv} /etc/resolv.conf && exec "$@"', "sh"]
        yield from _dark("dns_silent", "stack.example.com", [6379, 8123, 9092], directory, prefix)


def _dark(name: str, host: str, ports: list[int], directory: Path, prefix: list[str] | None = None) -> Iterator[Served]:
    redis_port, clickhouse_port, kafka_port = ports
    clickhouse = f"clickhouse://{host}:{clickhouse_port}"
    config = CONFIG.format(
        history=clickhouse,
        clickhouse=clickhouse,
        redis=f"{host}:{redis_port}",
        kafka=f"{host}:{kafka_port}",
        interval="10s",
    )
    with tapewatch(name, config, directory, prefix) as served:
        yield served


@contextmanager
def tapewatch(name: str, config: str, directory: Path, prefix: list[str] | None = None) -> Iterator[Served]:
    """Tapewatch served on a free port with `config`."""
    path = directory / "tapewatch.toml"
    path.write_text(config)
    environ = {**os.environ, "TAPEWATCH_CONFIG": str(path)}
    command = [*(prefix or []), sys.executable, str(ROOT / "serve.py")]
    with serving(name, command, environ, "/api/health/", directory / "server.log") as served:
        yield served


@contextmanager
def demo(directory: Path) -> Iterator[Served]:
    """The demo stack as `make run` starts it, its data in `directory`."""
    environ = {**os.environ, "TAPEWATCH_CONFIG": "", "TAPEWATCH_DEMO_DIR": str(directory)}
    command = [sys.executable, str(ROOT / "serve.py")]
    with serving("demo", command, environ, "/api/health/", directory / "server.log") as served:
        yield served


@contextmanager
def hello(app: str = "benchmarks.hello:app") -> Iterator[Served]:
    """A hello-world Streamlit page served the same way."""
    command = [sys.executable, "-c", f"import sys, serve; sys.exit(serve.main('{app}'))"]
    with tempfile.TemporaryDirectory() as directory:
        environ = {**os.environ, "TAPEWATCH_CONFIG": ""}
        with serving("hello", command, environ, "/_stcore/health", Path(directory) / "server.log") as served:
            yield served


@contextmanager
def serving(name: str, command: list[str], environ: dict[str, str], health: str, log: Path) -> Iterator[Served]:
    """A server process on a free port, waited for and ended again; what it prints goes to `log`."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**environ, "PORT": str(port)}, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        served = Served(name, port, process.pid, log)
        _wait_for(f"{served.url}{health}", process)
        yield served
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def silent_listener() -> Iterator[int]:
    """A port that accepts every connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        kept: deque[socket.socket] = deque()

        def accept() -> None:
            while True:
                try:
                    kept.append(listener.accept()[0])
                except OSError:
                    return
                if len(kept) > MOST_KEPT:  # whoever opened the oldest has long given up
                    kept.popleft().close()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        while kept:
            kept.popleft().close()


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    give_up_s = time.monotonic() + START_S
    while time.monotonic() < give_up_s:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with code {process.returncode} before it answered at {url}")
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  # our own server
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"{url} did not answer within {START_S} s")
