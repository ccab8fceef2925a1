"""Questions for `history.reader` that put several answers of the history together for one endpoint."""

from collections.abc import Sequence
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from analysis.uptime import Shares, Uptime, status_shares, uptime_report
from history import queries
from history.answers import Change, Event, SeriesSet, Summary
from history.buckets import buckets
from history.queries import Scope
from history.trends import timeline
from history.window import Window

LATENCY, UP = "probe_latency_seconds", "probe_up"


@dataclass(frozen=True, slots=True)
class HealthTrend:
    """Uptime, status shares per bucket and latency over a range."""

    uptimes: tuple[Uptime, ...]
    shares: tuple[Shares, ...]
    latency: SeriesSet


@dataclass(frozen=True, slots=True)
class Performance:
    """Latency and availability over a range, as series and as figures of the whole range."""

    series: SeriesSet
    latency: tuple[Summary, ...]
    up: tuple[Summary, ...]
    throughput: tuple[Summary, ...]


@dataclass(frozen=True, slots=True)
class Happenings:
    """Events and status changes of a range."""

    events: tuple[Event, ...]
    changes: tuple[Change, ...]


def health_trend(client: Client, scope: Scope, window: Window, components: tuple[str, ...]) -> HealthTrend:
    """How healthy `components` were over `window`, and how much of it was observed."""
    latency = queries.series(client, scope, window, (LATENCY,), components)
    answer = timeline(client, scope, window, components)
    within = buckets(latency.window.start_s, latency.window.end_s, latency.step_s, scope.zone)
    return HealthTrend(
        uptime_report(answer.spans, answer.observed, window),
        status_shares(answer.spans, answer.observed, within),
        latency,
    )


def performance(
    client: Client, scope: Scope, window: Window, components: tuple[str, ...], rates: tuple[str, ...]
) -> Performance:
    """How fast `components` were over `window`, how often they failed, and the throughput their `rates` tell."""
    figures = queries.summaries(client, scope, window, (LATENCY, UP), components)
    return Performance(
        queries.series(client, scope, window, (LATENCY, UP), components, True),
        _of(figures, LATENCY),
        _of(figures, UP),
        queries.summaries(client, scope, window, rates, components) if rates else (),
    )


def happenings(client: Client, scope: Scope, window: Window, components: tuple[str, ...]) -> Happenings:
    """Every event in `window`, and the status changes of `components` (empty: of all)."""
    return Happenings(queries.events(client, scope, window), queries.changes(client, scope, window, components))


def _of(figures: Sequence[Summary], metric: str) -> tuple[Summary, ...]:
    return tuple(summary for summary in figures if summary.metric == metric)
