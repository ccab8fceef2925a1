"""What the numbers of a machine mean: pure functions over what /proc and psutil say."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from probes.result import Finding, Reading, Status, labels

LOCAL_FILE_SYSTEMS = (
    *("ext2", "ext3", "ext4", "xfs", "btrfs", "bcachefs", "zfs", "f2fs", "jfs", "reiserfs", "apfs", "hfs", "ufs"),
    *("vfat", "exfat", "ntfs", "ntfs3", "fuseblk"),
)
"""File systems worth watching. A list of the good ones, because statvfs on a dead network mount hangs for ever."""

_SERVED = re.compile(r"nfs\d?|cifs|smb\w*|ceph|glusterfs|9p|afs|lustre|beegfs|fuse\.(?!lxcfs|gvfsd-fuse|portal).+")

MOST_MOUNTS = 32
SANE_CELSIUS = range(1, 150)


@dataclass(frozen=True, slots=True)
class CpuShares:
    """Shares of the CPU time that passed between two readings."""

    busy: float
    iowait: float
    steal: float


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system."""

    device: str
    path: str
    file_system: str
    options: str = ""

    @property
    def read_only(self) -> bool:
        return "ro" in self.options.split(",")


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory in bytes; `limited` when a container's limit is what counts."""

    total_bytes: float
    available_bytes: float
    limited: bool = False


def cpu_shares(before: Mapping[str, float], after: Mapping[str, float]) -> CpuShares | None:
    """What a CPU did between two readings of its times in seconds; None when no time passed.

    Linux counts guest time in `user` and `nice` as well, so it is left out; `iowait` may go back
    a little, so nothing is below zero.
    """
    spent = {
        name: max(0.0, value - before.get(name, 0.0))
        for name, value in after.items()
        if name not in ("guest", "guest_nice")
    }
    total_s = sum(spent.values())
    if total_s <= 0:
        return None
    iowait = spent.get("iowait", 0.0) / total_s
    idle = spent.get("idle", 0.0) / total_s
    return CpuShares(max(0.0, 1 - idle - iowait), iowait, spent.get("steal", 0.0) / total_s)


def parse_pressure(text: str, line: str) -> float | None:
    """The avg60 share of the `some` or `full` line of a /proc/pressure file, 0 to 1."""
    match = re.search(rf"^{line} .*?\bavg60=(\d+(?:\.\d+)?)", text, re.MULTILINE)
    return float(match[1]) / 100 if match else None


def local_mounts(mounts: Iterable[Mount]) -> list[Mount]:
    """The mounts on local disks; in a container, whose root is an overlay, that root as well."""
    return [
        mount
        for mount in mounts
        if mount.file_system in LOCAL_FILE_SYSTEMS or (mount.path == "/" and mount.file_system == "overlay")
    ]


def by_device(mounts: Iterable[Mount]) -> dict[str, list[Mount]]:
    """The mounts of each device, shortest path first: bind mounts show the same disk again."""
    found: dict[str, list[Mount]] = {}
    for mount in sorted(mounts, key=lambda m: (len(m.path), m.path)):
        found.setdefault(mount.device, []).append(mount)
    return dict(islice(found.items(), MOST_MOUNTS))


def network_mounts(mounts: Iterable[Mount]) -> list[str]:
    """Paths of file systems that another machine or a program serves: asking one that is dead never ends."""
    return [m.path for m in mounts if _SERVED.fullmatch(m.file_system)][:MOST_MOUNTS]


def effective_memory(host: Memory, groups: Iterable[tuple[float, float]]) -> Memory:
    """What this machine's programs can still use, control groups honoured.

    Args:
        host: the machine's own memory.
        groups: (limit, used) in bytes of the control group Tapewatch runs in and of those above it.
    """
    tightest = host
    for limit_bytes, used_bytes in groups:
        available_bytes = max(0.0, min(limit_bytes - used_bytes, host.available_bytes))
        if limit_bytes < host.total_bytes and (not tightest.limited or available_bytes < tightest.available_bytes):
            tightest = Memory(limit_bytes, available_bytes, limited=True)
    return tightest


def temperature_finding(sensor: str, celsius: float, high: float | None, critical: float | None) -> Finding | None:
    """What a sensor's own limits say about it. Senseless ones are ignored: some chips report 0 or 65261."""
    for status, limit in ((Status.CRITICAL, critical), (Status.WARNING, high)):
        if limit is not None and int(limit) in SANE_CELSIUS and celsius >= limit:
            return Finding(
                metric="host_temperature_celsius",
                status=status,
                message=f"The sensor {sensor} shows {celsius:.0f} °C; its limit is {limit:.0f} °C.",
                hint="Check fans, filters and the room's cooling before the machine slows itself down.",
                value=celsius,
                threshold=limit,
                labels=labels(sensor=sensor),
            )
    return None


def summarise(readings: Sequence[Reading]) -> str:
    """The host in one short phrase."""
    values = {reading.metric: reading.value for reading in readings if not reading.labels}
    parts = []
    if "host_cpu_ratio" in values:
        parts.append(f"CPU {values['host_cpu_ratio']:.0%}".replace("%", " %"))
    if "host_memory_available_ratio" in values:
        parts.append(f"memory {1 - values['host_memory_available_ratio']:.0%} used".replace("%", " %"))
    fullest = max((r.value for r in readings if r.metric == "host_disk_used_ratio"), default=None)
    if fullest is not None:
        parts.append(f"disk {fullest:.0%} full".replace("%", " %"))
    return ", ".join(parts) or "the machine answers"
