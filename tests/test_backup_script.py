"""`make backup` and `make restore` as a user calls them."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

import backup
import probes
import settings
from history.backups.archive import PARTIAL, BackupError, Reader
from history.backups.backup import SHADOW, directory_of
from history.backups.door import NAME, Door, address, ask
from history.rows import Sample, insert
from history.sender import table_of
from history.spool.depot import file_of
from history.spool.rows import Rows
from history.spool.sqlite import Spool
from history.spool.thinning import Fold
from history.store import Store
from settings import History
from settings_types import SecretUrl
from tests.history.recording import EACH, SERIES
from tests.history.rows import T0_S
from tests.probes.listeners import eventually

ROOT = Path(__file__).parent.parent
BATCH = EACH * SERIES


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TAPEWATCH_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def door(store: Store) -> Iterator[Door]:
    """An open door to the history of the tests."""
    opened = Door(store)
    opened.start()
    opened.start()
    assert eventually(lambda: (directory_of(store.settings.dsn) / NAME).exists(), 10)
    yield opened
    opened.stop()
    assert not (directory_of(store.settings.dsn) / NAME).exists()


def configure(dsn: str, database: str = "tapewatch", more: str = "", spool: str = "memory") -> None:
    Path("tapewatch.toml").write_text(
        f'[history]\ndsn = "{dsn}"\ndatabase = "{database}"\nspool = "{spool}"\n{more}\n[[component]]\nkind = "host"\n'
    )


def said(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says, all of it where it belongs."""
    assert backup.main(arguments) == code
    output = capsys.readouterr()
    assert (output.err if code == 0 else output.out) == ""
    return output.out if code == 0 else output.err


def test_without_a_configuration_there_is_nothing_to_back_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert "No tapewatch.toml here" in said(["backup"], 2, capsys)
    Path("tapewatch.toml").write_text("[history]\ndns = 1\n")
    assert 'unknown key "dns"' in said(["restore", "x"], 2, capsys)


def test_a_server_is_told_its_own_statement(capsys: pytest.CaptureFixture[str]) -> None:
    configure("clickhouse://desk:never-said@ch.lan:8123", "prices", 'cluster = "two"')
    text = said(["backup", "", "--disk", "s3"], 2, capsys)
    assert "  BACKUP DATABASE prices ON CLUSTER 'two' TO Disk('s3', 'prices-2" in text
    assert "  RESTORE DATABASE prices ON CLUSTER 'two' FROM Disk('backups', 'prices-" in said(["restore"], 2, capsys)
    assert "never-said" not in text


def test_what_cannot_be_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(f"chdb://{tmp_path}/history")
    assert said(["restore"], 2, capsys) == "Name the backup to restore: make restore FROM=path.\n"
    usual = tmp_path / "var" / "backups" / "20260921T160000Z.tar"
    usual.parent.mkdir(parents=True)
    usual.write_text("no tar")
    assert f"The newest is {usual.relative_to(tmp_path)}." in said(["restore"], 2, capsys)
    assert f"There is no history at {tmp_path}/history" in said(["backup"], 1, capsys)
    assert "No such file" in said(["restore", "none.tar"], 1, capsys)
    assert "is no backup of Tapewatch" in said(["restore", str(usual)], 1, capsys)
    assert not (tmp_path / "history").exists()


def test_the_running_process_is_asked(
    door: Door, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dsn = store.settings.dsn.reveal()
    directory = directory_of(store.settings.dsn)
    assert (directory / NAME).stat().st_mode & 0o777 == 0o600
    configure(dsn, store.database)
    text = said(["backup"], 0, capsys)
    (made,) = (tmp_path / "var" / "backups").iterdir()
    assert text.startswith(f"{made}: 0 samples, 11 tables, ")
    assert text.endswith("; Tapewatch went on running.\n")
    (tmp_path / "kept").mkdir()
    for wanted in ("kept", "new/"):
        said(["backup", wanted], 0, capsys)
        assert len(list((tmp_path / wanted).glob("*.tar"))) == 1
    assert "exists already" in said(["backup", str(made)], 1, capsys)
    refused = said(["restore", str(made)], 1, capsys)
    assert refused == f"Tapewatch runs on {directory}. Stop it first: a restore needs the directory to itself.\n"
    door.stop()
    configure(dsn, f"{store.database}_again", '[app]\ntime_zone = "Europe/Berlin"')
    assert "Restored into" in said(["restore", str(made)], 0, capsys)
    with closing(store.connect()) as client:
        zone = f"database = '{store.database}_again' AND name = 'samples_1d'"
        assert client.query(f"SELECT comment FROM system.tables WHERE {zone}").result_rows == [("Europe/Berlin",)]


def test_a_directory_of_other_things_is_not_restored_into(
    door: Door, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(directory_of(store.settings.dsn), tmp_path / "b.tar")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").touch()
    configure(f"chdb://{tmp_path}/photos")
    assert "photos holds other files (me.jpg): name an empty directory" in said(["restore", "b.tar"], 1, capsys)


def test_the_door_answers_nonsense_and_stays_open(door: Door, store: Store, tmp_path: Path) -> None:
    directory = directory_of(store.settings.dsn)
    with closing(socket.socket(socket.AF_UNIX)) as client:
        client.connect(str(address(directory)))
    for request, reply in (
        (b"GET / HTTP/1.1\n", "This is no request for a backup"),
        (b'{"to": 1}\n', "This is no request for a backup"),
        (b'{"to": "b.tar"}\n', "b.tar is not an absolute path"),
        (b"x" * 70_000 + b"\n", "This is no request for a backup"),
    ):
        with closing(socket.socket(socket.AF_UNIX)) as client:
            client.settimeout(10)
            client.connect(str(address(directory)))
            client.sendall(request)
            assert reply in json.loads(client.recv(4096))["error"]
    assert ask(directory, tmp_path / "b.tar") is not None


def test_what_waits_must_be_written_first(store: Store, tmp_path: Path) -> None:
    directory, waits = directory_of(store.settings.dsn), [False, True, False, False, False]
    door = Door(store, lambda: waits.pop(0))
    door.start()
    assert eventually(lambda: (directory / NAME).exists(), 10)
    ask(directory, tmp_path / "b.tar")
    with pytest.raises(BackupError, match="What waits in the spool could not be written"):
        ask(directory, tmp_path / "c.tar")
    door.stop()
    assert [path.name for path in tmp_path.glob("*.tar")] == ["b.tar"]


def test_where_there_is_no_door(tmp_path: Path, store: Store) -> None:
    assert ask(tmp_path / "none", tmp_path / "b.tar") is None
    with closing(socket.socket(socket.AF_UNIX)) as left_behind:
        left_behind.bind(NAME)
    assert ask(tmp_path, tmp_path / "b.tar") is None
    with pytest.raises(BackupError, match=r"is too long for a socket \(103 bytes\)"):
        ask(tmp_path / ("x" * 120), tmp_path / "b.tar")
    server = Door(Store(History(dsn=SecretUrl("clickhouse://here"))))
    server.start()
    server.stop()
    closed = Door(Store(store.settings))  # its store is never opened
    closed.start()
    closed.stop()
    assert not (directory_of(store.settings.dsn) / NAME).exists()


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The script in a process of its own."""
    run = [sys.executable, str(ROOT / "backup.py"), *arguments]
    return subprocess.run(run, capture_output=True, text=True, timeout=120, check=False)


def test_a_running_process_a_kill_in_the_middle_and_a_restore(tmp_path: Path) -> None:
    history, first, second = tmp_path / "history", tmp_path / "first.tar", tmp_path / "second.tar"
    running = [sys.executable, "-m", "tests.history.recording", str(history), "40"]
    process = subprocess.Popen(running, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        configure(f"chdb://{history}")
        assert "samples, 11 tables" in str(ask(history, first))
        kill_in_the_middle(process, history, second)
    finally:
        process.kill()
        process.wait()
    assert [path.name for path in tmp_path.glob("second*")] == [f"{second.name}{PARTIAL}"]
    assert list((history / "shadow").glob(f"{SHADOW}*")) != []
    done = command("backup", str(second))
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in tmp_path.glob("second*")] == [second.name]
    assert list((history / "shadow").glob(f"{SHADOW}*")) == []
    for path in (first, second):
        with closing(Reader(path)) as opened:
            tables = {table.name: table.samples or 0 for table in opened.manifest.tables}
            samples = opened.manifest.samples
        assert samples % BATCH == 0
        assert samples >= 40 * BATCH
        # What the kill cut off in the middle of an insert is for its sender to send again; what was held is whole.
        lags = (0,) if path == first else (0, BATCH)
        assert all(samples - tables[f"samples_{tier}"] in lags for tier in ("15m", "4h", "1d"))
    configure(f"chdb://{tmp_path}/restored")
    restored = command("restore", str(second))
    assert (restored.returncode, restored.stderr) == (0, "")
    assert f"{samples:,} samples, 11 tables" in restored.stdout


def size(path: Path) -> int:
    """Bytes of a file that may not be there, or no longer."""
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def kill_in_the_middle(process: subprocess.Popen[str], history: Path, target: Path) -> None:
    """Kill the process while it writes the file; a backup that was quicker than us is asked for again."""
    partial = target.with_name(target.name + PARTIAL)
    for _ in range(20):
        with closing(socket.socket(socket.AF_UNIX)) as client:
            client.connect(str(address(history)))
            client.sendall(json.dumps({"to": str(target)}).encode() + b"\n")
            assert eventually(lambda: target.exists() or size(partial) > 0, 60)
            process.send_signal(signal.SIGSTOP)
            if not target.exists():
                process.kill()
                process.wait()
                return
            process.send_signal(signal.SIGCONT)
            assert client.recv(4096)
            target.unlink()
    raise AssertionError("it was always quicker")


def test_a_process_that_ends_meanwhile_is_said(tmp_path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(NAME)
        listener.listen()
        gone = threading.Thread(target=lambda: listener.accept()[0].close())
        gone.start()
        with pytest.raises(BackupError, match="Tapewatch ended while it made the backup"):
            ask(tmp_path, tmp_path / "b.tar")
        gone.join(5)


def test_what_a_killed_process_left_in_the_spool_is_in_the_backup(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its last batch was written, and it was killed before it could note that: it is in the backup once."""
    configure(store.settings.dsn.reveal(), store.database, spool="spool")
    file = file_of(settings.load(Path("tapewatch.toml"), {}, probes.COMPONENTS, lambda _: ()).history)
    assert file is not None
    file.parent.mkdir()
    samples = [Sample(7, T0_S + step, 0.5) for step in range(100)]
    with closing(Spool(file)) as spool:
        spool.append(Rows(samples=[(sample, Fold.LATER) for sample in samples]))
        batch = spool.take(60)
        assert batch is not None
        with closing(store.connect()) as client:
            insert(client, f"{store.database}.samples", table_of(batch, spool.rows(batch)), batch.token)
    assert ": 100 samples, 11 tables" in said(["backup", "b.tar"], 0, capsys)
    with closing(Reader(tmp_path / "b.tar")) as opened:
        assert {table.samples for table in opened.manifest.tables} == {None, 100}
    with closing(Spool(file)) as spool:
        assert not spool.has_rows
    file.write_bytes(b"no database" * 100)
    assert f"The spool {file} cannot be read" in said(["backup", "c.tar"], 1, capsys)
