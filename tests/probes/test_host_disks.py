import math
import threading
import time
from collections.abc import Sequence

import pytest

from probes import host, host_clock, host_disks
from probes.catalogue import Judge
from probes.host_clock import Discipline, discipline
from probes.host_disks import Asked, DiskReader, Room
from probes.host_fullness import LONG_S, SPACING_S, Courses, predict, status_of, used_up_in_s
from probes.result import Status, labels
from settings import Limit
from tests.probes.listeners import eventually

DATA, LOGS, NFS = (
    host_disks.Mount("/dev/sda1", "/data", "ext4", "rw"),
    host_disks.Mount("/dev/sdb1", "/logs", "xfs", "rw"),
    host_disks.Mount("server:/x", "/mnt/nfs", "nfs4", "rw"),
)
HOUR_S = 3600.0


def course(minutes: int, left_per_minute: float, start: float = 1e12) -> list[tuple[float, float]]:
    return [(minute * 60.0, start - minute * left_per_minute) for minute in range(minutes + 1)]


def sawtooth(minutes: int, swing: float, loss: float = 0.0) -> list[tuple[float, float]]:
    """A store that merges: ten minutes of growth, then the old parts are dropped at once."""
    return [(m * 60.0, 1e12 - m * loss - (m % 10) * swing) for m in range(minutes + 1)]


@pytest.mark.parametrize(
    ("points", "in_s"),
    [
        ([], None),
        (course(10, 1e10), None),  # ten minutes are too few
        (course(15, 5e10), (1e12 - 15 * 5e10) / 5e10 * 60),  # from a quarter of an hour on
        (course(60, 0.0), None),  # nothing happens
        (course(60, -1e9), None),  # room is gained
        (course(60, 1e9), None),  # 15 hours away, which an hour does not foretell
        (course(360, 1e9), (1e12 - 360e9) / 1e9 * 60),  # six hours do
        (sawtooth(60, 1e10), None),  # up and down is no trend
        (sawtooth(180, 1e9, 3e9), (1e12 - 180 * 3e9) / 3e9 * 60),  # a trend below the ups and downs
        ([*course(50, 0.0), *[(m * 60.0, 1e12 - (m - 50) * 8e10) for m in range(51, 61)]], None),  # ten minutes' burst
        ([(m * 60.0, 1e12 if m < 300 else 1e12 - (m - 300) * 1e10) for m in range(361)], 2400.0),  # the last hour
    ],
)
def test_when_a_disk_will_be_full(points: list[tuple[float, float]], in_s: float | None) -> None:
    found = used_up_in_s(points)
    assert found == (None if in_s is None else pytest.approx(in_s, rel=0.02))


def test_one_wild_value_does_not_bend_the_slope() -> None:
    points = course(60, 1e10)
    wild = [(at, 9e12 if at == 1800 else left) for at, left in points]
    assert predict(wild) == pytest.approx(predict(points), rel=0.01)


@pytest.mark.parametrize(
    ("full_in_s", "free", "status"),
    [
        (None, 0.01, None),
        (23 * HOUR_S, 0.39, Status.WARNING),
        (25 * HOUR_S, 0.39, None),
        (23 * HOUR_S, 0.41, None),
        (3 * HOUR_S, 0.19, Status.CRITICAL),
        (3 * HOUR_S, 0.21, Status.WARNING),
        (5 * HOUR_S, 0.19, Status.WARNING),
        (0.0, 0.5, None),
    ],
)
def test_a_prediction_counts_only_where_little_is_left(full_in_s, free, status) -> None:
    found = status_of(full_in_s, free)
    assert (found[0] if found else None) == status


def test_a_course_is_bounded_and_forgets_what_is_gone() -> None:
    courses = Courses()
    for turn in range(400):
        courses.add("a", 1e12, turn * SPACING_S)
        courses.add("a", 1e12, turn * SPACING_S + 10)
    assert len(courses._points["a"]) == LONG_S / SPACING_S + 1
    courses.keep(["b"])
    assert courses._points == {}
    assert courses.add("a", 1.0, 0.0) is None


def rooms(free: float) -> Room:
    return Room(DATA, 100 - free, free, 1000, 900)


def test_a_disk_that_fills_up_is_said_in_time() -> None:
    left = iter([30 - minute * 0.25 for minute in range(61)])
    reader = DiskReader({}, lambda: [DATA], lambda mounts: rooms(next(left)))
    for minute in range(61):
        told = reader.turn(minute * 60.0)
    (found,) = told.findings
    assert (found.metric, found.status, found.labels) == (
        "host_disk_full_in_seconds",
        Status.CRITICAL,
        labels(mount="/data"),
    )
    assert found.message == "The room on /data will be used up in 1 h at the present pace; 15 % is left."
    assert found.value == pytest.approx(HOUR_S)
    values = {r.metric: r.value for r in told.readings}
    assert values["host_disk_used_ratio"] == pytest.approx(0.85)
    assert values["host_inodes_used_ratio"] == pytest.approx(0.1)
    assert "host_inodes_full_in_seconds" not in values
    assert told.table.rows[0][told.table.columns.index("full_in_seconds")] == pytest.approx(HOUR_S)


def test_inodes_run_out_as_well_and_an_operators_threshold_takes_over() -> None:
    def run(judged: dict[str, Limit]) -> list[str]:
        left = iter([300 - minute * 3.0 for minute in range(61)])
        reader = DiskReader(judged, lambda: [DATA], lambda mounts: Room(DATA, 10, 90, 1000, next(left)))
        for minute in range(61):
            told = reader.turn(minute * 60.0)
        assert any(r.metric == "host_inodes_full_in_seconds" for r in told.readings)
        return [f.message for f in told.findings]

    assert run({}) == [
        "The number of files /data can hold will be used up in 40 min at the present pace; 12 % is left."
    ]
    assert run({"host_inodes_full_in_seconds": Limit(warning=60)}) == []


def test_a_dead_disk_holds_nobody_up_and_costs_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_disks, "WAIT_S", 0.05)
    asked: list[str] = []
    back = threading.Event()

    def ask(mounts: Sequence[host_disks.Mount]) -> Room:
        asked.append(mounts[0].path)
        if mounts[0] is DATA:
            back.wait(10)
        return Room(mounts[0], 50, 50, 0, 0)

    reader = DiskReader({}, lambda: [DATA, LOGS, NFS], ask)
    before = threading.active_count()
    for _ in range(6):
        started_s = time.monotonic()
        told = reader.turn()
        assert time.monotonic() - started_s < 1.0
    assert asked.count("/data") == 1
    assert asked.count("/logs") == 6, "its healthy neighbour is asked each time"
    assert "/mnt/nfs" not in asked
    assert eventually(lambda: threading.active_count() <= before + 1)
    answers = {dict(r.labels)["mount"]: r.value for r in told.readings if r.metric == "host_disk_answers"}
    assert answers == {"/data": 0.0, "/logs": 1.0}
    assert told.unavailable == ["room on /mnt/nfs (network file systems are not asked: a dead one never answers)"]
    back.set()
    assert eventually(lambda: threading.active_count() <= before)
    reader.turn()
    told = reader.turn()
    assert [r.value for r in told.readings if r.metric == "host_disk_answers"] == [1.0, 1.0]


def test_a_dead_disk_becomes_critical_after_half_a_minute() -> None:
    judge = Judge({m.name: m for m in host.METRICS}, {})
    dead = [host_disks.Reading("host_disk_answers", 0.0, labels(mount="/data"))]
    assert judge.findings(dead, 0.0) == []
    (found,) = judge.findings(dead, 30.0)
    assert found.message == "The disk at /data does not answer: whoever reads or writes there hangs."


def test_what_is_read_only_or_no_directory_is_not_judged(tmp_path) -> None:
    backup = host_disks.Mount("/dev/sdc1", "/backup", "xfs", "ro")
    told = DiskReader({}, lambda: [backup], lambda mounts: Room(backup, 100, 0.0, 10, 0)).turn()
    assert [r.metric for r in told.readings] == ["host_disk_answers"]
    single = tmp_path / "hosts"
    single.write_text("")
    here = [host_disks.Mount("d", str(single), "ext4"), host_disks.Mount("d", str(tmp_path), "ext4")]
    found = host_disks.room(here)
    assert found is not None
    assert found.mount.path == str(tmp_path)
    assert host_disks.room(here[:1]) is None
    assert host_disks.room([host_disks.Mount("d", "/no/such/place", "ext4")]) is None


def test_a_mistake_in_the_asking_is_not_taken_for_a_dead_disk() -> None:
    asked: Asked[float] = Asked()
    with pytest.raises(ZeroDivisionError):
        asked.answers({"x": lambda: 1 / 0}, 5.0)
    assert asked.answers({"x": lambda: 1.0}, 5.0) == {"x": 1.0}


@pytest.mark.parametrize(
    ("status", "offset", "maxerror_us", "expected"),
    [
        (0x0001, 1500, 20_000, Discipline(True, 0.0015, 0.02)),
        (0x2001, -1_500_000, 500, Discipline(True, -0.0015, 0.0005)),
        (0x0040, 0, 16_000_000, Discipline(False, 0.0, 16.0)),
    ],
)
def test_what_the_kernel_says_of_its_clock(status: int, offset: int, maxerror_us: int, expected: Discipline) -> None:
    found = discipline(status, offset, maxerror_us)
    assert found.synchronised == expected.synchronised
    assert math.isclose(found.offset_s, expected.offset_s, abs_tol=1e-12)
    assert math.isclose(found.most_s, expected.most_s)


def test_an_offset_is_told_only_where_it_is_known() -> None:
    kept, missing = host_clock.readings(Discipline(True, -0.25, 0.5))
    assert {r.metric: r.value for r in kept} == {
        "host_clock_synchronized": 1.0,
        "host_clock_offset_seconds": 0.25,
        "host_clock_error_bound_seconds": 0.5,
    }
    assert missing == []
    free, missing = host_clock.readings(Discipline(False, 0.0, 16.0))
    assert [(r.metric, r.value) for r in free] == [("host_clock_synchronized", 0.0)]
    assert "chrony" in missing[0]
    assert host_clock.readings(None) == ([], ["clock offset (this system does not tell)"])


def test_this_kernels_clock_can_be_read() -> None:
    found = host_clock.read()
    assert found is None or (abs(found.offset_s) < 60 <= 60 + found.most_s), "None: a container that may not ask"
