"""Host: the machine Tapewatch runs on: CPU, memory, disks, pressure, descriptors, busiest processes."""

import time
from collections.abc import Callable
from typing import Literal, TypeVar

import psutil

from probes import host_read as read
from probes.host_decisions import summarise
from probes.host_metrics import METRICS
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

    def __init__(self, component: HostComponent, deadline_s: float) -> None:
        del component, deadline_s  # nothing here waits for anybody
        self._cpu = read.CpuReader()
        self._traffic = read.TrafficReader()
        self._processes = read.ProcessReader()

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

        memory = read.memory()
        pressure, missing = read.pressure()
        no_readings: list[Reading] = []
        no_findings: list[Finding] = []
        mounts, mount_table = attempt("disks", read.disks, (no_readings, Table((), ())))
        heat, heat_findings = attempt("temperatures", read.temperatures, (no_readings, no_findings))
        readings = [
            *attempt("CPU times", self._cpu.turn, no_readings),
            Reading("host_memory_available_ratio", memory.available_bytes / memory.total_bytes),
            Reading("host_memory_used_bytes", memory.total_bytes - memory.available_bytes),
            Reading("host_memory_total_bytes", memory.total_bytes),
            *attempt("disk and swap traffic", self._traffic.turn, no_readings),
            *pressure,
            *mounts,
            *heat,
            *attempt("open files and processes", read.rest, no_readings),
        ]
        processes = attempt("processes", self._processes.turn, Table((), ()))
        return Collected(
            latency_s=None,  # nobody was asked
            summary=summarise(readings),
            readings=readings,
            findings=heat_findings,
            facts=attempt("system facts", lambda: read.facts(memory), {}),
            tables={"mounts": mount_table, "top processes": processes},
            unavailable=(*missing, *unavailable),
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
