import socket
import threading
import time
from collections.abc import Callable

import pytest

from probes import dns
from probes.dns import Resolver, is_ip
from probes.result import ProbeFailure
from tests.probes.listeners import eventually


class Lookup:
    """A name server that answers, refuses or is silent, and counts the questions."""

    def __init__(self, answer: str = "10.0.0.7") -> None:
        self.answer = answer
        self.error: Exception | None = None
        self.talking = threading.Event()
        self.talking.set()
        self.asked = 0

    def __call__(self, host: str) -> str:
        self.asked += 1
        assert self.talking.wait(20)
        if self.error:
            raise self.error
        return self.answer


@pytest.fixture
def age(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets the resolver's clock jump."""
    jump_s = [0.0]

    class Time:
        @staticmethod
        def monotonic() -> float:
            return time.monotonic() + jump_s[0]

    monkeypatch.setattr(dns, "time", Time)
    return lambda seconds: jump_s.__setitem__(0, jump_s[0] + seconds)


def code(resolver: Resolver, host: str = "db", wait_s: float = 5) -> str:
    with pytest.raises(ProbeFailure) as caught:
        resolver.resolve(host, wait_s)
    assert f'"{host}"' in caught.value.error.message
    assert caught.value.error.hint
    return caught.value.error.code


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "fe80::1%lo"])
def test_an_address_is_not_looked_up(address: str) -> None:
    lookup = Lookup()
    assert is_ip(address)
    assert Resolver(lookup).resolve(address) == address
    assert lookup.asked == 0


def test_an_answer_is_remembered(age: Callable[[float], None]) -> None:
    lookup = Lookup()
    resolver = Resolver(lookup)
    assert [resolver.resolve("db", 5) for _ in range(3)] == ["10.0.0.7"] * 3
    assert lookup.asked == 1
    took_s = resolver.lookup_s("db")
    assert took_s is not None
    assert 0 <= took_s < 5
    assert resolver.lookup_s("other") is None
    age(dns.FRESH_S + 1)
    lookup.answer = "10.0.0.8"
    assert resolver.resolve("db", 5) == "10.0.0.8"


def test_a_silent_server_costs_the_wait_and_one_thread(age: Callable[[float], None]) -> None:
    lookup = Lookup()
    lookup.talking.clear()
    resolver = Resolver(lookup)
    before = threading.active_count()
    assert {code(resolver, wait_s=0.01) for _ in range(20)} == {"dns_timeout"}
    assert threading.active_count() == before + 1
    assert lookup.asked == 1, "one question at a time"
    lookup.talking.set()
    assert eventually(lambda: threading.active_count() == before)
    assert resolver.resolve("db", 5) == "10.0.0.7"


@pytest.mark.parametrize("silent", [True, False])
def test_the_last_good_answer_serves_for_an_hour(silent: bool, age: Callable[[float], None]) -> None:
    lookup = Lookup()
    resolver = Resolver(lookup)
    resolver.resolve("db", 5)
    if silent:
        lookup.talking.clear()
    lookup.error = socket.gaierror(-3, "Temporary failure in name resolution")
    age(dns.FRESH_S + 1)
    assert resolver.resolve("db", 0.05) == "10.0.0.7"
    age(dns.KEEP_S)
    assert code(resolver, wait_s=0.05) == ("dns_timeout" if silent else "dns_unknown")
    lookup.talking.set()


@pytest.mark.parametrize(
    "error", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long"), ValueError("null byte")]
)
def test_a_name_there_is_not(error: Exception) -> None:
    lookup = Lookup()
    lookup.error = error
    resolver = Resolver(lookup)
    assert code(resolver) == "dns_unknown"
    lookup.error = None
    assert resolver.resolve("db", 5) == "10.0.0.7", "a refusal is not remembered"


V4 = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))
V6 = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 0, 0, 0))


@pytest.mark.parametrize(("answers", "address"), [([V6, V4], "127.0.0.1"), ([V4, V6], "127.0.0.1"), ([V6], "::1")])
def test_ipv4_is_preferred(answers: list[tuple[object, ...]], address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **keys: answers)
    assert Resolver().resolve("localhost", 5) == address


def test_the_real_resolver_knows_localhost() -> None:
    assert Resolver().resolve("localhost", 5) == "127.0.0.1"
