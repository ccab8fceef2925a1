"""Brings a backup into an empty history.

Everything is built in a database beside the one that was asked for, compared with the manifest and only
then given its name: a restore that is broken off leaves nothing that looks like a history.
"""

import os
from pathlib import Path

from clickhouse_connect.driver.client import Client

from history.backups.archive import BackupError, Reader, TableCopy, require_space, sentence
from history.backups.backup import counted
from history.schema import VERSION
from history.window import shown

STAGING = "_restoring"
ROOM = 1.1
"""Space a restore needs, as a multiple of the files in it."""


def open_backup(path: Path) -> Reader:
    """A backup that this version can restore.

    Raises:
        BackupError: it cannot be read, is damaged, or is of a newer schema.
    """
    backup = Reader(path)
    if backup.manifest.schema_version > VERSION:
        backup.close()
        raise BackupError(
            f"{path} has schema version {backup.manifest.schema_version}, this Tapewatch knows {VERSION}: "
            "restore it with the newer Tapewatch that wrote it."
        )
    return backup


def restore(client: Client, backup: Reader, database: str, directory: Path) -> str:
    """Restore `backup` into `database`, which must hold nothing yet; returns what was restored, in a sentence.

    The caller migrates afterwards: that makes the views, and brings an older schema to this version.

    Raises:
        BackupError: in words, why not; nothing is left behind.
        ClickHouseError, RuntimeError: the engine failed.
    """
    require_empty(client, database, directory)
    staging = f"{database}{STAGING}"
    client.command(f"DROP DATABASE IF EXISTS {staging} SYNC")
    try:
        require_space(directory, int(backup.manifest.size_bytes * ROOM))
        client.command(f"CREATE DATABASE {staging} ENGINE = Atomic")
        for table in backup.manifest.tables:
            _restore_table(client, backup, table, staging)
        os.sync()  # what the new name stands for must be on disk before it
        client.command(f"DROP DATABASE IF EXISTS {database} SYNC")  # empty, as was seen
        client.command(f"RENAME DATABASE {staging} TO {database}")
    except OSError as error:
        raise BackupError(sentence(error, directory)) from error
    finally:
        client.command(f"DROP DATABASE IF EXISTS {staging} SYNC")
    return f"Restored into {database} at {directory}: {backup.manifest.said()}."


def require_empty(client: Client, database: str, directory: Path) -> None:
    """See that `database` holds no rows but the note of its version.

    Raises:
        BackupError: naming what is there, and what to do.
    """
    rows = client.query(
        "SELECT name, ifNull(total_rows, 0) FROM system.tables "
        f"WHERE database = '{database}' AND engine LIKE '%MergeTree' AND name != 'schema_version' ORDER BY name"
    ).result_rows
    held = {str(name): int(count) for name, count in rows if count}
    if not held:
        return
    what = ", ".join(f"{count:,} rows of {name}" for name, count in held.items())
    if held.get("samples"):
        first, last = client.query(
            f"SELECT toUnixTimestamp(min(ts)), toUnixTimestamp(max(ts)) FROM {database}.samples"
        ).result_rows[0]
        what += f"; samples from {shown(first)} to {shown(last)}"
    raise BackupError(
        f"The database {database} at {directory} is not empty, and a restore overwrites nothing ({what}). "
        "Move the directory away, or name another history.dsn or history.database."
    )


def _restore_table(client: Client, backup: Reader, table: TableCopy, database: str) -> None:
    name = f"{database}.{table.name}"
    client.query(f"CREATE TABLE {name} {table.create.partition(' (')[1]}{table.create.partition(' (')[2]}")
    client.command(f"SYSTEM STOP MERGES {name}")  # a merge, or the end of a time to live, would change the count
    where = f"database = '{database}' AND name = '{table.name}'"
    folder = Path(client.query(f"SELECT data_paths[1] FROM system.tables WHERE {where}").result_rows[0][0])
    for part in backup.parts(table.name):
        backup.extract(table.name, part, folder / "detached" / part)
        client.command(f"ALTER TABLE {name} ATTACH PART '{part}'")
    rows, samples, row_sum = counted(client, name, table.hashed, table.samples is not None and "cnt" in table.hashed)
    same_engine = str(client.command("SELECT version()")) == backup.manifest.engine
    wrong = [
        f"{what} {found:,} instead of {expected:,}"
        for what, found, expected in (
            ("rows", rows, table.rows),
            ("samples", samples, samples if table.samples is None else table.samples),
            # Another engine may hash otherwise; the files' own checksums hold in any case.
            ("sum of row hashes", row_sum, int(table.row_sum) if same_engine else row_sum),
        )
        if found != expected
    ]
    if wrong:
        raise BackupError(
            f"{table.name} of {backup.path} came out as {', '.join(wrong)}. Take another backup; nothing was restored."
        )
    client.command(f"SYSTEM START MERGES {name}")
