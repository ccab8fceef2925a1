"""How ClickHouse is reached, embedded or over HTTP, and what its failures mean in words.

Shared by the probe and the history. The HTTP client bounds no whole request and retries by itself,
so `GET /ping` goes first, with a deadline for all of it: most of what can be wrong shows there.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from probes.clickhouse_failures import explain as explain
from probes.dns import RESOLVER, is_ip
from probes.http_exchange import Answer, fetch, tls_context
from probes.result import ProbeError, ProbeFailure
from settings_types import SecretUrl

SCHEMES = ("chdb", "clickhouse", "clickhouses")
NATIVE_PORTS = frozenset({9000, 9440})
EMBEDDED_MEMORY_BYTES = 2_000_000_000
EMBEDDED_MARK_CACHE_BYTES = 100 * 2**20
EMBEDDED_CONDITION_CACHE_BYTES = 256 * 2**10
"""What it remembers of conditions that no row of a part met: 4,096 of them. Every range is a condition of its own and
hardly asked twice; by default 1.6 million are kept, 64 bytes each by its own count and 170 in truth (26.9)."""
CONNECTION_CODES = frozenset(
    {"refused", "timeout", "unreachable", "closed", "dns_timeout", "dns_unknown", "auth_failed", "tls_failed"}
    | {"wrong_protocol", "wrong_status", "locked"}
)
"""Codes of failures that concern the whole server, not one query."""


@dataclass(frozen=True, slots=True)
class Server:
    """What a ``clickhouse://`` or ``clickhouses://`` DSN says, but for the password."""

    host: str
    port: int
    secure: bool
    user: str
    database: str

    @property
    def address(self) -> str:
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def is_embedded(dsn: SecretUrl) -> bool:
    """Whether `dsn` names the engine inside this process (chdb)."""
    return urlsplit(dsn.reveal()).scheme == "chdb"


def server_of(dsn: SecretUrl) -> Server:
    """The server a DSN names, the HTTP interface's usual port where it gives none."""
    url = urlsplit(dsn.reveal())
    secure = url.scheme == "clickhouses"
    return Server(
        host=url.hostname or "localhost",
        port=url.port or (8443 if secure else 8123),
        secure=secure,
        user=unquote(url.username or "default"),
        database=unquote(url.path.strip("/")),
    )


def place_of(dsn: SecretUrl) -> str:
    """Where `dsn` leads, without secrets and options."""
    url = urlsplit(dsn.reveal())
    return unquote(url.netloc + url.path) if is_embedded(dsn) else server_of(dsn).address


def ping(dsn: SecretUrl, timeout_s: float) -> float:
    """Seconds of a `GET /ping`, connecting included; everything together takes at most `timeout_s`.

    Raises:
        ProbeFailure: ``refused timeout closed unreachable dns_timeout dns_unknown tls_failed wrong_protocol
            wrong_status``, each with its sentence.
    """
    server = server_of(dsn)
    url = f"{'https' if server.secure else 'http'}://{server.address}/ping"
    try:
        answer = fetch(url, method="GET", tls=partial(tls_context, True), timeout_s=timeout_s)
    except ProbeFailure as failure:
        raise _reworded(failure.error, url, server) from None
    wrong = ping_failure(answer, server.address)
    if wrong:
        raise wrong
    return answer.first_byte_s


def ping_failure(answer: Answer, address: str) -> ProbeFailure | None:
    """What is wrong with an answer to `GET /ping`, or None."""
    if answer.status == 200 and answer.body.strip() == b"Ok.":
        return None
    if b"clickhouse-client" in answer.body:  # "Port 9000 is for clickhouse-client program"
        named = re.search(rb"use port (\d+) for HTTP", answer.body)
        return native_port(address, named[1].decode() if named else "8123")
    if answer.status >= 500:
        return ProbeFailure(
            "wrong_status",
            f"ClickHouse at {address} answers {answer.status} to a ping.",
            "Read the log of the server, or of the proxy before it.",
        )
    return ProbeFailure(
        "wrong_protocol",
        f"What listens at {address} speaks HTTP but is not ClickHouse.",
        "Give ClickHouse's HTTP port: 8123, with TLS 8443.",
    )


def native_port(address: str, http_port: str = "8123") -> ProbeFailure:
    """The common mistake: the port of clickhouse-client was given."""
    return ProbeFailure(
        "wrong_protocol",
        f"{address} is ClickHouse's native port, for clickhouse-client; Tapewatch speaks HTTP.",
        f"Give the HTTP port in the DSN: {http_port} (with TLS and clickhouses://: 8443).",
    )


def connect(dsn: SecretUrl, *, read_timeout_s: int, connect_timeout_s: int = 1, database: str = "") -> Client:
    """A client of `dsn` for one thread, without retries; it has been answered when this returns.

    Args:
        read_timeout_s, connect_timeout_s: whole seconds, the client's rule; they hold for one read each.
        database: must exist; empty: the user's default one.

    Raises:
        ProbeFailure, ClickHouseError, OSError, urllib3.exceptions.HTTPError: see `explain`.
    """
    if is_embedded(dsn):
        return clickhouse_connect.get_client(interface="chdb", path=embedded_path(dsn.reveal()))
    server = server_of(dsn)
    address = RESOLVER.resolve(server.host)
    client = clickhouse_connect.get_client(
        host=address,
        port=server.port,
        interface="https" if server.secure else "http",
        username=server.user,
        password=unquote(urlsplit(dsn.reveal()).password or ""),
        database=database or None,
        connect_timeout=connect_timeout_s,
        send_receive_timeout=read_timeout_s,
        server_host_name=server.host if server.secure and not is_ip(server.host) else None,
        query_retries=0,
        autogenerate_session_id=False,
        dedicated_pool=True,  # closing the client closes its sockets
    )
    client.http_retries = 0  # type: ignore[attr-defined]  # not an argument; its default of 1 doubles every time-out
    return client


def embedded_path(dsn: str) -> str:
    """The path the embedded engine is opened with: memory and caches capped, or it may take 90 % of the RAM.

    Only what is read at the opening of a path is heard here: limits of thread pools are not, since importing chdb has
    opened an engine before.
    """
    url = urlsplit(dsn)
    path = Path(unquote(url.netloc + url.path)).resolve()
    path.mkdir(parents=True, exist_ok=True)
    options: Mapping[str, Any] = {
        "max_server_memory_usage": EMBEDDED_MEMORY_BYTES,
        "mark_cache_size": EMBEDDED_MARK_CACHE_BYTES,
        "query_condition_cache_size": EMBEDDED_CONDITION_CACHE_BYTES,
        **dict(parse_qsl(url.query)),
    }
    return f"{path}?{'&'.join(f'{key}={value}' for key, value in options.items())}"


def _reworded(error: ProbeError, url: str, server: Server) -> ProbeFailure:
    """A failure of the HTTP exchange, told of ClickHouse."""
    name = f"ClickHouse at {server.address}"
    if error.code == "not_http" or (error.code == "closed" and server.port in NATIVE_PORTS):
        if server.port in NATIVE_PORTS:
            return native_port(server.address)
        return ProbeFailure(
            "wrong_protocol",
            f"What listens at {server.address} is not ClickHouse's HTTP interface.",
            "Give the HTTP port: 8123; a port that speaks TLS (8443) needs clickhouses://.",
        )
    message = error.message.replace(f"The web server at {server.address}", name).replace(url, name)
    hints = {
        "refused": "Is clickhouse-server running, and is this its HTTP port (8123)?",
        "timeout": error.hint if "accept a connection" in error.message else "Is it overloaded or frozen?",
        "tls_failed": error.hint.partition(";")[0].replace("http://", "clickhouse://"),
    }
    return ProbeFailure(error.code, message, hints.get(error.code, error.hint))
