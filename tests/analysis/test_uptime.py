import pytest

from analysis.uptime import Uptime, status_shares, uptime_report
from history.answers import Interval, Period
from history.buckets import buckets
from history.window import Window
from probes.result import Status

WINDOW = Window(0, 1000)


def seen(*periods: tuple[float, float], component: str = "kafka") -> dict[str, tuple[Period, ...]]:
    return {component: periods}


def spans(*parts: tuple[str, float, float], component: str = "kafka") -> list[Interval]:
    return [Interval(component, Status(status), start, end, "") for status, start, end in parts]


def one(found: tuple[Uptime, ...]) -> Uptime:
    assert len(found) == 1
    return found[0]


def test_a_range_seen_whole() -> None:
    history = spans(("ok", 0, 300), ("critical", 300, 400), ("warning", 400, 900), ("critical", 900, 1000))
    assert one(uptime_report(history, seen((0, 1000)), WINDOW)) == Uptime(
        component="kafka",
        up_ratio=0.8,
        observed_ratio=1.0,
        observed_s=1000,
        downtime_s=200,
        incidents=2,
        mttr_s=100,  # the second has not ended: its recovery is not known
        mtbf_s=400,
        longest_outage_s=100,
        longest_outage_at_s=300,
        worst=Status.CRITICAL,
    )


def test_time_without_samples_is_neither_up_nor_down() -> None:
    history = spans(("ok", 0, 300), ("critical", 300, 800), ("ok", 800, 1000))
    found = one(uptime_report(history, seen((0, 400), (700, 1000)), WINDOW))
    assert found.observed_ratio == pytest.approx(0.7)
    assert found.downtime_s == 200
    assert found.up_ratio == pytest.approx(500 / 700)
    assert found.incidents == 1, "a hole does not make two incidents of one"
    assert found.longest_outage_s == found.mttr_s == 200


@pytest.mark.parametrize("status", ["unknown", "off"])
def test_unknown_and_off_are_not_observed(status: str) -> None:
    history = spans(("critical", 0, 200), (status, 200, 400), ("critical", 400, 500), ("ok", 500, 1000))
    found = one(uptime_report(history, seen((0, 1000)), WINDOW))
    assert (found.observed_ratio, found.downtime_s, found.incidents) == (0.8, 300, 1)


def test_nothing_observed_claims_nothing() -> None:
    found = one(uptime_report(spans(("ok", 0, 1000)), {}, WINDOW))
    assert (found.up_ratio, found.observed_ratio, found.worst) == (None, 0, Status.UNKNOWN)
    assert (found.mttr_s, found.mtbf_s, found.longest_outage_at_s) == (None, None, None)
    assert uptime_report([], {}, WINDOW) == ()


def test_each_component_is_judged_by_its_own_samples() -> None:
    history = [*spans(("ok", 0, 1000)), *spans(("critical", 0, 1000), component="redis")]
    found = uptime_report(history, {**seen((0, 500)), **seen((500, 1000), component="redis")}, WINDOW)
    assert [(u.component, u.up_ratio, u.observed_ratio) for u in found] == [("kafka", 1, 0.5), ("redis", 0, 0.5)]


def test_a_range_wider_than_the_samples_is_clipped_to_the_window() -> None:
    found = one(uptime_report(spans(("ok", 100, 200)), seen((0, 1000)), Window(100, 200)))
    assert (found.observed_ratio, found.up_ratio) == (1, 1)


def test_shares_of_a_bucket_add_up_to_what_was_observed() -> None:
    history = spans(("ok", 0, 150), ("warning", 150, 200), ("critical", 200, 390))
    (found,) = status_shares(history, seen((0, 300), (350, 400)), buckets(0, 400, 100, "UTC"))
    assert found.t.tolist() == [0, 100, 200, 300]
    assert found.ok.tolist() == [1, 0.5, 0, 0]
    assert found.warning.tolist() == [0, 0.5, 0, 0]
    assert found.critical.tolist() == pytest.approx([0, 0, 1, 0.4])


def test_the_bucket_of_a_long_day_is_longer() -> None:
    day = buckets(1_793_505_600, 1_793_505_600 + 1, 86400, "America/New_York")  # 1 November 2026: 25 hours
    history = spans(("ok", day.start_s, day.end_s))
    (found,) = status_shares(history, seen((day.start_s, day.start_s + 12.5 * 3600)), day)
    assert (day.end_s - day.start_s, found.ok.tolist()) == (25 * 3600, [0.5])
