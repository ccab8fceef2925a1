"""What goes wrong with Redis, in words: its client's exceptions told apart. Pure."""

import ssl

from redis import exceptions as errors

from probes.result import ProbeFailure, Status
from settings_types import mask

SAID = (
    (
        "max number of clients",
        "max_clients",
        "has as many clients as it allows.",
        "Look for a connection leak, or raise maxclients.",
    ),
    (
        "protected mode",
        "protected_mode",
        "accepts only clients of its own machine.",
        "Set a password there, or bind it to an address on purpose (protected-mode).",
    ),
    (
        "busy",
        "busy",
        "is busy with a script and answers nobody.",
        "End the script with SCRIPT KILL or FUNCTION KILL.",
    ),
    ("noauth", "auth_failed", "wants a password.", "Put it into url: redis://:password@host:port."),
)
"""(what the server says, code, sentence, hint) of refusals that are told apart by their text alone."""


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
    if isinstance(exc, errors.AuthenticationError | errors.AuthorizationError):
        return _auth_failure(text, place)
    if isinstance(exc, errors.BusyLoadingError):
        return ProbeFailure(
            "loading", f"Redis at {place} is starting: it loads its data set.", "Wait until it has.", Status.WARNING
        )
    if isinstance(exc, errors.TimeoutError | TimeoutError):
        return _timeout(f"{text}: {within(exc, TimeoutError)}", place, connect_s, read_s)
    if within(exc, ssl.SSLError):
        return _tls_failure(exc, place)
    if within(exc, ConnectionRefusedError):
        return ProbeFailure(
            "refused", f"Redis at {place} refuses connections.", "Is redis-server running, and on this port?"
        )
    for words, code, message, hint in SAID:
        if words in text.lower():
            return ProbeFailure(code, f"Redis at {place} {message}", hint)
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


def _auth_failure(text: str, place: str) -> ProbeFailure:
    if "without any password configured" in text:
        message, hint = f"Redis at {place} has no password, but url gives one.", "Take it out of url."
    elif "required" in text:
        message, hint = f"Redis at {place} wants a password.", "Put it into url: redis://:password@host:port."
    else:
        message, hint = (
            f"Redis at {place} refuses the user or the password.",
            "Check both in url (ACL LIST shows users).",
        )
    return ProbeFailure("auth_failed", message, hint)


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


def _tls_failure(exc: BaseException, place: str) -> ProbeFailure:
    cause = within(exc, ssl.SSLError)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return ProbeFailure(
            "tls_failed",
            f"The certificate of Redis at {place} cannot be trusted: {cause.verify_message.rstrip('.')}.",
            "Renew the certificate or install its authority here.",
        )
    return ProbeFailure(
        "tls_failed", f"Redis at {place} does not agree on TLS.", "Does this port speak TLS, or is redis:// meant?"
    )


def within(exc: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    """The exception of `kind` that led to `exc`, or None; the client keeps it only as context."""
    while exc is not None and not isinstance(exc, kind):
        exc = exc.__cause__ or exc.__context__
    return exc
