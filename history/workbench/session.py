"""A client that runs one statement of somebody's: of its own, locked against writing, within limits."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from clickhouse_connect.driver.client import Client

from history.store import PING_TIMEOUT_S, Store, StoreUnavailable
from history.workbench.refusal import Refused
from history.workbench.result import FORMATTED, RESULT_BYTES
from probes import clickhouse_client
from probes.result import ProbeError
from settings import Workbench

MEMORY_BYTES = 1_000_000_000
ROWS_TO_READ = 500_000_000
THREADS = 2
BLOCK_ROWS = 8_192
"""Smaller than the engine's own: between two blocks it sees that its time is up or that it is cancelled."""
ELEMENTS_OF_RANGE = 1_000_000
"""A year of minutes is half of it; large arrays made of nothing are how one call takes minutes."""
PATIENCE_S = 5
"""A server is given up on so long after the time a statement may take."""


@dataclass(frozen=True, slots=True)
class Session:
    """A client at home in the history's database.

    Attributes:
        tag: by which another client finds its statement; also the query's id on a server.
        settings: to send with every question; none for the embedded engine, whose client keeps them.
    """

    client: Client
    tag: str
    settings: dict[str, Any]
    most_rows: int

    def locked(self) -> dict[str, Any]:
        """Let nothing but reading through from here on; returns the settings to send with the statement.

        One row more than is shown tells that there are more.
        """
        last = {"limit": self.most_rows + 1, "readonly": 1}
        if self.settings:
            writable = self.client.server_settings["readonly"].value == "0"
            return {**self.settings, **(last if writable else {"limit": self.most_rows + 1})}
        _set(self.client, last)
        return {}


@contextmanager
def session(store: Store, workbench: Workbench, tag: str) -> Iterator[Session]:
    """Open a session for one statement.

    Raises:
        Refused: the server's user cannot be bounded.
        StoreUnavailable, ProbeFailure, ClickHouseError, OSError, urllib3.exceptions.HTTPError: there is no client.
    """
    with closing(_connect(store, workbench)) as client:
        limits = limits_of(workbench, tag)
        if clickhouse_client.is_embedded(store.settings.dsn):
            _set(client, limits)
            yield Session(client, tag, {}, workbench.max_rows)
        else:
            if client.server_settings["readonly"].value == "1":
                raise Refused(
                    "The workbench's user of the server may not set limits (readonly = 1).",
                    "Give its profile readonly = 2: docs/workbench.md has the statements.",
                )
            # The end is waited for so that a failure comes as one, not as rows that break off.
            yield Session(client, tag, {**limits, "query_id": tag, "wait_end_of_query": 1}, workbench.max_rows)


def limits_of(workbench: Workbench, tag: str) -> dict[str, Any]:
    """What a statement may cost: settings of ClickHouse."""
    return {
        "max_execution_time": workbench.max_seconds,
        "max_memory_usage": MEMORY_BYTES,
        "max_rows_to_read": ROWS_TO_READ,
        "max_result_bytes": RESULT_BYTES,
        "max_threads": THREADS,
        "max_block_size": BLOCK_ROWS,
        "function_range_max_elements_in_block": ELEMENTS_OF_RANGE,
        "log_comment": tag,
        **FORMATTED,
    }


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a statement under way has come."""

    elapsed_s: float
    rows: int = 0
    bytes: int = 0
    memory_bytes: int = 0


def watching(store: Store, workbench: Workbench) -> Client:
    """A client that looks after the statements of others; see `session` for what is raised."""
    return _connect(store, workbench)


def progress(client: Client, tag: str, elapsed_s: float) -> Progress:
    """How far the statement with `tag` has come."""
    rows = client.query(
        f"SELECT read_rows, read_bytes, memory_usage FROM system.processes WHERE {_TAGGED}", parameters={"tag": tag}
    ).result_rows
    return Progress(elapsed_s, *map(int, rows[0])) if rows else Progress(elapsed_s)


def kill(client: Client, tag: str) -> None:
    """End the statement with `tag`, if it runs; returns at once."""
    found = client.query(f"SELECT query_id FROM system.processes WHERE {_TAGGED}", parameters={"tag": tag}).result_rows
    for (query_id,) in found:
        client.command("KILL QUERY WHERE query_id = {query_id:String} ASYNC", parameters={"query_id": query_id})


_TAGGED = "(query_id = {tag:String} OR Settings['log_comment'] = {tag:String}) AND NOT is_cancelled"


def _connect(store: Store, workbench: Workbench) -> Client:
    timeout_s = int(workbench.max_seconds) + PATIENCE_S
    if workbench.dsn is not None:
        clickhouse_client.ping(workbench.dsn, PING_TIMEOUT_S)
        return clickhouse_client.connect(workbench.dsn, read_timeout_s=timeout_s, database=store.database)
    if not store.state.ready:
        raise StoreUnavailable(store.state.error or ProbeError("starting", "The history is opening.", ""))
    client = store.connect(timeout_s)
    client.database = store.database
    return client


def _set(client: Client, settings: dict[str, Any]) -> None:
    for name, value in settings.items():
        client.command(f"SET {name} = '{value}'")
