"""Takes a backup of the embedded history while it is in use.

Every table is frozen (hard links, a millisecond each) while no batch is under way, so what a backup
has of the raw samples it has of every roll-up. Rows are counted and their hashes summed afterwards, on
exactly the frozen parts, while writing goes on; only merges pause, since a merge would take the parts away.
"""

import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from clickhouse_connect.driver.client import Client

from history.backups.archive import BackupError, Manifest, TableCopy, Writer, require_space, sentence
from history.gate import WRITES
from history.window import shown
from probes.clickhouse_client import place_of
from settings_types import SecretUrl

SHADOW = "tapewatch_backup_"
ATTEMPTS = 20
PAUSE_S = 0.1
HOLD_WAIT_S = 30.0
SUFFIX = ".tar"

Hold = Callable[[float], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that is whole: where it is, and what is in it."""

    path: Path
    said: str


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of the database and its frozen parts."""

    name: str
    create: str
    hashed: tuple[str, ...]
    counts: bool
    folder: Path

    @property
    def parts(self) -> list[str]:
        """Names of the frozen parts; none: the table was empty."""
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.exists() else []


def directory_of(dsn: SecretUrl) -> Path:
    """The directory of an embedded history."""
    return Path(place_of(dsn)).resolve()


def target_of(wanted: str, now: datetime, default: Path) -> Path:
    """The file a backup is to be: `wanted`, a file in it if it is a directory, else one in `default`; named by time."""
    name = f"{now:%Y%m%dT%H%M%SZ}{SUFFIX}"
    if not wanted:
        return default.resolve() / name
    path = Path(wanted).expanduser()
    return path.resolve() / name if wanted.endswith("/") or path.is_dir() else path.resolve()


def back_up(client: Client, database: str, directory: Path, target: Path, hold: Hold = WRITES.held) -> Made:
    """Write a backup of `database`, which lies in `directory`, to the file `target`.

    Args:
        hold: keeps every writer of this process between two batches, waiting at most so many seconds for it.

    Raises:
        BackupError: in words, why there is none; nothing is left behind.
        ClickHouseError, RuntimeError: the engine failed; the same.
    """
    clear(directory)
    name = f"{SHADOW}{uuid.uuid4().hex}"
    writer = None
    try:
        writer = Writer(target)
        tables = _tables(client, database, directory / "shadow" / name)
        with _without_merges(client, database, tables):
            _freeze(client, database, tables, name, hold)
            made_at = shown(time.time())
            copies = tuple(_counted(client, database, table) for table in tables)
        require_space(target.parent, sum(path.stat().st_size for table in tables for path in _files(table)))
        for table in tables:
            for path in _files(table):
                writer.add(f"tables/{table.name}/{path.relative_to(table.folder).as_posix()}", path)
        version, engine = _versions(client, database)
        manifest = Manifest(database, version, made_at, engine, copies, writer.files)
        writer.finish(manifest)
        return Made(target, manifest.said())
    except OSError as error:
        raise BackupError(sentence(error, target)) from error
    finally:
        if writer is not None:
            writer.close()
        shutil.rmtree(directory / "shadow" / name, ignore_errors=True)


def clear(directory: Path) -> None:
    """Give back the space of frozen parts that an earlier backup, killed, left in `directory`."""
    for path in (directory / "shadow").glob(f"{SHADOW}*"):
        shutil.rmtree(path, ignore_errors=True)


def counted(client: Client, table: str, hashed: Sequence[str], counts: bool, where: str = "") -> tuple[int, int, int]:
    """Rows of `table`, samples they stand for, and the sum of the hashes of their `hashed` columns."""
    samples = "sum(cnt)" if counts else "count()"
    columns = ", ".join(f"`{column}`" for column in hashed)
    (row,) = client.query(
        f"SELECT count(), {samples}, sum(cityHash64(tuple({columns}))) FROM {table} {where}"
    ).result_rows
    return int(row[0]), int(row[1]), int(row[2])


def _tables(client: Client, database: str, shadow: Path) -> list[_Table]:
    """The tables that hold rows; views are made anew when a backup is restored.

    Raises:
        BackupError: there is no such database, or none of ours.
    """
    rows = client.query(
        "SELECT name, create_table_query, toString(uuid) FROM system.tables "
        f"WHERE database = '{database}' AND engine LIKE '%MergeTree' ORDER BY name"
    ).result_rows
    if "schema_version" not in {name for name, _, _ in rows}:
        raise BackupError(
            f"There is no history in the database {database} at {shadow.parents[1]}: "
            "name the right one in history.dsn and history.database, or run Tapewatch first."
        )
    found = []
    for name, create, identity in rows:
        columns = client.query(
            f"SELECT name FROM system.columns WHERE database = '{database}' AND table = '{name}' "
            "AND default_kind != 'ALIAS' AND type NOT LIKE 'AggregateFunction%' ORDER BY position"
        ).result_rows
        hashed = tuple(str(row[0]) for row in columns)
        folder = shadow / "store" / identity[:3] / identity
        found.append(_Table(str(name), str(create), hashed, "cnt" in hashed, folder))
    return found


def _freeze(client: Client, database: str, tables: Sequence[_Table], name: str, hold: Hold) -> None:
    """Freeze all tables between two batches.

    The gate keeps those who know it. Should anybody write past it, that is seen, and it is done again.

    Raises:
        BackupError: somebody wrote each time.
    """
    for _ in range(ATTEMPTS):
        try:
            with hold(HOLD_WAIT_S):
                quiet, before = not _inserting(client, database), _blocks(client, database)
                for table in tables:
                    client.command(f"ALTER TABLE {database}.{table.name} FREEZE WITH NAME '{name}'")
                if quiet and _blocks(client, database) == before:
                    return
        except TimeoutError as error:
            raise BackupError(
                f"Writing could not be held within {HOLD_WAIT_S:g} s: {error}. Try again when less is being written."
            ) from None
        for table in tables:
            shutil.rmtree(table.folder, ignore_errors=True)
        threading.Event().wait(PAUSE_S)
    raise BackupError(f"Something wrote at each of {ATTEMPTS} attempts: try again when the import has ended.")


def _counted(client: Client, database: str, table: _Table) -> TableCopy:
    """Count what was frozen of `table`.

    Raises:
        BackupError: the engine does not find what was frozen.
    """
    parts = table.parts
    kept = sum(int((table.folder / part / "count.txt").read_text()) for part in parts)
    names = ", ".join(f"'{part}'" for part in parts)
    where = f"WHERE _part IN ({names})" if parts else "WHERE 0"
    rows, samples, row_sum = counted(client, f"{database}.{table.name}", table.hashed, table.counts, where)
    if rows != kept:
        raise BackupError(
            f"{kept:,} rows of {table.name} were frozen and {rows:,} of them are found: "
            "a merge came between. Start the backup again."
        )
    has_samples = table.counts or table.name == "samples"
    return TableCopy(table.name, table.create, rows, samples if has_samples else None, table.hashed, str(row_sum))


@contextmanager
def _without_merges(client: Client, database: str, tables: Sequence[_Table]) -> Iterator[None]:
    try:
        for table in tables:
            client.command(f"SYSTEM STOP MERGES {database}.{table.name}")
        yield
    finally:
        for table in tables:
            client.command(f"SYSTEM START MERGES {database}.{table.name}")


def _inserting(client: Client, database: str) -> bool:
    """Whether an insert into the samples is under way, whoever sent it."""
    found = client.query(
        "SELECT count() FROM system.processes WHERE query_kind = 'Insert' "
        f"AND query LIKE '%INSERT INTO {database}.samples%'"
    ).result_rows
    return bool(found[0][0])


def _blocks(client: Client, database: str) -> list[Sequence[object]]:
    """The number of the last insert into the samples and each roll-up; the demo's tape goes on meanwhile."""
    return list(
        client.query(
            "SELECT table, max(max_block_number) FROM system.parts "
            f"WHERE active AND database = '{database}' AND table LIKE 'samples%' GROUP BY table ORDER BY table"
        ).result_rows
    )


def _versions(client: Client, database: str) -> tuple[int, str]:
    """The version of the schema, and of the engine."""
    row = client.query(f"SELECT max(version), version() FROM {database}.schema_version").result_rows[0]
    return int(row[0]), str(row[1])


def _files(table: _Table) -> list[Path]:
    return sorted(path for path in table.folder.rglob("*") if path.is_file()) if table.folder.exists() else []
