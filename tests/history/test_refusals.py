"""What ClickHouse may refuse, for real where it can be had: a sentence says which grant, version or space it takes."""

import contextlib
import logging
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from history.rows import Sample, SeriesKey, insert, samples_table
from history.store import Store, explain
from probes.clickhouse_client import EMBEDDED_CONDITION_CACHE_BYTES, EMBEDDED_MARK_CACHE_BYTES, EMBEDDED_MEMORY_BYTES
from probes.result import ProbeError
from settings import History
from tests.clickhouse_http import USER, ClickHouseProcess, clickhouse_process
from tests.history.rows import T0_S, client_of, count
from tests.probes.listeners import eventually
from tests.test_architecture import SOURCES, name

KEY = SeriesKey("thing", "fill")
ROWS = samples_table([Sample(KEY.id, T0_S + at_s, 1.0) for at_s in range(5)])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    with clickhouse_process(tmp_path_factory.mktemp("refusals")) as started:
        yield started


@pytest.fixture
def server(running: ClickHouseProcess) -> Iterator[ClickHouseProcess]:
    yield running
    running.tell()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials follow each other quickly."""
    monkeypatch.setattr("history.store.RETRY_EVERY_S", 0.05)
    monkeypatch.setattr("history.store.PING_EVERY_S", 0.05)


def history(server: ClickHouseProcess, database: str) -> History:
    return History.model_validate({"dsn": server.dsn, "database": database})


def error_of(store: Store, unlike: str = "") -> ProbeError:
    """What the store says once it says something else than `unlike`."""
    assert eventually(lambda: store.state.error is not None and store.state.error.message != unlike, 20), store.state
    assert store.state.error is not None
    assert not store.state.ready
    return store.state.error


def refused(client: Client, statement: str, place: str, **settings: object) -> ProbeError:
    with pytest.raises(DatabaseError) as caught:
        client.command(statement, settings=settings)
    return explain(caught.value, place)


def refused_rows(store: Store, token: str) -> ProbeError:
    """Why `ROWS` are not taken; what a recorder would be told."""
    with client_of(store) as client, pytest.raises(DatabaseError) as caught:
        insert(client, f"{store.database}.samples", ROWS, token)
    return store.report(caught.value)


def written(store: Store, token: str) -> dict[str, int]:
    """Samples in each tier once `ROWS` were taken."""
    with client_of(store) as client:
        insert(client, f"{store.database}.samples", ROWS, token)
    tiers = ("samples_15m", "samples_4h", "samples_1d")
    return {"samples": count(store, "samples"), **{tier: count(store, tier, "sum(cnt)") for tier in tiers}}


ONCE = {"samples": 5, "samples_15m": 5, "samples_4h": 5, "samples_1d": 5}


def test_each_missing_grant_is_named_in_turn_and_granting_them_is_enough(
    server: ClickHouseProcess, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    grants = [
        f"CREATE DATABASE ON {database}.*",
        f"CREATE TABLE ON {database}.samples",
        f"CREATE MATERIALIZED VIEW ON {database}.latest_mv",
        f"INSERT(version) ON {database}.schema_version",
    ]
    server.tell(lacking=grants)
    store, said = Store(history(server, database)), ""
    store.start()
    for index, grant in enumerate(grants):
        error = error_of(store, unlike=said)
        whole = grant.replace("(version)", "")
        assert (error.code, error.message.rpartition(": ")[2]) == ("denied", f"GRANT {whole} TO {USER}")
        assert f"the user {USER} needs the grant" in error.message
        assert error.hint
        assert error.message in caplog.text
        said = error.message
        server.tell(lacking=grants[index + 1 :])
    assert eventually(lambda: store.state.ready, 20), store.state
    store.stop()


def test_a_user_who_may_only_read_is_said_and_may_be_let(server: ClickHouseProcess, database: str) -> None:
    server.tell(readonly=True)
    store = Store(history(server, database))
    store.start()
    error = error_of(store)
    assert error.code == "read_only_user"
    assert "lets this user only read" in error.message
    assert "readonly" in error.hint
    server.tell()
    assert eventually(lambda: store.state.ready, 20), store.state
    store.stop()


@pytest.mark.parametrize("version", ["24.8.14.39", "25.2.1.1"])
def test_a_server_too_old_is_told_the_version_it_takes(server: ClickHouseProcess, database: str, version: str) -> None:
    server.tell(version=version)
    store = Store(history(server, database))
    store.start()
    error = error_of(store)
    store.stop()
    assert error.code == "old_server"
    assert error.message == f"The history needs ClickHouse 25.3 or newer; this server is {version}."
    assert "chdb://" in error.hint


def test_an_upgrade_may_take_longer_than_a_trial(
    server: ClickHouseProcess, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("history.store.TRIAL_TIMEOUT_S", 1)
    server.tell(slow=[(rf"CREATE MATERIALIZED VIEW .*{database}.samples_4h_mv", 1.2)])
    store = Store(history(server, database))
    store.start()
    assert eventually(lambda: store.state.ready or store.state.error is not None, 20)
    assert store.state.ready, store.state.error
    store.stop()


def test_writes_refused_from_now_on_are_said_reads_go_on_and_nothing_is_lost(
    server: ClickHouseProcess, database: str
) -> None:
    store = Store(history(server, database))
    store.start()
    assert eventually(lambda: store.state.ready, 20), store.state
    full = [r"INSERT INTO .*samples", 243, "NOT_ENOUGH_SPACE", "Cannot reserve 1.00 MiB, not enough space"]
    lost = [r"INSERT INTO", 242, "TABLE_IS_READ_ONLY", "Table is in readonly mode (replica path: /x/replicas/1)"]
    for told, code, says in (
        ({"refusing": [full]}, "no_space", "Cannot reserve 1.00 MiB, not enough space."),
        ({"refusing": [lost]}, "read_only_table", "Table is in readonly mode"),
        ({"lacking": [f"INSERT ON {database}.samples"]}, "denied", f"GRANT INSERT ON {database}.samples TO {USER}"),
    ):
        server.tell(**told)
        error = refused_rows(store, "one batch")
        assert error.code == code
        assert server.address in error.message
        assert says in error.message
        assert error.hint
        assert store.state.ready, "reading goes on"
        assert count(store, "samples") == 0
    server.tell(readonly=True)
    assert refused_rows(store, "one batch").code == "read_only_user"
    assert error_of(store).code == "read_only_user", "without writing there is no bringing the schema up to date"
    server.tell()
    assert eventually(lambda: store.state.ready, 20), store.state
    assert written(store, "one batch") == written(store, "one batch") == ONCE
    store.stop()


def test_what_the_engine_itself_refuses(store: Store, chdb_path: Path) -> None:
    table, place = f"{store.database}.samples", store.place
    with client_of(store) as client:
        settings = {
            "parts_to_throw_insert = 1, parts_to_delay_insert = 1": ("too_many_parts", "Too many parts", "merges"),
            "min_free_disk_bytes_to_perform_insert = 1000000000000000": ("no_space", str(chdb_path), "retention"),
            "table_readonly = 1": ("read_only_table", "read-only", "table_readonly"),
        }
        insert(client, table, ROWS, "first")
        for setting, (code, says, hint) in settings.items():
            client.command(f"ALTER TABLE {table} MODIFY SETTING {setting}")
            error = refused_rows(store, "second")
            assert (error.code, store.state.ready) == (code, True), error
            assert says in error.message
            assert hint in error.hint
            for one in setting.split(", "):
                client.command(f"ALTER TABLE {table} RESET SETTING {one.partition(' ')[0]}")
            if code == "no_space":
                assert "MiB of" in error.message
        insert(client, table, ROWS, "second")
        assert count(store, "samples") == 10
        error = refused(client, "SELECT groupArray(number) FROM numbers(10000000)", place, max_memory_usage=1000000)
        assert (error.code, "max_memory_usage" in error.hint) == ("out_of_memory", True)
        error = refused(client, "SELECT * FROM nowhere.samples", place)
        assert (error.code, "Database nowhere does not exist." in error.message) == ("unknown_database", True)


Change = Callable[[Store], None]


@contextlib.contextmanager
def small_disk(tmp_path: Path) -> Iterator[tuple[Path, Change, Change]]:
    """A directory, what fills its disk, and what makes room again.

    Where this user may mount one it is a disk of its own, filled to the last byte. Elsewhere the server is told to
    leave more free than there is.
    """
    mount = ["sh", "-c", 'mount -t tmpfs -o size=24m tmpfs "$0"', tmp_path]
    if subprocess.run(mount, capture_output=True).returncode:
        setting = "min_free_disk_bytes_to_perform_insert"
        yield tmp_path, changing(f"MODIFY SETTING {setting} = 1000000000000000"), changing(f"RESET SETTING {setting}")
        return
    ballast = tmp_path / "ballast"

    def fill(store: Store) -> None:
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)

    try:
        yield tmp_path, fill, lambda store: ballast.unlink()
    finally:
        subprocess.run(["umount", "--lazy", tmp_path], check=True)


def changing(what: str) -> Change:
    def change(store: Store) -> None:
        with client_of(store) as client:
            client.command(f"ALTER TABLE {store.database}.samples {what}")

    return change


def test_a_disk_that_is_full_and_has_room_again(tmp_path: Path, database: str) -> None:
    with small_disk(tmp_path) as (directory, fill, empty), clickhouse_process(directory) as server:
        store = Store(history(server, database))
        store.start()
        assert eventually(lambda: store.state.ready, 20), store.state
        fill(store)
        error = refused_rows(store, "one batch")
        assert (error.code, store.state.ready, count(store, "samples")) == ("no_space", True, 0)
        assert re.search("not enough space|enough free space", error.message), error
        assert "system.disks" in error.hint
        empty(store)
        assert written(store, "one batch") == ONCE
        store.stop()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("x: No space left on device")])
def test_the_systems_own_words_for_a_full_disk(tmp_path: Path, error: Exception) -> None:
    found = explain(error, f"chdb://{tmp_path}?mark_cache_size=1")
    assert found.code == "no_space"
    assert re.search(rf"[0-9,]+ MiB of [0-9,]+ are free on the disk of {tmp_path}\.", found.message)


def test_a_directory_in_use_says_which_and_what_to_do(tmp_path: Path) -> None:
    """As the engine says it, which is next to nothing; tests/history/test_outage.py has two processes do it."""
    error = explain(RuntimeError("Error initializing EmbeddedServer: ."), f"chdb://{tmp_path}")
    assert (error.code, str(tmp_path) in error.message) == ("locked", True)
    assert "stop the other one" in error.hint
    assert "clickhouse://" in error.hint


def test_a_directory_nobody_may_write_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)  # the superuser, who may run this, may write anywhere
    error = explain(RuntimeError("Error initializing EmbeddedServer: ."), f"chdb://{tmp_path}")
    assert (error.code, str(tmp_path) in error.message, str(tmp_path) in error.hint) == ("not_writable", True, True)


def test_a_grant_in_older_words_and_one_that_cannot_be_read() -> None:
    older = "Code: 497. DB::Exception: {}. (ACCESS_DENIED) (version 25.3.1.1 (official build))"
    named = "desk: Not enough privileges. To execute this query, it's necessary to have grant SELECT(a, b) ON x.y"
    assert explain(DatabaseError(older.format(named), code=497), "h:8123").message == (
        "ClickHouse at h:8123: the user desk needs the grant: GRANT SELECT ON x.y TO desk"
    )
    vague = explain(DatabaseError(older.format("Not for you"), code=497), "h:8123")
    assert (vague.code, vague.message) == ("denied", "ClickHouse at h:8123 does not allow this user to: Not for you.")


def test_the_embedded_engine_is_held_to_its_caps(store: Store) -> None:
    with client_of(store) as client:
        found = dict(client.query("SELECT name, value FROM system.server_settings WHERE changed").result_rows)
    assert int(found["max_server_memory_usage"]) == EMBEDDED_MEMORY_BYTES
    assert int(found["mark_cache_size"]) == EMBEDDED_MARK_CACHE_BYTES
    assert int(found["query_condition_cache_size"]) == EMBEDDED_CONDITION_CACHE_BYTES


def test_the_default_database_of_the_embedded_engine_serves_as_well(store: Store) -> None:
    """Its engine is Overlay, not the Atomic asked for."""
    default = Store(store.settings.model_copy(update={"database": "default"}))
    with client_of(default) as client:
        default.migrate(client)
        assert written(default, "one batch") == ONCE
        for table in [row[0] for row in client.query("SHOW TABLES FROM default").result_rows]:
            if table.startswith(("samples", "latest", "series", "status_change", "event", "progress", "schema")):
                client.command(f"DROP TABLE default.{table} SYNC")


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_nothing_forks_a_process_that_may_have_the_engine_open(path: Path) -> None:
    """A fork has the engine's locks but not its threads, and hangs. subprocess is fine: it executes another program."""
    calls = re.compile(r"\b(?:os\.fork(?:pty)?|pty\.fork|multiprocessing|ProcessPoolExecutor|preexec_fn)\b")
    assert calls.findall(path.read_text(encoding="utf-8")) == []
