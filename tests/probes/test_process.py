import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from probes import process
from probes.result import Status
from tests.probes.listeners import eventually


def component(**keys: object) -> process.ProcessComponent:
    return process.ProcessComponent.model_validate({"kind": "process", "name": "feed", **keys})


def probe(**keys: object) -> process.ProcessProbe:
    return process.ProcessProbe(component(**keys), 2.0)


@pytest.fixture
def mark() -> str:
    return f"tapewatch-test-{uuid.uuid4().hex}"


@pytest.fixture
def child(mark: str) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen([sys.executable, "-c", "input()", mark], stdin=subprocess.PIPE)
    yield running
    running.kill()
    running.communicate()


def test_a_running_process_is_found_by_its_command_line(child: subprocess.Popen[bytes], mark: str) -> None:
    watched = probe(match=mark)
    watched.collect()
    collected = watched.collect()
    values = {reading.metric: reading.value for reading in collected.readings}
    assert set(values) == {metric.name for metric in process.METRICS}
    assert values["process_count"] == 1
    assert values["process_resident_bytes"] > 1e5
    assert values["process_descriptors"] >= 3
    assert collected.findings == []
    assert collected.tables["processes"].rows[0][1] == child.pid
    assert mark not in str(collected.tables), "command lines may carry secrets"
    assert watched.ping() < 1


def test_an_ended_process_is_critical_zombie_or_not(child: subprocess.Popen[bytes], mark: str) -> None:
    watched = probe(match=mark)
    assert watched.collect().findings == []
    child.kill()
    assert eventually(lambda: bool(watched.collect().findings)), "a zombie does not count"
    (finding,) = watched.collect().findings
    assert (finding.status, finding.value) == (Status.CRITICAL, 0)
    assert finding.message == f'No process matching "{mark}" runs.'


def test_a_pid_file_names_one_process(child: subprocess.Popen[bytes], tmp_path: Path) -> None:
    file = tmp_path / "feed.pid"
    watched = probe(pid_file=str(file))
    assert "cannot be read" in watched.collect().findings[0].message
    file.write_text(f"{child.pid}\n")
    assert watched.collect().findings == []
    for nonsense in ("", "soon", "-4", "99999999999999999999999", "ü"):
        file.write_text(nonsense)
        assert watched.collect().findings[0].status == Status.CRITICAL
    file.write_text(str(child.pid))
    child.kill()
    child.wait()
    assert "it has ended" in watched.collect().findings[0].message


def test_too_few_is_said_with_both_numbers(child: subprocess.Popen[bytes], mark: str) -> None:
    (finding,) = probe(match=mark, min_count=3).collect().findings
    assert finding.message == f'Only 1 of 3 processes matching "{mark}" run.'
    assert process.too_few(component(match="xx", min_count=2), 2) is None


def test_rows_are_added_up_and_what_is_hidden_left_out() -> None:
    rows = [
        {"resident_bytes": 10.0, "descriptors": 4, "create_time": 100.0},
        {"resident_bytes": 20.0, "descriptors": None, "create_time": 140.0},
    ]
    values = {reading.metric: reading.value for reading in process.measure(rows, [0.5, None], 150.0)}
    assert values == {
        "process_count": 2,
        "process_cpu_ratio": 0.5,
        "process_resident_bytes": 30,
        "process_uptime_seconds": 10,
    }
    assert [reading.metric for reading in process.measure([], [], 150.0)] == ["process_count"]


@pytest.mark.parametrize("keys", [{}, {"match": "abc", "pid_file": "/x"}])
def test_exactly_one_way_to_find_it(keys: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="exactly one of match"):
        component(**keys)


def test_a_pid_file_cannot_ask_for_two() -> None:
    with pytest.raises(ValidationError, match="names one process"):
        component(pid_file="/x", min_count=2)
