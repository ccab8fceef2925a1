"""What moved between two turns: bytes and requests of disks, pages of swap, processes killed for memory."""

import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from probes.counters import Counters, Turn
from probes.host_groups import fields
from probes.result import Reading, labels

VMSTAT = Path("/proc/vmstat")

Key = tuple[str, str]
DISK_RATES = {
    "read": "host_disk_read_bytes_per_second",
    "write": "host_disk_write_bytes_per_second",
    "reads": "host_disk_reads_per_second",
    "writes": "host_disk_writes_per_second",
}


class TrafficReader:
    """Disk, swap and memory rates between two turns."""

    def __init__(self) -> None:
        self._counters: Counters[Key] = Counters()

    def turn(self) -> list[Reading]:
        swap = psutil.swap_memory()
        values: dict[Key, float] = {("swap", "in"): float(swap.sin), ("swap", "out"): float(swap.sout)}
        disks = {
            name: io
            for name, io in (psutil.disk_io_counters(perdisk=True, nowrap=False) or {}).items()
            if is_physical(name)
        }
        for name, io in disks.items():
            values[name, "read"], values[name, "write"] = float(io.read_bytes), float(io.write_bytes)
            values[name, "reads"], values[name, "writes"] = float(io.read_count), float(io.write_count)
            values[name, "waited"] = (io.read_time + io.write_time) / 1000
            if hasattr(io, "busy_time"):
                values[name, "busy"] = io.busy_time / 1000
        killed = _killed()
        if killed is not None:
            values["memory", "killed"] = killed
        turn = self._counters.turn(values, time.monotonic())
        return [*_swap(turn), *_kills(turn), *(reading for name in disks for reading in disk(name, turn))]


def _swap(turn: Turn[Key]) -> list[Reading]:
    read, written = turn.per_second(("swap", "in")), turn.per_second(("swap", "out"))
    if read is None or written is None:
        return []
    return [
        Reading("host_swap_in_bytes_per_second", read),
        Reading("host_swap_out_bytes_per_second", written),
        Reading("host_swap_traffic_bytes_per_second", read + written),
    ]


def _killed() -> float | None:
    """Processes the kernel has killed for want of memory since it started; None where it does not count them."""
    try:
        return fields(VMSTAT.read_text(encoding="ascii")).get("oom_kill")
    except OSError:  # not Linux
        return None


def _kills(turn: Turn[Key]) -> list[Reading]:
    killed = turn.increases.get(("memory", "killed"))
    return [] if killed is None else [Reading("host_oom_kills_total", killed)]


def disk(name: str, turn: Turn[Key]) -> Iterator[Reading]:
    """One disk's readings out of what all counters did."""
    pair = labels(disk=name)
    for counter, metric in DISK_RATES.items():
        rate = turn.per_second((name, counter))
        if rate is not None:
            yield Reading(metric, rate, pair)
    busy = turn.per_second((name, "busy"))
    if busy is not None:
        yield Reading("host_disk_busy_ratio", min(1.0, busy), pair)
    reads, writes, waited_s = (turn.increases.get((name, counter)) for counter in ("reads", "writes", "waited"))
    if reads is not None and writes is not None and waited_s is not None and reads + writes > 0:
        yield Reading("host_disk_wait_seconds", waited_s / (reads + writes), pair)


def is_physical(disk: str) -> bool:
    """Whether a block device is a disk of its own: partitions, loops, RAID and LVM show the same bytes again."""
    if not Path("/sys/block").exists():
        return True
    return Path(f"/sys/block/{disk}/device").exists()
