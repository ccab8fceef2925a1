from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from history.window import MAX_RANGE_S, NoCalendar, RangeError, Window, parse_step, parse_window, quoted, shown
from tests.history.exchange import november

NOW_S = datetime(2026, 11, 23, 14, 30, 0, tzinfo=UTC).timestamp() + 0.7
UINT32_MAX = 2**32 - 1


@pytest.mark.parametrize(
    ("from_", "to", "start", "length_s"),
    [
        (None, None, "2026-11-23T08:30:00Z", 6 * 3600),
        ("", "", "2026-11-23T08:30:00Z", 6 * 3600),
        ("now-90s", "now", "2026-11-23T14:28:30Z", 90),
        ("now-2w", "now-1w", "2026-11-09T14:30:00Z", 7 * 86400),
        ("2026-11-01", "2026-11-02", "2026-11-01T00:00:00Z", 86400),
        ("2026-11-01T10:00:00-05:00", "2026-11-01T16:00:00Z", "2026-11-01T15:00:00Z", 3600),
        ("1790000000", "1790000010", "2026-09-21T14:13:20Z", 10),
        ("now-9w", "2026-11-23T14:30", "2026-09-21T14:30:00Z", 9 * 7 * 86400),
        ("now-1h", "now+1h", "2026-11-23T13:30:00Z", 7200),
        ("now 1h", "now 2h", "2026-11-23T15:30:00Z", 3600),
        ("session", "session", "2026-11-23T14:30:00Z", int(6.5 * 3600)),
        ("session-4", "session", "2026-11-17T14:30:00Z", 6 * 86400 + int(6.5 * 3600)),
        ("session-1", "session-1", "2026-11-20T14:30:00Z", int(6.5 * 3600)),
        ("session-1", "now", "2026-11-20T14:30:00Z", 3 * 86400),
        ("preopen", "preopen", "2026-11-23T09:00:00Z", int(5.5 * 3600)),
        ("preopen-1", "session-1", "2026-11-20T09:00:00Z", 12 * 3600),
    ],
)
def test_ranges(from_: str | None, to: str | None, start: str, length_s: int) -> None:
    window = parse_window(from_, to, NOW_S, sessions=november())
    assert (shown(window.start_s), window.length_s, window.step_s) == (start, length_s, None)


@pytest.mark.parametrize(
    ("from_", "to", "step", "param"),
    [
        ("banana", None, None, "from"),
        (None, "tomorrow", None, "to"),
        ("now", "now-1h", None, "to"),
        ("now", "now", None, "to"),
        ("now-5s", "now", None, "from"),
        ("now-11y", None, None, "from"),
        ("now-999999w", "now", None, "from"),
        ("1976-01-01", "2026-01-01", None, "from"),
        ("9" * 400, None, None, "from"),
        (None, "9999999999", None, "to"),
        (None, "4102444800", None, "to"),
        ("2026-13-01", None, None, "from"),
        ("now-6h\x00", None, None, "from"),
        ("0001-01-01T00:00:00+14:00", None, None, "from"),
        ("sessions", None, None, "from"),
        ("session-", None, None, "from"),
        ("session-9999", None, None, "from"),
        ("preopen-", None, None, "from"),
        ("session", "session-1", None, "to"),
        (None, "now+999999w", None, "to"),
        (None, None, "0", "step"),
        (None, None, "0s", "step"),
        (None, None, "-5s", "step"),
        (None, None, "5", "step"),
        (None, None, "1.5m", "step"),
        (None, None, "1s", "step"),
        (None, None, "9999999d", "step"),
    ],
)
def test_what_is_no_range_names_its_parameter(from_: str | None, to: str | None, step: str | None, param: str) -> None:
    with pytest.raises(RangeError) as caught:
        parse_window(from_, to, NOW_S, step, november())
    assert caught.value.param == param
    assert len(str(caught.value)) < 250
    assert str(caught.value).isprintable()


def test_a_session_needs_the_calendar() -> None:
    for word in ("session", "session-4", "preopen"):
        with pytest.raises(NoCalendar, match="not read yet"):
            parse_window(word, "now", NOW_S)
    with pytest.raises(RangeError, match="NYSE has no pre-market"):
        parse_window("preopen", "preopen", NOW_S, sessions=november(pre=False))


words = st.one_of(
    st.none(),
    st.text(max_size=45),
    st.from_regex(r"now([-+]\d{1,7}[smhdwy])?", fullmatch=True),
    st.from_regex(r"(session|preopen)(-\d{1,5})?", fullmatch=True),
    st.integers(-10, 10**11).map(str),
    st.datetimes().map(str),
    st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()),
)
steps = st.one_of(st.none(), st.just("auto"), st.text(max_size=9), st.from_regex(r"\d{1,8}[smhdw]", fullmatch=True))


@given(words, words, steps)
@example("2090-12-30", "2090-12-31", "3650d")
@example("0001-01-01T00:00:00+23:59", "now", None)
def test_nothing_but_a_range_or_a_range_error(from_: str | None, to: str | None, step: str | None) -> None:
    try:
        window = parse_window(from_, to, NOW_S, step, november())
    except RangeError as error:
        window, param = None, error.param
    if window is None:
        assert param in {"from", "to", "step"}
        return
    assert 0 <= window.start_s < window.end_s
    assert 10 <= window.length_s <= MAX_RANGE_S
    assert window.step_s is None or window.length_s / window.step_s <= 10_000
    widest = window.aligned(window.step_s or 604_800)
    assert widest.end_s <= UINT32_MAX, "ClickHouse's DateTime holds it"


@given(st.integers(0, 2**31), st.integers(1, 10**8), st.integers(1, 10**6))
def test_alignment_only_widens_and_by_less_than_a_bucket(start_s: int, length_s: int, step_s: int) -> None:
    window = Window(start_s, start_s + length_s)
    wide = window.aligned(step_s)
    assert wide.start_s % step_s == wide.end_s % step_s == 0
    assert 0 <= window.start_s - wide.start_s < step_s
    assert 0 <= wide.end_s - window.end_s < step_s
    assert wide.step_s == step_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(None, None), ("", None), ("auto", None), ("30s", 30), ("5m", 300), ("1h", 3600), ("1w", 604800)],
)
def test_steps(text: str | None, seconds: int | None) -> None:
    assert parse_step(text, 6 * 3600) == seconds


def test_a_moving_window_keeps_its_identity() -> None:
    assert parse_window("now-1h", "now", NOW_S).key == parse_window("now-1h", "now", NOW_S + 60).key
    assert parse_window("now-1h", "now", NOW_S).key != parse_window("now-2h", "now", NOW_S).key
    assert parse_window("now-1h", "now", NOW_S, "1m").key != parse_window("now-1h", "now", NOW_S, "2m").key
    assert Window(0, 60).key != Window(0, 120).key


def test_what_is_quoted_is_short_and_printable() -> None:
    assert quoted("now") == '"now"'
    assert quoted("a\x00b\n") == '"a\ufffdb\ufffd"'
    assert len(quoted("9" * 400)) == 43
