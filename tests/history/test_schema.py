from collections.abc import Iterator

import pytest
from clickhouse_connect.driver.client import Client

from history.schema import DEDUPLICATION_WINDOW, VERSION, create_tables, layout_of
from history.store import Store
from settings import DEFAULT_ZONE, History
from tests.history.rows import T0_S, count, sampled, write
from tests.probes.fakes import FILL
from tests.probes.listeners import eventually


@pytest.fixture
def client(history_settings: History) -> Iterator[Client]:
    opened = Store(history_settings).connect()
    yield opened
    opened.close()


def tables(client: Client, database: str) -> dict[str, str]:
    """How each table of `database` was created."""
    rows = client.query(f"SELECT name, create_table_query FROM system.tables WHERE database = '{database}'").result_rows
    return {str(name): str(created) for name, created in rows}


def versions(client: Client, database: str) -> list[int]:
    return [row[0] for row in client.query(f"SELECT version FROM {database}.schema_version ORDER BY 1").result_rows]


def test_a_migration_run_again_changes_nothing_and_keeps_what_is_there(store: Store) -> None:
    write(store, [sampled("thing", T0_S, (FILL.name, 0.5, ()))])
    client = store.connect()
    before = tables(client, store.database)
    for _ in range(2):
        store.migrate(client)
    assert tables(client, store.database) == before
    assert versions(client, store.database) == [VERSION]
    assert count(store, "samples") == count(store, "samples_15m", "sum(cnt)") == 3
    client.close()


def test_a_start_broken_off_is_finished_by_the_next(client: Client, history_settings: History) -> None:
    statements = list(create_tables(layout_of(history_settings, DEFAULT_ZONE)))
    for done in range(0, len(statements), 3):
        settings = history_settings.model_copy(update={"database": f"{history_settings.database}_{done}"})
        client.command(f"CREATE DATABASE {settings.database} ENGINE = Atomic")
        for statement in statements[:done]:
            client.command(statement.replace(history_settings.database, settings.database))
        Store(settings).migrate(client)
        assert {"series", "samples", "samples_1d_mv", "latest_mv"} <= set(tables(client, settings.database))
        assert versions(client, settings.database) == [VERSION]


def test_a_newer_schema_is_refused_by_name_and_left_untouched(history_settings: History, client: Client) -> None:
    Store(history_settings).migrate(client)
    client.command(f"INSERT INTO {history_settings.database}.schema_version (version) VALUES (99)")
    before = tables(client, history_settings.database)
    store = Store(history_settings)
    store.start()
    assert eventually(lambda: store.state.error is not None, 20)
    error = store.state.error
    store.stop()
    assert error is not None
    assert (error.code, store.state.ready) == ("newer_schema", False)
    assert error.message == f"The history has schema version 99, this Tapewatch knows {VERSION}."
    assert "history.database" in error.hint
    assert tables(client, history_settings.database) == before


def test_every_table_a_batch_ends_in_remembers_its_token(store: Store) -> None:
    client = store.connect()
    created = tables(client, store.database)
    client.close()
    for table in ("series", "samples", "samples_15m", "samples_4h", "status_change"):
        assert f"non_replicated_deduplication_window = {DEDUPLICATION_WINDOW}" in created[table], table
    for table, kept_s in (("samples", 90 * 86400), ("samples_15m", 730 * 86400), ("samples_4h", 2190 * 86400)):
        assert f"toIntervalSecond({kept_s})" in created[table], table
