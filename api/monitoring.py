"""`/api/monitor/…/` from the board: the newest metrics, the component tree, trading readiness."""

import time
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.ask import Components, Watched, chosen
from api.envelope import Envelope, error, iso, item, line, live, seconds
from api.examples import ITEM, METRIC, answer, documented
from api.metrics import nothing
from history.window import parse_time
from monitor import next_due_s, phase_s
from probes.cache import ComponentView
from probes.result import Status
from probes.runner import Runner

router = APIRouter(prefix="/monitor", tags=["Monitor"])

OVERLAP_S = 1.0
"""A result may be published a moment after one that was taken later; the next `since` looks back this far."""

REALTIME_EXAMPLE = answer(
    {
        "components": [{**ITEM, "status": "ok", "error": None, "metrics": [METRIC]}],
        "as_of": "2026-11-23T14:34:30.520Z",
        "next_since": "2026-11-23T14:34:27.120Z",
    }
)
NODE = {
    "critical": True,
    "depends_on": ["host"],
    "dependents": ["dataflow"],
    "depth": 1,
    "breaker": {"state": "open", "failures": 4},
    "executions": 812,
    "timeouts": 4,
    "stuck_s": None,
    "last_error": ITEM["error"],
    "interval_s": 10.0,
    "deadline_s": 2.0,
    "next_check_at": "2026-11-23T14:34:34.200Z",
}
COMPONENTS_EXAMPLE = answer({"components": [{**ITEM, **NODE}]}, "critical")
TRADING_EXAMPLE = answer({"message": "This version has no probe for trading readiness.", "reasons": []}, "off")


@router.get("/realtime-metrics/", response_model=Envelope, responses=documented(REALTIME_EXAMPLE))
async def realtime(
    monitor: Watched,
    component: Components,
    since: Annotated[
        str | None,
        Query(description="Only components checked after this: ISO 8601, epoch seconds or `now-30s`."),
    ] = None,
) -> Response:
    """The latest value of every metric in one call; with `since` only of what was checked after it.

    Pass the last answer's `next_since`: then a result may come twice, but is never missed.
    """
    now_s = time.time()
    after_s = parse_moment(since, now_s) if since is not None else None
    names = chosen("component", component, monitor.board.names())
    views = [view for view in monitor.views() if view.name in names]
    changed = [view for view in views if after_s is None or checked_s(view) > after_s]
    newest_s = max((checked_s(view) for view in views), default=0.0)
    data = {
        "components": [item(view) for view in changed],
        "as_of": iso(now_s),
        "next_since": iso(min(newest_s, now_s - OVERLAP_S) if newest_s else now_s - OVERLAP_S),
    }
    return live(data, views)


@router.get("/components/", response_model=Envelope, responses=documented(COMPONENTS_EXAMPLE))
async def components(monitor: Watched, component: Components) -> Response:
    """Every component with what it depends on, what depends on it, its breaker, last error and next check.

    `depth` is its level in the tree: 0 depends on nothing, others stand one below their deepest dependency.
    """
    names = chosen("component", component, monitor.board.names())
    every = monitor.views()
    depth = depths({view.name: view.component.depends_on for view in every})
    dependents: dict[str, list[str]] = {view.name: [] for view in every}
    for view in every:
        for name in view.component.depends_on:
            dependents[name].append(view.name)
    runners = monitor.board.runners
    views = [view for view in every if view.name in names]
    rows = [
        {
            **line(view),
            "critical": view.component.critical,
            "depends_on": view.component.depends_on,
            "dependents": dependents[view.name],
            "depth": depth[view.name],
            **_execution(runners[view.name], view),
        }
        for view in views
    ]
    return live({"components": rows}, views)


@router.get("/trading-health/", response_model=Envelope, responses=documented(TRADING_EXAMPLE))
async def trading() -> Response:
    """Market session, feeds, order route, tape freshness, clock skew: one verdict and its reasons."""
    return live({"message": nothing("trading"), "reasons": []}, status=Status.OFF)


def parse_moment(text: str, now_s: float) -> float:
    """Epoch seconds of `since`, with its milliseconds where it has any.

    Raises:
        RangeError: naming ``since``.
    """
    whole_s = parse_time(text, "since", now_s)
    if text.startswith("now") or text.isdigit():
        return whole_s
    moment = datetime.fromisoformat(text)
    return whole_s + moment.microsecond / 1e6


def checked_s(view: ComponentView) -> float:
    """When the last result was taken; 0 before the first."""
    return view.result.checked_at.timestamp() if view.result else 0.0


def depths(depends_on: dict[str, tuple[str, ...]]) -> dict[str, int]:
    """Level of each component in the dependency tree; the configuration has no cycles."""
    found: dict[str, int] = {}

    def depth(name: str) -> int:
        if name not in found:
            found[name] = max((depth(other) + 1 for other in depends_on[name] if other in depends_on), default=0)
        return found[name]

    return {name: depth(name) for name in depends_on}


def _execution(runner: Runner, view: ComponentView) -> dict[str, Any]:
    state = runner.state()
    pause_s = runner.pause_s(view.interval_s)
    return {
        "breaker": {"state": "open" if state.breaker.is_open else "closed", "failures": state.breaker.failures},
        "executions": state.executions,
        "timeouts": state.timeouts,
        "stuck_s": seconds(state.stuck_s),
        "last_error": error(view.result.error) if view.result else None,
        "interval_s": view.interval_s,
        "deadline_s": runner.deadline_s,
        "next_check_at": iso(next_due_s(time.time(), pause_s, phase_s(view.name, view.interval_s))),
    }
