"""What the embedded engine keeps: looked at in a process of its own, since an engine's idle threads stay for good."""

import json
import subprocess
import sys
from pathlib import Path

from history.schema import TABLES, TIDY
from history.store import Store
from probes.clickhouse_client import EMBEDDED_CONDITION_CACHE_BYTES
from tests.history import schema_v2
from tests.history.rows import client_of

WEEKS = 120
"""More than the hundred outdated parts from which ClickHouse, left alone, deletes with 128 threads."""
MOST_THREADS = 10
CONDITIONS = 50
"""Each is remembered for every part, in 64 bytes: half as much again as may be."""
PROGRAM = """
import json, os, sys, time
from history.store import Store
from settings import History

store = Store(History.model_validate({"dsn": f"chdb://{sys.argv[1]}", "spool": "memory"}))
client = store.connect()
store.migrate(client)

def asked(sql):
    return int(str(client.command(sql)))

where = f"database = '{store.database}' AND table = 'samples'"
threads = "SELECT value FROM system.metrics WHERE metric = 'GlobalThread'"
weeks = int(sys.argv[2])
client.command(f"INSERT INTO {store.database}.samples (series_id, ts, bits) VALUES (1, now(), 1)")
before = asked(threads)
client.command(
    f"INSERT INTO {store.database}.samples (series_id, ts, bits) "
    f"SELECT 1, now() - toIntervalWeek(number), number FROM numbers({weeks})",
    settings={"max_partitions_per_insert_block": 0, "throw_on_max_partitions_per_insert_block": 0},
)
parts = asked(f"SELECT count() FROM system.parts WHERE {where}")
for number in range(int(sys.argv[3])):
    client.command(f"SELECT count() FROM {store.database}.samples WHERE bits = {10**9 + number}")
conditions = asked("SELECT value FROM system.metrics WHERE metric = 'QueryConditionCacheBytes'")
client.command(f"TRUNCATE TABLE {store.database}.samples")
give_up_s = time.monotonic() + 60
while asked(f"SELECT count() FROM system.parts WHERE {where}") and time.monotonic() < give_up_s:
    time.sleep(0.1)
left = asked(f"SELECT count() FROM system.parts WHERE {where}")
more = asked(threads) - before
print(json.dumps({"parts": parts, "left": left, "threads": more, "conditions": conditions}), flush=True)
os._exit(0)
"""


def test_neither_deleted_parts_nor_conditions_asked_once_are_held_on_to(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "history"), str(WEEKS), str(CONDITIONS)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout)
    assert seen["parts"] >= WEEKS
    assert seen["left"] == 0
    assert seen["threads"] <= MOST_THREADS
    assert 0 < seen["conditions"] <= EMBEDDED_CONDITION_CACHE_BYTES < 64 * WEEKS * CONDITIONS


def test_tables_of_an_earlier_version_are_brought_to_it(store: Store) -> None:
    older = Store(store.settings.model_copy(update={"database": f"{store.database}_old"}))
    with client_of(older) as client:
        for statement in schema_v2.create(older.database, older.zone):
            client.command(statement)
        older.migrate(client)
        made = client.query(
            f"SELECT name, engine_full FROM system.tables WHERE database = '{older.database}' "
            "AND engine LIKE '%MergeTree'"
        ).result_rows
    assert len(made) > len(TABLES)
    for name, engine in made:
        assert all(f"{setting} = {value}" in engine for setting, value in TIDY.items()), name
