"""A monitor without threads: components whose results a test publishes itself."""

import asyncio
import time
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

import api.app
import probes
from api import exposition
from monitor import Monitor
from probes.result import Finding, ProbeError, ProbeResult, Reading, Status, Table, labels, utc
from settings import Component, History, Settings
from settings_types import SecretUrl
from tests.probes.listeners import eventually

SECRET = "hunter2-not-to-be-seen"
COMPONENTS = (
    {"kind": "host", "name": "host"},
    {"kind": "network", "name": "network", "depends_on": ["host"]},
    {"kind": "tcp", "name": "broker", "address": "127.0.0.1:9", "depends_on": ["host"], "critical": True},
    {
        "kind": "http",
        "name": "web",
        "url": f"http://desk:{SECRET}@127.0.0.1:9/health",
        "depends_on": ["broker"],
        "critical": False,
    },
)


def settings(dsn: str, database: str = "tapewatch") -> Settings:
    made: tuple[Component, ...] = tuple(probes.COMPONENTS[str(c["kind"])].model_validate(c) for c in COMPONENTS)
    history = History(dsn=SecretUrl(dsn), database=database)
    return Settings(history=history).model_copy(update={"component": made})


def watched(dsn: str, database: str = "tapewatch") -> Monitor:
    """A monitor with a result of each component: all well but the broker, and the web site that needs it."""
    monitor = Monitor(settings(dsn, database))
    for result in results(time.time()):
        monitor.board.publish(result)
    return monitor


def results(now_s: float) -> list[ProbeResult]:
    refused = ProbeError("refused", "The port at 127.0.0.1:9 refuses connections.", "Is the process running?")
    interface, target = labels(interface="eth0"), labels(target="10.0.0.1:443")
    return [
        result("host", "host", Status.OK, now_s, (Reading("host_cpu_ratio", 0.41),)),
        result(
            "network",
            "network",
            Status.OK,
            now_s,
            (
                Reading("network_rtt_seconds", 0.0011, target),
                Reading("network_reachable", 1.0, target),
                Reading("network_receive_bytes_per_second", 1.2e6, interface),
                Reading("network_utilization_ratio", float("nan"), interface),
            ),
        ),
        result("broker", "tcp", Status.CRITICAL, now_s, error=refused),
        result("web", "http", Status.WARNING, now_s, (Reading("http_request_seconds", 1.4),)),
    ]


def result(
    name: str,
    kind: str,
    status: Status,
    at_s: float,
    readings: tuple[Reading, ...] = (),
    error: ProbeError | None = None,
) -> ProbeResult:
    slow = Finding(
        metric="http_request_seconds",
        status=status,
        message="A request takes 1.4 s.",
        hint="Look.",
        value=1.4,
        threshold=1,
    )
    return ProbeResult(
        component=name,
        kind=kind,
        status=status,
        checked_at=utc(at_s),
        tick=utc(int(at_s)),
        took_ms=2.5,
        latency_ms=None if error else 1.5,
        summary=f"{name} answers",
        error=error,
        readings=readings,
        findings=(slow,) if status is Status.WARNING else (),
        facts={"version": "1"},
        tables={"top": Table(("what", "ratio"), (("init", float("inf")),))},
    )


class Api:
    """The API over `monitor`, asked without a socket, mounted as in the real app."""

    def __init__(self, monitor: Monitor) -> None:
        self.monitor = monitor
        self.app: FastAPI = api.app.create(lambda: monitor)
        routes = [Mount("/api", self.app), exposition.route(lambda: monitor)]
        self.server = Starlette(routes=routes)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.server, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://tapewatch") as client:
                return await client.request(method, path, **options)

        return asyncio.run(asked())


def remember(monitor: Monitor, minutes: int = 15) -> None:
    """Publish `minutes` of results, ten seconds apart; the broker is down for the last five."""
    end_s = int(time.time()) // 10 * 10
    for at_s in range(end_s - minutes * 60, end_s, 10):
        for one in results(at_s):
            down = at_s >= end_s - 300
            well = one.component != "broker" or down
            monitor.board.publish(one if well else result("broker", "tcp", Status.OK, at_s))


def answered(api: Api, url: str, **options: Any) -> dict[str, Any]:
    """The data of `url`, asked again while the history still reads."""
    found: list[dict[str, Any]] = []

    def asked() -> bool:
        answer = api.get(url, **options)
        assert answer.status_code == 200 or answer.json()["code"] == "pending", answer.text
        if answer.status_code == 200:
            found.append(answer.json()["data"])
        return answer.status_code == 200

    assert eventually(asked, 10)
    return found[0]
