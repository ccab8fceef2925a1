"""`/api/status/`: the whole stack in one answer, now or as it stood at a past moment."""

import time
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from analysis.past import metrics_of, views_at, watched
from api.ask import Watched, history
from api.envelope import Envelope, iso, line, live
from api.examples import ITEM, answer, documented
from history import queries
from history.queries import Past
from history.window import RangeError, parse_time
from monitor import Monitor
from probes.cache import ComponentView
from probes.verdict import judge_all

router = APIRouter(tags=["Live"])

FRESH_S = 60.0
EXAMPLE = answer(
    {
        "message": "1 of 14 needs you: Kafka at localhost:9092 did not answer within 2 s → dataflow affected.",
        "counts": {"off": 0, "ok": 12, "unknown": 0, "warning": 1, "critical": 1},
        "root_causes": [{"name": "kafka", "status": "critical", "explains": ["dataflow"]}],
        "components": [ITEM],
        "alerts": [],
        "demo": None,
        "past": None,
    },
    "critical",
)

Moment = Annotated[
    str | None,
    Query(description="A past moment: `now-6h`, ISO 8601 (UTC) or epoch seconds.", examples=["now"]),
]


@router.get("/status/", response_model=Envelope, responses=documented(EXAMPLE, 503))
async def status(monitor: Watched, at: Moment = None) -> Response:
    """Overall status, root causes first, counts, and every component with its key figure.

    The overall status is the worst of all, where a component that is not critical to the desk counts
    as a warning at most. `alerts` is empty: this version has no alert engine.

    With `at` the stack as it stood then, from the history: `past` tells the moment and the changes next to
    it, ages are seen from there, dependencies are those of today. What nobody looked at is `unknown`.
    """
    at_s = _past_second(at)
    if at_s is None:
        return _answer(monitor, monitor.views(), None)
    known = watched(monitor.settings)
    found = await history(monitor, queries.as_it_was, FRESH_S, at_s, *metrics_of(known))
    assert found.value is not None
    return _answer(monitor, views_at(found.value, known), found.value)


def _past_second(at: str | None) -> int | None:
    """The past moment asked for; None: the present.

    Raises:
        RangeError: no moment, or one that is not past yet.
    """
    if at is None or at == "now":
        return None
    at_s = parse_time(at, "at", time.time())
    if at_s > time.time():
        raise RangeError("at", '"at" is not past yet: nothing is on record of the future.')
    return at_s


def _answer(monitor: Monitor, views: Sequence[ComponentView], found: Past | None) -> Response:
    verdict, demo = judge_all(views), monitor.demo
    data: dict[str, Any] = {
        "message": verdict.sentence,
        "counts": verdict.counts,
        "root_causes": [
            {"name": root.name, "status": root.status, "explains": root.explains} for root in verdict.roots
        ],
        "components": [line(view) for view in views],
        "alerts": [],
        "demo": {"ready": demo.ready, "message": demo.text} if demo else None,
        "past": None
        if found is None
        else {"at": iso(found.at_s), "previous_change": iso(found.before_s), "next_change": iso(found.after_s)},
    }
    return live(data, views, verdict.status)
