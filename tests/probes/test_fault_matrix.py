"""The fault matrix: what each kind makes of each fault. `docs/reliability.md` shows what this test saw.

`make reliability` writes the tables anew; otherwise the test demands that they are what it saw.
"""

import contextlib
import gc
import itertools
import os
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

import probes
from probes import dns
from probes.result import Status
from probes.runner import Runner
from tests.clickhouse_http import PASSWORD, USER, clickhouse_process
from tests.fault_matrix import PATIENT_S, Cell, Fault, Names, code_of, drive, fault_of, late
from tests.fault_proxy import FaultProxy, Faults, Mode, faults
from tests.kafka_broker import free_port, kafka_broker, require_kafka
from tests.probes.listeners import descriptors, eventually
from tests.redis_process import redis_process

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- begin of the matrix -->\n", "<!-- end of the matrix -->\n"
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
FAST = (Mode.REFUSE, Mode.HALF_CLOSE, Mode.GARBAGE, Mode.RESET, Mode.WRONG_TLS, Mode.HTTP)
QUESTIONS = tuple(f"FROM system.{letter}" for letter in "abcdefghijklmnopqrtuvwxyz")
"""Refused of ClickHouse, all but its settings: what the questions cost is not what is asked here."""
CYCLES = 1000
TINY_DEADLINE_S = 0.05
MOST_MIB = 8.0
"""Ten kilobytes a failure would be more than that; the engine and the other tests of a run move less."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The real services, and what makes faults before them."""

    services: Mapping[str, str]
    kafka_proxies: list[FaultProxy]
    faults: Faults
    names: Names


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ssl.SSLContext]:
    """TLS with a certificate that this process trusts."""
    folder = tmp_path_factory.mktemp("certificate")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 10 -subj /CN=localhost"
    command += " -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(folder / "cert.pem"))
        yield context


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, certified: ssl.SSLContext) -> Iterator[Stack]:
    """A Kafka broker with a listener for each fault, because it is the broker that tells clients where to connect."""
    require_kafka()
    folder, names = tmp_path_factory.mktemp("matrix"), Names()
    with contextlib.ExitStack() as opened, pytest.MonkeyPatch.context() as patch:
        redis = opened.enter_context(redis_process(folder))
        (folder / "clickhouse").mkdir()
        clickhouse = opened.enter_context(clickhouse_process(folder / "clickhouse", QUESTIONS))
        made = opened.enter_context(faults(certified, redis.address))
        proxies = [
            made.before(f"127.0.0.1:{free_port()}", secure=fault == PLAIN_FOR_TLS)
            for fault in FAULTS
            if expected(fault, "kafka")
        ]
        port = free_port()
        extra = listeners(f"127.0.0.1:{port}", proxies)
        broker = opened.enter_context(kafka_broker(folder / "kafka", port, extra=extra))
        patch.setattr(dns.RESOLVER, "_lookup", names)
        patch.setattr(dns, "FRESH_S", 0.0)  # every connection asks again
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


def cells_of(stack: Stack) -> list[Cell]:
    """One for each fault of each kind there is a case for."""
    kafka = iter(stack.kafka_proxies)
    made = []
    for fault, kind in itertools.product(FAULTS, KEYS):
        code = expected(fault, kind)
        if not code:
            continue
        secure = fault == PLAIN_FOR_TLS
        proxy = next(kafka) if kind == "kafka" else stack.faults.before(stack.services[kind], secure=secure)
        volatile = {proxy.address: "host:port"}
        address = proxy.address
        if fault in {DNS_FAILS, DNS_SILENT}:
            host = f"{kind}-{'silent' if fault == DNS_SILENT else 'unknown'}.example"
            broken = stack.names.fault(host, silent=fault == DNS_SILENT)
            address = f"{host}:{proxy.address.rpartition(':')[2]}"
            volatile |= {address: "host:port", host: "host"}
        else:
            mode = Mode.WRONG_TLS if fault in {PLAIN_FOR_TLS, TLS_FOR_PLAIN} else Mode(fault)
            broken = fault_of(proxy, mode)
        running = "ok" if fault in {DNS_FAILS, DNS_SILENT} else code  # the last good answer serves for an hour
        keys = KEYS[kind](address, "s" if secure else "")
        made.append(Cell(f"{kind}: {fault}", kind, keys, broken, code, running, volatile))
    return made


@pytest.fixture(scope="module")
def lived(stack: Stack) -> tuple[list[Cell], list[Cell]]:
    """Every cell after its life, and the healthy components that were watched beside them."""
    cells = cells_of(stack)
    well = [
        Cell(f"{kind}: healthy", kind, KEYS[kind](address, ""), WELL, "ok", "ok", {}, PATIENT_S)
        for kind, address in stack.services.items()
    ]
    drive(cells, well)
    return cells, well


def test_every_kind_that_speaks_over_a_socket_is_in_the_matrix() -> None:
    assert set(probes.KINDS) == set(KEYS) | NO_SOCKET
    assert set(EXPECTED) == set(FAULTS)


def test_every_fault_is_named_guarded_and_recovered_from(lived: tuple[list[Cell], list[Cell]]) -> None:
    problems = "".join(cell.problem for cell in lived[0])
    assert not problems, problems


def test_no_deadline_is_missed(lived: tuple[list[Cell], list[Cell]]) -> None:
    assert [sentence for cells in lived for cell in cells for sentence in late(cell)] == []


def test_every_sentence_tells_where_and_what_to_do(lived: tuple[list[Cell], list[Cell]]) -> None:
    for cell in lived[0]:
        if cell.said is None or code_of(cell.said) == "ok":
            continue
        assert any(place in cell.said.sentence for place in cell.volatile), cell.said.sentence
        assert cell.said.sentence.endswith(".")
        assert cell.said.hint.endswith((".", "?"))
        assert cell.said.status is Status.CRITICAL


def test_healthy_neighbours_are_untouched(lived: tuple[list[Cell], list[Cell]]) -> None:
    for cell in lived[1]:
        assert {code_of(result) for _, result in cell.results} == {"ok"}, cell.name
        assert cell.runner.state().breaker.failures == 0


def test_the_document_shows_what_was_seen(lived: tuple[list[Cell], list[Cell]]) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert end, f"{DOCUMENT.name} has lost the marks around its matrix"
    seen = f"{before}{BEGIN}{matrix(lived[0])}{END}{after}"
    if os.environ.get("TAPEWATCH_WRITE_RELIABILITY") == "1":
        DOCUMENT.write_text(seen, encoding="utf-8")
    else:
        assert seen == text, "the matrix has changed: look at it, then run `make reliability`"


def matrix(cells: Sequence[Cell]) -> str:
    """The tables of the document: fault × kind, then what each kind says."""
    by_place = {cell.name: cell for cell in cells}
    lines = ["", f"| | {' | '.join(KEYS)} |", "|---" * (len(KEYS) + 1) + "|"]
    for fault in FAULTS:
        codes = [
            code_of(cell.said) if (cell := by_place.get(f"{kind}: {fault}")) and cell.said else "–" for kind in KEYS
        ]
        lines.append(f"| {fault} | {' | '.join(codes)} |")
    for kind in KEYS:
        lines += [
            "",
            f"### {probes.KINDS[kind].title}",
            "",
            "| fault | what the component says | what to do |",
            "|---|---|---|",
        ]
        for fault in FAULTS:
            cell = by_place.get(f"{kind}: {fault}")
            if cell and cell.said and code_of(cell.said) != "ok":
                lines.append(f"| {fault} | {plain(cell.said.sentence, cell)} | {plain(cell.said.hint, cell)} |")
    return "\n".join([*lines, "", ""])


def plain(sentence: str, cell: Cell) -> str:
    """A sentence without what differs from run to run or from one OpenSSL to the next."""
    for volatile, instead in cell.volatile.items():
        sentence = sentence.replace(volatile, instead)
    return re.sub(r"(on TLS: )[^.]*", r"\1…", sentence).replace("|", "\\|")


@contextlib.contextmanager
def failing(stack: Stack, kind: str) -> Iterator[Callable[[int], None]]:
    """Checks of a kind, one after the other: each fault that shows at once has its share of the number asked for."""
    proxy, answered = stack.faults.before(stack.services[kind]), threading.Event()
    component = probes.KINDS[kind].component.model_validate(
        {"kind": kind, "name": f"{kind}-cycles", **KEYS[kind](proxy.address, "")}
    )
    runner = Runner(component, probes.KINDS[kind], TINY_DEADLINE_S, lambda _: answered.set())

    def cycles(count: int) -> None:
        for mode in FAST:
            proxy.set(mode)
            for _ in range(-(-count // len(FAST))):
                answered.clear()
                while not (runner.request() or answered.is_set()):
                    pass
                while not answered.wait(TINY_DEADLINE_S):
                    runner.expire()
        proxy.set(Mode.REFUSE)

    yield cycles
    runner.stop()


def held() -> tuple[int, int, int, float]:
    """Threads, descriptors, Python's blocks, and the process's memory in MiB."""
    gc.collect()
    return threading.active_count(), descriptors(), sys.getallocatedblocks(), psutil.Process().memory_info().rss / 2**20


@pytest.mark.parametrize("kind", KEYS)
def test_a_thousand_failures_leave_nothing_behind(stack: Stack, kind: str) -> None:
    with failing(stack, kind) as cycles:
        cycles(CYCLES // 10)
        before = held()
        cycles(CYCLES)
        for at, most in enumerate((0, 0, CYCLES, MOST_MIB)):
            assert eventually(lambda at=at, most=most: held()[at] - before[at] <= most), (held(), before)  # type: ignore[misc]
