import time
from graphlib import TopologicalSorter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import probes
from probes.cause_rules import FOLLOWS, KEEPER_LOST, ON_A_HOST
from probes.causes import NEEDS, Cause, Explanation, Link, find_causes, linked, places, seen
from probes.result import Finding, Status, labels
from tests.probes.fakes import result

OK, WARNING, CRITICAL, UNKNOWN, OFF = Status.OK, Status.WARNING, Status.CRITICAL, Status.UNKNOWN, Status.OFF


def explained(*graph: tuple[str, Status, str]) -> dict[str, Explanation]:
    """Components as (name, status, names it depends on, separated by blanks)."""
    return find_causes(Cause(name, status, tuple(needs.split())) for name, status, needs in graph)


def test_a_chain_is_put_down_to_its_root() -> None:
    found = explained(("host", CRITICAL, ""), ("kafka", CRITICAL, "host"), ("tape", WARNING, "kafka"))
    assert found == {
        "host": Explanation((), ("kafka", "tape")),
        "kafka": Explanation(("host",), (), (Link("host", NEEDS),)),
        "tape": Explanation(("host",), (), (Link("kafka", NEEDS),)),
    }


def test_a_chain_is_broken_by_a_link_that_is_well() -> None:
    found = explained(("host", CRITICAL, ""), ("kafka", OK, "host"), ("tape", CRITICAL, "kafka"))
    assert found["tape"] == Explanation((), ())
    assert found["host"].explains == ()


def test_a_diamond_names_its_root_once() -> None:
    found = explained(
        ("host", CRITICAL, ""), ("a", CRITICAL, "host"), ("b", CRITICAL, "host"), ("tape", CRITICAL, "a b")
    )
    assert found["tape"].caused_by == ("host",)
    assert found["host"].explains == ("a", "b", "tape")


def test_two_roots_in_the_order_of_the_dependencies() -> None:
    found = explained(("redis", CRITICAL, ""), ("kafka", CRITICAL, ""), ("tape", UNKNOWN, "kafka redis"))
    assert found["tape"].caused_by == ("kafka", "redis")


def test_only_a_critical_dependency_explains() -> None:
    for status in (OK, WARNING, UNKNOWN, OFF):
        assert explained(("root", status, ""), ("leaf", CRITICAL, "root"))["leaf"].caused_by == ()


def test_what_is_well_or_off_needs_no_explanation() -> None:
    for status in (OK, OFF):
        assert explained(("root", CRITICAL, ""), ("leaf", status, "root"))["leaf"].caused_by == ()


def test_a_dependency_that_is_no_component_is_passed_over() -> None:
    assert explained(("leaf", CRITICAL, "nobody"))["leaf"] == Explanation((), ())


def test_forty_layers_of_diamonds_take_no_time() -> None:
    layers = [("l0a", CRITICAL, ""), ("l0b", CRITICAL, "")]
    layers += [(f"l{n}{side}", CRITICAL, f"l{n - 1}a l{n - 1}b") for n in range(1, 40) for side in "ab"]
    started_s = time.monotonic()
    assert explained(*layers)["l39a"].caused_by == ("l0a", "l0b")
    assert time.monotonic() - started_s < 5


@given(st.data())
def test_every_cause_is_a_critical_root_above_it(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 7))
    nodes = [
        Cause(
            str(index),
            data.draw(st.sampled_from(Status)),
            tuple(map(str, data.draw(st.sets(st.integers(0, index - 1)) if index else st.just(set())))),
        )
        for index in range(count)
    ]
    status = {node.name: node.status for node in nodes}
    above: dict[str, set[str]] = {}
    for node in nodes:
        above[node.name] = {other for need in node.depends_on for other in (need, *above[need])}
    found = find_causes(nodes)
    for node in nodes:
        causes = found[node.name].caused_by
        assert set(causes) <= above[node.name]
        assert all(status[cause] == CRITICAL and found[cause].caused_by == () for cause in causes)
        troubled = node.status in {WARNING, CRITICAL, UNKNOWN}
        assert bool(causes) == (troubled and any(status[need] == CRITICAL for need in node.depends_on))
        assert all(node.name in found[cause].explains for cause in causes)


def node(name: str, place: str = "", code: str = "", *metrics: str, **more: Any) -> Cause:
    """A component in trouble at `place`; without code and metrics a healthy one."""
    status = more.pop("status", CRITICAL if code else WARNING if metrics else OK)
    kind = more.pop("kind", name)
    return Cause(name, status, kind=kind, places=places(place), code=code, metrics=frozenset(metrics), **more)


CODES = {"no_space", "writes_stopped", "read_only_table"}
DARK, SILENT = "is on db1, which does not answer", "asks the same silent DNS server"


@pytest.mark.parametrize(
    ("nodes", "links"),
    [
        pytest.param(
            [node("kafka", "k:9092", "dns_timeout"), node("redis", "r:6379", "dns_timeout"), node("http", "w:80")],
            {"redis": [("kafka", SILENT)]},
            id="a silent DNS server explains all names",
        ),
        pytest.param(
            [node("kafka", "k:9092", "dns_unknown"), node("redis", "r:6379", "dns_unknown")],
            {},
            id="names that are not known are a mistake each",
        ),
        pytest.param(
            [node("redis", "db1:6379", "timeout"), node("clickhouse", "db1:8123", "unreachable")],
            {"clickhouse": [("redis", DARK)]},
            id="a host where nothing answers explains all that is on it",
        ),
        pytest.param(
            [
                node("redis", "db1:6379", "timeout"),
                node("network", "db1:22, db2:22", "", "network_reachable", dark=frozenset({"db1"}), status=CRITICAL),
            ],
            {"redis": [("network", DARK)]},
            id="who watches the way to a host explains what is on it",
        ),
        pytest.param(
            [
                node("redis", "db2:6379", "timeout"),
                node("clickhouse", "db2:8123", "timeout"),
                node("network", "db1:22, db2:22", "", "network_reachable", dark=frozenset({"db1"}), status=CRITICAL),
            ],
            {},
            id="a host that answers its watcher is alive, whatever is silent on it",
        ),
        pytest.param(
            [node("redis", "db1:6379", "timeout"), node("clickhouse", "db1:8123", "timeout"), node("http", "db1:80")],
            {},
            id="a host where something answers is alive",
        ),
        pytest.param(
            [node("redis", "db1:6379", "timeout"), node("clickhouse", "db1:8123", "refused")],
            {},
            id="a refusal is an answer of the host",
        ),
        pytest.param(
            [node("redis", "127.0.0.1:6379", "timeout"), node("clickhouse", "localhost:8123", "timeout")],
            {},
            id="this machine is alive",
        ),
        pytest.param(
            [node("kafka", "db1:9092, db2:9092", "timeout"), node("redis", "db1:6379", "timeout")],
            {},
            id="a cluster on several hosts is not on one of them",
        ),
        pytest.param(
            [
                node("host", "", "", "host_disk_used_ratio"),
                node("clickhouse", "127.0.0.1:8123", "no_space"),
                node("redis", "localhost:6379", "", "redis_rdb_ok"),
                node("other", "db1:8123", "no_space"),
            ],
            {
                "clickhouse": [("host", "writes to its full disk")],
                "redis": [("host", "writes to its full disk")],
            },
            id="a full disk explains refused writes here, a warning though it is, and none elsewhere",
        ),
        pytest.param(
            [
                node("host", "", "", "host_disk_used_ratio"),
                node("redis", "db1:6379", "", "redis_rdb_ok", depends_on=("host",)),
            ],
            {"redis": [("host", "writes to its full disk")]},
            id="or where the configuration says what it needs",
        ),
        pytest.param(
            [node("host", "", "", "host_disk_used_ratio"), node("redis", "127.0.0.1:6379", "refused")],
            {},
            id="a full disk refuses no connections",
        ),
        pytest.param(
            [
                node("keeper", "zk:9181", "refused", kind="tcp"),
                node("clickhouse", "db1:8123", "", "clickhouse_readonly_replicas"),
            ],
            {"clickhouse": [("keeper", "has lost its Keeper")]},
            id="a lost Keeper explains read-only replicas",
        ),
        pytest.param(
            [
                node("keeper", "zk:9181", "", kind="tcp"),
                node("clickhouse", "db1:8123", "", "clickhouse_readonly_replicas"),
            ],
            {},
            id="a Keeper that is well does not",
        ),
    ],
)  # fmt: skip
def test_what_the_probes_see(nodes: list[Cause], links: dict[str, list[tuple[str, str]]]) -> None:
    found = find_causes(nodes)
    told = {name: [(link.cause, link.why) for link in found[name].links] for name in found if found[name].links}
    assert told == links
    assert {name: tuple(cause for cause, _ in pairs) for name, pairs in links.items()} == {
        name: found[name].caused_by for name in links
    }


def test_what_is_seen_leads_on_to_what_is_configured() -> None:
    found = find_causes(
        [
            node("redis", "db1:6379", "timeout"),
            node("clickhouse", "db1:8123", "timeout"),
            Cause("tape", WARNING, ("clickhouse",)),
        ]
    )
    assert found["tape"].caused_by == ("redis",)
    assert found["tape"].links == (Link("clickhouse", NEEDS),)
    assert found["redis"].explains == ("clickhouse", "tape")


def test_links_never_go_round_in_a_circle() -> None:
    found = find_causes(
        [node("redis", "db1:6379", "timeout", depends_on=("clickhouse",)), node("clickhouse", "db1:8123", "timeout")]
    )
    assert found["redis"].links == (Link("clickhouse", NEEDS),)
    assert found["clickhouse"].caused_by == ()


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("db1:6379", [("db1", 6379)]),
        ("[fe80::1]:9092, k2:9092", [("fe80::1", 9092), ("k2", 9092)]),
        ("https://desk.example/status", [("desk.example", 0)]),
        ("http://[::1]:80/ping", [("::1", 80)]),
        ("var/history", []),
        ("this machine's interfaces", []),
    ],
)
def test_where_a_component_is(target: str, found: list[tuple[str, int]]) -> None:
    assert list(places(target)) == found


def test_a_result_tells_what_is_to_be_explained() -> None:
    critical = seen("thing", CRITICAL, (), "db1:1", result(status=CRITICAL))
    assert (critical.code, critical.kind, critical.places) == ("refused", "fake", (("db1", 1),))
    assert seen("thing", WARNING, (), "db1:1", result(status=WARNING)).metrics == {"fake_fill_ratio"}
    assert seen("thing", UNKNOWN, ("a",), "db1:1", None) == Cause("thing", UNKNOWN, ("a",))


def finding(metric: str, status: Status = WARNING, **named: str) -> Finding:
    return Finding(metric=metric, status=status, message=f"{metric}.", hint="Mend it.", labels=labels(**named))


def test_a_broker_that_is_gone_explains_its_partitions_and_they_who_is_behind() -> None:
    found = linked(
        [
            finding("kafka_group_lag_seconds", group="ticks-writer"),
            finding("kafka_ping_seconds"),
            finding("kafka_partitions_offline", CRITICAL),
            finding("kafka_brokers"),
        ]
    )
    assert [(f.metric, f.because) for f in found] == [
        ("kafka_brokers", ""),
        ("kafka_partitions_offline", "kafka_brokers"),
        ("kafka_group_lag_seconds", "kafka_partitions_offline"),
        ("kafka_ping_seconds", ""),
    ]


def test_only_the_same_topic_group_or_target_explains() -> None:
    found = linked(
        [
            finding("kafka_group_lag_seconds", group="a"),
            finding("kafka_group_evaluation", group="b"),
            finding("kafka_group_lag_seconds", group="b"),
        ]
    )
    assert [(dict(f.labels)["group"], f.because) for f in found] == [
        ("a", ""),
        ("b", ""),
        ("b", "kafka_group_evaluation"),
    ]


def test_the_sentence_of_a_chain_is_its_cause() -> None:
    told = result()
    object.__setattr__(
        told, "findings", linked([finding("kafka_partitions_offline", CRITICAL), finding("kafka_brokers")])
    )
    assert (told.sentence, told.hint) == ("kafka_brokers.", "Mend it.")


def test_the_rules_speak_of_metrics_there_are_and_go_round_in_no_circle() -> None:
    named = {metric for effect, causes in FOLLOWS.items() for metric in (effect, *causes)}
    named |= {metric for rule in ON_A_HOST for metric in rule.metrics | (rule.effects - CODES)} | (KEEPER_LOST - CODES)
    assert named <= set(probes.METRICS)
    assert list(TopologicalSorter(FOLLOWS).static_order())
    assert all(
        probes.METRICS[effect].name.split("_")[0] == cause.split("_")[0]
        for effect in FOLLOWS
        for cause in FOLLOWS[effect]
    )
