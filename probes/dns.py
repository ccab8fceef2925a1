"""Name resolution with a deadline.

`getaddrinfo` obeys no timeout: a silent DNS server costs 10 s. So one daemon thread per name
resolves, single-flight, while the caller waits a bounded time; the last good answer serves for an
hour when the server falls silent. IP literals never reach the resolver.
"""

import ipaddress
import socket
import threading
import time
from collections.abc import Callable

from probes.result import ProbeFailure

WAIT_S = 0.5
KEEP_S = 3600.0
FRESH_S = 60.0


class Resolver:
    """Resolves host names to one address each, never longer than it is told to wait."""

    def __init__(self, lookup: Callable[[str], str] | None = None) -> None:
        self._lookup = lookup or _first_address
        self._lock = threading.Lock()
        self._pending: dict[str, _Lookup] = {}
        self._known: dict[str, tuple[str, float]] = {}
        self._took_s: dict[str, float] = {}

    def resolve(self, host: str, wait_s: float = WAIT_S) -> str:
        """An IP address of `host`.

        Raises:
            ProbeFailure: ``dns_timeout`` when no answer came in `wait_s`, ``dns_unknown`` when there is no such name.
        """
        if is_ip(host):
            return host
        address, learned_s = self._known.get(host, ("", -KEEP_S))
        if time.monotonic() - learned_s < FRESH_S:
            return address
        lookup = self._start(host)
        answered = lookup.done.wait(wait_s)
        if answered and lookup.address:
            return lookup.address
        if address and time.monotonic() - learned_s < KEEP_S:
            return address
        if not answered:
            raise ProbeFailure(
                "dns_timeout",
                f'The DNS server did not answer for "{host}" within {wait_s:.2g} s.',
                "Check the name server in /etc/resolv.conf, or give an IP address instead of the name.",
            )
        raise ProbeFailure(
            "dns_unknown",
            f'The name "{host}" cannot be resolved ({lookup.reason}).',
            "Is the name spelt right and known to this machine's DNS?",
        )

    def lookup_s(self, host: str) -> float | None:
        """How long the last lookup of `host` that found it took; None for an IP literal and before the first."""
        return self._took_s.get(host)

    def _start(self, host: str) -> "_Lookup":
        with self._lock:
            lookup = self._pending.get(host)
            if lookup is None:
                lookup = self._pending[host] = _Lookup()
                threading.Thread(target=self._run, args=(host, lookup), name=f"dns:{host}", daemon=True).start()
            return lookup

    def _run(self, host: str, lookup: "_Lookup") -> None:
        started_s = time.monotonic()
        try:
            lookup.address = self._lookup(host)
        except (OSError, ValueError) as exc:  # ValueError: a label too long for DNS, a null byte
            lookup.reason = getattr(exc, "strerror", None) or str(exc)
        with self._lock:
            if lookup.address:
                self._known[host] = (lookup.address, time.monotonic())
                self._took_s[host] = time.monotonic() - started_s
            del self._pending[host]
        lookup.done.set()


class _Lookup:
    __slots__ = ("address", "done", "reason")

    def __init__(self) -> None:
        self.done = threading.Event()
        self.address = ""
        self.reason = ""


def is_ip(host: str) -> bool:
    """Whether `host` is an IPv4 or IPv6 literal."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _first_address(host: str) -> str:
    """The first IPv4 address, else the first of all: "localhost" often gives ::1 first, where few servers listen."""
    answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return str(min(answers, key=lambda answer: answer[0] != socket.AF_INET)[4][0])


RESOLVER = Resolver()
"""The process's resolver: one memory of good answers, one thread per name at most."""
