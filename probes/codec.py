"""A `ProbeResult` as JSON and back, for the mirror in Redis."""

import json
from datetime import datetime
from typing import Any

from probes.result import Finding, ProbeError, ProbeResult, Reading, Status, Table

FORMAT = 2
"""Raised whenever the shape changes: a result of another format is refused."""


def encode(result: ProbeResult) -> str:
    """`result` as compact JSON; `decode` is its inverse."""
    return json.dumps(
        {
            "format": FORMAT,
            "component": result.component,
            "kind": result.kind,
            "status": result.status,
            "checked_at": result.checked_at.isoformat(),
            "tick": result.tick.isoformat(),
            "took_ms": result.took_ms,
            "latency_ms": result.latency_ms,
            "summary": result.summary,
            "error": result.error and [result.error.code, result.error.message, result.error.hint, result.error.status],
            "readings": [[r.metric, r.value, r.labels] for r in result.readings],
            "findings": [
                [f.metric, f.status, f.message, f.hint, f.value, f.threshold, f.labels, f.because]
                for f in result.findings
            ],
            "facts": dict(result.facts),
            "tables": {name: [table.columns, table.rows] for name, table in result.tables.items()},
            "unavailable": result.unavailable,
            "trial": result.trial,
        },
        separators=(",", ":"),
    )


def decode(text: str | bytes) -> ProbeResult:
    """The result `encode` made `text` from.

    Raises:
        ValueError: `text` is not such a result (another version wrote it, or another program).
    """
    try:
        return _decode(json.loads(text))
    except (KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise ValueError(f"not a mirrored result: {exc!r}") from exc


def _decode(raw: dict[str, Any]) -> ProbeResult:
    if raw["format"] != FORMAT:
        raise ValueError(f"a mirrored result of format {str(raw['format'])[:20]}, expected {FORMAT}")
    return ProbeResult(
        component=raw["component"],
        kind=raw["kind"],
        status=Status(raw["status"]),
        checked_at=_moment(raw["checked_at"]),
        tick=_moment(raw["tick"]),
        took_ms=raw["took_ms"],
        latency_ms=raw["latency_ms"],
        summary=raw["summary"],
        error=_error(raw["error"]) if raw["error"] else None,
        readings=tuple(Reading(metric, value, _labels(pairs)) for metric, value, pairs in raw["readings"]),
        findings=tuple(
            Finding(
                metric=m, status=Status(s), message=msg, hint=h, value=v, threshold=t, labels=_labels(pairs), because=b
            )
            for m, s, msg, h, v, t, pairs, b in raw["findings"]
        ),
        facts=raw["facts"],
        tables={
            name: Table(tuple(columns), tuple(tuple(row) for row in rows))
            for name, (columns, rows) in raw["tables"].items()
        },
        unavailable=tuple(raw["unavailable"]),
        trial=raw["trial"],
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a mirrored result whose times name no zone")
    return moment


def _error(parts: list[str]) -> ProbeError:
    code, message, hint, status = parts
    return ProbeError(code, message, hint, Status(status))


def _labels(pairs: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in pairs)
