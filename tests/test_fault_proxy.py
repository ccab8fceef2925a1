import contextlib
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.fault_proxy import JUNK, FaultProxy, Faults, Mode, faults

ANSWER = b"an answer of some length"


class Answering(socketserver.BaseRequestHandler):
    """Answers every request alike, until its client has said enough."""

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while self.request.recv(4096):
                self.request.sendall(ANSWER)


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    folder = tmp_path_factory.mktemp("certificate")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 10 -subj /CN=localhost"
    subprocess.run([*command.split(), "-keyout", "key", "-out", "pem"], cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "pem", folder / "key")
    return context


@pytest.fixture
def made(certified: ssl.SSLContext, service: str, no_growth: Callable[[], None]) -> Iterator[Faults]:
    with faults(certified, service) as made:
        yield made


def connected(proxy: FaultProxy, wait_s: float = 5.0) -> socket.socket:
    host, port = proxy.address.split(":")
    return socket.create_connection((host, int(port)), wait_s)


def heard(client: socket.socket, wait_s: float = 5.0) -> bytes:
    """All that comes after a question, until the end or silence."""
    client.settimeout(wait_s)
    with contextlib.suppress(TimeoutError):
        client.sendall(b"a question")
        received = b""
        while chunk := client.recv(4096):
            received += chunk
            if received == ANSWER:
                return received
        return received + b"<end>"
    return received + b"<silence>"


def ended_or(client: socket.socket, wait_s: float = 5.0) -> bytes:
    """The same, where it makes no difference how a connection ends."""
    try:
        return heard(client, wait_s)
    except ConnectionError:
        return b"<end>"


@pytest.mark.parametrize(
    ("mode", "answer"),
    [
        (Mode.PASS, ANSWER),
        (Mode.HANG, b"<silence>"),
        (Mode.HALF_CLOSE, b"<end>"),
        (Mode.GARBAGE, JUNK + b"<end>"),
        (Mode.REDIS, ANSWER),
    ],
)
def test_what_a_client_hears(made: Faults, service: str, mode: Mode, answer: bytes) -> None:
    proxy = made.before(service, mode=mode)
    with connected(proxy) as client:
        assert heard(client, 0.1 if mode is Mode.HANG else 5.0) == answer


def test_a_reset_comes_in_the_middle_of_an_answer(made: Faults, service: str) -> None:
    with connected(made.before(service, mode=Mode.RESET)) as client, pytest.raises(ConnectionResetError):
        heard(client)


def test_a_drip_comes_byte_by_byte(made: Faults, service: str) -> None:
    with connected(made.before(service, mode=Mode.DRIP)) as client:
        client.sendall(b"?")
        assert len(client.recv(4096)) < len(ANSWER)


def test_a_refusal_and_a_black_hole_keep_the_port(made: Faults, service: str) -> None:
    proxy = made.before(service, mode=Mode.REFUSE)
    with pytest.raises(ConnectionRefusedError):
        connected(proxy)
    proxy.set(Mode.BLACK_HOLE)
    with pytest.raises(TimeoutError):
        connected(proxy, 0.1)
    proxy.set(Mode.PASS)
    with connected(proxy) as client:
        assert heard(client) == ANSWER


def test_other_servers_say_who_they_are(made: Faults, service: str) -> None:
    with connected(made.before(service, mode=Mode.SSH)) as client:
        assert heard(client).startswith(b"SSH-2.0-")
    with connected(made.before(service, mode=Mode.HTTP)) as client:
        assert heard(client).startswith(b"HTTP/1.1 404 ")


def test_tls_the_wrong_way_round(made: Faults, service: str) -> None:
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    plain = made.before(service, mode=Mode.WRONG_TLS)
    with connected(plain) as client:
        assert heard(client) == b"<end>", "no alert: OpenSSL hangs up on what is no TLS at all"
    with anybody.wrap_socket(connected(plain)) as client:
        assert heard(client) == ANSWER
    secure = made.before(service, secure=True)
    with anybody.wrap_socket(connected(secure)) as client:
        assert heard(client) == ANSWER
    secure.set(Mode.WRONG_TLS)
    with connected(secure) as client:
        assert heard(client) == ANSWER


def test_open_connections_meet_the_fault_and_do_not_outlive_it(made: Faults, service: str) -> None:
    proxy = made.before(service)
    for mode, answer in ((Mode.BLACK_HOLE, b"<silence>"), (Mode.HALF_CLOSE, b"<end>"), (Mode.SSH, b"<end>")):
        with connected(proxy) as client:
            assert heard(client) == ANSWER
            proxy.set(mode)
            assert ended_or(client, 0.1) == answer
            proxy.set(Mode.PASS)
            assert ended_or(client) == b"<end>"
