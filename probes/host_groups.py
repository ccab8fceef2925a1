"""What the control groups a program runs in leave it of memory and CPU, versions 1 and 2.

In a container the limit is the machine. A limit on a service of systemd is that program's own and says nothing about
the machine it runs on. Files and fields: https://docs.kernel.org/admin-guide/cgroup-v2.html,
https://docs.kernel.org/admin-guide/cgroup-v1/memory.html, https://docs.kernel.org/scheduler/sched-bwc.html.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


@dataclass(frozen=True, slots=True)
class CpuGroup:
    """A control group with a CPU limit; the counters count since the group was made.

    Attributes:
        cores: how many cores' time it may use.
        used_s: CPU time it has used.
        periods: enforcement periods in which it had something to run.
        throttled: those of them in which it used up its share and was stopped.
    """

    path: str
    cores: float
    used_s: float
    periods: float
    throttled: float


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups this process is in, each controller's from its own up to the top of what is visible."""

    root: Path = ROOT
    own: Path = OWN

    def memory(self) -> Iterator[tuple[float, float]]:
        """(limit, used) in bytes of every group that has a memory limit."""
        for folder in self._folders("memory"):
            for names in (
                ("memory.max", "memory.current", "memory.stat"),
                ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat"),
            ):
                texts = [_text(folder / name) for name in names]
                found = group_memory(*texts)
                if found:
                    yield found

    def cpu(self, machine_cores: int) -> CpuGroup | None:
        """The group whose CPU limit is the tightest, where one is tighter than the machine."""
        return tightest((*self._cpu_v2(), *self._cpu_v1()), machine_cores)

    def pressure(self, resource: str) -> str:
        """What the own group's pressure file of ``cpu``, ``memory`` or ``io`` says; empty where there is none."""
        folder = next(self._folders("unified"), None)
        return _text(folder / f"{resource}.pressure") if folder else ""

    def _cpu_v2(self) -> Iterator[CpuGroup]:
        for folder in self._folders("cpu"):
            cores = quota_cores(*_text(folder / "cpu.max").split()[:2])
            if cores:
                stat = fields(_text(folder / "cpu.stat"))
                used_s = stat.get("usage_usec", 0.0) / 1e6
                yield CpuGroup(str(folder), cores, used_s, stat.get("nr_periods", 0.0), stat.get("nr_throttled", 0.0))

    def _cpu_v1(self) -> Iterator[CpuGroup]:
        for folder, account in zip(self._folders("cpu"), self._folders("cpuacct"), strict=False):
            limit = (_text(folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
            used_ns = _text(account / "cpuacct.usage").strip()
            cores = quota_cores(*limit)
            if cores and used_ns.isdecimal():
                stat = fields(_text(folder / "cpu.stat"))
                counted = stat.get("nr_periods", 0.0), stat.get("nr_throttled", 0.0)
                yield CpuGroup(str(folder), cores, float(used_ns) / 1e9, *counted)

    def _folders(self, controller: str) -> Iterator[Path]:
        """The folders of a controller's groups, own first; version 1's where it has the controller, else 2's."""
        mounted = place(_text(self.own), controller)
        if mounted is None:
            return
        names, path = mounted
        bases = [self.root / name for name in names]
        base = next((base for base in bases if base.is_dir()), self.root)
        folder = base / path.lstrip("/")
        if ".." in folder.parts or not folder.is_dir():
            folder = base  # a container without a namespace of its own: what it sees at the top is its own group
        for group in (folder, *folder.parents):
            if group == base or not group.name.endswith(".service"):
                yield group
            if group == base:
                return


def place(own: str, controller: str) -> tuple[tuple[str, ...], str] | None:
    """Where a controller's hierarchy may be mounted below the root, and the group in it, from /proc/self/cgroup.

    >>> place("4:cpu,cpuacct:/a\\n0::/b\\n", "cpu"), place("4:pids:/a\\n0::/b\\n", "cpu")
    ((('cpu,cpuacct', 'cpu'), '/a'), (('unified',), '/b'))
    """
    unified = None
    for line in own.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controller in controllers.split(","):
            return (controllers, controller), path
        if number == "0" and not controllers:
            unified = ("unified",), path
    return unified


def quota_cores(quota_us: str = "", period_us: str = "") -> float | None:
    """Cores' worth of CPU time a quota allows; None: no limit.

    >>> quota_cores("150000", "100000"), quota_cores("max", "100000"), quota_cores("-1", "100000"), quota_cores()
    (1.5, None, None, None)
    """
    if not quota_us.isdecimal() or not period_us.isdecimal() or not int(period_us):
        return None
    return int(quota_us) / int(period_us) or None


def fields(text: str) -> dict[str, float]:
    """The numbers of a file of ``name value`` lines."""
    return {name: float(value) for name, value in re.findall(r"^(\w+) (\d+)$", text, re.MULTILINE)}


def group_memory(limit: str, current: str, stat: str) -> tuple[float, float] | None:
    """(limit, used) in bytes from a group's limit, usage and statistics files; None: no limit.

    Page cache the kernel can drop at will (`inactive_file`, in version 1 `total_inactive_file`) is not in use.
    """
    if not limit.strip().isdecimal() or not current.strip().isdecimal():
        return None
    found = fields(stat)
    cache = found.get("total_inactive_file", found.get("inactive_file", 0.0))
    return float(limit), max(0.0, float(current) - cache)


def tightest(groups: Iterable[CpuGroup], machine_cores: int) -> CpuGroup | None:
    """The group with the fewest cores, where that is less than the machine has."""
    found = min(groups, key=lambda group: group.cores, default=None)
    return found if found and found.cores < machine_cores else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):  # no such controller at this level, or not Linux
        return ""
