"""What hostile words, old ranges and our own mistakes do to the history: a clear answer, never an outage."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from history import queries
from history.queries import Scope
from history.reader import Reader
from history.store import Store
from history.tiers import FOUR_HOURS, MAX_BUCKETS, QUARTER_HOUR, RAW, Kept, plan
from history.window import MAX_POINTS, RangeError, Window, parse_window
from tests.history.rows import T0_S, client_of, sampled, write
from tests.probes.fakes import FILL
from tests.probes.listeners import eventually

DAY_S = 86400
YEAR_S = 365 * DAY_S
NOW_S = 1_790_000_000.5


@pytest.mark.parametrize(
    "word", ["-1", "-1790000000", "1e400", "1e9", "9e999999999", "0x6ab", "inf", "nan", "1_790_000_000"]
)
@pytest.mark.parametrize("param", ["from", "to"])
def test_numbers_that_are_no_epoch_second(word: str, param: str) -> None:
    with pytest.raises(RangeError) as caught:
        parse_window(word if param == "from" else None, word if param == "to" else None, NOW_S)
    assert caught.value.param == param


@pytest.mark.parametrize("word", ["now-٣h", "١٧٨٠٠٠٠٠٠٠"])
def test_digits_of_other_scripts_are_digits(word: str) -> None:
    window = parse_window(word, "now", NOW_S)
    assert window.start_s in {int(NOW_S) - 3 * 3600, 1_780_000_000}


@pytest.mark.parametrize("word", ["now−6h", "½", "²", "now-6h\u2028", "\ud800", "\x00", "now-6h\n", "now-²h"])
def test_what_only_looks_like_a_time_names_its_parameter(word: str) -> None:
    with pytest.raises(RangeError) as caught:
        parse_window(word, "now", NOW_S)
    assert caught.value.param == "from"
    assert str(caught.value).encode(), "what is shown can be sent"


def test_a_megabyte_of_anything_is_refused_at_once() -> None:
    started_s = time.process_time()
    for word in ("9" * 10**6, "now-" + "9" * 10**6 + "h", "2026-" * 10**5, "\x00" * 10**6, "٣" * 10**6):
        for words in ((word, None, None), (None, word, None), (None, None, word)):
            with pytest.raises(RangeError) as caught:
                parse_window(words[0], words[1], NOW_S, words[2])
            assert len(str(caught.value)) < 300
    assert time.process_time() - started_s < 5


@given(st.integers(10, 10 * YEAR_S), st.integers(0, 8 * YEAR_S), st.integers(1, 500), st.none() | st.integers(1, 10**7))
def test_no_plan_makes_more_points_than_were_asked_for(
    length_s: int, ago_s: int, series: int, step_s: int | None
) -> None:
    end_s = int(NOW_S) - ago_s
    asked = Window(end_s - length_s, end_s, max(step_s, -(-length_s // MAX_POINTS)) if step_s else None)
    how = plan(asked, series, Kept(now_s=NOW_S, raw_s=90.0 * DAY_S, quarter_hour_s=2.0 * YEAR_S))
    most = MAX_POINTS if step_s else MAX_BUCKETS
    assert len(how.buckets.edges_s) - 1 <= most + 2, "one more for each end, which lies within a bucket"
    if how.tier is RAW:
        assert asked.start_s >= NOW_S - 90 * DAY_S
    elif how.tier is QUARTER_HOUR:
        assert asked.start_s >= NOW_S - 2 * YEAR_S


def test_a_day_of_three_years_ago_comes_from_the_tier_that_still_has_it(store: Store) -> None:
    write(store, [sampled("thing", T0_S + at_s, (FILL.name, 0.5, ())) for at_s in range(0, DAY_S, 600)])
    now_s = float(T0_S + 3 * YEAR_S)
    kept = store.settings.retention
    with client_of(store) as client:
        for table in ("samples", "samples_15m"):
            client.command(f"TRUNCATE TABLE {store.database}.{table}")
        asked = Scope(store.database, kept.raw_s, now_s, kept.quarter_hour_s)
        answer = queries.series(client, asked, Window(T0_S, T0_S + DAY_S), (FILL.name,))
    assert (answer.tier, answer.step_s) == (FOUR_HOURS.name, FOUR_HOURS.width_s)
    (line,) = answer.series
    assert line.count.tolist() == [24.0] * 6


def test_the_reader_tells_the_questions_how_long_each_tier_is_kept(store: Store) -> None:
    reader = Reader(store)
    answer = reader.ask(lambda client, scope: (scope.raw_kept_s, scope.quarter_hour_kept_s), 10, 10)
    reader.stop()
    assert answer.value == (store.settings.retention.raw_s, store.settings.retention.quarter_hour_s)


@pytest.mark.parametrize(
    "mistake", [ZeroDivisionError("division by zero"), KeyError("refused"), TypeError("timed out")]
)
def test_our_own_mistake_in_a_question_leaves_the_store_open(
    store: Store, mistake: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def wrong(client: object, scope: Scope) -> None:
        raise mistake

    reader = Reader(store)
    since = store.state.since
    answer = reader.ask(wrong, 10, 10)
    assert answer.state == "failed"
    assert answer.error is not None
    assert answer.error.code == "internal"
    assert "fault in Tapewatch" in answer.error.hint
    assert (store.state.ready, store.state.since) == (True, since), "other questions go on"
    assert reader.ask(queries.last_statuses, 10, 10).state == "fresh"
    assert "Traceback" in caplog.text
    reader.stop()


def test_many_threads_ask_the_real_store_once(store: Store) -> None:
    go_on, runs = threading.Event(), []

    def question(client, scope: Scope) -> int:  # type: ignore[no-untyped-def]
        runs.append(1)
        assert go_on.wait(20)
        return int(client.query("SELECT 7").result_rows[0][0])

    reader = Reader(store)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(reader.ask(question, 60, 20))) for _ in range(16)]
    for thread in threads:
        thread.start()
    assert eventually(lambda: len(runs) == 1, 10)
    assert reader.ask(question, 60, 0.01).state == "pending"
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert {(answer.state, answer.value) for answer in answers} == {("fresh", 7)}
    assert (len(answers), len(runs)) == (16, 1)
    reader.stop()


def test_a_stale_answer_outlives_a_question_that_begins_to_fail(store: Store) -> None:
    table = f"{store.database}.fleeting"
    with client_of(store) as client:
        client.command(f"CREATE TABLE {table} (n UInt8) ENGINE = MergeTree ORDER BY n AS SELECT 5 AS n")

    def question(client, scope: Scope) -> int:  # type: ignore[no-untyped-def]
        return int(client.query(f"SELECT n FROM {table}").result_rows[0][0])

    reader = Reader(store)
    assert reader.ask(question, 0, 10).value == 5
    with client_of(store) as client:
        client.command(f"DROP TABLE {table} SYNC")
    failed = reader.ask(question, 0, 10)
    assert (failed.state, failed.value) == ("stale", 5)
    assert failed.error is not None
    assert failed.error.code == "query_failed"
    assert store.state.ready
    with client_of(store) as client:
        client.command(f"CREATE TABLE {table} (n UInt8) ENGINE = MergeTree ORDER BY n AS SELECT 6 AS n")
    mended = reader.ask(question, 0, 10)
    assert (mended.value, mended.error) == (6, None)
    reader.stop()
