"""A workbench over a filled history, on the embedded engine and on a server over HTTP."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from history.store import Store
from history.window import Window
from history.workbench import failures, guard
from history.workbench.bench import Bench, Outcome, Run
from history.workbench.session import Session, session
from probes.result import Status, labels
from settings import History, Workbench
from settings_types import SecretUrl
from tests.clickhouse_http import ClickHouseProcess, clickhouse_process
from tests.history.rows import T0_S, client_of, sampled, write
from tests.probes.listeners import eventually

DATABASE = "t_workbench"
WINDOW = Window(T0_S, T0_S + 7200)
SECRET = "the secret of the canary"


@dataclass(frozen=True, slots=True)
class Desk:
    """What the tests work with: the bench, its history, and the server it is on (None: embedded)."""

    bench: Bench
    store: Store
    server: ClickHouseProcess | None
    canary: Path
    outside: Path

    def run(self, text: str, owner: str = "somebody") -> Outcome:
        """How `text` ended, after everything of it has."""
        return ended(self.bench.start(owner, text, WINDOW))

    def checked(self, opened: Session, text: str) -> Outcome:
        """As `run`, but what the guard refuses costs no client of its own."""
        began_s = time.monotonic()
        try:
            guard.check(opened.client, text, WINDOW, DATABASE, opened.settings)
        except Exception as exc:
            refused = failures.judged(exc, text, self.bench.settings)
            if refused is None:
                raise
            return Outcome("refused", time.monotonic() - began_s, refused.sentence, refused.hint)
        return self.run(text)

    def rows(self) -> dict[str, int]:
        """How many rows each table of the engine holds, by its name with the database's; 0 where merges change that."""
        with client_of(self.store) as client:
            table = client.query(
                "SELECT database || '.' || name, engine LIKE '%MergeTree' AND engine NOT LIKE '%ingMergeTree' "
                "? ifNull(total_rows, 0) : 0 FROM system.tables WHERE database != 'system'"
            ).result_rows
        return dict(table)


def ended(run: Run) -> Outcome:
    assert run.over.wait(30), f"did not end: {run.text}"
    assert run.outcome is not None
    return run.outcome


@pytest.fixture(scope="package", params=["embedded", "http"])
def desk(request: pytest.FixtureRequest, chdb_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Two hours of two components' samples, a secret file beside them, and a table that is not the history's."""
    directory = tmp_path_factory.mktemp("outside")
    if request.param == "embedded":
        yield from _desk(f"chdb://{chdb_path}", None, directory)
    else:
        with clickhouse_process(tmp_path_factory.mktemp("workbench")) as server:
            yield from _desk(server.dsn, server, directory)


@pytest.fixture(scope="package")
def opened(desk: Desk) -> Iterator[Session]:
    """A session whose statements are checked only, never run: it is not locked yet."""
    with session(desk.store, desk.bench.settings, "checks") as client:
        yield client


def _desk(dsn: str, server: ClickHouseProcess | None, directory: Path) -> Iterator[Desk]:
    store = Store(History(dsn=SecretUrl(dsn), database=DATABASE, flush="1h"))
    store.start()
    assert eventually(lambda: store.state.ready, 30), store.state.error
    write(store, _results())
    with client_of(store) as client:
        client.command(f"CREATE TABLE {DATABASE}.private (secret String) ENGINE = MergeTree ORDER BY secret")
        client.command(f"INSERT INTO {DATABASE}.private VALUES ('{SECRET}')")
        client.command("CREATE DATABASE t_other")
        client.command(f"CREATE VIEW t_other.samples AS SELECT secret FROM {DATABASE}.private")
    canary = directory / "canary.tsv"
    canary.write_text(f"{SECRET}\n")
    yield Desk(Bench(store, Workbench(enabled=True, max_seconds=2), {}), store, server, canary, directory / "written")
    with client_of(store) as client:
        for statement in ("DROP DATABASE t_other", f"DROP DATABASE {DATABASE}"):
            client.command(statement)
    store.stop()


def _results() -> list:
    status: Callable[[int], Status] = lambda at_s: Status.CRITICAL if at_s % 3600 >= 3000 else Status.OK  # noqa: E731
    return [
        sampled(
            name,
            T0_S + at_s,
            ("probe_up", float(status(at_s) is Status.OK), ()),
            ("probe_latency_seconds", 0.001 * (1 + at_s % 7) * factor, ()),
            ("redis_memory_used_bytes", 2.0**20 * (1 + at_s / 7200), ()),
            ("kafka_topic_messages_per_second", 100.0 + at_s % 50, labels(topic="ticks")),
            status=status(at_s),
        )
        for name, factor in (("kafka", 1), ("redis", 2))
        for at_s in range(0, 7200, 15)
    ]
