"""Questions about what people left: events, annotations among them, and saved views."""

from clickhouse_connect.driver.client import Client

from history.answers import Event, View
from history.queries.scope import LIMITS, Scope
from history.window import Window

MOST_EVENTS, MOST_VIEWS = 5000, 1000
_EVENT = """toFloat64(toUnixTimestamp64Milli(ts)) / 1000, toFloat64(toUnixTimestamp64Milli(till)) / 1000,
            kind, component, author, text, toString(id)"""


def events(client: Client, scope: Scope, window: Window) -> tuple[Event, ...]:
    """Events that touch `window`, oldest first."""
    rows = client.query(
        f"""SELECT {_EVENT} FROM {scope.database}.event FINAL WHERE ts < toDateTime64({{end:Float64}}, 3, 'UTC')
              AND coalesce(till, ts) >= toDateTime64({{start:Float64}}, 3, 'UTC')
            ORDER BY ts LIMIT {MOST_EVENTS}""",
        parameters={"start": float(window.start_s), "end": float(window.end_s)},
        settings=LIMITS,
    ).result_rows
    return tuple(Event(*row) for row in rows)


def events_of(client: Client, scope: Scope, identity: str) -> tuple[Event, ...]:
    """The event of this identity; none when there is none, or it was deleted."""
    rows = client.query(
        f"SELECT {_EVENT} FROM {scope.database}.event FINAL WHERE id = {{id:UUID}}",
        parameters={"id": identity},
        settings=LIMITS,
    ).result_rows
    return tuple(Event(*row) for row in rows)


def saved_views(client: Client, scope: Scope) -> tuple[View, ...]:
    """The saved views, by name."""
    rows = client.query(
        f"""SELECT toString(id), name, page, query, author, note, toFloat64(toUnixTimestamp64Milli(at)) / 1000
            FROM {scope.database}.view FINAL ORDER BY lower(name), id LIMIT {MOST_VIEWS}""",
        settings=LIMITS,
    ).result_rows
    return tuple(View(*row) for row in rows)
