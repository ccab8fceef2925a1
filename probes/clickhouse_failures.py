"""What a failed call to ClickHouse means, in words: what happened, and what to do about it."""

import os
import re
import shutil
import traceback
from pathlib import Path

from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from probes.result import ProbeError, ProbeFailure
from settings_types import mask

OUTSIDE = (ProbeFailure, ClickHouseError, HTTPError, OSError, RuntimeError)
"""What a server that is away or refuses raises, the embedded engine its RuntimeError."""
AUTH_CODES = frozenset({192, 193, 194, 516})
"""UNKNOWN_USER, WRONG_PASSWORD, REQUIRED_PASSWORD, AUTHENTICATION_FAILED."""
DENIED_CODES = frozenset({164, 497})
"""READONLY, ACCESS_DENIED."""
TOO_MUCH = (
    "too_much",
    "does not answer a question that costs so much: {}",
    "Ask for a shorter range, fewer series or a wider step.",
)
READ_ONLY_TABLE = (
    "read_only_table",
    "takes no rows for a table that is read-only: {}",
    "A replica that has lost its Keeper is read-only until it is back: see system.replicas. "
    "Else the table's setting table_readonly, or its disk, makes it so.",
)
REFUSALS = {
    81: (
        "unknown_database",
        "has no such database: {}",
        "Create it, or name another one: in the DSN after the port, or as history.database.",
    ),
    158: TOO_MUCH,
    159: ("query_timeout", "took too long over a query.", "Is it overloaded? See its merges."),
    164: (
        "read_only_user",
        "lets this user only read: {}",
        "Give the user a profile without readonly, or name another user in the DSN.",
    ),
    241: (
        "out_of_memory",
        "may not take the memory this needs: {}",
        "Ask for less at once, or allow more: max_memory_usage of the user, max_server_memory_usage of the server.",
    ),
    242: READ_ONLY_TABLE,
    252: (
        "too_many_parts",
        "takes no more rows until its merges catch up: {}",
        "See system.merges: its disk is too slow, or merges were stopped (SYSTEM START MERGES).",
    ),
    396: TOO_MUCH,
    774: READ_ONLY_TABLE,
}
"""By ClickHouse's number: our word, what it does ({}: its own sentence), and what to do about it."""
OURS_IN_THE_CLIENT = frozenset({"binding.py", "insert.py"})
"""Where the client takes what it is given: what fails there was given wrongly, by us."""
DISK_FULL = "no space left on device"


def is_outside(exc: BaseException) -> bool:
    """Whether the server, the network or the embedded engine is the trouble; all else is a fault of ours."""
    return isinstance(exc, OUTSIDE) or is_unreadable(exc)


def is_unreadable(exc: BaseException) -> bool:
    """Whether the client failed over an answer: it has no exception of its own for bytes that make no sense.

    Then any comes out of it, a `UnicodeDecodeError` or an `IndexError`; it is known by where it was raised.
    """
    if isinstance(exc, OUTSIDE) or not isinstance(exc, Exception):
        return False
    files = [Path(frame.f_code.co_filename) for frame, _ in traceback.walk_tb(exc.__traceback__)]
    inside = [file.name for file in files if "clickhouse_connect" in file.parts]
    return bool(inside) and not OURS_IN_THE_CLIENT.intersection(inside)


def explain(exc: Exception, place: str) -> ProbeError:
    """What a failed call to ClickHouse at `place` means, in words."""
    if isinstance(exc, ProbeFailure):
        return exc.error
    if is_unreadable(exc):
        return ProbeError(
            "query_failed",
            f"ClickHouse at {place} gave no usable answer: its bytes make no sense ({type(exc).__name__}).",
            "It is asked anew. If this stays: does a proxy before it change its answers?",
        )
    text = " ".join(mask(str(exc)).split())
    lowered = text.lower()
    code = getattr(exc, "code", None)
    if DISK_FULL in lowered:
        return _no_space(text, place)
    if isinstance(exc, ClickHouseError) and isinstance(code, int):
        return _refusal(code, text, place)
    if isinstance(exc, ClickHouseError) and re.match(r"Setting \w+ is readonly", text):  # the client's, before it asks
        return _refusal(164, text, place)
    if "embeddedserver" in lowered:
        return _embedded_failure(lowered, place)
    if "refused" in lowered:
        return ProbeError("refused", f"ClickHouse at {place} refuses connections.", "Is clickhouse-server running?")
    if "timed out" in lowered or "timeout" in lowered:
        return ProbeError("timeout", f"ClickHouse at {place} did not answer in time.", "Is it overloaded or frozen?")
    if "authentication" in lowered:
        return _refusal(516, text, place)
    if any(word in lowered for word in ("aborted", "reset by peer", "closed", "broken pipe")):
        return ProbeError("closed", f"ClickHouse at {place} closed the connection.", "Read the server's log.")
    if isinstance(exc, ClickHouseError):
        return ProbeError(
            "query_failed",
            f"ClickHouse at {place} gave no usable answer: {text[:200]}",
            "Read its log, and the log of a proxy before it.",
        )
    return ProbeError(
        "unreachable", f"ClickHouse at {place} cannot be reached: {text[:200]}", "Check the DSN and the route."
    )


def _refusal(code: int, text: str, place: str) -> ProbeError:
    """An error ClickHouse itself gave, by its number (see system.errors)."""
    if code in AUTH_CODES:
        return ProbeError(
            "auth_failed",
            f"ClickHouse at {place} refuses the user or the password.",
            "Check both in the DSN: clickhouse://user:password@host:8123.",
        )
    if code == 497:
        return _denied(text, place)
    if code == 243:
        return _no_space(text, place)
    if code not in REFUSALS:
        return ProbeError("query_failed", f"ClickHouse at {place} refused: {text[:300]}", "See its message.")
    word, message, hint = REFUSALS[code]
    return ProbeError(word, f"ClickHouse at {place} {message.format(_reason(text))}", hint)


def _denied(text: str, place: str) -> ProbeError:
    """The grant that is missing, as ClickHouse names it, but for the whole table where it names columns."""
    found = re.search(r"(\S+): Not enough privileges.*?have (?:the )?grant (.+?)(?:\. \(|\.?$)", text)
    if found is None:
        return ProbeError("denied", f"ClickHouse at {place} does not allow this user to: {_reason(text)}", "Grant it.")
    user, grant = found[1], re.sub(r"\(.*?\)", "", found[2])
    return ProbeError(
        "denied",
        f"ClickHouse at {place}: the user {user} needs the grant: GRANT {grant} TO {user}",
        "Have it run by somebody who administers the server, or name another user in the DSN.",
    )


def _no_space(text: str, place: str) -> ProbeError:
    """A full disk; of the embedded engine's, which is ours to look at, with what is left of it."""
    directory = _directory(place)
    if directory is None:
        left = _reason(text)
        hint = "Free some space there or let the history keep less; SELECT name, path, free_space FROM system.disks."
    else:
        usage = shutil.disk_usage(directory)
        left = f"{usage.free / 2**20:,.0f} MiB of {usage.total / 2**20:,.0f} are free on the disk of {directory}."
        hint = "Free some space there, or let the history keep less: history.retention."
    return ProbeError("no_space", f"ClickHouse at {place} has no room to write: {left}", hint)


def _embedded_failure(lowered: str, place: str) -> ProbeError:
    if "different path" in lowered:
        return ProbeError(
            "second_engine",
            f"The embedded engine is already open on another path than {place}.",
            "One process can open one chdb path: use the path of history.dsn, or a ClickHouse server.",
        )
    directory = _directory(place)
    if directory is not None and not os.access(directory, os.W_OK | os.X_OK):
        return ProbeError(
            "not_writable",
            f"The embedded database cannot be opened: this user may not write to {directory}.",
            f"Make {directory} writable to the user that runs Tapewatch, or name another directory in history.dsn.",
        )
    return ProbeError(
        "locked",
        f"The embedded database at {directory or place} is in use by another process.",
        "One process can have it open: stop the other one, or let both use a ClickHouse server: "
        'history.dsn = "clickhouse://…".',
    )


def _directory(place: str) -> Path | None:
    """The embedded engine's directory, if `place` names one that is there."""
    directory = Path(place.removeprefix("chdb://").partition("?")[0]).resolve()
    return directory if "@" not in place and directory.is_dir() else None


def _reason(text: str) -> str:
    """ClickHouse's own sentence without the numbers and names around it."""
    plain = re.sub(r"^.*DB::Exception: ", "", re.sub(r"\((?:version |[A-Z_]+\)).*$", "", text)).strip()
    return plain[:300] if plain.endswith(".") else f"{plain[:300]}."
