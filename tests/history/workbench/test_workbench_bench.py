"""Statements run beside everything else, within limits, and stop when they are told to."""

import threading
import time

import pytest

from history.store import Store
from history.workbench import access
from history.workbench.bench import MOST_RUNNING, Bench
from history.workbench.session import Progress
from settings import History, Workbench
from settings_types import SecretUrl
from tests.history.rows import client_of
from tests.history.workbench.conftest import DATABASE, WINDOW, Desk, ended
from tests.probes.listeners import eventually

ENDLESS = (
    "select count() from (select arrayJoin(range(30000)) as x) as a, (select arrayJoin(range(30000)) as y) as b, "
    "(select arrayJoin(range(30000)) as z) as c where x * y % 7 = z % 5"
)


def bench_of(desk: Desk, **settings: object) -> Bench:
    return Bench(desk.store, Workbench.model_validate({"enabled": True, **settings}), {})


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("workbench:")]


def test_cancelling_ends_it_in_the_engine_too(desk: Desk) -> None:
    bench = bench_of(desk, max_seconds=60)
    run = bench.start("cancels", ENDLESS, WINDOW)
    assert eventually(lambda: run.progress.memory_bytes > 0 or run.progress.rows > 0, 10)
    run.cancel()
    asked_s = time.monotonic()
    outcome = ended(run)
    assert (outcome.state, outcome.result) == ("cancelled", None)
    assert time.monotonic() - asked_s < 3
    with client_of(desk.store) as client:
        left = client.query(
            f"SELECT query FROM system.processes WHERE Settings['log_comment'] = '{run.tag}'"
        ).result_rows
    assert left == []
    assert eventually(lambda: threads() == [], 5)
    assert desk.run("select 1", owner="cancels").state == "done"


def test_a_statement_cancelled_before_it_began_never_runs(desk: Desk) -> None:
    run = bench_of(desk).start("early", ENDLESS, WINDOW)
    run.cancel()
    assert ended(run).state == "cancelled"


def test_time_is_limited(desk: Desk) -> None:
    outcome = ended(bench_of(desk, max_seconds=1).start("slow", ENDLESS, WINDOW))
    assert outcome.state == "refused"
    assert outcome.sentence == "It was ended after 1 s."
    assert outcome.took_s < 4


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("select groupArray(x) from (select arrayJoin(range(1000000)) + y * 0 as x from "
         "(select arrayJoin(range(300)) as y))", "1 GB of memory"),
        ("select repeat('x', 900000) from (select arrayJoin(range(80)))", "larger than 64 MB"),
        ("select concat(repeat('x', 900000), toString(y)) from (select arrayJoin(range(80)) as y)", "64 MB"),
        ("select repeat('x', 900000) from (select arrayJoin(range(9000)))", "1 GB of memory"),
        ("select range(5000000)", "."),
    ],
)  # fmt: skip
def test_memory_and_size_are_limited(desk: Desk, text: str, sentence: str) -> None:
    outcome = ended(bench_of(desk, max_seconds=10).start("large", text, WINDOW))
    assert outcome.state == "refused", outcome
    assert sentence in outcome.sentence


def test_rows_are_cut_and_it_is_said(desk: Desk) -> None:
    bench = bench_of(desk, max_rows=100)
    for text, rows, cut in (
        ("select arrayJoin(range(100)) as x", 100, False),
        ("select arrayJoin(range(101)) as x", 100, True),
        ("select series_id from samples union all select series_id from samples", 100, True),
        ("select count() from (select * from samples)", 1, False),
        ("select value from samples limit 5", 5, False),
        ("select value from samples where 0", 0, False),
    ):
        result = ended(bench.start("rows", text, WINDOW)).result
        assert result is not None
        assert (len(result.frame), result.cut) == (rows, cut), text


def test_what_was_read_is_told(desk: Desk) -> None:
    result = desk.run("select count(value), max(ts) from samples where value > -1").result
    assert result is not None
    assert result.read_rows >= int(result.frame.iloc[0, 0]) > 0
    assert result.read_bytes > 0


def test_one_statement_a_session_and_some_in_all(desk: Desk) -> None:
    bench = bench_of(desk, max_seconds=60)
    runs = [bench.start(f"owner {n}", ENDLESS, WINDOW) for n in range(MOST_RUNNING)]
    again, other = bench.start("owner 0", "select 1", WINDOW), bench.start("another", "select 1", WINDOW)
    for run, word in ((again, "Your statement before"), (other, "of others are running")):
        assert run.outcome is not None
        assert run.outcome.state == "refused"
        assert word in run.outcome.sentence
    bench.stop()
    assert {ended(run).state for run in runs} == {"cancelled"}
    assert ended(bench.start("another", "select 1", WINDOW)).state == "done"


def test_a_start_costs_the_page_nothing(desk: Desk) -> None:
    began_s = time.monotonic()
    run = bench_of(desk).start("quick", "select count() from samples", WINDOW)
    assert time.monotonic() - began_s < 0.2
    assert isinstance(run.progress, Progress)
    assert ended(run).state == "done"


def test_a_user_who_may_set_limits_but_not_write_is_enough(desk: Desk) -> None:
    if desk.server is not None:
        try:
            desk.server.tell(readonly=2)
            assert desk.run("select count() from samples").state == "done"
            desk.server.tell(readonly=1)
            outcome = desk.run("select 1")
            assert (outcome.state, "readonly = 1" in outcome.sentence) == ("refused", True)
        finally:
            desk.server.tell()
        # The store's own look, every two seconds, may have met the user who only reads.
        assert eventually(lambda: desk.store.state.ready, 30), desk.store.state.error


def test_a_user_of_its_own_is_asked_and_his_password_never_said(desk: Desk) -> None:
    if desk.server is not None:
        assert ended(bench_of(desk, dsn=desk.server.dsn).start("own", "select 1", WINDOW)).state == "done"
        wrong = f"clickhouse://tapewatch:wrongpassword@{desk.server.address}"
        outcome = ended(bench_of(desk, dsn=wrong).start("own", "select 1", WINDOW))
        assert (outcome.state, "refuses the user or the password" in outcome.sentence) == ("failed", True)
        assert "wrongpassword" not in f"{outcome}"


def test_a_history_that_is_away_is_said_at_once() -> None:
    store = Store(History(dsn=SecretUrl("clickhouse://127.0.0.1:1"), database=DATABASE))
    outcome = ended(Bench(store, Workbench(enabled=True), {}).start("somebody", "select 1", WINDOW))
    assert outcome.state == "failed"
    assert outcome.sentence.endswith(".")


def test_a_closed_workbench_runs_nothing(desk: Desk) -> None:
    bench = Bench(desk.store, Workbench(), {access.LISTENS_ON: "0.0.0.0"})
    run = bench.start("somebody", "select 1", WINDOW)
    assert run.outcome is not None
    assert run.outcome.state == "refused"
    assert "enabled = true under [workbench]" in bench.closed


@pytest.mark.parametrize(
    ("settings", "host", "is_open"),
    [
        ({}, "127.0.0.1", True),
        ({}, "::1", True),
        ({}, "0.0.0.0", False),
        ({}, "10.1.2.3", False),
        ({}, "", False),
        ({"enabled": True}, "0.0.0.0", True),
        ({"enabled": True}, "", True),
        ({"enabled": False}, "127.0.0.1", False),
    ],
)
def test_who_can_reach_it_decides_unless_the_configuration_does(
    settings: dict[str, bool], host: str, is_open: bool
) -> None:
    said = access.closed(Workbench(**settings), {access.LISTENS_ON: host})
    assert (said == "") == is_open
    assert is_open or "[workbench]" in said
