import pytest

from probes import redis_decisions as decisions
from probes.catalogue import Judge
from probes.counters import Turn
from probes.redis_metrics import METRICS
from probes.result import Finding, Reading, Status

MIB = 2**20


def judged(readings: list[Reading] | tuple[Reading, ...], later_s: float = 0) -> list[Finding]:
    judge = Judge({metric.name: metric for metric in METRICS}, {})
    judge.findings(readings, 0)
    return judge.findings(readings, later_s)


@pytest.mark.parametrize(
    ("policy", "expires", "metric"),
    [
        ("noeviction", 0, "redis_memory_used_ratio"),
        ("allkeys-lru", 0, "redis_cache_used_ratio"),
        ("volatile-lru", 5, "redis_cache_used_ratio"),
        ("volatile-lru", 0, "redis_memory_used_ratio"),
    ],
)
def test_a_full_cache_is_normal_a_full_store_is_not(policy: str, expires: int, metric: str) -> None:
    info = {"used_memory": 95, "maxmemory": 100, "maxmemory_policy": policy, "db0": {"keys": 9, "expires": expires}}
    assert decisions.memory(info) == {metric: 0.95}
    assert bool(judged([Reading(metric, 0.95)])) == (metric == "redis_memory_used_ratio")


@pytest.mark.parametrize(
    ("used_mib", "resident_mib", "expected"),
    [(99, 900, None), (200, 500, "redis_memory_fragmentation_ratio"), (200, 150, "redis_memory_swapped_bytes")],
)
def test_fragmentation_counts_above_100_mib(used_mib: int, resident_mib: int, expected: str | None) -> None:
    found = decisions.memory({"used_memory": used_mib * MIB, "used_memory_rss": resident_mib * MIB})
    readings = [Reading(metric, value) for metric, value in found.items() if value is not None]
    assert [finding.metric for finding in judged(readings, 60)] == ([expected] if expected else [])


def test_failed_saves_and_a_long_fork_are_found() -> None:
    info = {
        "rdb_last_bgsave_status": "err",
        "aof_enabled": 1,
        "aof_last_write_status": "err",
        "latest_fork_usec": 200_000,
    }
    readings = [Reading(metric, value) for metric, value in decisions.safety(info).items() if value is not None]
    assert {(finding.metric, finding.status) for finding in judged(readings)} == {
        ("redis_rdb_ok", Status.CRITICAL),
        ("redis_aof_ok", Status.CRITICAL),
        ("redis_fork_seconds", Status.WARNING),
    }


def test_no_look_ups_no_hit_rate() -> None:
    assert decisions.hit_ratio(Turn(1.0, {"keyspace_hits": 0, "keyspace_misses": 0})) is None
    assert decisions.hit_ratio(Turn(1.0, {"keyspace_hits": 3, "keyspace_misses": 1})) == 0.75


def test_what_a_crash_would_lose_is_told_only_where_snapshots_are_taken() -> None:
    info = {
        "rdb_last_save_time": 1000,
        "server_time_usec": 1_060_500_000,
        "rdb_changes_since_last_save": 7,
        "rdb_last_bgsave_time_sec": -1,
        "rdb_bgsave_in_progress": 0,
    }
    assert decisions.saves(info) == {}
    assert decisions.saves({**info, "rdb_saves": 1}) == {
        "redis_rdb_age_seconds": 60.5,
        "redis_rdb_unsaved_changes": 7,
        "redis_rdb_save_seconds": None,
        "redis_rdb_saving": 0,
    }


def test_the_keyspace_by_database() -> None:
    info = {"db0": {"keys": 3, "expires": 2, "avg_ttl": 9500}, "db3": {"keys": 1, "expires": 1, "avg_ttl": 0}}
    assert {
        (r.metric.removeprefix("redis_db_"), *dict(r.labels).values(), r.value) for r in decisions.keyspace(info)
    } == {
        ("keys", "db0", 3),
        ("expiring_keys", "db0", 2),
        ("ttl_seconds", "db0", 9.5),
        ("keys", "db3", 1),
        ("expiring_keys", "db3", 1),
    }
    assert decisions.keyspace_table(info).rows == (("db0", 3, 2, 9.5), ("db3", 1, 1, None))


def test_the_append_only_file_counts_where_it_is_on() -> None:
    info = {"aof_last_bgrewrite_status": "err", "aof_current_size": 9, "aof_rewrite_in_progress": 0}
    assert decisions.append_only(info) == {}
    found = decisions.append_only({**info, "aof_enabled": 1})
    readings = [Reading(metric, value) for metric, value in found.items() if value is not None]
    assert [(finding.metric, finding.status) for finding in judged(readings)] == [
        ("redis_aof_rewrite_ok", Status.WARNING)
    ]
