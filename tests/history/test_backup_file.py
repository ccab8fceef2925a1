"""What is no backup, or no honest one, is refused before anything is done with it."""

import json
import tarfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from history.backups.archive import BackupError, Manifest, Reader, TableCopy, Writer, parse
from history.backups.restore import open_backup
from history.schema import VERSION

TABLE = TableCopy(
    "samples", "CREATE TABLE t.samples (`x` UInt8) ENGINE = MergeTree ORDER BY x SETTINGS y = 1", 3, 3, ("x",), "7"
)


def written(path: Path, schema_version: int = VERSION) -> None:
    """A backup of one table with one file."""
    content = path.with_name("content")
    content.write_bytes(b"abc")
    with closing(Writer(path)) as writer:
        writer.add("tables/samples/all_1_1_0/data.bin", content)
        writer.finish(Manifest("t", schema_version, "2026-09-21T16:00:00Z", "26.9", (TABLE,), writer.files))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "b.tar"
    written(path)
    with closing(Reader(path)) as backup:
        assert backup.manifest.tables == (TABLE,)
        assert backup.manifest.said() == "3 samples, 1 tables, 0.0 MB, schema version 3, as of 2026-09-21T16:00:00Z"
        assert backup.parts("samples") == ["all_1_1_0"]
        backup.extract("samples", "all_1_1_0", tmp_path / "out")
    assert (tmp_path / "out" / "data.bin").read_bytes() == b"abc"


def test_parts_come_in_the_order_they_were_written(tmp_path: Path) -> None:
    """The last of equal rows is the one a ReplacingMergeTree keeps."""
    path, content = tmp_path / "b.tar", tmp_path / "content"
    content.write_bytes(b"x")
    with closing(Writer(path)) as writer:
        for part in ("2026_10_12_1", "2025_2_9_1", "2026_1_1_0"):
            writer.add(f"tables/samples/{part}/x", content)
        writer.finish(Manifest("t", VERSION, "", "", (TABLE,), writer.files))
    with closing(Reader(path)) as backup:
        assert backup.parts("samples") == ["2026_1_1_0", "2025_2_9_1", "2026_10_12_1"]


def test_an_abandoned_one_leaves_nothing(tmp_path: Path) -> None:
    Writer(tmp_path / "b.tar").close()
    assert list(tmp_path.iterdir()) == []


def test_foreign_files_are_named(tmp_path: Path) -> None:
    text, archive = tmp_path / "notes.txt", tmp_path / "photos.tar"
    text.write_text("notes\n" * 1000)
    with tarfile.open(archive, "w") as tar:
        tar.add(text, "notes.txt")
    for path, said in (
        (text, "is no backup of Tapewatch"),
        (archive, "is no backup of Tapewatch"),
        (tmp_path, "Is a directory"),
        (tmp_path / "none", "No such file"),
    ):
        with pytest.raises(BackupError, match=said) as caught:
            open_backup(path)
        assert str(path) in str(caught.value)


def test_a_newer_one_and_a_hostile_one_are_refused(tmp_path: Path) -> None:
    newer = tmp_path / "newer.tar"
    written(newer, VERSION + 7)
    with pytest.raises(BackupError, match=f"has schema version {VERSION + 7}, this Tapewatch knows {VERSION}"):
        open_backup(newer)
    document = {"database": "d", "schema_version": 1, "made_at": "", "engine": "", "tables": [], "files": {}}
    hostile: tuple[tuple[dict[str, object], str], ...] = (
        ({"format": 9}, "has format 9, this Tapewatch reads 1"),
        ({"format": 1, "files": {"tables/samples/../../x/y": [1, ""]}}, "holds what no backup"),
        ({"format": 1, "files": {"/etc/passwd": [1, ""]}}, "holds what no backup"),
        ({"format": 1, "tables": [as_json(replace(TABLE, create="DROP DATABASE x"))]}, "holds what no backup"),
        (
            {"format": 1, "tables": [as_json(replace(TABLE, create=f"{TABLE.create} AS SELECT file('/etc/passwd')"))]},
            "holds what no backup",
        ),
        ({"format": 1, "tables": [as_json(replace(TABLE, name="x; DROP DATABASE y"))]}, "holds what no backup"),
        ({"format": 1, "tables": [as_json(replace(TABLE, hashed=("a`",)))]}, "holds what no backup"),
        ({"format": 1, "surprise": 1}, "says something else"),
        ({}, "says something else"),
    )
    for change, said in hostile:
        with pytest.raises(BackupError, match=said):
            parse(json.dumps({**document, **change}).encode(), newer)
    with pytest.raises(BackupError, match="says something else"):
        parse(b"\xff", newer)


def as_json(table: TableCopy) -> dict[str, object]:
    return {name: getattr(table, name) for name in table.__slots__}
