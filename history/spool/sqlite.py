"""Rows that wait to be written, in one SQLite database: a file that outlives us, or memory.

Appending is the acknowledgement: with a write-ahead log and a full sync, what `Spool.append` has returned
for survives a kill and a loss of power. Rows leave in the order they came, in batches whose token and
exact rows are noted here before anything is sent, so that one of unknown outcome is sent again as it was.
"""

import json
import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from history.rows import Note
from history.spool.rows import Rows, encodable, notes_of, spooled
from history.spool.schema import COLUMNS, NOTES, SCHEMA, VERSION, Table
from history.spool.thinning import thin

MAX_QUARANTINED = 1_000
THIN_AT_ONCE = 50_000
SHRINK_PAGES = 4096
"""A file that an outage left this large is made small again once it is empty."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows on their way: those of `table` whose numbers are from `first` to `last`, under one token."""

    table: Table
    token: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Freed:
    """How many samples had to go: merged into a later one, or lost."""

    thinned: int = 0
    dropped: int = 0


class Spool:
    """The database. One thread at a time may use it; every change is one transaction.

    Args:
        path: the file; None: in memory.

    Raises:
        sqlite3.DatabaseError: here and from every method: the file cannot be opened, written or understood.

    Attributes:
        waiting: samples in it.
        since_s: epoch second of the oldest of them; None: there is none.
        quarantined: rows the history refused, those of earlier processes included.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._coarse_until = self._swept_until = self._swept_freed = 0
        self._db = sqlite3.connect(path or ":memory:", timeout=2.0, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
            self.waiting = int(self._one("SELECT count(*) FROM samples"))
            self.quarantined = int(self._one("SELECT count(*) FROM quarantine"))
            self.since_s: int | None = self._oldest_s()
        except sqlite3.Error:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file; what waits stays in it."""
        self._db.close()

    @property
    def bytes(self) -> int:
        """Size of the file and its log; 0 in memory."""
        if self.path is None:
            return 0
        files = (self.path, self.path.with_name(f"{self.path.name}-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    @property
    def has_rows(self) -> bool:
        """Whether anything waits, samples or not."""
        return any(self._one(f"SELECT EXISTS (SELECT 1 FROM {table})") for table in COLUMNS)

    @property
    def has_batch(self) -> bool:
        """Whether a batch is on its way."""
        return bool(self._one("SELECT EXISTS (SELECT 1 FROM batch)"))

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes that wait, in the order they came."""
        waiting = {table: self._db.execute(f"SELECT {COLUMNS[table]} FROM {table} ORDER BY id") for table in NOTES}
        return tuple(note for table in NOTES for note in notes_of(table, waiting[table].fetchall()))

    def append(self, rows: Rows) -> None:
        """Take rows in; on disk when this returns."""
        self._insert(spooled(rows))

    def take(self, most: int) -> Batch | None:
        """The batch on its way, else a new one of at most `most` rows, noted before this returns; None: nothing waits.

        After a refusal a new one is half of what is still under suspicion.
        """
        found = self._db.execute("SELECT of, token, first, last FROM batch").fetchone()
        if found:
            return Batch(*found)
        for table in COLUMNS:
            suspect = self._db.execute("SELECT last FROM suspect WHERE of = ?", (table,)).fetchone()
            last = suspect[0] if suspect else 2**63 - 1
            ids = [row[0] for row in self._db.execute(f"SELECT id FROM {table} WHERE id <= ? ORDER BY id LIMIT ?",
                                                      (last, most))]  # fmt: skip
            if ids:
                size = max(1, len(ids) // 2) if suspect else len(ids)
                batch = Batch(table, uuid.uuid4().hex, ids[0], ids[size - 1])
                self._db.execute(
                    "INSERT INTO batch VALUES (1, ?, ?, ?, ?)", (table, batch.token, batch.first, batch.last)
                )
                return batch
        return None

    def rows(self, batch: Batch) -> list[Any]:
        """The rows of a batch, with the columns of `COLUMNS`, in the order they came."""
        return self._db.execute(
            f"SELECT {COLUMNS[batch.table]} FROM {batch.table} WHERE id BETWEEN ? AND ? ORDER BY id",
            (batch.first, batch.last),
        ).fetchall()

    def written(self, batch: Batch) -> None:
        """Forget a batch that was written."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            gone = self._remove(batch)
        self._left(gone)

    def refused(self, batch: Batch, reason: str) -> bool:
        """Let what a refused batch holds go in smaller ones; a row that was alone in it goes to the quarantine.

        Returns:
            Whether a row went there.
        """
        rows = self.rows(batch)
        gone = 0
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            if len(rows) > 1:
                self._db.execute("INSERT OR REPLACE INTO suspect VALUES (?, ?)", (batch.table, batch.last))
                self._db.execute("DELETE FROM batch")
            else:
                kept = [(int(time.time()), batch.table, json.dumps(row), encodable(reason)) for row in rows]
                self._db.executemany("INSERT INTO quarantine (at_s, of, row, reason) VALUES (?, ?, ?, ?)", kept)
                oldest = f"(SELECT max(id) FROM quarantine) - {MAX_QUARANTINED}"
                self._db.execute(f"DELETE FROM quarantine WHERE id <= {oldest}")
                gone = self._remove(batch)
                self.quarantined += len(rows)
        self._left(gone)
        return len(rows) == 1

    def bound(self, most: int) -> Freed:
        """Make room until at most `most` samples wait; the batch on its way is left alone.

        The oldest half is swept again and again, which makes it coarser each time; when nothing more can
        be had there, what comes after it. A little more room is made than was asked for, so that this is not
        done for every sample.
        """
        thinned = dropped = 0
        wanted = most - most // 100 if self.waiting > most else most
        half = max(2, most // 2)
        while self.waiting > wanted:
            floor = int(self._one("SELECT max(last) FROM batch WHERE of = 'samples'") or 0)
            after = "FROM samples WHERE id > ? ORDER BY id LIMIT"
            ids = (max(floor, self._coarse_until), half)
            rows, end = self._db.execute(f"SELECT count(*), max(id) FROM (SELECT id {after} ?)", ids).fetchone()
            found = self._db.execute(
                f"SELECT id, series_id, ts_s, bits, fold {after.replace('ORDER', 'AND id <= ? ORDER')} ?",
                (max(ids[0], self._swept_until), end or 0, THIN_AT_ONCE),
            ).fetchall()
            if found:
                freed = self._thin(found)
                self._swept_until, self._swept_freed = found[-1][0], self._swept_freed + freed
                thinned += freed
                continue
            if self._swept_freed == 0 and rows == half:
                self._coarse_until = end
            elif self._swept_freed == 0:
                lost = self._drop(floor, min(half, self.waiting - wanted))
                dropped += lost
                if lost == 0:
                    break
            self._swept_until = self._swept_freed = 0
        return Freed(thinned, dropped)

    def move_to(self, other: "Spool") -> None:
        """Give everything that waits to `other`; nothing may be on its way."""
        for table, columns in COLUMNS.items():
            other._insert({table: self._db.execute(f"SELECT {columns} FROM {table} ORDER BY id").fetchall()})
            gone = self._db.execute(f"DELETE FROM {table}").rowcount
            self._left(gone if table == "samples" else 0)

    def _prepare(self) -> None:
        known = int(self._one("PRAGMA user_version"))
        if known > VERSION:
            raise sqlite3.NotSupportedError(f"it has version {known}, this Tapewatch knows {VERSION}")
        if (verdict := self._one("PRAGMA quick_check(1)")) != "ok":
            raise SpoolDamaged(str(verdict))
        self._db.executescript(SCHEMA)

    def _insert(self, rows: Mapping[Table, Sequence[tuple[Any, ...]]]) -> None:
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for table, found in rows.items():
                columns = COLUMNS[table]
                marks = ", ".join("?" for _ in columns.split(","))
                self._db.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", found)
        self.waiting += len(rows.get("samples", ()))
        if self.since_s is None:
            self.since_s = self._oldest_s()

    def _remove(self, batch: Batch) -> int:
        """Delete the rows of a batch and the batch; returns how many samples that were."""
        between = f"DELETE FROM {batch.table} WHERE id BETWEEN ? AND ?"
        gone = self._db.execute(between, (batch.first, batch.last)).rowcount
        self._db.execute("DELETE FROM suspect WHERE of = ? AND last <= ?", (batch.table, batch.last))
        self._db.execute("DELETE FROM batch")
        return gone if batch.table == "samples" else 0

    def _left(self, samples: int) -> None:
        self.waiting -= samples
        self.since_s = self._oldest_s()
        if not self.waiting and int(self._one("PRAGMA freelist_count")) > SHRINK_PAGES:
            # Only a script steps through a PRAGMA that has no columns; `execute` would free a single page.
            self._db.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);")

    def _thin(self, found: Sequence[tuple[int, ...]]) -> int:
        if len(found) < 2:
            return 0
        number, series_id, ts_s, bits, fold = np.ascontiguousarray(np.array(found, np.int64).T)
        thinned = thin(series_id, ts_s, bits.view(np.float64), fold)
        new_bits, kept = thinned.value.view(np.int64), thinned.kept
        changed = new_bits != bits[kept]
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("DELETE FROM samples WHERE id = ?", [(n,) for n in number[thinned.gone].tolist()])
            changes = zip(new_bits[changed].tolist(), number[kept][changed].tolist(), strict=True)
            self._db.executemany("UPDATE samples SET bits = ? WHERE id = ?", changes)
        self._left(len(kept))
        return len(kept)

    def _drop(self, floor: int, most: int) -> int:
        oldest = "SELECT id FROM samples WHERE id > ? ORDER BY id LIMIT ?"
        lost = self._db.execute(f"DELETE FROM samples WHERE id IN ({oldest})", (floor, most)).rowcount
        self._left(lost)
        return lost

    def _oldest_s(self) -> int | None:
        found = self._db.execute("SELECT ts_s FROM samples ORDER BY id LIMIT 1").fetchone()
        return int(found[0]) if found else None

    def _one(self, sql: str) -> Any:
        return self._db.execute(sql).fetchone()[0]


class SpoolDamaged(sqlite3.DatabaseError):
    """SQLite's own check found the file damaged; the message is what it found."""
