import contextlib
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from tests.probes.listeners import listening
from tests.probes.test_redis import failure, probe, saying
from tests.redis_process import redis_process


def test_tls_checks_the_name_not_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 10 -subj /CN=localhost"
    command += " -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")

    def behave(client: socket.socket, stop: threading.Event) -> None:
        with context.wrap_socket(client, server_side=True) as secured:
            saying(b"+PONG\r\n")(secured, stop)

    with listening(behave) as address:
        port = address.rpartition(":")[2]
        error = failure(probe(f"localhost:{port}", scheme="rediss")).error
        assert error.code == "tls_failed"
        assert "cannot be trusted" in error.message
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        with contextlib.closing(probe(f"localhost:{port}", scheme="rediss")) as secure:
            assert secure.ping() > 0


def test_tls_wanted_of_a_plain_server(tmp_path: Path) -> None:
    with redis_process(tmp_path) as running:
        error = failure(probe(running.address, scheme="rediss", deadline_s=1)).error
    assert "TLS" in error.message
    assert "redis://" in error.hint
