"""What share of all components' time each status had, bucket by bucket. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from clickhouse_connect.driver.client import Client

from analysis.uptime import Uptime, covered, observed_pieces, uptime_report
from history.answers import Floats, Interval, Period
from history.buckets import Buckets, buckets
from history.queries import Scope
from history.tiers import bucket_s
from history.trends import Timeline, timeline
from history.window import Window
from probes.result import Status

MOST_BUCKETS = 120
"""Of a chart of shares: blocks of a few pixels, which is what a share over time needs."""
COUNTED = (Status.OK, Status.WARNING, Status.CRITICAL, Status.UNKNOWN)


@dataclass(frozen=True, slots=True, eq=False)
class Mix:
    """Shares of the time of all components in each bucket, 0 to 1; together they are one.

    Attributes:
        edges_s: epoch seconds, one more than there are buckets.
        shares: of each of `COUNTED`; under None what nobody observed.
    """

    edges_s: Floats
    shares: Mapping[Status | None, Floats]

    def over(self, status: Status | None) -> float:
        """The share of a status over the whole range."""
        lengths = np.diff(self.edges_s)
        return float(np.average(self.shares[status], weights=lengths)) if len(lengths) else 0.0


@dataclass(frozen=True, slots=True)
class Health:
    """How some components were over a range: when, how long, how much of all."""

    timeline: Timeline
    uptimes: tuple[Uptime, ...]
    mix: Mix


def mix(spans: Sequence[Interval], observed: Mapping[str, Sequence[Period]], within: Buckets, window: Window) -> Mix:
    """The shares over all components in `spans` or `observed`, in the parts of `within` that lie in `window`."""
    edges = np.unique(np.clip(np.asarray(within.edges_s, dtype=np.float64), window.start_s, window.end_s))
    pieces = observed_pieces(spans, observed, window, COUNTED)
    shares: dict[Status | None, Floats] = {}
    for status in COUNTED:
        parts = [covered([p for p in own if p.status is status], edges) for own in pieces.values()]
        shares[status] = np.sum(parts, axis=0) / len(pieces) if pieces else np.zeros(len(edges) - 1)
    shares[None] = np.clip(1.0 - np.sum([*shares.values()], axis=0), 0.0, 1.0)
    return Mix(edges, shares)


def health(client: Client, scope: Scope, window: Window, components: tuple[str, ...] = ()) -> Health:
    """The health of `components` (empty: of all) over `window`."""
    answer = timeline(client, scope, window, components)
    within = buckets(window.start_s, window.end_s, bucket_s(window.length_s, MOST_BUCKETS), scope.zone)
    return Health(
        answer,
        uptime_report(answer.spans, answer.observed, window),
        mix(answer.spans, answer.observed, within, window),
    )
