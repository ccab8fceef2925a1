import asyncio
import json
import signal
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn

from api import stream
from api.stream import Client
from monitor import Monitor
from probes.result import Reading, Status
from tests.api import stack
from tests.api.stack import Api
from tests.probes.listeners import eventually


@pytest.fixture
def server() -> Iterator[tuple[Monitor, str]]:
    monitor = stack.watched("clickhouse://127.0.0.1:9")
    served = uvicorn.Server(uvicorn.Config(Api(monitor).server, port=0, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=served.run, daemon=True)
    thread.start()
    assert eventually(lambda: served.started, 10)
    yield monitor, f"http://127.0.0.1:{served.servers[0].sockets[0].getsockname()[1]}"
    served.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


def test_a_stream_sends_what_is_known_then_each_new_result_and_ends_with_its_client(
    server: tuple[Monitor, str],
) -> None:
    monitor, url = server
    with httpx.stream("GET", f"{url}/api/stream", timeout=10) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        data = (json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: "))
        assert [next(data)["name"] for _ in range(4)] == ["host", "network", "broker", "web"]
        assert stream.clients() == 1
        published = stack.result("host", "host", Status.OK, time.time() + 1, (Reading("host_cpu_ratio", 0.97),))
        monitor.board.publish(published)
        news = next(data)
        assert (news["name"], news["metrics"][0]["value"]) == ("host", 0.97)
    assert eventually(lambda: stream.clients() == 0, 10)


def test_too_many_streams_are_refused(server: tuple[Monitor, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MAX_CLIENTS", 0)
    answer = httpx.get(f"{server[1]}/api/stream/")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "10"


def test_a_slow_client_has_at_most_one_result_per_component_waiting() -> None:
    async def slow() -> tuple[tuple[str, ...], tuple[str, ...]]:
        client = Client()
        for _ in range(1000):
            client.note("kafka")
            client.note("redis")
        return await client.changed(5), await client.changed(0.01)

    assert asyncio.run(slow()) == (("kafka", "redis"), ())


def test_a_stream_ends_when_the_server_is_told_to_stop() -> None:
    class Stopping:
        should_exit = True

        def handle_exit(self, *_: object) -> None: ...

    assert not stream.stopping()
    before = signal.signal(signal.SIGTERM, Stopping().handle_exit)
    try:
        assert stream.stopping()
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_heartbeat_comes_while_nothing_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.02)
    monkeypatch.setattr(stream, "LOOK_S", 0.01)
    monitor = stack.watched("clickhouse://127.0.0.1:9")

    class Request:
        async def is_disconnected(self) -> bool:
            return False

    async def third() -> str:
        told = stream.events(monitor, stream.hub(monitor), Request())  # type: ignore[arg-type]
        texts = [await anext(told) for _ in range(3)]
        await told.aclose()  # type: ignore[attr-defined]
        return texts[2]

    assert asyncio.run(third()) == ": heartbeat\n\n"
    assert not stream.hub(monitor).clients
