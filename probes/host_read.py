"""Reads one machine's numbers from psutil, /proc and /sys. Every function may raise OSError or psutil.Error."""

import os
import platform
import resource
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from probes.counters import Counters
from probes.host_decisions import Memory, cpu_shares, effective_memory, parse_pressure, temperature_finding
from probes.host_groups import CpuGroup, Groups
from probes.result import Finding, Reading, Table, labels

PRESSURE_FILES = (("cpu", "some"), ("memory", "full"), ("io", "full"))
PRESSURE_ROOT = Path("/proc/pressure")


def memory(groups: Groups) -> Memory:
    """The memory there is for programs here, the limits of control groups included."""
    now = psutil.virtual_memory()
    return effective_memory(Memory(float(now.total), float(now.available)), groups.memory())


def memory_readings(there: Memory) -> list[Reading]:
    """What there is and what is left."""
    return [
        Reading("host_memory_available_ratio", there.available_bytes / there.total_bytes),
        Reading("host_memory_used_bytes", there.total_bytes - there.available_bytes),
        Reading("host_memory_total_bytes", there.total_bytes),
    ]


def pressure(groups: Groups, limited: bool) -> tuple[list[Reading], list[str]]:
    """Stall shares of the last minute, and what this kernel does not tell.

    Args:
        limited: whether a container's limits are the machine; then its own stalls count, not its neighbours'.
    """
    readings, missing = [], []
    for name, line in PRESSURE_FILES:
        share = parse_pressure(groups.pressure(name), line) if limited else None
        if share is None:
            share = _machine_pressure(name, line)
        if share is None:
            missing.append(name)
        else:
            readings.append(Reading(f"host_pressure_{name}_ratio", share))
    return readings, [f"pressure of {', '.join(missing)} (this kernel has no PSI)"] if missing else []


def _machine_pressure(name: str, line: str) -> float | None:
    try:
        return parse_pressure((PRESSURE_ROOT / name).read_text(encoding="ascii"), line)
    except OSError:  # a kernel without PSI, or one started with psi=0
        return None


def temperatures() -> tuple[list[Reading], list[Finding]]:
    """The hottest place of each sensor chip. Virtual machines have none."""
    if not hasattr(psutil, "sensors_temperatures"):  # macOS, Windows
        return [], []
    readings, findings = [], []
    for chip, places in psutil.sensors_temperatures().items():
        hottest = max(places, key=lambda place: place.current, default=None)
        if hottest is None:
            continue
        readings.append(Reading("host_temperature_celsius", float(hottest.current), labels(sensor=chip)))
        finding = temperature_finding(chip, float(hottest.current), hottest.high, hottest.critical)
        findings += [finding] if finding else []
    return readings, findings


def rest() -> list[Reading]:
    """Descriptors, uptime, processes, and what Tapewatch itself uses."""
    own = psutil.Process()
    readings = [
        Reading("host_uptime_seconds", time.time() - psutil.boot_time()),
        Reading("host_processes", float(len(psutil.pids()))),
        Reading("tapewatch_descriptors", float(own.num_fds())),
        Reading("tapewatch_resident_bytes", float(own.memory_info().rss)),
    ]
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if most > 0:  # -1: unlimited
        readings.append(Reading("tapewatch_descriptors_used_ratio", readings[2].value / most))
    handles = Path("/proc/sys/fs/file-nr")
    if handles.exists():
        used, _, allowed = (float(part) for part in handles.read_text(encoding="ascii").split())
        readings.append(Reading("host_descriptors_used_ratio", used / allowed))
    return readings


def facts(there: Memory, limit: CpuGroup | None) -> dict[str, str]:
    """What the machine is."""
    gibibytes = f"{there.total_bytes / 2**30:.1f} GiB"
    cores = str(psutil.cpu_count() or 1)
    return {
        "operating system": _distribution(),
        "kernel": f"{platform.system()} {platform.release()}",
        "cores": f"{limit.cores:.3g} of {cores} (the container's limit)" if limit else cores,
        "memory": f"{gibibytes} (the container's limit)" if there.limited else gibibytes,
        "host name": platform.node(),
        "started": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(psutil.boot_time())),
    }


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):  # not Linux, or a container without the file
        return platform.platform(terse=True)


class CpuReader:
    """CPU shares between two turns. psutil's own memory is per thread, so this keeps its own."""

    def __init__(self) -> None:
        self._before: list[Mapping[str, float]] = []
        self._limit: Counters[tuple[str, str]] = Counters()

    def turn(self, limit: CpuGroup | None = None) -> tuple[list[Reading], Table]:
        """Shares since the last turn, and each core's; the first turn has none and gives only the load.

        Args:
            limit: the control group whose limit is the whole, where there is one.
        """
        now: list[Mapping[str, float]] = [
            times._asdict() for times in (psutil.cpu_times(), *psutil.cpu_times(percpu=True))
        ]
        before, self._before = self._before, now
        cores = max(1, len(now) - 1)
        readings = [Reading("host_cpu_cores", limit.cores if limit else float(cores)), *_load(cores)]
        limited = self._limited(limit) if limit else []
        same = len(before) == len(now)  # else it is the first turn, or a core was added
        shares = [cpu_shares(then, this) for then, this in zip(before, now, strict=True)] if same else []
        whole, each = (shares[0], shares[1:]) if shares else (None, [])
        if whole is None:
            return [*readings, *limited], Table((), ())
        known = [(n, core) for n, core in enumerate(each) if core]
        readings += [
            Reading("host_cpu_core_max_ratio", max((core.busy for _, core in known), default=whole.busy)),
            Reading("host_cpu_iowait_ratio", whole.iowait),
            Reading("host_cpu_steal_ratio", whole.steal),
            *(limited or [Reading("host_cpu_ratio", whole.busy)]),
        ]
        rows = tuple((n, core.busy, core.iowait, core.steal) for n, core in known)
        return readings, Table(("core", "busy_ratio", "waiting_for_disks_ratio", "stolen_ratio"), rows)

    def _limited(self, limit: CpuGroup) -> list[Reading]:
        """What the container used of its limit since the last turn."""
        values = {"used": limit.used_s, "periods": limit.periods, "throttled": limit.throttled}
        turn = self._limit.turn({(limit.path, name): value for name, value in values.items()}, time.monotonic())
        used = turn.per_second((limit.path, "used"))
        readings = [] if used is None else [Reading("host_cpu_ratio", min(1.0, used / limit.cores))]
        periods, throttled = (turn.increases.get((limit.path, name)) for name in ("periods", "throttled"))
        if periods and throttled is not None:
            readings.append(Reading("host_cpu_throttled_ratio", min(1.0, throttled / periods)))
        return readings


def _load(cores: int) -> list[Reading]:
    one, five, _ = os.getloadavg()
    return [Reading("host_load1_per_core", one / cores), Reading("host_load5_per_core", five / cores)]
