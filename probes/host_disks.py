"""Room on this machine's local file systems. None of them can keep the probe waiting, however dead it is."""

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import psutil

from probes import host_fullness
from probes.host_decisions import Mount, by_device, local_mounts, network_mounts
from probes.result import Finding, Reading, Table, labels

T = TypeVar("T")

WAIT_S = 0.3
COLUMNS = (
    *("mount", "device", "file_system", "used_ratio", "free_bytes", "full_in_seconds", "inodes_used_ratio"),
    *("answers", "read_only"),
)


@dataclass(frozen=True, slots=True)
class Room:
    """What a file system says of itself."""

    mount: Mount
    used_bytes: float
    free_bytes: float
    inodes: float
    free_inodes: float

    @property
    def used_ratio(self) -> float:
        """As df has it: what is reserved for root counts neither as used nor as free."""
        return self.used_bytes / (self.used_bytes + self.free_bytes)

    @property
    def inodes_used_ratio(self) -> float | None:
        """None where a file system has no such limit (btrfs, vfat)."""
        return 1 - self.free_inodes / self.inodes if self.inodes else None


def room(mounts: Sequence[Mount]) -> Room | None:
    """The room of one device, asked at the first of its mounts that is a directory and tells."""
    for mount in mounts:
        try:
            if not Path(mount.path).is_dir():  # containers mount single files such as /etc/hosts
                continue
            stat = os.statvfs(mount.path)
        except OSError:  # unmounted meanwhile, or not ours to look at
            continue
        used = float(stat.f_blocks - stat.f_bfree) * stat.f_frsize
        free = float(stat.f_bavail) * stat.f_frsize
        if used + free > 0:
            return Room(mount, used, free, float(stat.f_files), float(stat.f_favail))
    return None


class Asked(Generic[T]):
    """Calls that may never return, each in a daemon thread of its own; one that has not is not started again."""

    def __init__(self) -> None:
        self._under_way: dict[str, _Call[T]] = {}

    def answers(self, calls: Mapping[str, Callable[[], T]], wait_s: float) -> dict[str, T]:
        """The answers that came within `wait_s`, by name; all calls run at once."""
        until_s = time.monotonic() + wait_s
        asked = {name: self._under_way.get(name) or _Call(name, call) for name, call in calls.items()}
        found: dict[str, T] = {}
        for name, call in asked.items():
            if call.done.wait(max(0.0, until_s - time.monotonic())):
                found[name] = call.result()
        self._under_way = {name: call for name, call in asked.items() if not call.done.is_set()}
        return found


class _Call(Generic[T]):
    __slots__ = ("_answer", "_problem", "done")

    def __init__(self, name: str, call: Callable[[], T]) -> None:
        self.done = threading.Event()
        self._answer: list[T] = []
        self._problem: Exception | None = None

        def run() -> None:
            try:
                self._answer.append(call())
            except Exception as exc:  # handed on to whoever reads the answer
                self._problem = exc
            self.done.set()

        threading.Thread(target=run, name=f"disk:{name}", daemon=True).start()

    def result(self) -> T:
        if self._problem:
            raise self._problem
        return self._answer[0]


@dataclass(slots=True)
class Disks:
    """What one turn tells."""

    readings: list[Reading] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    table: Table = field(default_factory=partial(Table, (), ()))
    unavailable: list[str] = field(default_factory=list)


class DiskReader:
    """Room on each local file system, and when it will be used up.

    Args:
        judged: metrics the operator has thresholds of his own for, which are judged by those alone.
    """

    def __init__(
        self,
        judged: Mapping[str, object],
        mounts: Callable[[], list[Mount]] | None = None,
        ask: Callable[[Sequence[Mount]], Room | None] = room,
    ) -> None:
        self._judged = judged
        self._mounts = mounts or _mounts
        self._ask = ask
        self._asked: Asked[Room | None] = Asked()
        self._courses = host_fullness.Courses()

    def turn(self, now_s: float | None = None) -> Disks:
        """All disks that answered in time; those that did not are named and judged as such."""
        mounts = self._mounts()
        devices = by_device(local_mounts(mounts))
        rooms = self._asked.answers({name: self._call(group) for name, group in devices.items()}, WAIT_S)
        now_s = time.monotonic() if now_s is None else now_s
        told = Disks()
        rows: list[tuple[Any, ...]] = []
        for device, group in devices.items():
            found = rooms.get(device)
            if found:
                rows.append(self._tell(found, now_s, told))
            elif device not in rooms:
                told.readings.append(Reading("host_disk_answers", 0.0, labels(mount=group[0].path)))
                rows.append((group[0].path, device, group[0].file_system, *[None] * 4, False, group[0].read_only))
        self._courses.keep((kind, device) for kind in ("room", "inodes") for device in devices)
        remote = network_mounts(mounts)
        if remote:
            why = "network file systems are not asked: a dead one never answers"
            told.unavailable.append(f"room on {', '.join(remote)} ({why})")
        told.table = Table(COLUMNS, tuple(rows))
        return told

    def _call(self, group: Sequence[Mount]) -> Callable[[], Room | None]:
        return lambda: self._ask(group)

    def _tell(self, disk: Room, now_s: float, told: Disks) -> tuple[Any, ...]:
        """Add what one disk says to `told`; returns its row."""
        mount, inodes = disk.mount, disk.inodes_used_ratio
        values: dict[str, float | None] = {"host_disk_answers": 1.0}
        full_in_s = None
        if not mount.read_only:  # one that is full on purpose
            full_in_s = self._courses.add(("room", mount.device), disk.free_bytes, now_s)
            values |= {
                "host_disk_used_ratio": disk.used_ratio,
                "host_disk_free_bytes": disk.free_bytes,
                "host_disk_full_in_seconds": full_in_s,
            }
            self._soon("host_disk_full_in_seconds", mount, full_in_s, 1 - disk.used_ratio, told)
        if not mount.read_only and inodes is not None:
            inodes_in_s = self._courses.add(("inodes", mount.device), disk.free_inodes, now_s)
            values |= {"host_inodes_used_ratio": inodes, "host_inodes_full_in_seconds": inodes_in_s}
            self._soon("host_inodes_full_in_seconds", mount, inodes_in_s, 1 - inodes, told)
        pair = labels(mount=mount.path)
        told.readings.extend(Reading(metric, value, pair) for metric, value in values.items() if value is not None)
        where = (mount.path, mount.device, mount.file_system)
        return (*where, disk.used_ratio, disk.free_bytes, full_in_s, inodes, True, mount.read_only)

    def _soon(self, metric: str, mount: Mount, full_in_s: float | None, free_ratio: float, told: Disks) -> None:
        what = f"The room on {mount.path}" if "disk" in metric else f"The number of files {mount.path} can hold"
        found = host_fullness.finding(metric, what, full_in_s, free_ratio, labels(mount=mount.path))
        if found and metric not in self._judged:
            told.findings.append(found)


def _mounts() -> list[Mount]:
    """Every mount there is, from the kernel's list: nothing is asked of the file systems themselves."""
    return [Mount(p.device, p.mountpoint, p.fstype, p.opts) for p in psutil.disk_partitions(all=True)]
