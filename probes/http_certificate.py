"""When a certificate ends, read from its bytes: the ssl module takes apart only those it has checked."""

import socket
import ssl
from datetime import UTC, datetime

SEQUENCE, VERSION, UTC_TIME, GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18


def expiry_s(sock: socket.socket) -> float | None:
    """The epoch second at which the certificate of the server at the other end of `sock` ends; None without TLS."""
    certificate = sock.getpeercert(binary_form=True) if isinstance(sock, ssl.SSLSocket) else None
    return not_after(certificate) if certificate else None


def not_after(der: bytes) -> float | None:
    """The epoch second at which a certificate in DER ends; None when the bytes are none.

    RFC 5280, 4.1: Certificate ⊃ tbsCertificate ⊃ [version], serialNumber, signature, issuer, validity ⊃ notBefore,
    notAfter; years of two digits from 50 on are 19xx (4.1.2.5.1).
    """
    try:
        _, at, _ = _element(der, 0, SEQUENCE)
        _, at, _ = _element(der, at, SEQUENCE)
        tag, _, end = _element(der, at)
        at = end if tag == VERSION else at
        for _ in ("serialNumber", "signature", "issuer"):
            _, _, at = _element(der, at)
        _, at, _ = _element(der, at, SEQUENCE)
        _, _, at = _element(der, at)
        tag, start, end = _element(der, at)
        return _epoch_s(tag, der[start:end].decode("ascii"))
    except (IndexError, ValueError):  # cut short, or something else altogether
        return None


def _element(der: bytes, at: int, wanted: int | None = None) -> tuple[int, int, int]:
    """Tag, beginning and end of the content of the element at `at` (X.690, 8.1)."""
    tag, length = der[at], der[at + 1]
    start = at + 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[at + 2 : start], "big")
    if start + length > len(der) or (wanted is not None and tag != wanted):
        raise ValueError
    return tag, start, start + length


def _epoch_s(tag: int, text: str) -> float:
    if tag == UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != GENERALIZED_TIME:
        raise ValueError
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
