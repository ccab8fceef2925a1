"""Questions about what happened to components: status intervals and their changes."""

from itertools import pairwise

from clickhouse_connect.driver.client import Client

from history.answers import Change, Interval
from history.queries.scope import LIMITS, Names, Scope
from history.window import Window
from probes.result import Status


def intervals(client: Client, scope: Scope, window: Window, components: Names = ()) -> tuple[Interval, ...]:
    """Each component's status intervals clipped to `window`, oldest first; equal neighbours are one."""
    rows = client.query(
        f"""SELECT component, toFloat64(toUnixTimestamp64Milli(ts)) / 1000, toString(status), reason
            FROM (SELECT *, lagInFrame(toString(status)) OVER (PARTITION BY component ORDER BY ts
                            ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before
                  FROM {scope.database}.status_change FINAL WHERE ts >= toDateTime64({{earliest:Float64}}, 3, 'UTC')
                    AND ts < toDateTime64({{end:Float64}}, 3, 'UTC')
                    AND (empty({{names:Array(String)}}) OR component IN {{names:Array(String)}}))
            WHERE before != toString(status) ORDER BY component, ts LIMIT 200000""",
        parameters={
            "end": float(window.end_s),
            "earliest": float(max(0, window.start_s - 2 * 86400)),  # a heartbeat comes every hour
            "names": list(components),
        },
        settings=LIMITS,
    ).result_rows
    found: list[Interval] = []
    for index, (component, ts, status, reason) in enumerate(rows):
        following = rows[index + 1] if index + 1 < len(rows) and rows[index + 1][0] == component else None
        start_s, end_s = max(ts, window.start_s), min(following[1] if following else window.end_s, window.end_s)
        if end_s > window.start_s:
            found.append(Interval(component, Status(status), start_s, end_s, reason))
    return tuple(found)


def changes(client: Client, scope: Scope, window: Window, components: Names = ()) -> tuple[Change, ...]:
    """Status changes in `window`, newest first."""
    found = [
        Change(after.component, after.start_s, before.status, after.status, after.reason)
        for before, after in pairwise(intervals(client, scope, window, components))
        if before.component == after.component
    ]
    return tuple(sorted(found, key=lambda change: -change.at_s))


def last_statuses(client: Client, scope: Scope) -> tuple[Interval, ...]:
    """Each component's current status interval with its true beginning in the last 90 days."""
    spans = intervals(client, scope, Window(int(scope.now_s) - 90 * 86400, int(scope.now_s)))
    return tuple({span.component: span for span in spans}.values())
