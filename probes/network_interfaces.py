"""Interfaces and TCP counters of this machine, and what they mean."""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from probes.counters import Counters, Turn
from probes.result import Finding, Reading, Status, labels

SKIPPED = re.compile(
    r"(lo\d*|veth.*|docker.*|br-.*|virbr.*|vnet.*|cni.*|cali.*|flannel.*|podman.*|lxc.*|"
    r"ifb\d.*|dummy\d.*|tunl\d.*|sit\d.*|gre.*|ip6tnl.*|erspan.*|teql.*)(:.*)?"
)
"""Loopback, container plumbing and pseudo devices: their bytes are counted on a real interface as well."""

ERRORS_FROM_PACKETS = 100
SEGMENTS = 1000
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
    return Traffic(interface, received, sent, packets_received, packets_sent, lost / packets if complete else None)


class TrafficReader:
    """Interface rates between two turns."""

    def __init__(self) -> None:
        self._counters: Counters[tuple[str, str]] = Counters()

    def turn(self, interfaces: Sequence[Interface], now_s: float | None = None) -> list[Traffic]:
        values = {(i.name, field): value for i in interfaces for field, value in i.counters.items()}
        fastest = {(i.name, field): i.speed for i in interfaces if i.speed for field in ("bytes_recv", "bytes_sent")}
        turn = self._counters.turn(values, time.monotonic() if now_s is None else now_s, fastest)
        return [traffic(interface, turn) for interface in interfaces]


def parse_snmp(text: str, protocol: str) -> dict[str, float]:
    """One protocol's counters from /proc/net/snmp or /proc/net/netstat: a line of names, a line of values."""
    lines = [line.split()[1:] for line in text.splitlines() if line.startswith(f"{protocol}:")]
    return {name: float(value) for name, value in zip(*lines[:2], strict=False)} if len(lines) >= 2 else {}


class TcpCounters:
    """Retransmissions and dropped connections of this network namespace."""

    def __init__(self, folder: Path = Path("/proc/net")) -> None:
        self._folder = folder
        self._drops: Counters[str] = Counters()
        self._segments: tuple[float, float] | None = None

    def turn(self) -> tuple[list[Reading], list[str]]:
        """Readings since the last turn, and what this system does not tell."""
        try:
            tcp = parse_snmp((self._folder / "snmp").read_text(encoding="ascii"), "Tcp")
            extended = parse_snmp((self._folder / "netstat").read_text(encoding="ascii"), "TcpExt")
        except OSError:  # not Linux, or hidden
            return [], ["TCP retransmissions and drops (/proc/net is not readable)"]
        readings = []
        if "OutSegs" in tcp and "RetransSegs" in tcp:
            ratio = self.retransmitted(tcp["OutSegs"], tcp["RetransSegs"])
            readings += [] if ratio is None else [Reading("network_retransmit_ratio", ratio)]
        turn = self._drops.turn({k: v for k, v in extended.items() if k == "ListenDrops"}, time.monotonic())
        drops = turn.per_second("ListenDrops")
        return readings + ([] if drops is None else [Reading("network_listen_drops_per_second", drops)]), []

    def retransmitted(self, sent: float, again: float) -> float | None:
        """Share sent again since the last answer; None until SEGMENTS more were sent, so that few prove nothing."""
        before = self._segments
        if before is None or sent < before[0] or again < before[1]:
            self._segments = sent, again
            return None
        if sent - before[0] < SEGMENTS:
            return None
        self._segments = sent, again
        return (again - before[1]) / (sent - before[0])
