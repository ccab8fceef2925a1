import pytest

from probes.counters import Counters, increase


def test_a_growing_counter_gives_its_increase() -> None:
    assert increase(100, 150, 10) == 50


@pytest.mark.parametrize(
    ("before", "after", "most_per_s", "expected"),
    [
        (100, 5, 1e9, None),  # a reset: the counter never was near 2^32
        (2.0**32 - 100, 50, 1e6, 150),  # a wrap the link can have caused
        (2.0**32 - 100, 50, 1.0, None),  # the implied rate is impossible
        (2.0**32 - 100, 50, None, None),  # the speed is not known
        (2.0**31 + 5e8, 10, 1e6, None),
        (2.0**40, 7, 1e12, None),  # a 64-bit counter does not wrap
    ],
)
def test_a_fall_is_a_wrap_only_where_that_is_possible(before, after, most_per_s, expected) -> None:
    assert increase(before, after, 10, most_per_s) == expected


def test_counters_need_two_turns_and_forget_what_is_gone() -> None:
    counters: Counters[str] = Counters()
    assert counters.turn({"a": 10, "b": 1}, 100.0).increases == {}
    turn = counters.turn({"a": 30, "c": 5}, 104.0)
    assert turn.increases == {"a": 20}
    assert turn.per_second("a") == 5
    assert turn.per_second("b") is None
    assert counters.turn({"a": 31, "b": 9}, 105.0).per_second("b") is None


def test_no_rate_when_no_time_has_passed() -> None:
    counters: Counters[str] = Counters()
    counters.turn({"a": 1}, 100.0)
    assert counters.turn({"a": 2}, 100.0).per_second("a") is None
