"""Compare's links: which two sides they mean, and what is said of nonsense."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.answers import Series, SeriesSet, Summary
from history.queries.comparing import Figures
from history.window import Window, parse_window
from ui.compare import told_both, told_coverage
from ui.differences import ranked, told_ranking
from ui.sides import WAYS, Clock, Sides, read

ZONE = ZoneInfo("America/New_York")
NOW_S = int(datetime(2026, 11, 24, 12, 0, tzinfo=ZONE).timestamp())
CLOCK = Clock(NOW_S, ZONE)
COMPONENTS = {"kafka": "kafka_lag_messages", "redis": "redis_commands_per_second"}
WINDOW = parse_window("now-6h", "now", NOW_S)


def sides(**query: str) -> Sides:
    return read({name.replace("_", "-"): value for name, value in query.items()}, WINDOW, COMPONENTS, CLOCK)


def test_without_a_word_it_is_the_first_component_with_the_period_before() -> None:
    found = sides()
    assert (found.component, found.other, found.metric) == ("kafka", "kafka", "kafka_lag_messages")
    assert (found.other_window.start_s, found.other_window.end_s) == (WINDOW.start_s - 6 * 3600, WINDOW.start_s)
    assert found.problems == ()


def test_a_moving_range_has_a_second_side_that_moves_with_it_under_one_name() -> None:
    later = parse_window("now-6h", "now", NOW_S + 10)
    for way in ("before", "last-week"):
        first, second = (
            read({"against": way}, window, COMPONENTS, CLOCK).other_window.key for window in (WINDOW, later)
        )
        assert first == second != WINDOW.key


def test_last_week_is_at_the_same_time_of_the_wall_clock() -> None:
    opens = datetime(2026, 11, 2, 9, 30, tzinfo=ZONE)  # the clocks were put back the day before
    window = Window(int(opens.timestamp()), int(opens.timestamp()) + 3600)
    found = read({"against": "last-week"}, window, COMPONENTS, CLOCK).other_window
    assert datetime.fromtimestamp(found.start_s, ZONE).isoformat() == "2026-10-26T09:30:00-04:00"
    assert found.length_s == 3600


def test_another_component_over_the_same_range() -> None:
    found = sides(component="redis", against="component", other="kafka")
    assert (found.component, found.other, found.other_window, found.problems) == ("redis", "kafka", WINDOW, ())
    assert sides(component="redis", against="component").other == "kafka"
    alone = read({"against": "component"}, WINDOW, {"kafka": "kafka_lag_messages"}, CLOCK)
    assert alone.other == "kafka"


def test_a_typed_range() -> None:
    found = sides(against="range", other_from="2026-11-20T14:30:00Z", other_to="2026-11-20T15:00:00Z")
    assert found.other_window.length_s == 1800
    assert found.problems == ()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"component": "nobody"}, '"component" is "nobody", and there is no such component here; this is kafka.'),
        ({"against": "banana"}, '"against" is "banana"; expected before, last-week, range, component.'),
        ({"against": "component", "other": "nobody"}, '"other" is "nobody"'),
        ({"against": "range", "other_from": "banana", "other_to": "now"}, "The other range cannot be used:"),
        ({"against": "range", "other_from": "now", "other_to": "now-1h"}, "It is the period before instead."),
    ],
)
def test_nonsense_is_explained(query: dict[str, str], words: str) -> None:
    (problem,) = sides(**query).problems
    assert words in problem


NAMES = st.sampled_from(["component", "metric", "against", "other", "other-from", "other-to"])


@given(st.dictionaries(NAMES, st.text() | st.sampled_from([*WAYS, "redis", "now", "now-1d"])))
def test_any_link_means_two_sides(query: dict[str, str]) -> None:
    found = read(query, WINDOW, COMPONENTS, CLOCK)
    assert found.component in COMPONENTS
    assert found.other in COMPONENTS
    assert found.other_window.length_s > 0


def summary(metric: str, p50: float) -> Summary:
    return Summary("kafka", metric, (), "ratio", 10, *([p50] * 6))


def test_what_differs_the_most_is_told_and_a_status_is_left_out() -> None:
    figures = Figures((summary("probe_status", 4), summary("probe_up", 0.5)), (summary("probe_up", 1.0),), (), ())
    assert [one.known.metric for one in ranked(figures)] == ["probe_up"]
    assert told_ranking(figures) == "What differs the most – Availability: 50 % less"
    assert told_ranking(Figures((), (), (), ())) == "What differs the most – nothing does"


def test_how_much_of_each_side_was_observed_is_told() -> None:
    found = sides()
    seen = ((float(WINDOW.start_s), float(WINDOW.end_s)),)
    half = ((float(found.other_window.start_s), float(found.other_window.start_s + 3 * 3600)),)
    told = told_coverage(found, Figures((), (), seen, half))
    assert told == "Lag in figures – 100 % of A was observed, 50 % of B"


def test_both_sides_of_one_series_are_told_in_figures() -> None:
    t = np.zeros(1)
    a, b = (Series("kafka", "m", (), "messages", 10, t, *([np.array([value])] * 4)) for value in (20.0, 10.0))
    assert told_both(sides(), SeriesSet((a,), previous=(b,))) == "Lag – A 20 on average, B 10"
    assert told_both(sides(), SeriesSet((a, a), previous=(b, b))) == "Lag – A as lines, B dashed"
    assert told_both(sides(), SeriesSet((a, a))) == "Lag"
