"""The same questions to the embedded engine and, over HTTP, to a server: the answers are those of numpy."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from history import queries, rows
from history.answers import Series
from history.queries import MAX_SERIES, Scope
from history.rows import Sample, SeriesKey
from history.store import Store
from history.window import Window
from probes.result import Status, labels
from settings import History
from settings_types import SecretUrl
from tests.clickhouse_http import clickhouse_process
from tests.history.rows import COUNT, METRICS, T0_S, client_of, count, sampled, scope, write
from tests.probes.fakes import FILL
from tests.probes.listeners import eventually

HOUR_S, DAY_S = 3600, 86400
END_S = T0_S + 3 * DAY_S
FOR_EVER_S = 3650.0 * DAY_S
Floats = NDArray[np.float64]


def irregular(seed: int) -> tuple[Floats, Floats]:
    """Times with jitter and holes of every length, and values of every size and sign."""
    random = np.random.default_rng(seed)
    t = T0_S + np.flatnonzero(random.random(3 * DAY_S // 20) < 0.4) * 20
    for start in random.integers(0, 3 * DAY_S, 6):
        t = t[(t < T0_S + start) | (t >= T0_S + start + random.integers(60, 8 * HOUR_S))]
    return t.astype(np.float64), random.normal(0, 1, len(t)) * 10.0 ** random.integers(-6, 7, len(t))


T, VALUES = irregular(11)


@pytest.fixture(scope="module", params=["embedded", "http"])
def backend(request: pytest.FixtureRequest, chdb_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "embedded":
        yield f"chdb://{chdb_path}"
    else:
        with clickhouse_process(tmp_path_factory.mktemp("backend")) as server:
            yield server.dsn


@pytest.fixture(scope="module")
def kept(backend: str) -> Iterator[Store]:
    """Three irregular days, 201 equal series, and 200 components with 90 days of hourly heartbeats."""
    store = Store(History(dsn=SecretUrl(backend), database="t_backends", flush="1h"))
    store.start()
    assert eventually(lambda: store.state.ready, 30), store.state.error
    wave, sums = SeriesKey("thing", FILL.name), SeriesKey("thing", COUNT.name)
    many = [SeriesKey("many", FILL.name, labels(disk=f"d{index:03}")) for index in range(MAX_SERIES + 1)]
    points = zip(T, VALUES, strict=True)
    samples = [s for t, v in points for s in (Sample(wave.id, int(t), v), Sample(sums.id, int(t), abs(v)))]
    samples += [Sample(key.id, T0_S, 1.0) for key in many]
    with client_of(store) as client:
        rows.insert(client, "t_backends.series", rows.series_table(rows.catalogued([wave, sums, *many], METRICS)), "s")
        rows.insert(client, "t_backends.samples", rows.samples_table(samples), "v")
        client.command(
            "INSERT INTO t_backends.status_change SELECT 'c' || leftPad(toString(number % 200), 3, '0'), "
            f"toDateTime64({T0_S}, 3, 'UTC') - intDiv(number, 200) * 3600, 'ok', 'fine' FROM numbers(440000)"
        )
    yield store
    store.stop()


def line_of(store: Store, window: Window, raw_kept_s: float, metric: str = FILL.name) -> tuple[Series | None, str]:
    with client_of(store) as client:
        asked = Scope(store.database, raw_kept_s, float(END_S))
        answer = queries.series(client, asked, window, (metric,), ("thing",), percentiles=True)
    assert len(answer.series) <= 1
    return (answer.series[0] if answer.series else None), answer.tier


def parts(step_s: int, window: Window) -> dict[int, Floats]:
    """The values in each bucket of `window`, computed without the database."""
    wide = window.aligned(step_s)
    inside = (wide.start_s <= T) & (wide.end_s > T)
    where = (T[inside] // step_s * step_s).astype(int)
    return {int(bucket): VALUES[inside][where == bucket] for bucket in np.unique(where)}


@settings(max_examples=12)
@given(st.integers(0, 3 * DAY_S - 60), st.integers(60, 3 * DAY_S), st.integers(10, 2 * HOUR_S))
def test_min_average_max_count_and_p95_are_those_of_the_raw_samples(
    kept: Store, offset_s: int, length_s: int, step_s: int
) -> None:
    step_s = max(step_s, length_s // 9000)
    window = Window(T0_S + offset_s, T0_S + offset_s + length_s, step_s)
    line, tier = line_of(kept, window, FOR_EVER_S)
    expected = parts(step_s, window)
    assert tier == "raw"
    assert (line.t.tolist() if line else []) == list(expected), "a bucket without samples has no point"
    if line is None:
        return
    groups = list(expected.values())
    np.testing.assert_allclose(line.avg, [part.mean() for part in groups], rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(line.low, [part.min() for part in groups])
    np.testing.assert_array_equal(line.high, [part.max() for part in groups])
    np.testing.assert_array_equal(line.count, [len(part) for part in groups])
    assert line.p95 is not None
    np.testing.assert_allclose(line.p95, [float(np.quantile(part, 0.95)) for part in groups], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("step_s", "tier"), [(900, "15m"), (2700, "15m"), (HOUR_S, "15m"), (4 * HOUR_S, "4h"), (DAY_S, "1d")]
)
def test_a_roll_up_says_what_the_raw_samples_say(kept: Store, step_s: int, tier: str) -> None:
    window = Window(T0_S, END_S, step_s)
    (raw, _), (rolled, used) = (line_of(kept, window, kept_s) for kept_s in (FOR_EVER_S, 0.0))
    assert used == tier
    assert raw is not None
    assert rolled is not None
    for column in ("t", "low", "high", "count"):
        np.testing.assert_array_equal(getattr(raw, column), getattr(rolled, column), column)
    np.testing.assert_allclose(rolled.avg * rolled.count, raw.avg * raw.count, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("raw_kept_s", [FOR_EVER_S, 0.0])
def test_counters_are_rates_in_every_tier(kept: Store, raw_kept_s: float) -> None:
    window = Window(T0_S, END_S, HOUR_S)
    line, _ = line_of(kept, window, raw_kept_s, COUNT.name)
    assert line is not None
    sums = [np.abs(part).sum() / HOUR_S for part in parts(HOUR_S, window).values()]
    np.testing.assert_allclose(line.avg, sums, rtol=1e-9)


def test_series_beyond_the_limit_are_left_out_and_said(kept: Store) -> None:
    window = Window(T0_S, T0_S + HOUR_S)
    with client_of(kept) as client:
        answer = queries.series(client, scope(kept, END_S), window, (FILL.name,), ("many",))
        few = queries.series(client, scope(kept, END_S), window, (FILL.name,), ("thing",))
    assert (len(answer.series), answer.truncated, few.truncated) == (MAX_SERIES, True, False)
    assert (answer.total > MAX_SERIES, few.total) == (True, len(few.rows))


def test_ninety_days_of_heartbeats_hide_no_component(kept: Store) -> None:
    with client_of(kept) as client:
        found = queries.last_statuses(client, scope(kept, T0_S + 10))
    assert [span.component for span in found] == [f"c{index:03}" for index in range(200)]
    assert {span.start_s for span in found} == {T0_S + 10 - 90 * DAY_S}, "unchanged since before the ninety days"


def test_status_and_its_changes(kept: Store) -> None:
    story = [(0, Status.OK), (3600, Status.OK), (7200, Status.CRITICAL), (7300, Status.OK), (7400, Status.CRITICAL)]
    for at_s, status in story:  # a recorder each: every start of the program writes the status it finds
        write(kept, [sampled("broker", T0_S + at_s, status=status, summary=f"at {at_s}")])
    window = Window(T0_S + 5000, T0_S + 8000)
    with client_of(kept) as client:
        asked = scope(kept, T0_S + 8000)
        spans = queries.intervals(client, asked, window, ("broker",))
        changes = queries.changes(client, asked, window, ("broker",))
    assert [(s.start_s - T0_S, s.end_s - T0_S, s.status, s.reason) for s in spans] == [
        (5000, 7200, Status.OK, "at 0"),
        (7200, 7300, Status.CRITICAL, "at 7200"),
        (7300, 7400, Status.OK, "at 7300"),
        (7400, 8000, Status.CRITICAL, "at 7400"),
    ]
    assert [(c.at_s - T0_S, c.before, c.after) for c in changes] == [
        (7400, Status.OK, Status.CRITICAL),
        (7300, Status.CRITICAL, Status.OK),
        (7200, Status.OK, Status.CRITICAL),
    ]


def test_the_same_token_counts_once_on_every_backend(kept: Store) -> None:
    key = SeriesKey("twice", FILL.name)
    weeks = [Sample(key.id, T0_S + week * 7 * DAY_S, 1.0) for week in range(-3, 3)]
    with client_of(kept) as client:
        for _ in range(3):
            rows.insert(client, "t_backends.samples", rows.samples_table(weeks), "one token")
    for table, what in (("samples", "count()"), ("samples_15m", "sum(cnt)"), ("samples_4h", "sum(cnt)")):
        assert count(kept, f"{table} WHERE series_id = {key.id}", what) == len(weeks), table


def test_what_nobody_measures_is_empty_and_events_come_back(kept: Store) -> None:
    with client_of(kept) as client:
        asked = scope(kept, END_S)
        assert queries.series(client, asked, Window(T0_S, END_S), ("no_such_metric",)).series == ()
        assert queries.series(client, asked, Window(T0_S - DAY_S, T0_S - HOUR_S), (COUNT.name,)).series == ()
        client.command(
            f"INSERT INTO t_backends.event VALUES (generateUUIDv4(), toDateTime64({T0_S}.25, 3, 'UTC'), NULL, "
            "'deploy', 'thing', 'ann', 'v2 \\'quoted\\'', 1, 0)"
        )
        (event,) = queries.events(client, asked, Window(T0_S, T0_S + 10))
    assert (event.at_s, event.till_s, event.kind, event.text) == (T0_S + 0.25, None, "deploy", "v2 'quoted'")


@pytest.mark.parametrize(
    ("limit", "most", "code"),
    [
        ("max_rows_to_read", 10, "too_much"),
        ("max_result_rows", 3, "too_much"),
        ("max_memory_usage", 20_000, "out_of_memory"),
        ("max_execution_time", 0.001, "query_timeout"),
    ],
)
def test_a_question_that_costs_too_much_is_refused_in_a_sentence_and_the_store_lives_on(
    kept: Store, monkeypatch: pytest.MonkeyPatch, limit: str, most: float, code: str
) -> None:
    monkeypatch.setitem(queries.LIMITS, limit, most)
    window = Window(T0_S, END_S, 60)
    with client_of(kept) as client:
        with pytest.raises(Exception, match=r"Code|exceed") as caught:
            queries.series(client, scope(kept, END_S), window, (FILL.name,), percentiles=True)
        error = kept.report(caught.value)  # type: ignore[arg-type]
        assert (error.code, kept.state.ready) == (code, True)
        assert error.hint
        monkeypatch.undo()
        assert queries.series(client, scope(kept, END_S), window, (FILL.name,), ("thing",)).series
