import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import monitor as loop
import probes
from history.store import Store
from monitor import Demo, Monitor, next_due_s, phase_s, tick_s
from probes.result import Status, utc
from settings import Component, History, Settings
from settings_types import SecretUrl
from tests.clickhouse_http import ClickHouseProcess
from tests.history.rows import client_of, count
from tests.probes.fakes import Script, component
from tests.probes.listeners import eventually, refusing
from tests.redis_process import redis_process


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """What the probes of kind "fake" do; the kind is registered for the test."""
    made = Script()
    monkeypatch.setitem(probes.KINDS, "fake", made.kind)
    monkeypatch.setattr(probes, "METRICS", {**probes.METRICS, **{m.name: m for m in made.kind.metrics}})
    return made


def settings_of(history: History, *components: Component, interval: str = "1s") -> Settings:
    section = {"interval": interval, "deadline": "500ms"}
    return Settings.model_validate({"monitor": section}).model_copy(
        update={"component": components, "history": history}
    )


@pytest.fixture
def run() -> Iterator[Callable[[Settings], Monitor]]:
    """Starts monitors and stops them at the end."""
    started: list[Monitor] = []

    def start(settings: Settings) -> Monitor:
        made = Monitor(settings)
        started.append(made)
        made.start()
        return made

    yield start
    for made in started:
        made.stop()


def nowhere() -> History:
    return History(dsn=SecretUrl("clickhouse://127.0.0.1:9"))


@given(st.floats(1.6e9, 2e9), st.floats(1, 3600), st.text(max_size=20))
def test_the_next_due_is_ahead_by_at_most_a_pause_and_on_the_grid(now_s: float, pause_s: float, name: str) -> None:
    phase = phase_s(name, pause_s)
    assert 0 <= phase < pause_s
    due_s = next_due_s(now_s, pause_s, phase)
    assert now_s < due_s <= now_s + pause_s + 1e-6
    off_grid = (due_s - phase) % pause_s
    assert min(off_grid, pause_s - off_grid) < 1e-3


def test_checks_are_spread_over_the_interval() -> None:
    phases = sorted(phase_s(f"host:web{index}", 10) for index in range(200))
    assert phases == sorted(phase_s(f"host:web{index}", 10) for index in range(200))
    assert max(after - before for before, after in pairwise(phases)) < 1


@given(st.floats(1.6e9, 2e9), st.integers(1, 3600))
def test_a_tick_is_the_start_of_its_interval(now_s: float, interval_s: int) -> None:
    tick = tick_s(now_s, interval_s)
    assert tick % interval_s == 0
    assert tick <= now_s < tick + interval_s + 1


def test_each_component_is_checked_once_an_interval_however_many_look(script: Script, run: Callable) -> None:
    running = run(settings_of(nowhere(), component("a"), component("b")))
    assert eventually(lambda: len(running.board.views()[0].recent) >= 3, 20)
    for _ in range(200):
        running.views()
    results = running.board._entries["a"].recent
    elapsed_s = time.time() - running.started_at.timestamp()
    assert len(results) <= elapsed_s + 2
    assert running.verdict().sentence == "All 2 components are healthy."
    assert running.turning
    assert running.uptime_s > 0
    assert running.demo is None


def test_a_fault_and_its_end_are_seen_within_interval_and_deadline(script: Script, run: Callable) -> None:
    running = run(settings_of(nowhere(), component("a")))

    def status(wanted: Status) -> Callable[[], bool]:
        return lambda: running.board._entries["a"].result is not None and running.views()[0].status == wanted

    assert eventually(status(Status.OK), 10)
    script.fail()
    assert eventually(status(Status.CRITICAL), 10)
    assert eventually(lambda: running.board.runners["a"].state().breaker.is_open, 20)
    script.error = None
    assert eventually(status(Status.OK), 10), "the breaker's trial comes with the next interval"
    script.hang.clear()
    assert eventually(status(Status.CRITICAL), 10)
    assert running.views()[0].result.error.code == "timeout"
    script.hang.set()
    assert eventually(status(Status.OK), 10)


def test_check_now_is_immediate(script: Script, run: Callable) -> None:
    running = run(settings_of(nowhere(), component("a"), interval="1h"))
    assert eventually(lambda: script.collects == 1 and not running.views()[0].pending, 10)
    assert running.check_now("a")
    assert eventually(lambda: script.collects == 2, 10)
    script.hang.clear()
    assert eventually(lambda: running.check_now("a"), 5)
    assert not running.check_now("a"), "one is running"
    script.hang.set()


def start_and_stop(history: History) -> None:
    running = Monitor(settings_of(history, component("a"), component("b")))
    assert not running.turning
    running.start()
    running.start()
    assert eventually(lambda: all(not view.pending for view in running.views()), 10)
    running.stop()
    assert not running.check_now("a")


def test_start_and_stop_leave_nothing(script: Script, no_growth: Callable[[], None]) -> None:
    with refusing() as address:
        for _ in range(3):
            start_and_stop(History(dsn=SecretUrl(f"clickhouse://{address}")))
    no_growth()


def test_start_and_stop_of_the_embedded_history_leave_no_thread(script: Script, history_settings: History) -> None:
    before = set(threading.enumerate())
    start_and_stop(history_settings)
    assert eventually(lambda: set(threading.enumerate()) <= before, 10), threading.enumerate()


def test_what_was_measured_is_in_the_history_after_a_stop(script: Script, store: Store) -> None:
    running = Monitor(settings_of(store.settings, component("a")))
    running.start()
    assert eventually(lambda: running.store.state.ready, 30)
    assert eventually(lambda: running.board.published >= 2, 10)
    running.stop()
    written = running.recorder.state()
    assert (written.waiting, written.dropped) == (0, 0)
    assert count(store, "samples") == written.written >= 8
    with client_of(store) as client:
        rows = client.query(f"SELECT component, toString(status) FROM {store.database}.status_change").result_rows
    assert [tuple(row) for row in rows] == [("a", "ok")]


def test_since_survives_a_restart(script: Script, store: Store, run: Callable) -> None:
    with client_of(store) as client:
        for name, status in (("a", "ok"), ("b", "critical")):
            client.command(
                f"INSERT INTO {store.database}.status_change VALUES "
                f"('{name}', now64(3) - INTERVAL 1 DAY, '{status}', 'then'), ('{name}', now64(3), '{status}', 'then')"
            )
    running = run(settings_of(store.settings, component("a"), component("b")))
    assert eventually(lambda: all(not view.pending for view in running.views()), 20)
    day_ago = utc(time.time() - 86000)

    def since(name: str):
        view = running.board.view(name)
        return view.since

    assert eventually(lambda: since("a") < day_ago, 20)
    assert since("b") > day_ago, "it was critical then and is ok now"


def test_the_demo_tells_its_progress() -> None:
    made = Monitor(settings_of(nowhere()), lambda: Demo(False, "starting Redis"))
    assert made.demo == Demo(False, "starting Redis")
    assert made.verdict().sentence == "Nothing is configured yet."


def test_a_loop_that_hangs_is_not_turning(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Monitor(settings_of(nowhere()))
    made._thread = threading.Thread()
    assert made.turning
    made.last_turn_s -= 10 * loop.TURN_S
    assert not made.turning


def test_the_real_probes_run_under_it(run: Callable, tmp_path: Path) -> None:
    with refusing() as address:
        tables = ({"kind": "host"}, {"kind": "tcp", "address": address, "depends_on": ["host"]})
        made = [probes.COMPONENTS[t["kind"]].model_validate({"name": t["kind"], **t}) for t in tables]
        running = run(settings_of(nowhere(), *made, interval="10s"))
        assert eventually(lambda: all(not view.pending for view in running.views()), 20)
        host, tcp = running.views()
    assert host.status in {Status.OK, Status.WARNING, Status.CRITICAL}
    assert tcp.result.error.code == "refused"


def test_a_history_that_is_down_at_the_start_gets_everything_later(script: Script, tmp_path: Path) -> None:
    server = ClickHouseProcess(tmp_path)
    history = History(dsn=SecretUrl(server.dsn), database="later", flush="200ms")
    running = Monitor(settings_of(history, component("a")))
    running.start()
    try:
        assert eventually(lambda: running.board.published >= 2, 10), "checks go on without the history"
        assert running.turning
        assert eventually(lambda: running.store.state.error is not None, 10)
        assert running.store.state.error.code == "refused"
        waited = running.recorder.state()
        assert (waited.written, waited.dropped) == (0, 0)
        assert waited.waiting >= 2
        assert waited.waiting_since is not None
        server.start()
        assert eventually(lambda: running.recorder.state().written >= waited.waiting, 30), running.store.state
        running.stop()
        written = running.recorder.state()
        assert (written.waiting, written.dropped) == (0, 0)
        with contextlib.closing(running.store.connect()) as client:
            assert int(str(client.command("SELECT count() FROM later.samples"))) == written.written
    finally:
        running.stop()
        server.kill()


def test_a_killed_redis_is_critical_and_ok_again_with_the_next_check(run: Callable, tmp_path: Path) -> None:
    with redis_process(tmp_path) as server:
        cache = probes.COMPONENTS["redis"].model_validate(
            {"kind": "redis", "name": "cache", "url": f"redis://{server.address}"}
        )
        running = run(settings_of(nowhere(), cache))
        runner = running.board.runners["cache"]

        def becomes(wanted: Status) -> bool:
            """Within the interval and a second (both 1 s here), with slack for a busy machine."""
            return eventually(lambda: running.views()[0].status == wanted, 1 + 1 + 5)

        assert becomes(Status.OK), running.views()[0].sentence
        server.kill()
        assert becomes(Status.CRITICAL)
        assert running.views()[0].result.error.code == "refused"

        def breaker_opens() -> bool:
            running.check_now("cache")
            return runner.state().breaker.is_open

        assert eventually(breaker_opens, 10)
        server.start()
        assert becomes(Status.OK), running.views()[0].sentence
        assert running.views()[0].result.readings, "the trial's success is followed by the full check at once"


def test_a_clock_set_back_stops_no_checks(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(time=time.time)
    monkeypatch.setattr(loop, "time", clock)
    made = Monitor(settings_of(nowhere(), component("a"), component("b"), interval="10s"))
    made._plan(time.time())
    made._turn()
    assert eventually(lambda: made.board.published == 2, 10)
    made._turn()
    assert made.board.published == 2, "not due again yet"
    clock.time = lambda: time.time() - 3600
    made._turn()
    assert eventually(lambda: made.board.runners["a"].state().executions == 2, 10)
    assert eventually(lambda: made.board.runners["b"].state().executions == 2, 10)
    assert all(due_s <= clock.time() + 10 for due_s, _ in made._due)
    made.stop()


def test_a_turn_that_fails_is_not_the_last_one(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Monitor(settings_of(nowhere(), component("a"), interval="1s"))
    turn, failures = made._turn, iter([RuntimeError("can't start new thread")])

    def sometimes() -> float:
        for failure in failures:
            raise failure
        return turn()

    monkeypatch.setattr(made, "_turn", sometimes)
    made.start()
    assert eventually(lambda: made.board.published >= 1, 10)
    assert made.turning
    made.stop()
