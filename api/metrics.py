"""`/api/metrics/…/`: the metrics of one kind, by component."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.ask import Components, Watched, chosen
from api.envelope import Envelope, finding, item, live, table
from api.examples import ITEM, METRIC, answer, documented
from monitor import Monitor
from probes import PLANNED
from probes.cache import ComponentView
from probes.result import Status

router = APIRouter(prefix="/metrics", tags=["Live"])

DETAILS = {"findings": [], "facts": {"version": "26.9.2"}, "tables": {}, "unavailable": []}
EXAMPLE = answer(
    {"components": [{**ITEM, "status": "ok", "error": None, "metrics": [METRIC], **DETAILS}], "message": ""}
)
OFF_EXAMPLE = answer({"components": [], "message": "This version has no probe for the tick pipeline."}, "off")


@router.get("/system/", response_model=Envelope, responses=documented(EXAMPLE))
async def system(monitor: Watched, component: Components) -> Response:
    """Processor, memory, disks and clock of each host."""
    return of_kind(monitor, "host", component)


@router.get("/dataflow/", response_model=Envelope, responses=documented(OFF_EXAMPLE))
async def dataflow(monitor: Watched, component: Components) -> Response:
    """The tick pipeline."""
    return of_kind(monitor, "dataflow", component)


@router.get("/kafka/", response_model=Envelope, responses=documented(EXAMPLE))
async def kafka(monitor: Watched, component: Components) -> Response:
    """Brokers, topics and consumer lag of each Kafka cluster."""
    return of_kind(monitor, "kafka", component)


@router.get("/clickhouse/", response_model=Envelope, responses=documented(EXAMPLE))
async def clickhouse(monitor: Watched, component: Components) -> Response:
    """Queries, parts, merges and memory of each ClickHouse."""
    return of_kind(monitor, "clickhouse", component)


@router.get("/redis/", response_model=Envelope, responses=documented(EXAMPLE))
async def redis(monitor: Watched, component: Components) -> Response:
    """Memory, clients and commands of each Redis."""
    return of_kind(monitor, "redis", component)


def of_kind(monitor: Monitor, kind: str, wanted: Sequence[str]) -> Response:
    """Every component of `kind` with all of its metrics; `off` and a sentence where there is none."""
    views = monitor.board.of_kind(kind)
    names = chosen("component", wanted, [view.name for view in views])
    views = tuple(view for view in views if view.name in names)
    data = {"components": [full(view) for view in views], "message": "" if views else nothing(kind)}
    return live(data, views, None if views else Status.OFF)


def nothing(kind: str) -> str:
    """Why there is no component of `kind`."""
    if kind in PLANNED:
        return f"This version has no probe for {PLANNED[kind]}."
    return f'No component of kind "{kind}" is configured: add a [[component]] with kind = "{kind}" to tapewatch.toml.'


def full(view: ComponentView) -> dict[str, Any]:
    """A component with everything its last result holds."""
    result = view.result
    return {
        **item(view),
        "findings": [finding(found) for found in result.findings] if result else [],
        "facts": dict(result.facts) if result else {},
        "tables": {name: table(rows) for name, rows in result.tables.items()} if result else {},
        "unavailable": result.unavailable if result else (),
    }
