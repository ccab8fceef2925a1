"""Answers put together: the moving edge equals a whole reading, the period before lies on the present one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history import queries, rows
from history.answers import SeriesSet, rates, stretches
from history.reader import Reader
from history.resuming import LATE_S, WHOLE_EVERY_S
from history.rows import Sample, SeriesKey
from history.store import Store
from history.window import Window, parse_window
from probes.result import labels
from settings import DEFAULT_ZONE, History
from settings_types import SecretUrl
from tests.history.rows import COUNT, METRICS, T0_S, client_of
from tests.probes.fakes import FILL
from tests.probes.listeners import eventually

HOUR_S, DAY_S = 3600, 86400
END_S = T0_S + 2 * DAY_S
HOLE = (T0_S + DAY_S + 3 * HOUR_S, T0_S + DAY_S + 4 * HOUR_S)


@pytest.fixture(scope="module")
def kept(chdb_path: Path) -> Iterator[Store]:
    """Two days of a gauge, a counter and `probe_up`, a sample in ten seconds, with an hour's hole."""
    store = Store(History(dsn=SecretUrl(f"chdb://{chdb_path}"), database="t_answers"))
    store.start()
    assert eventually(lambda: store.state.ready, 30), store.state.error
    keys = [
        SeriesKey("thing", FILL.name),
        SeriesKey("thing", FILL.name, labels(disk="b")),
        SeriesKey("thing", COUNT.name),
    ]
    up = SeriesKey("thing", "probe_up")
    ticks = [t for t in range(T0_S, END_S, 10) if not HOLE[0] <= t < HOLE[1]]
    samples = [Sample(key.id, t, float((t - T0_S) % 7000 + n)) for n, key in enumerate([*keys, up]) for t in ticks]
    with client_of(store) as client:
        rows.insert(client, "t_answers.series", rows.series_table(rows.catalogued([*keys, up], METRICS)), "s")
        rows.insert(client, "t_answers.samples", rows.samples_table(samples), "v")
    yield store
    store.stop()


def asked(store: Store, window: Window, now_s: float, **keys) -> SeriesSet:
    scope = queries.scope_of(store.settings, DEFAULT_ZONE, now_s)
    with client_of(store) as client:
        return queries.series(client, scope, window, (FILL.name, COUNT.name), **keys)


def same(one: SeriesSet, other: SeriesSet) -> None:
    assert [(s.metric, s.labels) for s in one.series] == [(s.metric, s.labels) for s in other.series]
    for mine, theirs in zip(one.series, other.series, strict=True):
        for a, b in zip(mine.columns, theirs.columns, strict=True):
            np.testing.assert_allclose(a, b)


@pytest.mark.parametrize("percentiles", [False, True])
@pytest.mark.parametrize("hours", [1, 30])
def test_reading_on_from_an_answer_gives_what_a_whole_reading_gives(kept: Store, hours: int, percentiles: bool) -> None:
    now_s = END_S - 1800.0
    words = (f"now-{hours}h", "now")
    known = asked(kept, parse_window(*words, now_s), now_s, percentiles=percentiles)
    for later_s in (10, 400, 599):
        window = parse_window(*words, now_s + later_s)
        resumed = asked(kept, window, now_s + later_s, percentiles=percentiles, known=known)
        assert resumed.whole_s == now_s, "only its edge was read"
        assert resumed.read_s == now_s + later_s
        same(resumed, asked(kept, window, now_s + later_s, percentiles=percentiles))
        known = resumed


def test_what_cannot_be_read_on_is_read_whole(kept: Store) -> None:
    now_s = END_S - 1800.0
    window = parse_window("now-1h", "now", now_s)
    known = asked(kept, window, now_s)
    later = parse_window("now-1h", "now", now_s + 60)
    for other in (
        replace(known, tier="15m"),
        replace(known, step_s=60),
        replace(known, rows=known.rows[:1]),
        replace(known, whole_s=now_s - WHOLE_EVERY_S),
        replace(known, window=Window(window.end_s - 10, window.end_s)),
    ):
        assert asked(kept, later, now_s + 60, known=other).whole_s == now_s + 60


def test_a_late_sample_within_the_margin_is_seen(kept: Store) -> None:
    now_s = END_S - 900.0
    window = parse_window("now-1h", "now", now_s)
    known = asked(kept, window, now_s)
    key = SeriesKey("thing", FILL.name)
    late_s = int(now_s - LATE_S / 2)
    with client_of(kept) as client:
        rows.insert(client, "t_answers.samples", rows.samples_table([Sample(key.id, late_s, 1e6)]), "late")
    resumed = asked(kept, parse_window("now-1h", "now", now_s + 5), now_s + 5, known=known)
    assert max(line.high.max() for line in resumed.series) == 1e6


def test_the_reader_hands_the_last_answer_on_until_the_past_is_written_anew(kept: Store) -> None:
    seen: list[object] = []

    def question(client: object, scope: queries.Scope, known: object = None) -> int:
        seen.append(known)
        return len(seen)

    question.resumes = True  # type: ignore[attr-defined]
    reader = Reader(kept)
    for fresh_s in (60, 0, 0):
        reader.ask(question, fresh_s, 10)
    reader.outdate()
    reader.ask(question, 60, 10)
    reader.stop()
    assert seen == [None, 1, 2, None]


def test_the_period_before_lies_on_the_present_one(kept: Store) -> None:
    window = Window(T0_S + DAY_S, END_S, 900)
    answer = asked(kept, window, float(END_S), previous_s=DAY_S)
    alone = asked(kept, Window(T0_S, T0_S + DAY_S, 900), float(END_S))
    same(replace(answer, series=answer.series), asked(kept, window, float(END_S)))
    assert [(line.metric, line.labels) for line in answer.previous] == [(s.metric, s.labels) for s in alone.series]
    for moved, before in zip(answer.previous, alone.series, strict=True):
        np.testing.assert_array_equal(moved.t, before.t + DAY_S)
        for a, b in zip(moved.columns[1:], before.columns[1:], strict=True):
            np.testing.assert_allclose(a, b)


def test_a_period_before_that_overlaps(kept: Store) -> None:
    window = Window(T0_S + 12 * HOUR_S, END_S, 1800)
    answer = asked(kept, window, float(END_S), previous_s=6 * HOUR_S)
    line, before = answer.series[0], answer.previous[0]
    at = dict(zip(line.t, line.avg, strict=True))
    shared = [(v, at[t - 6 * HOUR_S]) for t, v in zip(before.t, before.avg, strict=True) if t - 6 * HOUR_S in at]
    assert len(shared) > 40
    assert all(mine == pytest.approx(theirs) for mine, theirs in shared)


def test_the_rate_of_an_unfinished_bucket_is_that_of_what_has_passed(kept: Store) -> None:
    now_s = T0_S + 6 * HOUR_S + 300.0
    (line,) = asked(kept, Window(T0_S + 5 * HOUR_S, T0_S + 7 * HOUR_S, HOUR_S), now_s).of(COUNT.name)
    ticks = np.arange(T0_S + 6 * HOUR_S, T0_S + 7 * HOUR_S, 10)
    increases = (ticks - T0_S) % 7000 + 2.0
    assert line.avg[1] == pytest.approx(increases.sum() / 300), "the store has more than now: it counts as it stands"
    assert line.avg[0] == pytest.approx(sum((t - T0_S) % 7000 + 2.0 for t in ticks - HOUR_S) / HOUR_S)


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=50), st.floats(1, 1e6))
def test_rates_are_never_negative_and_keep_their_order(increases: list[float], seconds: float) -> None:
    values = np.array(increases)
    columns = [np.array([f]) for f in (values.mean(), values.min(), values.max(), len(values))]
    avg, low, high, count = rates(columns, np.array([seconds]))
    assert 0 <= low[0] <= avg[0] * (1 + 1e-9)
    assert avg[0] <= high[0] * (1 + 1e-9)
    assert count[0] == len(values)
    assert avg[0] * seconds == pytest.approx(values.sum())


def test_what_was_observed_is_told_to_the_minute_and_to_the_quarter(kept: Store) -> None:
    with client_of(kept) as client:
        scope = queries.scope_of(kept.settings, DEFAULT_ZONE, float(END_S))
        short = queries.observed(client, scope, Window(T0_S, END_S), ("thing",))
        long = queries.observed(client, scope, Window(END_S - 60 * DAY_S, END_S), ("thing",))
        nobody = queries.observed(client, scope, Window(T0_S, END_S), ("nobody",))
    assert short == {"thing": ((T0_S, HOLE[0]), (HOLE[1], END_S))}
    assert long == {"thing": ((T0_S, HOLE[0]), (HOLE[1], END_S))}, "three hours of ninety days are still three hours"
    assert nobody == {}


def test_a_hole_is_longer_than_two_and_a_half_usual_distances() -> None:
    window = Window(0, 1000)
    assert stretches(0, 990, [(100, 130)], 10, window) == ((0, 110), (130, 1000))
    assert stretches(0, 990, [(100, 130)], 20, window) == ((0, 1000),)
    assert stretches(0, 990, [], 10, Window(2000, 3000)) == ()


def test_the_newest_sample_of_each_series_however_old(kept: Store) -> None:
    with client_of(kept) as client:
        found = queries.newest(client, queries.scope_of(kept.settings, DEFAULT_ZONE, END_S + 1e8))
    newest = {(each.row.key.metric, each.row.key.labels): (each.at_s, each.value) for each in found}
    last_s = END_S - 10
    assert newest[(COUNT.name, ())] == (last_s, float((last_s - T0_S) % 7000 + 2))
    assert len(newest) == 4


def test_the_hours_of_the_week_are_the_desks(kept: Store) -> None:
    scope = queries.scope_of(kept.settings, "Europe/Berlin", float(END_S))
    with client_of(kept) as client:
        found = queries.hours_of_week(client, scope, Window(T0_S, END_S), (FILL.name,), ("thing",))
        assert queries.hours_of_week(client, scope, Window(T0_S, END_S), ("nothing",)) == ()
    assert len(found) == 2
    seen = np.isfinite(found[0].peak)
    assert int(seen.sum()) == 47, "two days less the hole"
    assert np.all(found[0].p95[seen] <= found[0].peak[seen])
    (day, hour) = 2, 14  # T0_S is Monday 21 September 2026, 16:00 UTC: Wednesday 14:00 in Berlin is 44 hours later
    start_s = T0_S + 44 * HOUR_S
    assert found[0].peak[day, hour] == max((t - T0_S) % 7000 for t in range(start_s, start_s + HOUR_S, 10))
