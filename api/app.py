"""Puts the areas together into the ASGI app that is mounted at ``/api``."""

from collections.abc import Callable
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from api import (
    alerts,
    debug,
    docs,
    events,
    exposition,
    feeds,
    health,
    metrics,
    monitoring,
    network,
    problems,
    query,
    services,
    status,
    stream,
    trends,
    views,
)
from api.ask import only_known_parameters
from monitor import VERSION, Monitor

AREAS = (
    health, debug, status, services, metrics, alerts, feeds, network, monitoring, trends, query, events,
    views, exposition, stream, docs,
)  # fmt: skip
"""The one list of areas, in the order the documentation page shows them."""

DESCRIPTION = """Live answers come from memory and never wait for a system; each number carries its age.
Answers of the history take `from`, `to` and `step`, and come within a quarter of a second or say why not.
A trailing slash is optional. A bad request is answered with `application/problem+json` naming the parameter."""


class TrailingSlash:
    """Makes the trailing slash optional without a redirect; files (`openapi.json`) have none."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and not path.endswith("/") and "." not in path.rpartition("/")[2]:
            scope = {**scope, "path": f"{path}/"}
        await self._app(scope, receive, send)


class Api(FastAPI):
    """FastAPI whose schema holds the examples as written (its own drops every null) and no 422 (ours is a 400)."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is not None:
            return self.openapi_schema
        schema = super().openapi()
        for area in AREAS:
            for route in area.router.routes:
                if isinstance(route, APIRoute) and route.include_in_schema:
                    for method in route.methods or ():
                        _as_written(schema["paths"][route.path][method.lower()]["responses"], route.responses)
        for unused in ("HTTPValidationError", "ValidationError"):
            schema["components"]["schemas"].pop(unused, None)
        return schema


def _as_written(shown: dict[str, Any], responses: dict[int | str, dict[str, Any]]) -> None:
    shown.pop("422", None)
    for status_code, response in responses.items():
        for media_type, content in response["content"].items():
            shown[str(status_code)]["content"][media_type]["example"] = content["example"]


def create(monitor: Callable[[], Monitor]) -> FastAPI:
    """The API over what `monitor` returns; called at each request, so it may be created later."""
    app = Api(
        title="Tapewatch API",
        version=VERSION,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        dependencies=[Depends(only_known_parameters)],
    )
    app.state.monitor = monitor
    problems.install(app)
    for area in AREAS:
        app.include_router(area.router)
    docs.mount_assets(app)
    app.add_middleware(TrailingSlash)
    app.state.parameters = _parameters(app)
    return app


def _parameters(app: FastAPI) -> dict[tuple[str, str], tuple[str, ...]]:
    """Query parameters of each (path, method), as documented: what the page does not name does not exist."""
    return {
        (path, method.upper()): tuple(p["name"] for p in operation.get("parameters", ()) if p["in"] == "query")
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
    }
