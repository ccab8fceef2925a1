import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from probes import network
from probes.catalogue import Judge
from probes.network_interfaces import (
    Interface,
    TrafficReader,
    choose,
    missing_findings,
)
from probes.network_system import SystemCounters, parse_snmp, parse_snmp6
from probes.network_targets import (
    TargetState,
    Try,
    attempt,
    finding,
    jitter_s,
    loss_ratio,
    p95,
    readings,
)
from probes.result import Collected, ProbeError, Reading, Status, labels
from tests.probes.listeners import black_hole, close, descriptors, eventually, hang, listening, refusing

LOST = Try(None, ProbeError("timeout", "The target did not answer.", "Look."))
REFUSED = Try(0.002, ProbeError("refused", "It refuses.", "Look."))


def component(**keys: object) -> network.NetworkComponent:
    return network.NetworkComponent.model_validate({"kind": "network", "name": "net", **keys})


@contextlib.contextmanager
def probing(deadline_s: float = 2.0, **keys: object) -> Iterator[network.NetworkProbe]:
    probe = network.NetworkProbe(component(**keys), deadline_s)
    try:
        yield probe
    finally:
        probe.close()


def state_of(collected: Collected, address: str) -> str:
    return next(row[1] for row in collected.tables["targets"].rows if row[0] == address)


def test_an_open_and_a_refused_target_both_give_a_round_trip() -> None:
    with listening(hang) as up, refusing() as shut, probing(targets=[up, shut]) as probe:
        collected = probe.collect()
    assert collected.findings == []
    assert (state_of(collected, up), state_of(collected, shut)) == ("accepts", "refused")
    rtts = {r.labels: r.value for r in collected.readings if r.metric == "network_rtt_seconds"}
    assert set(rtts) == {labels(target=up), labels(target=shut)}
    assert all(0 < value < 1 for value in rtts.values())
    assert collected.summary.startswith("2 of 2 targets answer")
    assert collected.latency_s is not None


def test_a_dead_target_is_named_and_delays_neither_the_others_nor_the_probe() -> None:
    with black_hole() as dead, listening(close) as up, probing(0.6, targets=[dead, up, "nosuch.invalid:80"]) as probe:
        started_s = time.monotonic()
        collected = probe.collect()
        assert time.monotonic() - started_s < 0.6
    assert state_of(collected, dead) == "timeout"
    assert state_of(collected, up) == "accepts"
    assert state_of(collected, "nosuch.invalid:80").startswith("dns_")
    assert [f.status for f in collected.findings] == [Status.CRITICAL, Status.CRITICAL]
    assert dead in collected.findings[0].message
    assert "nosuch.invalid" in collected.findings[1].message
    up_rtt = next(r.value for r in collected.readings if r.labels == labels(target=up) and "rtt" in r.metric)
    assert up_rtt < 0.3


def test_a_try_that_has_not_ended_is_reported_and_not_started_twice() -> None:
    with black_hole() as dead, probing(4.0, targets=[dead]) as probe:
        probe._wait_s = 0.05
        first, second = probe.collect(), probe.collect()
        assert sum(thread.name == f"target:{dead}" for thread in threading.enumerate()) == 1
    for collected in (first, second):
        assert collected.findings[0].status == Status.CRITICAL
        assert dead in collected.findings[0].message
        assert state_of(collected, dead) == "no answer yet"


def test_without_targets_and_with_only_loopback_all_is_well() -> None:
    with probing(interfaces=["lo"]) as probe:
        probe.collect()
        collected = probe.collect()
    assert collected.findings == []
    assert collected.latency_s is None
    assert collected.tables["targets"].rows == ()
    assert collected.tables["interfaces"].rows[0][0] == "lo"
    assert any(reading.metric == "network_receive_bytes_per_second" for reading in collected.readings)


def test_every_reading_is_catalogued_and_a_capacity_gives_a_share() -> None:
    with listening(close) as up, probing(targets=[up], interfaces=["lo"], capacity={"lo": "1Gbit"}) as probe:
        for _ in range(6):
            collected = probe.collect()
    known = {metric.name: metric for metric in network.METRICS}
    names = {reading.metric for reading in collected.readings}
    assert names <= set(known)
    assert {"network_rtt_p95_seconds", "network_jitter_seconds", "network_loss_ratio"} <= names
    assert {"network_utilization_ratio", "network_link_speed_bytes_per_second"} <= names


def test_an_unknown_interface_is_named() -> None:
    with probing(interfaces=["lo", "eth77"], capacity={"eth78": "1Gbit"}) as probe:
        collected = probe.collect()
    assert ["eth77" in f.message for f in collected.findings] == [True]
    assert any("eth78" in phrase for phrase in collected.unavailable)


def test_a_named_interface_that_is_down_is_critical() -> None:
    down = Interface("eth1", False, None, {})
    assert [f.status for f in missing_findings(["eth1"], [down], ["eth1"])] == [Status.CRITICAL]
    assert missing_findings([], [down], ["eth1"]) == []


def test_a_hundred_failures_leave_no_thread_and_no_descriptor() -> None:
    with refusing() as shut, listening(close) as closing:
        before = threading.active_count(), descriptors()
        for _ in range(100):
            with probing(0.5, targets=[shut, closing]) as probe:
                probe.collect()
        assert eventually(lambda: threading.active_count() <= before[0]), threading.enumerate()
        assert eventually(lambda: descriptors() <= before[1] + 2)


def test_timeouts_leave_no_thread_and_no_descriptor() -> None:
    with black_hole() as dead:
        before = threading.active_count(), descriptors()
        with probing(0.1, targets=[dead]) as probe:
            for _ in range(10):
                probe.collect()
        assert eventually(lambda: threading.active_count() <= before[0])
        assert eventually(lambda: descriptors() <= before[1])


def test_a_timed_out_try_ends_in_time() -> None:
    with black_hole() as dead:
        started_s = time.monotonic()
        outcome = attempt(dead, 0.2)
        assert time.monotonic() - started_s < 0.4
    assert outcome.state == "timeout"
    assert outcome.rtt_s is None


def test_loss_counts_timeouts_and_slow_connects_but_not_names() -> None:
    unknown = Try(None, ProbeError("dns_unknown", "", ""))
    assert loss_ratio([]) is None
    assert loss_ratio([unknown]) is None
    assert loss_ratio([Try(0.001), REFUSED, LOST, Try(1.02), unknown]) == 0.5


def test_jitter_and_p95() -> None:
    assert jitter_s([0.1]) is None
    assert jitter_s([0.010, 0.014, 0.012]) == pytest.approx(0.003)
    assert p95([float(n) for n in range(1, 21)]) == 19
    assert p95([1.0, 9.0]) == 9
    assert p95([3.0]) == 3


def state(*tries: Try, pending: bool = False) -> TargetState:
    return TargetState("lan:1", tries, pending)


def test_loss_is_judged_from_a_hundred_tries_on() -> None:
    assert finding(state(*[LOST] * 30, *[Try(0.001)] * 69)) is None
    warned = finding(state(*[LOST] * 2, *[Try(0.001)] * 98))
    failed = finding(state(*[LOST] * 6, *[Try(0.001)] * 94))
    assert warned is not None
    assert failed is not None
    assert (warned.status, failed.status) == (Status.WARNING, Status.CRITICAL)
    assert warned.message.startswith("2 % of the last 100 tries")
    assert finding(state(LOST, *[Try(0.001)] * 99)) is None, "one per cent is not beyond one per cent"
    assert finding(state(*[LOST] * 6, *[Try(0.001)] * 94), judge_loss=False) is None


def test_reachability_is_decided_by_the_last_try() -> None:
    assert finding(state(LOST, REFUSED)) is None
    dead = finding(state(Try(0.001), LOST))
    assert dead is not None
    assert (dead.metric, dead.status) == ("network_reachable", Status.CRITICAL)
    assert [r.value for r in readings(state(LOST, REFUSED)) if r.metric == "network_reachable"] == [1.0]
    assert [r.value for r in readings(state(REFUSED, pending=True)) if r.metric == "network_reachable"] == [0.0]


def test_container_plumbing_is_skipped_unless_asked_for() -> None:
    names = ["lo", "eth0", "veth12ab", "docker0", "br-0123", "ifb0", "bond0", "enp3s0", "wlan0", "virbr0", "lonely0"]
    assert choose(names, []) == ["bond0", "enp3s0", "eth0", "lonely0", "wlan0"]
    assert choose(names, ["docker0", "gone0"]) == ["docker0"]


def counted(speed: float | None = None, **values: float) -> Interface:
    zero = dict.fromkeys(
        ("bytes_recv", "bytes_sent", "packets_recv", "packets_sent", "errin", "errout", "dropin", "dropout"), 0.0
    )
    return Interface("eth0", True, speed, zero | values)


def test_rates_errors_and_utilisation_of_an_interface() -> None:
    reader = TrafficReader()
    (first,) = reader.turn([counted(1000.0)], 100.0)
    assert first.received is None
    assert first.utilization is None
    (second,) = reader.turn(
        [counted(1000.0, bytes_recv=2000, bytes_sent=8000, packets_recv=900, packets_sent=100, dropin=5)], 110.0
    )
    assert (second.received, second.sent) == (200, 800)
    assert second.utilization == pytest.approx(0.8), "the busier direction"
    assert second.error_ratio == pytest.approx(0.005)
    assert (second.errors, second.drops) == (0, 0.5)
    (third,) = reader.turn([counted(None, bytes_recv=5, bytes_sent=9000, packets_recv=1, packets_sent=1)], 120.0)
    assert third.received is None, "a reset drops the sample"
    assert third.sent == 100
    assert third.error_ratio is None
    assert third.utilization is None


def test_few_packets_prove_nothing() -> None:
    reader = TrafficReader()
    reader.turn([counted()], 0.0)
    (quiet,) = reader.turn([counted(packets_recv=20, dropin=1)], 10.0)
    assert quiet.error_ratio is None


def test_snmp_is_parsed_by_protocol() -> None:
    text = "Ip: A B\nIp: 1 2\nTcp: OutSegs RetransSegs\nTcp: 500 -1\n"
    assert parse_snmp(text, "Tcp") == {"OutSegs": 500, "RetransSegs": -1}
    assert parse_snmp(text, "TcpExt") == {}
    assert parse_snmp6("Ip6InReceives  \t7\nnonsense\n") == {"Ip6InReceives": 7}


def test_retransmission_waits_for_a_thousand_segments(tmp_path) -> None:
    system = SystemCounters()
    assert system.retransmitted(10_000, 100) is None
    assert system.retransmitted(10_500, 110) is None
    assert system.retransmitted(11_000, 120) == pytest.approx(0.02)
    assert system.retransmitted(11_100, 190) == pytest.approx(0.02), "a hundred more prove nothing new"
    assert system.retransmitted(5, 0) is None, "a reset starts anew"
    assert SystemCounters(tmp_path).turn()[1], "what is not readable is named"


def test_this_systems_counters_are_read() -> None:
    system = SystemCounters()
    system.turn()
    found, missing = system.turn()
    assert missing == []
    names = {reading.metric for reading in found}
    assert {"network_listen_drops_per_second", "network_udp_drops_per_second", "network_tcp_connections"} <= names
    assert names <= {metric.name for metric in network.METRICS}


def kernel(proc: Path, **values: object) -> None:
    """Writes what a kernel shows below /proc."""
    told = {"sent": 5000, "again": 0, "listen": 0, "udp": 0, "udp6": 0, "tracked": 50, "most": 100} | values
    (proc / "net").mkdir(exist_ok=True)
    (proc / "sys/net/netfilter").mkdir(parents=True, exist_ok=True)
    tcp = f"Tcp: CurrEstab OutSegs RetransSegs\nTcp: 28 {told['sent']} {told['again']}\n"
    (proc / "net/snmp").write_text(f"{tcp}Udp: InDatagrams RcvbufErrors\nUdp: 9 {told['udp']}\n")
    (proc / "net/snmp6").write_text(f"Udp6InDatagrams   \t9\nUdp6RcvbufErrors  \t{told['udp6']}\n")
    (proc / "net/netstat").write_text(f"TcpExt: SyncookiesSent ListenDrops\nTcpExt: 0 {told['listen']}\n")
    (proc / "sys/net/netfilter/nf_conntrack_count").write_text(f"{told['tracked']}\n")
    (proc / "sys/net/netfilter/nf_conntrack_max").write_text(f"{told['most']}\n")


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ({}, {"listen_drops_per_second": 0.0, "udp_drops_per_second": 0.0}),
        ({"listen": 20}, {"listen_drops_per_second": 2.0, "udp_drops_per_second": 0.0}),
        ({"udp": 30, "udp6": 10}, {"listen_drops_per_second": 0.0, "udp_drops_per_second": 4.0}),
        (
            {"sent": 7000, "again": 40},
            {"listen_drops_per_second": 0.0, "udp_drops_per_second": 0.0, "retransmit_ratio": 0.02},
        ),
        ({"most": 0}, {"listen_drops_per_second": 0.0, "udp_drops_per_second": 0.0, "conntrack_used_ratio": None}),
        ({"tracked": "x"}, {"listen_drops_per_second": 0.0, "udp_drops_per_second": 0.0, "conntrack_used_ratio": None}),
    ],
)
def test_what_the_kernel_counts(tmp_path: Path, after: dict[str, object], expected: dict[str, float | None]) -> None:
    system = SystemCounters(tmp_path)
    kernel(tmp_path)
    assert {r.metric for r in system.turn(100.0)[0]} == {"network_tcp_connections", "network_conntrack_used_ratio"}
    kernel(tmp_path, **after)
    found, missing = system.turn(110.0)
    wanted = {"tcp_connections": 28.0, "conntrack_used_ratio": 0.5} | expected
    assert {r.metric: r.value for r in found} == {f"network_{k}": v for k, v in wanted.items() if v is not None}
    assert missing == []


def test_counters_that_are_no_numbers_are_named(tmp_path: Path) -> None:
    kernel(tmp_path, sent="many")
    found, missing = SystemCounters(tmp_path).turn(100.0)
    assert [reading.metric for reading in found] == ["network_conntrack_used_ratio"]
    assert missing == ["TCP and UDP counters (/proc/net is not readable)"]


def test_a_reset_of_the_kernels_counters_gives_no_rate(tmp_path: Path) -> None:
    system = SystemCounters(tmp_path)
    kernel(tmp_path, listen=100, udp=100)
    system.turn(100.0)
    kernel(tmp_path)
    (tmp_path / "net/snmp6").unlink()
    assert not any("drops" in reading.metric for reading in system.turn(110.0)[0])


def test_every_sentence_can_be_filled_in() -> None:
    judge = Judge({m.name: m for m in network.METRICS}, {})
    every = [Reading(m.name, 1e9, labels(target="lan:1", interface="eth0")) for m in network.METRICS]
    judge.findings(every, 0.0)
    found = judge.findings(every, 1e6)
    assert {f.status for f in found} == {Status.CRITICAL}
    assert all(f.hint and "{" not in f.message for f in found)


@pytest.mark.parametrize("text", ["1GB", "fast", "0Gbit", "1000", "", "1e9Gbit", "-1Gbit"])
def test_a_capacity_without_its_unit_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValidationError, match="100Mbit"):
        component(capacity={"eth0": text})


def test_a_target_without_a_port_is_refused() -> None:
    with pytest.raises(ValidationError, match="host:port"):
        component(targets=["localhost"])
