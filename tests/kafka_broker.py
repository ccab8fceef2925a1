"""Real Apache Kafka brokers for tests: KRaft nodes in Java processes of their own; jars from Maven Central, cached."""

import contextlib
import fcntl
import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.probes.listeners import eventually

VERSION = "4.1.1"
DOWNLOAD_S = 120.0
START_S = 30.0
QUICK = ("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")

POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tapewatch</groupId><artifactId>kafka-jars</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version>
  </dependency></dependencies>
</project>
"""

PROPERTIES = """process.roles={roles}
node.id={node}
{quorum}
listeners={listeners}
advertised.listeners={advertised}
listener.security.protocol.map={protocols},CONTROLLER:PLAINTEXT
inter.broker.listener.name={listener}
controller.listener.names=CONTROLLER
log.dirs={directory}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
auto.create.topics.enable=false
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=200
{extra}
"""


@functools.cache
def why_not() -> str | None:
    """Why Kafka cannot run here; None when it can. The jars are fetched only by `jars`."""
    java = shutil.which("java")
    if java is None:
        return "java is not installed: Kafka needs Java 17"
    shown = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=False).stderr
    version = re.search(r'version "(\d+)', shown)
    if version is None or int(version[1]) < 17:
        return f"Kafka needs Java 17, found {shown.splitlines()[0] if shown else 'nothing usable'}"
    if shutil.which("mvn") is None and not _cache().is_dir():
        return f"mvn is not installed, which fetches Kafka's jars into {_cache()}"
    return None


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "tapewatch" / f"kafka-{VERSION}"


def _archive() -> Path:
    """Kafka's classes as Java has them in memory; made by the first broker that is stopped in order."""
    return _cache().with_name(f"{_cache().name}.jsa")


def jars() -> Path:
    """The folder of Kafka's jars, fetched from Maven Central by the first who asks.

    Raises:
        RuntimeError: they could not be fetched; the message says why.
    """
    folder = _cache()
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        if not eventually(lambda: _locked(lock.fileno()), DOWNLOAD_S):
            raise RuntimeError(f"another process has been fetching Kafka's jars for {DOWNLOAD_S:g} s")
        if not folder.is_dir():
            _download(folder)
    return folder


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _download(folder: Path) -> None:
    """Fetch into a folder beside `folder` and rename it, so that a folder that is there is complete."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetching-") as scratch:
        Path(scratch, "pom.xml").write_text(POM)
        command = [
            "mvn",
            "-q",
            "-B",
            "dependency:copy-dependencies",
            "-DoutputDirectory=libs",
            "-DincludeScope=runtime",
        ]
        process = subprocess.Popen(
            command, cwd=scratch, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        try:
            output, _ = process.communicate(timeout=DOWNLOAD_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise RuntimeError(f"Maven did not fetch Kafka's jars within {DOWNLOAD_S:g} s") from None
        if process.returncode != 0:
            raise RuntimeError(f"Maven could not fetch Kafka's jars: {output.strip()[-500:]}")
        Path(scratch, "libs").rename(folder)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _state(task: Path) -> str:
    """The state of a thread, e.g. T for a stopped one; X for one that has ended."""
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def new_cluster_id() -> str:
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A", 1)


class KafkaBroker:
    """One broker, its own controller, with its data in `directory`.

    Args:
        advertised: what clients are told to connect to; the broker's own address unless given.
        listener: security protocol of the listener for clients, e.g. ``SASL_PLAINTEXT``.
        also: security protocols of further listeners, each on a port of its own (`address_of`).
        extra: further lines of server.properties.
        scram: users that log in by SCRAM, with their passwords.
        node, voters, cluster_id: its place among several brokers, and the controllers by node with their ports; by
            itself and its own controller unless given.
    """

    def __init__(
        self,
        directory: Path,
        port: int | None = None,
        *,
        advertised: str | None = None,
        listener: str = "PLAINTEXT",
        also: Sequence[str] = (),
        extra: str = "",
        scram: Mapping[str, str] | None = None,
        node: int = 1,
        voters: Mapping[int, int] | None = None,
        cluster_id: str | None = None,
    ) -> None:
        self.node = node
        self.port = port or free_port()
        voters = voters or {node: free_port()}
        self.controller_port = voters.get(node, 0)
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.pid: int | None = None
        self._directory = directory
        self._libs = jars()
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)
        self._properties = directory / "server.properties"
        self._addresses = {listener: self.bootstrap} | {name: f"127.0.0.1:{free_port()}" for name in also}
        told = self._addresses | {listener: advertised or self.bootstrap}
        listeners = [f"{name}://{address}" for name, address in self._addresses.items()]
        if self.controller_port:
            listeners.append(f"CONTROLLER://127.0.0.1:{self.controller_port}")
        self._properties.write_text(
            PROPERTIES.format(
                roles="broker,controller" if self.controller_port else "broker",
                node=node,
                quorum="controller.quorum.voters=" + ",".join(f"{n}@127.0.0.1:{at}" for n, at in voters.items()),
                listener=listener,
                listeners=",".join(listeners),
                advertised=",".join(f"{name}://{address}" for name, address in told.items()),
                protocols=",".join(f"{name}:{name}" for name in told),
                directory=directory,
                extra=extra,
            )
        )
        self._format(cluster_id or new_cluster_id(), scram or {})

    def _format(self, cluster_id: str, scram: Mapping[str, str]) -> None:
        if not self.controller_port:  # of a broker alone Kafka wants no more than this, and saves a start of Java
            meta = f"version=1\nnode.id={self.node}\ncluster.id={cluster_id}\ndirectory.id={new_cluster_id()}\n"
            (self._directory / "data").mkdir()
            (self._directory / "data" / "meta.properties").write_text(meta)
            return
        users = [
            option
            for user, password in scram.items()
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for option in ("--add-scram", f"{mechanism}=[name={user},password={password}]")
        ]
        self._run("kafka.tools.StorageTool", "format", *users, "-t", cluster_id, "-c", str(self._properties))

    def address_of(self, protocol: str) -> str:
        """``host:port`` of the listener with this security protocol."""
        return self._addresses[protocol]

    def start(self) -> None:
        """Start and wait until clients are let in."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start and do not wait: of several brokers one alone does not let clients in."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._java("kafka.Kafka", str(self._properties)), stdout=log, stderr=log)
        self.pid = self._process.pid

    def wait(self) -> None:
        """Wait until clients are let in."""
        assert self._process
        if not eventually(self._is_up, START_S):
            ended = self._process.poll()
            self.kill()
            raise RuntimeError(f"Kafka did not start (exit code {ended}): {self._log.read_text()[-1500:]}")

    def stop(self) -> None:
        """Orderly, as an operator does; killed when that takes longer than twenty seconds."""
        self._end(signal.SIGTERM)
        if self._classes.is_file():
            self._classes.replace(_archive())

    def kill(self) -> None:
        """At once, as a power cut does."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop it from answering while its sockets stay open; `thaw` ends that."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        tasks = Path("/proc", str(self._process.pid), "task")
        assert eventually(lambda: all(_state(task) in "TX" for task in tasks.iterdir()), 10)

    def thaw(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End it and forget its data."""
        self.kill()
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self._directory / "kafka.log"

    @property
    def _classes(self) -> Path:
        """Where Java leaves the classes it has loaded when it ends in order and there is no archive of them yet."""
        return _archive().with_name(f"{self._directory.name}-{self.port}.jsa")

    def _java(self, *options: str) -> list[str]:
        """Java with the archive of Kafka's classes, with which a broker starts in half the time, or making one."""
        known = _archive().is_file()
        classes = f"-XX:SharedArchiveFile={_archive()}" if known else f"-XX:ArchiveClassesAtExit={self._classes}"
        sharing = [classes] if known or "kafka.Kafka" in options else []
        return ["java", *sharing, *QUICK, "-cp", f"{self._libs}/*", *options]

    def _run(self, *arguments: str) -> None:
        done = subprocess.run(self._java(*arguments), capture_output=True, text=True, timeout=START_S, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{arguments[0]} failed: {(done.stdout + done.stderr)[-1500:]}")

    def _is_up(self) -> bool:
        assert self._process
        if self._process.poll() is not None:
            return True
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return self._answers()
        return False

    def _answers(self) -> bool:
        """Whether it lets clients in: an open port alone comes earlier."""
        request = b"\x00\x12\x00\x00\x00\x00\x00\x01\xff\xff"  # ApiVersions, version 0
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as client:
            client.sendall(len(request).to_bytes(4, "big") + request)
            return len(client.recv(8)) == 8
        return False

    def _end(self, how: signal.Signals) -> None:
        process, self._process, self.pid = self._process, None, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGCONT)
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


@contextlib.contextmanager
def kafka_broker(
    directory: Path,
    port: int | None = None,
    *,
    advertised: str | None = None,
    listener: str = "PLAINTEXT",
    also: Sequence[str] = (),
    extra: str = "",
    scram: Mapping[str, str] | None = None,
) -> Iterator[KafkaBroker]:
    """A started broker, ended and wiped at the end."""
    broker = KafkaBroker(directory, port, advertised=advertised, listener=listener, also=also, extra=extra, scram=scram)
    try:
        broker.start()
        yield broker
    finally:
        broker.close()


@contextlib.contextmanager
def kafka_cluster(directory: Path, size: int = 3, *, extra: str = "") -> Iterator[tuple[KafkaBroker, ...]]:
    """Brokers in racks of their own, ended and wiped at the end; the first is the controller, too."""
    voters, cluster_id = {1: free_port()}, new_cluster_id()
    brokers: list[KafkaBroker] = []

    try:
        for node in range(1, size + 1):
            rack = f"broker.rack=rack-{node}\n{extra}"
            broker = KafkaBroker(directory / str(node), node=node, voters=voters, cluster_id=cluster_id, extra=rack)
            brokers.append(broker)
        for broker in brokers:
            broker.launch()
        for broker in brokers:
            broker.wait()
        yield tuple(brokers)
    finally:
        for broker in brokers:
            broker.close()


@functools.cache
def _obstacle() -> str | None:
    """Why Kafka cannot be had here, its jars included; found out once a run."""
    reason = why_not()
    if reason is None:
        try:
            jars()
        except (RuntimeError, OSError) as exc:
            reason = str(exc)
    return reason


def require_kafka() -> None:
    """Skip the test where Kafka cannot run; fail it where the environment demands everything."""
    reason = _obstacle()
    if reason is None:
        return
    if os.environ.get("TAPEWATCH_REQUIRE_ALL") == "1":
        pytest.fail(f"TAPEWATCH_REQUIRE_ALL is set, but {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """One broker for the whole run. A test that stops it starts it again."""
    require_kafka()
    with kafka_broker(tmp_path_factory.mktemp("kafka") / "broker") as broker:
        yield broker
