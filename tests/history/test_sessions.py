import threading
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.calendar import SessionBook, read_sessions
from history.sessions import Phase, Sessions
from tests.history.exchange import NEW_YORK, november, wall_s
from tests.probes.listeners import eventually

KNOWN = november()
TUESDAY, THANKSGIVING, HALF_DAY = date(2026, 11, 24), date(2026, 11, 26), date(2026, 11, 27)


@pytest.mark.parametrize(
    ("day", "hour", "minute", "phase"),
    [
        (TUESDAY, 3, 59, Phase.CLOSED),
        (TUESDAY, 4, 0, Phase.PRE),
        (TUESDAY, 9, 29, Phase.PRE),
        (TUESDAY, 9, 30, Phase.REGULAR),
        (TUESDAY, 15, 59, Phase.REGULAR),
        (TUESDAY, 16, 0, Phase.POST),
        (TUESDAY, 20, 0, Phase.CLOSED),
        (THANKSGIVING, 12, 0, Phase.CLOSED),
        (HALF_DAY, 12, 59, Phase.REGULAR),
        (HALF_DAY, 13, 0, Phase.POST),
        (HALF_DAY, 17, 0, Phase.CLOSED),
        (date(2026, 11, 28), 12, 0, Phase.CLOSED),
        (date(2026, 11, 1), 12, 0, Phase.CLOSED),
        (date(2026, 12, 24), 12, 0, Phase.CLOSED),
    ],
)
def test_phases(day: date, hour: int, minute: int, phase: Phase) -> None:
    assert KNOWN.phase(wall_s(day, hour, minute)) is phase


def test_the_last_session_is_the_one_that_has_opened() -> None:
    def opened(day: date, hour: int, before: int = 0) -> date | None:
        session = KNOWN.opened(wall_s(day, hour), before)
        return session.day if session else None

    assert opened(TUESDAY, 9) == date(2026, 11, 23)
    assert opened(TUESDAY, 10) == TUESDAY
    assert opened(THANKSGIVING, 12) == date(2026, 11, 25)
    assert opened(date(2026, 11, 29), 12) == HALF_DAY
    assert opened(TUESDAY, 10, before=4) == date(2026, 11, 18)
    assert opened(TUESDAY, 10, before=99) is None
    assert opened(date(2026, 11, 1), 10) is None
    begun = KNOWN.begun(wall_s(TUESDAY, 9))
    assert begun is not None
    assert begun.day == TUESDAY


def test_a_day_is_found_by_its_date() -> None:
    session = KNOWN.session_on(HALF_DAY)
    assert session is not None
    assert (session.close_s, session.early) == (wall_s(HALF_DAY, 13), True)
    assert KNOWN.session_on(THANKSGIVING) is None
    assert KNOWN.session_on(date(2027, 1, 1)) is None


def test_trading_between_two_moments() -> None:
    week = KNOWN.spans(wall_s(TUESDAY, 12), wall_s(HALF_DAY, 18))
    wednesday = date(2026, 11, 25)
    assert week == [
        (wall_s(day, 9, 30), wall_s(day, 13 if day == HALF_DAY else 16)) for day in (TUESDAY, wednesday, HALF_DAY)
    ]
    assert KNOWN.spans(wall_s(THANKSGIVING, 0), wall_s(THANKSGIVING, 23)) == []
    assert KNOWN.spans(wall_s(TUESDAY, 17), wall_s(TUESDAY, 18)) == []
    assert KNOWN.spans(wall_s(TUESDAY, 17), wall_s(TUESDAY, 18), extended=True) == [
        (wall_s(TUESDAY, 4), wall_s(TUESDAY, 20))
    ]


@given(st.integers(-40, 40 * 24), st.integers(1, 30 * 24))
def test_spans_are_where_the_phase_is_regular(start_h: int, length_h: int) -> None:
    start_s = wall_s(date(2026, 11, 10), 0) + start_h * 3600
    spans = KNOWN.spans(start_s, start_s + length_h * 3600)
    for moment_s in range(start_s, start_s + length_h * 3600, 1800):
        inside = any(first <= moment_s < last for first, last in spans)
        assert inside == (KNOWN.phase(moment_s) is Phase.REGULAR)


def test_how_far_the_calendar_reaches() -> None:
    assert KNOWN.reaches(wall_s(TUESDAY, 0), wall_s(HALF_DAY, 0))
    assert not KNOWN.reaches(wall_s(date(2026, 11, 1), 0), wall_s(HALF_DAY, 0))
    assert not KNOWN.reaches(wall_s(TUESDAY, 0), wall_s(date(2026, 12, 1), 0))
    assert not Sessions("empty", NEW_YORK, ()).reaches(0, 1)


@pytest.fixture(scope="module")
def year() -> Sessions:
    return read_sessions("NYSE", date(2026, 1, 1), date(2026, 12, 31))


def test_the_package_knows_holidays_and_half_days(year: Sessions) -> None:
    assert year.zone == NEW_YORK
    assert year.session_on(THANKSGIVING) is None
    assert [session for session in year.days if session.day.month == 11 and session.day.day >= 16] == list(KNOWN.days)
    assert [session.day for session in year.days if session.early] == [HALF_DAY, date(2026, 12, 24)]


@pytest.mark.parametrize(
    ("before", "after", "hours"),
    [(date(2026, 3, 6), date(2026, 3, 9), 71), (date(2026, 10, 30), date(2026, 11, 2), 73)],
)
def test_a_session_opens_by_the_wall_clock_over_a_change_of_it(
    year: Sessions, before: date, after: date, hours: int
) -> None:
    first, last = year.session_on(before), year.session_on(after)
    assert first is not None
    assert last is not None
    assert last.open_s - first.open_s == hours * 3600
    assert (last.open_s, last.pre_s) == (wall_s(after, 9, 30), wall_s(after, 4))


@pytest.mark.parametrize("calendar", ["LSE", "CME_Equity", "24/7"])
def test_a_calendar_without_pre_market_hours(calendar: str) -> None:
    known = read_sessions(calendar, date(2026, 11, 2), date(2026, 11, 30))
    assert len(known.days) > 15
    assert all(day.pre_s == day.open_s < day.close_s == day.post_s for day in known.days)
    assert all(day.close_s <= after.open_s for day, after in zip(known.days, known.days[1:], strict=False))


def test_a_book_has_the_sessions_after_a_while_and_six_years_of_them() -> None:
    let, asked = threading.Event(), []

    def read(calendar: str, first: date, last: date) -> Sessions:
        asked.append((calendar, first, last))
        let.wait(10)
        return KNOWN

    book = SessionBook("NYSE", read)
    book.start()
    assert book.known is None
    assert "is being read" in book.why_not
    let.set()
    assert eventually(lambda: book.known is not None, 5)
    assert (book.known, book.why_not) == (KNOWN, "")
    book.stop()
    ((calendar, first, last),) = asked
    today = datetime.now(ZoneInfo("UTC")).date()
    assert calendar == "NYSE"
    assert first < today - timedelta(days=5 * 366)
    assert last > today + timedelta(days=365)


def test_a_book_says_why_it_has_none() -> None:
    def read(calendar: str, first: date, last: date) -> Sessions:
        raise ValueError("no hours")

    book = SessionBook("XSGO", read)
    book.start()
    assert eventually(lambda: bool(book.error), 5)
    book.stop()
    assert book.why_not == "The calendar of XSGO cannot be read: no hours."
