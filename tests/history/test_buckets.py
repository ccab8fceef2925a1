"""Where buckets begin: the desk's wall clock, as the engine's own tiers have it, on both days of a change."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.buckets import DAY_S, HOUR_S, WEEK_S, buckets, earlier, is_plain, since
from history.schema import layout_of, rollups
from history.store import Store
from settings import History
from tests.history.rows import client_of

ZONES = ("America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")
CHANGES = {
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Europe/Berlin": ("2026-03-29", "2026-10-25"),
}
"""The days of a change of the clock: the first has 23 hours, the second 25."""


def at(zone: str, moment: str) -> int:
    return int(datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone)).timestamp())


@pytest.mark.parametrize(
    ("zone", "day", "hours"), [(z, d, h) for z in CHANGES for d, h in zip(CHANGES[z], (23, 25), strict=True)]
)
def test_the_day_of_a_change_has_so_many_hours(zone: str, day: str, hours: int) -> None:
    noon = at(zone, f"{day}T12:00")
    (start, end) = buckets(noon, noon + 1, DAY_S, zone).edges_s
    assert (start, end - start) == (at(zone, f"{day}T00:00"), hours * HOUR_S)
    assert len(buckets(start, end, HOUR_S, zone).edges_s) == hours + 1
    quarters = buckets(start, end, 4 * HOUR_S, zone).edges_s
    assert np.diff(quarters).tolist() == [(hours - 20) * HOUR_S, *[4 * HOUR_S] * 5]
    walls = [datetime.fromtimestamp(edge, ZoneInfo(zone)).hour for edge in quarters]
    assert walls == [0, 4, 8, 12, 16, 20, 0]
    assert np.diff(buckets(start, end, WEEK_S, zone).edges_s).tolist() == [7 * DAY_S + (hours - 24) * HOUR_S]


@pytest.mark.parametrize("zone", CHANGES)
def test_the_engines_tiers_have_the_same_edges(store: Store, zone: str) -> None:
    """Every quarter of an hour of the weeks around both changes, put into rows by the engine's own expression."""
    _, hours, days = rollups(layout_of(History(), zone))
    for rollup, step_s in ((hours, 4 * HOUR_S), (days, DAY_S)):
        for day in CHANGES[zone]:
            start_s = at(zone, f"{day}T00:00") - 5 * DAY_S
            with client_of(store) as client:
                rows = client.query(
                    f"SELECT toUInt32({rollup.start}) FROM (SELECT toDateTime({start_s} + number * 900, 'UTC') AS t "
                    "FROM numbers(960)) AS s"
                ).result_rows
            edges = np.array(buckets(start_s, start_s + 960 * 900, step_s, zone).edges_s)
            moments = start_s + np.arange(960) * 900
            expected = edges[np.searchsorted(edges, moments, side="right") - 1]
            assert [row[0] for row in rows] == expected.tolist()


@given(
    st.integers(1_577_836_800, 1_893_456_000),
    st.integers(10, 400 * DAY_S),
    st.sampled_from([60, 900, 1800, HOUR_S, 5400, 2 * HOUR_S, 4 * HOUR_S, 12 * HOUR_S, DAY_S, 2 * DAY_S, WEEK_S]),
    st.sampled_from(ZONES),
)
def test_buckets_cover_the_range_and_begin_where_the_clock_says(
    start_s: int, length_s: int, step_s: int, zone: str
) -> None:
    length_s = min(length_s, 3000 * step_s)
    found = buckets(start_s, start_s + length_s, step_s, zone)
    edges = np.array(found.edges_s)
    assert edges[0] <= start_s < edges[1]
    assert edges[-2] < start_s + length_s <= edges[-1]
    assert np.all(np.diff(edges) > 0)
    assert np.all(np.abs(np.diff(edges) - step_s) <= HOUR_S)
    if found.even:
        assert np.all(np.diff(edges) == step_s)
        assert edges[0] % step_s == 0
    if not is_plain(step_s) and step_s >= DAY_S:
        walls = [datetime.fromtimestamp(edge, ZoneInfo(zone)) for edge in found.edges_s]
        assert {(wall.hour, wall.minute) for wall in walls} == {(0, 0)}
        if step_s == WEEK_S:
            assert {wall.weekday() for wall in walls} == {0}


@given(st.integers(1_577_836_800, 1_893_456_000), st.sampled_from([900, HOUR_S, 4 * HOUR_S, DAY_S]))
def test_a_range_has_the_same_edges_as_any_range_around_it(start_s: int, step_s: int) -> None:
    """What is read anew at the moving edge must fall into the buckets that are known."""
    zone = "America/New_York"
    inner = buckets(start_s, start_s + 20 * step_s, step_s, zone).edges_s
    outer = buckets(start_s - 7 * step_s, start_s + 31 * step_s, step_s, zone).edges_s
    assert set(inner) <= set(outer)
    assert since(buckets(start_s, start_s + 20 * step_s, step_s, zone), inner[3]).edges_s == inner[3:]


def test_a_week_earlier_is_the_same_wall_clock_across_a_change() -> None:
    zone = "America/New_York"
    session = buckets(at(zone, "2026-03-10T09:30"), at(zone, "2026-03-10T16:00"), 900, zone)
    before = earlier(session, 7 * DAY_S, zone)
    assert (before.start_s, before.end_s) == (at(zone, "2026-03-03T09:30"), at(zone, "2026-03-03T16:00"))
    assert session.start_s - before.start_s == 7 * DAY_S - HOUR_S
    hour = buckets(at(zone, "2026-03-10T09:00"), at(zone, "2026-03-10T10:00"), 60, zone)
    assert earlier(hour, HOUR_S, zone).end_s == hour.start_s


def test_the_length_of_each_bucket() -> None:
    zone = "Europe/Berlin"
    days = buckets(at(zone, "2026-03-28T00:00"), at(zone, "2026-03-31T00:00"), DAY_S, zone)
    t = np.array(days.edges_s[:-1], dtype=np.float64)
    assert (days.seconds(t) / HOUR_S).tolist() == [24, 23, 24]
