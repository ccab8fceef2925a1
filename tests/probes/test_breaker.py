import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.breaker import CREDENTIAL_BACKOFF_MAX_S, CREDENTIAL_CODES, FAILURES_TO_OPEN, Breaker, longest_pause_s


def after(*codes: str) -> Breaker:
    breaker = Breaker()
    for code in codes:
        breaker = breaker.after_failure(code)
    return breaker


def test_three_failures_open_it_and_a_success_closes_it() -> None:
    assert [after(*["refused"] * count).is_open for count in range(5)] == [False, False, False, True, True]
    assert after("refused", "timeout", "refused").after_success() == Breaker()


def test_an_open_one_is_tried_once_an_interval() -> None:
    assert [after(*["timeout"] * count).pause_s(10) for count in (1, 3, 50)] == [10, 10, 10]


@pytest.mark.parametrize("code", sorted(CREDENTIAL_CODES))
def test_refused_credentials_open_at_once_and_back_off(code: str) -> None:
    assert after(code).is_open
    assert [after(*[code] * count).pause_s(10) for count in (1, 2, 3, 4, 5, 99)] == [10, 20, 40, 60, 60, 60]
    assert after(*[code] * 9).pause_s(300) == 300, "never more often than its own interval"


def test_another_failure_ends_the_back_off() -> None:
    assert after("auth_failed", "auth_failed", "refused").pause_s(10) == 10


@given(
    st.lists(st.sampled_from(["ok", "refused", "timeout", *sorted(CREDENTIAL_CODES)]), max_size=80),
    st.floats(1, 7200),
)
def test_whatever_happens(outcomes: list[str], interval_s: float) -> None:
    breaker, in_a_row = Breaker(), 0
    for outcome in outcomes:
        breaker = breaker.after_success() if outcome == "ok" else breaker.after_failure(outcome)
        in_a_row = 0 if outcome == "ok" else in_a_row + 1
        assert breaker.is_open == (in_a_row >= FAILURES_TO_OPEN or outcome in CREDENTIAL_CODES)
        assert interval_s <= breaker.pause_s(interval_s) <= max(interval_s, CREDENTIAL_BACKOFF_MAX_S)


@given(st.lists(st.sampled_from(["refused", *sorted(CREDENTIAL_CODES)]), min_size=1, max_size=12), st.floats(1, 7200))
def test_a_reader_elsewhere_expects_no_result_too_early(codes: list[str], interval_s: float) -> None:
    assert after(*codes).pause_s(interval_s) <= longest_pause_s(interval_s, codes[-1])
    assert longest_pause_s(interval_s, None) == longest_pause_s(interval_s, "refused") == interval_s
