"""A past board rebuilt from facts: tables of cases, no store."""

import math
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analysis.past import GONE, NOT_THERE, Watched, findings, metrics_of, views_at
from history.answers import Series
from history.queries.past import Figure, Past, Recorded
from history.rows import SeriesKey, SeriesRow
from probes import KINDS
from probes.cache import ComponentView
from probes.result import Reading, Status, utc
from probes.verdict import judge_all
from settings import Component, Limit

OK, WARNING, CRITICAL, UNKNOWN = Status.OK, Status.WARNING, Status.CRITICAL, Status.UNKNOWN
AT_S = 1_790_000_000
INTERVAL_S, DEADLINE_S = 10.0, 2.0


def thing(name: str, kind: str = "host", *depends_on: str, **limits: Limit) -> Watched:
    component = Component.model_construct(kind=kind, name=name, depends_on=depends_on, thresholds=limits)
    return Watched(component, KINDS[kind], INTERVAL_S, DEADLINE_S)


def recorded(name: str, status: Status = OK, reason: str = "", since_s: float = AT_S - 600) -> Recorded:
    return Recorded(name, status, since_s, reason, since_s)


def figure(name: str, metric: str, value: float, ago_s: float = 3, usual_s: float = 10, **labels: str) -> Figure:
    key = SeriesKey(name, metric, tuple(sorted(labels.items())))
    return Figure(SeriesRow(key, "", "gauge"), AT_S - ago_s, value, usual_s)


def look(name: str, ago_s: float = 3, usual_s: float = 10) -> Figure:
    return figure(name, "probe_up", 1.0, ago_s, usual_s)


def seen(*watched: Watched, past: Past) -> dict[str, ComponentView]:
    return {view.name: view for view in views_at(past, watched)}


def test_a_root_cause_of_the_past_explains_what_depended_on_it() -> None:
    watched = [thing("host"), thing("kafka", "kafka", "host"), thing("db", "clickhouse", "kafka")]
    past = Past(
        AT_S,
        (recorded("host"), recorded("kafka", CRITICAL, "Kafka did not answer within 2 s."), recorded("db", WARNING)),
        tuple(look(name) for name in ("host", "kafka", "db")),
    )
    views = views_at(past, watched)
    verdict = judge_all(views)
    assert [view.name for view in verdict.roots] == ["kafka"]
    assert [view.caused_by for view in views] == [(), (), ("kafka",)]
    assert verdict.sentence == "2 of 3 need you: Kafka did not answer within 2 s → db affected."


@pytest.mark.parametrize(
    ("ago_s", "usual_s", "observed"),
    [
        (3, 10, True),
        (22, 10, True),  # two intervals and the deadline
        (26, 10, False),
        (26, 0, False),  # a single look says nothing about the usual distance
        (300, 150, True),  # it was looked at less often then
        (400, 150, False),
        (3500, 10, False),
    ],
)
def test_a_moment_is_observed_while_a_look_is_no_farther_than_looks_were_apart(
    ago_s: float, usual_s: float, observed: bool
) -> None:
    view = seen(thing("a"), past=Past(AT_S, (recorded("a", since_s=AT_S - 7200),), (look("a", ago_s, usual_s),)))["a"]
    assert (view.status, view.stale) == ((OK, False) if observed else (UNKNOWN, True))
    assert view.last_status is OK
    assert view.age_s == ago_s
    assert not view.pending


def test_without_a_look_the_last_record_tells_how_old_the_knowledge_is() -> None:
    view = seen(thing("a"), past=Past(AT_S, (recorded("a", CRITICAL, "Down.", AT_S - 7200),)))["a"]
    assert (view.status, view.age_s) == (UNKNOWN, 7200)
    assert view.sentence == "No fresh result: the last one said critical. Down."


def test_who_was_not_there_yet_is_unknown_and_not_put_to_be_checked() -> None:
    view = seen(thing("a"), thing("b"), past=Past(AT_S, (recorded("a"),), (look("a"),)))["b"]
    assert (view.status, view.since, view.age_s, view.pending) == (UNKNOWN, None, None, False)
    assert view.sentence == NOT_THERE


def test_nothing_on_record_is_never_healthy() -> None:
    verdict = judge_all(views_at(Past(AT_S), [thing("a"), thing("b")]))
    assert verdict.status is UNKNOWN
    assert not verdict.healthy


def test_what_only_the_history_knows_is_shown_while_it_was_observed() -> None:
    past = Past(AT_S, (recorded("old", WARNING, "Full."), recorded("older")), (look("old"), look("older", ago_s=2000)))
    views = seen(thing("a"), past=past)
    assert list(views) == ["a", "old"]
    assert (views["old"].kind, views["old"].sentence) == (GONE, "Full.")


def test_the_key_figure_is_the_moments_own_after_its_course() -> None:
    t = np.arange(AT_S - 300, AT_S, 60, dtype=float)
    line = Series("a", "host_cpu_ratio", (), "ratio", 60, t, *([np.linspace(0.1, 0.5, 5)] * 3), np.ones(5))
    past = Past(
        AT_S,
        (recorded("a"),),
        (look("a"), figure("a", "host_cpu_ratio", 0.7), figure("a", "probe_latency_seconds", 0.004)),
        (line,),
    )
    view = seen(thing("a"), past=past)["a"]
    assert [key for _, _, key in view.recent] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.7])
    assert view.recent[-1] == (AT_S - 3, 4.0, 0.7)
    assert view.result
    assert view.result.latency_ms == 4.0
    assert view.result.value("host_cpu_ratio") == 0.7
    assert math.isnan(view.result.took_ms)


def test_a_figure_older_than_its_series_usually_is_is_not_shown() -> None:
    figures = (look("a"), figure("a", "host_cpu_ratio", 0.7, ago_s=60))
    view = seen(thing("a"), past=Past(AT_S, (recorded("a"),), figures))["a"]
    assert view.recent == ()
    assert view.result
    assert view.result.readings == ()


def test_of_several_series_the_worst_stands_for_the_component() -> None:
    figures = (
        look("net"),
        figure("net", "network_rtt_seconds", 0.02, target="a"),
        figure("net", "network_rtt_seconds", 0.09, target="b"),
    )
    view = seen(thing("net", "network"), past=Past(AT_S, (recorded("net"),), figures))["net"]
    assert view.recent[-1][2] == 0.09


BUSY = "The CPU is 91.0 % busy, more than 85.0 % for five minutes."
CPU = Reading("host_cpu_ratio", 0.9)
MEMORY = Reading("host_memory_available_ratio", 0.01)


@pytest.mark.parametrize(
    ("status", "reason", "readings", "metrics"),
    [
        (OK, "", (CPU, MEMORY), []),
        (CRITICAL, "No answer within 2 s.", (), ["probe_status"]),
        (WARNING, BUSY, (CPU,), ["host_cpu_ratio"]),  # said once, in the words on record
        (CRITICAL, BUSY, (CPU, MEMORY), ["host_cpu_ratio", "host_memory_available_ratio"]),
        (WARNING, BUSY, (CPU, MEMORY), ["host_cpu_ratio"]),  # the probe did not find the memory critical
        (WARNING, "", (CPU,), ["probe_status", "host_cpu_ratio"]),
    ],
)
def test_findings_are_the_record_and_what_else_was_beyond(
    status: Status, reason: str, readings: tuple[Reading, ...], metrics: list[str]
) -> None:
    found = findings(recorded("a", status, reason), readings, thing("a"))
    assert [finding.metric for finding in found] == metrics
    assert all(finding.status.rank <= status.rank for finding in found)
    if reason == BUSY and found:
        assert found[0].message == BUSY
        assert found[0].hint


def test_the_operators_own_thresholds_judge_as_they_do_today() -> None:
    reading = Reading("host_cpu_ratio", 0.5)
    lenient = findings(recorded("a", WARNING, "x"), (reading,), thing("a"))
    strict = findings(recorded("a", WARNING, "x"), (reading,), thing("a", host_cpu_ratio=Limit(warning=0.4)))
    assert [len(lenient), len(strict)] == [1, 2]


def test_what_is_asked_for_is_judged_charted_or_a_look() -> None:
    metrics, charted = metrics_of([thing("a"), thing("b", "kafka")])
    assert {"probe_up", "host_memory_available_ratio", "kafka_under_replicated_seconds"} <= set(metrics)
    assert charted == ("host_cpu_ratio", "kafka_lag_messages", "probe_latency_seconds")


def test_an_hour_that_the_clock_shows_twice_is_two_moments() -> None:
    zone = ZoneInfo("America/New_York")
    first, second = (datetime(2026, 11, 1, 1, 30, tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    assert second - first == 3600
    down = recorded("a", CRITICAL, "Down.", first - 60)
    up = recorded("a", OK, "", second - 60)
    for at_s, fact, status in ((int(first), down, CRITICAL), (int(second), up, OK)):
        view = views_at(Past(at_s, (fact,), (Figure(look("a").row, at_s - 3, 1.0, 10),)), [thing("a")])[0]
        assert (view.status, view.since) == (status, utc(at_s - 60))
