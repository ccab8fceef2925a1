"""Sockets that misbehave where a Kafka broker should be."""

import gc
import socket
import struct
import threading
import time

import pytest
from kafka.errors import KafkaError

from probes.kafka import KIND, KafkaComponent, KafkaProbe
from probes.kafka_client import open_admin
from probes.result import ProbeFailure, ProbeResult, Status
from probes.runner import Runner
from tests.probes.listeners import (
    Behaviour,
    black_hole,
    close,
    descriptors,
    drip,
    eventually,
    garbage,
    hang,
    listening,
    refusing,
)


def component(bootstrap: str, **keys: object) -> KafkaComponent:
    return KafkaComponent.model_validate({"kind": "kafka", "name": "kafka", "bootstrap": bootstrap, **keys})


def failure(bootstrap: str, deadline_s: float = 2.0) -> ProbeFailure:
    started_s = time.monotonic()
    with pytest.raises(ProbeFailure) as caught:
        KafkaProbe(component(bootstrap), deadline_s).collect()
    assert time.monotonic() - started_s < deadline_s, "the failure comes before the deadline"
    assert caught.value.error.hint
    assert caught.value.error.message.endswith(".")
    return caught.value


@pytest.mark.parametrize(
    ("behave", "code"), [(hang, "timeout"), (close, "closed"), (garbage, "wrong_protocol"), (drip, "wrong_protocol")]
)
def test_a_listener_that_is_no_broker_is_named_in_time(behave: Behaviour, code: str) -> None:
    with listening(behave) as address:
        caught = failure(address, 0.8)
    assert caught.error.code == code
    assert address in caught.error.message


def slow_size(client: socket.socket, stop: threading.Event) -> None:
    """A believable size, then a byte every 20 ms: longer than any deadline."""
    client.sendall(struct.pack(">i", 100_000))
    while not stop.wait(0.02):
        client.sendall(b"x")


def greeting(client: socket.socket, oldest_metadata: int) -> None:
    client.recv(65536)
    body = struct.pack(">ihi", 18, 0, 2) + struct.pack(">6h", 3, oldest_metadata, 9, 18, 0, 3)
    client.sendall(struct.pack(">i", len(body)) + body)


def only_greets(client: socket.socket, stop: threading.Event) -> None:
    """Answers ApiVersions like a broker and then falls silent."""
    greeting(client, 4)  # not the version whose answer is read by hand
    stop.wait(10)


def wants_a_login(client: socket.socket, stop: threading.Event) -> None:
    """Answers ApiVersions and hangs up on the next request."""
    greeting(client, 0)
    client.recv(65536)


def web_server(client: socket.socket, stop: threading.Event) -> None:
    client.recv(65536)
    client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def tls_alert(client: socket.socket, stop: threading.Event) -> None:
    client.recv(65536)
    client.sendall(bytes.fromhex("15030300020216"))


@pytest.mark.parametrize(
    ("behave", "code", "words"),
    [
        (slow_size, "timeout", "did not answer"),
        (only_greets, "timeout", "greets but does not answer"),
        (wants_a_login, "auth_required", "does not log in"),
        (web_server, "wrong_protocol", "web server"),
        (tls_alert, "tls_failed", "speaks TLS"),
    ],
)
def test_a_fault_behind_the_first_bytes(behave: Behaviour, code: str, words: str) -> None:
    with listening(behave) as address:
        caught = failure(address, 0.8)
    assert caught.error.code == code
    assert words in caught.error.message


def test_a_broker_that_goes_away_after_its_greeting_does_not_want_a_login() -> None:
    seen: list[socket.socket] = []

    def goes_away(client: socket.socket, stop: threading.Event) -> None:
        seen.append(client)
        (wants_a_login if len(seen) == 1 else close)(client, stop)

    with listening(goes_away) as address:
        assert failure(address, 0.8).error.code == "closed"
    assert len(seen) == 2


def test_nobody_there() -> None:
    with refusing() as address:
        assert failure(address).error.code == "refused"
        with pytest.raises(ProbeFailure):
            KafkaProbe(component(address), 2.0).ping()
    with black_hole() as address:
        assert failure(address, 0.6).error.code == "timeout"
    assert failure("nosuch.invalid:9092").error.code.startswith("dns_")


def test_the_runner_reports_a_listener_that_drips() -> None:
    results: list[ProbeResult] = []
    with listening(slow_size) as address:
        runner = Runner(component(address), KIND, 0.6, results.append)
        assert runner.request()
        assert eventually(lambda: bool(results))
        runner.stop()
    assert results[0].status == Status.CRITICAL
    assert results[0].error is not None
    assert results[0].error.code == "timeout"
    assert results[0].took_ms < 1200


def test_a_hundred_failures_leave_no_thread_and_no_descriptor() -> None:
    with refusing() as shut, listening(close) as short, listening(garbage) as mad, listening(only_greets) as silent:
        before = threading.active_count(), descriptors()
        for _ in range(33):
            for address in (shut, short, mad):
                with pytest.raises(ProbeFailure):
                    KafkaProbe(component(address), 1.0).collect()
        assert eventually(lambda: threading.active_count() <= before[0])
        assert eventually(lambda: descriptors() <= before[1]), (descriptors(), before)
        for address in (shut, short, mad) * 15:  # the client itself, which the greeting keeps from starting
            with pytest.raises(KafkaError):
                open_admin([address], 0.01, 0.01)
        gc.collect()  # the client forgets sockets that never connected in a cycle
        assert eventually(lambda: threading.active_count() <= before[0])
        assert eventually(lambda: descriptors() <= before[1]), (descriptors(), before)
        for _ in range(5):
            with pytest.raises(KafkaError):
                open_admin([silent], 0.05, 0.05)
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("kafka-io")]
