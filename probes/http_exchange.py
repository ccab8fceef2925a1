"""One HTTP exchange that ends in time, whatever the server does.

Built on the standard library's client with sockets of our own: a client's time-outs hold for one
read each, so that a server that drips a byte now and then keeps it for ever. Here every read may
last only as long as is left of the whole.
"""

import base64
import contextlib
import http.client
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from probes.dns import RESOLVER, WAIT_S
from probes.http_certificate import expiry_s
from probes.http_sockets import BoundedSocket, BoundedTls
from probes.http_sockets import tls_context as tls_context
from probes.result import ProbeFailure
from probes.tcp import connect_failure
from probes.tls import failure as tls_failure

MOST_BYTES = 1 << 20
MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 1 << 16


@dataclass(slots=True)
class Phases:
    """Where the time of an exchange went, redirects added up; names are in `dns.Resolver.lookup_s`.

    Attributes:
        wait_s: from the request until the headers: one round trip and the server's own time.
    """

    connect_s: float = 0.0
    tls_s: float = 0.0
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered.

    Attributes:
        body: at most MOST_BYTES of it; `cut` tells that there was more.
        first_byte_s, total_s: since the beginning, name resolution and redirects included.
        certificate_expires_s: epoch second, also of a certificate that is not checked; None for http.
    """

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes
    cut: bool
    first_byte_s: float
    total_s: float
    certificate_expires_s: float | None
    shown_url: str
    phases: Phases = field(default_factory=Phases)


def shown(url: str) -> str:
    """`url` for sentences: without user, password, query and fragment, which may carry secrets."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}"


def fetch(
    url: str, *, method: str, tls: Callable[[], ssl.SSLContext], timeout_s: float, stop_at: frozenset[int] = frozenset()
) -> Answer:
    """The answer to a request for `url`, redirects followed, in at most `timeout_s` seconds.

    Args:
        tls: makes or keeps the context; asked only when the way leads over https.
        stop_at: statuses that are wanted as they are, so that no redirect of that status is followed.

    Raises:
        ProbeFailure: ``dns_timeout dns_unknown refused unreachable timeout tls_failed closed not_http
            redirect_loop bad_redirect``, each with its sentence.
    """
    started_s = time.monotonic()
    first_url, phases = url, Phases()
    for _ in range(MOST_REDIRECTS + 1):
        keep_user = _origin(url) == _origin(first_url)
        answer = _exchange(url, method, tls, started_s, timeout_s, keep_user, phases)
        location = answer.headers.get("location")
        if answer.status not in REDIRECTS or answer.status in stop_at or not location:
            return answer
        url = _target(url, location)
    raise ProbeFailure(
        "redirect_loop",
        f"{shown(first_url)} redirects more than {MOST_REDIRECTS} times and leads nowhere.",
        "Check the redirects of the server, or give the final URL.",
    )


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _target(url: str, location: str) -> str:
    target = urljoin(url, location)
    try:
        parts = urlsplit(target)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or not target.isascii() or any(c <= " " for c in target):
        raise ProbeFailure(
            "bad_redirect",
            f"{shown(url)} redirects to something that is no web address.",
            "Check the server's redirects.",
        )
    own = urlsplit(url)
    if own.username is not None and _origin(target) == _origin(url) and parts.username is None:
        return parts._replace(netloc=own.netloc).geturl()  # a redirect does not repeat who asks
    return target


def _exchange(
    url: str,
    method: str,
    tls: Callable[[], ssl.SSLContext],
    started_s: float,
    timeout_s: float,
    keep_user: bool,
    phases: Phases,
) -> Answer:
    parts = urlsplit(url)
    sock = _connect(parts, tls, started_s + timeout_s, timeout_s, phases)
    with contextlib.closing(sock), _in_words(shown(url), timeout_s):
        expires_s = expiry_s(sock)  # now, because the last read may close the socket
        connection = http.client.HTTPConnection(parts.hostname or "", _port(parts))
        connection.sock = sock
        connection.default_port = 443 if parts.scheme == "https" else 80  # the one the Host header leaves out
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        asked_s = time.monotonic()
        connection.request(method, target, headers=_headers(parts, keep_user))
        with connection.getresponse() as response:
            if sock.ended:  # http.client takes the end of the connection for the end of the headers
                raise http.client.IncompleteRead(b"")
            phases.wait_s += time.monotonic() - asked_s
            first_byte_s = time.monotonic() - started_s
            body, cut = _read(response)
            return Answer(
                status=response.status,
                reason=response.reason,
                headers={key.lower(): value for key, value in response.headers.items()},
                body=body,
                cut=cut,
                first_byte_s=first_byte_s,
                total_s=time.monotonic() - started_s,
                certificate_expires_s=expires_s,
                shown_url=shown(url),
                phases=phases,
            )


@contextlib.contextmanager
def _in_words(name: str, timeout_s: float) -> Iterator[None]:
    """Turns what goes wrong in an exchange into the failure it means."""
    try:
        yield
    except TimeoutError:
        raise ProbeFailure(
            "timeout",
            f"{name} accepted the connection but did not answer completely within {timeout_s:g} s.",
            "Is the server overloaded or frozen? For an endless body use method HEAD.",
        ) from None
    except ssl.SSLError as exc:
        raise _tls_failure(name, exc) from None
    except (http.client.RemoteDisconnected, http.client.IncompleteRead, OSError):
        raise _closed(name) from None
    except (http.client.HTTPException, ValueError) as exc:  # ValueError: http.client on a nonsensical header
        if _cut_short(exc):
            raise _closed(name) from None
        raise ProbeFailure(
            "not_http",
            f"What listens at {name} does not speak HTTP.",
            "Is this the right port? A port that speaks TLS needs https://.",
        ) from None


def _closed(name: str) -> ProbeFailure:
    return ProbeFailure("closed", f"{name} closed the connection before it had answered.", "Read the server's log.")


def _cut_short(exc: Exception) -> bool:
    """Whether the connection ended within a first line that was HTTP so far."""
    line = str(exc) if isinstance(exc, http.client.BadStatusLine) else "\n"
    return not line.endswith("\n") and "HTTP/".startswith(line[:5])


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _headers(parts: SplitResult, keep_user: bool) -> dict[str, str]:
    headers = {"User-Agent": "Tapewatch", "Accept": "*/*", "Connection": "close"}
    if parts.username is not None and keep_user:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
    return headers


def _read(response: http.client.HTTPResponse) -> tuple[bytes, bool]:
    body = bytearray()
    while len(body) <= MOST_BYTES:
        chunk = response.read(_CHUNK)
        if not chunk:
            if response.length:  # fewer bytes came than were promised; read(n) does not say so itself
                raise http.client.IncompleteRead(b"", response.length)
            return bytes(body), False
        body += chunk
    return bytes(body[:MOST_BYTES]), True


def _connect(
    parts: SplitResult, tls: Callable[[], ssl.SSLContext], until_s: float, timeout_s: float, phases: Phases
) -> BoundedSocket | BoundedTls:
    """A connection to the server, TLS agreed where the URL asks for it."""
    host = parts.hostname or ""
    port = _port(parts)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    ip = RESOLVER.resolve(host, max(0.0, min(WAIT_S, until_s - time.monotonic())))
    sock = BoundedSocket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM)
    sock.until_s = until_s
    began_s = time.monotonic()
    try:
        sock.settimeout(max(0.001, until_s - began_s))
        sock.connect((ip, port))
    except OSError as exc:
        sock.close()
        raise connect_failure(exc, address, timeout_s, "The web server") from exc
    connected_s = time.monotonic()
    phases.connect_s += connected_s - began_s
    if parts.scheme != "https":
        return sock
    try:
        secured = _secure(sock, host, tls(), until_s)
        phases.tls_s += time.monotonic() - connected_s
        return secured
    except TimeoutError:
        sock.close()
        raise ProbeFailure(
            "timeout",
            f"{shown(parts.geturl())} accepted the connection but did not agree on TLS within {timeout_s:g} s.",
            "Is the server overloaded or frozen, and does this port speak TLS?",
        ) from None
    except (OSError, ValueError) as exc:  # SSLError is an OSError; ValueError: a name TLS cannot carry
        sock.close()
        raise _tls_failure(shown(parts.geturl()), exc) from None


def _secure(sock: BoundedSocket, host: str, context: ssl.SSLContext, until_s: float) -> BoundedTls:
    sock.settimeout(max(0.001, until_s - time.monotonic()))  # holds for the whole handshake
    secured = context.wrap_socket(sock, server_hostname=host)
    assert isinstance(secured, BoundedTls)
    secured.until_s = until_s
    return secured


def _tls_failure(name: str, exc: Exception) -> ProbeFailure:
    return tls_failure(
        exc,
        name,
        untrusted="Renew the certificate or install its authority here; verify_tls = false skips the check.",
        disagreed="Does this port speak TLS, or is http:// meant?",
    )
