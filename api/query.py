"""`/api/query/`: any series over any range, as JSON, CSV, Arrow or Parquet."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic_core import PydanticCustomError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

import probes
from api.ask import Components, MetricNames, Range, Watched, fresh_s, history, one_of
from api.columns import envelope, series_set
from api.envelope import Envelope, Json, iso
from api.examples import RANGE, SERIES, answer, documented
from api.problems import Problem, bad_value
from history import queries
from history.tables import WRITERS, long_table
from history.window import MAX_RANGE_S, quoted
from monitor import Monitor
from settings_types import parse_duration_s

router = APIRouter(prefix="/query", tags=["History"])

MEDIA_TYPES = {
    "json": "application/json",
    "csv": "text/csv",
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
}
EXAMPLE = answer({**RANGE, "truncated": False, "series": [SERIES]})


@router.get("/", response_model=Envelope, responses=documented(EXAMPLE, 503))
async def query(
    request: Request,
    monitor: Watched,
    window: Range,
    metric: Annotated[list[str], Query(description="Catalogued metrics; at least one, may be given more than once.")],
    component: Components,
    percentiles: Annotated[str, Query(description="`true` adds p50, p95 and p99 of each bucket.")] = "false",
    compare: Annotated[
        str | None,
        Query(description="Also the same series so long before, such as `1d` or `7d`, moved onto the range."),
    ] = None,
    format_: Annotated[
        str | None, Query(alias="format", description="json, csv, arrow or parquet; else the Accept header decides.")
    ] = None,
) -> Response:
    """Any metric of any components: min, average and max of each bucket; counters as rates per second.

    Tables (`csv`, `arrow`, `parquet`) have a row per point, without `compare`. At most 200 series:
    `truncated` says that there are more, and then a `component` narrows it down.
    """
    one_of("format", format_, tuple(MEDIA_TYPES))
    wanted = format_ or accepted(request.headers.get("accept", "*/*"))
    with_percentiles = one_of("percentiles", percentiles, ("true", "false")) == "true"
    metrics = await known_metrics(monitor, metric)
    names = await known_components(monitor, component)
    before_s = parse_shift(compare)
    found = await history(monitor, queries.series, fresh_s(window), window, metrics, names, with_percentiles, before_s)
    assert found.value is not None
    value = found.value
    if wanted == "json":
        return await run_in_threadpool(lambda: Json(envelope(found, series_set(value))))
    body = await run_in_threadpool(lambda: WRITERS[wanted](long_table(value.series, with_percentiles)))
    headers = {
        "Content-Disposition": f'attachment; filename="tapewatch.{wanted}"',
        "X-Tapewatch-State": found.state,
        "X-Tapewatch-Tier": value.tier,
        "X-Tapewatch-Step-Seconds": str(value.step_s),
        "X-Tapewatch-Truncated": str(value.truncated).lower(),
    }
    return Response(body, media_type=MEDIA_TYPES[wanted], headers=headers)


NEWEST = {
    "component": "host",
    "metric": "host_cpu_ratio",
    "labels": {},
    "unit": "ratio",
    "kind": "gauge",
    "last_at": "2026-11-23T14:31:00.000Z",
    "last_value": 0.41,
}
SERIES_EXAMPLE = answer({"state": "fresh", "series": [NEWEST]})


@router.get("/series/", response_model=Envelope, responses=documented(SERIES_EXAMPLE, 503))
async def every_series(monitor: Watched, metric: MetricNames, component: Components) -> Response:
    """Every series the history knows, imported ones as well, with its newest sample (of a counter the increase)."""
    names = await known_metrics(monitor, metric), await known_components(monitor, component)
    found = await history(monitor, queries.newest, 10.0, *names)
    rows = [
        {
            "component": each.row.key.component,
            "metric": each.row.key.metric,
            "labels": dict(each.row.key.labels),
            "unit": each.row.unit,
            "kind": each.row.kind,
            "last_at": iso(each.at_s),
            "last_value": each.value,
        }
        for each in found.value or ()
    ]
    return await run_in_threadpool(lambda: Json(envelope(found, {"series": rows})))


async def known_metrics(monitor: Monitor, wanted: Sequence[str]) -> tuple[str, ...]:
    """`wanted`, each checked to be catalogued or, as imported ones are, in the history."""
    return await _known(monitor, "metric", wanted, tuple(probes.METRICS))


async def known_components(monitor: Monitor, wanted: Sequence[str]) -> tuple[str, ...]:
    """`wanted`, each checked to be watched or in the history."""
    return await _known(monitor, "component", wanted, monitor.board.names())


async def _known(monitor: Monitor, param: str, wanted: Sequence[str], there: tuple[str, ...]) -> tuple[str, ...]:
    for name in wanted:
        if name not in there:
            names: tuple[tuple[str, ...], tuple[str, ...]] = ((name,), ()) if param == "metric" else ((), (name,))
            if not await _recorded(monitor, *names):
                raise bad_value(param, name, there)
    return tuple(dict.fromkeys(wanted))


async def _recorded(monitor: Monitor, metrics: tuple[str, ...], components: tuple[str, ...]) -> bool:
    """Whether the history has such series; one that cannot be asked is not known to."""
    try:
        return bool((await history(monitor, queries.known_series, 10.0, metrics, components)).value)
    except Problem:
        return False


def parse_shift(text: str | None) -> int:
    """Seconds of a `compare` duration; 0 for none.

    Raises:
        Problem: not a duration such as ``1d``, or longer than ten years.
    """
    if text is None:
        return 0
    try:
        shift_s = parse_duration_s(text)
    except PydanticCustomError:
        shift_s = 0.0
    if not 1 <= shift_s <= MAX_RANGE_S:
        raise Problem(400, f'"compare" is {quoted(text)}; expected a duration such as 1h, 1d or 7d.', param="compare")
    return int(shift_s)


def accepted(header: str) -> str:
    """The format an Accept header asks for; JSON where it does not say or accepts anything.

    Raises:
        Problem: 406 when it asks only for what there is not.
    """
    asked = [part.partition(";")[0].strip().lower() for part in header.split(",")]
    for media_type in asked:
        if media_type in {"*/*", "application/*", ""}:
            return "json"
        for name, offered in MEDIA_TYPES.items():
            if media_type in {offered, offered.partition("/")[0] + "/*"}:
                return name
    if "text/html" in asked:
        return "json"
    raise Problem(406, f"This endpoint answers {', '.join(MEDIA_TYPES.values())}.", title="Not Acceptable")
