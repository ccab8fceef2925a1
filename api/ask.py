"""What endpoints are asked with: the monitor, checked parameters, the time range, the history's answer."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

from clickhouse_connect.driver.client import Client
from fastapi import Depends, Query
from starlette.requests import Request

from api.problems import Problem, bad_value, unknown_parameter
from history.queries import Scope
from history.reader import WAIT_S, Answer
from history.window import NoCalendar, Window, parse_window
from monitor import Monitor

T = TypeVar("T")
P = ParamSpec("P")

RETRY_AFTER_S = 2
"""When a refused history question is worth asking again: the store's own trial comes that often."""


async def current(request: Request) -> Monitor:
    """The monitor this API shows."""
    monitor: Monitor = request.app.state.monitor()
    return monitor


Watched = Annotated[Monitor, Depends(current)]


async def only_known_parameters(request: Request) -> None:
    """Refuse a parameter the endpoint's documentation does not name: a typing error must not be ignored."""
    known = request.app.state.parameters.get((request.scope["route"].path, request.method), ())
    for name in request.query_params:
        if name not in known:
            raise unknown_parameter(name, known)


async def window(
    monitor: Watched,
    from_: Annotated[
        str | None,
        Query(
            alias="from",
            description="Start: `now-6h`, ISO 8601 (UTC), epoch seconds, or of the desk's exchange `session` (today's, "
            "or the last one), `session-4` (four before it), `preopen`.",
            examples=["now-6h"],
        ),
    ] = None,
    to: Annotated[str | None, Query(description="End, exclusive; as `from`. Default: now.", examples=["now"])] = None,
    step: Annotated[
        str | None, Query(description="Bucket width: `auto` or a duration such as `5m`.", examples=["auto"])
    ] = None,
) -> Window:
    """The range a history question is about; `RangeError` names the parameter at fault."""
    try:
        return parse_window(from_, to, time.time(), step, monitor.sessions.known)
    except NoCalendar as error:
        detail = f"{error} {monitor.sessions.why_not}"
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        raise Problem(503, detail, error.param, title="The exchange calendar is not known", headers=headers) from None


Range = Annotated[Window, Depends(window)]

Components = Annotated[
    list[str],
    Query(alias="component", default_factory=list, description="Only these components; may be given more than once."),
]
MetricNames = Annotated[
    list[str],
    Query(alias="metric", default_factory=list, description="Only these metrics; may be given more than once."),
]


def chosen(param: str, wanted: Sequence[str], there: Iterable[str]) -> tuple[str, ...]:
    """`wanted` (none: everything there is), each checked to be there."""
    known = tuple(there)
    for name in wanted:
        if name not in known:
            raise bad_value(param, name, known)
    return tuple(dict.fromkeys(wanted)) or known


def one_of(param: str, value: str | None, choices: Sequence[str]) -> str | None:
    """`value`, checked to be one of `choices` where it is given."""
    if value is not None and value not in choices:
        raise bad_value(param, value, choices)
    return value


def fresh_s(range_: Window) -> float:
    """How long an answer about `range_` stays fresh: a bucket, 5 s at least, a minute at most."""
    return min(60.0, max(5.0, range_.length_s / 750))


async def history(
    monitor: Monitor,
    question: Callable[Concatenate[Client, Scope, P], T],
    fresh_for_s: float,
    *args: P.args,
    **kwargs: P.kwargs,
) -> Answer[T]:
    """The history's answer within `WAIT_S`, which the event loop spends on others.

    Raises:
        Problem: 503 when nothing is known: the store is away, or still reads.
    """
    future = monitor.reader.submit(question, fresh_for_s, *args, **kwargs)
    if future is not None:
        # wait, not wait_for: that one would cancel the question for everybody who asked it.
        await asyncio.wait({asyncio.wrap_future(future)}, timeout=WAIT_S)
    answer = monitor.reader.answer(question, fresh_for_s, *args, **kwargs)
    if answer.value is None:
        raise _nothing_known(answer)
    return answer


def _nothing_known(answer: Answer[Any]) -> Problem:
    failure = answer.error
    detail = f"{failure.message} {failure.hint}".strip() if failure else "The history is still reading: ask again."
    return Problem(
        503,
        detail,
        title="The history cannot be reached" if failure else "The history is not ready yet",
        headers={"Retry-After": str(RETRY_AFTER_S if failure else 1)},
        more={"state": answer.state, "code": failure.code if failure else "pending"},
    )
