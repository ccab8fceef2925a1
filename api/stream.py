"""`/api/stream/`: every published result as a server-sent event.

https://html.spec.whatwg.org/multipage/server-sent-events.html. A client that reads slowly gets the
newest result of each component and never a backlog: what waits for it is at most one per component.
"""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator
from weakref import WeakKeyDictionary

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.ask import Watched
from api.envelope import Json, item
from api.examples import ITEM, documented
from api.problems import Problem
from monitor import Monitor
from probes.result import ProbeResult

router = APIRouter(tags=["Live"])

MAX_CLIENTS = 100
HEARTBEAT_S = 15.0
LOOK_S = 0.5
"""How often a silent stream looks whether the client is gone or the server stops."""


class Client:
    """What waits for one open stream: names of components with a result it has not sent."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._lock = threading.Lock()

    def note(self, component: str) -> None:
        """Called from any thread; never blocks."""
        with self._lock:
            self._changed[component] = None
        try:
            self._loop.call_soon_threadsafe(self._wake.set)
        except RuntimeError:  # the server's loop has ended; its streams with it
            return

    async def changed(self, timeout_s: float) -> tuple[str, ...]:
        """Components with news, in order of their coming; empty after `timeout_s` without any."""
        try:
            await asyncio.wait_for(self._wake.wait(), timeout_s)
        except TimeoutError:
            return ()
        self._wake.clear()
        with self._lock:
            names, self._changed = tuple(self._changed), {}
        return names


class Hub:
    """The open streams of one board."""

    def __init__(self, monitor: Monitor) -> None:
        self.clients: set[Client] = set()
        monitor.board.subscribe(self._on_result)

    def _on_result(self, result: ProbeResult, _: ProbeResult | None) -> None:
        for client in tuple(self.clients):
            client.note(result.component)


_hubs: WeakKeyDictionary[Monitor, Hub] = WeakKeyDictionary()


def hub(monitor: Monitor) -> Hub:
    """The one hub of `monitor`, subscribed at the first stream."""
    if monitor not in _hubs:
        _hubs[monitor] = Hub(monitor)
    return _hubs[monitor]


def clients() -> int:
    """Streams that are open now."""
    return sum(len(known.clients) for known in _hubs.values())


EXAMPLE = f"retry: 2000\n\nevent: result\ndata: {Json.encoded(ITEM)}\n\n: heartbeat\n\n"


@router.get(
    "/stream/",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {"example": EXAMPLE}}},
        400: documented({})[400],
        503: documented({}, 503)[503],
    },
)
async def stream(request: Request, monitor: Watched) -> Response:
    """Every component's last result at once, then each new one, as events named `result`.

    Their data is a component as `/api/monitor/realtime-metrics/` shows it. A comment comes every
    15 s as a heartbeat. At most 100 streams are open at a time.
    """
    known = hub(monitor)
    if len(known.clients) >= MAX_CLIENTS:
        raise Problem(
            503, f"{MAX_CLIENTS} streams are open already.", title="Too many streams", headers={"Retry-After": "10"}
        )
    return StreamingResponse(
        events(monitor, known, request), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def events(monitor: Monitor, known: Hub, request: Request) -> AsyncIterator[str]:
    """The text of one stream until its client goes or the server stops."""
    client = Client()
    known.clients.add(client)
    try:
        yield "retry: 2000\n\n"
        yield _results(monitor, monitor.board.names())
        silent_s = 0.0
        while not stopping() and not await request.is_disconnected():
            names = await client.changed(LOOK_S)
            silent_s = 0.0 if names else silent_s + LOOK_S
            if names:
                yield _results(monitor, names)
            elif silent_s >= HEARTBEAT_S:
                silent_s = 0.0
                yield ": heartbeat\n\n"
    finally:
        known.clients.discard(client)


def stopping() -> bool:
    """Whether uvicorn was told to stop: it waits for open answers, and a stream has no end of its own.

    Its signal handler is a method of the running server, the only way to that server from inside.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return bool(getattr(server, "should_exit", False))


def _results(monitor: Monitor, names: tuple[str, ...]) -> str:
    return "".join(
        f"event: result\ndata: {Json.encoded(item(view))}\n\n"
        for view in monitor.views()
        if view.name in names and view.result
    )
