"""`/api/alerts/`: this version watches and records, it has no alert engine; the endpoints say so."""

from typing import Annotated, NoReturn

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.ask import Components, Watched, chosen, one_of
from api.envelope import Envelope, live
from api.examples import answer, documented
from api.problems import Problem
from probes.result import Status

router = APIRouter(prefix="/alerts", tags=["Alerts"])

NO_ENGINE = "This version has no alert engine."
STATES = ("pending", "firing", "resolved")
SEVERITIES = ("warning", "critical")
EXAMPLE = answer({"alerts": [], "message": NO_ENGINE}, "off")


@router.get("/", response_model=Envelope, responses=documented(EXAMPLE))
async def alerts(
    monitor: Watched,
    component: Components,
    state: Annotated[str | None, Query(description="pending, firing or resolved")] = None,
    severity: Annotated[str | None, Query(description="warning or critical")] = None,
) -> Response:
    """The alerts by state, severity and component: none, because this version has no alert engine."""
    one_of("state", state, STATES)
    one_of("severity", severity, SEVERITIES)
    chosen("component", component, monitor.board.names())
    return live({"alerts": [], "message": NO_ENGINE}, status=Status.OFF)


@router.post("/{alert_id}/ack/", response_model=Envelope, responses=documented(EXAMPLE, 501))
async def acknowledge(alert_id: str) -> Response:  # noqa: ARG001  # part of the path
    """Acknowledge an alert: refused with 501, because this version has no alert engine."""
    _refuse()


@router.post("/silences/", response_model=Envelope, responses=documented(EXAMPLE, 501))
async def silence() -> Response:
    """Silence alerts for a while: refused with 501, because this version has no alert engine."""
    _refuse()


def _refuse() -> NoReturn:
    raise Problem(501, NO_ENGINE)
