from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from history.window import Window, parse_window
from tests.history.exchange import NEW_YORK, november, wall_s
from ui.rangewords import ago, between, in_words, remark, session_presets

TUESDAY = date(2026, 11, 24)
NOW_S = wall_s(TUESDAY, 10, 15)
KNOWN = november()


@pytest.mark.parametrize(
    ("from_", "to", "words"),
    [
        ("now-6h", "now", "last 6 h"),
        ("now-365d", "now", "last 1 y"),
        ("now-90m", "now", "last 1 h 30 min"),
        ("now-2w", "now", "last 14 d"),
        ("now-3h", "now-1h", "3 h to 1 h ago"),
        ("session", "session", "today's session"),
        ("session-1", "session-1", "session of Mon 23 Nov"),
        ("session-4", "session", "last 5 sessions"),
        ("session-5", "session-1", "5 sessions to Mon 23 Nov"),
        ("session-1", "now", "since the open of Mon 23 Nov"),
        ("preopen", "preopen", "today's pre-open"),
        ("preopen-1", "preopen-1", "pre-open of Mon 23 Nov"),
        ("preopen", "now", "since the pre-market"),
        ("preopen", "session", "Tue 24 Nov 04:00 – 16:00"),
        (str(wall_s(date(2026, 11, 23), 9, 30)), "now", "since Mon 23 Nov 09:30"),
        (str(wall_s(date(2026, 11, 23), 9, 30)), str(wall_s(date(2026, 11, 23), 16)), "Mon 23 Nov 09:30 – 16:00"),
        (str(wall_s(date(2026, 11, 20), 14)), str(wall_s(TUESDAY, 8)), "Fri 20 Nov 14:00 – Tue 24 Nov 08:00"),
    ],
)
def test_a_range_is_called_what_people_call_it(from_: str, to: str, words: str) -> None:
    assert in_words(parse_window(from_, to, NOW_S, sessions=KNOWN), NEW_YORK, NOW_S, KNOWN) == words


def test_before_the_open_and_on_a_holiday_the_last_session_is_not_todays() -> None:
    for now_s, day in ((wall_s(TUESDAY, 9), "Mon 23 Nov"), (wall_s(date(2026, 11, 26), 12), "Wed 25 Nov")):
        window = parse_window("session", "session", now_s, sessions=KNOWN)
        assert in_words(window, NEW_YORK, now_s, KNOWN) == f"last session, {day}"
        assert list(session_presets(KNOWN, now_s)) == ["Last session", "Last 5 sessions", "Pre-open"]
    assert list(session_presets(november(pre=False), NOW_S)) == ["Today's session", "Last 5 sessions"]


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (wall_s(date(2026, 11, 20), 0), wall_s(date(2026, 11, 21), 0), "Fri 20 Nov"),
        (wall_s(date(2026, 10, 30), 0), wall_s(date(2026, 11, 3), 0), "Fri 30 Oct – Mon 2 Nov"),
        (wall_s(date(2025, 12, 30), 0), wall_s(date(2026, 1, 2), 0), "Tue 30 Dec 2025 – Thu 1 Jan"),
        (wall_s(date(2026, 3, 8), 0), wall_s(date(2026, 3, 9), 0), "Sun 8 Mar (23 h)"),
        (wall_s(date(2026, 11, 1), 0), wall_s(date(2026, 11, 2), 0), "Sun 1 Nov (25 h)"),
        (NOW_S, NOW_S + 75, "Tue 24 Nov 10:15:00 – 10:16:15"),
        (NOW_S, NOW_S + 60, "Tue 24 Nov 10:15 – 10:16"),
    ],
)
def test_two_ends_are_no_longer_than_they_need_be(start: int, end: int, words: str) -> None:
    assert between(Window(start, end), NEW_YORK, NOW_S) == words


def test_a_range_is_told_by_the_clock_of_the_page() -> None:
    window = Window(wall_s(TUESDAY, 9, 30), wall_s(TUESDAY, 16))
    assert between(window, ZoneInfo("Asia/Tokyo"), NOW_S) == "Tue 24 Nov 23:30 – Wed 25 Nov 06:00"


def test_so_long_before_now() -> None:
    assert [ago(s) for s in (10, 60, 5400, 86400, 7 * 86400, 86401)] == [
        "now-10s",
        "now-1m",
        "now-90m",
        "now-24h",
        "now-7d",
        "now-86401s",
    ]


def test_what_must_be_known_before_the_charts_are_read() -> None:
    later = Window(NOW_S + 3600, NOW_S + 7200)
    assert remark(later, NEW_YORK, NOW_S, None) == ("This range has not begun yet: it begins in 1 h, Tue 24 Nov 11:15.")
    half_day = wall_s(date(2026, 11, 27), 0)
    told = "Fri 27 Nov is a half day: NYSE closes at 13:00."
    assert remark(Window(half_day, half_day + 86400), NEW_YORK, half_day + 9 * 3600, KNOWN) == told
    week = Window(half_day - 4 * 86400, half_day + int(timedelta(days=1).total_seconds()))
    assert remark(week, NEW_YORK, half_day + 90000, KNOWN) == ""
    assert remark(Window(NOW_S - 3600, NOW_S), NEW_YORK, NOW_S, KNOWN) == ""
