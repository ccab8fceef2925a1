"""TLS as every probe speaks it: certificates that need not be trusted, and in words why it was not agreed on."""

import ssl

from probes.result import ProbeFailure


def trust_any(context: ssl.SSLContext) -> None:
    """Have certificates checked neither for who signed them nor for whom they name."""
    context.check_hostname = False  # first: without it `verify_mode` may not be changed
    context.verify_mode = ssl.CERT_NONE


def failure(exc: Exception, name: str, *, untrusted: str, disagreed: str) -> ProbeFailure:
    """``tls_failed``: what a failed handshake means.

    Args:
        exc: of the handshake; a ValueError is a name that TLS cannot carry.
        name: of the other side, as the sentence begins.
        untrusted: what to do about a certificate; disagreed: about all else.
    """
    if isinstance(exc, ssl.SSLCertVerificationError):
        said = exc.verify_message.rstrip(".")
        return ProbeFailure("tls_failed", f"The certificate of {name} cannot be trusted: {said}.", untrusted)
    return ProbeFailure("tls_failed", f"{name} does not agree on TLS: {reason(exc)}.", disagreed)


def reason(exc: Exception) -> str:
    """Why TLS failed, in OpenSSL's words or the system's.

    >>> reason(ConnectionResetError(104, "Connection reset by peer")), reason(OSError(113, "No route to host"))
    ('it hangs up on the handshake', 'no route to host')
    """
    if isinstance(exc, ssl.SSLEOFError | ConnectionError):
        return "it hangs up on the handshake"
    found = getattr(exc, "reason", None) or getattr(exc, "strerror", None) or type(exc).__name__
    return str(found).replace("_", " ").lower()
