"""Explore's links, names and sentences."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.functions import FUNCTIONS
from history.answers import Newest, Series
from history.names import spell
from history.queries.exploring import Found, Sought
from history.rows import SeriesKey, SeriesRow
from probes.result import labels
from ui import selection
from ui.beginnings import lately
from ui.explore import absent, title, unit_of
from ui.finder import described, nothing, told
from ui.naming import name_of, title_of, told_apart

ZONE = ZoneInfo("America/New_York")
TICKS = SeriesKey("kafka", "kafka_group_lag_messages", labels(group="writer", topic="ticks"))
ORDERS = SeriesKey("kafka", "kafka_group_lag_messages", labels(group="writer", topic="orders"))
PING = SeriesKey("kafka", "kafka_ping_seconds")
REFUSED = SeriesKey("redis", "redis_rejected_connections_total")
IMPORTED = SeriesKey("elsewhere", "imported_widgets", labels(colour="green"))
NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)


def newest(key: SeriesKey, at_s: float = NOW.timestamp(), unit: str = "messages", kind: str = "gauge") -> Newest:
    return Newest(SeriesRow(key, unit, kind), at_s, 12.0)


def line(key: SeriesKey) -> Series:
    t = np.zeros(1)
    return Series(key.component, key.metric, key.labels, "messages", 10, t, t, t, t, t)


def test_a_link_names_series_function_and_grouping() -> None:
    query = {"series": spell([TICKS, PING]), "function": "rate", "by": "topic", "how": "max", "over": "metric"}
    chosen = selection.read(query)
    assert (chosen.keys, chosen.function.name, chosen.problems) == ((TICKS, PING), "rate", ())
    assert chosen.grouping is not None
    assert (chosen.grouping.by, chosen.grouping.how, chosen.grouping.whole) == ("topic", "max", True)
    assert selection.read({}) == selection.Selection()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"function": "banana"}, '"function" is "banana"; expected recorded or rate'),
        ({"by": "banana", "series": spell([TICKS])}, '"by" is "banana"; expected all or component or group or topic'),
        ({"how": "median"}, '"how" is "median"; expected sum or avg or max'),
        ({"over": "all"}, '"over" is "all"; expected metric'),
        ({"usual": "yes"}, '"usual" is "yes"; expected 1'),
        ({"series": "nonsense"}, '"nonsense" names no series'),
        ({"series": ",".join(f"a/m{n}" for n in range(15))}, "The link names 15 series; at most 12 are drawn"),
    ],
)
def test_nonsense_in_a_link_is_explained_and_the_rest_is_used(query: dict[str, str], words: str) -> None:
    chosen = selection.read(query)
    (problem,) = chosen.problems
    assert words in problem
    assert len(chosen.keys) <= selection.MOST
    assert chosen.function is FUNCTIONS["recorded"]


@given(st.dictionaries(st.sampled_from(["series", "function", "by", "how", "over", "usual", "else"]), st.text()))
def test_any_link_is_a_selection(query: dict[str, str]) -> None:
    assert len(selection.read(query).keys) <= selection.MOST


def test_what_is_usual_is_offered_for_one_plain_series_only() -> None:
    assert selection.read({"series": spell([PING])}).is_plain
    assert not selection.read({"series": spell([PING, TICKS])}).is_plain
    assert not selection.read({"series": spell([PING]), "function": "rate"}).is_plain


def test_series_are_called_by_title_and_labels() -> None:
    assert name_of(TICKS) == "Lag by group · writer · ticks"
    assert (title_of("imported_widgets"), name_of(IMPORTED)) == ("imported_widgets", "imported_widgets · green")


def test_lines_are_called_by_what_tells_them_apart() -> None:
    def names(*keys: SeriesKey) -> list[str]:
        return [each.label for each in told_apart([line(key) for key in keys])]

    assert names(TICKS, ORDERS) == ["ticks", "orders"]
    assert names(TICKS, PING) == ["lag by group writer ticks", "request time"]
    assert names(PING, replace(PING, component="kafka-2")) == ["kafka", "kafka-2"]
    assert names(TICKS) == ["writer ticks"]
    assert names() == []


def test_a_chart_is_called_by_its_series_or_their_metric_or_unit() -> None:
    assert title([PING], "seconds") == "kafka · Request time"
    assert title([TICKS, ORDERS], "messages") == "Lag by group"
    assert title([TICKS, REFUSED], "messages") == "Messages"
    assert title([IMPORTED, TICKS], "furlongs") == "furlongs"


def test_series_share_a_chart_by_their_unit_a_counter_by_that_of_its_rate() -> None:
    assert unit_of(TICKS.metric, ()) == "messages"
    assert unit_of(REFUSED.metric, ()) == "count/s"
    assert unit_of(IMPORTED.metric, [newest(IMPORTED, unit="count", kind="counter")]) == "count/s"
    assert unit_of(IMPORTED.metric, ()) == "imported_widgets"


def test_what_is_not_there_or_has_stopped_is_said() -> None:
    stopped = newest(PING, NOW.timestamp() - 9 * 86400)
    unknown, over = absent([TICKS, PING, ORDERS], [newest(ORDERS), stopped], NOW, ZONE)
    assert unknown.startswith("kafka · Lag by group · writer · ticks is not in the history")
    assert over == "kafka · Request time has stopped: its last sample is of 15 Nov 2026 10:00:00."
    assert absent([ORDERS], [newest(ORDERS)], NOW, ZONE) == []


def test_a_search_says_how_many_and_why_none() -> None:
    assert (
        told(Found((newest(TICKS),), 3000))
        == "Series found – the best 1 of 3,000 series: more words or filters find the others"
    )
    assert told(Found((newest(TICKS),), 1)) == "Series found – 1"
    wanted = Sought(("kafka", "laag"), unit="seconds")
    assert nothing(Found((), 0, ("laag",)), wanted).startswith('No series has "laag" in its name.')
    assert described(wanted) == '"kafka laag" of unit "seconds"'
    assert nothing(Found((), 0), wanted).startswith('No series matches "kafka laag" of unit "seconds".')


def test_where_to_begin_shows_last_values() -> None:
    assert lately([newest(TICKS), newest(ORDERS)]) == "writer ticks 12 · writer orders 12"
    several = [newest(replace(PING, component=f"k{n}"), unit="seconds") for n in range(5)]
    assert lately(several) == "k0 12 s · k1 12 s · k2 12 s · 2 more"
