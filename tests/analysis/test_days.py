"""Days by the desk's clock: what was worst, how long it was down, and where nobody looked."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from analysis.days import Day, day_states, last_days
from history.answers import Interval
from history.window import Window
from probes.result import Status

NEW_YORK, UTC = ZoneInfo("America/New_York"), ZoneInfo("UTC")
DAY_S = 86400


def at(text: str, zone: ZoneInfo = NEW_YORK) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())


def test_the_worst_of_a_day_its_minutes_down_and_how_much_was_seen() -> None:
    spans = [
        Interval("kafka", Status.OK, 0, DAY_S + 3600, ""),
        Interval("kafka", Status.CRITICAL, DAY_S + 3600, DAY_S + 5400, ""),
        Interval("kafka", Status.WARNING, DAY_S + 5400, 3 * DAY_S, ""),
    ]
    states = day_states(spans, {"kafka": [(0, 2.5 * DAY_S)]}, Window(0, 4 * DAY_S), UTC)
    assert states["kafka"] == (
        Day(date(1970, 1, 1), Status.OK, 0.0, 1.0),
        Day(date(1970, 1, 2), Status.CRITICAL, 1800.0, 1.0),
        Day(date(1970, 1, 3), Status.WARNING, 0.0, 0.5),
        Day(date(1970, 1, 4), None, 0.0, 0.0),
    )
    assert [day.partly for day in states["kafka"]] == [False, False, True, False]


def test_days_of_a_change_of_the_clock_have_23_and_25_hours() -> None:
    for first, last, hours in (("2026-03-07", "2026-03-10", 23), ("2026-10-31", "2026-11-03", 25)):
        window = Window(at(first), at(last))
        middle_s = at(first) + DAY_S
        down = Interval("ib", Status.CRITICAL, middle_s, middle_s + hours * 3600, "")
        states = day_states([down], {"ib": [(window.start_s, window.end_s)]}, window, NEW_YORK)["ib"]
        assert [day.down_s for day in states] == [0.0, hours * 3600.0, 0.0]
        assert [day.worst for day in states] == [None, Status.CRITICAL, None]


def test_an_outage_over_midnight_is_counted_on_both_days_and_an_unknown_status_on_none() -> None:
    spans = [
        Interval("ib", Status.CRITICAL, DAY_S - 600, DAY_S + 300, ""),
        Interval("ib", Status.UNKNOWN, DAY_S + 300, 2 * DAY_S, ""),
    ]
    states = day_states(spans, {"ib": [(0, 2 * DAY_S)]}, Window(0, 2 * DAY_S), UTC)["ib"]
    assert [day.down_s for day in states] == [600.0, 300.0]
    assert states[1].partly


def test_of_a_day_that_is_not_over_only_what_has_passed_counts() -> None:
    window = last_days(at("2026-11-24 12:00"), NEW_YORK, 2)
    assert (window.start_s, window.end_s) == (at("2026-11-23"), at("2026-11-24 12:00"))
    spans = [Interval("ib", Status.OK, window.start_s, window.end_s, "")]
    states = day_states(spans, {"ib": [(window.start_s, window.end_s)]}, window, NEW_YORK)["ib"]
    assert [day.observed_ratio for day in states] == [1.0, 1.0]
