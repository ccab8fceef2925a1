"""Sockets whose reads may last only as long as is left of a whole exchange."""

import socket
import ssl
import time
from typing import Any

from probes import tls


class Bounded:
    """A socket whose reads end at `until_s`, a monotonic time; `ended` tells that the peer had no more to say."""

    until_s: float = 0.0
    ended: bool = False

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        left_s = self.until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self.settimeout(left_s)  # type: ignore[attr-defined]
        received = int(super().recv_into(*args, **kwargs))  # type: ignore[misc]
        self.ended = not received
        return received


class BoundedSocket(Bounded, socket.socket):
    """A plain one."""


class BoundedTls(Bounded, ssl.SSLSocket):
    """One that speaks TLS."""


def tls_context(verify: bool) -> ssl.SSLContext:
    """How TLS is spoken; reads the system's trusted authorities, which takes some milliseconds."""
    context = ssl.create_default_context()
    context.sslsocket_class = BoundedTls
    if not verify:
        tls.trust_any(context)
    return context
