import time
from pathlib import Path

import psutil
import pytest

from probes import KINDS, host
from probes.catalogue import Judge
from probes.host_decisions import (
    Memory,
    Mount,
    by_device,
    cpu_shares,
    effective_memory,
    local_mounts,
    network_mounts,
    parse_pressure,
    summarise,
    temperature_finding,
)
from probes.result import Reading, Status, labels

GIB = 2.0**30


@pytest.fixture
def probe() -> host.HostProbe:
    return host.HostProbe(host.HostComponent(kind="host", name="host"), 2.0)


def test_this_machine_answers_and_every_reading_is_catalogued(probe: host.HostProbe) -> None:
    first = probe.collect()
    assert not any(reading.metric == "host_cpu_ratio" for reading in first.readings), "the first value is dropped"
    started_s = time.process_time()
    while time.process_time() - started_s < 0.05:  # several ticks of the kernel's CPU clock
        pass
    second = probe.collect()
    known = {metric.name: metric for metric in host.METRICS}
    assert {reading.metric for reading in second.readings} <= set(known)
    for reading in second.readings:
        if known[reading.metric].unit == "ratio":
            assert 0 <= reading.value <= 1, reading
    names = {reading.metric for reading in second.readings}
    assert {"host_cpu_ratio", "host_memory_available_ratio", "host_disk_used_ratio", "tapewatch_descriptors"} <= names
    assert second.facts["cores"]
    assert len(second.tables["cores"].rows) == psutil.cpu_count()
    assert second.tables["mounts"].rows
    assert 1 <= len(second.tables["top processes"].rows) <= 16
    assert "memory" in second.summary
    assert probe.ping() < 0.5
    Judge(known, {}).findings(second.readings, 0.0)


def test_reading_the_machine_is_cheap(probe: host.HostProbe) -> None:
    probe.collect()
    started_s = time.process_time()
    for _ in range(5):
        probe.collect()
    assert (time.process_time() - started_s) / 5 < 0.2


def test_cpu_shares() -> None:
    before = {"user": 100.0, "system": 50.0, "idle": 800.0, "iowait": 10.0, "steal": 0.0, "guest": 5.0}
    after = {"user": 130.0, "system": 60.0, "idle": 840.0, "iowait": 20.0, "steal": 10.0, "guest": 35.0}
    shares = cpu_shares(before, after)
    assert shares is not None
    assert shares.busy == pytest.approx(0.5)
    assert shares.iowait == pytest.approx(0.1)
    assert shares.steal == pytest.approx(0.1)
    assert cpu_shares(before, before) is None
    falling = cpu_shares(before, {**after, "iowait": 9.0})
    assert falling is not None
    assert falling.iowait == 0


def test_pressure_is_read_from_the_line_asked_for() -> None:
    text = "some avg10=0.00 avg60=12.50 avg300=1.00 total=5\nfull avg10=0.00 avg60=3.00 avg300=0.00 total=1\n"
    assert parse_pressure(text, "some") == 0.125
    assert parse_pressure(text, "full") == 0.03
    assert parse_pressure("nonsense", "full") is None


def test_mounts_are_local_real_and_shown_once() -> None:
    mounts = [
        Mount("overlay", "/", "overlay", "rw"),
        Mount("overlay", "/var/lib/docker/overlay2/x/merged", "overlay", "rw"),
        Mount("/dev/sda1", "/etc/hosts", "ext4", "rw"),
        Mount("/dev/sda1", "/data", "ext4", "rw"),
        Mount("/dev/loop3", "/snap/core", "squashfs", "ro"),
        Mount("server:/x", "/mnt/nfs", "nfs4", "rw"),
        Mount("//nas/y", "/mnt/smb", "cifs", "rw"),
        Mount("me@host:/z", "/mnt/ssh", "fuse.sshfs", "rw"),
        Mount("tmpfs", "/dev/shm", "tmpfs", "rw"),
        Mount("/dev/sdb1", "/backup", "xfs", "ro,relatime"),
    ]
    local = local_mounts(mounts)
    assert {mount.path for mount in local} == {"/", "/etc/hosts", "/data", "/backup"}
    paths = {device: [mount.path for mount in group] for device, group in by_device(local).items()}
    assert paths == {"overlay": ["/"], "/dev/sda1": ["/data", "/etc/hosts"], "/dev/sdb1": ["/backup"]}
    assert [group[0].read_only for group in by_device(local).values()] == [False, False, True]
    assert network_mounts(mounts) == ["/mnt/nfs", "/mnt/smb", "/mnt/ssh"]


def test_a_container_limit_counts_when_lower() -> None:
    machine = Memory(64 * GIB, 30 * GIB)
    assert effective_memory(machine, []) == machine
    assert effective_memory(machine, [(128 * GIB, GIB)]) == machine
    assert effective_memory(machine, [(4 * GIB, 3 * GIB)]) == Memory(4 * GIB, GIB, limited=True)
    assert effective_memory(machine, [(8 * GIB, 2 * GIB), (16 * GIB, 15 * GIB)]) == Memory(16 * GIB, GIB, limited=True)
    assert effective_memory(machine, [(48 * GIB, GIB)]).available_bytes == 30 * GIB


@pytest.mark.parametrize(
    ("celsius", "high", "critical", "status"),
    [
        (60, 80, 95, None),
        (85, 80, 95, Status.WARNING),
        (97, 80, 95, Status.CRITICAL),
        (60, 0, 65261.85, None),
        (60, None, None, None),
    ],
)
def test_temperature_is_judged_by_the_sensors_own_sane_limits(celsius, high, critical, status) -> None:
    finding = temperature_finding("coretemp", celsius, high, critical)
    assert (finding.status if finding else None) == status


def judged(metric: str, value: float, after_s: float, **pairs: str) -> Status:
    judge = Judge({m.name: m for m in host.METRICS}, {})
    reading = Reading(metric, value, labels(**pairs))
    judge.findings([reading], 1000.0)
    return max((f.status for f in judge.findings([reading], 1000.0 + after_s)), default=Status.OK)


def test_thresholds() -> None:
    assert judged("host_cpu_ratio", 0.97, 60) == Status.OK
    assert judged("host_cpu_ratio", 0.97, 300) == Status.CRITICAL
    assert judged("host_cpu_ratio", 0.90, 300) == Status.WARNING
    assert judged("host_memory_available_ratio", 0.04, 0) == Status.CRITICAL
    assert judged("host_memory_available_ratio", 0.5, 0) == Status.OK
    assert judged("host_disk_used_ratio", 0.9, 0, mount="/data") == Status.WARNING
    assert judged("host_disk_busy_ratio", 0.99, 600, disk="sda") == Status.WARNING
    assert judged("host_disk_answers", 0.0, 10, mount="/data") == Status.OK
    assert judged("host_disk_answers", 0.0, 30, mount="/data") == Status.CRITICAL
    assert judged("host_disk_answers", 1.0, 30, mount="/data") == Status.OK
    assert judged("host_clock_offset_seconds", 0.2, 60) == Status.WARNING
    assert judged("host_oom_kills_total", 1.0, 0) == Status.WARNING
    assert judged("host_cpu_throttled_ratio", 0.3, 300) == Status.WARNING
    assert judged("host_swap_traffic_bytes_per_second", 2e6, 60) == Status.WARNING


def test_every_sentence_can_be_filled_in() -> None:
    judge = Judge({m.name: m for m in host.METRICS}, {})
    every = [
        Reading(m.name, -1.0 if m.better == "higher" else 1e9, labels(mount="/", disk="sda")) for m in host.METRICS
    ]
    judge.findings(every, 0.0)
    found = judge.findings(every, 1e6)
    assert len(found) == sum(m.warning is not None or m.critical is not None for m in host.METRICS)
    assert all(finding.hint and "{" not in finding.message for finding in found)


def test_summary() -> None:
    readings = [
        Reading("host_cpu_ratio", 0.123),
        Reading("host_memory_available_ratio", 0.4),
        Reading("host_disk_used_ratio", 0.5, labels(mount="/")),
        Reading("host_disk_used_ratio", 0.8, labels(mount="/data")),
    ]
    assert summarise(readings) == "CPU 12 %, memory 60 % used, disk 80 % full"


def test_what_a_kernel_hides_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, probe: host.HostProbe) -> None:
    monkeypatch.setattr("probes.host_read.PRESSURE_ROOT", tmp_path)
    collected = probe.collect()
    assert any("PSI" in phrase for phrase in collected.unavailable)
    assert not any(reading.metric.startswith("host_pressure") for reading in collected.readings)


def test_the_kind_is_registered() -> None:
    assert KINDS["host"] is host.KIND
