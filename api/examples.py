"""Examples for the documentation page; a test holds each endpoint's real answer to the keys of its example."""

from typing import Any

from api.problems import ProblemModel

ITEM: dict[str, Any] = {
    "name": "kafka",
    "kind": "kafka",
    "status": "critical",
    "since": "2026-11-23T14:31:07.120Z",
    "checked_at": "2026-11-23T14:34:27.120Z",
    "age_s": 3.4,
    "stale": False,
    "latency_ms": None,
    "summary": "Kafka at localhost:9092 did not answer within 2 s.",
    "caused_by": [],
    "error": {
        "code": "timeout",
        "message": "Kafka at localhost:9092 did not answer within 2 s.",
        "hint": "Is the process running and not frozen, and does a firewall drop the packets?",
    },
    "metrics": [],
}
METRIC = {"name": "host_cpu_ratio", "labels": {}, "value": 0.41, "unit": "ratio"}
WINDOW = {"from": "2026-11-23T08:31:00.000Z", "to": "2026-11-23T14:31:00.000Z"}
RANGE = {"window": WINDOW, "step_s": 60, "tier": "raw", "state": "fresh"}
SERIES: dict[str, Any] = {
    "component": "network",
    "metric": "network_rtt_seconds",
    "labels": {"target": "10.0.0.1:443"},
    "unit": "seconds",
    "points": {
        "time": ["2026-11-23T08:31:00.000Z"],
        "avg": [0.0011],
        "min": [0.0009],
        "max": [0.0021],
        "count": [6],
    },
}


def answer(data: dict[str, Any], status: str = "ok", error: dict[str, str] | None = None) -> dict[str, Any]:
    """An envelope around example data."""
    return {
        "status": status,
        "checked_at": "2026-11-23T14:34:27.120Z",
        "age_s": 3.4,
        "stale": False,
        "took_ms": 2001.3,
        "error": error,
        "data": data,
    }


def documented(example: dict[str, Any], *refusals: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an endpoint: what it answers, and which problems it may answer instead."""
    found: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {"example": example}}}}
    for status in (400, *refusals):
        body = {"application/problem+json": {"schema": ProblemModel.model_json_schema(), "example": PROBLEMS[status]}}
        found[status] = {"description": PROBLEMS[status]["title"], "content": body}
    return found


PROBLEMS: dict[int, dict[str, Any]] = {
    400: {
        "type": "about:blank",
        "title": "Unusable time range",
        "status": 400,
        "detail": '"from" is "banana"; expected "now-6h", ISO 8601 such as 2026-11-23T14:30:00Z, or epoch seconds.',
        "param": "from",
    },
    403: {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "detail": "Only this machine itself may write through the API.",
        "param": None,
    },
    404: {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no such event, or it was deleted.",
        "param": "event_id",
    },
    415: {
        "type": "about:blank",
        "title": "Unsupported Media Type",
        "status": 415,
        "detail": "The body must be JSON, with the header Content-Type: application/json.",
        "param": None,
    },
    501: {
        "type": "about:blank",
        "title": "Not Implemented",
        "status": 501,
        "detail": "This version has no alert engine.",
        "param": None,
    },
    503: {
        "type": "about:blank",
        "title": "The history cannot be reached",
        "status": 503,
        "detail": "ClickHouse at clickhouse://ch:8123 refuses connections. Is clickhouse-server running?",
        "param": None,
    },
}
