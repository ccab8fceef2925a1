"""Network: round trip, jitter and loss to targets; traffic, errors and utilisation of this machine's interfaces."""

import re
import statistics
import time
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import psutil
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from probes import network_interfaces as interfaces
from probes import network_targets as targets
from probes.catalogue import humanize, humanize_duration
from probes.dns import RESOLVER
from probes.kind import Kind
from probes.network_metrics import METRICS
from probes.network_system import SystemCounters
from probes.result import Collected, Table
from settings import Component
from settings_types import Address, split_address

_BITS = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def parse_capacity(value: object) -> float:
    """Bytes per second of a link capacity such as ``"1Gbit"`` or ``"100Mbit"``.

    >>> parse_capacity("1Gbit"), parse_capacity("2.5 Gbit/s")
    (125000000.0, 312500000.0)
    """
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?) ?([kMGT])bit(?:/s)?", str(value).strip())
    if match is None or float(match[1]) <= 0:
        raise PydanticCustomError(
            "capacity", 'expected a link capacity in bits per second with its unit, such as "100Mbit" or "10Gbit"'
        )
    return float(match[1]) * _BITS[match[2]] / 8


Capacity = Annotated[float, BeforeValidator(parse_capacity)]


class NetworkComponent(Component):
    """``[[component]] kind = "network"``: this machine's interfaces and the ways to its targets.

    Attributes:
        targets: addresses whose round trip is measured; a closed port serves as well as an open one.
        interfaces: those to show; empty: all but loopback, container plumbing and pseudo devices.
        capacity: what a link carries, where its driver does not know or the provider gives less.
    """

    kind: Literal["network"]
    targets: tuple[Address, ...] = ()
    interfaces: tuple[str, ...] = ()
    capacity: dict[str, Capacity] = Field(default_factory=dict)

    @property
    def target(self) -> str:
        return ", ".join(self.targets[:3]) or "this machine's interfaces"


class NetworkProbe:
    """Tries all targets at once and reads the interfaces meanwhile."""

    connect_share: ClassVar[float] = 0.85  # of the deadline, for one try
    wait_share: ClassVar[float] = 0.92  # of the deadline, for all of them together

    def __init__(self, component: NetworkComponent, deadline_s: float) -> None:
        self._component = component
        self._wait_s = deadline_s * self.wait_share
        addresses = dict.fromkeys(component.targets)
        self._watches = [targets.Watch(address, deadline_s * self.connect_share) for address in addresses]
        self._judge_loss = "network_loss_ratio" not in component.thresholds
        self._traffic = interfaces.TrafficReader()
        self._system = SystemCounters()

    def ping(self) -> float:
        """There is no cheaper trial than the probe itself, which never fails as a whole."""
        return 0.0

    def collect(self) -> Collected:
        until_s = time.monotonic() + self._wait_s
        for watch in self._watches:
            watch.request()
        unavailable: list[str] = []
        found: list[interfaces.Interface] = []
        there: list[str] = []
        try:
            found, there = interfaces.read(self._component.interfaces, self._component.capacity)
        except (OSError, psutil.Error):
            unavailable.append("interfaces (this system does not tell)")
        traffic = self._traffic.turn(found)
        system, missing = self._system.turn()
        states = [watch.state(until_s - time.monotonic()) for watch in self._watches]
        problems = [targets.finding(state, self._judge_loss) for state in states]
        down = interfaces.missing_findings(self._component.interfaces, found, there) if there else []
        unknown = [name for name in self._component.capacity if there and name not in there]
        unavailable += [f"capacity of {name} (there is no such interface)" for name in unknown]
        rtts_s = [state.last.rtt_s for state in states if state.last and state.last.rtt_s is not None]
        return Collected(
            latency_s=statistics.median(rtts_s) if rtts_s else None,
            summary=summarise(states, traffic),
            readings=[
                *(reading for state in states for reading in targets.readings(state)),
                *(reading for each in traffic for reading in each.readings()),
                *system,
            ],
            findings=[*(problem for problem in problems if problem), *down],
            facts={"interfaces": ", ".join(there)} if there else {},
            tables={"targets": target_table(states), "interfaces": interface_table(traffic)},
            unavailable=(*unavailable, *missing),
        )

    def close(self) -> None:
        """Let the targets' threads end."""
        for watch in self._watches:
            watch.stop()


def summarise(states: Sequence[targets.TargetState], traffic: Sequence[interfaces.Traffic]) -> str:
    """The network in one short phrase: the slowest answer and the busiest interface."""
    parts = []
    rtts_s = [state.last.rtt_s for state in states if state.last and state.last.rtt_s is not None]
    if rtts_s:
        parts.append(f"{len(rtts_s)} of {len(states)} targets answer, slowest {humanize_duration(max(rtts_s))}")
    elif states:
        parts.append(f"none of {len(states)} targets answers")
    busiest = max(traffic, key=lambda each: (each.received or 0) + (each.sent or 0), default=None)
    if busiest and busiest.received is not None and busiest.sent is not None:
        received, sent = humanize(busiest.received, "bytes/s"), humanize(busiest.sent, "bytes/s")
        parts.append(f"{busiest.interface.name} ↓ {received} ↑ {sent}")
    return "; ".join(parts) or f"{len(traffic)} interfaces"


def target_table(states: Sequence[targets.TargetState]) -> Table:
    """One row a target, with the number of tries its loss rests on and the time its name's last lookup took."""
    columns = (
        *("target", "state", "rtt_seconds", "rtt_p95_seconds", "jitter_seconds", "loss_ratio", "tries"),
        "lookup_seconds",
    )
    rows = []
    for state in states:
        rtts_s = [t.rtt_s for t in state.tries if t.rtt_s is not None][-targets.RTT_WINDOW :]
        last = state.last
        rows.append(
            (
                state.address,
                last.state if last else "no answer yet",
                last.rtt_s if last else None,
                targets.p95(rtts_s) if len(rtts_s) >= targets.P95_FROM else None,
                targets.jitter_s(rtts_s),
                targets.loss_ratio(state.tries),
                len(state.tries),
                RESOLVER.lookup_s(split_address(state.address)[0]),
            )
        )
    return Table(columns, tuple(rows))


def interface_table(traffic: Sequence[interfaces.Traffic]) -> Table:
    """One row an interface."""
    columns = (
        "interface",
        "up",
        "receive_bytes_per_second",
        "transmit_bytes_per_second",
        "utilization_ratio",
        "link_speed_bytes_per_second",
        "errors_per_second",
        "drops_per_second",
        "error_ratio",
    )
    rows = (
        (
            *(t.interface.name, t.interface.up, t.received, t.sent, t.utilization, t.interface.speed),
            *(t.errors, t.drops, t.error_ratio),
        )
        for t in traffic
    )
    return Table(columns, tuple(rows))


KIND = Kind(
    name="network",
    title="Network",
    component=NetworkComponent,
    metrics=METRICS,
    open=NetworkProbe,
    key_metric="network_rtt_seconds",
)
