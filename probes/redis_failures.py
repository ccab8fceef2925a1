"""What goes wrong with Redis, in words: its client's exceptions told apart. Pure."""

import re
import ssl
from dataclasses import dataclass
from typing import TypeVar

from redis import exceptions as errors

from probes import tls
from probes.result import ProbeFailure, Status
from settings_types import mask

E = TypeVar("E", bound=BaseException)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What one of Redis's error replies means: our word, what the server does (after its place), what to do."""

    code: str
    says: str
    hint: str
    status: Status = Status.CRITICAL


REFUSALS = {
    "NOAUTH": Refusal("auth_required", "wants a password (NOAUTH).", "Put it into url: redis://:password@host:port."),
    "WRONGPASS": Refusal(
        "auth_failed",
        "refuses the user or the password (WRONGPASS).",
        "Check both in url; ACL LIST shows the users, and one that is off is refused like this as well.",
    ),
    "NOPERM": Refusal(
        "permission_denied",
        "does not allow this user to ask (NOPERM).",
        "Let an administrator run ACL SETUSER with +ping +info +slowlog|get +latency|latest.",
    ),
    "LOADING": Refusal(
        "loading",
        "is starting: it loads its data set (LOADING).",
        "Wait until it has; its log says how far it is.",
        Status.WARNING,
    ),
    "BUSY": Refusal(
        "busy",
        "is busy with a script and answers nobody (BUSY).",
        "End the script with SCRIPT KILL or FUNCTION KILL; one that has written something ends only by itself.",
    ),
    "MASTERDOWN": Refusal(
        "master_down",
        "is a replica that has lost its primary and refuses commands (MASTERDOWN).",
        "Is the primary up and reachable from there? replica-serve-stale-data decides whether it answers meanwhile.",
    ),
    "MISCONF": Refusal(
        "writes_stopped",
        "refuses writes because it could not save its data (MISCONF).",
        "Read the server's log: a full disk and a failed fork are the usual reasons.",
    ),
    "OOM": Refusal(
        "out_of_memory",
        "refuses writes because its memory is full (OOM).",
        "Raise maxmemory, give keys an expiry, or set a maxmemory-policy that evicts.",
    ),
    "READONLY": Refusal(
        "read_only",
        "is a replica and takes no writes (READONLY).",
        "Point what writes to the primary; INFO replication names it.",
    ),
    "CLUSTERDOWN": Refusal(
        "cluster_down",
        "belongs to a cluster that is down (CLUSTERDOWN).",
        "CLUSTER NODES shows which nodes fail; slots that no node serves take the whole cluster down.",
    ),
}
"""By the word Redis begins an error reply with (src/server.c: createSharedObjects)."""
SAID = {
    "max number of clients": Refusal(
        "max_clients",
        "has as many clients as it allows.",
        "Look for a connection leak (CLIENT LIST), or raise maxclients.",
    ),
    "protected mode": Refusal(
        "protected_mode",
        "accepts only clients of its own machine.",
        "Set a password there, or bind it to an address on purpose (protected-mode).",
    ),
    "without any password configured": Refusal(
        "auth_failed", "has no password, but url gives one.", "Take it out of url."
    ),
    "no password is set": Refusal("auth_failed", "has no password, but url gives one.", "Take it out of url."),
}
"""Refusals told apart by their text alone: they begin with ERR or DENIED."""


def word_of(exc: BaseException) -> str:
    """The word Redis's error reply began with, e.g. ``MISCONF``; empty when there was none.

    The client takes it off the text of those it has a class for, and keeps it as `status_code`.

    >>> word_of(errors.ResponseError("MISCONF Redis is configured to save RDB snapshots"))
    'MISCONF'
    """
    if not isinstance(exc, errors.RedisError):
        return ""
    kept = getattr(exc, "status_code", None)
    first = str(exc).partition(" ")[0]
    return str(kept) if kept else first if re.fullmatch("[A-Z]{2,}", first) else ""


def refusal_of(exc: BaseException) -> Refusal | None:
    """What the server meant by its error reply; None when it gave none that is known."""
    text = str(exc).lower()
    by_text = (refusal for words, refusal in SAID.items() if words in text)
    return next(by_text, None) or REFUSALS.get(word_of(exc))


def is_closed(exc: BaseException) -> bool:
    """Whether the server hung up, or spoke before it was asked, instead of answering."""
    if type(exc) is not errors.ConnectionError or within(exc, ConnectionRefusedError) or within(exc, ssl.SSLError):
        return False
    said = str(exc).lower()  # "Connection not ready": something came, or the end, before anything was sent
    return "closed" in said or "not ready" in said or within(exc, ConnectionError) is not None


def failure_of(exc: BaseException, place: str, connect_s: float, read_s: float) -> ProbeFailure:
    """What an exception of the client means, in words. Its classes overlap, so the order matters.

    Args:
        connect_s, read_s: how long was waited for a connection and for an answer.
    """
    text = mask(str(exc))
    if refusal := refusal_of(exc):
        return ProbeFailure(refusal.code, f"Redis at {place} {refusal.says}", refusal.hint, refusal.status)
    if isinstance(exc, errors.AuthenticationError | errors.AuthorizationError):
        wrong = REFUSALS["WRONGPASS"]
        return ProbeFailure(wrong.code, f"Redis at {place} {wrong.says}", wrong.hint)
    if isinstance(exc, errors.TimeoutError | TimeoutError):
        return _timeout(f"{text}: {within(exc, TimeoutError)}", place, connect_s, read_s)
    if unsafe := within(exc, ssl.SSLError):
        return _tls_failure(unsafe, place)
    if within(exc, ConnectionRefusedError):
        return ProbeFailure(
            "refused", f"Redis at {place} refuses connections.", "Is redis-server running, and on this port?"
        )
    if isinstance(exc, errors.InvalidResponse | ValueError):
        return ProbeFailure(
            "wrong_protocol",
            f"What listens at {place} does not speak Redis's protocol.",
            "Is this the right port? A port that speaks TLS needs rediss://.",
        )
    if isinstance(exc, errors.ResponseError):
        return ProbeFailure("refused_command", f"Redis at {place} refused: {text[:200]}.", "Read the server's log.")
    if is_closed(exc):
        return ProbeFailure(
            "closed",
            f"Redis at {place} closed the connection without an answer.",
            "Read the server's log; a port that speaks TLS needs rediss://.",
        )
    return ProbeFailure("unreachable", f"Redis at {place} cannot be reached: {text[:200]}.", "Check address and route.")


def _timeout(text: str, place: str, connect_s: float, read_s: float) -> ProbeFailure:
    if "handshake" in text:
        return ProbeFailure(
            "timeout",
            f"Redis at {place} accepted the connection but did not agree on TLS within {connect_s:.2g} s.",
            "Does this port speak TLS, or is redis:// meant?",
        )
    if "connecting" in text:
        return ProbeFailure(
            "timeout",
            f"Redis at {place} did not accept a connection within {connect_s:.2g} s.",
            "A firewall may drop the packets, or the host may be down.",
        )
    return ProbeFailure(
        "timeout",
        f"Redis at {place} accepts connections but did not answer within {read_s:.2g} s.",
        "Is it frozen, swapping, or busy with one long command? A port that speaks TLS needs rediss://.",
    )


def _tls_failure(exc: ssl.SSLError, place: str) -> ProbeFailure:
    return tls.failure(
        exc,
        f"Redis at {place}",
        untrusted="Renew the certificate or install its authority here.",
        disagreed="Does this port speak TLS, or is redis:// meant?",
    )


def within(exc: BaseException | None, kind: type[E]) -> E | None:
    """The exception of `kind` that led to `exc`, or None; the client keeps it only as context."""
    while exc is not None and not isinstance(exc, kind):
        exc = exc.__cause__ or exc.__context__
    return exc
