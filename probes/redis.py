"""Redis: how quick it is, whether it has room, and whether it loses or refuses anything."""

import contextlib
import socket
import ssl
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import unquote, urlsplit

import redis
from pydantic import BeforeValidator
from redis.backoff import NoBackoff
from redis.retry import Retry

from probes import redis_commands as commands
from probes import redis_decisions as decisions
from probes import redis_states as states
from probes import redis_topology as belonging
from probes.counters import Counters, Turn
from probes.dns import RESOLVER, WAIT_S
from probes.kind import Kind
from probes.redis_failures import failure_of, is_closed
from probes.redis_metrics import METRICS
from probes.redis_read import Answers, Pong, ping, read, topology
from probes.redis_topology import Topology
from probes.result import Collected, ProbeFailure, Reading, Table
from settings import Component
from settings_types import SecretUrl, require_scheme

PINGS = 5


def _redis_url(value: object) -> SecretUrl:
    return require_scheme(SecretUrl.parse(value), "redis", "rediss")


class RedisComponent(Component):
    """``[[component]] kind = "redis"``: a Redis or Valkey server.

    Attributes:
        url: ``redis://user:password@host:6379``, rediss with TLS; also ``file:/path`` of a file that holds it.
            The user needs no more than ``-@all +ping +info +slowlog|get +latency|latest``, in a
            cluster ``+cluster|info +cluster|nodes``, of a sentinel ``+sentinel|masters +sentinel|replicas
            +sentinel|ckquorum``.
    """

    kind: Literal["redis"]
    url: Annotated[SecretUrl, BeforeValidator(_redis_url)]

    @property
    def target(self) -> str:
        parts = urlsplit(self.url.reveal())
        host = parts.hostname or "localhost"
        return f"{f'[{host}]' if ':' in host else host}:{parts.port or 6379}"


class _NamedTls(redis.SSLConnection):
    """Dials an address, yet checks the certificate against the name the configuration gives."""

    def __init__(self, server_name: str, **options: Any) -> None:
        super().__init__(**options)
        self._server_name = server_name

    def _wrap_socket_with_ssl(self, sock: socket.socket) -> ssl.SSLSocket:
        dialled, self.host = self.host, self._server_name
        try:
            return super()._wrap_socket_with_ssl(sock)  # type: ignore[no-any-return, no-untyped-call]
        finally:
            self.host = dialled


class RedisProbe:
    """Keeps one connection; one round trip for everything of the server itself, then what it belongs to."""

    connect_share: ClassVar[float] = 0.25  # of the deadline
    read_share: ClassVar[float] = 0.35  # of the deadline, for one answer
    pings_share: ClassVar[float] = 0.15  # of the deadline, after which no further ping is sent
    topology_share: ClassVar[float] = 0.3  # of the deadline, after which cluster and sentinel are not asked

    def __init__(self, component: RedisComponent, deadline_s: float) -> None:
        self._component = component
        self._connect_s = deadline_s * self.connect_share
        self._read_s = deadline_s * self.read_share
        self._pings_s = deadline_s * self.pings_share
        self._topology_s = deadline_s * self.topology_share
        self._client: redis.Redis | None = None
        self._run_id = ""
        self._counters: Counters[str] = Counters()
        self._slow_seen_id: int | None = None
        self._slow_seen_s = 0.0

    def ping(self) -> float:
        with self._connected() as client:
            return ping(client).took_s

    def collect(self) -> Collected:
        started_s = time.monotonic()
        with self._connected() as client:
            pongs = self._pongs(client)
            answers = read(client)
            around = topology(client, answers.info, in_time=time.monotonic() - started_s < self._topology_s)
        info, word = answers.info, pongs[0].word
        turn = self._turn(info)
        latency_s = statistics.median(pong.took_s for pong in pongs)
        refusing = states.refusing(word, info, decisions.keys_expire(info), around.cluster)
        return Collected(
            latency_s=latency_s,
            summary=decisions.summary(info, turn),
            readings=[
                Reading("redis_ping_seconds", latency_s),
                Reading(states.SERVING, float(not refusing)),
                *decisions.readings(info, turn),
                *commands.readings(info, turn, word),
                *belonging.replication(info),
                *belonging.sentinel(around.masters, info),
                *belonging.cluster(around.cluster, around.nodes),
                *self._slow_readings(answers.slow),
            ],
            findings=states.findings(refusing, self._component.target),
            facts=decisions.facts(info),
            tables=tables(answers, around, turn),
            unavailable=[*states.not_allowed(word), *answers.unavailable, *around.unavailable],
        )

    def _turn(self, info: Mapping[str, Any]) -> Turn[str]:
        run_id = str(info.get("run_id", ""))
        if run_id != self._run_id:  # another life of the server: its counters began anew
            self._run_id, self._counters, self._slow_seen_id = run_id, Counters(), None
        return self._counters.turn(decisions.counters(info) | commands.counters(info), time.monotonic())

    def close(self) -> None:
        """Hang up; the next use connects anew."""
        client, self._client = self._client, None
        if client is not None:
            client.close()
            client.connection_pool.disconnect()

    @contextlib.contextmanager
    def _connected(self) -> Iterator["redis.Redis"]:
        try:
            self._client = self._client or self._open()
            yield self._client
        except (redis.RedisError, OSError, ValueError) as exc:  # ValueError: a number in a reply that is none
            self.close()
            raise self._failure(exc) from exc

    def _open(self) -> "redis.Redis":
        parts = urlsplit(self._component.url.reveal())
        name = parts.hostname or "localhost"
        options: dict[str, Any] = {
            "host": RESOLVER.resolve(name, min(WAIT_S, self._connect_s)),
            "port": parts.port or 6379,
            "username": unquote(parts.username) if parts.username else None,
            "password": unquote(parts.password) if parts.password else None,
            "socket_connect_timeout": self._connect_s,
            "socket_timeout": self._read_s,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
            "driver_info": None,  # no CLIENT SETINFO: two round trips, and a right the user may lack
        }
        if parts.scheme == "rediss":
            options |= {"connection_class": _NamedTls, "server_name": name}
        return redis.Redis(connection_pool=redis.ConnectionPool(max_connections=1, **options))

    def _pongs(self, client: "redis.Redis") -> list[Pong]:
        until_s = time.monotonic() + self._pings_s
        pongs = [ping(client)]
        while len(pongs) < PINGS and not pongs[0].word and time.monotonic() < until_s:
            pongs.append(ping(client))
        return pongs

    def _slow_readings(self, slow: Sequence[Mapping[str, Any]] | None) -> list[Reading]:
        if slow is None:
            return []
        now_s = time.monotonic()
        found, newest = commands.slow_readings(slow, self._slow_seen_id, now_s - self._slow_seen_s)
        self._slow_seen_id, self._slow_seen_s = newest, now_s
        return found

    def _failure(self, exc: Exception) -> ProbeFailure:
        if is_closed(exc) and urlsplit(self._component.url.reveal()).scheme == "redis":
            exc = self._last_words() or exc
        return failure_of(exc, self._component.target, self._connect_s, self._read_s)

    def _last_words(self) -> Exception | None:
        """Why the server hangs up on everybody, as it says itself to who only listens.

        It says so at once and closes; whoever sends something meanwhile gets a reset and loses the sentence.
        """
        parts = urlsplit(self._component.url.reveal())
        with contextlib.suppress(OSError, ProbeFailure):
            ip = RESOLVER.resolve(parts.hostname or "localhost", 0)
            timeout_s = self._connect_s / 2
            with socket.create_connection((ip, parts.port or 6379), timeout_s) as sock:
                text = sock.recv(400).decode(errors="replace")
                return redis.ResponseError(text[1:].strip()) if text.startswith("-") else None
        return None


def tables(answers: Answers, around: Topology, turn: Turn[str]) -> dict[str, Table]:
    """The tables of a page; only those the server has something to say to."""
    info = answers.info
    found: dict[str, Table] = {}
    if info.get("redis_mode") == "sentinel":
        return belonging.sentinel_tables(around.masters)
    if info:
        found |= {
            "commands": commands.command_table(info),
            "keyspace": decisions.keyspace_table(info),
            "errors": commands.error_table(info, turn),
            "replicas": belonging.replica_table(info),
        }
    if answers.slow is not None:
        found["slow log"] = commands.slow_table(answers.slow)
    if answers.events:
        found["latency events"] = commands.event_table(answers.events)
    if around.nodes:
        found["cluster nodes"] = belonging.node_table(around.nodes)
    return found


KIND = Kind(
    name="redis",
    title="Redis",
    component=RedisComponent,
    metrics=METRICS,
    open=RedisProbe,
    key_metric="redis_commands_per_second",
)
