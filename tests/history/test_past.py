"""What the history answers about a past moment, against what was written; the embedded engine."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from history import queries
from history.queries import Past, Scope
from history.store import Store
from probes.result import Status, labels, utc
from settings import History
from settings_types import SecretUrl
from tests.history.rows import T0_S, client_of, sampled, scope, write
from tests.probes.fakes import FILL
from tests.probes.listeners import eventually

MIN_S, HOUR_S, DAY_S = 60, 3600, 86400
DOWN_S, UP_S = T0_S + 2 * HOUR_S + 7, T0_S + 2 * HOUR_S + 20 * MIN_S
HOLE_S = (T0_S + 4 * HOUR_S + 100, T0_S + 6 * HOUR_S)
LATE_S = T0_S + 3 * HOUR_S
END_S = T0_S + 8 * HOUR_S
SDA = labels(disk="sda")


@pytest.fixture(scope="module")
def filled(chdb_path: Path) -> Iterator[Store]:
    """Eight hours of `db`, down for a while, with a hole in which nobody looked; `late` joins after three hours."""
    store = Store(History(dsn=SecretUrl(f"chdb://{chdb_path}"), database="t_past"))
    store.start()
    assert eventually(lambda: store.state.ready, 30)
    ticks = [t for t in range(T0_S, END_S, 10) if not HOLE_S[0] <= t < HOLE_S[1]]
    db = []
    for t in ticks:
        down = DOWN_S <= t + 7 < UP_S
        value = (t - T0_S) / HOUR_S
        readings = [] if down else [(FILL.name, value, ()), (FILL.name, 2 * value, SDA)]
        one = sampled("db", t, *readings, status=Status.CRITICAL if down else Status.OK, summary=f"value {value:g}")
        db.append(replace(one, checked_at=utc(t + 7.25), latency_ms=4.0))
    write(store, db)
    write(store, (sampled("late", t) for t in ticks if t >= LATE_S))
    yield store
    store.stop()


def asked(store: Store, at_s: int, *, raw_kept_s: float = 90 * DAY_S, now_s: float = END_S) -> Past:
    with client_of(store) as client:
        return queries.as_it_was(client, scope(store, now_s, raw_kept_s), at_s, (FILL.name,), (FILL.name,))


def test_a_status_is_told_with_its_beginning_its_last_sentence_and_its_next_change(filled: Store) -> None:
    at_s = T0_S + HOUR_S + 30 * MIN_S
    (db,) = asked(filled, at_s).recorded
    assert (db.component, db.status) == ("db", Status.OK)
    assert db.since_s == T0_S + 7.25
    assert db.said_s == pytest.approx(T0_S + HOUR_S + 7.25, abs=30)  # the heartbeat of every hour
    assert db.reason.startswith("value 1")
    assert (db.next_s, db.next_status) == (DOWN_S + 0.25, Status.CRITICAL)


def test_the_moment_after_a_change_shows_it_and_leads_to_its_neighbours(filled: Store) -> None:
    first = asked(filled, T0_S + HOUR_S)
    assert first.after_s == DOWN_S + 1  # the whole second from which the change is seen
    assert first.before_s is None  # the first record of all is no change
    down = asked(filled, first.after_s)
    assert down.recorded[0].status is Status.CRITICAL
    assert down.before_s is None
    up = asked(filled, down.after_s or 0)
    assert up.recorded[0].status is Status.OK
    assert up.before_s == first.after_s
    assert asked(filled, (up.before_s or 0) + 1).before_s == first.after_s
    assert asked(filled, END_S).after_s is None


def test_a_component_that_joins_later_is_the_next_change_and_not_there_before(filled: Store) -> None:
    before = asked(filled, T0_S + 2 * HOUR_S + 30 * MIN_S)
    assert [found.component for found in before.recorded] == ["db"]
    assert before.after_s == LATE_S
    assert [found.component for found in asked(filled, LATE_S).recorded] == ["db", "late"]


def test_figures_are_the_nearest_samples_at_or_before_the_moment(filled: Store) -> None:
    at_s = T0_S + HOUR_S + 13
    found = {figure.row.key: figure for figure in asked(filled, at_s).figures}
    values = {key.labels: figure for key, figure in found.items() if key.metric == FILL.name}
    assert values[()].at_s == T0_S + HOUR_S + 10
    assert values[()].value == pytest.approx((HOUR_S + 10) / HOUR_S, rel=1e-3)
    assert values[SDA].value == pytest.approx(2 * (HOUR_S + 10) / HOUR_S, rel=1e-3)
    assert {figure.usual_s for figure in found.values()} == {10}
    assert all(figure.fresh(at_s, 5) for figure in found.values())


def test_the_course_ends_before_the_moment(filled: Store) -> None:
    at_s = T0_S + 2 * HOUR_S + 30
    course = next(line for line in asked(filled, at_s).courses if not line.labels)
    assert (course.t[0], course.t[-1], len(course.t)) == (T0_S + HOUR_S, T0_S + 2 * HOUR_S - 60, 60)
    assert course.avg[-1] == pytest.approx((2 * HOUR_S - 35) / HOUR_S, rel=1e-3)


def test_a_moment_nobody_looked_at_names_the_looks_around_it(filled: Store) -> None:
    at_s = HOLE_S[0] + HOUR_S
    hole = asked(filled, at_s)
    assert hole.recorded[0].status is Status.OK  # what is on record; that nobody looked is said beside it
    looks = [figure for figure in hole.figures if figure.row.key.metric == "probe_up"]
    assert not any(figure.fresh(at_s, 22) for figure in looks)
    assert (hole.looked_s, hole.looks_s) == (HOLE_S[0] - 10, HOLE_S[1])
    seen = asked(filled, HOLE_S[0] + 10)
    assert (seen.looked_s, seen.looks_s) == (None, None)


def test_before_the_first_record_there_is_only_where_it_begins(filled: Store) -> None:
    nothing = asked(filled, T0_S - DAY_S)
    assert (nothing.recorded, nothing.figures, nothing.courses) == ((), (), ())
    assert nothing.first_s == T0_S + 7.25
    assert nothing.after_s == T0_S + 8
    assert nothing.looks_s == T0_S


def test_an_empty_history_knows_nothing_and_fails_at_nothing(chdb_path: Path) -> None:
    store = Store(History(dsn=SecretUrl(f"chdb://{chdb_path}"), database="t_past_empty"))
    store.start()
    assert eventually(lambda: store.state.ready, 30)
    found = asked(store, T0_S)
    store.stop()
    assert (found.recorded, found.figures, found.before_s, found.after_s, found.first_s) == ((), (), None, None, None)


def test_where_no_samples_are_kept_the_roll_up_tells_its_average(filled: Store) -> None:
    at_s = T0_S + 2 * HOUR_S + 22 * MIN_S
    old = asked(filled, at_s, raw_kept_s=HOUR_S, now_s=T0_S + 30 * DAY_S)
    assert old.width_s == 900
    value = next(f for f in old.figures if f.row.key.metric == FILL.name and not f.row.key.labels)
    assert value.at_s == T0_S + 2 * HOUR_S + 15 * MIN_S
    inside = [t for t in range(int(value.at_s), int(value.at_s) + 900, 10) if t + 7 >= UP_S]
    assert value.value == pytest.approx(sum((t - T0_S) / HOUR_S for t in inside) / len(inside), rel=1e-3)
    hole = asked(filled, HOLE_S[0] + HOUR_S, raw_kept_s=HOUR_S, now_s=T0_S + 30 * DAY_S)
    assert (hole.looked_s, hole.looks_s) == (T0_S + 4 * HOUR_S, HOLE_S[1])


def test_years_back_the_days_answer(filled: Store) -> None:
    years = Scope(filled.database, HOUR_S, T0_S + 900 * DAY_S, 30 * DAY_S, 60 * DAY_S)
    with client_of(filled) as client:
        found = queries.as_it_was(client, years, T0_S + HOUR_S, (FILL.name,), (FILL.name,))
    assert found.width_s == DAY_S
    assert found.recorded[0].status is Status.OK


def test_a_status_older_than_the_reach_has_no_beginning_that_could_be_told(filled: Store) -> None:
    with client_of(filled) as client:
        client.command(
            f"INSERT INTO {filled.database}.status_change (component, ts, status, reason) "
            f"SELECT 'steady', toDateTime64({END_S}, 3, 'UTC') + number * 3600, 'ok', 'fine' FROM numbers({100 * 24})"
        )
    found = {recorded.component: recorded for recorded in asked(filled, END_S + 95 * DAY_S).recorded}
    assert (found["steady"].status, found["steady"].since_s) == (Status.OK, None)
    early = {recorded.component: recorded for recorded in asked(filled, END_S + 80 * DAY_S).recorded}
    assert early["steady"].since_s == END_S
