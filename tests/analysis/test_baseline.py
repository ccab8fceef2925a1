from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.baseline import WEEKS, Band, excursions, seasonal_band, wall_clock_s
from history.buckets import DAY_S, WEEK_S, buckets, earlier

NEW_YORK = ZoneInfo("America/New_York")
QUARTER_S = 900
Floats = NDArray[np.float64]


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp())


def open_hours(t: Floats) -> NDArray[np.bool_]:
    """Weekdays, 09:30 to 16:00 on the desk's clock, told without the module under test."""
    moments = [datetime.fromtimestamp(float(each), NEW_YORK) for each in t]
    return np.array([m.weekday() < 5 and 9.5 <= m.hour + m.minute / 60 < 16 for m in moments])


def busy(t: Floats, noise: float, seed: int = 3) -> Floats:
    """Ten times as much while the market is open, with noise of each level's own size."""
    chance = np.random.default_rng(seed)
    found: Floats = np.where(open_hours(t), 100.0, 10.0) * np.exp(chance.normal(0, noise, len(t)))
    return found


def level(t: Floats, noise: float, seed: int = 3) -> Floats:
    """A wave over the day around zero, with noise of one size."""
    chance = np.random.default_rng(seed)
    found: Floats = np.sin(wall_clock_s(t, NEW_YORK) / DAY_S * 2 * np.pi) + chance.normal(0, noise, len(t))
    return found


def window(start: str, length_s: int = 5 * DAY_S, step_s: int = QUARTER_S) -> Floats:
    return np.array(buckets(at(start), at(start) + length_s, step_s, NEW_YORK.key).edges_s[:-1], dtype=np.float64)


def weeks_before(t: Floats, step_s: int = QUARTER_S, weeks: int = WEEKS) -> Floats:
    """The same hours of the weeks before, by the desk's clock."""
    present = buckets(int(t[0]), int(t[-1]) + step_s, step_s, NEW_YORK.key)
    found = [earlier(present, number * WEEK_S, NEW_YORK.key).edges_s[:-1] for number in range(weeks, 0, -1)]
    return np.concatenate(found).astype(np.float64)


def band_of(t: Floats, past_t: Floats, past: Floats, step_s: int = QUARTER_S, **more) -> Band:
    found = seasonal_band(t, past_t, past, NEW_YORK, step_s, **more)
    assert found.band is not None, found.message
    return found.band


def covered(band: Band, values: Floats) -> float:
    return float(np.mean((values >= band.low) & (values <= band.high)))


@pytest.mark.parametrize("course", [busy, level])
@pytest.mark.parametrize(("length_s", "step_s"), [(6 * 3600, 30), (DAY_S, 300), (5 * DAY_S, 900), (30 * DAY_S, 3600)])
def test_season_and_noise_are_covered_at_every_width_of_bucket(
    course: Callable[..., Floats], length_s: int, step_s: int
) -> None:
    t = window("2026-06-01T00:00", length_s, step_s)
    past_t = weeks_before(t[: WEEK_S // step_s], step_s)
    band = band_of(t, past_t, course(past_t, 0.2), step_s)
    assert 0.90 <= covered(band, course(t, 0.2, seed=4)) <= 0.97
    assert band.weeks == WEEKS
    assert len(band.t) == len(band.low) == len(band.high) == len(t)


def test_the_band_is_as_wide_as_the_noise_of_its_hour() -> None:
    t = window("2026-06-01T00:00")
    past_t = weeks_before(t)
    band = band_of(t, past_t, busy(past_t, 0.1))
    day = open_hours(t)
    for hours, usual in ((day, 100), (~day, 10)):
        assert float(np.median(band.middle[hours])) == pytest.approx(usual, rel=0.03)
        assert float(np.median(band.high[hours] / band.middle[hours])) == pytest.approx(np.exp(0.1 * 1.96), rel=0.1)


@pytest.mark.parametrize("monday", ["2026-03-09T00:00", "2026-11-02T00:00"])
def test_the_open_stays_at_its_hour_of_the_desk_across_a_change_of_the_clock(monday: str) -> None:
    t = window(monday, DAY_S)
    past_t = weeks_before(t)
    band = band_of(t, past_t, np.where(open_hours(past_t), 100.0, 10.0))
    np.testing.assert_allclose(band.middle, np.where(open_hours(t), 100.0, 10.0))


def test_the_day_of_the_change_itself_has_a_band() -> None:
    for sunday, hours in (("2026-03-08T00:00", 23), ("2026-11-01T00:00", 25)):
        t = window(sunday, hours * 3600)
        past_t = weeks_before(window(sunday, DAY_S))
        band = band_of(t, past_t, level(past_t, 0.1))
        assert np.isfinite(band.middle).mean() > 0.95


def test_a_planted_spike_is_outside_and_told_how_far() -> None:
    t = window("2026-06-01T00:00")
    past_t = weeks_before(t)
    band = band_of(t, past_t, busy(past_t, 0.1))
    values = busy(t, 0.1, seed=4)
    spike = slice(140, 143)
    values[spike] = (300, 500, 400)
    (found,) = excursions(t, values, band, QUARTER_S, least=3)
    assert (found.start_s, found.end_s, found.peak_s) == (t[140], t[143], t[141])
    assert found.value == 500
    assert found.usual < found.edge < 200 < 5 * found.usual
    assert found.distance == pytest.approx(np.log(500 / found.edge) / np.log(found.edge / found.usual))


def test_a_fall_to_nothing_is_far_although_nothing_lies_below_zero() -> None:
    t = window("2026-06-01T00:00")
    past_t = weeks_before(t)
    band = band_of(t, past_t, busy(past_t, 0.3))
    values = busy(t, 0.1, seed=4)
    values[140:150] = 0.0
    (found,) = excursions(t, values, band, QUARTER_S)
    assert (found.start_s, found.end_s, found.value) == (t[140], t[150], 0.0)


def test_noise_alone_is_rarely_worth_a_mark() -> None:
    t = window("2026-06-01T00:00")
    past_t = weeks_before(t)
    band = band_of(t, past_t, busy(past_t, 0.2))
    values = busy(t, 0.2, seed=5)
    assert len(excursions(t, values, band, QUARTER_S)) <= 0.002 * len(t)
    assert len(excursions(t, values, band, QUARTER_S, least=0)) >= 0.02 * len(t)


def test_a_hole_ends_a_stretch() -> None:
    t = window("2026-06-01T00:00")
    band = Band(t, *(np.full(len(t), value) for value in (9.0, 10.0, 11.0)))
    kept = np.concatenate([t[10:12], t[40:42]])
    assert [(e.start_s, e.end_s) for e in excursions(kept, np.full(4, 20.0), band, QUARTER_S)] == [
        (t[10], t[12]),
        (t[40], t[42]),
    ]


def test_an_incident_of_one_week_neither_moves_nor_widens_the_band() -> None:
    t = window("2026-06-01T00:00")
    past_t = weeks_before(t)
    calm = busy(past_t, 0.1)
    struck = calm.copy()
    struck[600:640] *= 20  # ten hours of the second week
    before, after = band_of(t, past_t, calm), band_of(t, past_t, struck)
    np.testing.assert_allclose(after.middle, before.middle, rtol=0.2)
    assert float(np.median(after.high / before.high)) == pytest.approx(1, abs=0.01)
    assert float(np.max(after.high / before.high)) < 2


def test_a_holiday_tells_nothing_and_is_told_nothing_of() -> None:
    t = window("2026-11-30T00:00")
    past_t = weeks_before(t)
    thanksgiving = (float(at("2026-11-26T00:00")), float(at("2026-11-27T00:00")))
    quiet = (past_t >= thanksgiving[0]) & (past_t < thanksgiving[1])
    past = np.where(quiet, 1.0, busy(past_t, 0.1))
    with_it = band_of(t, past_t, past, excluded=[thanksgiving])
    without = band_of(t, past_t[~quiet], past[~quiet])
    np.testing.assert_array_equal(with_it.low, without.low)
    itself = window("2026-11-23T00:00")
    before = weeks_before(itself)
    band = band_of(itself, before, busy(before, 0.1), excluded=[thanksgiving])
    inside = (itself >= thanksgiving[0]) & (itself < thanksgiving[1])
    assert np.isnan(band.middle[inside]).all()
    assert np.isfinite(band.middle[~inside]).all()


def test_a_range_of_holidays_only_says_so() -> None:
    t = window("2026-11-26T00:00", DAY_S)
    past_t = weeks_before(t)
    found = seasonal_band(t, past_t, busy(past_t, 0.1), NEW_YORK, QUARTER_S, [(t[0], t[-1] + QUARTER_S)])
    assert found.band is None
    assert found.message == "What is usual is not told: the range has no day that is like others."


@pytest.mark.parametrize(("weeks", "seen"), [(0, "there are none"), (1, "there is 1"), (2, "there are 2"), (3, "")])
def test_too_little_past_is_a_sentence(weeks: int, seen: str) -> None:
    t = window("2026-06-01T00:00")
    past_t = weeks_before(t, weeks=weeks) if weeks else np.zeros(0)
    found = seasonal_band(t, past_t, np.ones(len(past_t)), NEW_YORK, QUARTER_S)
    if seen:
        assert found.band is None
        assert found.message == f"What is usual needs 3 weeks of the past at these hours; {seen}."
    else:
        assert found.band is not None
        assert found.message == "usual: same hours of the 3 weeks before"


def test_what_grew_every_week_is_taken_to_grow_on() -> None:
    t = window("2026-06-01T00:00", 14 * DAY_S)
    past_t = weeks_before(t[: WEEK_S // QUARTER_S])
    grown = [busy(each, 0.1, seed=6) * 1.05 ** ((each - t[0]) / WEEK_S) for each in (past_t, t)]
    found = seasonal_band(t, past_t, grown[0], NEW_YORK, QUARTER_S)
    assert found.band is not None
    assert found.message == "usual: same hours of the 5 weeks before, carried on as they rose"
    assert 0.9 <= covered(found.band, grown[1]) <= 0.97
    back_and_forth = grown[0] * np.where((past_t - t[0]) // WEEK_S == -3, 1.5, 1.0)
    assert seasonal_band(t, past_t, back_and_forth, NEW_YORK, QUARTER_S).message.endswith("5 weeks before")


def test_hours_too_few_weeks_tell_of_stay_empty() -> None:
    t = window("2026-06-01T00:00", DAY_S)
    past_t = weeks_before(t)
    morning = (wall_clock_s(past_t, NEW_YORK) % DAY_S < 6 * 3600) & (past_t < t[0] - 2 * WEEK_S - DAY_S / 2)
    band = band_of(t, past_t[~morning], busy(past_t[~morning], 0.1))
    assert np.isnan(band.middle[:20]).all()
    assert np.isfinite(band.middle[30:]).all()


def test_what_never_moves_has_a_band_without_width_and_any_move_is_far() -> None:
    t = window("2026-06-01T00:00", DAY_S)
    past_t = weeks_before(t)
    for usual in (0.0, 7.0):
        band = band_of(t, past_t, np.full(len(past_t), usual))
        assert band.low.tolist() == band.high.tolist() == pytest.approx([usual] * len(t))
        values = np.full(len(t), usual)
        values[5] = usual + 1
        (found,) = excursions(t, values, band, QUARTER_S)
        assert found.start_s == t[5]


def test_a_band_of_what_is_never_negative_is_never_negative() -> None:
    t = window("2026-06-01T00:00", DAY_S)
    past_t = weeks_before(t)
    counts = np.random.default_rng(2).poisson(1.5, len(past_t)).astype(float)
    assert float(band_of(t, past_t, counts).low.min()) >= 0


def test_the_clock_of_the_wall_is_that_of_the_zone() -> None:
    for moment in ("2026-03-08T03:30", "2026-07-01T12:00", "2026-11-01T00:59"):
        shown = datetime(1970, 1, 1) + timedelta(
            seconds=float(wall_clock_s(np.array([at(moment)], dtype=float), NEW_YORK)[0])
        )
        assert shown == datetime.fromisoformat(moment)
