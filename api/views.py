"""`/api/views/`: pages that somebody saved by name."""

import time
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.ask import Watched, history
from api.columns import envelope
from api.envelope import Envelope, Json, at, iso
from api.examples import answer, documented
from api.problems import Problem
from api.writes import Writer, refusals
from history import queries
from history.answers import View
from monitor import Monitor
from probes.result import Status

router = APIRouter(prefix="/views", tags=["History"])

FRESH_S = 5.0
VIEW = {
    "id": "61f0c404-5cb3-11e7-907b-a6006ad3dba0",
    "name": "Kafka at the open",
    "page": "performance",
    "query": "component=kafka&from=1795527000&to=1795530600",
    "author": "ann",
    "note": "the spike of 9:42",
    "at": "2026-11-23T15:02:00.000Z",
    "waiting": False,
}
EXAMPLE = answer({"views": [VIEW], "state": "fresh"})
SAVED = answer({"view": {**VIEW, "waiting": True}})
DELETED = answer({"deleted": VIEW["id"]})


class NewView(BaseModel):
    """A page to be saved by name."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="At most 80 characters; each name once.", examples=["Kafka at the open"])
    page: str = Field(description="Its path.", examples=["performance"])
    query: str = Field("", description="What stands behind the `?` of its address.", examples=["from=now-1h&to=now"])
    author: str = ""
    note: str = ""


@router.get("/", response_model=Envelope, responses=documented(EXAMPLE, 503))
async def saved(monitor: Watched) -> Response:
    """The saved views, by name."""
    found = await history(monitor, queries.saved_views, FRESH_S)
    views = monitor.notes.views(found.value or ())
    return Json(envelope(found, {"views": [shown(view, monitor) for view in views]}))


@router.post("/", response_model=Envelope, responses=documented(SAVED, 403, 415, 503))
async def save(monitor: Watched, new: NewView, _: Writer) -> Response:
    """Save a page by name. It is kept from the moment this answers.

    Taken from this machine only, unless `app.api_writes` is set. `waiting` says that the history has not got it yet.
    """
    with refusals():
        view = monitor.notes.save_view(
            new.name, new.page, new.query, author=new.author, note=new.note, among=known(monitor)
        )
    return Json(at(Status.OK, time.time(), 0.0, {"view": shown(view, monitor)}))


@router.delete("/{view_id}/", response_model=Envelope, responses=documented(DELETED, 403, 404, 503))
async def delete(monitor: Watched, view_id: str, _: Writer) -> Response:
    """Take a saved view back."""
    waiting = monitor.notes.views(())
    if view_id not in {view.id for view in waiting}:
        waiting = monitor.notes.views((await history(monitor, queries.saved_views, FRESH_S)).value or ())
    view = next((view for view in waiting if view.id == view_id), None)
    if view is None:
        raise Problem(404, "There is no such view, or it was deleted.", "view_id")
    with refusals():
        monitor.notes.delete_view(view)
    return Json(at(Status.OK, time.time(), 0.0, {"deleted": view.id}))


def known(monitor: Monitor) -> tuple[View, ...]:
    """The views as far as they are known; never waits."""
    return monitor.notes.views(monitor.reader.ask(queries.saved_views, FRESH_S, 0.0).value or ())


def shown(view: View, monitor: Monitor) -> dict[str, Any]:
    """One view; `waiting` while the history has not got it yet."""
    return {
        "id": view.id,
        "name": view.name,
        "page": view.page,
        "query": view.query,
        "author": view.author,
        "note": view.note,
        "at": iso(view.at_s),
        "waiting": monitor.notes.waits(view.id),
    }
