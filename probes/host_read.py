"""Reads one machine's numbers from psutil, /proc and /sys. Every function may raise OSError or psutil.Error."""

import os
import platform
import resource
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from probes.counters import Counters, Turn
from probes.host_decisions import (
    CpuShares,
    Memory,
    Mount,
    cpu_shares,
    effective_memory,
    group_memory,
    local_mounts,
    once_each,
    parse_pressure,
    temperature_finding,
)
from probes.result import Finding, Reading, Table, labels

PRESSURE_FILES = (("cpu", "some"), ("memory", "full"), ("io", "full"))
PRESSURE_ROOT = Path("/proc/pressure")
GROUP_ROOT = Path("/sys/fs/cgroup")
TOP = 8


def memory() -> Memory:
    """The memory there is for programs here, a cgroup v2 limit included."""
    now = psutil.virtual_memory()
    return effective_memory(Memory(float(now.total), float(now.available)), _group_memories())


def _group_memories() -> Iterator[tuple[float, float]]:
    try:
        own = Path("/proc/self/cgroup").read_text(encoding="utf-8")
    except OSError:  # not Linux
        return
    path = next((line[3:] for line in own.splitlines() if line.startswith("0::/")), None)
    if path is None:
        return
    group = GROUP_ROOT / path.lstrip("/")
    for folder in (group, *group.parents):
        try:
            texts = [(folder / name).read_text() for name in ("memory.max", "memory.current", "memory.stat")]
        except OSError:  # no memory controller at this level, or the root, which has no limit
            texts = []
        found = group_memory(*texts) if texts else None
        if found:
            yield found
        if folder == GROUP_ROOT:
            return


def pressure() -> tuple[list[Reading], list[str]]:
    """Stall shares of the last minute, and what this kernel does not tell."""
    readings, missing = [], []
    for name, line in PRESSURE_FILES:
        try:
            share = parse_pressure((PRESSURE_ROOT / name).read_text(encoding="ascii"), line)
        except OSError:  # a kernel without PSI, or one started with psi=0
            share = None
        if share is None:
            missing.append(name)
        else:
            readings.append(Reading(f"host_pressure_{name}_ratio", share))
    return readings, [f"pressure of {', '.join(missing)} (this kernel has no PSI)"] if missing else []


def disks() -> tuple[list[Reading], Table]:
    """Room on each real local file system."""
    local = local_mounts(Mount(p.device, p.mountpoint, p.fstype, p.opts) for p in psutil.disk_partitions(all=True))
    readings: list[Reading] = []
    rows: list[tuple[Any, ...]] = []
    for mount in once_each(m for m in local if _is_directory(m.path)):
        try:
            stat = os.statvfs(mount.path)
        except OSError:  # unmounted meanwhile, or not ours to look at
            continue
        used_bytes = float(stat.f_blocks - stat.f_bfree) * stat.f_frsize
        free_bytes = float(stat.f_bavail) * stat.f_frsize
        if used_bytes + free_bytes <= 0:
            continue
        used_ratio = used_bytes / (used_bytes + free_bytes)
        inodes = 1 - stat.f_favail / stat.f_files if stat.f_files else None  # btrfs and vfat have no such limit
        rows.append((mount.path, mount.device, mount.file_system, used_ratio, free_bytes, inodes, mount.read_only))
        if mount.read_only:  # full on purpose
            continue
        pair = labels(mount=mount.path)
        readings.append(Reading("host_disk_used_ratio", used_ratio, pair))
        readings.append(Reading("host_disk_free_bytes", free_bytes, pair))
        if inodes is not None:
            readings.append(Reading("host_inodes_used_ratio", inodes, pair))
    columns = ("mount", "device", "file_system", "used_ratio", "free_bytes", "inodes_used_ratio", "read_only")
    return readings, Table(columns, tuple(rows))


def _is_directory(path: str) -> bool:
    """Whether a file system is mounted on a directory: containers mount single files such as /etc/hosts."""
    try:
        return Path(path).is_dir()
    except OSError:  # below a directory that is not ours to enter
        return False


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


def facts(there: Memory) -> dict[str, str]:
    """What the machine is."""
    gibibytes = f"{there.total_bytes / 2**30:.1f} GiB"
    return {
        "operating system": _distribution(),
        "kernel": f"{platform.system()} {platform.release()}",
        "cores": str(psutil.cpu_count() or 1),
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

    def turn(self) -> list[Reading]:
        """Shares since the last turn; the first has none and gives only the load."""
        now: list[Mapping[str, float]] = [
            times._asdict() for times in (psutil.cpu_times(), *psutil.cpu_times(percpu=True))
        ]
        before, self._before = self._before, now
        readings = self._load(len(now) - 1)
        if len(before) != len(now):  # the first turn, or a core was added
            return readings
        shares = [cpu_shares(then, this) for then, this in zip(before, now, strict=True)]
        whole = shares[0]
        if whole is None:
            return readings
        cores = [core.busy for core in shares[1:] if isinstance(core, CpuShares)]
        return [
            Reading("host_cpu_ratio", whole.busy),
            Reading("host_cpu_core_max_ratio", max(cores, default=whole.busy)),
            Reading("host_cpu_iowait_ratio", whole.iowait),
            Reading("host_cpu_steal_ratio", whole.steal),
            *readings,
        ]

    @staticmethod
    def _load(cores: int) -> list[Reading]:
        one, five, _ = os.getloadavg()
        per = max(1, cores)
        return [Reading("host_load1_per_core", one / per), Reading("host_load5_per_core", five / per)]


class TrafficReader:
    """Disk and swap rates between two turns."""

    def __init__(self) -> None:
        self._counters: Counters[tuple[str, str]] = Counters()

    def turn(self) -> list[Reading]:
        swap = psutil.swap_memory()
        values: dict[tuple[str, str], float] = {("swap", "in"): float(swap.sin), ("swap", "out"): float(swap.sout)}
        disks = {
            name: io
            for name, io in (psutil.disk_io_counters(perdisk=True, nowrap=False) or {}).items()
            if is_physical(name)
        }
        for name, io in disks.items():
            values[name, "read"], values[name, "write"] = float(io.read_bytes), float(io.write_bytes)
            if hasattr(io, "busy_time"):
                values[name, "busy"] = io.busy_time / 1000
        turn = self._counters.turn(values, time.monotonic())
        return [*_swap(turn), *(reading for name in disks for reading in _disk(name, turn))]


def _swap(turn: Turn[tuple[str, str]]) -> list[Reading]:
    read, written = turn.per_second(("swap", "in")), turn.per_second(("swap", "out"))
    if read is None or written is None:
        return []
    return [
        Reading("host_swap_in_bytes_per_second", read),
        Reading("host_swap_out_bytes_per_second", written),
        Reading("host_swap_traffic_bytes_per_second", read + written),
    ]


def _disk(name: str, turn: Turn[tuple[str, str]]) -> list[Reading]:
    metrics = {
        "host_disk_read_bytes_per_second": turn.per_second((name, "read")),
        "host_disk_write_bytes_per_second": turn.per_second((name, "write")),
    }
    busy = turn.per_second((name, "busy"))
    if busy is not None:
        metrics["host_disk_busy_ratio"] = min(1.0, busy)
    return [Reading(metric, value, labels(disk=name)) for metric, value in metrics.items() if value is not None]


def is_physical(disk: str) -> bool:
    """Whether a block device is a disk of its own: partitions, loops, RAID and LVM show the same bytes again."""
    if not Path("/sys/block").exists():
        return True
    return Path(f"/sys/block/{disk}/device").exists()


class ProcessReader:
    """The busiest and the largest processes: names only, because command lines may carry secrets."""

    def __init__(self) -> None:
        self._counters: Counters[tuple[int, float]] = Counters()

    def turn(self) -> Table:
        found = {
            (process.pid, process.info["create_time"]): process.info
            for process in psutil.process_iter(["name", "cpu_times", "memory_info", "create_time"])
            if process.info["cpu_times"] and process.info["memory_info"]
        }
        spent = {key: info["cpu_times"].user + info["cpu_times"].system for key, info in found.items()}
        turn = self._counters.turn(spent, time.monotonic())
        rows = {
            key: (info["name"], key[0], turn.per_second(key), float(info["memory_info"].rss))
            for key, info in found.items()
        }
        busy = [key for key, row in rows.items() if row[2]]
        by_cpu = sorted(busy, key=lambda key: rows[key][2] or 0.0, reverse=True)[:TOP]
        by_memory = sorted(rows, key=lambda key: rows[key][3], reverse=True)[:TOP]
        columns = ("process", "pid", "cpu_ratio", "resident_bytes")
        return Table(columns, tuple(rows[key] for key in dict.fromkeys((*by_cpu, *by_memory))))
