"""The first words with a Kafka broker, on a plain socket: is it one, does it answer, where does it send its clients.

The client library retries every fault until its time is up and then names none. A few tiny requests
whose answers are read by hand (https://kafka.apache.org/protocol: ApiVersions 0, Metadata 1, and for a
login SaslHandshake 1, SaslAuthenticate 0) tell a refused port from a frozen broker, and both from a web
server, TLS where none is meant, a refused login or a controller.
"""

import contextlib
import socket
import ssl
import time
from dataclasses import dataclass

from probes.dns import RESOLVER, WAIT_S
from probes.kafka_login import HUNG_UP, PLAIN_ACCESS, SASL_HANDSHAKE, Access, encrypt, log_in, no_login, refused
from probes.kafka_wire import NotKafka, SpeaksTls, ask, parse_advertised, parse_versions
from probes.result import ProbeFailure
from probes.tcp import connect_failure
from probes.tls import reason
from settings_types import split_address

METADATA = 3
API_VERSIONS = 18


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a broker said.

    Attributes:
        round_trip_s: time of one request, connecting excluded.
        advertised: ``host:port`` of every broker, as clients are told to reach them; empty when not told.
    """

    round_trip_s: float
    advertised: tuple[str, ...]


def greet(address: str, timeout_s: float, access: Access = PLAIN_ACCESS) -> Greeting:
    """Connect to `address`, ask who is there, hang up. Name resolution, TLS and login are within `timeout_s`.

    Raises:
        ProbeFailure: codes ``dns_timeout dns_unknown refused unreachable timeout closed tls_failed wrong_protocol
            wrong_listener auth_required auth_failed``, each with its sentence.
    """
    until_s = time.monotonic() + timeout_s
    try:
        return _greet(address, timeout_s, access, until_s)
    except ProbeFailure as failure:
        if failure.error.code != "auth_required":
            raise
    # A broker that goes away between two answers hangs up as well: who wants a login does it again.
    return _greet(address, timeout_s, access, until_s)


def _greet(address: str, timeout_s: float, access: Access, until_s: float) -> Greeting:
    host, port = split_address(address)
    ip = RESOLVER.resolve(host, min(WAIT_S, timeout_s / 2))
    try:
        connection = socket.create_connection((ip, port), max(0.001, until_s - time.monotonic()))
    except OSError as exc:
        raise connect_failure(exc, address, timeout_s, "Kafka") from exc
    with contextlib.ExitStack() as open_sockets:
        open_sockets.enter_context(connection)
        try:
            if access.tls:
                connection = open_sockets.enter_context(encrypt(connection, address, host, access, until_s))
            return _talk(connection, address, access, until_s)
        except TimeoutError as exc:
            raise ProbeFailure(
                "timeout",
                f"Kafka at {address} accepted the connection but did not answer within {timeout_s:g} s.",
                "The broker may be frozen or overloaded: see its log, its disk and its garbage collection.",
            ) from exc
        except SpeaksTls as exc:
            raise ProbeFailure(
                "tls_failed",
                f"What listens at {address} speaks TLS, and was spoken to without.",
                "Set tls = true, and ca_file where the certificate is signed by an authority of your own.",
            ) from exc
        except NotKafka as exc:
            raise ProbeFailure(
                "wrong_protocol",
                f"What listens at {address} is not Kafka: {exc}.",
                "Check host and port: a broker's plain listener is usually on port 9092.",
            ) from exc


def _talk(connection: socket.socket, address: str, access: Access, until_s: float) -> Greeting:
    started_s = time.perf_counter()
    try:
        versions = parse_versions(ask(connection, API_VERSIONS, 0, b"", until_s))
    except OSError as exc:
        raise hung_up(exc, address, access) from exc
    round_trip_s = time.perf_counter() - started_s
    if METADATA not in versions:
        raise ProbeFailure(
            "wrong_listener",
            f"{address} is the port of a Kafka controller, which serves no clients.",
            "Give the broker's listener for clients instead, usually on port 9092.",
        )
    try:
        if access.login:
            if SASL_HANDSHAKE not in versions:
                raise no_login(address)
            log_in(connection, address, access.login, until_s)
        low, high = versions[METADATA]
        if not low <= 1 <= high:
            return Greeting(round_trip_s, ())
        return Greeting(round_trip_s, parse_advertised(ask(connection, METADATA, 1, bytes(4), until_s)))
    except ConnectionError as exc:
        if access.login:
            raise refused(address, access.login, HUNG_UP) from exc
        raise ProbeFailure(
            "auth_required",
            f"Kafka at {address} hangs up on a client that does not log in.",
            "This listener wants a login: set sasl_mechanism, user and password.",
        ) from exc


def hung_up(exc: OSError, address: str, access: Access) -> Exception:
    """Why there is no answer to the first request; a time-out stays what it is."""
    if isinstance(exc, TimeoutError):
        return exc
    if isinstance(exc, ssl.SSLError):  # with TLS 1.3 a server's objections come after the handshake
        return ProbeFailure(
            "tls_failed",
            f"Kafka at {address} ends TLS after the handshake: {reason(exc)}.",
            "A listener that wants a certificate of its clients does that: name one that does not.",
        )
    hint = "A broker that is shutting down does that: see the broker's log."
    if not access.tls:
        hint = "A listener that wants TLS does that (tls = true), and so does a broker that is shutting down."
    return ProbeFailure("closed", f"{address} accepts connections and closes them without an answer.", hint)
