"""Uptime with its coverage: how healthy a component was, and how much of that anybody saw. Pure.

*Up* is ok or warning, *down* is critical. Everything else – unknown, off, and any time without
samples – was not observed: neither up nor down is claimed for it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from history.answers import Floats, Interval, Period
from history.buckets import Buckets
from history.window import Window
from probes.result import Status, worst

UP = frozenset({Status.OK, Status.WARNING})
DOWN = frozenset({Status.CRITICAL})


@dataclass(frozen=True, slots=True)
class Piece:
    """An observed stretch of one status."""

    start_s: float
    end_s: float
    status: Status

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """One incident: from the first to the last moment seen down without any up between; `down_s` of it was seen."""

    start_s: float
    end_s: float
    down_s: float
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Uptime:
    """One component over a window.

    Attributes:
        up_ratio: up time as a share of the observed time; None when nothing was observed.
        observed_ratio: observed time as a share of the window (the coverage).
        downtime_s: observed time in status critical.
        incidents: outages; two that only unobserved time separates are one.
        mttr_s: mean time to recovery, over the incidents that ended; None without any.
        mtbf_s: mean up time between failures, up time / incidents; None without an incident.
        longest_outage_s: most downtime of one incident; 0 without any.
        longest_outage_at_s: when that one began.
        worst: worst status observed; `unknown` when nothing was.
    """

    component: str
    up_ratio: float | None
    observed_ratio: float
    observed_s: float
    downtime_s: float
    incidents: int
    mttr_s: float | None
    mtbf_s: float | None
    longest_outage_s: float
    longest_outage_at_s: float | None
    worst: Status


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """Per bucket, the share of its time spent in each status; what is missing to 1 was not observed."""

    component: str
    step_s: int
    t: Floats
    ok: Floats
    warning: Floats
    critical: Floats


def uptime_report(
    spans: Sequence[Interval], observed: Mapping[str, Sequence[Period]], window: Window
) -> tuple[Uptime, ...]:
    """The uptime of every component in `spans` or `observed`, in order of appearance.

    Args:
        spans: status intervals, as `history.queries.intervals` gives them.
        observed: per component the stretches in which somebody looked, as `history.queries.observed` gives them.
    """
    return tuple(
        _uptime(component, pieces, float(window.length_s))
        for component, pieces in observed_pieces(spans, observed, window).items()
    )


def status_shares(
    spans: Sequence[Interval], observed: Mapping[str, Sequence[Period]], buckets: Buckets
) -> tuple[Shares, ...]:
    """Status shares of every component in each of `buckets`."""
    edges = np.asarray(buckets.edges_s, dtype=np.float64)
    found = []
    for component, pieces in observed_pieces(spans, observed, Window(buckets.start_s, buckets.end_s)).items():
        ok, warning, critical = (
            covered([p for p in pieces if p.status is status], edges)
            for status in (Status.OK, Status.WARNING, Status.CRITICAL)
        )
        found.append(Shares(component, buckets.step_s, edges[:-1], ok, warning, critical))
    return tuple(found)


def observed_pieces(
    spans: Sequence[Interval],
    observed: Mapping[str, Sequence[Period]],
    window: Window,
    counted: Collection[Status] = UP | DOWN,
) -> dict[str, tuple[Piece, ...]]:
    """Per component the stretches of a status in `counted` that somebody saw, clipped to `window`, oldest first."""
    by_component: dict[str, list[Interval]] = {}
    for span in spans:
        by_component.setdefault(span.component, []).append(span)
    names = dict.fromkeys([*by_component, *observed])
    return {
        name: tuple(_cut(by_component.get(name, []), _clipped(observed.get(name, ()), window), counted))
        for name in names
    }


def _clipped(periods: Iterable[Period], window: Window) -> list[Period]:
    parts = ((max(start_s, window.start_s), min(end_s, window.end_s)) for start_s, end_s in periods)
    return [(start_s, end_s) for start_s, end_s in parts if start_s < end_s]


def outages(pieces: Iterable[Piece]) -> list[Outage]:
    """The incidents in `pieces`: runs of down that only an up ends."""
    found: list[Outage] = []
    for piece in pieces:
        last = found[-1] if found and not found[-1].ended else None
        if piece.status in DOWN:
            if last:
                found.pop()
            found.append(
                Outage(
                    start_s=last.start_s if last else piece.start_s,
                    end_s=piece.end_s,
                    down_s=piece.length_s + (last.down_s if last else 0.0),
                    ended=False,
                )
            )
        elif last:
            found[-1] = Outage(start_s=last.start_s, end_s=last.end_s, down_s=last.down_s, ended=True)
    return found


def _uptime(component: str, pieces: Sequence[Piece], window_s: float) -> Uptime:
    observed_s = sum(piece.length_s for piece in pieces)
    up_s = sum(piece.length_s for piece in pieces if piece.status in UP)
    incidents = outages(pieces)
    recovered = [outage.down_s for outage in incidents if outage.ended]
    longest = max(incidents, key=lambda outage: outage.down_s, default=None)
    return Uptime(
        component=component,
        up_ratio=up_s / observed_s if observed_s else None,
        observed_ratio=min(1.0, observed_s / window_s) if window_s else 0.0,
        observed_s=observed_s,
        downtime_s=observed_s - up_s,
        incidents=len(incidents),
        mttr_s=sum(recovered) / len(recovered) if recovered else None,
        mtbf_s=up_s / len(incidents) if incidents else None,
        longest_outage_s=longest.down_s if longest else 0.0,
        longest_outage_at_s=longest.start_s if longest else None,
        worst=worst(piece.status for piece in pieces) if pieces else Status.UNKNOWN,
    )


def _cut(spans: Sequence[Interval], periods: Sequence[Period], counted: Collection[Status]) -> list[Piece]:
    """What of `spans` with a status in `counted` lies in `periods`; both are sorted and do not overlap themselves."""
    pieces: list[Piece] = []
    first = 0
    for span in spans:
        while first < len(periods) and periods[first][1] <= span.start_s:
            first += 1
        if span.status not in counted:
            continue
        for start_s, end_s in islice(periods, first, None):
            if start_s >= span.end_s:
                break
            piece = Piece(max(start_s, span.start_s), min(end_s, span.end_s), span.status)
            if piece.length_s > 0:
                pieces.append(piece)
    return pieces


def covered(pieces: Sequence[Piece], edges: Floats) -> Floats:
    """The share of each bucket that `pieces` cover."""
    covered_s = np.zeros(len(edges) - 1)
    for piece in pieces:
        first, last = np.searchsorted(edges, (piece.start_s, piece.end_s), side="right") - 1
        starts, ends = edges[first : last + 1], edges[first + 1 : last + 2]
        part_s = np.minimum(ends, piece.end_s) - np.maximum(starts[: len(ends)], piece.start_s)
        covered_s[first : first + len(ends)] += np.maximum(0.0, part_s)
    shares: Floats = covered_s / np.diff(edges)
    return shares
