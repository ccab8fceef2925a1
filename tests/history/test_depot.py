"""A spool that cannot be had: locked, full, damaged, unwritable. Rows go on, and what is wrong is said."""

import sqlite3
from pathlib import Path

import pytest

from history.spool.depot import RETRY_S, Depot, file_of, is_damage
from history.spool.rows import Rows
from settings import History
from tests.history.rows import T0_S
from tests.history.test_spool import drained, gauge
from tests.probes.fakes import Clock


def path_of(directory: Path) -> Path:
    return directory / "spool" / "history.sqlite"


def put(depot: Depot, *seconds: int) -> None:
    depot.append(Rows([gauge(T0_S + second, float(second)) for second in seconds]))
    depot.publish()


def everything(depot: Depot) -> list[float]:
    return [value for spool in list(depot.spools()) for value in drained(spool)]


def test_a_spool_another_holds_is_left_alone_until_it_is_free(tmp_path: Path) -> None:
    clock = Clock()
    first, second = Depot(path_of(tmp_path)), Depot(path_of(tmp_path), clock)
    put(first, 0, 1)
    put(second, 2)
    assert (first.figures.error, first.lasts, second.lasts) == ("", True, False)
    assert "is in use by another Tapewatch" in second.figures.error
    assert "Stop the other one" in second.figures.error
    assert second.figures.waiting == 1
    first.close()
    put(second, 3)
    assert second.figures.error, "not tried again for a while"
    clock.now_s += RETRY_S
    put(second, 4)
    assert (second.figures.error, second.lasts, second.figures.waiting) == ("", True, 5)
    assert sorted(everything(second)) == [0.0, 1.0, 2.0, 3.0, 4.0]
    second.close()


def test_a_full_disk_sends_what_comes_to_memory_and_back(tmp_path: Path) -> None:
    clock = Clock()
    depot = Depot(path_of(tmp_path), clock)
    put(depot, 0, 1)
    (file,) = depot.spools()
    pages = file._one("PRAGMA page_count")
    file._db.execute(f"PRAGMA max_page_count = {pages}")  # SQLite's own "database or disk is full"
    put(depot, *range(2, 2_000))
    assert "No space is left for the spool" in depot.figures.error
    assert "Free some space" in depot.figures.error
    assert (depot.figures.waiting, depot.figures.since_s) == (2_000, T0_S), "those in the file are counted"
    assert everything(depot) == [float(second) for second in range(2, 2_000)], "these go meanwhile"
    put(depot, 2_000)
    clock.now_s += RETRY_S
    put(depot, 2_001)
    assert (depot.figures.error, depot.figures.waiting) == ("", 4)
    assert sorted(everything(depot)) == [0.0, 1.0, 2_000.0, 2_001.0]
    depot.close()


@pytest.mark.parametrize("when", ["at the start", "while it runs"])
def test_a_damaged_spool_is_moved_aside_and_a_new_one_begun(tmp_path: Path, when: str) -> None:
    path = path_of(tmp_path)
    depot = Depot(path)
    put(depot, *range(2_000))
    if when == "at the start":
        depot.close()
        depot = Depot(path)
    else:
        (file,) = depot.spools()
        file._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        file._db.execute("PRAGMA shrink_memory").fetchall()
    damaged = b"\x00garbage" * 9_000
    path.write_bytes(damaged)
    put(depot, 5_000)
    assert "was damaged" in depot.figures.error
    assert (depot.damages, depot.lasts, depot.figures.waiting) == (1, True, 1)
    (aside,) = path.parent.glob("history.damaged-*.sqlite")
    assert aside.read_bytes() == damaged, "it is kept for whoever can mend it"
    assert str(aside) in depot.figures.error
    assert everything(depot) == [5_000.0]
    depot.close()


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file where the directory should be")
    depot = Depot(path_of(tmp_path))
    put(depot, 0)
    assert "cannot be used" in depot.figures.error
    assert "set history.spool to another one" in depot.figures.error
    assert (depot.figures.waiting, depot.lasts) == (1, False)


def test_a_spool_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    depot = Depot(path_of(tmp_path))
    put(depot, 0)
    depot.close()
    with sqlite3.connect(path_of(tmp_path)) as newer:
        newer.execute("PRAGMA user_version = 99")
    again = Depot(path_of(tmp_path))
    put(again, 1)
    assert "version 99" in again.figures.error
    assert not is_damage(sqlite3.NotSupportedError())
    assert list(path_of(tmp_path).parent.glob("*damaged*")) == []
    again.close()


def test_memory_is_no_fault_when_it_was_asked_for() -> None:
    depot = Depot(file_of(History(spool="memory")))
    put(depot, 0)
    assert (depot.figures.error, depot.lasts, depot.figures.bytes) == ("", False, 0)


def test_each_history_has_a_file_of_its_own() -> None:
    places = [
        History.model_validate({"dsn": dsn, "database": database})
        for dsn in ("chdb://var/a", "chdb://var/b", "clickhouse://me:open-sesame@host:8123")
        for database in ("one", "two")
    ]
    files = {str(file_of(place)) for place in places}
    assert len(files) == len(places)
    assert not any("sesame" in file for file in files)
    assert all(file.startswith("var/spool/") for file in files)
