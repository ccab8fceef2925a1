"""Real services with a fault before each, and what every kind should make of every fault."""

import contextlib
import functools
import itertools
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import probes
from probes import dns
from tests.clickhouse_http import PASSWORD, USER, clickhouse_process
from tests.fault_matrix import PATIENT_S, Case, Cell, Fault
from tests.fault_proxy import FaultProxy, Faults, Mode, faults
from tests.kafka_broker import free_port, kafka_broker
from tests.probes.listeners import eventually
from tests.redis_process import redis_process

LOGIN = f"{USER}:{PASSWORD.replace(' ', '%20')}"
KEYS: dict[str, Callable[[str, str], dict[str, Any]]] = {
    "redis": lambda address, tls: {"url": f"redis{tls}://{address}/0"},
    "clickhouse": lambda address, tls: {"dsn": f"clickhouse{tls}://{LOGIN}@{address}"},
    "kafka": lambda address, tls: {"bootstrap": address, "tls": bool(tls)},
    "http": lambda address, tls: {"url": f"http{tls}://{address}/ping"},
    "tcp": lambda address, tls: {"address": address},
    "network": lambda address, tls: {"targets": [address]},
}
"""The configuration of each kind for an address; `tls`: an s where TLS is wanted."""
NO_SOCKET = {"host", "process"}
WELL = Fault(lambda: None, lambda: None)
DNS_FAILS, DNS_SILENT, PLAIN_FOR_TLS, TLS_FOR_PLAIN = (
    "DNS knows no such name", "DNS is silent", "plain where TLS is meant", "TLS where plain is meant"
)  # fmt: skip
FAULTS = [
    *(mode.value for mode in Mode if mode not in {Mode.PASS, Mode.WRONG_TLS, Mode.HTTP, Mode.SSH, Mode.REDIS}),
    TLS_FOR_PLAIN, PLAIN_FOR_TLS, Mode.HTTP.value, Mode.SSH.value, Mode.REDIS.value, DNS_FAILS, DNS_SILENT,
]  # fmt: skip
EXPECTED = {
    Mode.REFUSE.value: "refused refused refused refused refused ok",
    Mode.BLACK_HOLE.value: "timeout timeout timeout timeout timeout timeout",
    Mode.HANG.value: "timeout timeout timeout timeout ok ok",
    Mode.DRIP.value: "timeout timeout timeout timeout ok ok",
    Mode.HALF_CLOSE.value: "closed closed closed closed ok ok",
    Mode.GARBAGE.value: "wrong_protocol wrong_protocol wrong_protocol not_http ok ok",
    Mode.RESET.value: "closed closed closed closed ok ok",
    TLS_FOR_PLAIN: "closed closed closed closed ok ok",
    PLAIN_FOR_TLS: "timeout tls_failed tls_failed tls_failed - -",
    Mode.HTTP.value: "wrong_protocol wrong_protocol wrong_protocol wrong_status ok ok",
    Mode.SSH.value: "wrong_protocol wrong_protocol wrong_protocol not_http ok ok",
    Mode.REDIS.value: "- closed timeout closed ok ok",
    DNS_FAILS: "dns_unknown dns_unknown dns_unknown dns_unknown dns_unknown dns_unknown",
    DNS_SILENT: "dns_timeout dns_timeout dns_timeout dns_timeout dns_timeout dns_timeout",
}
"""By fault, the code of each kind in the order of `KEYS`; ``ok``: it asks no more than it gets; ``-``: no such case."""
QUESTIONS = tuple(f"FROM system.{letter}" for letter in "abcdefghijklmnopqrtuvwxyz")
"""Refused of ClickHouse, all but its settings: what the questions cost is not what is asked here."""


class Names:
    """A name server: each name answers with this machine's address, is not known, or gets no answer."""

    def __init__(self) -> None:
        self._known: dict[str, threading.Event] = {}
        self._failing: set[str] = set()

    def __call__(self, host: str) -> str:
        if not self._known[host].wait(60):
            raise OSError(socket.EAI_AGAIN, "Temporary failure in name resolution")
        if host in self._failing:
            raise OSError(socket.EAI_NONAME, "Name or service not known")
        return "127.0.0.1"

    def fault(self, host: str, *, silent: bool) -> "Fault":
        """The fault of a name that gets no answer (silent) or is not known; before it begins it answers."""
        answering = self._known[host] = threading.Event()
        answering.set()

        def begin() -> None:
            answering.clear() if silent else self._failing.add(host)

        def end() -> None:
            self._failing.discard(host)
            answering.set()

        return Fault(begin, end)


def fault_of(proxy: FaultProxy, mode: Mode) -> Fault:
    """A proxy's fault."""
    return Fault(lambda: proxy.set(mode), lambda: proxy.set(Mode.PASS))


@dataclass(frozen=True, slots=True)
class Stack:
    """The real services, and what makes faults before them."""

    services: Mapping[str, str]
    kafka_proxies: list[FaultProxy]
    faults: Faults
    names: Names


@contextlib.contextmanager
def certified(folder: Path) -> Iterator[ssl.SSLContext]:
    """TLS with a certificate that this process trusts."""
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 10 -subj /CN=localhost"
    command += " -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with mock.patch.dict(os.environ, SSL_CERT_FILE=str(folder / "cert.pem")):
        yield context


@contextlib.contextmanager
def broken_stack(folder: Path) -> Iterator[Stack]:
    """A Kafka broker with a listener for each fault, because it is the broker that tells clients where to connect."""
    names = Names()
    with contextlib.ExitStack() as opened:
        context = opened.enter_context(certified(folder))
        redis = opened.enter_context(redis_process(folder))
        (folder / "clickhouse").mkdir()
        clickhouse = opened.enter_context(clickhouse_process(folder / "clickhouse", QUESTIONS))
        made = opened.enter_context(faults(context, redis.address))
        proxies = [
            made.before(f"127.0.0.1:{free_port()}", secure=fault == PLAIN_FOR_TLS)
            for fault in FAULTS
            if expected(fault, "kafka")
        ]
        port = free_port()
        extra = listeners(f"127.0.0.1:{port}", proxies)
        broker = opened.enter_context(kafka_broker(folder / "kafka", port, extra=extra))
        opened.enter_context(mock.patch.object(dns.RESOLVER, "_lookup", names))
        opened.enter_context(mock.patch.object(dns, "FRESH_S", 0.0))  # every connection asks again
        yield Stack(
            {
                "redis": redis.address, "clickhouse": clickhouse.address, "kafka": broker.bootstrap,
                "http": clickhouse.address, "tcp": redis.address, "network": redis.address,
            },
            proxies, made, names,
        )  # fmt: skip
    # a name that was silent is asked for as long as the resolver's thread lives
    assert eventually(lambda: not any(thread.name.startswith("dns:") for thread in threading.enumerate()))


def expected(fault: str, kind: str) -> str:
    """The code `kind` should say; empty: there is no such case."""
    code = dict(zip(KEYS, EXPECTED[fault].split(), strict=True))[kind]
    return "" if code == "-" else code


def listeners(own: str, proxies: Sequence[FaultProxy]) -> str:
    """Lines of server.properties: beside its own listener one behind each proxy, which tells clients of the proxy."""
    controller = f"127.0.0.1:{free_port()}"
    names = [f"L{at}" for at in range(len(proxies))]
    inside = [f"{name}://{proxy.upstream}" for name, proxy in zip(names, proxies, strict=True)]
    outside = [f"{name}://{proxy.address}" for name, proxy in zip(names, proxies, strict=True)]
    return "\n".join(
        (
            f"controller.quorum.voters=1@{controller}",
            f"listeners={','.join([f'PLAINTEXT://{own}', f'CONTROLLER://{controller}', *inside])}",
            f"advertised.listeners={','.join([f'PLAINTEXT://{own}', *outside])}",
            "listener.security.protocol.map="
            + ",".join(f"{name}:PLAINTEXT" for name in ("PLAINTEXT", "CONTROLLER", *names)),
            "num.network.threads=1",
        )
    )


def cases_of(stack: Stack) -> list[Case]:
    """One for each fault of each kind there is a case for."""
    kafka = iter(stack.kafka_proxies)
    made = []
    for fault, kind in itertools.product(FAULTS, KEYS):
        if code := expected(fault, kind):
            secure = fault == PLAIN_FOR_TLS
            proxy = next(kafka) if kind == "kafka" else stack.faults.before(stack.services[kind], secure=secure)
            cell = cell_without_name if fault in {DNS_FAILS, DNS_SILENT} else cell_behind
            made.append(Case(functools.partial(cell, stack, fault, kind, code, proxy)))
    return made


def cell_behind(stack: Stack, fault: str, kind: str, code: str, proxy: FaultProxy, _: int) -> Cell:
    """A component behind a proxy that misbehaves."""
    mode = Mode.WRONG_TLS if fault in {PLAIN_FOR_TLS, TLS_FOR_PLAIN} else Mode(fault)
    keys = KEYS[kind](proxy.address, "s" if fault == PLAIN_FOR_TLS else "")
    volatile = {proxy.address: "host:port"}
    return Cell(f"{kind}: {fault}", probes.KINDS[kind], keys, fault_of(proxy, mode), code, code, volatile)


def cell_without_name(stack: Stack, fault: str, kind: str, code: str, proxy: FaultProxy, life: int) -> Cell:
    """A component whose name is not resolved: another name in each life, because good answers are remembered."""
    silent = fault == DNS_SILENT
    host = f"{kind}-{life}-{'silent' if silent else 'unknown'}.example"
    address = f"{host}:{proxy.address.rpartition(':')[2]}"
    broken = stack.names.fault(host, silent=silent)
    volatile = {proxy.address: "host:port", address: "host:port", host: "host"}
    running = "ok"  # the last good answer serves for an hour
    return Cell(f"{kind}: {fault}", probes.KINDS[kind], KEYS[kind](address, ""), broken, code, running, volatile)


def neighbours_of(stack: Stack) -> list[Case]:
    """Each service watched directly, without any fault."""

    def well(kind: str, address: str, _: int) -> Cell:
        return Cell(f"{kind}: healthy", probes.KINDS[kind], KEYS[kind](address, ""), WELL, deadline_s=PATIENT_S)

    return [Case(functools.partial(well, kind, address)) for kind, address in stack.services.items()]
