"""Questions for `history.reader` whose answer is an uptime."""

from clickhouse_connect.driver.client import Client

from analysis.uptime import Uptime, uptime_report
from history.queries import Scope
from history.trends import timeline
from history.window import Window


def uptimes(client: Client, scope: Scope, window: Window, components: tuple[str, ...] = ()) -> tuple[Uptime, ...]:
    """The uptime of `components` (empty: of all) over `window`."""
    answer = timeline(client, scope, window, components)
    return uptime_report(answer.spans, answer.observed, window)
