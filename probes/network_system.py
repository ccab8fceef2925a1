"""What the kernel counts of TCP, UDP and connection tracking, for this network namespace as a whole."""

import re
import time
from pathlib import Path

from probes.counters import Counters
from probes.result import Reading

SEGMENTS = 1000
PROC = Path("/proc")
DROPS = {"listen": "network_listen_drops_per_second", "udp": "network_udp_drops_per_second"}


def parse_snmp(text: str, protocol: str) -> dict[str, float]:
    """One protocol's counters from /proc/net/snmp or /proc/net/netstat: a line of names, a line of values."""
    lines = [line.split()[1:] for line in text.splitlines() if line.startswith(f"{protocol}:")]
    return {name: float(value) for name, value in zip(*lines[:2], strict=False)} if len(lines) >= 2 else {}


def parse_snmp6(text: str) -> dict[str, float]:
    """The counters of /proc/net/snmp6: a name and a value a line."""
    return {name: float(value) for name, value in re.findall(r"^(\w+)\s+(\d+)\s*$", text, re.MULTILINE)}


class SystemCounters:
    """Retransmissions, dropped connections and datagrams, connections there are and can be."""

    def __init__(self, proc: Path = PROC) -> None:
        self._proc = proc
        self._drops: Counters[str] = Counters()
        self._segments: tuple[float, float] | None = None
        self._share: float | None = None

    def turn(self, now_s: float | None = None) -> tuple[list[Reading], list[str]]:
        """Readings since the last turn, and what this system does not tell."""
        tracked = self._tracked()
        try:
            snmp = (self._proc / "net/snmp").read_text(encoding="ascii")
            tcp, udp = parse_snmp(snmp, "Tcp"), parse_snmp(snmp, "Udp")
            extended = parse_snmp((self._proc / "net/netstat").read_text(encoding="ascii"), "TcpExt")
        except (OSError, ValueError):  # not Linux, hidden, or a sandbox that makes it up
            return tracked, ["TCP and UDP counters (/proc/net is not readable)"]
        readings = [Reading("network_tcp_connections", tcp["CurrEstab"])] if "CurrEstab" in tcp else []
        if "OutSegs" in tcp and "RetransSegs" in tcp:
            ratio = self.retransmitted(tcp["OutSegs"], tcp["RetransSegs"])
            readings += [] if ratio is None else [Reading("network_retransmit_ratio", ratio)]
        counted = {}
        if "ListenDrops" in extended:
            counted["listen"] = extended["ListenDrops"]
        if "RcvbufErrors" in udp:
            counted["udp"] = udp["RcvbufErrors"] + self._udp6()
        turn = self._drops.turn(counted, time.monotonic() if now_s is None else now_s)
        rates = {metric: turn.per_second(name) for name, metric in DROPS.items()}
        return [*readings, *(Reading(m, rate) for m, rate in rates.items() if rate is not None), *tracked], []

    def retransmitted(self, sent: float, again: float) -> float | None:
        """Share sent again of the last SEGMENTS or more, because few prove nothing; None before there were so many."""
        before = self._segments
        if before is None or sent < before[0] or again < before[1]:
            self._segments, self._share = (sent, again), None
        elif sent - before[0] >= SEGMENTS:
            self._segments, self._share = (sent, again), (again - before[1]) / (sent - before[0])
        return self._share

    def _udp6(self) -> float:
        try:
            return parse_snmp6((self._proc / "net/snmp6").read_text(encoding="ascii")).get("Udp6RcvbufErrors", 0.0)
        except OSError:  # IPv6 is switched off
            return 0.0

    def _tracked(self) -> list[Reading]:
        """How full the table of tracked connections is; nothing where the kernel tracks none."""
        folder = self._proc / "sys/net/netfilter"
        try:
            count, most = (float((folder / f"nf_conntrack_{name}").read_text()) for name in ("count", "max"))
        except (OSError, ValueError):
            return []
        return [Reading("network_conntrack_used_ratio", count / most)] if most > 0 else []
