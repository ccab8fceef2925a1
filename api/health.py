"""`/api/health/`: is Tapewatch itself alive?"""

import time

from fastapi import APIRouter
from starlette.responses import Response

from api.ask import Watched
from api.envelope import Envelope, Json, at, iso, seconds
from api.examples import answer, documented
from api.problems import Problem
from monitor import VERSION, Monitor
from probes.result import Status

router = APIRouter(tags=["Tapewatch"])

EXAMPLE = answer(
    {
        "version": "0.1.0",
        "uptime_s": 86400.0,
        "started_at": "2026-11-22T14:34:30.000Z",
        "last_turn_at": "2026-11-23T14:34:30.400Z",
        "components": 14,
        "message": "The monitor is turning.",
    }
)


@router.get("/health/", response_model=Envelope, responses=documented(EXAMPLE, 503))
async def health(monitor: Watched) -> Response:
    """Liveness of Tapewatch itself; 503 when the monitor's loop has stopped turning."""
    now_s = time.time()
    demo = monitor.demo
    starting = demo is not None and not demo.ready
    message = demo.text if demo and starting else "The monitor is turning."
    data = _data(monitor, message)
    if not (monitor.turning or starting):
        raise Problem(
            503,
            f"The monitor's loop has not turned for {now_s - monitor.last_turn_s:.0f} s. Restart Tapewatch; "
            "the log says why it stopped.",
            title="The monitor does not turn",
            headers={"Retry-After": "5"},
            more={"data": {**data, "message": "The monitor does not turn."}},
        )
    return Json(at(Status.OK, monitor.last_turn_s, now_s - monitor.last_turn_s, data))


def _data(monitor: Monitor, message: str) -> dict[str, object]:
    return {
        "version": VERSION,
        "uptime_s": seconds(monitor.uptime_s),
        "started_at": iso(monitor.started_at),
        "last_turn_at": iso(monitor.last_turn_s),
        "components": len(monitor.board.names()),
        "message": message,
    }
