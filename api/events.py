"""`/api/events/`: what happened: events such as deploys, and status changes."""

from fastapi import APIRouter
from starlette.responses import Response

from api.ask import Components, Range, Watched, chosen, fresh_s, history
from api.columns import envelope, span
from api.envelope import Envelope, Json, iso
from api.examples import RANGE, answer, documented
from api.questions import happenings

router = APIRouter(prefix="/events", tags=["History"])

EVENT = {
    "at": "2026-11-23T13:02:00.000Z",
    "till": None,
    "kind": "deploy",
    "component": "ticks-writer",
    "author": "ci",
    "text": "ticks-writer 1.8",
}
CHANGE = {
    "at": "2026-11-23T14:31:07.120Z",
    "component": "kafka",
    "before": "ok",
    "after": "critical",
    "reason": "Kafka at localhost:9092 did not answer within 2 s.",
}
EXAMPLE = answer({**RANGE, "step_s": None, "tier": None, "events": [EVENT], "changes": [CHANGE]})


@router.get("/", response_model=Envelope, responses=documented(EXAMPLE, 503))
async def events(monitor: Watched, window: Range, component: Components) -> Response:
    """Events that touch the range, oldest first, and status changes in it, newest first."""
    names = chosen("component", component, monitor.board.names()) if component else ()
    found = await history(monitor, happenings, fresh_s(window), window, names)
    assert found.value is not None
    data = {
        **span(window, None, None),
        "events": [
            {
                "at": iso(event.at_s),
                "till": iso(event.till_s),
                "kind": event.kind,
                "component": event.component,
                "author": event.author,
                "text": event.text,
            }
            for event in found.value.events
        ],
        "changes": [
            {
                "at": iso(change.at_s),
                "component": change.component,
                "before": change.before,
                "after": change.after,
                "reason": change.reason,
            }
            for change in found.value.changes
        ],
    }
    return Json(envelope(found, data))
