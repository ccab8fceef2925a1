"""How much the history holds."""

from clickhouse_connect.driver.client import Client

from history.queries.scope import LIMITS, Scope


def stored(client: Client, scope: Scope) -> dict[str, tuple[int, int]]:
    """Rows and bytes on disk of each table, by name; a table that keeps no rows of its own counts none."""
    table = client.query(
        """SELECT name, ifNull(total_rows, 0), ifNull(total_bytes, 0) FROM system.tables
           WHERE database = {database:String}""",
        parameters={"database": scope.database},
        settings=LIMITS,
    ).result_rows
    return {name: (int(rows), int(size)) for name, rows, size in table}
