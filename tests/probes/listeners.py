"""Real sockets that misbehave in one way each, for tests of probes."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

Behaviour = Callable[[socket.socket, threading.Event], None]


def hang(client: socket.socket, stop: threading.Event) -> None:
    stop.wait(10)


def close(client: socket.socket, stop: threading.Event) -> None:
    """Reads what is sent first, so that closing is an orderly end and not a reset."""
    client.recv(65536)


def garbage(client: socket.socket, stop: threading.Event) -> None:
    client.recv(65536)
    client.sendall(b"\x00\xff\x13garbage\r\n\r\n" * 4)


def drip(client: socket.socket, stop: threading.Event) -> None:
    """A valid beginning, then a byte every 20 ms for ever."""
    client.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    while not stop.wait(0.02):
        client.sendall(b"x")


def drip_body(client: socket.socket, stop: threading.Event) -> None:
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not stop.wait(0.02):
        client.sendall(b"x")


def cut(client: socket.socket, stop: threading.Event) -> None:
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")


@contextlib.contextmanager
def listening(behave: Behaviour) -> Iterator[str]:
    """``host:port`` of a listener that treats every client by `behave`."""
    server = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            behave(client, stop)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                threading.Thread(target=serve, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}"
    finally:
        stop.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(2)


@contextlib.contextmanager
def refusing() -> Iterator[str]:
    """``host:port`` that nobody listens at and nobody else can take meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


@contextlib.contextmanager
def black_hole() -> Iterator[str]:
    """``host:port`` whose accept queue is full: the kernel drops every further SYN, as a firewall does."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield f"127.0.0.1:{server.getsockname()[1]}"


def eventually(true: Callable[[], bool], within_s: float = 3.0) -> bool:
    """Whether `true` becomes true in time."""
    until_s = time.monotonic() + within_s
    pause = threading.Event()
    while not true():
        if time.monotonic() > until_s:
            return False
        pause.wait(0.01)
    return True


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
