"""`/api/services/health/`: each service with its uptime and its place among the others."""

import time
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from analysis.availability import uptimes
from analysis.uptime import Uptime
from api.ask import Components, Watched, chosen
from api.envelope import Envelope, finding, line, live
from api.examples import ITEM, answer, documented
from history.window import parse_window
from monitor import Monitor
from probes.cache import ComponentView

router = APIRouter(tags=["Live"])

UPTIMES = {"uptime_24h": ("now-24h", 60.0), "uptime_30d": ("now-30d", 300.0)}
"""Field, start of the range, seconds an answer stays fresh."""

UPTIME = {"up_ratio": 0.9991, "observed_ratio": 0.998, "incidents": 1, "downtime_s": 78.0}
EXAMPLE = answer(
    {
        "components": [
            {
                **ITEM,
                "critical": True,
                "depends_on": ["host"],
                "explains": ["dataflow"],
                "findings": [],
                "uptime_24h": UPTIME,
                "uptime_30d": UPTIME,
            }
        ],
        "uptime_state": {"uptime_24h": "fresh", "uptime_30d": "fresh"},
    },
    "critical",
)


@router.get("/services/health/", response_model=Envelope, responses=documented(EXAMPLE))
async def services(monitor: Watched, component: Components) -> Response:
    """Per service: status, since, latency, dependencies, causes, findings, uptime of 24 h and 30 d.

    The uptimes come from the history as far as it is known already (`uptime_state`); they are null
    until then, and while it is away. The answer never waits for it.
    """
    names = chosen("component", component, monitor.board.names())
    views = [view for view in monitor.views() if view.name in names]
    known = {field: _known(monitor, field) for field in UPTIMES}
    rows = [
        {
            **line(view),
            **_place(view),
            **{field: _uptime(answers.get(view.name)) for field, (_, answers) in known.items()},
        }
        for view in views
    ]
    return live({"components": rows, "uptime_state": {field: state for field, (state, _) in known.items()}}, views)


def _known(monitor: Monitor, field: str) -> tuple[str, dict[str, Uptime]]:
    """What the history has said already about the uptimes of `field`; asks for news in the background."""
    start, fresh_for_s = UPTIMES[field]
    window = parse_window(start, None, time.time())
    monitor.reader.submit(uptimes, fresh_for_s, window)
    found = monitor.reader.answer(uptimes, fresh_for_s, window)
    return found.state, {uptime.component: uptime for uptime in found.value or ()}


def _place(view: ComponentView) -> dict[str, Any]:
    return {
        "critical": view.component.critical,
        "depends_on": view.component.depends_on,
        "explains": view.explains,
        "findings": [finding(found) for found in view.result.findings] if view.result else [],
    }


def _uptime(uptime: Uptime | None) -> dict[str, Any] | None:
    if uptime is None:
        return None
    return {
        "up_ratio": uptime.up_ratio,
        "observed_ratio": uptime.observed_ratio,
        "incidents": uptime.incidents,
        "downtime_s": uptime.downtime_s,
    }
