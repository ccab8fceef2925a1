"""`/api/events/`: what happened: events such as deploys and annotations, and status changes."""

import time
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.ask import Components, Range, Watched, chosen, fresh_s, history
from api.columns import envelope, span
from api.envelope import Envelope, Json, at, iso
from api.examples import RANGE, answer, documented
from api.problems import Problem
from api.questions import happenings
from api.writes import Writer, is_identity, refusals
from history import queries
from history.answers import Event
from history.notes import ANNOTATION, KINDS
from history.window import Window, parse_time
from monitor import Monitor
from probes.result import Status

router = APIRouter(prefix="/events", tags=["History"])

EVENT = {
    "id": "61f0c404-5cb3-11e7-907b-a6006ad3dba0",
    "at": "2026-11-23T13:02:00.000Z",
    "till": None,
    "kind": "deploy",
    "component": "ticks-writer",
    "author": "ci",
    "text": "ticks-writer 1.8",
    "waiting": False,
}
CHANGE = {
    "at": "2026-11-23T14:31:07.120Z",
    "component": "kafka",
    "before": "ok",
    "after": "critical",
    "reason": "Kafka at localhost:9092 did not answer within 2 s.",
}
EXAMPLE = answer({**RANGE, "step_s": None, "tier": None, "events": [EVENT], "changes": [CHANGE]})
NOTED = answer({"event": {**EVENT, "waiting": True}})
DELETED = answer({"deleted": EVENT["id"]})


EVER = Window(0, 2**32)


class NewEvent(BaseModel):
    """What happened, to be noted."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(description="One line, at most 500 characters.", examples=["ticks-writer 1.8"])
    at: str = Field("now", description="When: `now`, `now-5m`, ISO 8601 or epoch seconds.")
    till: str | None = Field(None, description="Its end, as `at`; none: a moment.")
    kind: str = Field(ANNOTATION, description=f"One of {', '.join(KINDS)}.")
    component: str = Field("", description="What it is about; empty: everything.")
    author: str = Field("", description="Who says so.")


@router.get("/", response_model=Envelope, responses=documented(EXAMPLE, 503))
async def happened(monitor: Watched, window: Range, component: Components) -> Response:
    """Events that touch the range, oldest first, and status changes in it, newest first."""
    names = chosen("component", component, monitor.board.names()) if component else ()
    found = await history(monitor, happenings, fresh_s(window), window, names)
    assert found.value is not None
    events = monitor.notes.events(found.value.events, window)
    wanted = {event.component for event in events} if not names else {"", *names}
    data = {
        **span(window, None, None),
        "events": [shown(event, monitor) for event in events if event.component in wanted],
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


@router.post("/", response_model=Envelope, responses=documented(NOTED, 403, 415, 503))
async def note(monitor: Watched, new: NewEvent, _: Writer) -> Response:
    """Note an annotation, a deploy or a restart. It is kept from the moment this answers.

    Taken from this machine only, unless `app.api_writes` is set. `waiting` says that the history has not got it yet.
    """
    now_s = time.time()
    till_s = None if new.till is None else float(parse_time(new.till, "till", now_s))
    with refusals():
        event = monitor.notes.annotate(
            float(parse_time(new.at, "at", now_s)),
            new.text,
            till_s=till_s,
            component=new.component,
            author=new.author,
            kind=new.kind,
            components=monitor.board.names(),
        )
    return Json(at(Status.OK, now_s, 0.0, {"event": shown(event, monitor)}))


@router.delete("/{event_id}/", response_model=Envelope, responses=documented(DELETED, 403, 404, 503))
async def delete(monitor: Watched, event_id: str, _: Writer) -> Response:
    """Take an annotation, a deploy or a restart back."""
    waiting = monitor.notes.events((), EVER)
    if event_id not in {event.id for event in waiting} and is_identity(event_id):
        found = (await history(monitor, queries.events_of, 0.0, event_id)).value
        waiting = monitor.notes.events(found or (), EVER)
    event = next((event for event in waiting if event.id == event_id), None)
    if event is None:
        raise Problem(404, "There is no such event, or it was deleted.", "event_id")
    with refusals():
        monitor.notes.delete_annotation(event)
    return Json(at(Status.OK, time.time(), 0.0, {"deleted": event.id}))


def shown(event: Event, monitor: Monitor) -> dict[str, Any]:
    """One event; `waiting` while the history has not got it yet."""
    return {
        "id": event.id,
        "at": iso(event.at_s),
        "till": iso(event.till_s),
        "kind": event.kind,
        "component": event.component,
        "author": event.author,
        "text": event.text,
        "waiting": monitor.notes.waits(event.id),
    }
