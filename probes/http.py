"""HTTP: does a URL answer as it should, how fast, and how long does its certificate last."""

import time
from functools import cache, partial
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from probes.catalogue import humanize_duration
from probes.dns import RESOLVER
from probes.http_exchange import REDIRECTS, Answer, fetch, shown, tls_context
from probes.http_metrics import METRICS
from probes.kind import Kind
from probes.result import Collected, ProbeFailure, Reading
from settings import Component
from settings_types import SecretUrl, require_scheme

Ranges = tuple[tuple[int, int], ...]


def _web_url(value: object) -> SecretUrl:
    url = require_scheme(SecretUrl.parse(value), "http", "https")
    if not urlsplit(url.reveal()).hostname or any(c <= " " or c > "~" for c in url.reveal()):
        raise PydanticCustomError("url", "expected a URL such as https://host/path, percent-encoded where needed")
    return url


def parse_statuses(value: object) -> Ranges:
    """Ranges of statuses from ``200``, ``"200-399"`` or a list of such.

    >>> parse_statuses("200-299"), parse_statuses([204, "301-302"])
    (((200, 299),), ((204, 204), (301, 302)))
    """
    ranges = []
    for item in value if isinstance(value, list | tuple) else [value]:
        first, dash, last = (str(part).strip() for part in str(item).partition("-"))
        low, high = (int(p) if p.isdecimal() and len(p) == 3 else 0 for p in (first, last if dash else first))
        if isinstance(item, bool) or not 100 <= low <= high <= 599:
            raise PydanticCustomError("status", 'expected a status such as 200, a range such as "200-299", or a list')
        ranges.append((low, high))
    if not ranges:
        raise PydanticCustomError("status", "expected at least one status")
    return tuple(ranges)


class HttpComponent(Component):
    """``[[component]] kind = "http"``: any URL that should answer.

    Attributes:
        url: http or https; may carry user and password, also as ``file:/path`` of a file that holds it.
        expect_status: what counts as well; unless a redirect is named here itself, redirects are followed.
        expect_text: must occur in the first mebibyte of the body.
        verify_tls: whether the certificate must be trusted here.
    """

    kind: Literal["http"]
    url: Annotated[SecretUrl, BeforeValidator(_web_url)]
    method: Literal["GET", "HEAD"] = "GET"
    expect_status: Annotated[Ranges, BeforeValidator(parse_statuses)] = ((200, 399),)
    expect_text: str | None = None
    verify_tls: bool = True

    @property
    def target(self) -> str:
        return shown(self.url.reveal())


def failure_of(answer: Answer, component: HttpComponent) -> ProbeFailure | None:
    """What is wrong with an answer, or None."""
    if not any(low <= answer.status <= high for low, high in component.expect_status):
        named = urlsplit(component.url.reveal()).username is not None
        refused = named and answer.status in (401, 403)  # backs off: accounts lock
        return ProbeFailure(
            "auth_failed" if refused else "wrong_status",
            f"{answer.shown_url} answered {answer.status}, not {wanted(component.expect_status)}.",
            "Are user and password in the URL right, and allowed to read it?"
            if refused
            else "Read the server's log; if this answer is right, set expect_status.",
        )
    text = component.expect_text
    if text is not None and text.encode() not in answer.body:
        where = "the first mebibyte of its body" if answer.cut else "its body"
        return ProbeFailure(
            "text_missing",
            f'{answer.shown_url} answered {answer.status}, but "{text[:60]}" is not in {where}.',
            "Open the page: is it an error or a log-in page instead?",
        )
    return None


def wanted(ranges: Ranges) -> str:
    """The expected statuses in words.

    >>> wanted(((200, 399),)), wanted(((200, 200), (204, 204)))
    ('200 to 399', '200 or 204')
    """
    return " or ".join(str(low) if low == high else f"{low} to {high}" for low, high in ranges)


class HttpProbe:
    """Asks once, over a connection of its own each time, as a new visitor would."""

    request_share: ClassVar[float] = 0.9  # of the deadline, so that the probe's own sentence comes first

    def __init__(self, component: HttpComponent, deadline_s: float) -> None:
        self._component = component
        self._timeout_s = deadline_s * self.request_share
        # Kept until a failure closes this probe, so that a newly installed authority is seen then.
        self._tls = cache(partial(tls_context, component.verify_tls))

    def ping(self) -> float:
        return self._ask().first_byte_s

    def collect(self) -> Collected:
        answer = self._ask()
        secure = answer.shown_url.startswith("https:")
        lasts_s = answer.certificate_expires_s
        values = {
            "http_request_seconds": answer.total_s,
            "http_first_byte_seconds": answer.first_byte_s,
            "http_dns_seconds": RESOLVER.lookup_s(urlsplit(self._component.url.reveal()).hostname or ""),
            "http_connect_seconds": answer.phases.connect_s,
            "http_tls_seconds": answer.phases.tls_s or None,
            "http_wait_seconds": answer.phases.wait_s,
            "http_response_bytes": float(len(answer.body)),
            "http_certificate_expiry_seconds": None if lasts_s is None else max(0.0, lasts_s - time.time()),
        }
        return Collected(
            latency_s=answer.first_byte_s,
            summary=f"answers {answer.status} in {humanize_duration(answer.total_s)}",
            readings=[Reading(metric, value) for metric, value in values.items() if value is not None],
            facts={"status": f"{answer.status} {answer.reason}".strip(), "url": answer.shown_url}
            | {key: answer.headers[key][:120] for key in ("server", "content-type") if key in answer.headers},
            unavailable=["certificate expiry (it has no date that can be read)"] if secure and lasts_s is None else [],
        )

    def close(self) -> None:
        """Nothing is kept open."""

    def _ask(self) -> Answer:
        component = self._component
        explicit = {
            s for s in REDIRECTS for low, high in component.expect_status if low // 100 == 3 and low <= s <= high
        }
        answer = fetch(
            component.url.reveal(),
            method=component.method,
            tls=self._tls,
            timeout_s=self._timeout_s,
            stop_at=frozenset(explicit),
        )
        failure = failure_of(answer, component)
        if failure:
            raise failure
        return answer


KIND = Kind(
    name="http",
    title="Web server",
    component=HttpComponent,
    metrics=METRICS,
    open=HttpProbe,
    key_metric="http_request_seconds",
)
