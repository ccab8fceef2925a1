"""`/api/status/`: the whole stack in one answer."""

from fastapi import APIRouter
from starlette.responses import Response

from api.ask import Watched
from api.envelope import Envelope, line, live
from api.examples import ITEM, answer, documented

router = APIRouter(tags=["Live"])

EXAMPLE = answer(
    {
        "message": "1 of 14 needs you: Kafka at localhost:9092 did not answer within 2 s → dataflow affected.",
        "counts": {"off": 0, "ok": 12, "unknown": 0, "warning": 1, "critical": 1},
        "root_causes": [{"name": "kafka", "status": "critical", "explains": ["dataflow"]}],
        "components": [ITEM],
        "alerts": [],
        "demo": None,
    },
    "critical",
)


@router.get("/status/", response_model=Envelope, responses=documented(EXAMPLE))
async def status(monitor: Watched) -> Response:
    """Overall status, root causes first, counts, and every component with its key figure.

    The overall status is the worst of all, where a component that is not critical to the desk counts
    as a warning at most. `alerts` is empty: this version has no alert engine.
    """
    views = monitor.views()
    verdict = monitor.verdict(views)
    demo = monitor.demo
    data = {
        "message": verdict.sentence,
        "counts": verdict.counts,
        "root_causes": [
            {"name": root.name, "status": root.status, "explains": root.explains} for root in verdict.roots
        ],
        "components": [line(view) for view in views],
        "alerts": [],
        "demo": {"ready": demo.ready, "message": demo.text} if demo else None,
    }
    return live(data, views, verdict.status)
