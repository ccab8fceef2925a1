import dataclasses
from pathlib import Path

import numpy as np
import pytest

from analysis.availability import uptimes
from analysis.capacity import DAY_S, LINK_SPEED, RECEIVED, SENT, UTILIZATION, capacity, forecast_of, link_capacity
from history import rows
from history.answers import Series, Summary
from history.queries import Scope
from history.rows import Sample, SeriesKey
from history.store import Store
from history.window import Window
from probes import METRICS
from probes.result import Labels, Status, labels, utc
from settings import History
from settings_types import SecretUrl

NOW_S = 1_790_000_000 // DAY_S * DAY_S + DAY_S // 2
"""Noon of a day."""
ETH0 = labels(interface="eth0")


def summary(metric: str, p95: float, high: float, link: Labels = ETH0) -> Summary:
    return Summary("network", metric, link, "", 100, p95 / 2, 0, high, p95 / 2, p95, high)


def daily(values: list[float]) -> Series:
    t = np.array([NOW_S // DAY_S * DAY_S - DAY_S * (len(values) - 1 - day) for day in range(len(values))], np.float64)
    line = np.array(values)
    return Series("network", UTILIZATION, ETH0, "ratio", DAY_S, t, line, line, line, line, p95=line)


def test_a_link_tells_its_headroom_and_when_it_is_full() -> None:
    metrics = {
        LINK_SPEED: summary(LINK_SPEED, 1.25e8, 1.25e8),
        UTILIZATION: summary(UTILIZATION, 0.6, 0.9),
        RECEIVED: summary(RECEIVED, 7e7, 1.1e8),
        SENT: summary(SENT, 1e7, 2e7),
    }
    metrics[LINK_SPEED] = dataclasses.replace(metrics[LINK_SPEED], p50=1.25e8)
    values = [0.2 + 0.01 * day for day in range(31)]
    values[-1] = 0.01  # today, half over: its quiet night must not count
    link = link_capacity("network", "eth0", metrics, daily(values), NOW_S)
    assert (link.link_speed_bytes_per_s, link.utilization_p95_ratio, link.utilization_peak_ratio) == (1.25e8, 0.6, 0.9)
    assert link.headroom_ratio == pytest.approx(0.4)
    assert link.forecast is not None
    assert link.forecast.level == pytest.approx(0.49)
    assert link.forecast.days_until_full == pytest.approx(51)
    assert link.message == link.forecast.message


def test_a_link_of_unknown_speed_still_tells_its_throughput() -> None:
    link = link_capacity("network", "eth0", {RECEIVED: summary(RECEIVED, 7e7, 1.1e8)}, None, NOW_S)
    assert (link.received_p95_bytes_per_s, link.received_peak_bytes_per_s) == (7e7, 1.1e8)
    assert (link.utilization_p95_ratio, link.headroom_ratio, link.forecast) == (None, None, None)
    assert "not known" in link.message


def test_the_level_is_the_busiest_day_of_the_week() -> None:
    values = [0.5 if day % 7 else 0.1 for day in range(29)]
    found = forecast_of(daily(values), NOW_S)
    assert found is not None
    assert found.level == 0.5
    assert found.message == "No clear growth."


def test_the_questions_are_answered_by_a_real_history(chdb_path: Path) -> None:
    settings = History(dsn=SecretUrl(f"chdb://{chdb_path}"), database="analysis_tests")
    client = Store(settings).connect()
    Store(settings).migrate(client)
    keys = {metric: SeriesKey("network", metric, ETH0) for metric in (RECEIVED, UTILIZATION, LINK_SPEED)}
    up = SeriesKey("network", "probe_up")
    samples = []
    for at_s in range(NOW_S - 40 * DAY_S, NOW_S, 3600):
        used = 0.2 + 0.01 * ((at_s - NOW_S) // DAY_S + 41)
        figures = {RECEIVED: used * 1.25e8, UTILIZATION: used, LINK_SPEED: 1.25e8}
        samples += [Sample(keys[metric].id, at_s, value) for metric, value in figures.items()]
        samples.append(Sample(up.id, at_s, 1.0))
    rows.insert(client, "analysis_tests.series", rows.series_table(rows.catalogued([*keys.values(), up], METRICS)), "a")
    rows.insert(client, "analysis_tests.samples", rows.samples_table(samples), "a")
    change = rows.StatusChange("network", utc(NOW_S - 2 * DAY_S), Status.OK, "")
    rows.insert(client, "analysis_tests.status_change", rows.changes_table([change]), "a")
    scope = Scope("analysis_tests", 90.0 * DAY_S, float(NOW_S))
    (link,) = capacity(client, scope, Window(NOW_S - 30 * DAY_S, NOW_S), ("network",))
    assert (link.interface, link.link_speed_bytes_per_s) == ("eth0", 1.25e8)
    assert link.forecast is not None
    assert link.forecast.clear
    assert link.forecast.days_until_full == pytest.approx((1 - link.forecast.level) / 0.01, rel=0.05)  # type: ignore[operator]
    assert capacity(client, scope, Window(NOW_S - 600, NOW_S), ("other",)) == ()
    (uptime,) = uptimes(client, scope, Window(NOW_S - DAY_S, NOW_S))
    assert (uptime.component, uptime.up_ratio) == ("network", 1)
    assert uptime.observed_ratio == pytest.approx(1, abs=0.05)
    client.close()


def test_growth_is_seen_through_weekends_and_noise() -> None:
    noise = np.random.default_rng(7).normal(1, 0.06, 90)
    values = [(0.2 + 0.002 * day) * noise[day] if day % 7 < 5 else 0.02 for day in range(90)]
    found = forecast_of(daily(values), NOW_S)
    assert found is not None
    assert found.clear
    assert found.growth_per_day == pytest.approx(0.002, rel=0.25)
    assert found.days_until_full_low <= found.days_until_full <= found.days_until_full_high  # type: ignore[operator]
