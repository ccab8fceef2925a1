"""`/api/iqfeed/` and `/api/ib/`: market data and broker."""

from fastapi import APIRouter
from starlette.responses import Response

from api.ask import Components, Watched
from api.envelope import Envelope
from api.examples import answer, documented
from api.metrics import of_kind

router = APIRouter(tags=["Live"])


def _off(what: str) -> dict[str, object]:
    return answer({"components": [], "message": f"This version has no probe for {what}."}, "off")


@router.get("/iqfeed/", response_model=Envelope, responses=documented(_off("IQFeed")))
async def iqfeed(monitor: Watched, component: Components) -> Response:
    """IQFeed: connection, session, version, latency, subscriptions, codes seen."""
    return of_kind(monitor, "iqfeed", component)


@router.get("/ib/", response_model=Envelope, responses=documented(_off("Interactive Brokers")))
async def ib(monitor: Watched, component: Components) -> Response:
    """Interactive Brokers: connection, session, version, latency, subscriptions, codes seen."""
    return of_kind(monitor, "ib", component)
