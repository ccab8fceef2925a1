"""The metrics of the `http` kind with their thresholds and the reasons for them."""

from probes.catalogue import Metric

DAY_S = 86400.0

METRICS = (
    Metric(
        name="http_request_seconds",
        title="request time",
        unit="seconds",
        better="lower",
        help="Time until the whole answer was there: name, connect, TLS, redirects and body.",
        warning=1.0,
        reason="Our default: half of the default deadline, and longer than people wait without noticing.",
        message="A request takes {value}, more than {threshold}.",
        hint="Compare its parts: name, connect, TLS and wait tell whether the server is slow, or the way to it.",
        source="the request: its beginning until the end of the body",
    ),
    Metric(
        name="http_first_byte_seconds",
        title="time to first byte",
        unit="seconds",
        better="lower",
        help="Time until the answer's headers were there.",
        source="the request: its beginning until the end of the headers",
    ),
    Metric(
        name="http_dns_seconds",
        title="name resolution",
        unit="seconds",
        better="lower",
        help="Time the last lookup of the server's name took; it is looked up anew at most once a minute.",
        source="getaddrinfo",
    ),
    Metric(
        name="http_connect_seconds",
        title="connect",
        unit="seconds",
        better="lower",
        help="Time the TCP connect took, those of redirects added: one round trip each.",
        source="TCP connect: SYN until SYN-ACK",
    ),
    Metric(
        name="http_tls_seconds",
        title="TLS handshake",
        unit="seconds",
        better="lower",
        help="Time until TLS was agreed, those of redirects added: one or two round trips and the server's arithmetic.",
        source="TLS handshake, after the TCP connect",
    ),
    Metric(
        name="http_wait_seconds",
        title="server's time",
        unit="seconds",
        better="lower",
        help="Time from the request until the answer's headers, redirects added: the server's own and a round trip.",
        source="the request: sent until the end of the headers",
    ),
    Metric(
        name="http_response_bytes",
        title="size",
        unit="bytes",
        help="Bytes of the body, at most one mebibyte.",
        source="the answer's body",
    ),
    Metric(
        name="http_certificate_expiry_seconds",
        title="certificate valid for",
        unit="seconds",
        better="higher",
        help="Time until the server's certificate ends, trusted here or not.",
        warning=14 * DAY_S,
        critical=3 * DAY_S,
        reason="Renewal is automatic thirty days ahead where it works; two weeks leave time to mend it by hand.",
        message="The certificate ends in {value}, less than {threshold} from now.",
        hint="Renew it; if that is automatic, find out why it did not happen.",
        source="the server's certificate: notAfter",
    ),
)
