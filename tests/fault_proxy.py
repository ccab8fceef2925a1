"""A proxy before a real service that can be told, while it runs, to misbehave in one way.

All proxies of a `Faults` share one thread. What a fault does to connections that are open already is
what it would do in life: a network that goes dark lets them hang, a server that is replaced ends
them. A connection that has seen a fault does not outlive it, so that a recovery is a new beginning.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from enum import StrEnum
from typing import Any, TypeVar

DRIP_S = 0.02
BANNER_S = 0.05
"""sshd forks before it greets: a client that speaks first has spoken by then."""
CHUNK = 1 << 16
CALL_S = 10.0
T = TypeVar("T")


class Mode(StrEnum):
    """How the proxy treats its clients."""

    PASS = "pass"
    REFUSE = "refuse"
    BLACK_HOLE = "black hole"
    HANG = "accept and hang"
    DRIP = "slow drip"
    HALF_CLOSE = "half-close"
    GARBAGE = "garbage"
    RESET = "reset mid-answer"
    WRONG_TLS = "TLS the wrong way round"
    HTTP = "a web server"
    SSH = "an SSH server"
    REDIS = "a Redis server"


SILENT = frozenset({Mode.BLACK_HOLE, Mode.HANG})
IN_THE_ANSWER = frozenset({Mode.DRIP, Mode.HALF_CLOSE, Mode.GARBAGE, Mode.RESET})
"""Faults that show in what the service answers; the others replace the service."""
SAYS_ITSELF = {
    Mode.HTTP: b"HTTP/1.1 404 Not Found\r\nServer: elsewhere\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlost",
    Mode.SSH: b"SSH-2.0-OpenSSH_9.6\r\n",
}
JUNK = b"\x00\xff\x13garbage\r\n\r\n" * 4


class FaultProxy:
    """Listens at `address`, before the service at `upstream`.

    Args:
        redis: address of a Redis server, for `Mode.REDIS`.
        context: TLS as this service speaks it; None: a plain service, for which `certified` is the wrong way round.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, certified: ssl.SSLContext, upstream: str, redis: str, secure: bool
    ) -> None:
        self.mode = Mode.PASS
        self.upstream = upstream
        self._loop = loop
        self._certified = certified
        self._redis = redis
        self._secure = secure
        self._clients: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._filling: list[socket.socket] = []
        self._held = _bound(0)  # keeps the port while nobody listens
        self.address = f"127.0.0.1:{self._held.getsockname()[1]}"

    def set(self, mode: Mode) -> None:
        """Behave so from now on; in force when this returns."""
        _wait(self._loop, self._change(mode))

    async def _change(self, mode: Mode) -> None:
        survives = self.mode is Mode.PASS and mode in SILENT | IN_THE_ANSWER
        self.mode = mode
        if not survives:
            await self._cut()
        self._stop_listening()
        if mode is Mode.BLACK_HOLE:
            self._go_dark()
        elif mode is not Mode.REFUSE:
            listener = _bound(self._held.getsockname()[1])
            self._servers.append(await asyncio.start_server(self._accepted, sock=listener, backlog=200))

    async def close(self) -> None:
        self._stop_listening()
        await self._cut()
        self._held.close()

    def _stop_listening(self) -> None:
        for server in self._servers:
            server.close()
        for one in self._filling:
            one.close()
        self._servers, self._filling = [], []

    def _go_dark(self) -> None:
        """An accept queue that is full: the kernel drops every further SYN, as a firewall does."""
        listener = _bound(self._held.getsockname()[1])
        listener.listen(0)
        self._filling.append(listener)
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            self._filling.append(filler)

    async def _cut(self) -> None:
        """End every connection at once, as the end of a process does."""
        clients = list(self._clients)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # whatever the client or the service does is none of the proxy's business
        finally:
            self._clients.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mode = self.mode
        if mode is Mode.HANG:
            while await reader.read(CHUNK):
                pass
            return
        if mode is Mode.SSH:
            await asyncio.sleep(BANNER_S)
            writer.write(SAYS_ITSELF[mode])
        secure = self._secure is not (mode is Mode.WRONG_TLS)
        client = await _secured(reader, writer, self._certified) if secure else _Plain(reader, writer)
        if mode in SAYS_ITSELF:
            await client.read()
            await client.write(SAYS_ITSELF[mode] if mode is not Mode.SSH else b"Invalid SSH identification string.\r\n")
            await client.end()
            return
        host, port = (self._redis if mode is Mode.REDIS else self.upstream).split(":")
        service = _Plain(*await asyncio.open_connection(host, int(port)))
        try:
            await self._between(client, service, writer)
        finally:
            service.writer.transport.abort()

    async def _between(self, client: "_Plain", service: "_Plain", writer: asyncio.StreamWriter) -> None:
        """Carry bytes both ways until either side ends."""

        async def onwards() -> None:
            while (asked := await client.read()) and self.mode not in SILENT:
                await service.write(asked)
            if self.mode in SILENT:
                await asyncio.Event().wait()

        async def back() -> None:
            while answer := await service.read():
                await self._answer(client, answer, writer)

        ways = [asyncio.ensure_future(way()) for way in (onwards, back)]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _answer(self, client: "_Plain", answer: bytes, writer: asyncio.StreamWriter) -> None:
        """Hand on what the service answered, as the mode has it."""
        if self.mode in SILENT:
            await asyncio.Event().wait()
        elif self.mode is Mode.DRIP:
            for at in range(len(answer)):
                await client.write(answer[at : at + 1])
                await asyncio.sleep(DRIP_S)
        elif self.mode is Mode.GARBAGE:
            await client.write(JUNK)
            raise EOFError
        elif self.mode is Mode.HALF_CLOSE:
            await client.end()
            while await client.read():
                pass
        elif self.mode is Mode.RESET:
            await client.write(answer[:3])
            linger = struct.pack("ii", 1, 0)  # closing sends a reset
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            raise EOFError
        else:
            await client.write(answer)


class _Plain:
    """One end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def read(self) -> bytes:
        return await self.reader.read(CHUNK)

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def end(self) -> None:
        """Say no more, yet listen on."""
        self.writer.write_eof()
        with contextlib.suppress(TimeoutError):  # what has been said has to leave before the connection is cut
            await asyncio.wait_for(self.reader.read(CHUNK), 1)


class _Secured(_Plain):
    """The same under TLS. Spoken by hand, because asyncio keeps to itself the alert a failed handshake ends with."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext) -> None:
        super().__init__(reader, writer)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)

    async def agree(self) -> None:
        await self._until(self._tls.do_handshake)

    async def read(self) -> bytes:
        try:
            return await self._until(lambda: self._tls.read(CHUNK))
        except ssl.SSLError:
            return b""

    async def write(self, data: bytes) -> None:
        self._tls.write(data)
        await super().write(self._out.read())

    async def _until(self, act: Callable[[], T]) -> T:
        while True:
            try:
                return act()
            except ssl.SSLWantReadError:
                pass
            finally:
                await super().write(self._out.read())
            received = await super().read()
            self._in.write(received) if received else self._in.write_eof()


async def _secured(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext) -> _Secured:
    client = _Secured(reader, writer, context)
    try:
        await client.agree()
    except ssl.SSLError:
        await _Plain.end(client)
        raise
    return client


class Faults:
    """Makes proxies; their common thread ends with `close`.

    Args:
        certified: TLS as the proxies speak it.
        redis: address of a Redis server, the wrong service of `Mode.REDIS`.
    """

    def __init__(self, certified: ssl.SSLContext, redis: str = "") -> None:
        self._certified, self._redis = certified, redis
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxies", daemon=True)
        self._thread.start()
        self._proxies: list[FaultProxy] = []

    def before(self, upstream: str, *, secure: bool = False, mode: Mode = Mode.PASS) -> FaultProxy:
        """A proxy before `upstream`; `secure`: it speaks TLS to its clients, and plain to the service."""
        proxy = FaultProxy(self._loop, self._certified, upstream, self._redis, secure)
        self._proxies.append(proxy)
        proxy.set(mode)
        return proxy

    def close(self) -> None:
        """End every connection, then the thread."""
        for proxy in self._proxies:
            _wait(self._loop, proxy.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_S)
        self._loop.close()


@contextlib.contextmanager
def faults(certified: ssl.SSLContext, redis: str = "") -> Iterator[Faults]:
    """Proxies, closed at the end."""
    made = Faults(certified, redis)
    try:
        yield made
    finally:
        made.close()


def _bound(port: int) -> socket.socket:
    """A socket on `port` (0: any) that does not listen yet; several may share the port."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("127.0.0.1", port))
    return sock


def _wait(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]) -> None:
    asyncio.run_coroutine_threadsafe(work, loop).result(CALL_S)
