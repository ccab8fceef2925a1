"""Interfaces of this machine, and what their counters mean."""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import psutil

from probes.counters import Counters, Turn
from probes.result import Finding, Reading, Status, labels

SKIPPED = re.compile(
    r"(lo\d*|veth.*|docker.*|br-.*|virbr.*|vnet.*|cni.*|cali.*|flannel.*|podman.*|lxc.*|"
    r"ifb\d.*|dummy\d.*|tunl\d.*|sit\d.*|gre.*|ip6tnl.*|erspan.*|teql.*)(:.*)?"
)
"""Loopback, container plumbing and pseudo devices: their bytes are counted on a real interface as well."""

ERRORS_FROM_PACKETS = 100
COUNTERS = ("bytes_recv", "bytes_sent", "packets_recv", "packets_sent", "errin", "errout", "dropin", "dropout")


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface at one moment; `speed` in bytes per second, None when unknown."""

    name: str
    up: bool
    speed: float | None
    counters: Mapping[str, float]


def choose(names: Iterable[str], wanted: Sequence[str]) -> list[str]:
    """The interfaces to show: those `wanted` that exist, else all but loopback and plumbing."""
    if wanted:
        there = set(names)
        return [name for name in wanted if name in there]
    return sorted(name for name in names if not SKIPPED.fullmatch(name))


def read(wanted: Sequence[str], capacity: Mapping[str, float]) -> tuple[list[Interface], list[str]]:
    """The chosen interfaces as they are now, and the names of all there are.

    Args:
        capacity: configured bytes per second by interface; stronger than what a driver reports.
    """
    stats = psutil.net_if_stats()
    counters = psutil.net_io_counters(pernic=True, nowrap=False)
    found = [
        Interface(
            name=name,
            up=bool(stats[name].isup),
            speed=capacity.get(name) or (stats[name].speed * 1e6 / 8 if stats[name].speed > 0 else None),
            counters={field: float(getattr(counters[name], field)) for field in COUNTERS} if name in counters else {},
        )
        for name in choose(stats, wanted)
    ]
    return found, sorted(stats)


def missing_findings(wanted: Sequence[str], found: Sequence[Interface], there: Sequence[str]) -> list[Finding]:
    """A finding for each interface the configuration names that is down or not there."""
    up = {interface.name: interface.up for interface in found}
    sentences = {
        name: f"The interface {name} is down."
        if name in up
        else f"There is no interface {name}; there are {', '.join(there)}."
        for name in wanted
        if not up.get(name)
    }
    return [
        Finding(
            metric="network_interface_up",
            status=Status.CRITICAL,
            message=sentence,
            hint="Check the cable and `ip link`, or mend the component's `interfaces`.",
            value=0.0,
            labels=labels(interface=name),
        )
        for name, sentence in sentences.items()
    ]


@dataclass(frozen=True, slots=True)
class Traffic:
    """An interface's rates; None where they cannot be told (the first reading, or a counter was reset)."""

    interface: Interface
    received: float | None
    sent: float | None
    packets_received: float | None
    packets_sent: float | None
    error_ratio: float | None
    errors: float | None = None
    drops: float | None = None

    @property
    def utilization(self) -> float | None:
        """The busier direction as a share of the speed."""
        if not self.interface.speed or self.received is None or self.sent is None:
            return None
        return max(self.received, self.sent) / self.interface.speed

    def readings(self) -> list[Reading]:
        values = {
            "network_receive_bytes_per_second": self.received,
            "network_transmit_bytes_per_second": self.sent,
            "network_receive_packets_per_second": self.packets_received,
            "network_transmit_packets_per_second": self.packets_sent,
            "network_error_ratio": self.error_ratio,
            "network_errors_per_second": self.errors,
            "network_drops_per_second": self.drops,
            "network_utilization_ratio": self.utilization,
            "network_link_speed_bytes_per_second": self.interface.speed,
            "network_interface_up": float(self.interface.up),
        }
        pair = labels(interface=self.interface.name)
        return [Reading(metric, value, pair) for metric, value in values.items() if value is not None]


def traffic(interface: Interface, turn: Turn[tuple[str, str]]) -> Traffic:
    """The rates of one interface out of what all counters did."""
    grown = [turn.increases.get((interface.name, field)) for field in COUNTERS[2:]]
    known = [value for value in grown if value is not None]
    packets, lost = sum(known[:2]), sum(known[2:])
    complete = len(known) == len(grown) and packets >= ERRORS_FROM_PACKETS
    received, sent, packets_received, packets_sent = (turn.per_second((interface.name, f)) for f in COUNTERS[:4])
    errors, drops = (_both(turn, interface.name, kind) for kind in ("err", "drop"))
    ratio = lost / packets if complete else None
    return Traffic(interface, received, sent, packets_received, packets_sent, ratio, errors, drops)


def _both(turn: Turn[tuple[str, str]], name: str, kind: str) -> float | None:
    """A rate of both directions together; None where either cannot be told."""
    into, out = turn.per_second((name, f"{kind}in")), turn.per_second((name, f"{kind}out"))
    return None if into is None or out is None else into + out


class TrafficReader:
    """Interface rates between two turns."""

    def __init__(self) -> None:
        self._counters: Counters[tuple[str, str]] = Counters()

    def turn(self, interfaces: Sequence[Interface], now_s: float | None = None) -> list[Traffic]:
        values = {(i.name, field): value for i in interfaces for field, value in i.counters.items()}
        fastest = {(i.name, field): i.speed for i in interfaces if i.speed for field in ("bytes_recv", "bytes_sent")}
        turn = self._counters.turn(values, time.monotonic() if now_s is None else now_s, fastest)
        return [traffic(interface, turn) for interface in interfaces]
