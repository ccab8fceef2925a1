"""Opens the history, brings its schema up to date and watches that it answers.

One background thread (re)connects; everybody else asks `state`, which never waits. While the store
is not known to answer, nothing is sent to it but this thread's own trial.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import clickhouse_connect
import urllib3
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from history.schema import migrations
from probes.dns import RESOLVER, is_ip
from probes.result import ProbeError, ProbeFailure, utc
from settings import History
from settings_types import SecretUrl, mask

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 1
QUERY_TIMEOUT_S = 10
PING_EVERY_S = 2.0
RETRY_EVERY_S = 2.0
EMBEDDED_MEMORY_BYTES = 2_000_000_000
EMBEDDED_MARK_CACHE_BYTES = 100 * 2**20


@dataclass(frozen=True, slots=True)
class StoreState:
    """Whether the history answers.

    Attributes:
        ready: queries and inserts may be sent.
        error: why not; None while ready or while the first try is under way.
        since: when this state began.
    """

    ready: bool
    error: ProbeError | None
    since: datetime


class StoreUnavailable(Exception):
    """Nothing can be sent to the history now; `error` says why."""

    def __init__(self, error: ProbeError) -> None:
        self.error = error
        super().__init__(error.message)


class Store:
    """The history's front door.

    Args:
        on_ready: called in the background thread each time the store becomes ready.
    """

    def __init__(self, settings: History, on_ready: Callable[[], None] = lambda: None) -> None:
        self.settings = settings
        self.database = settings.database
        self._on_ready = on_ready
        self._state = StoreState(False, None, utc(time.time()))
        self._stopping = threading.Event()
        self._trial = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> StoreState:
        return self._state

    @property
    def place(self) -> str:
        """Where the history is, without secrets."""
        return f"{self.settings.dsn}"

    @property
    def embedded(self) -> bool:
        return urlsplit(self.settings.dsn.reveal()).scheme == "chdb"

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="history:store", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._trial.set()

    def report(self, exc: Exception) -> ProbeError:
        """Tell the store that a query or an insert failed; a broken connection closes it until the next trial."""
        error = explain(exc, self.place)
        if error.code in {"refused", "timeout", "unreachable", "dns_timeout", "dns_unknown", "auth_failed"}:
            self._set(False, error)
            self._trial.set()
        return error

    def connect(self, timeout_s: int = QUERY_TIMEOUT_S) -> Client:
        """A client of its own for one thread.

        Raises:
            ProbeFailure, ClickHouseError, OSError, urllib3.exceptions.HTTPError: see `explain`.
        """
        return connect(self.settings.dsn, timeout_s)

    def _watch(self) -> None:
        client: Client | None = None
        while not self._stopping.is_set():
            try:
                if client is None:
                    client = self.connect(timeout_s=2)
                    migrate(client, self.settings)
                else:
                    client.command("SELECT 1")
                if not self._state.ready:
                    self._set(True, None)
                    self._on_ready()
            except Exception as exc:  # whatever is wrong, the next trial may find it mended
                self._set(False, explain(exc, self.place))
                if client is not None:
                    client.close()
                    client = None
            self._trial.wait(PING_EVERY_S if self._state.ready else RETRY_EVERY_S)
            self._trial.clear()
        if client is not None:
            client.close()

    def _set(self, ready: bool, error: ProbeError | None) -> None:
        before = self._state
        if before.ready != ready or (before.error and before.error.code) != (error and error.code):
            self._state = StoreState(ready, error, utc(time.time()))
            if error:
                log.warning("history: %s %s", error.message, error.hint)
            elif ready:
                log.info("history: ready at %s", self.place)


def connect(dsn: SecretUrl, timeout_s: int) -> Client:
    """A clickhouse-connect client of `dsn`, bounded in time; `timeout_s` is whole seconds (the client's rule)."""
    url = urlsplit(dsn.reveal())
    if url.scheme == "chdb":
        return clickhouse_connect.get_client(interface="chdb", path=embedded_path(dsn.reveal()))
    host, secure = url.hostname or "localhost", url.scheme == "clickhouses"
    port = url.port or (8443 if secure else 8123)
    address = RESOLVER.resolve(host)
    _ping(address if not secure else host, port, secure)
    client = clickhouse_connect.get_client(
        host=host if secure and not is_ip(host) else address,
        port=port,
        interface="https" if secure else "http",
        username=unquote(url.username or "default"),
        password=unquote(url.password or ""),
        connect_timeout=CONNECT_TIMEOUT_S,
        send_receive_timeout=timeout_s,
        query_retries=0,
        autogenerate_session_id=False,
    )
    client.http_retries = 0  # type: ignore[attr-defined]  # not an argument; its default of 1 doubles every time-out
    return client


def embedded_path(dsn: str) -> str:
    """The path the embedded engine is opened with: memory caps set, or it may take 90 % of the RAM."""
    url = urlsplit(dsn)
    path = Path(unquote(url.netloc + url.path)).resolve()
    path.mkdir(parents=True, exist_ok=True)
    options: Mapping[str, Any] = {
        "max_server_memory_usage": EMBEDDED_MEMORY_BYTES,
        "mark_cache_size": EMBEDDED_MARK_CACHE_BYTES,
        **dict(parse_qsl(url.query)),
    }
    return f"{path}?{'&'.join(f'{key}={value}' for key, value in options.items())}"


def migrate(client: Client, settings: History) -> None:
    """Bring the schema up to this program's version.

    Raises:
        ProbeFailure: ``newer_schema`` when a newer Tapewatch has been at work there.
    """
    database = settings.database
    client.command(f"CREATE DATABASE IF NOT EXISTS {database} ENGINE = Atomic")
    client.command(
        f"CREATE TABLE IF NOT EXISTS {database}.schema_version (version UInt32, at DateTime('UTC') DEFAULT now()) "
        "ENGINE = MergeTree ORDER BY version"
    )
    steps = migrations(database, settings.retention)
    current = int(str(client.command(f"SELECT max(version) FROM {database}.schema_version")))
    if current > len(steps):
        raise ProbeFailure(
            "newer_schema",
            f"The history has schema version {current}, this Tapewatch knows {len(steps)}.",
            "Start the newer Tapewatch that wrote it, or point history.database at another name.",
        )
    for version, statements in enumerate(steps[current:], current + 1):
        for statement in statements:
            client.command(statement)
        client.command(f"INSERT INTO {database}.schema_version (version) VALUES ({version})")


def explain(exc: Exception, place: str) -> ProbeError:
    """What a failed call to the history means, in words."""
    if isinstance(exc, ProbeFailure):
        return exc.error
    if isinstance(exc, StoreUnavailable):
        return exc.error
    text = mask(str(exc))
    lowered = text.lower()
    if "error initializing embeddedserver" in lowered:
        return ProbeError(
            "locked",
            f"The embedded history at {place} is in use by another process.",
            "Stop the other Tapewatch, or give this one its own history.dsn.",
        )
    if "refused" in lowered:
        return ProbeError("refused", f"ClickHouse at {place} refuses connections.", "Is clickhouse-server running?")
    if "timed out" in lowered or "timeout" in lowered:
        return ProbeError("timeout", f"ClickHouse at {place} did not answer in time.", "Is it overloaded or frozen?")
    if "authentication" in lowered or "code: 516" in lowered:
        return ProbeError(
            "auth_failed", f"ClickHouse at {place} refuses the user or the password.", "Check history.dsn."
        )
    if isinstance(exc, ClickHouseError):
        return ProbeError("query_failed", f"ClickHouse at {place} refused: {text[:300]}", "See its message.")
    return ProbeError("unreachable", f"ClickHouse at {place} cannot be reached: {text[:200]}", "Check history.dsn.")


def _ping(host: str, port: int, secure: bool) -> None:
    """`GET /ping` first: a bounded, retry-free answer to "is this ClickHouse's HTTP port?"."""
    with urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=1)) as pool:
        answer = pool.request(
            "GET",
            f"{'https' if secure else 'http'}://[{host}]:{port}/ping"
            if ":" in host
            else f"{'https' if secure else 'http'}://{host}:{port}/ping",
        )
    if b"Ok." not in answer.data:
        native = answer.data.startswith(b"Port ") or port in {9000, 9440}
        raise ProbeFailure(
            "wrong_protocol",
            f"Port {port} of {host} is not ClickHouse's HTTP interface.",
            "9000 is the native port: use the HTTP port 8123 (TLS: 8443)."
            if native
            else "Use the HTTP port 8123 (TLS: 8443).",
        )
