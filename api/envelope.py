"""The shape of every answer: the envelope, the component item, and JSON that holds no NaN."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from probes import METRICS
from probes.cache import ComponentView, worst_first
from probes.result import Finding, ProbeError, Reading, Status, Table, worst


class Error(BaseModel):
    """Why something could not be read."""

    code: str
    message: str
    hint: str


class Envelope(BaseModel):
    """What every endpoint answers.

    For a list, `checked_at` and `age_s` are those of the oldest result in it, `took_ms` that of the
    slowest, `stale` says that at least one is stale, `error` is that of the worst component. All are
    null where there is no result.
    """

    status: Status
    checked_at: str | None
    age_s: float | None
    stale: bool
    took_ms: float | None
    error: Error | None
    data: dict[str, Any]


class Json(JSONResponse):
    """JSON in UTF-8. A value that is not finite becomes null: NaN is no JSON."""

    def render(self, content: Any) -> bytes:
        return self.encoded(content).encode()

    @staticmethod
    def encoded(content: Any) -> str:
        """`content` as text."""
        try:
            return _dumps(content)
        except ValueError:
            return _dumps(_finite(content))


def live(data: Mapping[str, Any], views: Sequence[ComponentView] = (), status: Status | None = None) -> Response:
    """The envelope of an answer made of `views`; `status` None: the worst of them."""
    results = [view.result for view in views if view.result]
    ages = [view.age_s for view in views if view.age_s is not None]
    failed = next((view.result.error for view in worst_first(views) if view.result and view.result.error), None)
    return Json(
        {
            "status": worst(view.status for view in views) if status is None else status,
            "checked_at": iso(min(result.checked_at for result in results)) if results else None,
            "age_s": seconds(max(ages, default=None)),
            "stale": any(view.stale for view in views),
            "took_ms": milliseconds(max((result.took_ms for result in results), default=None)),
            "error": error(failed),
            "data": data,
        }
    )


def at(status: Status, moment_s: float, age_s: float, data: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope of something that was looked at in this process at `moment_s`."""
    return {
        "status": status,
        "checked_at": iso(moment_s),
        "age_s": seconds(max(0.0, age_s)),
        "stale": False,
        "took_ms": None,
        "error": None,
        "data": data,
    }


def item(view: ComponentView, metrics: Iterable[Reading] | None = None) -> dict[str, Any]:
    """One component of a list; `metrics` None: all of its last result."""
    result = view.result
    shown = (result.readings if result else ()) if metrics is None else metrics
    return {
        "name": view.name,
        "kind": view.kind.name,
        "status": view.status,
        "since": iso(view.since),
        "checked_at": iso(result.checked_at) if result else None,
        "age_s": seconds(view.age_s),
        "stale": view.stale,
        "latency_ms": milliseconds(result.latency_ms) if result else None,
        "summary": view.sentence,
        "caused_by": view.caused_by,
        "error": error(result.error) if result else None,
        "metrics": [metric(reading) for reading in shown],
    }


def line(view: ComponentView) -> dict[str, Any]:
    """One component with its key figure only."""
    readings = view.result.readings if view.result else ()
    return item(view, [reading for reading in readings if reading.metric == view.kind.key_metric])


def metric(reading: Reading) -> dict[str, Any]:
    """One value with its unit, as the catalogue has it."""
    catalogued = METRICS.get(reading.metric)
    return {
        "name": reading.metric,
        "labels": dict(reading.labels),
        "value": reading.value,
        "unit": catalogued.unit if catalogued else "",
    }


def finding(found: Finding) -> dict[str, Any]:
    """One rule that fired."""
    return {
        "metric": found.metric,
        "status": found.status,
        "message": found.message,
        "hint": found.hint,
        "value": found.value,
        "threshold": found.threshold,
        "labels": dict(found.labels),
        "because": found.because or None,
    }


def table(rows: Table) -> list[dict[str, Any]]:
    """A table's rows as objects."""
    return [dict(zip(rows.columns, row, strict=False)) for row in rows.rows]


def error(failure: ProbeError | None) -> dict[str, str] | None:
    """A failure as the envelope has it."""
    return {"code": failure.code, "message": failure.message, "hint": failure.hint} if failure else None


def iso(moment: datetime | float | None) -> str | None:
    """A time (or epoch seconds) as ISO 8601 in UTC with milliseconds."""
    if moment is None:
        return None
    when = moment.astimezone(UTC) if isinstance(moment, datetime) else datetime.fromtimestamp(moment, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(value: float | None) -> float | None:
    """`value` to the millisecond."""
    return None if value is None else round(value, 3)


def milliseconds(value: float | None) -> float | None:
    """`value` to the microsecond."""
    return None if value is None else round(value, 3)


def _dumps(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    """What a probe's table may hold besides JSON's own types."""
    return iso(value) if isinstance(value, datetime) else str(value)


def _finite(content: Any) -> Any:
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return content
