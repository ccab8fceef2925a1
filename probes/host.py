"""Host: the machine Tapewatch runs on: CPU, memory, disks, pressure, descriptors, busiest processes."""

import time
from collections.abc import Callable
from typing import Literal, TypeVar

import psutil

from probes import host_clock
from probes import host_read as read
from probes.host_decisions import summarise
from probes.host_disks import DiskReader, Disks
from probes.host_groups import Groups
from probes.host_metrics import METRICS
from probes.host_processes import ProcessReader
from probes.host_traffic import TrafficReader
from probes.kind import Kind
from probes.result import Collected, Finding, Reading, Table
from settings import Component

T = TypeVar("T")


class HostComponent(Component):
    """``[[component]] kind = "host"``: this machine; needs no keys of its own."""

    kind: Literal["host"]

    @property
    def target(self) -> str:
        return "this machine"


class HostProbe:
    """Reads the machine. What a platform or a container hides is named, never a fault."""

    def __init__(self, component: HostComponent, deadline_s: float, groups: Groups | None = None) -> None:
        del deadline_s  # nothing here waits for anybody but the disks, which have a bound of their own
        self._groups = groups or Groups()
        self._cpu = read.CpuReader()
        self._traffic = TrafficReader()
        self._processes = ProcessReader()
        self._disks = DiskReader(component.thresholds)

    def ping(self) -> float:
        started_s = time.perf_counter()
        psutil.virtual_memory()
        return time.perf_counter() - started_s

    def collect(self) -> Collected:
        unavailable: list[str] = []

        def attempt(what: str, reader: Callable[[], T], otherwise: T) -> T:
            try:
                return reader()
            except (OSError, psutil.Error, NotImplementedError):
                unavailable.append(f"{what} (this system does not tell)")
                return otherwise

        memory = read.memory(self._groups)
        limit = self._groups.cpu(psutil.cpu_count() or 1)
        pressure, no_pressure = read.pressure(self._groups, memory.limited or limit is not None)
        clock, no_clock = host_clock.readings(host_clock.read())
        none: list[Reading] = []
        no_findings: list[Finding] = []
        disks = attempt("disks", self._disks.turn, Disks())
        heat, hot = attempt("temperatures", read.temperatures, (none, no_findings))
        cpu, cores = attempt("CPU times", lambda: self._cpu.turn(limit), (none, Table((), ())))
        readings = [
            *cpu,
            *read.memory_readings(memory),
            *attempt("disk and swap traffic", self._traffic.turn, none),
            *pressure,
            *disks.readings,
            *heat,
            *clock,
            *attempt("open files and processes", read.rest, none),
        ]
        processes = attempt("processes", self._processes.turn, Table((), ()))
        return Collected(
            latency_s=None,  # nobody was asked
            summary=summarise(readings),
            readings=readings,
            findings=(*disks.findings, *hot),
            facts=attempt("system facts", lambda: read.facts(memory, limit), {}),
            tables={"mounts": disks.table, "top processes": processes, "cores": cores},
            unavailable=(*no_pressure, *no_clock, *disks.unavailable, *unavailable),
        )

    def close(self) -> None:
        """Nothing is kept open."""


KIND = Kind(
    name="host",
    title="Host",
    component=HostComponent,
    metrics=METRICS,
    open=HostProbe,
    key_metric="host_cpu_ratio",
)
