"""Questions that put several answers together, for the trend pages and endpoints."""

from collections.abc import Mapping
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from history import queries
from history.answers import Interval, Period
from history.queries import Scope
from history.window import Window


@dataclass(frozen=True, slots=True)
class Timeline:
    """Status intervals and, per component, the stretches of the range in which somebody looked."""

    spans: tuple[Interval, ...]
    observed: Mapping[str, tuple[Period, ...]]


def timeline(client: Client, scope: Scope, window: Window, components: tuple[str, ...] = ()) -> Timeline:
    """Status intervals of `components` over `window` beside what of it the samples prove to have been observed."""
    return Timeline(
        queries.intervals(client, scope, window, components), queries.observed(client, scope, window, components)
    )
