import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import doctor
import serve
from history.workbench.access import LISTENS_ON
from tests.probes.listeners import eventually, refusing

ROOT = Path(__file__).parent.parent


class FakeServer:
    """In uvicorn's place: notes that it was run, and with which socket."""

    ran: list[socket.socket] = []  # noqa: RUF012

    def __init__(self, config: object) -> None:
        pass

    def run(self, sockets: list[socket.socket]) -> None:
        FakeServer.ran += sockets


@pytest.fixture(autouse=True)
def nothing_is_served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(serve.uvicorn, "Server", FakeServer)
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TAPEWATCH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv(LISTENS_ON, "")  # what `main` tells its process is none of the tests' that come after
    FakeServer.ran = []
    yield
    for listener in FakeServer.ran:
        listener.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def test_a_bad_configuration_is_exit_2_with_every_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "desk.toml"
    config.write_text('[app]\ntitel = "x"\n[[component]]\nkind = "tcp"\naddress = "h:0"\n')
    monkeypatch.setenv("TAPEWATCH_CONFIG", str(config))
    monkeypatch.setenv("TAPEWATCH_MONITOR__INTERVAL", "soon")
    assert serve.main() == 2
    said = capsys.readouterr()
    assert said.out == ""
    for part in ("desk.toml: app.titel", "desk.toml: component[0].address", "TAPEWATCH_MONITOR__INTERVAL: "):
        assert part in said.err
    assert len(said.err.splitlines()) == 4
    assert FakeServer.ran == []


def test_a_port_in_use_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        assert serve.main() == 1
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 1
    assert f"Port {port} on 127.0.0.1 is in use" in said.err
    assert said.out == ""


def test_an_address_of_another_machine(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HOST", "192.0.2.1")
    assert serve.main() == 1
    assert capsys.readouterr().err.startswith("Cannot listen on 192.0.2.1:8501: ")


@pytest.mark.parametrize("port", ["0", "65536", "99999", "x", "-1", "8 0", "²"])
def test_a_port_that_is_none(port: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PORT", port)
    assert serve.main() == 2
    assert capsys.readouterr().err == f"PORT={port}: expected a number from 1 to 65535.\n"


@pytest.mark.parametrize("configured", [True, False])
def test_it_serves_on_a_socket_without_nagle(
    configured: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if configured:
        (tmp_path / "tapewatch.toml").write_text('[[component]]\nkind = "host"\n')
    port = free_port()
    monkeypatch.setenv("PORT", str(port))
    assert serve.main() == 0
    (listener,) = FakeServer.ran
    assert listener.getsockname() == ("127.0.0.1", port)
    assert listener.proto == socket.IPPROTO_TCP
    assert os.environ[LISTENS_ON] == "127.0.0.1"
    said = capsys.readouterr().out
    assert f"http://localhost:{port}" in said
    assert ("watching tapewatch.toml" if configured else "demo stack") in said


def test_listening_on_ipv6() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        listener = serve.listen("::1", 0)
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 loopback: {error}")
    assert listener.family == socket.AF_INET6
    listener.close()


@pytest.mark.parametrize(("number", "codes"), [(signal.SIGINT, {0}), (signal.SIGTERM, {0, -signal.SIGTERM})])
def test_the_real_program_serves_and_ends_on_a_signal(tmp_path: Path, number: int, codes: set[int]) -> None:
    """As a user starts it: it listens, answers its own health, and ends in order, on Ctrl-C as well."""
    port = free_port()
    (tmp_path / "tapewatch.toml").write_text(
        f'[history]\ndsn = "chdb://{tmp_path}/history"\n[[component]]\nkind = "tcp"\naddress = "127.0.0.1:{port}"\n'
    )
    environ = {**os.environ, "PORT": str(port), "HOST": "127.0.0.1", "PYTHONPATH": str(ROOT)}
    errors = tmp_path / "errors"
    with errors.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "serve.py")], cwd=tmp_path, env=environ, stdout=log, stderr=log
        )
    try:
        assert eventually(lambda: process.poll() is not None or b'"status":"ok"' in health(port), 60), (
            errors.read_text()
        )
        process.send_signal(number)
        assert process.wait(20) in codes
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in errors.read_text()


def health(port: int) -> bytes:
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as client:
            client.sendall(b"GET /api/health/ HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b"".join(iter(lambda: client.recv(65536), b""))
    except OSError:
        return b""


def consult(config: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """The doctor's exit code for this configuration."""
    path = Path("desk.toml")
    path.write_text(config)
    monkeypatch.setenv("TAPEWATCH_CONFIG", str(path))
    return doctor.main()


def test_the_doctor_says_in_words_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with refusing() as nobody:
        code = consult(
            f'[history]\ndsn = "clickhouse://me:never-said@{nobody}"\n[state]\nredis_url = "redis://:nor-this@{nobody}"\n'
            f'[[component]]\nkind = "redis"\nname = "cache"\nurl = "redis://:nor-that@{nobody}"\n'
            '[[component]]\nkind = "host"\n',
            monkeypatch,
        )
    said = capsys.readouterr().out
    assert code == 1
    lines = {line.split()[1]: line.split()[0] for line in said.splitlines() if not line.startswith(" ")}
    assert lines.pop("host") != "UNKNOWN"
    assert lines == {"cache": "CRITICAL", "state.redis_url": "CRITICAL", "history": "FAILED"}
    assert said.count(f"Redis at {nobody} refuses connections. Is redis-server running") == 2
    assert f"ClickHouse at {nobody} refuses connections. Is clickhouse-server running" in said
    assert not any(secret in said for secret in ("never-said", "nor-this", "nor-that"))
    assert "could not be written" not in caplog.text, "the doctor records nothing, so nothing can be lost"


def test_the_doctor_finds_nothing_wrong(
    chdb_path: Path, database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        config = f'[history]\ndsn = "chdb://{chdb_path}"\ndatabase = "{database}"\n[[component]]\nkind = "tcp"\n'
        code = consult(f'{config}address = "127.0.0.1:{server.getsockname()[1]}"', monkeypatch)
    said = capsys.readouterr().out
    assert (code, [line.split()[:2] for line in said.splitlines()[::2]]) == (0, [["ok", "tcp"], ["ok", "history"]])


@pytest.mark.parametrize("wrong", ["history", "tcp"])
def test_one_thing_wrong_is_enough_for_the_doctor(
    wrong: str, chdb_path: Path, database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with refusing() as nobody, socket.create_server(("127.0.0.1", 0)) as server:
        dsn = f"clickhouse://{nobody}" if wrong == "history" else f"chdb://{chdb_path}"
        address = nobody if wrong == "tcp" else f"127.0.0.1:{server.getsockname()[1]}"
        tables = (
            f'[history]\ndsn = "{dsn}"\ndatabase = "{database}"\n[[component]]\nkind = "tcp"\naddress = "{address}"'
        )
        code = consult(tables, monkeypatch)
    lines = {line.split()[1]: line.split()[0] for line in capsys.readouterr().out.splitlines() if line[:1].strip()}
    assert code == 1
    assert [name for name, word in lines.items() if word != "ok"] == [wrong]


def test_the_doctor_cannot_use_a_bad_configuration(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert consult('[app]\ntitel = "x"\n[monitor]\ndeadline = "2"', monkeypatch) == 2
    said = capsys.readouterr().err
    assert "desk.toml: app.titel" in said
    assert "desk.toml: monitor.deadline" in said
    monkeypatch.delenv("TAPEWATCH_CONFIG")
    assert doctor.main() == 2
    assert "No tapewatch.toml" in capsys.readouterr().out
