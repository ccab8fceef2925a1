import http.server
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from probes import http as web
from probes.catalogue import Judge
from probes.http_certificate import not_after
from probes.http_exchange import Answer, fetch, shown, tls_context
from probes.http_metrics import DAY_S
from probes.result import ProbeFailure, Reading, Status
from tests.probes.listeners import (
    Behaviour,
    black_hole,
    close,
    cut,
    descriptors,
    drip,
    drip_body,
    eventually,
    garbage,
    hang,
    listening,
    refusing,
)


class Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        routes = {"/moved": "/ok", "/loop": "/loop", "/away": "gopher://x/", "/moved-auth": "/auth"}
        path = self.path.partition("?")[0]
        if path in routes:
            self.send_response(302)
            self.send_header("Location", routes[path])
            self.end_headers()
            return
        named = self.headers.get("Authorization") == "Basic bWU6c2VjcmV0IQ=="
        status = 503 if path == "/sick" else 401 if path == "/auth" and not named else 200
        body = b"x" * (3 << 20) if path == "/big" else f"all is well at {self.headers['Host']}".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *args: object) -> None:
        pass


def serve(context: ssl.SSLContext | None = None) -> Iterator[http.server.ThreadingHTTPServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.handle_error = lambda *args: None  # type: ignore[method-assign]
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(2)


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    for server in serve():
        yield f"127.0.0.1:{server.server_port}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for localhost, valid for ten days, key and certificate in one file."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 10 -subj /CN=localhost"
    command += " -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out cert.pem"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return both


@pytest.fixture(scope="module")
def secure_site(certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    for server in serve(context):
        yield f"localhost:{server.server_port}"


def component(url: str, **keys: object) -> web.HttpComponent:
    return web.HttpComponent.model_validate({"kind": "http", "name": "site", "url": url, **keys})


def probe(url: str, deadline_s: float = 2.0, **keys: object) -> web.HttpProbe:
    return web.HttpProbe(component(url, **keys), deadline_s)


def failure(url: str, deadline_s: float = 2.0, **keys: object) -> ProbeFailure:
    started_s = time.monotonic()
    with pytest.raises(ProbeFailure) as caught:
        probe(url, deadline_s, **keys).collect()
    assert time.monotonic() - started_s < deadline_s, "the failure comes before the deadline"
    error = caught.value.error
    assert error.hint
    assert error.message.endswith(".")
    return caught.value


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_site_that_answers(site: str, method: str) -> None:
    collected = probe(f"http://{site}/ok", method=method).collect()
    values = {reading.metric: reading.value for reading in collected.readings}
    assert 0 < values["http_first_byte_seconds"] <= values["http_request_seconds"] < 1
    assert (values["http_response_bytes"] > 0) == (method == "GET")
    assert values["http_connect_seconds"] + values["http_wait_seconds"] <= values["http_first_byte_seconds"]
    assert not {"http_dns_seconds", "http_tls_seconds", "http_certificate_expiry_seconds"} & set(values)
    assert collected.facts["status"] == "200 OK"
    assert collected.summary.startswith("answers 200 in")
    assert probe(f"http://{site}/ok").ping() < 1


def test_a_name_is_resolved_and_sent_as_host(site: str) -> None:
    port = site.rpartition(":")[2]
    text = f"all is well at localhost:{port}"
    assert probe(f"http://localhost:{port}/ok", expect_text=text).collect().facts["status"] == "200 OK"


def test_a_redirect_is_followed_unless_it_is_what_is_wanted(site: str) -> None:
    assert probe(f"http://{site}/moved").collect().facts["url"].endswith("/ok")
    assert probe(f"http://{site}/moved", expect_status=302).collect().facts["status"].startswith("302")


@pytest.mark.parametrize(
    ("path", "keys", "code"),
    [
        ("/sick", {}, "wrong_status"),
        ("/ok", {"expect_status": [404]}, "wrong_status"),
        ("/ok", {"expect_text": "another text"}, "text_missing"),
        ("/loop", {}, "redirect_loop"),
        ("/away", {}, "bad_redirect"),
        ("/auth", {}, "wrong_status"),
    ],
)
def test_an_answer_that_is_not_the_wanted_one(site: str, path: str, keys: dict[str, object], code: str) -> None:
    caught = failure(f"http://{site}{path}", **keys)
    assert caught.error.code == code
    assert site in caught.error.message


def cut_after(beginning: bytes) -> Behaviour:
    def behave(client: socket.socket, stop: threading.Event) -> None:
        client.recv(65536)
        client.sendall(beginning)

    return behave


@pytest.mark.parametrize(
    ("behave", "code"),
    [
        (hang, "timeout"),
        (drip, "timeout"),
        (drip_body, "timeout"),
        (close, "closed"),
        (cut, "closed"),
        (cut_after(b"HTTP/1.1 2"), "closed"),
        (cut_after(b"HTTP/1.1 200 OK\r\nServer: x\r\n"), "closed"),
        (garbage, "not_http"),
    ],
)
def test_a_server_that_misbehaves_is_named_in_time(behave, code: str) -> None:
    with listening(behave) as address:
        caught = failure(f"http://{address}/", 1.5)
    assert caught.error.code == code
    assert address in caught.error.message


@pytest.mark.parametrize("behave", [hang, drip, close, garbage])
def test_misbehaving_under_tls(behave) -> None:
    with listening(behave) as address:
        caught = failure(f"https://{address}/", 1.5)
    assert caught.error.code in {"timeout", "tls_failed"}


def test_nobody_there() -> None:
    with refusing() as address:
        assert failure(f"http://{address}/").error.code == "refused"
    with black_hole() as address:
        assert failure(f"http://{address}/", 0.3).error.code == "timeout"
    assert failure("http://nosuch.invalid/").error.code.startswith("dns_")


def test_secrets_are_sent_and_never_shown(site: str) -> None:
    url = f"http://me:secret%21@{site}/moved-auth?key=hidden"
    assert probe(url).collect().facts["status"] == "200 OK"
    caught = failure(url.replace("secret", "wrong"))
    assert caught.error.code == "auth_failed"
    for text in (caught.error.message, component(url).target, repr(component(url))):
        assert "secret" not in text
        assert "wrong" not in text
    assert "hidden" not in caught.error.message + component(url).target


def test_a_big_body_is_capped(site: str) -> None:
    answer = fetch(f"http://{site}/big", method="GET", tls=lambda: tls_context(True), timeout_s=2)
    assert answer.cut
    assert len(answer.body) == 1 << 20


def test_tls_with_a_trusted_certificate_tells_when_it_ends(secure_site: str, certificate: Path) -> None:
    trusted = probe(f"https://{secure_site}/ok")
    context = tls_context(True)
    context.load_verify_locations(certificate)
    trusted._tls = lambda: context  # type: ignore[assignment]
    collected = trusted.collect()
    left_s = next(r.value for r in collected.readings if r.metric == "http_certificate_expiry_seconds")
    assert 9 * DAY_S < left_s <= 10 * DAY_S
    findings = Judge({m.name: m for m in web.METRICS}, {}).findings(collected.readings, 0.0)
    assert [f.status for f in findings] == [Status.WARNING]
    assert "The certificate ends in 9 d" in findings[0].message


def test_tls_with_an_untrusted_certificate(secure_site: str) -> None:
    caught = failure(f"https://{secure_site}/ok")
    assert caught.error.code == "tls_failed"
    assert "self-signed" in caught.error.message
    collected = probe(f"https://{secure_site}/ok", verify_tls=False).collect()
    values = {r.metric: r.value for r in collected.readings}
    assert 9 * DAY_S < values["http_certificate_expiry_seconds"] <= 10 * DAY_S, "told although it is not checked"
    assert collected.unavailable == []
    phases = ("http_dns_seconds", "http_connect_seconds", "http_tls_seconds", "http_wait_seconds")
    assert all(0 <= values[name] < 1 for name in phases)
    assert sum(values[name] for name in phases[1:]) <= values["http_first_byte_seconds"]


def test_the_wrong_scheme_is_explained(site: str, secure_site: str) -> None:
    assert "http://" in failure(f"https://{site}/").error.hint
    assert failure(f"http://{secure_site}/").error.code in {"not_http", "closed"}


def test_a_hundred_failures_leave_no_thread_and_no_descriptor(secure_site: str) -> None:
    with refusing() as shut, listening(garbage) as mad, listening(close) as short, listening(hang) as silent:
        urls = [f"http://{shut}/", f"http://{mad}/", f"http://{short}/", f"https://{mad}/", f"https://{secure_site}/"]
        tls = tls_context(True)
        before = threading.active_count(), descriptors()
        for _ in range(20):
            for url in urls:
                with pytest.raises(ProbeFailure):
                    fetch(url, method="GET", tls=lambda: tls, timeout_s=1)
        assert eventually(lambda: descriptors() <= before[1]), (descriptors(), before)
        assert eventually(lambda: threading.active_count() <= before[0])
        for _ in range(5):
            with pytest.raises(ProbeFailure):
                fetch(f"http://{silent}/", method="GET", tls=lambda: tls, timeout_s=0.02)
        # What is left belongs to the silent listener, which keeps its side open: one thread and descriptor each.
        assert threading.active_count() <= before[0] + 5
        assert descriptors() <= before[1] + 5


def answer(status: int, body: bytes = b"", cut: bool = False) -> Answer:
    return Answer(status, "", {}, body, cut, 0.1, 0.1, None, "http://x/")


def test_answers_are_judged() -> None:
    plain = component("http://x/")
    assert web.failure_of(answer(200), plain) is None
    assert web.failure_of(answer(399), plain) is None
    refused = web.failure_of(answer(400), plain)
    assert refused is not None
    assert refused.error.message == "http://x/ answered 400, not 200 to 399."
    missing = web.failure_of(answer(200, b"no", True), component("http://x/", expect_text="yes"))
    assert missing is not None
    assert "first mebibyte" in missing.error.message


def der(*content: bytes, tag: int = 0x30) -> bytes:
    body = b"".join(content)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    return bytes([tag, 0x82]) + len(body).to_bytes(2, "big") + body


def ending(tag: int, text: str, version: bytes = b"") -> bytes:
    """A certificate's bytes as far as its validity."""
    serial, algorithm, issuer = der(b"\x01", tag=2), der(b"\x06\x00"), der(b"i" * 300)
    validity = der(der(b"200101000000Z", tag=0x17), der(text.encode(), tag=tag))
    return der(der(version, serial, algorithm, issuer, validity), der(b""))


@pytest.mark.parametrize(
    ("certificate", "ends_s"),
    [
        (ending(0x17, "301231235959Z", der(b"\x02\x01\x02", tag=0xA0)), 1_924_991_999),
        (ending(0x17, "301231235959Z"), 1_924_991_999),
        (ending(0x17, "991231235959Z"), 946_684_799),
        (ending(0x18, "20501231235959Z"), 2_556_143_999),
        (ending(0x17, "30123123595"), None),
        (ending(0x04, "301231235959Z"), None),
        (ending(0x17, "301231235959Z")[:40], None),
        (b"\x30\x84\xff\xff\xff\xff", None),
        (b"\x30", None),
        (b"", None),
    ],
)
def test_the_end_of_a_certificate_is_read_from_its_bytes(certificate: bytes, ends_s: float | None) -> None:
    assert not_after(certificate) == ends_s


@pytest.mark.parametrize(("days", "status"), [(1, Status.CRITICAL), (10, Status.WARNING), (60, None)])
def test_certificate_thresholds(days: float, status: Status | None) -> None:
    judge = Judge({m.name: m for m in web.METRICS}, {})
    found = judge.findings([Reading("http_certificate_expiry_seconds", days * DAY_S)], 0.0)
    assert [f.status for f in found] == ([status] if status else [])


def test_a_shown_url_has_no_secret() -> None:
    assert shown("https://u:p@host:8443/a/b?token=t#f") == "https://host:8443/a/b"
    assert shown("http://[::1]:80/") == "http://[::1]:80/"


@pytest.mark.parametrize("status", ["ok", 99, "300-200", [], "200-", True, "2xx", "200-299-300"])
def test_a_status_that_is_none_is_refused(status: object) -> None:
    with pytest.raises(ValidationError, match=r"expect_status"):
        component("http://x/", expect_status=status)


@pytest.mark.parametrize("url", ["ftp://x/", "http://", "http://x/a b", "http://x:99999/", "x"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="url"):
        component(url)
