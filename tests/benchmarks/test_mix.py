"""The samples of the benchmarks are what they are said to be."""

from collections import Counter

import numpy as np

from benchmarks.mix import CLASSES, EVERY_S, NAMES, chunks, mix
from history.precision import largest_error
from probes import METRICS

MIX = mix(2, 2000)
T0_S = 1_790_006_400


def test_the_shares_are_those_of_the_mix() -> None:
    of_class = {metric: name for name, (_, metrics) in CLASSES.items() for metric in metrics}
    assert Counter(of_class[key.metric] for key in MIX.keys) == {
        "percentages": 8, "latencies": 4, "counters": 4, "near-constant": 2, "bytes": 2
    }  # fmt: skip


def test_every_class_has_catalogued_metrics_of_its_type() -> None:
    types = {name: {METRICS[metric].type for metric in metrics} for name, (_, metrics) in CLASSES.items()}
    assert types["counters"] == {"counter"}
    assert types["percentages"] == types["latencies"] == types["bytes"] == {"gauge"}
    assert len(set(NAMES)) == 10


def test_the_same_seed_makes_the_same_samples_and_another_others() -> None:
    assert np.array_equal(MIX.values, mix(2, 2000).values)
    assert not np.array_equal(MIX.values, mix(2, 2000, seed=5).values)
    assert len(np.unique(MIX.values[:, :50], axis=0)) == len(MIX.keys)


def test_readings_are_as_coarse_as_they_are_read() -> None:
    percentages, latencies = MIX.of(CLASSES["percentages"][1]).values, MIX.of(CLASSES["latencies"][1]).values
    assert np.allclose(percentages * 1000, np.round(percentages * 1000), atol=1e-9)
    assert np.allclose(latencies * 1e6, np.round(latencies * 1e6), atol=1e-6)
    assert np.all(MIX.values >= 0)


def test_rounding_errs_by_no_more_than_it_says() -> None:
    errors = MIX.errors(MIX.rounded())
    allowed = np.array([largest_error(METRICS[key.metric].bits) for key in MIX.keys])
    assert np.all(errors.max(axis=1) <= allowed)
    assert errors.max() > 0


def test_rows_are_sorted_and_values_come_again_behind_the_last() -> None:
    rows = MIX.table(T0_S, range(1990, 2010))
    ids = rows["series_id"].to_numpy()
    assert list(ids) == sorted(ids)
    assert rows["ts"].to_numpy()[0].astype(int) == T0_S + 1990 * EVERY_S
    first = rows["bits"].to_numpy().view(np.float64)[:20]
    assert np.array_equal(first, np.concatenate([MIX.values[0, 1990:], MIX.values[0, :10]]))


def test_chunks_cover_every_step_once() -> None:
    found = list(chunks(200, 12_001))
    assert [(steps.start, steps.stop) for steps in found] == [(0, 5000), (5000, 10_000), (10_000, 12_001)]
