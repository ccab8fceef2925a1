"""Addresses at which a dependency misbehaves in one way each, for any test that needs one.

Each is a context manager that gives ``host:port``.
"""

import contextlib
import functools
import socket
import threading
from collections.abc import Callable

from tests.probes.listeners import black_hole, close, drip, drip_body, garbage, hang, listening, refusing

Fault = Callable[[], contextlib.AbstractContextManager[str]]

refused: Fault = refusing
dropped: Fault = black_hole
hanging: Fault = functools.partial(listening, hang)
closing: Fault = functools.partial(listening, close)
talking_garbage: Fault = functools.partial(listening, garbage)
dripping: Fault = functools.partial(listening, drip)
dripping_body: Fault = functools.partial(listening, drip_body)

FAULTS: dict[str, Fault] = {
    "refused": refused,
    "dropped": dropped,
    "hanging": hanging,
    "closing": closing,
    "garbage": talking_garbage,
    "dripping": dripping,
}


def _drip_pong(client: socket.socket, stop: threading.Event) -> None:
    client.recv(65536)  # what speaks before it is asked is no Redis, and is told as such
    client.sendall(b"+P")
    while not stop.wait(0.02):
        client.sendall(b"O")


dripping_redis: Fault = functools.partial(listening, _drip_pong)
"""The beginning of an answer to PING that never ends, each byte in time for a reader's own time-out."""
