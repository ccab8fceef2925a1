from datetime import datetime

import numpy as np
import pytest

import probes
from demo.courses import COURSES, LATENCIES_S
from demo.incidents import INCIDENTS, Effect, Incident, Shape
from demo.story import DAY_S, NEW_YORK, Story, bend, place, session
from probes.result import Status

COMPONENTS = ("host", "network", "redis-server", "redis", "clickhouse", "kafka")
ANCHOR_S = int(datetime(2026, 11, 24, 11, 0, tzinfo=NEW_YORK).timestamp())


@pytest.fixture
def story() -> Story:
    return Story(ANCHOR_S, COMPONENTS)


def moments(day_before: int, step_s: int = 60) -> np.ndarray:
    start_s = (ANCHOR_S // DAY_S - day_before) * DAY_S
    return np.arange(start_s, start_s + DAY_S, step_s, dtype=np.float64)


def course(metric: str):
    return next(course for course in COURSES if course.metric == metric)


def test_every_metric_is_catalogued_for_its_component_kind() -> None:
    named = {course.metric: course.component for course in COURSES}
    named |= {effect.metric: incident.component for incident in INCIDENTS for effect in incident.effects}
    assert len(named) > 40
    for metric, component in named.items():
        own = {each.name for each in probes.KINDS[component].metrics}
        assert metric in own | {"probe_latency_seconds"}, metric


def test_every_effect_bends_a_metric_that_is_written() -> None:
    written = {(course.component, course.metric) for course in COURSES}
    written |= {(component, "probe_latency_seconds") for component in LATENCIES_S}
    for incident in INCIDENTS:
        assert {(incident.component, effect.metric) for effect in incident.effects} <= written


def test_the_same_seed_tells_the_same_past_and_another_one_does_not(story: Story) -> None:
    cpu, t = course("host_cpu_ratio"), moments(10)
    again = Story(ANCHOR_S, COMPONENTS).values(cpu, 0.4, "", t)
    assert np.array_equal(story.values(cpu, 0.4, "", t), again)
    assert not np.array_equal(Story(ANCHOR_S, COMPONENTS, seed=1).values(cpu, 0.4, "", t), again)
    assert not np.array_equal(story.values(cpu, 0.4, "other", t), again)


def test_values_keep_their_bounds(story: Story) -> None:
    for each in story.courses():
        for day in (0, 3, 40):
            values = story.values(each, 0.5 if each.base is None else each.base, "", moments(day, 300))
            assert np.all(np.isfinite(values))
            assert values.min() >= each.least
            assert values.max() <= each.most


@pytest.mark.parametrize(
    ("local", "low", "high"),
    [
        ("2026-11-23T09:30", 0.99, 1.0),  # Monday, the open
        ("2026-11-23T12:30", 0.45, 0.55),
        ("2026-11-23T16:00", 0.99, 1.0),
        ("2026-11-23T03:00", 0.0, 0.02),
        ("2026-07-06T09:30", 0.99, 1.0),  # summer time
        ("2026-11-20T19:59", 0.0, 0.04),  # Friday evening is Saturday in UTC
        ("2026-11-21T12:00", 0.0, 0.0),
        ("2026-11-22T12:00", 0.0, 0.0),
    ],
)
def test_the_market_is_busy_in_new_yorks_session(local: str, low: float, high: float) -> None:
    at_s = datetime.fromisoformat(local).replace(tzinfo=NEW_YORK).timestamp()
    assert low <= session(np.array([at_s]))[0] <= high


def test_network_traffic_grows_by_about_a_third_over_the_quarter(story: Story) -> None:
    traffic = course("network_receive_bytes_per_second")
    now, then = (np.median(story.values(traffic, traffic.base, "", moments(day))) for day in (4, 4 + 84))
    assert 1.2 < now / then < 1.6  # 0.4 % a day over 84 days is 1.40


def test_there_are_a_dozen_incidents_each_on_a_weekday_and_over_by_now(story: Story) -> None:
    assert len(story.happenings) >= 12
    for happening in story.happenings:
        start = datetime.fromtimestamp(happening.start_s, NEW_YORK)
        assert start.strftime("%H:%M") == happening.incident.clock
        assert happening.incident.hole or start.weekday() < 5
        assert story.start_s < happening.start_s < happening.end_s < story.anchor_s
    assert {h.incident.component for h in story.happenings} >= {"host", "network", "redis", "clickhouse", "kafka"}


def test_an_incident_on_a_weekend_moves_to_the_friday_before() -> None:
    happening = place(Incident(component="redis", days_ago=2, clock="10:00", minutes=5), ANCHOR_S)  # a Sunday
    assert datetime.fromtimestamp(happening.start_s, NEW_YORK).isoformat() == "2026-11-20T10:00:00-05:00"


def test_there_are_holes_of_hours_and_of_days(story: Story) -> None:
    lengths_h = [(hole.end_s - hole.start_s) / 3600 for hole in story.holes]
    assert lengths_h == [108.5, 9, 3]
    assert sum(h.start_s < ANCHOR_S - 90 * DAY_S for h in story.happenings) >= 6


@pytest.mark.parametrize("which", range(3))
def test_a_hole_was_observed_by_nobody(story: Story, which: int) -> None:
    hole = story.holes[which]
    t = np.arange(hole.start_s - 60, hole.end_s + 60, 60.0)
    for component in COMPONENTS:
        seen = story.observed(component, t, readings=False)
        assert not seen[1:-1].any()
        assert seen[[0, -1]].all()
        states = story.states(component, hole.start_s + 60, hole.end_s + 60)
        assert [state.at_s for state in states] == [hole.end_s]


def test_the_full_outage_takes_everything_on_the_host_down_for_twenty_minutes(story: Story) -> None:
    outage = [h for h in story.happenings if len(h.incident.drags) > 2][-1]
    assert outage.end_s - outage.start_s == 20 * 60
    t = np.array([outage.start_s - 1, outage.start_s, outage.end_s - 1, outage.end_s])
    for component in ("host", "redis", "clickhouse", "kafka", "redis-server"):
        assert story.ranks(component, t).tolist() == [1, 4, 4, 1], component
    assert story.ranks("network", t).tolist() == [1, 1, 1, 1]
    assert story.observed("redis", t).tolist() == [True, False, False, True]
    assert story.observed("host", t).all()
    before, during = story.states("kafka", outage.start_s - 60, outage.end_s)
    assert (before.status, during.status) == (Status.OK, Status.CRITICAL)
    assert during.reason == "kafka did not answer within 2 s."


def test_lag_climbs_after_a_deploy(story: Story) -> None:
    happening = next(
        h for h in story.happenings if any(e.metric == "kafka_group_lag_seconds" for e in h.incident.effects)
    )
    middle_s = (happening.start_s + happening.end_s) / 2
    lag = course("kafka_group_lag_seconds")
    usual, bad = (story.values(lag, lag.base, "", np.array([at_s]))[0] for at_s in (happening.start_s - 600, middle_s))
    assert bad > 60 > 10 * usual
    first = happening.incident.notes[0]
    assert (first.kind, first.after_min < 0) == ("deploy", True)


@pytest.mark.parametrize(
    ("shape", "weights"), [(Shape.STEP, [1, 1, 1]), (Shape.CLIMB, [0, 0.5, 1]), (Shape.HUMP, [0, 1, 0])]
)
def test_shapes(shape: Shape, weights: list[float]) -> None:
    assert np.allclose(shape.weight(np.array([0.0, 0.5, 1.0])), weights)


def test_an_effect_ends_with_its_incident() -> None:
    happening = place(Incident(component="host", days_ago=1, clock="10:00", minutes=10), ANCHOR_S)
    t = np.array([happening.start_s - 1, happening.start_s, happening.end_s - 1, happening.end_s])
    bent = bend(np.ones(4), happening, Effect("host_cpu_ratio", 5.0), t)
    assert bent.tolist() == [1.0, 5.0, 5.0, 1.0]
