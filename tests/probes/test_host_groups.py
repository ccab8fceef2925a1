"""Control groups as container engines lay them out, made up below a root of the test's own."""

from pathlib import Path

import pytest

from probes import host
from probes.host_groups import CpuGroup, Groups, group_memory, tightest
from probes.host_read import CpuReader

GIB = 2**30
UNLIMITED_V1 = "9223372036854771712"


def groups(tmp_path: Path, own: str, files: dict[str, str]) -> Groups:
    root = tmp_path / "cgroup"
    root.mkdir(exist_ok=True)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    listed = tmp_path / "own"
    listed.write_text(own)
    return Groups(root, listed)


def v2(prefix: str, limit: str, cpu: str, used_us: int = 0) -> dict[str, str]:
    return {
        f"{prefix}memory.max": f"{limit}\n",
        f"{prefix}memory.current": "600\n",
        f"{prefix}memory.stat": "anon 1\ninactive_file 200\n",
        f"{prefix}cpu.max": f"{cpu}\n",
        f"{prefix}cpu.stat": f"usage_usec {used_us}\nuser_usec 1\nnr_periods 40\nnr_throttled 10\nthrottled_usec 5\n",
    }


def v1(memory: str, cpu: str, account: str, limit: str, quota: str) -> dict[str, str]:
    return {
        f"{memory}/memory.limit_in_bytes": f"{limit}\n",
        f"{memory}/memory.usage_in_bytes": "700\n",
        f"{memory}/memory.stat": "inactive_file 1\ntotal_inactive_file 300\n",
        f"{cpu}/cpu.cfs_quota_us": f"{quota}\n",
        f"{cpu}/cpu.cfs_period_us": "100000\n",
        f"{cpu}/cpu.stat": "nr_periods 8\nnr_throttled 2\nthrottled_time 9\n",
        f"{account}/cpuacct.usage": "3000000000\n",
    }


V1_OWN = "5:memory:/docker/ab\n4:cpu,cpuacct:/docker/ab\n1:name=systemd:/docker/ab\n"


@pytest.mark.parametrize(
    ("own", "files", "memory", "cores", "used_s"),
    [
        # Version 2 in a container with a namespace of its own: its group is the top.
        ("0::/\n", v2("", "1000", "150000 100000", 2_500_000), [(1000.0, 400.0)], 1.5, 2.5),
        # Without one, the path is the machine's and not to be found here.
        ("0::/docker/ab\n", v2("", "1000", "50000 100000"), [(1000.0, 400.0)], 0.5, 0.0),
        # A process beside the namespace's root.
        ("0::/../cd\n", v2("", "1000", "50000 100000"), [(1000.0, 400.0)], 0.5, 0.0),
        # A service of systemd below a slice: its own limits are not the machine's, the slice's are.
        (
            "0::/a.slice/b.service\n",
            {**v2("a.slice/", "2000", "300000 100000"), **v2("a.slice/b.service/", "100", "10000 100000")},
            [(2000.0, 400.0)],
            3.0,
            0.0,
        ),
        # A container's scope on a machine whose groups are all visible; the slice above it is the tighter one.
        (
            "0::/pods.slice/ab.scope\n",
            {**v2("pods.slice/", "2000", "100000 100000"), **v2("pods.slice/ab.scope/", "1000", "200000 100000", 7)},
            [(1000.0, 400.0), (2000.0, 400.0)],
            1.0,
            0.0,
        ),
        # Both versions mounted: the controllers are in version 1.
        (
            f"{V1_OWN}0::/\n",
            v1("memory/docker/ab", "cpu,cpuacct/docker/ab", "cpu,cpuacct/docker/ab", "1000", "200000"),
            [(1000.0, 400.0)],
            2.0,
            3.0,
        ),
        # Version 1 in a container: each controller's folder is its own group; cpu is a hierarchy of its own.
        (
            "5:memory:/docker/ab\n4:cpu:/docker/ab\n3:cpuacct:/docker/ab\n",
            v1("memory", "cpu", "cpuacct", "1000", "50000"),
            [(1000.0, 400.0)],
            0.5,
            3.0,
        ),
        # No limits at all.
        ("0::/\n", v2("", "max", "max 100000"), [], None, None),
        (V1_OWN, v1("memory", "cpu", "cpuacct", UNLIMITED_V1, "-1"), [(float(UNLIMITED_V1), 400.0)], None, None),
        ("0::/\n", {}, [], None, None),
        ("", {}, [], None, None),
        ("nonsense", {"cpu.max": "x\n", "memory.max": "\n"}, [], None, None),
        ("0::/\n", {"cpu.max": "1 2 3\n", "memory.max": "lots\n", "cpu.stat": "\n"}, [], 0.5, 0.0),
        ("0::/\n", {"cpu.max": "100000 0\n", "memory.max": "-1\n"}, [], None, None),
    ],
)
def test_limits_are_found_wherever_an_engine_puts_them(tmp_path: Path, own, files, memory, cores, used_s) -> None:
    found = groups(tmp_path, own, files)
    assert list(found.memory()) == memory
    cpu = found.cpu(machine_cores=8)
    assert (cpu.cores if cpu else None, cpu.used_s if cpu else None) == (cores, used_s)


def test_a_limit_beyond_the_machine_is_none(tmp_path: Path) -> None:
    found = groups(tmp_path, "0::/\n", v2("", "1000", "400000 100000"))
    assert found.cpu(machine_cores=4) is None
    assert found.cpu(machine_cores=5) is not None
    assert Groups(tmp_path / "nothing", tmp_path / "nowhere").cpu(4) is None


def test_the_tightest_of_several_counts() -> None:
    wide, narrow = CpuGroup("/a", 3, 0, 0, 0), CpuGroup("/a/b", 1, 0, 0, 0)
    assert tightest([wide, narrow], 8) is narrow
    assert tightest([], 8) is None


def test_droppable_cache_is_not_in_use() -> None:
    assert group_memory("max\n", "5\n", "") is None
    assert group_memory("1000\n", "600\n", "") == (1000, 600)
    assert group_memory("1000\n", "600\n", "inactive_file 700\n") == (1000, 0)


def test_cpu_is_counted_against_the_limit() -> None:
    reader = CpuReader()
    first, _ = reader.turn(CpuGroup("/c", 0.5, 10.0, 100, 10))
    assert {r.metric: r.value for r in first}["host_cpu_cores"] == 0.5
    assert "host_cpu_ratio" not in {r.metric for r in first}, "the first value is dropped"
    second, _ = reader.turn(CpuGroup("/c", 0.5, 10_000.0, 200, 60))
    values = {r.metric: r.value for r in second}
    assert values["host_cpu_ratio"] == 1.0, "more than the limit is all of it"
    assert values["host_cpu_throttled_ratio"] == 0.5
    moved, _ = reader.turn(CpuGroup("/d", 0.5, 1.0, 300, 60))
    assert "host_cpu_throttled_ratio" not in {r.metric for r in moved}, "another group's counters are others"


def test_in_a_container_the_limit_is_the_machine(tmp_path: Path) -> None:
    found = groups(tmp_path, "0::/\n", v2("", str(GIB), "10000 100000"))
    probe = host.HostProbe(host.HostComponent(kind="host", name="host"), 2.0, found)
    (found.root / "cpu.pressure").write_text("some avg10=0.00 avg60=12.50 avg300=0.00 total=1\n")
    collected = probe.collect()
    values = {r.metric: r.value for r in collected.readings if not r.labels}
    assert values["host_pressure_cpu_ratio"] == 0.125, "its own, not its neighbours'"
    assert values["host_memory_total_bytes"] == GIB
    assert values["host_memory_used_bytes"] == pytest.approx(400, abs=1)
    assert values["host_cpu_cores"] == 0.1
    assert collected.facts["cores"].startswith("0.1 of ")
    assert collected.facts["memory"] == "1.0 GiB (the container's limit)"
