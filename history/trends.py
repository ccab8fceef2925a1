"""Questions that put several answers together, for the trend pages and endpoints."""

from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from history import queries
from history.queries import Interval, Scope, Series
from history.window import Window


@dataclass(frozen=True, slots=True)
class Timeline:
    """Status intervals and, as `probe_up` per component, what of the range was observed."""

    spans: tuple[Interval, ...]
    observed: tuple[Series, ...]


def timeline(client: Client, scope: Scope, window: Window, components: tuple[str, ...] = ()) -> Timeline:
    """Status intervals of `components` over `window` beside the samples that prove somebody looked."""
    return Timeline(
        queries.intervals(client, scope, window, components),
        queries.series(client, scope, window, ("probe_up",), components).series,
    )
