"""Files written into a real engine: every sample once, however the import ends and begins again."""

import gzip
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from history import queries
from history.imports import run as imports
from history.imports.run import Import, ImportedOtherwise, Report
from history.imports.source import FileRefused, OptionNeeded, Options
from history.precision import rounded
from history.store import Store
from history.tables import WRITERS, long_table
from history.window import Window
from settings import History
from settings_types import SecretUrl
from tests.clickhouse_http import clickhouse_process
from tests.history.rows import COUNT, METRICS, T0_S, client_of, count, sampled, scope, write
from tests.history.test_import_formats import DUMP
from tests.probes.fakes import FILL
from tests.probes.listeners import eventually

ROOT = Path(__file__).parent.parent.parent
TIERS = ("samples_15m", "samples_4h", "samples_1d")
DAY_S = 86400


@pytest.fixture
def store(chdb_path: Path, database: str) -> Iterator[Store]:
    """A history that keeps raw samples until 2036, whatever the day the tests run on."""
    opened = opened_store(f"chdb://{chdb_path}", database, raw="3650d", quarter_hour="3650d")
    yield opened
    opened.stop()


def opened_store(dsn: str, database: str, **kept: str) -> Store:
    retention = {"four_hours": "3650d", "days": "7300d", **kept}
    store = Store(History.model_validate({"dsn": SecretUrl(dsn), "database": database, "retention": retention}))
    with client_of(store) as client:
        store.migrate(client)
    return store


def bring(store: Store, path: Path, chunk_rows: int = 1000, moved: Any = lambda _: None, **options: Any) -> Report:
    again = options.pop("again", False)
    work = Import(path, Options(**options), METRICS, lambda _: None, chunk_rows)
    with client_of(store) as client:
        return work.run(client, store.database, moved, again)


def counted(store: Store) -> list[int]:
    """Samples as raw and every roll-up count them."""
    return [count(store, "samples"), *(count(store, tier, "sum(cnt)") for tier in TIERS)]


def totals(path: Path, rows: int, series: int = 5) -> Path:
    """A CSV of running totals and levels, in the order of time; each total grows by one a reading."""
    place = np.arange(rows)
    table = pa.table(
        {
            "component": pa.array(np.char.add("c", (place % series).astype(str))),
            "metric": pa.array(np.where(place % 2, "level_ratio", COUNT.name)),
            "time": pa.array(T0_S + place // series * 10),
            "value": pa.array((place // (2 * series) + 100).astype(np.float64)),
        }
    )
    pa.csv.write_csv(table, path)
    return path


def test_what_is_imported_is_what_the_file_has(store: Store, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    t, fill, free = T0_S + np.arange(4000) * 15, random.random(4000), random.lognormal(0, 1, 4000)
    path = tmp_path / "f.parquet"
    columns = {"component": ["a"] * 8000, "metric": [FILL.name] * 4000 + ["stranger_seconds"] * 4000}
    pq.write_table(pa.table({**columns, "time": np.tile(t, 2), "value": np.concatenate([fill, free])}), path)
    report = bring(store, path)
    assert (report.samples, report.series, report.rows, report.whole) == (8000, 2, 8000, True)
    assert counted(store) == [8000] * 4
    kept = np.array([rounded(value, FILL.bits) for value in fill])
    with client_of(store) as client:
        found = queries.series(
            client, scope(store, T0_S + DAY_S), Window(T0_S, T0_S + 4000 * 15, 900), (FILL.name, "stranger_seconds")
        )
        kinds = client.query(f"SELECT metric, unit, kind FROM {store.database}.series ORDER BY metric").result_rows
    assert [tuple(row) for row in kinds] == [
        (FILL.name, FILL.unit, FILL.type),
        ("stranger_seconds", "seconds", "gauge"),
    ]
    known, stranger = found.of(FILL.name)[0], found.of("stranger_seconds")[0]
    np.testing.assert_allclose(known.avg[:-1], kept[:3960].reshape(-1, 60).mean(1), rtol=1e-12)
    assert stranger.high.max() == free.max(), "what the catalogue does not know is kept exactly"
    again = bring(store, path)
    assert (again.again, again.samples, again.rows, counted(store)) == (True, 0, 8000, [8000] * 4)


def test_an_export_of_ours_comes_back(store: Store, tmp_path: Path, chdb_path: Path) -> None:
    store.start()
    assert eventually(lambda: store.state.ready, 30)
    values = ((FILL.name, (("disk", 'a "b"'),)), (COUNT.name, ()))
    write(
        store,
        [sampled("thing", T0_S + 60 * n, *((name, n + 6.0, labels) for name, labels in values)) for n in range(100)],
    )
    asked = scope(store, T0_S + DAY_S), Window(T0_S, T0_S + 6000, 60), (FILL.name, COUNT.name), (), True
    with client_of(store) as client:
        exported = queries.series(client, *asked)
    for kind in ("csv", "parquet"):
        path = tmp_path / kind
        path.write_bytes(WRITERS[kind](long_table(exported.series, True)))
        other = opened_store(f"chdb://{chdb_path}", f"{store.database}_{kind}", raw="3650d")
        with pytest.raises(OptionNeeded) as needed:
            bring(other, path)
        assert f"averages of {COUNT.name}, a counter: rates per second" in str(needed.value)
        report = bring(other, path, step_s=60.0)
        assert (report.samples, report.refused) == (200, 0)
        assert report.notes[0].startswith("A row became one sample, its avg: min, max, count, p")
        with client_of(other) as client:
            found = queries.series(client, scope(other, T0_S + DAY_S), *asked[1:])
        for before, after in zip(exported.series, found.series, strict=True):
            assert (before.component, before.metric, before.labels) == (after.component, after.metric, after.labels)
            np.testing.assert_allclose(after.avg, before.avg, rtol=1e-9)


def test_a_dump_is_the_same_file_packed_or_not(store: Store, tmp_path: Path) -> None:
    report = bring(store, DUMP)
    assert (report.samples, report.begun, report.skipped, report.refused, report.series) == (67, 7, 2, 0, 10)
    packed = tmp_path / "dump.gz"
    packed.write_bytes(gzip.compress(DUMP.read_bytes()))
    assert bring(store, packed).again
    assert counted(store) == [67] * 4


class Enough(Exception):
    """Ends an import between two chunks, as Ctrl-C does."""


def stop_at(rows: int) -> Any:
    def moved(report: Report) -> None:
        if report.rows >= rows:
            raise Enough

    return moved


def test_broken_off_it_goes_on_where_it_ended(store: Store, tmp_path: Path) -> None:
    path = totals(tmp_path / "totals.csv", rows=3000)
    for rows in (1000, 2000):
        with pytest.raises(Enough):
            bring(store, path, moved=stop_at(rows), cumulative=True)
    assert counted(store)[0] == 2000 - 5, "five counters begin"
    report = bring(store, path, cumulative=True)
    assert (report.samples, report.before, report.begun, report.rows) == (1000, 1995, 5, 3000)
    assert counted(store) == [2995] * 4
    increases = count(store, f"samples WHERE series_id IN (SELECT series_id FROM {store.database}.series "
                             "WHERE kind = 'counter')", "sum(value)")  # fmt: skip
    assert increases == 1500 - 5, "each total grew by one from reading to reading, over the breaks as well"
    assert count(store, "series") == 10


def test_an_answer_that_is_lost_writes_nothing_twice(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = totals(tmp_path / "totals.csv", rows=2500)
    insert, sent = imports.insert, []

    def insert_and_lose_every_third_answer(client: Any, table: str, rows: Any, token: str) -> None:
        insert(client, table, rows, token)
        sent.append((table, token))
        if len(sent) % 3 == 0:
            raise TimeoutError("timed out")

    monkeypatch.setattr(imports, "insert", insert_and_lose_every_third_answer)
    runs = 1
    while True:
        try:
            report = bring(store, path, cumulative=True)
            break
        except TimeoutError:
            runs += 1
    assert report.whole
    assert runs > 2
    assert len(sent) > len(set(sent)), "what nobody knew the fate of was sent again"
    assert counted(store) == [2495] * 4
    assert count(store, "series", "uniqExact(series_id)") == 10


def test_killed_at_any_moment_and_run_again_every_sample_is_there_once(tmp_path: Path, database: str) -> None:
    path = totals(tmp_path / "totals.csv", rows=6000)
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.history.test_imports import bring, opened_store\n"
        "store = opened_store(sys.argv[1], sys.argv[2], raw='3650d', quarter_hour='3650d')\n"
        "bring(store, Path(sys.argv[3]), moved=lambda report: print(report.rows, flush=True), cumulative=True)\n"
    )
    with clickhouse_process(tmp_path / "server") as server:
        command = [sys.executable, "-c", program, server.dsn, database, str(path)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            while int(process.stdout.readline() or 6000) < 2000:
                pass
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        store = opened_store(server.dsn, database, raw="3650d", quarter_hour="3650d")
        assert 1995 <= counted(store)[0] < 5995
        report = bring(store, path, cumulative=True)
        assert report.before >= 1995
        assert counted(store) == [5995] * 4
        assert bring(store, path, cumulative=True).again


def test_five_years_in_one_chunk(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "years.csv"
    t = T0_S - np.arange(5 * 365)[::-1] * DAY_S
    pa.csv.write_csv(
        pa.table({"component": ["a"] * len(t), "metric": ["m"] * len(t), "time": t, "value": t * 1.0}), path
    )
    with pytest.raises(Enough):
        bring(store, path, moved=stop_at(1), chunk_rows=10_000)
    report = bring(store, path, chunk_rows=10_000)
    assert (report.before, report.samples) == (1825, 0)
    assert counted(store) == [1825] * 4


def test_samples_older_than_raw_is_kept_are_in_the_rollups(chdb_path: Path, database: str, tmp_path: Path) -> None:
    store = opened_store(f"chdb://{chdb_path}", database, raw="7d", quarter_hour="30d")
    path = tmp_path / "old.csv"
    t = int(time.time()) // DAY_S * DAY_S - 400 * DAY_S + np.arange(2 * 96) * 900
    pa.csv.write_csv(pa.table({"component": ["a"] * 192, "metric": ["m"] * 192, "time": t, "value": t * 1.0}), path)
    assert bring(store, path).samples == 192
    with client_of(store) as client:
        for table in ("samples", "samples_15m"):
            client.command(f"OPTIMIZE TABLE {store.database}.{table} FINAL")
        assert eventually(lambda: count(store, "samples") == count(store, "samples_15m") == 0, 10)
    assert [count(store, tier, "sum(cnt)") for tier in TIERS[1:]] == [192, 192]


def test_a_file_that_breaks_off_keeps_what_was_read(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("history.imports.formats.BATCH_ROWS", 1000)
    path = tmp_path / "f.parquet"
    values = np.random.default_rng(2).random(20_000)
    columns = {"component": ["a"] * 20_000, "metric": ["m"] * 20_000, "time": T0_S + np.arange(20_000)}
    pq.write_table(pa.table({**columns, "value": values}), path, row_group_size=5000)
    content = bytearray(path.read_bytes())
    content[len(content) * 3 // 4 : len(content) * 3 // 4 + 2000] = bytes(2000)
    path.write_bytes(content)
    with pytest.raises(FileRefused) as refused:
        bring(store, path, chunk_rows=5000)
    assert "f.parquet cannot be read beyond its first " in str(refused.value)
    assert counted(store)[0] in {5000, 10_000, 15_000}


def test_an_option_that_is_found_to_be_needed_late(store: Store, tmp_path: Path) -> None:
    """What was written before goes on under the new options; other options are another import."""
    path = tmp_path / "late"
    path.write_text("".join(f'up{{job="a"}} 1 {T0_S + n}\n' for n in range(2000)) + f"up 1 {T0_S}\n")
    with pytest.raises(OptionNeeded):
        bring(store, path)
    report = bring(store, path, component="mine")
    assert (report.before, report.samples, report.series) == (2000, 1, 2)
    assert bring(store, path, component="mine").again
    with pytest.raises(ImportedOtherwise) as refused:
        bring(store, path, component="yours", cumulative=True)
    assert "(chunk=1000; component=mine chunk=1000; now: component=yours cumulative chunk=1000)" in str(refused.value)
    assert bring(store, path, component="yours", cumulative=True, again=True).samples == 2001


def test_a_header_alone_is_a_whole_file(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    path.write_text("component,metric,time,value\n")
    report = bring(store, path)
    assert (report.samples, report.rows, report.whole, report.again) == (0, 0, True, False)
    assert bring(store, path).again
