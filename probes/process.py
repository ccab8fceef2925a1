"""Process: are enough processes of a kind running on this machine, and what do they use."""

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

import psutil
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from probes.catalogue import Metric, humanize
from probes.counters import Counters
from probes.kind import Kind
from probes.result import Collected, Finding, Reading, Status, Table
from settings import Component

MOST_ROWS = 50


class ProcessComponent(Component):
    """``[[component]] kind = "process"``: processes found by their command line or by a pid file.

    Attributes:
        match: a part of the command line, as `pgrep -f` shows it.
        pid_file: a file that holds the process's number.
        min_count: fewer than this is critical.
    """

    kind: Literal["process"]
    match: str | None = Field(None, min_length=2)
    pid_file: Path | None = None
    min_count: int = Field(1, ge=1)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.match is None) == (self.pid_file is None):
            raise PydanticCustomError(
                "process", "give exactly one of match (a part of the command line) and pid_file (a path)"
            )
        if self.pid_file is not None and self.min_count > 1:
            raise PydanticCustomError("process", "a pid_file names one process: leave min_count at 1, or use match")
        return self

    @property
    def target(self) -> str:
        return f'"{self.match}"' if self.match else str(self.pid_file)


METRICS = (
    Metric(
        name="process_count", title="processes", unit="count", better="higher",
        help="Running processes that match; zombies do not count.",
        source="/proc/<pid>/cmdline or the pid file",
    ),
    Metric(
        name="process_cpu_ratio", title="CPU", unit="ratio", better="lower",
        help="CPU time the processes used together since the last reading; 1 is one core.",
        source="/proc/<pid>/stat: utime + stime",
    ),
    Metric(
        name="process_resident_bytes", title="memory", unit="bytes", better="lower",
        help="Memory the processes occupy together; what they share counts for each.",
        source="/proc/<pid>/statm: resident",
    ),
    Metric(
        name="process_descriptors", title="open files", unit="count", better="lower",
        help="File descriptors the processes have open together; told only for one's own unless root.",
        source="/proc/<pid>/fd",
    ),
    Metric(
        name="process_uptime_seconds", title="uptime", unit="seconds", better="higher",
        help="Time since the youngest of the processes started: it falls when one is restarted.",
        source="/proc/<pid>/stat: starttime",
    ),
)  # fmt: skip


class ProcessProbe:
    """Looks the processes up anew each time."""

    def __init__(self, component: ProcessComponent, deadline_s: float) -> None:
        del deadline_s  # nothing here waits for anybody
        self._component = component
        self._spent: Counters[tuple[int, float]] = Counters()

    def ping(self) -> float:
        started_s = time.perf_counter()
        self._find()
        return time.perf_counter() - started_s

    def collect(self) -> Collected:
        found, why = self._find()
        rows = [row for process in found if (row := _row(process))]
        spent = {(row["pid"], row["create_time"]): row["cpu_s"] for row in rows}
        turn = self._spent.turn(spent, time.monotonic())
        rates = {row["pid"]: turn.per_second((row["pid"], row["create_time"])) for row in rows}
        readings = measure(rows, list(rates.values()), time.time())
        hidden = sum(row["descriptors"] is None for row in rows)
        problem = too_few(self._component, len(rows), why)
        memory = humanize(sum(row["resident_bytes"] for row in rows), "bytes")
        columns = ("process", "pid", "cpu_ratio", "resident_bytes", "descriptors", "uptime_seconds")
        shown = tuple(
            (
                row["name"],
                row["pid"],
                rates[row["pid"]],
                row["resident_bytes"],
                row["descriptors"],
                max(0.0, time.time() - row["create_time"]),
            )
            for row in rows[:MOST_ROWS]
        )
        return Collected(
            latency_s=None,  # nobody was asked
            summary=f"{len(rows)} running, {memory}",
            readings=readings,
            findings=[problem] if problem else [],
            tables={"processes": Table(columns, shown)},
            unavailable=[f"open files of {hidden} processes (they belong to another user)"] if hidden else [],
        )

    def close(self) -> None:
        """Nothing is kept open."""

    def _find(self) -> tuple[list[psutil.Process], str]:
        """The processes, and why there are none where the reason is known."""
        if self._component.pid_file:
            return _by_pid_file(self._component.pid_file)
        wanted = self._component.match or ""
        found = [p for p in psutil.process_iter(["cmdline"]) if wanted in " ".join(p.info["cmdline"] or ())]
        return found, ""


def measure(rows: Sequence[dict[str, Any]], rates: Sequence[float | None], now_s: float) -> list[Reading]:
    """The readings over all processes together; those nobody tells are left out."""
    readings = [Reading("process_count", float(len(rows)))]
    if not rows:
        return readings
    known = [rate for rate in rates if rate is not None]
    if known:
        readings.append(Reading("process_cpu_ratio", sum(known)))
    readings.append(Reading("process_resident_bytes", float(sum(row["resident_bytes"] for row in rows))))
    descriptors = [row["descriptors"] for row in rows]
    if None not in descriptors:
        readings.append(Reading("process_descriptors", float(sum(descriptors))))
    youngest_s = max(row["create_time"] for row in rows)
    return [*readings, Reading("process_uptime_seconds", max(0.0, now_s - youngest_s))]


def too_few(component: ProcessComponent, count: int, why: str = "") -> Finding | None:
    """The finding when fewer processes run than there must be."""
    if count >= component.min_count:
        return None
    if count:
        message = f"Only {count} of {component.min_count} processes matching {component.target} run."
    elif component.match:
        message = f"No process matching {component.target} runs."
    else:
        message = f"The process of {component.target} does not run: {why or 'it has ended'}."
    return Finding(
        metric="process_count",
        status=Status.CRITICAL,
        message=message,
        hint="Start it again and read the end of its log; if it runs, check `match` or `pid_file`.",
        value=float(count),
        threshold=float(component.min_count),
    )


def _by_pid_file(path: Path) -> tuple[list[psutil.Process], str]:
    try:
        pid = int(path.read_text(encoding="ascii")[:20])
        return [psutil.Process(pid)], ""
    except OSError as exc:
        return [], f"the file cannot be read ({exc.strerror})"
    except ValueError:  # also a number no process can have, and bytes that are no text
        return [], "the file holds no process number"
    except psutil.NoSuchProcess:
        return [], "it has ended"


def _row(process: psutil.Process) -> dict[str, Any] | None:
    """What one process uses; None when it has ended or is only a zombie."""
    try:
        with process.oneshot():
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            spent, started_s = process.cpu_times(), process.create_time()
            row = {
                "name": process.name(),
                "pid": process.pid,
                "create_time": started_s,
                "cpu_s": spent.user + spent.system,
                "resident_bytes": float(process.memory_info().rss),
                "descriptors": None,
            }
    except psutil.Error:
        return None
    with contextlib.suppress(psutil.Error):  # another user's
        row["descriptors"] = process.num_fds()
    return row


KIND = Kind(
    name="process",
    title="Process",
    component=ProcessComponent,
    metrics=METRICS,
    open=ProcessProbe,
    key_metric="process_count",
)
