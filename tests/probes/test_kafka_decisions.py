from dataclasses import replace

import pytest
from pydantic import ValidationError

from probes import kafka_decisions as decide
from probes.catalogue import Judge
from probes.kafka import KafkaComponent, advertised_failure
from probes.kafka_metrics import METRICS
from probes.kafka_movement import STEADY_READINGS, Movement
from probes.kafka_parse import count_members, is_consumer
from probes.kafka_snapshot import Broker, Group, Partition, Quorum, Snapshot, TopicSettings
from probes.kafka_wire import NotKafka, join_address, parse_advertised, parse_versions
from probes.result import ProbeFailure, Reading, Status, labels


def partition(topic: str = "ticks", number: int = 0, leader: int = 1, in_sync: tuple[int, ...] = (1, 2)) -> Partition:
    return Partition(topic, number, leader, (1, 2), in_sync)


def snapshot(at_s: float = 0.0, **changes: object) -> Snapshot:
    healthy = Snapshot(
        cluster_id="c",
        controller=1,
        quorum=Quorum(1),
        brokers=(Broker(1, "a:9092"), Broker(2, "b:9092")),
        partitions=(partition(), partition(number=1, leader=1), partition("__consumer_offsets")),
        settings={"ticks": TopicSettings(), "__consumer_offsets": TopicSettings()},
        groups=(),
        ends={("ticks", 0): 100, ("ticks", 1): 50},
        ends_at_s=at_s,
        ping_s=0.001,
    )
    return replace(healthy, **changes)  # type: ignore[arg-type]


def book(state: str = "Stable", **committed: int) -> Group:
    return Group("book", state, 1, {("ticks", int(number[1:])): offset for number, offset in committed.items()})


def values(shot: Snapshot) -> dict[str, float]:
    return {reading.metric: reading.value for reading in decide.cluster_readings(shot)}


def judged(*readings: Reading, now_s: float = 0.0, judge: Judge | None = None) -> list[tuple[str, Status]]:
    judge = judge or Judge({metric.name: metric for metric in METRICS}, {})
    return [(finding.metric, finding.status) for finding in judge.findings(readings, now_s)]


def test_a_healthy_cluster_has_no_finding() -> None:
    shot = snapshot(groups=(book(p0=100, p1=50),))
    readings = [*decide.cluster_readings(shot), *decide.movement_readings(shot, Movement().turn(shot))]
    assert judged(*readings) == []
    assert {reading.metric for reading in readings} <= {metric.name for metric in METRICS}
    assert values(shot)["kafka_topics"] == 1
    assert values(shot)["kafka_partitions"] == 3


def test_every_threshold_has_its_reason_and_words() -> None:
    for metric in METRICS:
        if metric.warning is not None or metric.critical is not None:
            assert metric.reason
            assert metric.message
            assert metric.hint.endswith((".", "?"))


@pytest.mark.parametrize(
    ("broken", "metric", "status"),
    [
        (partition(leader=-1), "kafka_partitions_offline", Status.CRITICAL),
        (partition(in_sync=(1,)), "kafka_partitions_under_replicated", Status.WARNING),
        (partition("__consumer_offsets", in_sync=(1,)), "kafka_partitions_under_replicated", Status.WARNING),
    ],
)
def test_a_broken_partition_is_found(broken: Partition, metric: str, status: Status) -> None:
    shot = snapshot(partitions=(broken, partition(number=1)))
    assert judged(*decide.cluster_readings(shot)) == [(metric, status)]


def test_below_min_in_sync_is_critical_and_nothing_when_not_told() -> None:
    thin = (partition(in_sync=(1,)),)
    wants_two = {"ticks": TopicSettings(min_in_sync=2)}
    assert values(snapshot(partitions=thin, settings=wants_two))["kafka_partitions_below_min_in_sync"] == 1
    assert ("kafka_partitions_below_min_in_sync", Status.CRITICAL) in judged(
        Reading("kafka_partitions_below_min_in_sync", 1.0)
    )
    assert "kafka_partitions_below_min_in_sync" not in values(snapshot(partitions=thin, settings=None))


def test_leaders_out_of_place_leave_offline_partitions_out() -> None:
    shot = snapshot(partitions=(partition(leader=2), partition(number=1), partition(number=2, leader=-1)))
    assert values(shot)["kafka_leader_imbalance_ratio"] == 0.5


def test_a_missing_controller_counts_after_a_minute() -> None:
    judge = Judge({metric.name: metric for metric in METRICS}, {})
    gone = Reading("kafka_controller_known", values(snapshot(controller=-1))["kafka_controller_known"])
    assert judged(gone, now_s=0, judge=judge) == []
    assert judged(gone, now_s=61, judge=judge) == [("kafka_controller_known", Status.CRITICAL)]


def test_under_replicated_for_five_minutes_is_critical() -> None:
    movement = Movement()
    thin = (partition(in_sync=(1,)),)
    assert movement.turn(snapshot(0, partitions=thin)).under_replicated_s == 0
    assert movement.turn(snapshot(301, partitions=thin)).under_replicated_s == 301
    assert judged(Reading("kafka_under_replicated_seconds", 301.0)) == [
        ("kafka_under_replicated_seconds", Status.CRITICAL)
    ]
    assert movement.turn(snapshot(310)).under_replicated_s == 0


def test_rates_come_from_the_growth_of_end_offsets() -> None:
    movement = Movement()
    first = movement.turn(snapshot(0))
    assert first.topic_rates == {}
    later = movement.turn(snapshot(10, ends={("ticks", 0): 180, ("ticks", 1): 70, ("new", 0): 1000}))
    assert later.topic_rates == {"ticks": 10.0}
    recreated = movement.turn(snapshot(20, ends={("ticks", 0): 5, ("ticks", 1): 80, ("new", 0): 1000}))
    assert recreated.topic_rates == {"ticks": 1.0, "new": 0.0}
    assert movement.turn(snapshot(30, ends=None)).topic_rates == {}


def test_silence_is_judged_only_after_a_steady_flow() -> None:
    movement = Movement()
    moved = [movement.turn(snapshot(i * 10, ends={("ticks", 0): i, ("rare", 0): i // 20})) for i in range(40)]
    assert moved[STEADY_READINGS - 1].silent_s == {}
    assert moved[-1].silent_s == {"ticks": 0.0}
    stopped = {("ticks", 0): 39, ("rare", 0): 1}
    assert movement.turn(snapshot(390 + 61, ends=stopped)).silent_s == {"ticks": 61.0}
    assert judged(Reading("kafka_topic_silent_seconds", 61.0, labels(topic="ticks"))) == [
        ("kafka_topic_silent_seconds", Status.WARNING)
    ]
    assert movement.turn(snapshot(390 + 4000, ends=stopped)).silent_s == {}


def test_missing_brokers_are_named_and_forgotten_after_a_day() -> None:
    three = [Broker(n, f"b{n}:9092") for n in (1, 2, 3)]
    seen = decide.after_seeing({}, three, 0.0)
    assert decide.missing_brokers(seen, three) is None
    one_gone = decide.missing_brokers(seen, three[:2])
    assert one_gone is not None
    assert one_gone.status == Status.WARNING
    assert one_gone.message == "Missing brokers: 3 (b3:9092); there were 3 within the last day."
    two_gone = decide.missing_brokers(seen, three[:1])
    assert two_gone is not None
    assert two_gone.status == Status.CRITICAL
    never_seen = decide.missing_brokers(seen, three, [partition(), Partition("t", 0, 1, (1, 9), (1,))])
    assert never_seen is not None
    assert never_seen.message == "Missing brokers: 9; there were 4 within the last day."
    next_day = decide.after_seeing(seen, three[:2], 86_401.0)
    assert decide.missing_brokers(next_day, three[:2]) is None


def test_a_broker_that_cannot_be_reached_is_named() -> None:
    found = decide.silent_brokers(snapshot(), {1: "refused", 2: "odd", 3: "timeout"})
    assert [finding.message for finding in found] == [
        "Broker 1 (a:9092) refuses connections; partitions with a copy there: 3, led by it: 3.",
        "Broker 2 (b:9092) cannot be reached; partitions with a copy there: 3, led by it: 0.",
    ]
    (spare,) = decide.silent_brokers(snapshot(partitions=()), {1: "timeout"})
    assert spare.message == "Broker 1 (a:9092) does not answer."
    assert {finding.status for finding in found} == {Status.WARNING}


def test_fenced_brokers_are_down() -> None:
    shot = snapshot(brokers=(Broker(1, "a:9092", "r1"), Broker(2, "b:9092", None, True)))
    assert values(shot)["kafka_brokers"] == 1
    seen = {3: (Broker(3, "c:9092"), 0.0)}
    assert decide.broker_rows(shot, seen) == (
        (1, "a:9092", "r1", True, "up", 3, 3),
        (2, "b:9092", "", False, "down", 3, 0),
        (3, "c:9092", "", False, "down", 0, 0),
    )


def test_offline_offsets_topic_says_that_commits_fail() -> None:
    assert decide.offsets_finding([partition(leader=-1)]) is None
    finding = decide.offsets_finding([partition("__consumer_offsets", leader=-1)])
    assert finding is not None
    assert finding.status == Status.CRITICAL
    assert "cannot commit" in finding.message


def test_tables_hide_internal_topics() -> None:
    shot = snapshot(groups=(book(p0=40, p1=50),))
    shown = decide.tables(shot, Movement().turn(shot), {})
    assert shown["topics"].rows == (
        ("ticks", 2, 2, 0, 0, 0, 0, None, 150, None, None, None, "acks=all waits for one copy"),
    )
    assert "groups" not in decide.tables(snapshot(groups=None), Movement().turn(snapshot(groups=None)), {})
    assert decide.summarise(shot, Movement().turn(shot)) == "1 topic, lag 60"


def test_the_controller_is_named_with_what_it_is_worth() -> None:
    assert "quorum" in decide.facts(snapshot())["controller"]
    assert "any live broker" in decide.facts(snapshot(quorum=None))["controller"]
    assert decide.facts(snapshot(controller=-1))["controller"] == "none"


def test_groups_that_consume_topics() -> None:
    assert is_consumer({"protocol_type": "consumer", "group_type": "classic"})
    assert is_consumer({"protocol_type": ""})
    assert not is_consumer({"protocol_type": "connect", "group_type": "classic"})
    assert not is_consumer({"protocol_type": "share", "group_type": "share"})
    assert count_members({"error": None, "members": [1, 2]}) == 2
    assert count_members({"error": "no such group", "members": []}) is None


def test_answers_are_parsed_by_hand() -> None:
    versions = bytes.fromhex("0000 00000002 0003 0000 000d 0012 0000 0004")
    assert parse_versions(versions) == {3: (0, 13), 18: (0, 4)}
    for broken in (versions[:-1], b"", bytes.fromhex("0023 00000000"), versions[:12]):
        with pytest.raises(NotKafka):
            parse_versions(broken)
    brokers = bytes.fromhex("00000002 00000001 0001 61 00002384 ffff 00000002 0003 3a3a31 00002385 0002 7231")
    assert parse_advertised(brokers + b"rest") == ("a:9092", "[::1]:9093")
    for cut in (b"", brokers[:9], brokers[:20]):
        with pytest.raises(NotKafka):
            parse_advertised(cut)
    assert join_address("10.0.0.1", 1) == "10.0.0.1:1"


@pytest.mark.parametrize("given", ["a:1,b:2", "a:1, b:2", ["a:1", "b:2"]])
def test_bootstrap_is_a_list_or_has_commas(given: object) -> None:
    component = KafkaComponent.model_validate({"kind": "kafka", "name": "k", "bootstrap": given})
    assert component.bootstrap == ("a:1", "b:2")
    assert component.target == "a:1, b:2"


@pytest.mark.parametrize("given", ["", "host", "host:0", "a:1,,b:2", [], 9092, "a:1,b:x"])
def test_a_bootstrap_that_is_none_is_refused(given: object) -> None:
    with pytest.raises(ValidationError, match="bootstrap"):
        KafkaComponent.model_validate({"kind": "kafka", "name": "k", "bootstrap": given})


@pytest.mark.parametrize(("code", "words"), [("dns_unknown", "cannot be resolved"), ("timeout", "nobody answers")])
def test_an_advertised_address_says_how_it_fails(code: str, words: str) -> None:
    error = advertised_failure("a:1", "b:2", ProbeFailure(code, "Something.", "")).error
    assert error.message.startswith("Kafka at a:1 answers, but sends its clients on to b:2, ")
    assert words in error.message
    assert "fails: Something." in advertised_failure("a:1", "b:2", ProbeFailure("odd", "Something.", "")).error.message
