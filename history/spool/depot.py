"""Where rows wait: in the spool's file while that can be had, in memory while not.

A file that cannot be had (locked, unwritable, no space) is tried again every `RETRY_S`; what came to
memory meanwhile moves into it then. A damaged file is moved aside, and a new one begun.
"""

import errno
import fcntl
import hashlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from history.rows import Note
from history.spool.rows import Rows
from history.spool.sqlite import Freed, Spool, SpoolDamaged
from probes.clickhouse_client import place_of
from settings import History

log = logging.getLogger(__name__)

IN_MEMORY = "memory"
RETRY_S = 30.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What the depot holds and what became of what it held; counts are samples, but for `quarantined` rows.

    Attributes:
        notes: what people left and waits to be written.
    """

    waiting: int = 0
    since_s: int | None = None
    written: int = 0
    batches: int = 0
    thinned: int = 0
    dropped: int = 0
    quarantined: int = 0
    bytes: int = 0
    error: str = ""
    notes: tuple[Note, ...] = ()


class SpoolLocked(OSError):
    """Another Tapewatch holds the spool."""


def file_of(settings: History) -> Path | None:
    """The spool of one history: its name tells database and place; None: in memory."""
    if settings.spool == IN_MEMORY:
        return None
    place = hashlib.blake2b(place_of(settings.dsn).encode(), digest_size=4).hexdigest()
    return Path(settings.spool) / f"{settings.database}-{place}.sqlite"


class Depot:
    """The spools of one recorder. Whoever calls anything but `figures` holds `lock`.

    Args:
        path: the spool's file; None: rows wait in memory, and that is no fault.
        clock: monotonic seconds.

    Attributes:
        figures: the state at the end of the last change; may be read without the lock.
        damages: how often a damaged file was moved aside.
    """

    def __init__(self, path: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.lock = threading.RLock()
        self.figures = Figures()
        self.damages = 0
        self._path = path
        self._clock = clock
        self._file: Spool | None = None
        self._memory: Spool | None = None
        self._held: IO[str] | None = None
        self._error = self._damage = ""
        self._out_of_reach = 0
        self._retry_at_s = -float("inf")
        self._closed = False

    def append(self, rows: Rows) -> None:
        """Take rows in, wherever that is possible."""
        self.tend()
        if not rows:
            return
        if self._file is not None:
            try:
                self._file.append(rows)
            except sqlite3.Error as exc:
                self.fail(exc)
                self.tend()
            else:
                return
        (self._file or self._in_memory()).append(rows)

    def bound(self, most: int) -> Freed:
        """Make room in each spool until it holds at most `most` samples; see `Spool.bound`."""
        thinned = dropped = 0
        for spool in self.spools():
            try:
                freed = spool.bound(most)
            except sqlite3.Error as exc:
                self.fail(exc)
            else:
                thinned, dropped = thinned + freed.thinned, dropped + freed.dropped
        return Freed(thinned, dropped)

    def spools(self) -> Iterator[Spool]:
        """Those that are open, the older rows first."""
        yield from filter(None, (self._file, self._memory))

    def tend(self) -> None:
        """Open the file if it is time to, and give it what waits in memory."""
        if self._closed or self._path is None:
            return
        for _ in range(2):  # a damaged file is followed by a new one
            if self._file is None and self._clock() >= self._retry_at_s:
                try:
                    self._file = self._open(self._path)
                except (OSError, sqlite3.Error) as exc:
                    self.fail(exc)
                else:
                    self._error, self._out_of_reach = "", 0
        if self._file is not None and self._memory is not None and not self._memory.has_batch:
            try:
                self._memory.move_to(self._file)
            except sqlite3.Error as exc:
                self.fail(exc)
            else:
                self._memory.close()
                self._memory = None

    def fail(self, exc: Exception) -> None:
        """Do without the file because of `exc`, for a while, or for good when it is damaged."""
        if self._path is None or isinstance(exc, sqlite3.ProgrammingError):
            return  # it is not the file's fault, or it had been closed meanwhile
        if self._file is not None:
            self._out_of_reach = self._file.waiting
            self._file.close()
            self._file = None
        self._retry_at_s = self._clock() + RETRY_S
        if is_damage(exc):
            self._move_aside(self._path, exc)
            return
        sentence = explain(exc, self._path)
        if sentence != self._error:
            log.warning("history: %s", sentence)
        self._error = sentence

    def publish(self, written: int = 0, batches: int = 0) -> None:
        """Make the state as it is now the `figures`; what was known at the end stays."""
        if not self._closed:
            self.figures = self.look(written, batches)

    def look(self, written: int = 0, batches: int = 0, freed: Freed | None = None) -> Figures:
        """The state as it is now, with what became of samples added to what was known of that."""
        before, spools, freed = self.figures, list(self.spools()), freed or Freed()
        since_s = [spool.since_s for spool in spools] + ([before.since_s] if self._out_of_reach else [])
        return Figures(
            waiting=sum(spool.waiting for spool in spools) + self._out_of_reach,
            since_s=min((moment_s for moment_s in since_s if moment_s is not None), default=None),
            written=before.written + written,
            batches=before.batches + batches,
            thinned=before.thinned + freed.thinned,
            dropped=before.dropped + freed.dropped,
            quarantined=sum(spool.quarantined for spool in spools),
            bytes=sum(spool.bytes for spool in spools),
            error=self._error or self._damage,
            notes=tuple(note for spool in spools for note in spool.notes),
        )

    def close(self) -> None:
        """Close everything; what waits in the file stays there."""
        self._closed = True
        for spool in self.spools():
            spool.close()
        self._file = self._memory = None
        if self._held is not None:
            self._held.close()
            self._held = None

    @property
    def lasts(self) -> bool:
        """Whether all that waits outlives this process."""
        return self._path is not None and self._memory is None and not self._error

    def _in_memory(self) -> Spool:
        if self._memory is None:
            self._memory = Spool(None)
        return self._memory

    def _open(self, path: Path) -> Spool:
        path.parent.mkdir(parents=True, exist_ok=True)
        if self._held is None:
            self._held = _lock(path)
        return Spool(path)

    def _move_aside(self, path: Path, exc: Exception) -> None:
        moved = path.with_name(f"{path.stem}.damaged-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}{path.suffix}")
        for ending in ("", "-wal", "-shm"):
            file = path.with_name(path.name + ending)
            if file.exists():
                file.rename(moved.with_name(moved.name + ending))
        held = f" with {self._out_of_reach:,} samples" if self._out_of_reach else ""
        self._damage = (
            f"The spool {path} was damaged ({exc}) and is now {moved}{held}; a new one was begun. Check the disk; "
            "what can still be read of the old one can be had with sqlite3's .recover."
        )
        log.error("history: %s", self._damage)
        self.damages += 1
        self._out_of_reach = 0
        self._retry_at_s = self._clock()


def is_damage(exc: Exception) -> bool:
    """Whether the file itself is at fault, so that trying again is of no use."""
    code = getattr(exc, "sqlite_errorcode", None) or 0
    return isinstance(exc, SpoolDamaged) or code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def explain(exc: Exception, path: Path) -> str:
    """Why the spool at `path` cannot be used, what follows and what to do about it."""
    if isinstance(exc, SpoolLocked):
        reason = f"The spool {path} is in use by another Tapewatch"
        remedy = "Stop the other one, or set history.spool to a directory of this one's own."
    elif _is_full(exc):
        reason, remedy = f"No space is left for the spool {path}", "Free some space there."
    else:
        reason = f"The spool {path} cannot be used ({exc})"
        remedy = "Make its directory writable, or set history.spool to another one."
    return f"{reason}: new samples wait in memory and would be lost with this process. {remedy}"


def _is_full(exc: Exception) -> bool:
    code = getattr(exc, "sqlite_errorcode", None) or 0
    return code & 0xFF == sqlite3.SQLITE_FULL or (isinstance(exc, OSError) and exc.errno == errno.ENOSPC)


def _lock(path: Path) -> IO[str]:
    """The lock beside the spool, held until closed or our end.

    Raises:
        SpoolLocked: another process, or another recorder of this one, has it.
    """
    handle = path.with_name(f"{path.name}.lock").open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise SpoolLocked(str(path)) from None
    return handle
