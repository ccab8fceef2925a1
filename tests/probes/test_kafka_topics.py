"""Topics, their settings, disks, the quorum and retention: tables of cases, no broker."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition

from probes import kafka_decisions as decide
from probes import kafka_retention as retention
from probes import kafka_topics as topics
from probes.catalogue import Judge
from probes.kafka_age import Age
from probes.kafka_client import learn
from probes.kafka_metrics import METRICS
from probes.kafka_movement import Moved, Position
from probes.kafka_parse import SETTINGS, assigned_to, parse_quorum, parse_settings, parse_storage
from probes.kafka_read import Reader
from probes.kafka_slow import Kept
from probes.kafka_snapshot import Broker, Disk, Partition, Quorum, Snapshot, Storage, TopicSettings
from probes.result import Reading, Status
from tests.probes.test_kafka_decisions import partition, snapshot, values

BROKERS = tuple(Broker(n, f"b{n}:9092", rack) for n, rack in ((1, "r1"), (2, "r1"), (3, "r2")))
PLAIN = tuple(replace(broker, rack=None) for broker in BROKERS)


def copies(*nodes: int, number: int = 0) -> Partition:
    return Partition("ticks", number, nodes[0], nodes, nodes)


@pytest.mark.parametrize(
    ("partitions", "settings", "brokers", "risks"),
    [
        ([copies(1)], TopicSettings(), PLAIN[:1], []),
        ([copies(1)], TopicSettings(unclean=True), PLAIN, ["one copy"]),
        ([copies(1, 2)], TopicSettings(), PLAIN, ["acks=all waits for one copy"]),
        ([copies(1, 2)], TopicSettings(min_in_sync=2), PLAIN, []),
        ([copies(1, 2)], TopicSettings(min_in_sync=2, unclean=True), PLAIN, ["unclean election"]),
        ([copies(1, 2)], None, PLAIN, []),
        ([copies(1, 2)], None, BROKERS, ["copies in one rack"]),
        ([copies(1, 3), copies(2, 1, number=1)], None, BROKERS, ["copies in one rack"]),
        ([copies(1, 3)], None, BROKERS, []),
        ([copies(1, 2)], None, BROKERS[:2], []),
        ([copies(1, 2)], None, (*BROKERS, Broker(4, "b4:9092")), []),
        ([copies(1, 9)], None, BROKERS, []),
    ],
)
def test_settings_that_endanger_data(
    partitions: list[Partition], settings: TopicSettings | None, brokers: tuple[Broker, ...], risks: list[str]
) -> None:
    assert topics.risks(partitions, settings, brokers) == risks


def test_topics_at_risk_are_counted_named_and_judged() -> None:
    careless = TopicSettings(unclean=True)
    shot = snapshot(
        partitions=[*(replace(copies(1), topic=f"t{n}") for n in range(7)), copies(1, 2)],
        settings={"ticks": careless},
        brokers=PLAIN,
    )
    told = values(shot)
    assert told["kafka_topics_one_copy"] == 7
    assert told["kafka_topics_unclean_election"] == told["kafka_topics_one_acknowledgement"] == 1
    assert decide.facts(shot)["one copy:"] == "t0, t1, t2, t3, t4 and 2 more"
    assert topics.topic_table(shot, Moved()).rows[-1][-1] == "unclean election, acks=all waits for one copy"
    judge = Judge({metric.name: metric for metric in METRICS}, {})
    found = {f.metric: f.status for f in judge.findings(decide.cluster_readings(shot), 0.0)}
    assert found == dict.fromkeys(("kafka_topics_one_copy", "kafka_topics_unclean_election"), Status.WARNING)
    untold = values(replace(shot, settings=None))
    assert "kafka_topics_one_copy" in untold
    assert "kafka_topics_unclean_election" not in untold


def test_a_partition_says_the_worst_of_it() -> None:
    two = {"ticks": TopicSettings(min_in_sync=2)}
    cases = {
        "offline": partition(leader=-1, in_sync=()),
        "below min.insync": partition(in_sync=(1,)),
        "leader moved": partition(leader=2),
        "ok": partition(),
    }
    assert {word: topics.partition_state(case, two) for word, case in cases.items()} == {word: word for word in cases}
    assert topics.partition_state(partition(in_sync=(1,)), {}) == "under-replicated"


def test_very_many_partitions_are_shown_in_part_the_worst_first() -> None:
    many = [partition(number=n) for n in range(topics.MOST_ROWS + 5)]
    many[-1] = partition(number=topics.MOST_ROWS + 4, leader=-1, in_sync=())
    shown = topics.partition_table(snapshot(partitions=many)).rows
    assert len(shown) == topics.MOST_ROWS
    assert shown[-1][1:6] == (topics.MOST_ROWS + 4, "offline", None, "1, 2", "")


def test_very_many_topics_keep_series_of_the_biggest() -> None:
    names = [f"t{n}" for n in range(topics.MOST_TOPICS + 5)]
    ends = {(name, 0): n for n, name in enumerate(names)}
    shot = snapshot(partitions=[partition(name) for name in names], ends=ends)
    assert set(names[:5]).isdisjoint(topics.biggest(shot))
    assert len(topics.biggest(shot)) == topics.MOST_TOPICS


def test_settings_are_parsed_and_what_may_not_be_read_is_left_out() -> None:
    def topic(*values: str) -> dict[str, dict[str, str]]:
        return {key: {"value": value} for key, value in zip(SETTINGS, values, strict=True)}

    told = parse_settings(
        {
            "ticks": topic("2", "60000", "-1", "delete", "false"),
            "state": topic("1", "-1", "-1", "compact", "false"),
            "both": topic("1", "-1", "-1", "compact,delete", "true"),
            "secret": {},
        }
    )
    assert told == {
        "ticks": TopicSettings(min_in_sync=2, retention_s=60.0),
        "state": TopicSettings(deletes=False),
        "both": TopicSettings(unclean=True),
    }


def test_sizes_count_all_copies_and_a_failed_disk_is_told() -> None:
    def directory(error: int = 0, **extra: Any) -> dict[str, Any]:
        rows = [{"partition_index": n, "partition_size": 100} for n in range(2)]
        return {"error_code": error, "log_dir": "/data", "topics": [{"name": "ticks", "partitions": rows}], **extra}

    storage = parse_storage(
        [
            {"broker": 1, "log_dirs": [directory(total_bytes=1000, usable_bytes=40)]},
            {"broker": 2, "log_dirs": [directory(), {"error_code": 56, "log_dir": "/dead", "topics": []}]},
        ]
    )
    assert storage.topic_bytes == {"ticks": 400}
    assert storage.disks == (Disk(1, "/data", 1000, 40), Disk(2, "/data"), Disk(2, "/dead", failed=True))
    shot = snapshot(storage=storage)
    readings = decide.cluster_readings(shot)
    assert Reading("kafka_disk_available_ratio", 0.04, (("broker", "1"), ("directory", "/data"))) in readings
    judge = Judge({metric.name: metric for metric in METRICS}, {})
    said = [finding.message for finding in judge.findings(readings, 0.0)]
    assert said == ["Broker 1 has 4 % of its disk left in /data.", "Broker 2 has lost 1 of its log directories."]
    assert decide.tables(shot, Moved(), {})["disks"].rows[2] == (2, "/dead", "failed", None, None)


def quorum(*rows: tuple[int, int, int]) -> dict[str, Any]:
    """A quorum whose node 1 leads: (node, log end, milliseconds when last caught up), the last one no voter."""
    told = [{"replica_id": n, "log_end_offset": end, "last_caught_up_timestamp": at} for n, end, at in rows]
    return {"topics": [{"partitions": [{"leader_id": 1, "current_voters": told[:-1], "observers": told[-1:]}]}]}


def test_a_controller_that_does_not_follow_is_named() -> None:
    told = parse_quorum(quorum((2, 90, 75_000), (1, 100, 100_000), (3, -1, -1), (4, 100, 99_500)))
    assert [(node.id, node.voter, node.behind, node.behind_s) for node in told.nodes] == [
        (1, True, 0, 0.0),
        (2, True, 10, 25.0),
        (3, True, 100, None),
        (4, False, 0, 0.5),
    ]
    shot = snapshot(quorum=told, controller=1)
    judge = Judge({metric.name: metric for metric in METRICS}, {})
    (finding,) = judge.findings(decide.cluster_readings(shot), 0.0)
    assert finding.message.startswith("Controller 2 has lacked records of the quorum's log for 25 s")
    assert [row[1] for row in decide.tables(shot, Moved(), {})["quorum"].rows] == [
        "leader",
        "voter",
        "voter",
        "observer",
    ]
    assert parse_quorum(quorum((1, 5, -1), (2, 5, -1))).nodes[1].behind_s is None


def lagging(age_s: float, committed: int = 500, end: int = 1000) -> Position:
    return Position(("ticks", 0), committed, end, max(0, end - committed), Age(age_s if end > committed else 0.0))


@pytest.mark.parametrize(
    ("position", "settings", "used"),
    [
        (lagging(90.0), TopicSettings(retention_s=100.0), 0.9),
        (lagging(90.0), TopicSettings(retention_s=100.0, deletes=False), 0.0),
        (lagging(90.0), TopicSettings(), 0.0),
        (lagging(90.0), TopicSettings(retention_bytes=1000), 0.5),
        (lagging(90.0, committed=900), TopicSettings(retention_bytes=1000), 0.1),
        (lagging(90.0, committed=0), TopicSettings(retention_s=1000.0, retention_bytes=1000), 1.0),
        (lagging(90.0, committed=1000), TopicSettings(retention_s=1.0), 0.0),
        (replace(lagging(90.0), age=None), TopicSettings(retention_s=100.0), 0.0),
    ],
)
def test_how_near_a_group_is_to_losing_messages(position: Position, settings: TopicSettings, used: float) -> None:
    shot = snapshot(
        partitions=[copies(1, 2)],
        settings={"ticks": settings},
        starts={("ticks", 0): 0},
        storage=Storage((), {"ticks": 2000}),
    )
    told = {r.metric: r.value for r in retention.readings(shot, Moved(positions={"book": [position]}))}
    assert told == {"kafka_group_lost_messages": 0, "kafka_group_retention_used_ratio": pytest.approx(used)}


def test_messages_deleted_unread_are_counted() -> None:
    shot = snapshot(starts={("ticks", 0): 700}, settings=None)
    (lost,) = retention.readings(shot, Moved(positions={"book": [lagging(5.0)]}))
    assert (lost.metric, lost.value) == ("kafka_group_lost_messages", 200)
    assert retention.readings(replace(shot, starts=None), Moved(positions={"book": [lagging(5.0)]})) == []


def test_who_has_a_partition() -> None:
    member = {
        "client_id": "sink-1",
        "client_host": "/10.0.0.7",
        "member_assignment": {"assigned_partitions": [{"topic": "ticks", "partitions": [0, 2]}]},
    }
    who = "sink-1 at 10.0.0.7"
    assert assigned_to({"error": None, "members": [member]}) == {("ticks", 0): who, ("ticks", 2): who}
    assert assigned_to({"error": None, "members": []}) == {}
    assert assigned_to({"error": None, "members": [member | {"member_assignment": b"?"}]}) is None
    assert assigned_to({"error": "not here", "members": []}) is None
    assert assigned_to(None) is None


def test_what_is_kept_is_asked_anew_when_old_or_about_something_else() -> None:
    now_s = 0.0
    kept: Kept[int] = Kept(300.0, lambda: now_s)
    assert not kept.is_fresh({"a"})
    kept.keep(1, {"a", "b"}, [])
    assert kept.is_fresh({"a"})
    assert not kept.is_fresh({"c"})
    now_s = 301.0
    assert not kept.is_fresh({"a"})
    kept.keep(None, {"a"}, ["no right"])
    now_s = 360.0
    assert kept.is_fresh({"a"})
    now_s = 362.0
    assert not kept.is_fresh({"a"}), "a right that was granted meanwhile is noticed within a minute"


class Counting:
    """An admin client of a cluster with 2,000 partitions that counts what it is asked."""

    _manager = SimpleNamespace(cluster=SimpleNamespace(broker_metadata=str))  # it knows every broker

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            return ANSWERS[name](*args, **kwargs)

        return call


def _offsets(wanted: dict[Any, Any], **_: Any) -> dict[Any, Any]:
    return {tp: SimpleNamespace(offset=7) for tp in wanted}


ANSWERS: dict[str, Any] = {
    "describe_cluster": lambda: {"cluster_id": "c", "brokers": [{"broker_id": 1, "host": "b", "port": 1}]},
    "describe_topics": lambda: [
        {
            "name": f"t{topic}",
            "partitions": [
                {"partition_index": n, "leader_id": 1, "replica_nodes": [1], "isr_nodes": [1]} for n in range(20)
            ],
        }
        for topic in range(100)
    ],
    "describe_metadata_quorum": lambda: quorum((1, 5, 5), (2, 5, 5)),
    "list_groups": lambda _: [
        {"group_id": f"g{n}", "protocol_type": "consumer", "group_state": "Stable"} for n in range(50)
    ],
    "list_group_offsets": lambda names: {
        name: {TopicPartition("t1", n): SimpleNamespace(offset=3) for n in range(20)} for name in names
    },
    "describe_groups": lambda names: {name: {"error": None, "members": []} for name in names},
    "list_partition_offsets": _offsets,
    "describe_configs": lambda resources, **_: {
        "topic": {resource.name: {"min.insync.replicas": {"value": "1"}} for resource in resources}
    },
    "describe_log_dirs": lambda **_: [{"broker": 1, "log_dirs": [{"error_code": 0, "log_dir": "/d", "topics": []}]}],
}


@pytest.mark.parametrize(("alive", "asked"), [((1, 2), []), ((1, 2, 3), ["metadata"])])
def test_the_client_is_made_to_learn_of_a_broker_that_came_after_it(alive: tuple[int, ...], asked: list[str]) -> None:
    heard: list[str] = []
    cluster = SimpleNamespace(broker_metadata={1: "a", 2: "b"}.get, refresh_metadata="metadata")
    learn(SimpleNamespace(_manager=SimpleNamespace(cluster=cluster, run=heard.append)), alive)  # type: ignore[arg-type]
    assert heard == asked


def test_two_thousand_partitions_take_as_many_requests_as_two() -> None:
    admin = Counting()
    reader = Reader(admin, (), 1.0)  # type: ignore[arg-type]
    shot: Snapshot = reader.snapshot(float("inf"))
    assert len(shot.partitions) == len(shot.ends or {}) == 2000
    assert len(shot.groups or ()) == 50
    assert shot.unavailable == ()
    assert sorted(admin.calls) == sorted([*ANSWERS, "list_partition_offsets"])
    admin.calls.clear()
    reader.snapshot(float("inf"))
    assert sorted(admin.calls) == sorted(ANSWERS.keys() - {"describe_configs", "describe_log_dirs"})


def test_what_there_was_no_time_for_is_asked_at_the_next_poll() -> None:
    admin = Counting()
    reader = Reader(admin, (), 1.0)  # type: ignore[arg-type]
    rushed = reader.snapshot(0.0)
    assert rushed.settings is rushed.storage is None
    assert "topic settings (the broker is too slow)" in rushed.unavailable
    assert reader.snapshot(float("inf")).unavailable == ()
    late = reader.snapshot(0.0)
    assert late.settings is not None, "what was known stands in"
    assert "topic settings (the broker is too slow)" not in late.unavailable


def test_a_quorum_without_a_leader_has_no_controller() -> None:
    assert decide.facts(snapshot(quorum=Quorum(-1), controller=-1))["controller"] == "none"
