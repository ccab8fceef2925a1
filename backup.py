"""`make backup` and `make restore`: the embedded history to a file, and back into an empty place.

While Tapewatch runs it takes the backup itself, asked through the socket in the history's directory;
otherwise the history is opened here. Exit code 0 when it is done, 1 when it could not be, 2 when the
configuration cannot be used, a file is missing in the command, or the history is a server's.
"""

import argparse
import logging
import os
import sqlite3
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from clickhouse_connect.driver.client import Client

import probes
import settings
from history.backups.archive import BackupError, sentence
from history.backups.backup import SUFFIX, back_up, directory_of, target_of
from history.backups.door import NAME, ask, drained, is_running
from history.backups.restore import open_backup, restore
from history.recorder import Recorder
from history.spool.depot import file_of
from history.spool.sqlite import Spool
from history.store import Store, explain
from probes.clickhouse_client import is_embedded
from settings import Settings
from settings_types import mask

DEFAULT = Path("var/backups")
OPEN_WITHIN_S = 60.0
ASLEEP = "It takes no backup yet: it may still be starting, or be an import. Try again when it has, or stop it."
STOP = "Stop it first: a restore needs the directory to itself."
DISK = "backups"
"""The usual name of the disk that a server's ``<backups><allowed_disk>`` names."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Take or restore a backup; returns the exit code."""
    asked = _parser().parse_args(arguments)
    path = settings.find_file(os.environ)
    if path is None:
        return _say("No tapewatch.toml here and no CONFIG=path: the demo's past is made up, and made anew.", 2)
    try:
        configured = settings.load(path, os.environ, probes.COMPONENTS, probes.component_problems)
    except settings.ConfigError as error:
        return _say(f"{path} cannot be used:\n{error}", 2)
    if not is_embedded(configured.history.dsn):
        return _say(for_server(asked.command, configured, asked.disk, datetime.now(UTC)), 2)
    if asked.command == "restore" and not asked.file:
        return _say(f"Name the backup to restore: make restore FROM=path.{_newest()}", 2)
    try:
        print(_backup(configured, asked.file) if asked.command == "backup" else _restore(configured, asked.file))
    except BackupError as error:
        return _say(str(error), 1)
    except Exception as exc:  # the engine's errors have no common type; each becomes a sentence
        error_said = explain(exc, str(configured.history.dsn))
        return _say(f"{error_said.message} {error_said.hint}", 1)
    return 0


def for_server(command: str, configured: Settings, disk: str, now: datetime) -> str:
    """What to run on the ClickHouse server, which has a backup of its own."""
    history = configured.history
    cluster = f" ON CLUSTER '{history.cluster}'" if history.cluster else ""
    name = f"{history.database}-{now:%Y%m%dT%H%M%SZ}.zip" if command == "backup" else f"{history.database}-….zip"
    how = "TO" if command == "backup" else "FROM"
    return (
        f"The history is on a ClickHouse server ({history.dsn}), which has a {command} of its own. Run there:\n"
        f"  {command.upper()} DATABASE {history.database}{cluster} {how} Disk('{disk}', '{name}')\n"
        f"The disk '{disk}' must be allowed in its configuration (<backups><allowed_disk>); another one: DISK=name."
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="backup.py", description="Back up or restore the embedded history.")
    parser.add_argument("command", choices=("backup", "restore"))
    parser.add_argument("file", nargs="?", default="", help=f"the backup; default of backup: {DEFAULT}/<UTC time>.tar")
    parser.add_argument("--disk", default=DISK, help="a server's disk for backups, for the statement that is shown")
    return parser


def _backup(configured: Settings, wanted: str) -> str:
    target = target_of(wanted, datetime.now(UTC), DEFAULT)
    directory = directory_of(configured.history.dsn)
    said = ask(directory, target)
    if said is not None:
        return f"{target}: {said}; Tapewatch went on running."
    if not (directory / "store").is_dir():
        raise BackupError(f"There is no history at {directory}: name it in history.dsn, or run Tapewatch first.")
    with closing(_open(configured, ASLEEP)) as client:
        if _waits(configured):
            _write_what_waits(configured)
        return f"{target}: {back_up(client, configured.history.database, directory, target).said}."


def _waits(configured: Settings) -> bool:
    """Whether an earlier process left rows in the spool.

    Raises:
        BackupError: the spool cannot be read.
    """
    path = file_of(configured.history)
    if path is None or not path.exists():
        return False
    try:
        with closing(Spool(path)) as spool:
            return spool.has_rows
    except sqlite3.Error as error:
        raise BackupError(
            f"The spool {path} cannot be read ({error}): run Tapewatch, which mends it or says how."
        ) from None


def _write_what_waits(configured: Settings) -> None:
    """Send what waits in the spool, as the next start of Tapewatch would."""
    store = Store(configured.history, zone=configured.app.time_zone)
    recorder = Recorder(store, probes.METRICS)
    store.start()
    give_up_s = time.monotonic() + OPEN_WITHIN_S
    while not (store.state.ready or store.state.error) and time.monotonic() < give_up_s:
        time.sleep(0.05)
    try:
        drained(recorder.flush)
    finally:
        recorder.stop()
        store.stop()


def _restore(configured: Settings, file: str) -> str:
    directory = directory_of(configured.history.dsn)
    with closing(open_backup(Path(file).expanduser())) as backup:
        if is_running(directory):
            raise BackupError(f"Tapewatch runs on {directory}. {STOP}")
        others = sorted(path.name for path in directory.iterdir() if path.name != NAME) if directory.is_dir() else []
        if others and "store" not in others:
            raise BackupError(
                f"{directory} holds other files ({', '.join(others[:3])}): name an empty directory in history.dsn."
            )
        with closing(_open(configured, STOP)) as client:
            said = restore(client, backup, configured.history.database, directory)
            Store(configured.history, zone=configured.app.time_zone).migrate(client)
    return said


def _open(configured: Settings, if_locked: str) -> Client:
    """The embedded engine on the configured directory; `if_locked` says what to do when another process has it open.

    Raises:
        BackupError: another process has it open, or the file system does not allow it.
    """
    store = Store(configured.history, zone=configured.app.time_zone)
    try:
        return store.connect()
    except OSError as error:
        raise BackupError(sentence(error, directory_of(configured.history.dsn))) from error
    except Exception as exc:  # the engine's errors have no common type
        error_said = explain(exc, store.place)
        if error_said.code != "locked":
            raise
        raise BackupError(f"{error_said.message} {if_locked}") from None


def _newest() -> str:
    """The newest backup in the usual place, as a hint."""
    found = sorted(DEFAULT.glob(f"*{SUFFIX}"))
    return f" The newest is {found[-1]}." if found else ""


def _say(text: str, code: int) -> int:
    print(mask(text), file=sys.stderr)
    return code


if __name__ == "__main__":
    logging.disable(logging.ERROR)  # what is wrong is said once
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # the embedded engine's exit handlers may crash; everything is written and closed by now
