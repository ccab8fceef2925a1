"""kafka-python's admin client, made to keep its time and to leave nothing behind.

Left alone, a client whose bootstrap fails leaks its thread and sockets for ever, a connect may take
10 s whatever the request timeout says, and names are resolved on its only thread without any limit.
The hooks used here are partly private to kafka-python 3.0: hence the pin, and a test that counts.
"""

import logging
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kafka import KafkaAdminClient
from kafka.net.compat import KafkaNetClient
from kafka.net.inet import KafkaNetSocket

from probes.dns import RESOLVER
from probes.kafka_login import PLAIN_ACCESS, Access
from probes.result import ProbeFailure

# What the client logs at every failed try, the result says once and in words.
logging.getLogger("kafka").setLevel(logging.CRITICAL)

RECONNECT_MAX_MS = 500


class _BoundedLookup(KafkaNetSocket):
    """A plain connection whose host name `RESOLVER` resolves; registered as the proxy scheme ``resolver``."""

    SCHEMES = ("resolver",)

    def dns_lookup(self, host: str, port: int, raise_error: bool = False) -> list[Any]:
        del raise_error  # the client's own caller never sets it
        try:
            ip = RESOLVER.resolve(host)
        except ProbeFailure:
            return []
        return socket.getaddrinfo(ip, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)


def open_admin(
    bootstrap: Sequence[str], bootstrap_s: float, request_s: float, access: Access = PLAIN_ACCESS
) -> KafkaAdminClient:
    """An admin client that has spoken to one of `bootstrap`.

    Args:
        bootstrap_s: time for the first metadata.
        request_s: time for every later request, and for every connect.

    Raises:
        KafkaError: it could not; nothing of the client is left.
    """
    admin: KafkaAdminClient = open_client(
        KafkaAdminClient,
        request_s,
        bootstrap_servers=list(bootstrap),
        client_id="tapewatch",
        bootstrap_timeout_ms=bootstrap_s * 1000,
        request_timeout_ms=request_s * 1000,
        reconnect_backoff_max_ms=RECONNECT_MAX_MS,
        proxy_url="resolver://",
        **access.options(),
    )
    return admin


def learn(admin: KafkaAdminClient, brokers: Iterable[int]) -> None:
    """Make the client know these brokers: of one that came after it the client hears every five minutes only.

    Raises:
        KafkaError: it could not ask.
    """
    cluster = admin._manager.cluster
    if any(cluster.broker_metadata(number) is None for number in brokers):
        admin._manager.run(cluster.refresh_metadata)


def open_client(kind: Callable[..., Any], connect_s: float, **config: Any) -> Any:
    """A kafka-python client, admin, consumer or producer; one that cannot be built leaves no thread and no socket.

    Args:
        connect_s: time for a connect, which is no public option of the client and beats its request time-out.
    """
    opened: list[KafkaNetClient] = []

    def build(**inner: Any) -> KafkaNetClient:
        setup_ms = connect_s * 1000
        client = KafkaNetClient(
            socket_connection_setup_timeout_ms=setup_ms, socket_connection_setup_timeout_max_ms=setup_ms, **inner
        )
        opened.append(client)
        return client

    try:
        return kind(kafka_client=build, **config)
    except BaseException:
        for client in opened:
            client.close()
        raise
