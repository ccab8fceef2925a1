import numpy as np
import pytest

from analysis.performance import error_ratio, error_ratio_over, throughput_metric, throughput_metrics
from history.answers import Series, Summary
from probes import KINDS, METRICS


def checks(up: list[float], count: list[float]) -> Series:
    t = np.arange(len(up), dtype=np.float64) * 60
    return Series("kafka", "probe_up", (), "ratio", 60, t, np.array(up), np.array(up), np.array(up), np.array(count))


def test_the_share_of_failed_checks_in_each_bucket_and_over_all() -> None:
    line = checks([1.0, 0.5, 0.0], [6, 4, 2])
    assert error_ratio(line).tolist() == [0, 0.5, 1]
    assert error_ratio_over(line) == pytest.approx(4 / 12), "a bucket counts by its checks"
    summary = Summary("kafka", "probe_up", (), "ratio", 12, 1 - 4 / 12, 0, 1, 1, 1, 1)
    assert error_ratio_over(summary) == pytest.approx(4 / 12)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_a_kinds_throughput_is_a_rate_of_its_own_or_its_key_figure(kind) -> None:
    rates = throughput_metrics(kind)
    assert all(METRICS[name].unit.endswith("/s") for name in rates)
    assert not any("link_speed" in name for name in rates)
    assert throughput_metric(kind) in (*rates, kind.key_metric)
