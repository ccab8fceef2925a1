"""`/api/debug/`: what the monitor itself does, and with which configuration; secrets never."""

import platform
import threading
import time
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psutil
from fastapi import APIRouter
from starlette.responses import Response

from api.ask import Watched
from api.envelope import Envelope, Json, at, error, iso, seconds
from api.examples import answer, documented
from api.stream import clients
from monitor import VERSION, Monitor
from probes.result import Status
from settings_types import mask

router = APIRouter(tags=["Tapewatch"])

PACKAGES = (
    "streamlit", "fastapi", "starlette", "uvicorn", "pydantic", "clickhouse-connect", "chdb", "redis",
    "kafka-python", "psutil", "numpy", "pandas", "pyarrow", "plotly",
)  # fmt: skip

RUNNER = {
    "name": "kafka",
    "executions": 812,
    "timeouts": 4,
    "stuck_s": None,
    "breaker": {"state": "open", "failures": 4},
    "traceback": "",
}
EXAMPLE = answer(
    {
        "configuration": {"app": {"title": "Tapewatch"}, "history": {"dsn": "clickhouse://user:***@host:8123/db"}},
        "versions": {"tapewatch": "0.1.0", "python": "3.11.7"},
        "process": {"uptime_s": 86400.0, "threads": ["MainThread", "monitor"], "open_files": 61, "resident_bytes": 4e8},
        "runners": [RUNNER],
        "history": {"place": "chdb://var/history", "ready": True, "since": "2026-11-23T14:31:07.120Z", "error": None},
        "recorder": {
            "waiting_samples": 120,
            "unspooled_samples": 0,
            "waiting_since": "2026-11-23T14:31:00Z",
            "written_samples": 9e6,
            "thinned_samples": 0,
            "dropped_samples": 0,
            "quarantined_rows": 0,
            "refusal": "",
            "batches": 8213,
            "last_error": "",
            "spool_bytes": 151552,
            "spool_error": "",
        },
        "board": {"components": 14, "results_published": 40210, "mode": "memory", "error": ""},
        "stream_clients": 1,
    }
)


@router.get("/debug/", response_model=Envelope, responses=documented(EXAMPLE))
async def debug(monitor: Watched) -> Response:
    """Effective configuration with secrets masked, versions, threads, breakers, queues, the spool, the board."""
    now_s = time.time()
    data = {
        "configuration": configuration(monitor),
        "versions": versions(),
        "process": process(monitor),
        "runners": runners(monitor),
        **_stores(monitor),
        "stream_clients": clients(),
    }
    return Json(at(Status.OK, now_s, 0.0, data))


def configuration(monitor: Monitor) -> dict[str, Any]:
    """The configuration in force, defaults filled in, every secret masked."""
    settings = monitor.settings
    shown = settings.model_dump(mode="json", exclude={"component"})
    # Each component's own model, or the options of its kind would be missing.
    shown["component"] = [
        {
            **component.model_dump(mode="json"),
            "interval_s": settings.interval_s(component),
            "deadline_s": settings.deadline_s(component),
        }
        for component in settings.component
    ]
    masked = _masked(shown)
    assert isinstance(masked, dict)
    return masked


@cache
def versions() -> dict[str, str]:
    """Versions of Tapewatch, Python, the platform and the packages that matter."""
    found = {"tapewatch": VERSION, "python": platform.python_version(), "platform": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def process(monitor: Monitor) -> dict[str, Any]:
    """This process: age, threads, descriptors, memory."""
    own = psutil.Process()
    return {
        "uptime_s": seconds(monitor.uptime_s),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "open_files": own.num_fds() if hasattr(own, "num_fds") else None,
        "resident_bytes": own.memory_info().rss,
    }


def runners(monitor: Monitor) -> list[dict[str, Any]]:
    """Every component's executions and breaker, and the traceback of a fault in Tapewatch."""
    found = []
    for name, runner in monitor.board.runners.items():
        state = runner.state()
        found.append(
            {
                "name": name,
                "executions": state.executions,
                "timeouts": state.timeouts,
                "stuck_s": seconds(state.stuck_s),
                "breaker": {"state": "open" if state.breaker.is_open else "closed", "failures": state.breaker.failures},
                "traceback": mask(state.traceback),
            }
        )
    return found


def _stores(monitor: Monitor) -> dict[str, Any]:
    store, recorder, mirror = monitor.store.state, monitor.recorder.state(), monitor.mirror.state
    return {
        "history": {
            "place": mask(monitor.store.place),
            "ready": store.ready,
            "since": iso(store.since),
            "error": error(store.error),
        },
        "recorder": {
            "waiting_samples": recorder.waiting,
            "waiting_since": iso(recorder.waiting_since),
            "written_samples": recorder.written,
            "unspooled_samples": recorder.unspooled,
            "thinned_samples": recorder.thinned,
            "dropped_samples": recorder.dropped,
            "quarantined_rows": recorder.quarantined,
            "refusal": mask(recorder.refusal),
            "batches": recorder.batches,
            "last_error": mask(recorder.last_error),
            "spool_bytes": recorder.spool_bytes,
            "spool_error": mask(recorder.spool_error),
        },
        "board": {
            "components": len(monitor.board.names()),
            "results_published": monitor.board.published,
            "mode": mirror.mode,
            "error": mask(mirror.error),
        },
    }


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {key: _masked(inner) for key, inner in value.items()}
    return [_masked(inner) for inner in value] if isinstance(value, list) else value
