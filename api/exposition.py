"""Every fresh value in Prometheus' text format, version 0.0.4.

A component whose last result is stale shows only that it is unknown: old values would look like new
ones. https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import math
from collections.abc import Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from api.ask import Watched
from api.examples import documented
from monitor import VERSION, Monitor
from probes import METRICS
from probes.common import readings
from probes.result import Labels, Reading, Status

router = APIRouter(tags=["Tapewatch"])

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
EXAMPLE = '# HELP probe_up 1 when the component answered\n# TYPE probe_up gauge\nprobe_up{component="kafka"} 1\n'
AGE = "tapewatch_result_age_seconds"
OWN = {
    AGE: "Age of each component's last result.",
    "tapewatch_uptime_seconds": "Seconds since this process started.",
    "tapewatch_monitor_turning": "1 while the monitor's loop turns.",
    "tapewatch_samples_waiting": "Samples that wait to be written to the history.",
    "tapewatch_build_info": "Always 1; the label tells the version.",
}


@router.get(
    "/metrics/",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"example": EXAMPLE}}}, 400: documented({})[400]},
)
async def metrics(monitor: Watched) -> Response:
    """Every fresh value in Prometheus' text format; also at `/metrics`."""
    return Response(exposition(monitor), media_type=MEDIA_TYPE)


def route(monitor: Callable[[], Monitor], path: str = "/metrics") -> Route:
    """A route for a server's own root, where Prometheus looks by default."""

    async def endpoint(_: Request) -> Response:
        return Response(exposition(monitor()), media_type=MEDIA_TYPE)

    return Route(path, endpoint, methods=["GET"])


def exposition(monitor: Monitor) -> str:
    """The board and the monitor itself as Prometheus reads them.

    Counters are shown as gauges: a probe tells the increase since its last check, not a running total.
    """
    lines: dict[str, list[str]] = {}
    for view in monitor.views():
        shown: tuple[Reading, ...] = ()
        if view.result and not view.stale:
            shown = readings(view.result)
        elif not view.pending:
            shown = (Reading("probe_up", 0.0), Reading("probe_status", float(Status.UNKNOWN.rank)))
        for reading in shown:
            _add(lines, reading.metric, (("component", view.name), *reading.labels), reading.value)
        if view.age_s is not None:
            _add(lines, AGE, (("component", view.name),), view.age_s)
    _add(lines, "tapewatch_uptime_seconds", (), monitor.uptime_s)
    _add(lines, "tapewatch_monitor_turning", (), float(monitor.turning))
    _add(lines, "tapewatch_samples_waiting", (), float(monitor.recorder.state().waiting))
    _add(lines, "tapewatch_build_info", (("version", VERSION),), 1.0)
    return "".join(
        f"# HELP {name} {_escaped(_help(name), quotes=False)}\n# TYPE {name} gauge\n{''.join(rows)}"
        for name, rows in lines.items()
    )


def _help(name: str) -> str:
    return OWN.get(name) or METRICS[name].help


def _add(lines: dict[str, list[str]], name: str, labels: Labels, value: float) -> None:
    if not math.isfinite(value) or (name not in METRICS and name not in OWN):
        return
    pairs = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
    lines.setdefault(name, []).append(f"{name}{{{pairs}}} {value!r}\n" if pairs else f"{name} {value!r}\n")


def _escaped(text: str, quotes: bool = True) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text
