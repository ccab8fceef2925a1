import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import demo
from demo.stack import DATABASE, DIRECTORY_VARIABLE, Stack
from probes.causes import Cause, find_causes
from probes.result import Status
from settings import relation_problems

ROOT = Path(demo.__file__).parent.parent
RUN = """
import json, sys, time
from pathlib import Path
import demo.story
demo.story.DAYS = 3  # a short past, for a short test
import demo.backfill, demo.stack
demo.stack.FIRST_RESULTS_S = 1.0
from monitor import Monitor

stack = demo.stack.Stack(Path(sys.argv[1]))
settings = stack.settings()
monitor = Monitor(settings, stack.progress)
stack.start(monitor)
last, until_s = None, time.monotonic() + 60
while time.monotonic() < until_s:
    now = monitor.demo
    if now != last:
        last = now
        shown = str(now.simulated_before), [v.name for v in monitor.views() if v.status == "ok"]
        print(json.dumps([now.ready, now.text, *shown]), flush=True)
    if now.ready and stack._tape.stored:
        print(json.dumps(["stored"]), flush=True)
        break
    time.sleep(0.02)
else:
    sys.exit("not ready in a minute")
if sys.stdin.readline():
    monitor.stop()
    started_s = time.monotonic()
    stack.stop()
    print(json.dumps(["stopped", time.monotonic() - started_s]), flush=True)
"""


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def run(directory: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", RUN, str(directory)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: "subprocess.Popen[str]", until: str) -> list[list[Any]]:
    """What the process says up to and with the first line that contains `until`."""
    assert process.stdout is not None
    lines: list[list[Any]] = []
    for text in process.stdout:
        lines.append(json.loads(text))
        if until in text:
            return lines
    raise AssertionError(f"it ended without {until!r}: {lines}")


def test_it_starts_survives_a_kill_refuses_a_second_and_stops_in_time(tmp_path: Path) -> None:
    with run(tmp_path) as first:
        lines = said(first, "stored")
        texts = [line[1] for line in lines[:-1]]
        assert texts[0] in {"Starting the demo.", "Starting redis-server."}
        assert "Opening the history." in texts
        assert any(text.startswith("Filling a year of demo history: ") for text in texts)
        ready = lines[-2]
        assert ready[:2] == [True, ""]
        ports = json.loads((tmp_path / "ports.json").read_text())
        assert all(map(listens, ports.values()))
        with run(tmp_path) as second:
            refused = said(second, "Another Tapewatch")[-1]
        assert DIRECTORY_VARIABLE in refused[1]
        assert all(map(listens, ports.values()))
        first.kill()
    with run(tmp_path) as again:
        lines = said(again, "stored")
        assert not any("Filling" in line[1] for line in lines[:-1])
        assert lines[-2][2] == ready[2] != "None"  # the same past
        assert json.loads((tmp_path / "ports.json").read_text()) == ports
        assert again.stdin is not None
        again.stdin.write("stop\n")
        again.stdin.flush()
        assert said(again, "stopped")[-1][1] < 3
    assert not any(map(listens, ports.values()))


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path)
    yield stack
    stack.stop()


def test_its_settings_are_a_valid_configuration(stack: Stack, tmp_path: Path) -> None:
    settings = stack.settings()
    assert settings.demo
    assert settings.app.time_zone == "America/New_York"
    assert settings.monitor.interval_s == 5
    assert (settings.history.database, settings.history.dsn.reveal()) == (DATABASE, f"chdb://{tmp_path}/history")
    kinds = {component.name: component for component in settings.component}
    assert set(kinds) == {"host", "network", "redis-server", "redis", "clickhouse", "kafka"}
    assert all(kinds[name].depends_on == ("host",) for name in ("redis-server", "clickhouse", "kafka"))
    assert kinds["redis"].depends_on == ("redis-server", "host")
    assert kinds["network"].depends_on == ()
    assert relation_problems(settings.component) == []


@pytest.mark.parametrize(
    ("broken", "root", "nearest"),
    [
        ({"redis-server"}, "redis-server", "redis-server"),
        ({"host"}, "host", "host"),
        ({"host", "redis-server"}, "host", "redis-server"),
    ],
)
def test_what_takes_redis_down_is_one_root_with_redis_below_the_nearest(
    stack: Stack, broken: set[str], root: str, nearest: str
) -> None:
    down = broken | {"redis"}
    found = find_causes(
        Cause(each.name, Status.CRITICAL if each.name in down else Status.OK, each.depends_on)
        for each in stack.settings().component
    )
    assert found["redis"].caused_by == (root,)
    assert [link.cause for link in found["redis"].links] == [nearest]
    assert found[root].caused_by == ()


def test_its_directory_can_be_given_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path / "elsewhere"))
    stack = Stack()
    try:
        assert stack.directory == tmp_path / "elsewhere"
        assert stack.settings().history.dsn.reveal() == f"chdb://{tmp_path}/elsewhere/history"
    finally:
        stack.stop()


def test_ports_are_kept_unless_somebody_took_one(tmp_path: Path) -> None:
    def targets() -> tuple[str, ...]:
        stack = Stack(tmp_path)
        try:
            network = next(c for c in stack.settings().component if c.kind == "network")
            return tuple(network.model_dump()["targets"])
        finally:
            stack.stop()

    once = targets()
    assert targets() == once
    with socket.create_server(("127.0.0.1", int(once[0].rsplit(":")[-1]))):
        assert targets() != once


def test_a_stack_that_was_never_started_stops_at_once(stack: Stack) -> None:
    assert not stack.progress().ready
    stack.stop()
    stack.stop()
