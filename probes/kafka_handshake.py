"""The first words with a Kafka broker, on a plain socket: is it one, does it answer, where does it send its clients.

The client library retries every fault until its time is up and then names none. Two tiny requests
whose answers are read by hand (https://kafka.apache.org/protocol: ApiVersions 0, Metadata 1) tell
a refused port from a frozen broker, and both from a web server, TLS, a login or a controller.
"""

import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass

from probes.dns import RESOLVER, WAIT_S
from probes.result import ProbeFailure
from probes.tcp import connect_failure
from settings_types import split_address

METADATA = 3
API_VERSIONS = 18
MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a broker said.

    Attributes:
        round_trip_s: time of one request, connecting excluded.
        advertised: ``host:port`` of every broker, as clients are told to reach them; empty when not told.
    """

    round_trip_s: float
    advertised: tuple[str, ...]


class NotKafka(ValueError):
    """Bytes that are no answer in Kafka's protocol."""


def greet(address: str, timeout_s: float) -> Greeting:
    """Connect to `address`, ask who is there, hang up. Name resolution is within `timeout_s`.

    Raises:
        ProbeFailure: codes ``dns_timeout dns_unknown refused unreachable timeout closed wrong_protocol
            wrong_listener auth_required``, each with its sentence.
    """
    until_s = time.monotonic() + timeout_s
    host, port = split_address(address)
    ip = RESOLVER.resolve(host, min(WAIT_S, timeout_s / 2))
    try:
        connection = socket.create_connection((ip, port), max(0.001, until_s - time.monotonic()))
    except OSError as exc:
        raise connect_failure(exc, address, timeout_s, "Kafka") from exc
    with connection:
        try:
            return _talk(connection, address, until_s)
        except TimeoutError as exc:
            raise ProbeFailure(
                "timeout",
                f"Kafka at {address} accepted the connection but did not answer within {timeout_s:g} s.",
                "The broker may be frozen or overloaded: see its log, its disk and its garbage collection.",
            ) from exc
        except NotKafka as exc:
            raise ProbeFailure(
                "wrong_protocol",
                f"What listens at {address} is not Kafka: {exc}.",
                "Check host and port: a broker's plain listener is usually on port 9092.",
            ) from exc


def _talk(connection: socket.socket, address: str, until_s: float) -> Greeting:
    started_s = time.perf_counter()
    try:
        versions = parse_versions(_ask(connection, API_VERSIONS, 0, b"", until_s))
    except ConnectionError as exc:
        raise ProbeFailure(
            "closed",
            f"{address} accepts connections and closes them without an answer.",
            "A listener that wants TLS does that, and so does a broker that is shutting down: see the broker's log.",
        ) from exc
    round_trip_s = time.perf_counter() - started_s
    if METADATA not in versions:
        raise ProbeFailure(
            "wrong_listener",
            f"{address} is the port of a Kafka controller, which serves no clients.",
            "Give the broker's listener for clients instead, usually on port 9092.",
        )
    low, high = versions[METADATA]
    if not low <= 1 <= high:
        return Greeting(round_trip_s, ())
    try:
        return Greeting(round_trip_s, parse_advertised(_ask(connection, METADATA, 1, bytes(4), until_s)))
    except ConnectionError as exc:
        raise ProbeFailure(
            "auth_required",
            f"Kafka at {address} hangs up on a client that does not log in.",
            "This listener wants a login (SASL): give a listener without one that only Tapewatch's host can reach.",
        ) from exc


def _ask(connection: socket.socket, api: int, version: int, body: bytes, until_s: float) -> bytes:
    """Send a request and return the body of its answer."""
    request = struct.pack(">hhih", api, version, api, -1) + body
    connection.settimeout(max(0.001, until_s - time.monotonic()))
    connection.sendall(struct.pack(">i", len(request)) + request)
    head = _receive(connection, 4, until_s)
    if head[:2] == b"\x15\x03":
        raise NotKafka("it answers with TLS")
    if head == b"HTTP":
        raise NotKafka("it answers as a web server")
    size = struct.unpack(">i", head)[0]
    if not 4 <= size <= MOST_BYTES:
        raise NotKafka("its answer is not in Kafka's protocol")
    answer = _receive(connection, size, until_s)
    if struct.unpack_from(">i", answer)[0] != api:  # the request's own number comes back
        raise NotKafka("its answer is not in Kafka's protocol")
    return answer[4:]


def _receive(connection: socket.socket, size: int, until_s: float) -> bytes:
    received = bytearray()
    while len(received) < size:
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        connection.settimeout(left_s)
        chunk = connection.recv(size - len(received))
        if not chunk:
            raise ConnectionAbortedError
        received += chunk
    return bytes(received)


def parse_versions(body: bytes) -> Mapping[int, tuple[int, int]]:
    """Lowest and highest version of each request, by its number, from an ApiVersions answer, version 0."""
    try:
        error, count = struct.unpack_from(">hi", body)
        rows = struct.iter_unpack(">3h", body[6:])
        versions = {api: (low, high) for api, low, high in rows}
    except struct.error as exc:
        raise NotKafka("its answer is not in Kafka's protocol") from exc
    if error or len(versions) != count:
        raise NotKafka("its answer is not in Kafka's protocol")
    return versions


def parse_advertised(body: bytes) -> tuple[str, ...]:
    """``host:port`` of each broker in a Metadata answer, version 1."""
    try:
        (count,) = struct.unpack_from(">i", body)
        at, found = 4, []
        for _ in range(count):
            (length,) = struct.unpack_from(">h", body, at + 4)
            host = body[at + 6 : at + 6 + length].decode()
            port, rack = struct.unpack_from(">ih", body, at + 6 + length)
            at += 12 + length + max(0, rack)
            found.append(join_address(host, port))
    except (struct.error, UnicodeDecodeError) as exc:
        raise NotKafka("its answer is not in Kafka's protocol") from exc
    return tuple(found)


def join_address(host: str, port: int) -> str:
    """``host:port``, an IPv6 literal in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
