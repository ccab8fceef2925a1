"""Every refusal is ``application/problem+json`` (RFC 9457) and names what to mend."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.envelope import Json
from history.window import RangeError, quoted


class ProblemModel(BaseModel):
    """Why a request was refused; `param` names the parameter at fault, null where there is none."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    param: str | None


class Problem(Exception):
    """A refusal. Raised by an endpoint, answered as problem+json."""

    def __init__(
        self,
        status: int,
        detail: str,
        param: str | None = None,
        *,
        title: str = "",
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        self.status, self.detail, self.param = status, detail, param
        self.title = title or HTTPStatus(status).phrase
        self.headers, self.more = dict(headers or {}), dict(more or {})
        super().__init__(detail)


def bad_value(param: str, value: str, choices: Iterable[str]) -> Problem:
    """400 for a value that is none of `choices`."""
    known = ", ".join(choices)
    there = f"there are: {known}" if known else "there are none"
    return Problem(400, f'"{param}" is {quoted(value)}; {there}.', param, title="Unknown value")


def unknown_parameter(name: str, known: Iterable[str]) -> Problem:
    """400 for a parameter the endpoint does not have."""
    there = ", ".join(known)
    says = f"this endpoint takes {there}" if there else "this endpoint takes none"
    return Problem(400, f"There is no parameter {quoted(name)}; {says}.", name[:40], title="Unknown parameter")


def respond(problem: Problem) -> Response:
    """The answer to a refused request."""
    return Json(
        {
            "type": "about:blank",
            "title": problem.title,
            "status": problem.status,
            "detail": problem.detail,
            "param": problem.param,
            **problem.more,
        },
        status_code=problem.status,
        headers=problem.headers,
        media_type="application/problem+json",
    )


def install(app: FastAPI) -> None:
    """Answer every failure of `app` with a problem."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RangeError, _range_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _internal)


async def _problem(_: Request, exc: Exception) -> Response:
    assert isinstance(exc, Problem)
    return respond(exc)


async def _range_error(_: Request, exc: Exception) -> Response:
    assert isinstance(exc, RangeError)
    return respond(Problem(400, str(exc), exc.param, title="Unusable time range"))


async def _invalid(_: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)
    first = exc.errors()[0]
    param = str(first["loc"][-1])
    return respond(Problem(400, f'"{param}": {first["msg"]}.', param, title="Unusable parameter"))


async def _http(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    path = quoted(request.url.path, 80)
    detail = {
        404: f"There is nothing at {path}; /api/docs/ lists every endpoint.",
        405: f"{path} does not answer {request.method}.",
    }.get(exc.status_code, str(exc.detail))
    return respond(Problem(exc.status_code, detail, headers=exc.headers))


async def _internal(_: Request, exc: Exception) -> Response:
    return respond(
        Problem(500, f"Tapewatch failed in itself ({type(exc).__name__}). The log has the traceback.", title="Internal")
    )
