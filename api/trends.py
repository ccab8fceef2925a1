"""`/api/monitor/health-trend/` and `/performance/`: health and speed over time, from the history."""

from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from analysis.performance import error_ratio_over, throughput_metrics
from analysis.uptime import Shares, Uptime
from api.ask import Components, Range, Watched, chosen, fresh_s, history
from api.columns import Clock, by_component, envelope, points, span
from api.envelope import Envelope, Json, iso
from api.examples import RANGE, SERIES, answer, documented
from api.questions import LATENCY, UP, HealthTrend, Performance, health_trend, performance
from history.answers import Series, Summary
from monitor import Monitor

router = APIRouter(prefix="/monitor", tags=["History"])

POINTS: dict[str, Any] = SERIES["points"]
UPTIME = {
    "up_ratio": 0.9991,
    "observed_ratio": 0.998,
    "downtime_s": 78.0,
    "incidents": 1,
    "mttr_s": 78.0,
    "mtbf_s": 86322.0,
    "longest_outage_s": 78.0,
    "longest_outage_at": "2026-11-23T09:02:11.000Z",
    "worst_status": "critical",
}
SHARES = {
    "time": ["2026-11-23T08:31:00.000Z"],
    "ok_ratio": [0.9],
    "warning_ratio": [0.0],
    "critical_ratio": [0.1],
    "observed_ratio": [1.0],
}
TREND_EXAMPLE = answer(
    {**RANGE, "components": [{"name": "kafka", "uptime": UPTIME, "status_shares": SHARES, "latency_seconds": POINTS}]}
)
PERCENTILES = {"p50": [0.001], "p95": [0.002], "p99": [0.004]}
LATENCIES = {"p50": 1.1, "p95": 2.5, "p99": 4.1, "max": 9.7, "avg": 1.3}
RATE = {"metric": "kafka_messages_per_second", "labels": {}, "unit": "messages/s", "avg": 910, "p95": 1400, "max": 2100}
PERFORMANCE_EXAMPLE = answer(
    {
        **RANGE,
        "components": [
            {
                "name": "kafka",
                "checks": 2160,
                "error_ratio": 0.002,
                "latency_ms": LATENCIES,
                "throughput": [RATE],
                "series": {LATENCY: {**POINTS, **PERCENTILES}, UP: {**POINTS, **PERCENTILES}},
            }
        ],
    }
)


@router.get("/health-trend/", response_model=Envelope, responses=documented(TREND_EXAMPLE, 503))
async def trend(monitor: Watched, window: Range, component: Components) -> Response:
    """Per component: uptime with its coverage, status shares and latency over time.

    Time without samples is neither up nor down: shares of a bucket add up to its `observed_ratio`.
    """
    names = chosen("component", component, monitor.board.names())
    found = await history(monitor, health_trend, fresh_s(window), window, names)
    assert found.value is not None
    value = found.value
    return await run_in_threadpool(lambda: Json(envelope(found, _trend(value, names))))


@router.get("/performance/", response_model=Envelope, responses=documented(PERFORMANCE_EXAMPLE, 503))
async def speed(monitor: Watched, window: Range, component: Components) -> Response:
    """Per component: latency percentiles, error rate and throughput over the range, with latency over time.

    `error_ratio` is the share of checks that found the component down or did not tell.
    """
    names = chosen("component", component, monitor.board.names())
    found = await history(monitor, performance, max(15.0, fresh_s(window)), window, names, rates(monitor, names))
    assert found.value is not None
    value = found.value
    return await run_in_threadpool(lambda: Json(envelope(found, _performance(value, names))))


def rates(monitor: Monitor, names: tuple[str, ...]) -> tuple[str, ...]:
    """The catalogued metrics of these components' kinds that tell a throughput."""
    kinds = {view.kind.name: view.kind for view in monitor.views() if view.name in names}.values()
    return tuple(name for kind in kinds for name in throughput_metrics(kind))


def _trend(value: HealthTrend, names: tuple[str, ...]) -> dict[str, Any]:
    clock = Clock()
    uptimes = {uptime.component: uptime for uptime in value.uptimes}
    shares = {share.component: share for share in value.shares}
    latency = {line.component: line for line in value.latency.series}
    rows = [
        {
            "name": name,
            "uptime": _uptime(uptimes[name]) if name in uptimes else None,
            "status_shares": _shares(shares[name], clock) if name in shares else None,
            "latency_seconds": points(latency[name], clock) if name in latency else None,
        }
        for name in names
    ]
    return {**span(value.latency.window, value.latency.step_s, value.latency.tier), "components": rows}


def _uptime(uptime: Uptime) -> dict[str, Any]:
    return {
        "up_ratio": uptime.up_ratio,
        "observed_ratio": uptime.observed_ratio,
        "downtime_s": uptime.downtime_s,
        "incidents": uptime.incidents,
        "mttr_s": uptime.mttr_s,
        "mtbf_s": uptime.mtbf_s,
        "longest_outage_s": uptime.longest_outage_s,
        "longest_outage_at": iso(uptime.longest_outage_at_s),
        "worst_status": uptime.worst,
    }


def _shares(share: Shares, clock: Clock) -> dict[str, Any]:
    return {
        "time": clock.column(share.t),
        "ok_ratio": share.ok.tolist(),
        "warning_ratio": share.warning.tolist(),
        "critical_ratio": share.critical.tolist(),
        "observed_ratio": (share.ok + share.warning + share.critical).tolist(),
    }


def _performance(value: Performance, names: tuple[str, ...]) -> dict[str, Any]:
    clock = Clock()
    lines = by_component(value.series.series)
    latency = {summary.component: summary for summary in value.latency}
    up = {summary.component: summary for summary in value.up}
    rows = [
        {
            "name": name,
            "checks": up[name].count if name in up else 0,
            "error_ratio": error_ratio_over(up[name]) if name in up else None,
            "latency_ms": _latency_ms(latency[name]) if name in latency else None,
            "throughput": [_rate(summary) for summary in value.throughput if summary.component == name],
            "series": _columns(lines.get(name, []), clock),
        }
        for name in names
    ]
    return {**span(value.series.window, value.series.step_s, value.series.tier), "components": rows}


def _columns(lines: list[Series], clock: Clock) -> dict[str, Any]:
    return {line.metric: points(line, clock) for line in lines}


def _latency_ms(summary: Summary) -> dict[str, float]:
    values_s = {
        "p50": summary.p50,
        "p95": summary.p95,
        "p99": summary.p99,
        "max": summary.high,
        "avg": summary.avg,
    }
    return {name: value_s * 1000 for name, value_s in values_s.items()}


def _rate(summary: Summary) -> dict[str, Any]:
    return {
        "metric": summary.metric,
        "labels": dict(summary.labels),
        "unit": summary.unit,
        "avg": summary.avg,
        "p95": summary.p95,
        "max": summary.high,
    }
