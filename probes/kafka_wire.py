"""Kafka's protocol by hand, as much of it as the first words take (https://kafka.apache.org/protocol)."""

import socket
import struct
import time
from collections.abc import Mapping

MOST_BYTES = 1 << 20


class NotKafka(ValueError):
    """Bytes that are no answer in Kafka's protocol."""


class SpeaksTls(ValueError):
    """An answer in TLS to a request without."""


def ask(connection: socket.socket, api: int, version: int, body: bytes, until_s: float) -> bytes:
    """Send a request and return the body of its answer.

    Args:
        until_s: monotonic time by which all of it has to be there.

    Raises:
        TimeoutError, ConnectionError, NotKafka, SpeaksTls: there is no answer, or one that is none.
    """
    request = struct.pack(">hhih", api, version, api, -1) + body
    connection.settimeout(max(0.001, until_s - time.monotonic()))
    connection.sendall(struct.pack(">i", len(request)) + request)
    head = _receive(connection, 4, until_s)
    if head[:2] == b"\x15\x03":
        raise SpeaksTls
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


def pack_string(text: str) -> bytes:
    """A STRING of the protocol."""
    raw = text.encode()
    return struct.pack(">h", len(raw)) + raw


def pack_bytes(raw: bytes) -> bytes:
    """BYTES of the protocol."""
    return struct.pack(">i", len(raw)) + raw


def parse_mechanisms(body: bytes) -> tuple[int, tuple[str, ...]]:
    """Error code and the mechanisms a broker knows, from a SaslHandshake answer, version 1."""
    try:
        error, count = struct.unpack_from(">hi", body)
        at, found = 6, []
        for _ in range(count):
            (length,) = struct.unpack_from(">h", body, at)
            found.append(body[at + 2 : at + 2 + length].decode())
            at += 2 + length
    except (struct.error, UnicodeDecodeError) as exc:
        raise NotKafka("its answer is not in Kafka's protocol") from exc
    return error, tuple(found)


def parse_authenticated(body: bytes) -> tuple[int, bytes]:
    """Error code and what the mechanism says, from a SaslAuthenticate answer, version 0."""
    try:
        error, length = struct.unpack_from(">hh", body)
        at = 4 + max(0, length)
        (size,) = struct.unpack_from(">i", body, at)
    except struct.error as exc:
        raise NotKafka("its answer is not in Kafka's protocol") from exc
    return error, body[at + 4 : at + 4 + max(0, size)]
