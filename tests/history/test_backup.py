"""Backups and restores inside one engine: what was backed up is there again, whole, or it is said why not."""

import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from clickhouse_connect.driver.client import Client

from history import queries, rows
from history.backups import archive as backup_file
from history.backups import backup
from history.backups.archive import BackupError, Reader, Writer, require_space, sentence
from history.backups.backup import SHADOW, back_up, directory_of
from history.backups.restore import open_backup, restore
from history.gate import WRITES
from history.schema import VERSION
from history.store import Store
from history.window import Window
from probes.result import Status, utc
from settings import History
from settings_types import SecretUrl
from tests.history import schema_v1
from tests.history.rows import METRICS, T0_S, scope
from tests.probes.fakes import FILL
from tests.probes.listeners import eventually

DAY_S = 86400
WEEKS = 3
TIERS = ("samples_15m", "samples_4h", "samples_1d")
SUMS = {
    "samples": "count(), sum(value), min(ts), max(ts), sum(cityHash64(series_id, ts, bits))",
    **dict.fromkeys(TIERS, "sum(cnt), sum(vsum), min(vmin), max(vmax), uniqExact(series_id, t)"),
    "latest": "uniqExact(series_id), sum(newest)",
    "series": "count(), sum(cityHash64(series_id, component, metric, unit))",
    "status_change": "count(), sum(cityHash64(component, ts, status, reason))",
    "event": "count(), sum(cityHash64(id, ts, kind, text))",
    "view": "count(), sum(cityHash64(id, name, page, query, note, at))",
    "progress": "count(), sum(last)",
    "schema_version": "max(version)",
}


@pytest.fixture(scope="module")
def client(chdb_path: Path) -> Iterator[Client]:
    with closing(Store(History(dsn=SecretUrl(f"chdb://{chdb_path}"))).connect()) as opened:
        yield opened


@pytest.fixture(scope="module")
def filled(chdb_path: Path, client: Client) -> Store:
    """Three weeks of two components, a status that changes, an event, and the progress of an import."""
    store = Store(History(dsn=SecretUrl(f"chdb://{chdb_path}"), database="t_backup"))
    store.migrate(client)
    hours = range(WEEKS * 7 * 24)
    database, keys = store.database, [rows.SeriesKey(name, FILL.name) for name in ("one", "two")]
    changes = [
        rows.StatusChange(key.component, utc(T0_S + hour * 3600), Status.OK if hour % 2 else Status.WARNING, "so")
        for key in keys
        for hour in hours[::20]
    ]
    rows.insert(client, f"{database}.series", rows.series_table(rows.catalogued(keys, METRICS)), "series")
    rows.insert(client, f"{database}.status_change", rows.changes_table(changes), "changes")
    for key in keys:
        found = [
            rows.Sample(key.id, T0_S + hour * 3600 + third * 10, hour % 7 / 8) for hour in hours for third in range(3)
        ]
        rows.insert(client, f"{database}.samples", rows.samples_table(found), key.component)
    client.command(
        f"INSERT INTO {database}.event VALUES (generateUUIDv4(), now64(3), NULL, 'deploy', 'one', 'ann', 'v2', 1, 0)"
    )
    saved = rows.ViewRow(
        "61f0c404-5cb3-11e7-907b-a6006ad3dba0", "Open", "trends", "from=now-1h", "ann", "", T0_S * 1000, 1
    )
    rows.insert(client, f"{database}.view", rows.views_table([saved]), "view")
    client.command(f"INSERT INTO {database}.progress (source, first, last) VALUES ('import', 1, 7)")
    return store


def sums(client: Client, database: str) -> dict[str, tuple[object, ...]]:
    found = {}
    for table, what in SUMS.items():
        final = "" if table in {"samples", "schema_version"} else "FINAL"
        found[table] = tuple(client.query(f"SELECT {what} FROM {database}.{table} {final}").result_rows[0])
    return found


@pytest.fixture(scope="module")
def taken(filled: Store, client: Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it."""
    return take(client, filled, tmp_path_factory.mktemp("taken") / "deep" / "b.tar")


@pytest.fixture
def again(history_settings: History, database: str) -> Store:
    """The same engine, a database of the test's own that is not there yet."""
    return Store(history_settings.model_copy(update={"database": f"{database}_again"}))


def bring_back(client: Client, path: Path, into: Store) -> str:
    with closing(open_backup(path)) as opened:
        said = restore(client, opened, into.database, directory_of(into.settings.dsn))
    into.migrate(client)
    return said


def take(client: Client, store: Store, target: Path) -> Path:
    return back_up(client, store.database, directory_of(store.settings.dsn), target).path


def leftovers(store: Store) -> list[str]:
    return [path.name for path in directory_of(store.settings.dsn).glob(f"shadow/{SHADOW}*")]


def databases(client: Client) -> set[str]:
    return {str(row[0]) for row in client.query("SHOW DATABASES").result_rows}


def test_what_was_backed_up_is_there_again(filled: Store, client: Client, taken: Path, again: Store) -> None:
    before, spans = sums(client, filled.database), (DAY_S, WEEKS * 7 * DAY_S)
    said = bring_back(client, taken, again)
    assert sums(client, again.database) == before
    assert "3,024 samples, 11 tables" in said
    assert before["samples"][0] == before["samples_1d"][0] == 3024
    end_s = T0_S + WEEKS * 7 * DAY_S
    for span_s in spans:
        for raw_kept_s in (90 * DAY_S, 0.0):
            window = Window(T0_S, T0_S + span_s)
            ours, theirs = (
                queries.series(client, scope(one, end_s, raw_kept_s), window, (FILL.name,)) for one in (filled, again)
            )
            assert len(ours.series) == 2
            assert (ours.tier, ours.step_s) == (theirs.tier, theirs.step_s)
            for left, right in zip(ours.series, theirs.series, strict=True):
                assert left.component == right.component
                for column in ("t", "avg", "low", "high", "count"):
                    np.testing.assert_array_equal(getattr(left, column), getattr(right, column))
    statuses = [queries.intervals(client, scope(one, end_s), Window(T0_S, end_s)) for one in (filled, again)]
    assert statuses[0] == statuses[1]
    assert leftovers(filled) == []
    assert [file.name for file in taken.parent.iterdir()] == ["b.tar"]


def test_a_restored_history_goes_on(client: Client, taken: Path, again: Store, tmp_path: Path) -> None:
    """Its views fill the tiers, its merges run, and it can be backed up in its turn."""
    bring_back(client, taken, again)
    keys = rows.SeriesKey("one", FILL.name)
    more = [rows.Sample(keys.id, T0_S + 400 * DAY_S + step, 1.0) for step in range(5)]
    for _ in range(2):
        rows.insert(client, f"{again.database}.samples", rows.samples_table(more), "after")
    found = sums(client, again.database)
    assert {found[table][0] for table in ("samples", *TIERS)} == {3024 + 5}
    client.command(f"OPTIMIZE TABLE {again.database}.samples FINAL")
    parts = f"database = '{again.database}' AND table = 'samples' AND active AND level > 0"
    assert client.query(f"SELECT count() FROM system.parts WHERE {parts}").result_rows[0][0] > 0
    with closing(Reader(take(client, again, tmp_path / "c.tar"))) as second:
        assert second.manifest.samples == 3024 + 5


def test_an_older_schema_is_brought_back_and_then_to_this_version(
    client: Client, again: Store, database: str, tmp_path: Path
) -> None:
    for statement in schema_v1.create(database, again.settings.retention):
        client.query(statement)
    client.command(
        f"INSERT INTO {database}.samples SELECT number % 5, toDateTime({T0_S} + number * 60, 'UTC'), number % 4 "
        "FROM numbers(5000)"
    )
    old = Store(again.settings.model_copy(update={"database": database}))
    bring_back(client, take(client, old, tmp_path / "b.tar"), again)
    found = sums(client, again.database)
    assert {found[table][:2] for table in ("samples", *TIERS)} == {(5000, 7500.0)}
    assert found["schema_version"] == (VERSION,)


@contextmanager
def writing(store: Store, gated: bool, pause_s: float) -> Iterator[list[int]]:
    """A bulk load in the background: batches of two weeks, each through all tiers; yields how many are written."""
    stopping, written = threading.Event(), [0]

    def load() -> None:
        with closing(store.connect()) as own:
            while not stopping.wait(pause_s):
                series = np.repeat(np.arange(20, dtype=np.uint64), 100)
                ts_s = T0_S + written[0] + np.tile(np.arange(100) * 2 * 6000, 20)
                table = rows.columns_table(series, ts_s, np.full(2000, 0.25))
                if gated:
                    with WRITES.batch():
                        rows.insert(own, f"{store.database}.samples", table, f"load {written[0]}")
                else:
                    own.insert_arrow(f"{store.database}.samples", table, settings={**rows.ONCE})
                written[0] += 1

    thread = threading.Thread(target=load)
    thread.start()
    try:
        assert eventually(lambda: written[0] > 1, 20)
        yield written
    finally:
        stopping.set()
        thread.join(20)


def consistent(client: Client, store: Store) -> int:
    """Batches in a database whose tiers all hold the same samples."""
    found = sums(client, store.database)
    samples, total = found["samples"][:2]
    for tier in TIERS:
        assert found[tier][:2] == (samples, total), tier
    assert isinstance(samples, int)
    assert samples % 2000 == 0
    return samples // 2000


def test_a_bulk_load_meanwhile_is_in_it_up_to_a_batch_in_every_tier(
    store: Store, client: Client, again: Store, tmp_path: Path
) -> None:
    with writing(store, gated=True, pause_s=0) as written:
        before = written[0]
        path = take(client, store, tmp_path / "b.tar")
        after = written[0]
    bring_back(client, path, again)
    assert before <= consistent(client, again) <= after + 1
    assert consistent(client, store) == written[0]


def test_who_writes_past_the_gate_is_noticed(
    store: Store, client: Client, again: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "PAUSE_S", 0.01)
    with writing(store, gated=False, pause_s=0):
        monkeypatch.setattr(backup, "ATTEMPTS", 2)
        with pytest.raises(BackupError, match="Something wrote at each of 2 attempts"):
            take(client, store, tmp_path / "a.tar")
    assert (leftovers(store), list(tmp_path.iterdir())) == ([], [])
    monkeypatch.setattr(backup, "ATTEMPTS", 500)
    with writing(store, gated=False, pause_s=0.1):
        path = take(client, store, tmp_path / "b.tar")
    bring_back(client, path, again)
    assert consistent(client, again) > 1


def test_a_batch_that_does_not_end_is_not_waited_for(
    filled: Store, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "HOLD_WAIT_S", 0.01)
    with WRITES.batch(), pytest.raises(BackupError, match="could not be held within"):
        take(client, filled, tmp_path / "a.tar")
    assert list(tmp_path.iterdir()) == []


def test_only_an_empty_place_is_restored_into(filled: Store, client: Client, taken: Path, again: Store) -> None:
    before = sums(client, filled.database)
    with pytest.raises(BackupError, match=r"is not empty.*3,024 rows of samples.*samples from 2026-09-21T") as caught:
        bring_back(client, taken, filled)
    assert "Move the directory away" in str(caught.value)
    assert sums(client, filled.database) == before
    again.migrate(client)  # tables without rows: Tapewatch was started once
    client.command(f"CREATE DATABASE {again.database}_restoring ENGINE = Atomic")  # an earlier restore was killed
    client.command(f"CREATE TABLE {again.database}_restoring.samples (x UInt8) ENGINE = MergeTree ORDER BY x")
    bring_back(client, taken, again)
    assert sums(client, again.database) == before
    assert f"{again.database}_restoring" not in databases(client)


def test_a_file_that_is_damaged_anywhere_is_refused(client: Client, taken: Path, again: Store, tmp_path: Path) -> None:
    whole, path = taken.read_bytes(), tmp_path / "damaged.tar"
    with tarfile.open(taken) as tar:
        members = {member.name: member for member in tar.getmembers()}
    data = next(m for name, m in members.items() if name.startswith("tables/samples_4h/") and m.size > 100)
    places = {
        f"{data.name} in it": data.offset_data + 50,
        "manifest.json in it": members["manifest.json"].offset_data + 700,
        "no backup of Tapewatch, or was cut off": data.offset + 3,  # a header: all behind it is lost
    }
    for said, offset in places.items():
        path.write_bytes(whole[:offset] + bytes([whole[offset] ^ 4]) + whole[offset + 1 :])
        with pytest.raises(BackupError, match=r"\.tar is ") as caught:
            bring_back(client, path, again)
        assert said in str(caught.value)
    for length in (0, 511, len(whole) // 2, members["manifest.json"].offset + 600):
        path.write_bytes(whole[:length])
        with pytest.raises(BackupError, match="is no backup of Tapewatch, or was cut off"):
            bring_back(client, path, again)
    assert not {name for name in databases(client) if name.startswith(again.database)}


def test_what_the_file_system_refuses_is_a_sentence(
    filled: Store, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine.tar"
    mine.write_text("mine")
    with pytest.raises(BackupError, match="exists already: a backup overwrites nothing"):
        take(client, filled, mine)
    assert mine.read_text() == "mine"
    with pytest.raises(BackupError, match=r"needed: free some, or name another place"):
        require_space(tmp_path, 10**18)
    with pytest.raises(BackupError, match=r"mine\.tar cannot be used: (Not a directory|File exists)"):
        take(client, filled, mine / "b.tar")
    if Path("/dev/full").exists():
        full = tmp_path / "full" / "b.tar"
        full.parent.mkdir()
        (full.parent / f"b.tar{backup_file.PARTIAL}").symlink_to("/dev/full")
        monkeypatch.setattr(backup_file, "remove_partial", lambda _: None)
        with pytest.raises(BackupError, match="No space is left at"):
            take(client, filled, full)
        assert list(full.parent.iterdir()) == []
    assert "may not be read or written by this user: Permission denied" in sentence(
        PermissionError(13, "Permission denied"), mine
    )
    assert leftovers(filled) == []


def test_a_database_that_is_no_history_is_said(filled: Store, client: Client, tmp_path: Path) -> None:
    directory = directory_of(filled.settings.dsn)
    with pytest.raises(BackupError, match="There is no history in the database nobodys at"):
        back_up(client, "nobodys", directory, tmp_path / "b.tar")
    assert list(tmp_path.iterdir()) == []


def test_what_a_kill_left_behind_is_removed_by_the_next(filled: Store, client: Client, tmp_path: Path) -> None:
    frozen = directory_of(filled.settings.dsn) / "shadow" / f"{SHADOW}killed"
    client.command(f"ALTER TABLE {filled.database}.samples FREEZE WITH NAME '{frozen.name}'")
    (tmp_path / f"killed.tar{backup_file.PARTIAL}").write_bytes(b"half")
    under_way = Writer(tmp_path / "alive.tar")
    take(client, filled, tmp_path / "b.tar")
    assert not frozen.exists()
    assert {file.name for file in tmp_path.iterdir()} == {"b.tar", f"alive.tar{backup_file.PARTIAL}"}
    under_way.close()
