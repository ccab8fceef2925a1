from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from history.spoken import LONGEST, parse_spoken
from history.window import RangeError, parse_window

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 24, 10, 15, tzinfo=NEW_YORK)  # a Tuesday
NOW_S = NOW.timestamp()


def said(text: str, zone: ZoneInfo = NEW_YORK) -> str:
    """What a text means, its absolute ends on the wall clock."""
    return "  ".join(
        datetime.fromtimestamp(int(word), zone).strftime("%a %d %b %Y %H:%M:%S %z") if word.isdigit() else word
        for word in parse_spoken(text, NOW_S, zone)
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("6h", "now-6h  now"),
        ("90d", "now-90d  now"),
        (" Last  15 MIN ", "now-15m  now"),
        ("past 2 weeks", "now-2w  now"),
        ("3 months", "now-90d  now"),
        ("1y", "now-365d  now"),
        ("30 seconds", "now-30s  now"),
        ("now-6h", "now-6h  now"),
        ("now-3h..now-1h", "now-3h  now-1h"),
        ("now-1h..now+1h", "now-1h  now+1h"),
        ("last 5 sessions", "session-4  session"),
        ("1 session", "session  session"),
        ("today's session", "session  session"),
        ("session-3", "session-3  session-3"),
        ("pre-open", "preopen  preopen"),
        ("Pre-market", "preopen  preopen"),
    ],
)
def test_what_is_relative_stays_relative(text: str, words: str) -> None:
    assert said(text) == words


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("today", "Tue 24 Nov 2026 00:00:00 -0500", "now"),
        ("yesterday", "Mon 23 Nov 2026 00:00:00 -0500", "Tue 24 Nov 2026 00:00:00 -0500"),
        ("yesterday 09:30..10:00", "Mon 23 Nov 2026 09:30:00 -0500", "Mon 23 Nov 2026 10:00:00 -0500"),
        ("yesterday 22:00 to 02:00", "Mon 23 Nov 2026 22:00:00 -0500", "Tue 24 Nov 2026 02:00:00 -0500"),
        ("yesterday..now", "Mon 23 Nov 2026 00:00:00 -0500", "now"),
        ("09:30..10:00", "Tue 24 Nov 2026 09:30:00 -0500", "Tue 24 Nov 2026 10:00:00 -0500"),
        ("9:30-10:00:30", "Tue 24 Nov 2026 09:30:00 -0500", "Tue 24 Nov 2026 10:00:30 -0500"),
        ("14:00..15:00", "Mon 23 Nov 2026 14:00:00 -0500", "Mon 23 Nov 2026 15:00:00 -0500"),
        ("9am..2:30pm", "Tue 24 Nov 2026 09:00:00 -0500", "Tue 24 Nov 2026 14:30:00 -0500"),
        ("12am..12pm", "Tue 24 Nov 2026 00:00:00 -0500", "Tue 24 Nov 2026 12:00:00 -0500"),
        ("mon 14:00..tue 10:00", "Mon 23 Nov 2026 14:00:00 -0500", "Tue 24 Nov 2026 10:00:00 -0500"),
        ("friday..monday", "Fri 20 Nov 2026 00:00:00 -0500", "Tue 24 Nov 2026 00:00:00 -0500"),
        ("last wednesday", "Wed 18 Nov 2026 00:00:00 -0500", "Thu 19 Nov 2026 00:00:00 -0500"),
        ("2026-11-20", "Fri 20 Nov 2026 00:00:00 -0500", "Sat 21 Nov 2026 00:00:00 -0500"),
        ("2026-11-20 14:00..15:00", "Fri 20 Nov 2026 14:00:00 -0500", "Fri 20 Nov 2026 15:00:00 -0500"),
        ("2026-11-20..2026-11-22", "Fri 20 Nov 2026 00:00:00 -0500", "Mon 23 Nov 2026 00:00:00 -0500"),
        ("2026-11-20 14:00..2026-11-21", "Fri 20 Nov 2026 14:00:00 -0500", "Sun 22 Nov 2026 00:00:00 -0500"),
        ("2026-11-20T14:00Z..15:30", "Fri 20 Nov 2026 09:00:00 -0500", "Fri 20 Nov 2026 15:30:00 -0500"),
        (
            "2026-11-20T14:00-05:00..2026-11-20T15:00-05:00",
            "Fri 20 Nov 2026 14:00:00 -0500",
            "Fri 20 Nov 2026 15:00:00 -0500",
        ),
        ("1790000000..1790003600", "Mon 21 Sep 2026 10:13:20 -0400", "Mon 21 Sep 2026 11:13:20 -0400"),
        ("20 nov", "Fri 20 Nov 2026 00:00:00 -0500", "Sat 21 Nov 2026 00:00:00 -0500"),
        ("Nov 20, 2025", "Thu 20 Nov 2025 00:00:00 -0500", "Fri 21 Nov 2025 00:00:00 -0500"),
        ("25 December", "Thu 25 Dec 2025 00:00:00 -0500", "Fri 26 Dec 2025 00:00:00 -0500"),
        ("Fri 20 Nov 09:30 – 16:00", "Fri 20 Nov 2026 09:30:00 -0500", "Fri 20 Nov 2026 16:00:00 -0500"),
    ],
)
def test_days_and_times_are_the_wall_clocks(text: str, start: str, end: str) -> None:
    assert said(text) == f"{start}  {end}"


@pytest.mark.parametrize("text", ["2026-11-20T14:31:07Z", "2026-11-20 09:31:07", "1795185067", "20 nov 9:31:07"])
def test_a_moment_is_shown_with_a_quarter_of_an_hour_on_both_sides(text: str) -> None:
    assert said(text) == "Fri 20 Nov 2026 09:16:07 -0500  Fri 20 Nov 2026 09:46:07 -0500"


@pytest.mark.parametrize(
    ("text", "start", "end", "hours"),
    [
        ("2026-11-01", "Sun 01 Nov 2026 00:00:00 -0400", "Mon 02 Nov 2026 00:00:00 -0500", 25),
        ("2026-11-01 01:00..01:30", "Sun 01 Nov 2026 01:00:00 -0400", "Sun 01 Nov 2026 01:30:00 -0500", 1.5),
        ("2026-03-08", "Sun 08 Mar 2026 00:00:00 -0500", "Mon 09 Mar 2026 00:00:00 -0400", 23),
        ("2026-03-08 02:30..04:00", "Sun 08 Mar 2026 03:30:00 -0400", "Sun 08 Mar 2026 04:00:00 -0400", 0.5),
    ],
)
def test_on_the_day_the_clock_is_changed(text: str, start: str, end: str, hours: float) -> None:
    assert said(text) == f"{start}  {end}"
    first, last = parse_spoken(text, NOW_S, NEW_YORK)
    assert int(last) - int(first) == hours * 3600


def test_the_wall_clock_is_the_readers() -> None:
    assert said("yesterday 09:30..10:00", ZoneInfo("Asia/Tokyo")).startswith("Tue 24 Nov 2026 09:30:00 +0900")


NONSENSE = """banana|..|0h|6 parsecs|25:00..26:00|13pm..14pm|2026-02-30|now|7|1..2..3|31 nov|2026-11-20T99:00|²h
5 sessions..now|a\x00b|"""


@pytest.mark.parametrize("text", [*NONSENSE.replace("\n", "|").split("|"), "6h" * 99])
def test_what_is_no_range_is_said_in_a_sentence_with_examples(text: str) -> None:
    with pytest.raises(RangeError) as caught:
        parse_spoken(text, NOW_S, NEW_YORK)
    assert caught.value.param == "range"
    assert "yesterday 09:30..10:00" in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250


days = st.sampled_from(["today", "yesterday", "mon", "friday", "2026-11-01", "2026-03-08", "0001-01-01", "9999-12-31"])
times = st.sampled_from(["", " 02:30", " 24:00", " 9am", "T14:00Z", "T01:30:00.5+14:00", "now", "1790000000"])
joints = st.sampled_from(["..", " to ", "-", " – ", "…", " "])
typed = st.one_of(
    st.text(max_size=LONGEST + 2),
    st.from_regex(r"(last )?\d{1,7} ?(s|min|hours|sessions|mo|y)", fullmatch=True),
    st.tuples(days, times, joints, days | st.just(""), times).map("".join),
    st.datetimes().map(str),
)


@given(typed, st.sampled_from(["America/New_York", "UTC", "Australia/Lord_Howe", "Pacific/Apia"]))
@example("0001-01-01", "Asia/Tokyo")
@example("9999-12-31", "America/New_York")
def test_nothing_but_words_the_url_takes_or_a_range_error(text: str, zone: str) -> None:
    param = "range"
    try:
        start, end = parse_spoken(text, NOW_S, ZoneInfo(zone))
        parse_window(start, end, NOW_S)
    except RangeError as error:
        param = error.param
    assert param in {"range", "from", "to"}
