from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from history import queries
from history.answers import Interval, SeriesSet
from history.buckets import buckets as buckets_of
from history.precision import rounded_column
from history.queries import Scope, levels
from history.schema import SKETCH_ERROR
from history.store import Store
from history.window import Window
from probes.result import Status, labels
from settings import DEFAULT_ZONE, History
from settings_types import SecretUrl
from tests.history.rows import COUNT, T0_S, client_of, noise, sampled, scope, write
from tests.probes.fakes import FILL
from tests.probes.listeners import eventually

HOUR_S, DAY_S = 3600, 86400
END_S = T0_S + 2 * DAY_S
TICKS = np.arange(T0_S, END_S, 10)
VALUES = rounded_column(noise(len(TICKS)), 10)
INCREASES = np.random.default_rng(8).integers(0, 500, len(TICKS)).astype(float)
GAP = (TICKS >= T0_S + 6 * HOUR_S) & (TICKS < T0_S + 8 * HOUR_S)
"""Two hours of the first day in which nobody looked."""


@pytest.fixture(scope="module")
def filled(chdb_path: Path) -> Iterator[Store]:
    """Two days of three series, ten seconds apart, in one database for this module."""
    store = Store(History(dsn=SecretUrl(f"chdb://{chdb_path}"), database="t_queries"))
    store.start()
    assert eventually(lambda: store.state.ready, 30)
    disk = labels(disk="sda")
    write(
        store,
        (
            sampled("thing", int(t), (FILL.name, v, ()), (FILL.name, v * 2, disk), (COUNT.name, n, ()))
            for t, v, n, gap in zip(TICKS, VALUES, INCREASES, GAP, strict=True)
            if not gap
        ),
    )
    yield store
    store.stop()


def asked(store: Store, window: Window, metric: str = FILL.name, raw_kept_s: float = 90 * DAY_S, **keys) -> SeriesSet:
    with client_of(store) as client:
        return queries.series(client, scope(store, END_S, raw_kept_s), window, (metric,), **keys)


def buckets(step_s: int, start_s: int, end_s: int, values: np.ndarray = VALUES) -> dict[int, np.ndarray]:
    """The samples of each bucket, computed here."""
    chosen = ~GAP & (start_s <= TICKS) & (end_s > TICKS)
    where = TICKS[chosen] // step_s * step_s
    return {int(bucket): values[chosen][where == bucket] for bucket in np.unique(where)}


def parts_of(answer: SeriesSet) -> dict[int, np.ndarray]:
    """The samples of each bucket of the desk's clock, computed here."""
    edges = buckets_of(answer.window.start_s, answer.window.end_s, answer.step_s, DEFAULT_ZONE).edges_s
    inside = ~GAP & (edges[0] <= TICKS) & (edges[-1] > TICKS)
    where = np.searchsorted(edges, TICKS[inside], side="right") - 1
    return {edges[place]: VALUES[inside][where == place] for place in np.unique(where)}


@pytest.mark.parametrize(
    ("hours", "step_s", "raw_kept_s", "tier"),
    [
        (6, None, 90 * DAY_S, "raw"),
        (24, 1700, 90 * DAY_S, "raw"),
        (48, None, 90 * DAY_S, "raw"),
        (48, 1800, HOUR_S, "15m"),
        (48, 4 * HOUR_S, HOUR_S, "4h"),
        (48, DAY_S, HOUR_S, "1d"),
    ],
)
def test_every_bucket_is_what_its_samples_make(
    filled: Store, hours: int, step_s: int | None, raw_kept_s: float, tier: str
) -> None:
    window = Window(T0_S, T0_S + hours * HOUR_S, step_s)
    answer = asked(filled, window, raw_kept_s=raw_kept_s, percentiles=True)
    assert answer.tier == tier
    plain, labelled = sorted(answer.of(FILL.name, "thing"), key=lambda line: line.labels)
    assert labelled.labels == (("disk", "sda"),)
    assert (labelled.label, plain.label, plain.unit, plain.step_s) == ("sda", "thing", "ratio", answer.step_s)
    expected = parts_of(answer)
    assert plain.t.tolist() == list(expected)
    np.testing.assert_allclose(plain.avg, [part.mean() for part in expected.values()])
    np.testing.assert_array_equal(plain.low, [part.min() for part in expected.values()])
    np.testing.assert_array_equal(plain.high, [part.max() for part in expected.values()])
    np.testing.assert_array_equal(plain.count, [len(part) for part in expected.values()])
    assert plain.p95 is not None
    for percentile, column in ((0.5, plain.p50), (0.95, plain.p95), (0.99, plain.p99)):
        exact = [np.quantile(part, percentile) for part in expected.values()]
        if tier == "raw":
            np.testing.assert_allclose(column, exact)
        else:  # a sketch answers with one of the values next to the rank, within its error
            low, high = (
                np.array([np.quantile(part, percentile, method=side) for part in expected.values()])
                for side in ("lower", "higher")
            )
            assert np.all(column >= low * (1 - SKETCH_ERROR) - 1e-12)
            assert np.all(column <= high * (1 + SKETCH_ERROR) + 1e-12)
    np.testing.assert_allclose(labelled.avg, plain.avg * 2)
    assert plain.last == pytest.approx(plain.avg[-1])


def test_tiers_agree_with_raw(filled: Store) -> None:
    window = Window(T0_S, END_S, 4 * HOUR_S)
    raw, rolled = (asked(filled, window, raw_kept_s=kept_s).series[0] for kept_s in (90 * DAY_S, HOUR_S))
    for column in ("t", "avg", "low", "high", "count"):
        np.testing.assert_allclose(getattr(raw, column), getattr(rolled, column))


def test_gaps_stay_gaps(filled: Store) -> None:
    line = asked(filled, Window(T0_S + 5 * HOUR_S, T0_S + 9 * HOUR_S, 600)).series[0]
    assert len(line.t) == 12
    assert np.diff(line.t).max() == 2 * HOUR_S + 600
    assert not np.isnan(line.avg).any()
    nothing = asked(filled, Window(T0_S + 6 * HOUR_S, T0_S + 8 * HOUR_S))
    assert (nothing.series, nothing.tier) == ((), "raw"), "known series, no samples"


@pytest.mark.parametrize("raw_kept_s", [90 * DAY_S, HOUR_S])
def test_counters_are_rates(filled: Store, raw_kept_s: float) -> None:
    (line,) = asked(filled, Window(T0_S, END_S, 1800), COUNT.name, raw_kept_s, percentiles=True).series
    expected = buckets(1800, T0_S, END_S, INCREASES)
    np.testing.assert_allclose(line.avg, [part.sum() / 1800 for part in expected.values()])
    np.testing.assert_allclose(line.high, [part.max() * len(part) / 1800 for part in expected.values()])
    np.testing.assert_allclose(line.low, [part.min() * len(part) / 1800 for part in expected.values()])
    assert line.p95 is not None
    assert np.all((line.p95 <= line.high) & (line.p95 >= line.avg))


def test_what_nobody_measures_is_empty(filled: Store) -> None:
    assert asked(filled, Window(T0_S, END_S), "no_such_metric").series == ()
    assert asked(filled, Window(T0_S, END_S), components=("nobody",)).series == ()
    assert asked(filled, Window(END_S + 10, END_S + 20), components=("thing",)).series == ()


def test_a_name_that_tries_to_be_sql_finds_nothing(filled: Store) -> None:
    for name in ("x'; DROP TABLE samples; --", "{ids:UInt64}", "\\", "%(x)s", "ü\x00"):
        assert asked(filled, Window(T0_S, END_S), name, components=(name,)).series == ()
    assert asked(filled, Window(T0_S, END_S)).series


def test_more_series_than_a_chart_holds_are_cut_and_said(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "MAX_SERIES", 1)
    answer = asked(filled, Window(T0_S, T0_S + HOUR_S))
    assert (len(answer.series), answer.truncated) == (1, True)


def test_summaries(filled: Store) -> None:
    with client_of(filled) as client:
        found = queries.summaries(client, scope(filled, END_S), Window(T0_S, END_S), (FILL.name,), ("thing",))
        assert queries.summaries(client, scope(filled, END_S), Window(T0_S, END_S), ("none",)) == ()
    (summary,) = [one for one in found if not one.labels]
    values = VALUES[~GAP]
    assert (summary.count, summary.low, summary.high) == (len(values), values.min(), values.max())
    assert summary.avg == pytest.approx(values.mean())
    np.testing.assert_allclose([summary.p50, summary.p95, summary.p99], np.quantile(values, [0.5, 0.95, 0.99]))


STORY = [
    ("kafka", 0, Status.OK, "fine"),
    ("kafka", 3600, Status.OK, "fine"),
    ("kafka", 7200, Status.CRITICAL, "refuses"),
    ("kafka", 7500, Status.WARNING, "slow"),
    ("kafka", 7800, Status.OK, "fine"),
    ("redis", 100, Status.OK, "fine"),
]


@pytest.fixture
def told(store: Store) -> tuple[Store, Scope]:
    """Status changes of two components over three hours; the second of kafka's is a mere heartbeat."""
    write(store, (sampled(name, T0_S + at_s, status=status, summary=why) for name, at_s, status, why in STORY[:1]))
    for one in STORY[1:]:
        name, at_s, status, why = one
        write(store, [sampled(name, T0_S + at_s, status=status, summary=why)])
    return store, scope(store, T0_S + 10800)


def test_intervals_are_clipped_and_heartbeats_merge(told: tuple[Store, Scope]) -> None:
    store, asked_of = told
    with client_of(store) as client:
        everything = queries.intervals(client, asked_of, Window(T0_S, T0_S + 10800))
        part = queries.intervals(client, asked_of, Window(T0_S + 7300, T0_S + 7600), ("kafka",))
        before = queries.intervals(client, asked_of, Window(T0_S - 7200, T0_S - 3600))
    assert [(s.component, s.status, s.start_s - T0_S, s.end_s - T0_S) for s in everything] == [
        ("kafka", Status.OK, 0, 7200),
        ("kafka", Status.CRITICAL, 7200, 7500),
        ("kafka", Status.WARNING, 7500, 7800),
        ("kafka", Status.OK, 7800, 10800),
        ("redis", Status.OK, 100, 10800),
    ]
    assert part == (
        Interval("kafka", Status.CRITICAL, T0_S + 7300, T0_S + 7500, "refuses"),
        Interval("kafka", Status.WARNING, T0_S + 7500, T0_S + 7600, "slow"),
    )
    assert before == ()


def test_changes_newest_first(told: tuple[Store, Scope]) -> None:
    store, asked_of = told
    with client_of(store) as client:
        found = queries.changes(client, asked_of, Window(T0_S, T0_S + 10800))
    assert [(c.at_s - T0_S, c.before, c.after, c.reason) for c in found] == [
        (7800, Status.WARNING, Status.OK, "fine"),
        (7500, Status.CRITICAL, Status.WARNING, "slow"),
        (7200, Status.OK, Status.CRITICAL, "refuses"),
    ]


def test_the_last_status_and_since_when(told: tuple[Store, Scope]) -> None:
    store, asked_of = told
    with client_of(store) as client:
        found = {span.component: span for span in queries.last_statuses(client, asked_of)}
    assert {name: (span.status, span.start_s - T0_S) for name, span in found.items()} == {
        "kafka": (Status.OK, 7800),
        "redis": (Status.OK, 100),
    }


def test_events_that_touch_the_window(store: Store) -> None:
    with client_of(store) as client:
        for at_s, till_s, text, deleted in ((0, None, "deploy", 0), (100, 5000, "freeze", 0), (200, None, "gone", 1)):
            till = "NULL" if till_s is None else f"toDateTime64({T0_S + till_s}, 3, 'UTC')"
            client.command(
                f"INSERT INTO {store.database}.event VALUES (generateUUIDv4(), toDateTime64({T0_S + at_s}, 3, 'UTC'), "
                f"{till}, 'note', 'kafka', 'ann', '{text}', 1, {deleted})"
            )
        found = queries.events(client, scope(store, T0_S), Window(T0_S - 10, T0_S + 1000))
        later = queries.events(client, scope(store, T0_S), Window(T0_S + 1000, T0_S + 9000))
    assert [(event.at_s - T0_S, event.text) for event in found] == [(0, "deploy"), (100, "freeze")]
    assert [(event.text, event.till_s, event.author) for event in later] == [("freeze", T0_S + 5000, "ann")]
