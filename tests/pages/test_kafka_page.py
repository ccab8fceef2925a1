"""The Kafka page by Streamlit's own test harness, over a made-up cluster and its recorded hour."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from probes import kafka_decisions as decide
from probes import kafka_groups as groups
from probes.kafka_movement import Moved, Movement
from probes.kafka_snapshot import Broker, Group, Partition, Quorum, QuorumNode, Snapshot, TopicSettings
from probes.result import ProbeError, ProbeResult, Status, labels, utc
from tests.history.rows import sampled, write
from tests.pages.history_only import history_only
from ui import kafka, kafka_rows, selection
from ui.state import Running

ROOT = Path(__file__).resolve().parents[2]
END_S = int(time.time()) // 60 * 60
START_S = END_S - 3600
ME = "sink-1 at 10.0.0.7"


def cluster() -> tuple[Snapshot, Moved]:
    """Two topics; of `ticks` the group `sink` has consumed the first partition and is stuck on the second."""
    movement = Movement()
    keys = (("ticks", 0), ("ticks", 1), ("orders", 0))
    for poll in range(40):
        ends = dict.fromkeys(keys, 100 * poll + 1000)
        sink = Group("sink", "Stable", 1, {keys[0]: ends[keys[0]], keys[1]: 700}, dict.fromkeys(keys[:2], ME))
        shot = Snapshot(
            cluster_id="c",
            controller=1,
            brokers=(Broker(1, "a:9092", "r1"), Broker(2, "b:9092", "r2")),
            partitions=(
                *(Partition(topic, number, 1, (1, 2), (1, 2)) for topic, number in keys[:2]),
                Partition("orders", 0, 2, (2, 1), (2,)),
                Partition("__consumer_offsets", 0, 1, (1, 2), (1, 2)),
            ),
            quorum=Quorum(1, (QuorumNode(1, True, 0, 0.0),)),
            settings={"ticks": TopicSettings(retention_s=86400.0)},
            groups=(sink, Group("idle", "Empty", 0, {keys[2]: ends[keys[2]]}, {})),
            ends=ends,
            ends_at_s=poll * 10.0,
        )
        moved = movement.turn(shot)
    return shot, moved


def result() -> ProbeResult:
    shot, moved = cluster()
    now = utc(time.time())
    return ProbeResult(
        component="kafka",
        kind="kafka",
        status=Status.CRITICAL,
        checked_at=now,
        tick=now,
        took_ms=5.0,
        summary=decide.summarise(shot, moved),
        readings=(*decide.cluster_readings(shot), *decide.movement_readings(shot, moved)),
        findings=tuple(groups.findings(shot, moved)),
        facts=decide.facts(shot),
        tables=decide.tables(shot, moved, {}),
    )


@pytest.fixture(scope="module")
def recorded(chdb_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    thing = '[[component]]\nkind = "kafka"\nname = "kafka"\nbootstrap = "127.0.0.1:9"\ninterval = "1h"\n'
    with history_only(tmp_path_factory.mktemp("config"), chdb_path, "pages_kafka", thing) as started:
        values = [
            ("kafka_topic_messages_per_second", 20.0, labels(topic="ticks")),
            ("kafka_topic_messages_per_second", 3.0, labels(topic="orders")),
            ("kafka_group_lag_messages", 42.0, labels(group="sink", topic="ticks")),
            ("kafka_group_lag_seconds", 7.0, labels(group="sink")),
        ]
        write(started.monitor.store, (sampled("kafka", t, *values) for t in range(START_S, END_S, 15)))
        started.monitor.board.publish(result())
        yield started


def opened(**query: str) -> AppTest:
    page = AppTest.from_file(str(ROOT / "pages" / "kafka.py"), default_timeout=60)
    for key, value in {"from": str(START_S), "to": str(END_S), **query}.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.warning, page.subheader)
    return "\n".join(element.value for kind in kinds for element in kind)


def frames(page: AppTest) -> dict[str, list[str]]:
    """Of each table that has them, the topics and groups."""
    return {column: frame.value[column].tolist() for frame in page.dataframe for column in frame.value.columns[:1]}


def figures(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_the_cluster_is_a_verdict_and_two_tables_to_pick_from(recorded: Running) -> None:
    page = opened()
    assert "Group sink is stuck on ticks partition 1: 4.2 k messages wait" in words(page)
    assert frames(page)["topic"] == ["orders", "ticks"]
    assert frames(page)["group"] == ["sink", "idle"]
    (topics,) = (frame.value for frame in page.dataframe if frame.value.columns[0] == "topic")
    assert topics["under_replicated"].tolist() == [1, 0]
    assert topics["at_risk"].tolist()[1] == "acks=all waits for one copy"
    assert {"node", "id"} <= frames(page).keys()
    assert figures(page)["Lag of all groups"] == "4.2 k"


def test_a_link_leads_to_one_topic_with_its_partitions_groups_and_history(recorded: Running) -> None:
    page = opened(topic="ticks")
    assert [element.value for element in page.subheader] == ["Topic ticks"]
    assert figures(page)["Kept for"] == "1 d"
    partitions, positions = (frame.value for frame in page.dataframe)
    assert partitions[["partition", "leader", "replicas", "state"]].values.tolist() == [
        [0, 1, "1, 2", "ok"],
        [1, 1, "1, 2", "ok"],
    ]
    assert positions[["group", "partition", "evaluation", "lag_messages", "member"]].values.tolist() == [
        ["sink", 1, "stalled", 4200, ME],
        ["sink", 0, "ok", 0, ME],
    ]
    assert "Messages by topic** :gray[–]" in words(page)
    assert "Lag by group** :gray[–]" in words(page)
    assert "Nothing of this was recorded in this range: size by topic." in words(page)


def test_from_a_topic_to_its_group_and_back_to_all(recorded: Running) -> None:
    page = opened(topic="ticks")
    next(button for button in page.button if button.label == "sink").click().run()
    assert not page.exception
    assert [element.value for element in page.subheader] == ["Group sink"]
    assert figures(page)["Evaluation"] == "stalled"
    assert figures(page)["Members"] == "1"
    (positions,) = (frame.value for frame in page.dataframe)
    assert positions[["topic", "partition", "leader", "in_sync"]].values.tolist() == [
        ["ticks", 1, 1, "1, 2"],
        ["ticks", 0, 1, "1, 2"],
    ]
    assert "Lag in time** :gray[–]" in words(page)
    assert "topic" not in page.query_params
    next(button for button in page.button if button.label == "All topics and groups").click().run()
    assert not page.subheader
    assert "group" not in page.query_params


@pytest.mark.parametrize(
    ("kind", "there"), [("topic", r"orders, ticks, \_\_consumer\_offsets"), ("group", "idle, sink")]
)
def test_a_name_there_is_not_is_said_and_the_cluster_shown(recorded: Running, kind: str, there: str) -> None:
    page = opened(**{kind: "no such thing"})
    expected = f'"{kind}" is "no such thing", which this cluster does not have. There are: {there}.'
    assert expected in [warning.value for warning in page.warning]
    assert frames(page)["topic"] == ["orders", "ticks"]


def test_a_row_that_is_ticked_is_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    ticked = {"pick:group": {"selection": {"rows": [1, 9]}}}
    query = {"topic": "ticks"}
    for module in (kafka, selection):
        monkeypatch.setattr(module, "st", SimpleNamespace(session_state=ticked, query_params=query))
    kafka._picked("pick:group", "group", ["idle", "sink"])
    assert query == {"group": "sink"}


def test_kafkas_own_topics_can_be_looked_into(recorded: Running) -> None:
    page = opened(topic="__consumer_offsets")
    assert [element.value for element in page.subheader] == [r"Topic \_\_consumer\_offsets"]
    assert figures(page)["Partitions"] == "1"


def test_the_history_of_a_topic_stays_when_the_cluster_cannot_be_read(recorded: Running) -> None:
    dead = ProbeError("refused", "Kafka at a:9092 refuses connections.", "Is it running?")
    now = utc(time.time())
    failed = replace(result(), tick=now, checked_at=now, error=dead, tables={}, readings=(), findings=())
    recorded.monitor.board.publish(failed)
    try:
        page = opened(topic="ticks")
        assert "Messages by topic** :gray[–]" in words(page)
        assert "Not known now: the last check could not read it." in words(page)
    finally:
        again = utc(time.time())
        recorded.monitor.board.publish(replace(result(), tick=again, checked_at=again))


def test_rows_of_more_than_can_be_shown_are_joined_without_a_place() -> None:
    shot, moved = cluster()
    tables = decide.tables(shot, moved, {})
    del tables["partitions"]
    assert [row[-4:] for row in kafka_rows.of_group(tables, "idle").rows] == [(None, None, None, None)]
    assert kafka_rows.topics_of(tables, "sink") == ["ticks"]
