"""TCP: does a port accept connections, and how fast."""

import socket
import time
from typing import ClassVar, Literal

from probes.catalogue import Metric
from probes.dns import RESOLVER, WAIT_S
from probes.kind import Kind
from probes.result import Collected, ProbeFailure, Reading
from settings import Component
from settings_types import Address, split_address


class TcpComponent(Component):
    """``[[component]] kind = "tcp"``: any port that should accept connections."""

    kind: Literal["tcp"]
    address: Address

    @property
    def target(self) -> str:
        return self.address


METRICS = (
    Metric(
        name="tcp_connect_seconds",
        title="connect time",
        unit="seconds",
        help="Time until the port accepted the connection, name resolution excluded.",
        better="lower",
        warning=0.05,
        critical=0.2,
        reason="On a trading LAN a connect takes well under a millisecond; 50 ms is felt, 200 ms breaks order flow.",
        message="Connecting takes {value}, more than {threshold}.",
        hint="Look for packet loss on the way or a full accept queue on the server.",
        source="TCP connect: SYN until SYN-ACK",
    ),
)


def connect(address: str, timeout_s: float) -> float:
    """Seconds a TCP connect to `address` takes; the connection is closed again.

    Raises:
        ProbeFailure: codes ``dns_timeout dns_unknown refused timeout unreachable``, each with its sentence.
    """
    host, port = split_address(address)
    ip = RESOLVER.resolve(host, min(WAIT_S, timeout_s / 2))
    started_s = time.perf_counter()
    try:
        with socket.create_connection((ip, port), timeout_s):
            return time.perf_counter() - started_s
    except OSError as exc:
        raise connect_failure(exc, address, timeout_s) from exc


def connect_failure(exc: OSError, address: str, timeout_s: float, what: str = "The port") -> ProbeFailure:
    """The failure a connect's `exc` means, in words; `what` names the service that was wanted."""
    if isinstance(exc, ConnectionRefusedError):
        return ProbeFailure(
            "refused", f"{what} at {address} refuses connections.", "Is the process running, and on this port?"
        )
    if isinstance(exc, TimeoutError):
        return ProbeFailure(
            "timeout",
            f"{what} at {address} did not accept a connection within {timeout_s:g} s.",
            "A firewall may drop the packets, or the host may be down.",
        )
    reason = exc.strerror or str(exc)
    return ProbeFailure(
        "unreachable", f"{what} at {address} cannot be reached: {reason}.", "Check the address and the route to it."
    )


class TcpProbe:
    """Connects and hangs up."""

    connect_share: ClassVar[float] = 0.9  # of the deadline, so that the probe's own sentence comes first

    def __init__(self, component: TcpComponent, deadline_s: float) -> None:
        self._address = component.address
        self._timeout_s = deadline_s * self.connect_share

    def ping(self) -> float:
        return connect(self._address, self._timeout_s)

    def collect(self) -> Collected:
        latency_s = self.ping()
        return Collected(
            latency_s=latency_s,
            summary=f"{self._address} accepts connections",
            readings=(Reading("tcp_connect_seconds", latency_s),),
        )

    def close(self) -> None:
        """Nothing is kept open."""


KIND = Kind(
    name="tcp",
    title="TCP port",
    component=TcpComponent,
    metrics=METRICS,
    open=TcpProbe,
    key_metric="tcp_connect_seconds",
)
