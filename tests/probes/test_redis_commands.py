from typing import Any

import pytest

from probes import redis_commands as commands
from probes.counters import Turn
from probes.result import Reading, Status, labels
from tests.probes.test_redis_decisions import judged

INFO: dict[str, Any] = {
    "cmdstat_get": {"calls": 10, "usec": 100, "usec_per_call": 10.0, "rejected_calls": 1, "failed_calls": 2},
    "cmdstat_keys": {"calls": 1, "usec": 900, "usec_per_call": 900.0},
    "cmdstat_info": {"calls": 500, "usec": 90_000, "usec_per_call": 180.0},
    "latency_percentiles_usec_get": {"p50": 9.0, "p99": 20.0, "p99.9": 30.0},
    "latency_percentiles_usec_keys": {"p50": 900.0, "p99": float("nan")},
    "total_error_replies": 5,
    "errorstat_OOM": {"count": 3},
    "errorstat_MYSCRIPT": {"count": 2},
}


def test_the_monitor_s_own_commands_do_not_count() -> None:
    assert commands.counters(INFO)["calls"] == 11
    assert [row[0] for row in commands.command_table(INFO).rows] == ["keys", "get"]


def test_percentiles_are_told_as_far_as_the_server_has_them() -> None:
    found = {(r.metric, r.labels): r.value for r in commands.readings(INFO, Turn())}
    assert found == {
        ("redis_command_p50_seconds", labels(command="keys")): 900e-6,
        ("redis_command_p50_seconds", labels(command="get")): 9e-6,
        ("redis_command_p99_seconds", labels(command="get")): 20e-6,
        ("redis_command_p999_seconds", labels(command="get")): 30e-6,
    }
    assert commands.command_table(INFO).rows[1] == ("get", 10, 3, 10e-6, 9e-6, 20e-6, 30e-6, 100e-6)


def test_the_first_refusal_is_seen_and_an_odd_word_is_counted_with_the_others() -> None:
    counted = commands.counters(INFO)
    assert (counted["error OOM"], counted["error READONLY"], counted["error other"]) == (3, 0, 2)
    assert not [name for name in commands.counters({}) if name.startswith("error")]


@pytest.mark.parametrize(
    ("word", "new", "pinged", "found"),
    [
        ("OOM", 3, "", [("redis_refused_commands_total", Status.WARNING)]),
        ("READONLY", 1, "", [("redis_refused_commands_total", Status.WARNING)]),
        ("MISCONF", 1, "MISCONF", []),  # that was our own PING
        ("MISCONF", 2, "MISCONF", [("redis_refused_commands_total", Status.WARNING)]),
        ("NOAUTH", 9, "", []),
    ],
)
def test_commands_refused_by_the_server_s_state(word: str, new: int, pinged: str, found: list[Any]) -> None:
    readings = commands.readings({}, Turn(10, {f"error {word}": new}), pinged)
    findings = judged(readings)
    assert [(finding.metric, finding.status) for finding in findings] == found
    assert all(word in finding.message for finding in findings)


def test_the_mean_is_of_the_commands_since_the_last_reading() -> None:
    assert commands.readings({}, Turn(10, {"calls": 4, "usec": 80})) == [Reading("redis_command_mean_seconds", 20e-6)]
    assert commands.readings({}, Turn(10, {"calls": 0, "usec": 0})) == []


def entry(number: int, duration_us: int) -> dict[str, Any]:
    return {"id": number, "start_time": 0, "duration": duration_us, "command": b"KEYS *", "client_name": b"desk\x00"}


def test_new_slow_commands_and_the_worst_of_them() -> None:
    log = [entry(5, 30_000), entry(4, 90_000), entry(3, 500_000)]
    assert commands.slow_readings(log, None, 0) == ([], 5)
    found, newest = commands.slow_readings(log, 3, 60)
    assert [reading.value for reading in found] == [2, 0.09]
    assert newest == 5
    assert [reading.value for reading in commands.slow_readings(log, 5, 60)[0]] == [0, 0]
    assert [row[1] for row in commands.slow_table(log).rows] == [0.5, 0.09, 0.03]
    assert commands.slow_table(log).rows[0][3] == "desk·"


def test_latency_events() -> None:
    table = commands.event_table([[b"fork", 0, 12, 300]])
    assert table.rows == (("fork", 0.012, 0.3, "1970-01-01T00:00:00+00:00"),)
