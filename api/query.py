"""`/api/query/`: any series over any range, as JSON, CSV, Arrow or Parquet."""

import io
import json
from collections.abc import Callable, Sequence
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet
from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

import probes
from api.ask import Components, Range, Watched, chosen, fresh_s, history, one_of
from api.columns import envelope, series_set
from api.envelope import Envelope, Json
from api.examples import RANGE, SERIES, answer, documented
from api.problems import Problem
from history import queries
from history.answers import Series

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
    p95: Annotated[str, Query(description="`true` adds the 95th percentile of each bucket.")] = "false",
    format_: Annotated[
        str | None, Query(alias="format", description="json, csv, arrow or parquet; else the Accept header decides.")
    ] = None,
) -> Response:
    """Any metric of any components: min, average and max of each bucket; counters as rates per second.

    Tables (`csv`, `arrow`, `parquet`) have a row per point. At most 200 series: `truncated` says that
    there are more, and then a `component` narrows it down.
    """
    one_of("format", format_, tuple(MEDIA_TYPES))
    wanted = format_ or accepted(request.headers.get("accept", "*/*"))
    with_p95 = one_of("p95", p95, ("true", "false")) == "true"
    metrics = chosen("metric", metric, probes.METRICS)
    names = chosen("component", component, monitor.board.names()) if component else ()
    found = await history(monitor, queries.series, fresh_s(window), window, metrics, names, with_p95)
    assert found.value is not None
    value = found.value
    if wanted == "json":
        return await run_in_threadpool(lambda: Json(envelope(found, series_set(value))))
    body = await run_in_threadpool(lambda: WRITERS[wanted](long_table(value.series, with_p95)))
    headers = {
        "Content-Disposition": f'attachment; filename="tapewatch.{wanted}"',
        "X-Tapewatch-State": found.state,
        "X-Tapewatch-Tier": value.tier,
        "X-Tapewatch-Step-Seconds": str(value.step_s),
        "X-Tapewatch-Truncated": str(value.truncated).lower(),
    }
    return Response(body, media_type=MEDIA_TYPES[wanted], headers=headers)


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


def long_table(lines: Sequence[Series], with_p95: bool) -> pa.Table:
    """A row per point of every series."""

    def repeated(values: Sequence[str]) -> pa.Array:
        counts = np.repeat(np.arange(len(lines), dtype=np.int32), [len(line.t) for line in lines])
        return pa.DictionaryArray.from_arrays(pa.array(counts), pa.array(values, pa.string())).cast(pa.string())

    def joined(pick: Callable[[Series], object]) -> pa.Array:
        columns = [np.asarray(pick(line), dtype=np.float64) for line in lines]
        return pa.array(np.concatenate(columns) if columns else np.empty(0), pa.float64())

    columns = {
        "component": repeated([line.component for line in lines]),
        "metric": repeated([line.metric for line in lines]),
        "labels": repeated([json.dumps(dict(line.labels), separators=(",", ":")) for line in lines]),
        "unit": repeated([line.unit for line in lines]),
        "time": joined(lambda line: line.t).cast(pa.int64()).cast(pa.timestamp("s", "UTC")).cast(_TIME),
        "avg": joined(lambda line: line.avg),
        "min": joined(lambda line: line.low),
        "max": joined(lambda line: line.high),
        "count": joined(lambda line: line.count).cast(pa.int64()),
    }
    if with_p95:
        columns["p95"] = joined(lambda line: line.p95)
    return pa.table(columns)


_TIME = pa.timestamp("ms", "UTC")


def _csv(table: pa.Table) -> bytes:
    out = io.BytesIO()
    moments = np.datetime_as_string(table["time"].to_numpy(), unit="ms", timezone="UTC")  # ISO 8601, with its T
    place = table.column_names.index("time")
    pyarrow.csv.write_csv(table.set_column(place, "time", pa.array(moments, pa.string())), out)
    return out.getvalue()


def _arrow(table: pa.Table) -> bytes:
    out = io.BytesIO()
    with pyarrow.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def _parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out, compression="zstd")
    return out.getvalue()


WRITERS: dict[str, Callable[[pa.Table], bytes]] = {"csv": _csv, "arrow": _arrow, "parquet": _parquet}
