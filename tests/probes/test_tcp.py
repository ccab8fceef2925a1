import errno

import pytest

from probes import tcp
from probes.catalogue import Judge
from probes.result import ProbeFailure, Reading, Status
from tests.probes.listeners import black_hole, descriptors, hang, listening, refusing


def probe(address: str, deadline_s: float = 2.0) -> tcp.TcpProbe:
    return tcp.TcpProbe(tcp.TcpComponent(kind="tcp", name="gate", address=address), deadline_s)


def failure(address: str, deadline_s: float = 2.0) -> ProbeFailure:
    with pytest.raises(ProbeFailure) as caught:
        probe(address, deadline_s).collect()
    assert caught.value.error.hint
    return caught.value


def test_a_port_that_accepts() -> None:
    with listening(hang) as address:
        collected = probe(address).collect()
        assert probe(address).ping() > 0
        by_name = probe(address.replace("127.0.0.1", "localhost")).collect()
    assert collected.latency_s is not None
    assert 0 < collected.latency_s < 1
    assert [(r.metric, r.value) for r in collected.readings] == [("tcp_connect_seconds", collected.latency_s)]
    assert collected.summary == f"{address} accepts connections"
    assert by_name.latency_s is not None


def test_nobody_there() -> None:
    with refusing() as address:
        assert failure(address).error.code == "refused"
        assert address in failure(address).error.message
    with black_hole() as address:
        assert failure(address, 0.2).error.code == "timeout"
    assert failure("nosuch.invalid:80").error.code.startswith("dns_")


def test_other_failures_name_their_reason() -> None:
    unreachable = tcp.connect_failure(OSError(errno.ENETUNREACH, "Network is unreachable"), "h:1", 1, "Kafka").error
    assert (unreachable.code, unreachable.message) == (
        "unreachable",
        "Kafka at h:1 cannot be reached: Network is unreachable.",
    )


def test_failures_leave_no_descriptor() -> None:
    with refusing() as address:
        before = descriptors()
        for _ in range(100):
            with pytest.raises(ProbeFailure):
                probe(address).collect()
    assert descriptors() <= before


@pytest.mark.parametrize(("seconds", "status"), [(0.01, None), (0.1, Status.WARNING), (0.3, Status.CRITICAL)])
def test_connect_time_is_judged(seconds: float, status: Status | None) -> None:
    judge = Judge({m.name: m for m in tcp.METRICS}, {})
    assert [f.status for f in judge.findings([Reading("tcp_connect_seconds", seconds)], 0)] == [status] * bool(status)
