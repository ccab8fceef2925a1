"""A series with planted answers, written and asked as the program does."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.questions import Course, course
from history.buckets import DAY_S, WEEK_S
from history.queries import scope_of
from history.rows import SeriesKey, SeriesRow, columns_table, insert, series_table
from history.store import Store
from history.window import Window
from settings import DEFAULT_ZONE, History, Retention
from settings_types import SecretUrl
from tests.history.rows import client_of
from tests.probes.listeners import eventually

ZONE = ZoneInfo(DEFAULT_ZONE)
GAUGE, COUNTER = SeriesKey("host", "load_ratio"), SeriesKey("kafka", "messages_total")
STEP_S = 300
Floats = NDArray[np.float64]


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp())


END_S = at("2026-11-24T12:00")
START_S = END_S - 12 * WEEK_S
T = np.arange(START_S, END_S, STEP_S)
SPIKE_S, STEP_UP_S = at("2026-11-23T14:00"), at("2026-11-24T02:00")


def busy() -> Floats:
    moments = [datetime.fromtimestamp(int(each), ZONE) for each in T]
    return np.array([100.0 if m.weekday() < 5 and 9 <= m.hour < 17 else 10.0 for m in moments])


@pytest.fixture(scope="module")
def filled(chdb_path: Path) -> Iterator[Store]:
    """Twelve weeks that end in the zone's standard time and begin in its summer time."""
    store = Store(History(dsn=SecretUrl(f"chdb://{chdb_path}"), database="t_usual"))
    store.start()
    assert eventually(lambda: store.state.ready, 30)
    chance = np.random.default_rng(3)
    values = busy() * np.exp(chance.normal(0, 0.1, len(T))) * (1 + 0.02 * (T - START_S) / WEEK_S)
    values[(T >= SPIKE_S) & (T < SPIKE_S + 1800)] *= 6
    values[T >= STEP_UP_S] *= 2
    increases = chance.poisson(busy() * 30).astype(np.float64)
    with client_of(store) as client:
        rows = [SeriesRow(GAUGE, "count", "gauge"), SeriesRow(COUNTER, "messages", "counter")]
        insert(client, f"{store.database}.series", series_table(rows), "series")
        for key, column in ((GAUGE, values), (COUNTER, increases)):
            ids = np.full(len(T), key.id, np.uint64)
            insert(client, f"{store.database}.samples", columns_table(ids, T, column), key.metric)
    yield store
    store.stop()


def asked(store: Store, start_s: int, end_s: int = END_S, key: SeriesKey = GAUGE, **kept: str) -> Course:
    settings = store.settings.model_copy(update={"retention": Retention.model_validate(kept)})
    with client_of(store) as client:
        return course(client, scope_of(settings, DEFAULT_ZONE, float(END_S)), Window(start_s, end_s), key)


@pytest.mark.parametrize("days", [1, 7, 30])
def test_the_band_follows_the_season_at_every_range(filled: Store, days: int) -> None:
    found = asked(filled, at("2026-11-23T12:00") - days * DAY_S, at("2026-11-23T12:00"))
    line, band = found.line, found.usual.band
    assert line is not None
    assert band is not None
    assert band.weeks == 5
    if days >= 7:  # enough to tell the growth from the noise
        assert found.usual.message == "usual: same hours of the 5 weeks before, carried on as they rose"
    assert set(line.t) <= set(band.t)
    place = np.searchsorted(band.t, line.t)
    inside = (line.avg >= band.low[place]) & (line.avg <= band.high[place])
    assert inside.mean() > 0.85
    assert found.changes == ()


def test_a_planted_spike_and_a_planted_change_of_level_are_found(filled: Store) -> None:
    found = asked(filled, END_S - 2 * DAY_S)
    spike = max(found.outside, key=lambda stretch: stretch.value)
    assert (spike.start_s, spike.end_s) == (SPIKE_S, SPIKE_S + 1800)
    (change,) = found.changes
    assert abs(change.at_s - STEP_UP_S) <= STEP_S
    assert change.after / change.before == pytest.approx(2, rel=0.1)
    assert found.trend is None


def test_weeks_have_a_trend_in_words(filled: Store) -> None:
    found = asked(filled, START_S, at("2026-11-22T00:00"))
    assert found.usual.band is None
    assert found.usual.message == "What is usual is told of up to 5 weeks."
    assert found.trend is not None
    assert found.trend.clear
    assert found.trend.message.startswith("rises 1.8 % a week (")
    assert found.outside == ()


def test_a_counter_is_judged_by_its_rate(filled: Store) -> None:
    found = asked(filled, END_S - WEEK_S, key=COUNTER)
    line, band = found.line, found.usual.band
    assert line is not None
    assert band is not None
    assert line.unit == "messages/s"
    assert float(np.median(band.middle[band.middle > 5])) == pytest.approx(100 * 30 / STEP_S, rel=0.05)


def test_too_young_a_series_and_an_unknown_one_say_so(filled: Store) -> None:
    young = asked(filled, START_S + WEEK_S, START_S + WEEK_S + DAY_S)
    assert young.usual.band is None
    assert young.usual.message == "What is usual needs 3 weeks of the past at these hours; there is 1."
    unknown = asked(filled, END_S - DAY_S, key=SeriesKey("host", "nothing"))
    assert (unknown.line, unknown.changes, unknown.trend) == (None, (), None)


def test_where_samples_are_kept_for_days_only_long_ranges_still_have_a_band(filled: Store) -> None:
    short = asked(filled, END_S - 3600, raw="10d")
    assert short.line is not None
    assert short.usual.band is None
    assert short.usual.message == "What is usual is not told: single samples of the last 5 weeks are not kept."
    long = asked(filled, END_S - 2 * DAY_S, raw="10d")
    assert long.line is not None
    assert long.usual.band is not None
    assert long.line.step_s == 900


def test_days_unlike_others_have_no_band(filled: Store) -> None:
    holiday = (float(at("2026-11-20T00:00")), float(at("2026-11-21T00:00")))
    with client_of(filled) as client:
        scope = scope_of(filled.settings, DEFAULT_ZONE, float(END_S))
        found = course(client, scope, Window(at("2026-11-19T00:00"), at("2026-11-22T00:00")), GAUGE, (holiday,))
    band = found.usual.band
    assert band is not None
    inside = (band.t >= holiday[0]) & (band.t < holiday[1])
    assert np.isnan(band.middle[inside]).all()
    assert np.isfinite(band.middle[~inside]).all()
