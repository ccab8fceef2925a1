"""`/api/network/…/`: status now, history, capacity of the links."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

import probes
from analysis.capacity import capacity
from api.ask import Components, MetricNames, Range, Watched, chosen, fresh_s, history
from api.columns import envelope, series_set, span
from api.envelope import Envelope, Json, live
from api.examples import ITEM, RANGE, SERIES, answer, documented
from api.metrics import DETAILS, full, nothing
from history import queries
from monitor import Monitor
from probes.cache import ComponentView
from probes.result import Status

router = APIRouter(prefix="/network", tags=["Network"])

METRICS = tuple(metric.name for metric in probes.KINDS["network"].metrics)
HISTORY = tuple(name for name in METRICS if name != "network_link_speed_bytes_per_second")

TARGET = {"target": "10.0.0.1:443", "reachable": 1, "rtt_seconds": 0.0011, "loss_ratio": 0.0}
INTERFACE = {"interface": "eth0", "receive_bytes_per_second": 1.2e6, "utilization_ratio": 0.0096}
STATUS_EXAMPLE = answer(
    {
        "components": [{**ITEM, "name": "network", **DETAILS, "targets": [TARGET], "interfaces": [INTERFACE]}],
        "message": "",
    }
)
HISTORY_EXAMPLE = answer({**RANGE, "truncated": False, "series": [SERIES]})
LINK = {
    "component": "network",
    "interface": "eth0",
    "link_speed_bytes_per_s": 125e6,
    "utilization_p95_ratio": 0.41,
    "utilization_peak_ratio": 0.87,
    "headroom_ratio": 0.59,
    "received_p95_bytes_per_s": 5.1e7,
    "received_peak_bytes_per_s": 1.1e8,
    "sent_p95_bytes_per_s": 2.2e7,
    "sent_peak_bytes_per_s": 6.4e7,
    "forecast": {
        "level": 0.41,
        "growth_per_day": 0.005,
        "growth_low_per_day": 0.0037,
        "growth_high_per_day": 0.0061,
        "days_until_full": 118.0,
        "days_until_full_low": 96.0,
        "days_until_full_high": 160.0,
        "clear": True,
        "days_used": 59,
        "message": "Full in about 118 days (96 to 160).",
    },
    "message": "Full in about 118 days (96 to 160).",
}
CAPACITY_EXAMPLE = answer({**RANGE, "step_s": None, "tier": None, "links": [LINK]})


@router.get("/status/", response_model=Envelope, responses=documented(STATUS_EXAMPLE))
async def status(monitor: Watched, component: Components) -> Response:
    """Per target and interface: reachability, round trip, jitter, loss, throughput, errors."""
    views = monitor.board.of_kind("network")
    names = chosen("component", component, [view.name for view in views])
    views = tuple(view for view in views if view.name in names)
    rows = [{**full(view), "targets": _by(view, "target"), "interfaces": _by(view, "interface")} for view in views]
    return live(
        {"components": rows, "message": "" if views else nothing("network")}, views, None if views else Status.OFF
    )


@router.get("/history/", response_model=Envelope, responses=documented(HISTORY_EXAMPLE, 503))
async def over_time(
    monitor: Watched,
    window: Range,
    component: Components,
    metric: MetricNames,
) -> Response:
    """The network's series over a range: round trip, jitter, loss, throughput, errors, utilisation."""
    metrics = chosen("metric", metric, METRICS) if metric else HISTORY
    names = _names(monitor, component)
    found = await history(monitor, queries.series, fresh_s(window), window, metrics, names)
    assert found.value is not None
    value = found.value
    return await run_in_threadpool(lambda: Json(envelope(found, series_set(value))))


@router.get("/capacity/", response_model=Envelope, responses=documented(CAPACITY_EXAMPLE, 503))
async def links(monitor: Watched, window: Range, component: Components) -> Response:
    """Each link's utilisation (p95, peak), headroom, and when it is full, with the interval of that forecast.

    Where a link's speed is not known its ratios and forecast are null and `message` says so.
    """
    names = _names(monitor, component)
    found = await history(monitor, capacity, max(30.0, fresh_s(window)), window, names)
    data = {**span(window, None, None), "links": [asdict(link) for link in found.value or ()]}
    return Json(envelope(found, data))


def _names(monitor: Monitor, wanted: list[str]) -> tuple[str, ...]:
    """The network components asked for; without any configured, whatever the history knows (an empty filter)."""
    return chosen("component", wanted, [view.name for view in monitor.board.of_kind("network")])


def _by(view: ComponentView, label: str) -> list[dict[str, Any]]:
    """The readings that carry `label` as one object per label value; names without the kind, units kept."""
    rows: dict[str, dict[str, Any]] = {}
    for reading in view.result.readings if view.result else ():
        value = dict(reading.labels).get(label)
        if value is not None:
            rows.setdefault(value, {label: value})[reading.metric.removeprefix("network_")] = reading.value
    return list(rows.values())
