"""The board in Redis, so that several processes show the same one and only one of them probes.

One process holds a lease and probes; it writes every result to a hash per component, with expiry,
and publishes status changes on a channel. The others read those hashes into their own board. When
Redis is away each process probes for itself and says so.
"""

import logging
import threading
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from probes.cache import Board
from probes.codec import decode, encode
from probes.dns import RESOLVER
from probes.result import ProbeFailure, ProbeResult
from settings_types import SecretUrl

log = logging.getLogger(__name__)

PREFIX = "tapewatch"
LEASE_MS = 5_000
TURN_S = 0.5
TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class MirrorState:
    """How the board is shared.

    Attributes:
        mode: ``memory`` (no Redis configured), ``leading``, ``following``, ``alone`` (Redis is away).
        error: why it is alone.
    """

    mode: str
    error: str = ""


class Mirror:
    """Shares `board` through Redis. Does nothing without a URL."""

    def __init__(self, url: SecretUrl | None, board: Board) -> None:
        self._url = url
        self._board = board
        self._token = uuid.uuid4().hex
        self._changed: dict[str, ProbeResult] = {}
        self._status_changed: set[str] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._client: redis.Redis | None = None
        self._state = MirrorState("memory" if url is None else "alone", "" if url is None else "connecting")
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> MirrorState:
        return self._state

    @property
    def leading(self) -> bool:
        """Whether this process has to probe for itself."""
        return self._state.mode != "following"

    def start(self) -> None:
        if self._url is not None and self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="mirror", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Give the lease back, so that another process takes over at once."""
        self._stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(TIMEOUT_S)

    def on_result(self, result: ProbeResult, before: ProbeResult | None) -> None:
        """Note a result of this process's own for the next turn."""
        if self._url is None or not self.leading:
            return
        with self._lock:
            self._changed[result.component] = result
            if before is None or before.status != result.status:
                self._status_changed.add(result.component)
        self._wake.set()

    def _loop(self) -> None:
        while not self._stopping:
            try:
                client = self._client = self._client or _open(self._url)
                if self._lead(client):
                    self._set(MirrorState("leading"))
                    self._write(client)
                else:
                    self._set(MirrorState("following"))
                    self._forget()
                    self._read(client)
            except (redis.RedisError, OSError, ProbeFailure) as exc:
                self._set(MirrorState("alone", f"Redis at {self._url} is away: {exc}"))
                self._drop()
            except Exception as exc:  # a fault here must not leave a process that follows nobody and probes nothing
                log.exception("mirror: failed unexpectedly")
                self._set(MirrorState("alone", f"sharing through Redis failed in itself: {exc}"))
                self._drop()
            self._wake.wait(TURN_S)
            self._wake.clear()
        self._release()

    def _lead(self, client: "redis.Redis") -> bool:
        key = f"{PREFIX}:leader"
        if client.set(key, self._token, nx=True, px=LEASE_MS):
            return True
        if client.get(key) == self._token.encode():
            client.pexpire(key, LEASE_MS)
            return True
        return False

    def _write(self, client: "redis.Redis") -> None:
        with self._lock:
            changed, self._changed = self._changed, {}
            status_changed, self._status_changed = self._status_changed, set()
        if not changed:
            return
        pipeline = client.pipeline(transaction=False)
        for name, result in changed.items():
            key = _key(name)
            began = self._board.since(name) or result.checked_at
            pipeline.hset(key, mapping={"result": encode(result), "since": began.isoformat()})
            pipeline.pexpire(key, int(self._board.keep_s(name) * 1000))
            if name in status_changed:
                pipeline.publish(f"{PREFIX}:changes", encode(result))
        try:
            pipeline.execute()
        except (redis.RedisError, OSError):
            with self._lock:  # newer results win over the ones that could not be written
                self._changed = {**changed, **self._changed}
            raise

    def _forget(self) -> None:
        """Results of this process's own are of no use while another one leads."""
        with self._lock:
            self._changed.clear()
            self._status_changed.clear()

    def _read(self, client: "redis.Redis") -> None:
        pipeline = client.pipeline(transaction=False)
        names = self._board.names()
        for name in names:
            pipeline.hmget(_key(name), "result", "since")
        for name, (body, since) in zip(names, pipeline.execute(), strict=True):
            if not body or not since:
                continue
            try:
                result = decode(body)
                self._board.publish(result)
                self._board.restore(name, result.status, datetime.fromisoformat(since.decode()))
            except ValueError as exc:
                log.warning("mirror: %s is unreadable: %s", name, exc)

    def _release(self) -> None:
        try:
            if self._client is not None and self._client.get(f"{PREFIX}:leader") == self._token.encode():
                self._client.delete(f"{PREFIX}:leader")
        except (redis.RedisError, OSError):
            log.info("mirror: the lease could not be given back; it ends by itself in %d ms", LEASE_MS)
        self._drop()

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _set(self, state: MirrorState) -> None:
        if state.mode != self._state.mode:
            log.info("mirror: %s %s", state.mode, state.error)
        self._state = state


def _key(name: str) -> str:
    return f"{PREFIX}:component:{name}"


def _open(url: SecretUrl | None) -> "redis.Redis":
    assert url is not None
    parts = urlsplit(url.reveal())
    options: dict[str, Any] = {
        "socket_connect_timeout": TIMEOUT_S,
        "socket_timeout": TIMEOUT_S,
        "retry": Retry(NoBackoff(), 0),
    }
    if parts.scheme == "redis":  # TLS needs the name for its certificate
        options["host"] = RESOLVER.resolve(parts.hostname or "localhost")
    client = redis.Redis.from_url(url.reveal(), **{k: v for k, v in options.items() if k != "host"})
    if "host" in options:
        client.connection_pool.connection_kwargs["host"] = options["host"]
    return client
