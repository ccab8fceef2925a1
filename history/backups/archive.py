"""The file of a backup: a tar of the frozen parts, and last of all the manifest that says what is in it.

Parts are compressed already, so the tar is not. A file that was cut off has no manifest, and one that
is not whole yet bears another name: what has its name and its manifest is whole, and every file in it
has a checksum.
"""

import fcntl
import hashlib
import io
import json
import os
import re
import shutil
import tarfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from errno import EACCES, EDQUOT, ENOSPC, EPERM, EROFS
from pathlib import Path
from typing import IO, Any

FORMAT = 1
MANIFEST, SEAL = "manifest.json", "manifest.sha256"
PARTIAL = ".tapewatch-partial"
_MEMBER = re.compile(r"tables/(\w+)/([\w-]+)/([\w.%=+-]+(?:/[\w.%=+-]+)?)")
_CREATE = re.compile(r"CREATE TABLE \w+\.\w+ \((?!.* AS SELECT )[^;]* ENGINE = \w*MergeTree\b[^;]*")


class BackupError(Exception):
    """Why a backup or a restore cannot be; the message is for people and says what to do."""


@dataclass(frozen=True, slots=True)
class TableCopy:
    """One table as it was frozen.

    Attributes:
        create: the statement that made it.
        rows: rows in all parts.
        samples: raw samples its rows stand for, where it has any: its rows, or the sum of their counts.
        hashed: the columns in `row_sum`.
        row_sum: the rows' hashes, summed modulo 2 ** 64; a decimal, since JSON readers round such numbers.
    """

    name: str
    create: str
    rows: int
    samples: int | None
    hashed: tuple[str, ...]
    row_sum: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds.

    Attributes:
        made_at: the moment of freezing, ISO 8601 in UTC.
        engine: version of the ClickHouse that wrote the parts.
        files: size in bytes and SHA-256 of each file, by its name in the tar.
    """

    database: str
    schema_version: int
    made_at: str
    engine: str
    tables: tuple[TableCopy, ...]
    files: Mapping[str, tuple[int, str]]
    format: int = FORMAT

    @property
    def size_bytes(self) -> int:
        return sum(size for size, _ in self.files.values())

    @property
    def samples(self) -> int:
        return next((table.rows for table in self.tables if table.name == "samples"), 0)

    def said(self) -> str:
        """What it holds, in a phrase."""
        return (
            f"{self.samples:,} samples, {len(self.tables)} tables, {self.size_bytes / 1e6:,.1f} MB, "
            f"schema version {self.schema_version}, as of {self.made_at}"
        )


class Writer:
    """Writes a backup beside its final name, which it gets when it is whole.

    Raises:
        BackupError: there is a file of that name already.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        if target.exists():
            raise BackupError(f"{target} exists already: a backup overwrites nothing. Name another file with TO=.")
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_partial(target.parent)
        self._path = target.with_name(target.name + PARTIAL)
        self._file = self._path.open("wb")
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # tells the living from what a kill left behind
        self._tar = tarfile.open(fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115  # see close
        self.files: dict[str, tuple[int, str]] = {}

    def add(self, name: str, path: Path) -> None:
        """Copy one file into the backup under `name`."""
        info = tarfile.TarInfo(name)
        info.size = path.stat().st_size
        with path.open("rb") as source:
            hashing = _Hashing(source)
            self._tar.addfile(info, hashing)
        self.files[name] = info.size, hashing.digest

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest and give the file its name."""
        text = json.dumps(asdict(manifest), indent=1).encode()
        for name, content in ((MANIFEST, text), (SEAL, hashlib.sha256(text).hexdigest().encode())):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            self._tar.addfile(info, io.BytesIO(content))
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._path.rename(self.target)
        _sync(self.target.parent)

    def close(self) -> None:
        """Remove what did not become a backup."""
        with suppress(OSError):  # the disk may be full: what matters is that the file goes
            self._file.close()
        self._path.unlink(missing_ok=True)


class Reader:
    """Reads a backup.

    Raises:
        BackupError: it cannot be read, is something else, is damaged, cut off, or of a newer format.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with ExitStack() as stack:
                self._tar = stack.enter_context(tarfile.open(path, "r:"))
                self._members = {member.name: member for member in self._tar.getmembers() if member.isfile()}
                self.manifest = self._manifest()
                stack.pop_all()  # it stays open till close
        except (tarfile.TarError, EOFError):
            raise BackupError(f"{path} is no backup of Tapewatch, or was cut off: take another one.") from None
        except OSError as error:
            raise BackupError(sentence(error, path)) from None

    def _manifest(self) -> Manifest:
        if MANIFEST not in self._members or SEAL not in self._members:
            raise tarfile.ReadError
        text, seal = self._content(MANIFEST), self._content(SEAL)
        if hashlib.sha256(text).hexdigest().encode() != seal:
            raise self._damaged(MANIFEST)
        manifest = parse(text, self.path)
        sizes = {name: member.size for name, member in self._members.items() if name not in {MANIFEST, SEAL}}
        expected = {name: size for name, (size, _) in manifest.files.items()}
        for name in sorted(sizes.keys() | expected.keys()):
            if sizes.get(name) != expected.get(name):
                raise self._damaged(name)
        return manifest

    def parts(self, table: str) -> list[str]:
        """The names of a table's parts in the order their rows were written."""
        found = {match[2] for match in map(_MEMBER.fullmatch, self.manifest.files) if match and match[1] == table}
        return sorted(found, key=lambda part: int(part.split("_")[1]))

    def extract(self, table: str, part: str, folder: Path) -> None:
        """Write the files of one part to `folder`.

        Raises:
            BackupError: a file is not what the manifest says.
            OSError: it cannot be written.
        """
        prefix = f"tables/{table}/{part}/"
        for name in sorted(name for name in self.manifest.files if name.startswith(prefix)):
            target = folder / name.removeprefix(prefix)
            target.parent.mkdir(parents=True, exist_ok=True)
            source = self._tar.extractfile(self._members[name])
            assert source is not None  # only files are among the members
            hashing = _Hashing(source)
            with target.open("wb") as copy:
                shutil.copyfileobj(hashing, copy, 1 << 20)
            if hashing.digest != self.manifest.files[name][1]:
                raise self._damaged(name)

    def close(self) -> None:
        self._tar.close()

    def _content(self, name: str) -> bytes:
        file = self._tar.extractfile(self._members[name])
        assert file is not None  # only files are among the members
        return file.read()

    def _damaged(self, name: str) -> BackupError:
        return BackupError(
            f"{self.path} is damaged: {name} in it is not what was written. Take another backup; nothing was restored."
        )


class _Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._hash.update(data)
        return data

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


def parse(text: bytes, path: Path) -> Manifest:
    """The manifest in `text`, which may come from anywhere.

    Raises:
        BackupError: it is of a newer format, or holds what no backup holds.
    """
    try:
        document: dict[str, Any] = json.loads(text)
        if int(document["format"]) > FORMAT:
            raise BackupError(
                f"{path} has format {document['format']}, this Tapewatch reads {FORMAT}: restore it with a newer one."
            )
        tables = tuple(TableCopy(**{**table, "hashed": tuple(table["hashed"])}) for table in document["tables"])
        files = {str(name): (int(size), str(digest)) for name, (size, digest) in document["files"].items()}
        manifest = Manifest(**{**document, "tables": tables, "files": files})
    except (ValueError, KeyError, TypeError):
        raise BackupError(f"{path} is no backup of Tapewatch: its {MANIFEST} says something else.") from None
    names = [name for name in files if not _MEMBER.fullmatch(name) or ".." in name]
    names += [word for table in tables for word in (table.name, *table.hashed) if not re.fullmatch(r"\w+", word)]
    names += [table.create for table in tables if not _CREATE.fullmatch(table.create)]
    if names:
        raise BackupError(f"{path} holds what no backup of Tapewatch holds: {names[0][:80]!r}. It is not restored.")
    return manifest


def sentence(error: OSError, path: Path) -> str:
    """What an error of the file system means for `path`, in words."""
    if error.errno in {ENOSPC, EDQUOT}:
        return f"No space is left at {path}: free some, or name another place. Nothing was left behind there."
    if error.errno in {EACCES, EPERM, EROFS}:
        where = error.filename or path
        return f"{where} may not be read or written by this user: {error.strerror}. Grant it, or name another place."
    return f"{error.filename or path} cannot be used: {error.strerror or error}."


def require_space(folder: Path, needed_bytes: int) -> None:
    """See that `folder` has room.

    Raises:
        BackupError: it has not.
    """
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise BackupError(
            f"{folder} has {free_bytes / 1e6:,.1f} MB free and {needed_bytes / 1e6:,.1f} MB are needed: "
            "free some, or name another place."
        )


def remove_partial(folder: Path) -> None:
    """Remove unfinished backups that nobody is writing any more."""
    for path in _unfinished(folder.glob(f"*{PARTIAL}")):
        path.unlink(missing_ok=True)


def _unfinished(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        with suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield path


def _sync(folder: Path) -> None:
    """Make a rename in `folder` last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
