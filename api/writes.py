"""Who may leave something in the history through the API, and what is said when it cannot be taken."""

import ipaddress
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from api.ask import Watched
from api.problems import Problem
from history.notes import NoteError

LOCAL_NAMES = {"localhost", "127.0.0.1", "::1"}
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
REFUSED = (
    "Only this machine itself may write through the API; requests of others, or through a proxy, are refused. "
    "Write on the pages, or set app.api_writes = true."
)


async def may_write(request: Request, monitor: Watched) -> None:
    """Let writes in from this machine only, unless the configuration says otherwise.

    A page of another site that a reader has open must not write in their name: what a form can send without asking
    (`text/plain` and its like) is refused, and so is a name of this machine that is not its own.

    Raises:
        Problem: 403, 415.
    """
    if not monitor.settings.app.api_writes and not is_local(request):
        raise Problem(403, REFUSED)
    if request.method == "POST" and request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise Problem(415, "The body must be JSON, with the header Content-Type: application/json.")


def is_local(request: Request) -> bool:
    """Whether a request comes from this machine itself, under its own name and through no proxy."""
    try:
        from_here = request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:  # a name instead of an address: a socket in the file system, or a test
        return False
    proxied = any(header in request.headers for header in FORWARDED)
    return from_here and not proxied and request.url.hostname in LOCAL_NAMES


def is_identity(text: str) -> bool:
    """Whether `text` is what names a note."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


Writer = Annotated[None, Depends(may_write)]


@contextmanager
def refusals() -> Iterator[None]:
    """Answers a note that cannot be taken with a 400; with a 503 when too many wait."""
    try:
        yield
    except NoteError as error:
        title = "Unusable note" if error.param else "The history cannot be reached"
        raise Problem(400 if error.param else 503, str(error), error.param or None, title=title) from None
