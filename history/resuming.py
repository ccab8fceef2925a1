"""Answers read on from: what of a known one is kept, and what has come since is joined to it. Pure."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from history.answers import Series, SeriesSet
from history.rows import SeriesRow
from history.tiers import Plan

LATE_S = 120.0
"""Samples may come so late: what is older stays as it was read."""
WHOLE_EVERY_S = 600.0
"""After so long an answer is read as a whole again, whatever was kept of it."""


def spliced(known: SeriesSet, edge: SeriesSet, since_s: float) -> SeriesSet:
    """`known` until `since_s`, from there `edge`, which was read from there only."""
    old = {_name(line): line for line in known.series}
    new = {_name(line): line for line in edge.series}
    found = []
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name), new.get(name)
        line = before or after
        assert line is not None
        kept = (line.t >= edge.window.start_s) & (line.t < since_s)
        columns = [column[kept] for column in line.columns] if before else [column[:0] for column in line.columns]
        if after is not None:
            columns = [np.concatenate(pair) for pair in zip(columns, after.columns, strict=True)]
        if len(columns[0]):
            found.append(line.of(columns))
    order = {(row.key.component, row.key.metric, row.key.labels): place for place, row in enumerate(edge.rows)}
    found.sort(key=lambda line: order.get(_name(line), 0))
    return replace(edge, series=tuple(found), whole_s=known.whole_s)


def resumable(known: SeriesSet | None, how: Plan, rows: Sequence[SeriesRow], now_s: float) -> float | None:
    """From where `known` must be read anew to answer `how`; None when nothing of it can be kept."""
    if known is None or known.previous or (known.tier, known.step_s) != (how.tier.name, how.step_s):
        return None
    if known.rows != tuple(rows) or now_s - known.whole_s > WHOLE_EVERY_S:
        return None
    since_s = max((edge for edge in how.buckets.edges_s if edge <= known.read_s - LATE_S), default=None)
    if since_s is None or not known.window.start_s <= how.window.start_s < since_s <= known.window.end_s:
        return None
    return since_s


def _name(line: Series) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    return line.component, line.metric, line.labels
