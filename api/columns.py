"""Answers of the history as JSON: the range they are about, and series as columns."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from api.envelope import error, iso, milliseconds, seconds
from history.answers import Floats, Series, SeriesSet
from history.reader import Answer
from history.window import Window
from probes.result import Status


def envelope(answer: Answer[Any], data: dict[str, Any]) -> dict[str, Any]:
    """The envelope of a history answer: `unknown` and stale when the store has nothing newer to give."""
    age_s = answer.age_s or 0.0
    stale = answer.state != "fresh"
    return {
        "status": Status.UNKNOWN if answer.error else Status.OK,
        "checked_at": iso(time.time() - age_s),
        "age_s": seconds(age_s),
        "stale": stale,
        "took_ms": milliseconds(answer.took_ms),
        "error": error(answer.error),
        "data": {**data, "state": answer.state},
    }


def span(window: Window, step_s: int | None, tier: str | None) -> dict[str, Any]:
    """What range an answer is about and how it was read."""
    return {
        "window": {"from": iso(window.start_s), "to": iso(window.end_s)},
        "step_s": step_s,
        "tier": tier,
    }


def series_set(found: SeriesSet) -> dict[str, Any]:
    """Every series as columns, with the range and the tier used; `previous` where it was asked for."""
    before = {"previous": series(found.previous)} if found.previous else {}
    return {
        **span(found.window, found.step_s, found.tier),
        "truncated": found.truncated,
        "series": series(found.series),
        **before,
    }


def series(lines: Iterable[Series]) -> list[dict[str, Any]]:
    """Each series: what names it, and its points as columns of equal length."""
    clock = Clock()
    return [
        {
            "component": line.component,
            "metric": line.metric,
            "labels": dict(line.labels),
            "unit": line.unit,
            "points": points(line, clock),
        }
        for line in lines
    ]


def points(line: Series, clock: "Clock") -> dict[str, Any]:
    """One series' points; `time` is the start of each bucket."""
    columns = {
        "time": clock.column(line.t),
        "avg": line.avg.tolist(),
        "min": line.low.tolist(),
        "max": line.high.tolist(),
        "count": line.count.astype(np.int64).tolist(),
    }
    for name, column in (("p50", line.p50), ("p95", line.p95), ("p99", line.p99)):
        if column is not None:
            columns[name] = column.tolist()
    return columns


class Clock:
    """Columns of times as ISO 8601; series of one answer share most of them, so each is made once."""

    def __init__(self) -> None:
        self._made: dict[bytes, list[str]] = {}

    def column(self, t: Floats) -> list[str]:
        key = t.tobytes()
        if key not in self._made:
            moments = (t * 1000).astype(np.int64).astype("datetime64[ms]")
            self._made[key] = np.datetime_as_string(moments, unit="ms", timezone="UTC").tolist()
        return self._made[key]


def by_component(lines: Sequence[Series]) -> dict[str, list[Series]]:
    """Series grouped by component, in the order they came."""
    found: dict[str, list[Series]] = {}
    for line in lines:
        found.setdefault(line.component, []).append(line)
    return found
