"""What analysts write runs, and says what is wrong when it cannot."""

import contextlib
import re

import numpy as np
import pandas as pd
import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError
from hypothesis import given, settings
from hypothesis import strategies as st

import probes
from history import schema
from history.queries import stored
from history.workbench import catalogue, functions, guard, tree
from history.workbench.examples import EXAMPLES
from history.workbench.refusal import Refused
from history.workbench.session import Session
from tests.history.rows import T0_S, client_of, scope
from tests.history.workbench.conftest import DATABASE, WINDOW, Desk

LEGITIMATE = (
    "select 1",
    "SELECT count() FROM samples;",
    f"select count() from {DATABASE}.samples -- everything",
    "select * from series order by component, metric limit 5",
    "select * except q from samples_15m limit 5",
    "select distinct component from series",
    "from samples select max(ts)",
    "(select 1 as x) union all (select 2)",
    "select 1 except select 2",
    "select component as `name of it` from series where metric like 'probe%' and component ilike 'K%' limit 1",
    "select '{braces: kept}' as text, '%' as percent, $$heredoc$$ as quoted, 'it''s' as apostrophe",
    "select toStartOfFifteenMinutes(ts) as t, avg(value), quantiles(0.5, 0.99)(value)[2] from samples group by t",
    "select ts, value from samples where ts >= {from:DateTime} and ts < {to:DateTime} order by ts limit 3",
    "select ts, value from samples where ts between {from:DateTime} and {to:DateTime} limit 3",
    "select s.component, count() from samples as x any join series as s using (series_id) group by 1",
    "select count() from samples where series_id in (select series_id from series where component = 'kafka')",
    "select count() from samples where series_id in (1) or (series_id, 1) in ((1, 1))",
    "with ['kafka', 'redis'] as wanted select count() from series where component in wanted",
    "with kafka as (select series_id from series where component = 'kafka') select count() from samples "
    "where series_id in kafka",
    "with (select max(value) from samples) as peak select count() from samples where value > 0.9 * peak",
    "select case when value > 1 then 'high' when value > 0 then 'low' else 'none' end as level, count() from samples "
    "group by level",
    "select component, status, count() over (partition by component order by ts rows between 1 preceding and current "
    "row) from status_change final",
    "select ts, value - lagInFrame(value) over (partition by series_id order by ts) as step from samples "
    "qualify step > 0",
    "select labels['topic'] as topic, mapKeys(labels) from series where mapContains(labels, 'topic')",
    "select toDate(ts) as day, count() from samples group by day with totals order by day",
    "select toStartOfHour(ts) as t, count() from samples group by t order by t with fill step interval 1 hour",
    "select component, metric, count() from series group by grouping sets ((component), (metric))",
    "select arrayJoin(range(5)) as x, x * x as square",
    "select arrayMap((x, i) -> x * i, groupArray(value), arrayEnumerate(groupArray(value)))[1] from samples",
    "select sumIf(value, value > 0), countIf(value > 1), argMaxIf(ts, value, value > 0), uniqExact(series_id) "
    "from samples",
    "select topK(3)(component), corr(value, toFloat64(toUnixTimestamp(ts))), sparkbar(20)(toUnixTimestamp(ts), value) "
    "from samples any join series using (series_id)",
    "select cast(value as Decimal(18, 3)), value::String, toTypeName(ts), now() - interval 1 day from samples limit 1",
    "select formatReadableSize(sum(vsum)), min(vmin), max(vmax) from samples_4h prewhere t > '2020-01-01'",
    "select 1 as x, 2 as x_2 where x in (1, 2, 3) and x_2 not in (select 5)",
    "select date_diff('minute', min(ts), max(ts)), extract(hour from max(ts)), date_trunc('hour', max(ts)) "
    "from samples",
    "select a.component, b.status from status_change as a asof join status_change as b on a.component = b.component "
    "and a.ts >= b.ts",
    "select columns('^v') from samples_15m limit 1",
    "select * apply(toString) from series limit 1",
    "select t, vmax from samples_15m array join [1, 2] as twice limit 3",
    "select id, text from event final",
    "select name, page from view final",
    "select exists(select 1 from series) as some, 1 ? 2 : 3 as chosen",
)


@pytest.mark.parametrize("text", LEGITIMATE)
def test_what_an_analyst_writes_runs(desk: Desk, text: str) -> None:
    outcome = desk.run(text)
    assert outcome.state == "done", outcome
    assert outcome.result is not None


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.question)
def test_an_example_runs_and_names_metrics_there_are(desk: Desk, example) -> None:
    outcome = desk.run(example.written_for("Europe/Berlin"))
    assert outcome.state == "done", outcome
    assert set(re.findall(r"metric = '(\w+)'", example.text)) == set(example.metrics) <= set(probes.METRICS)


def test_the_figures_of_the_examples_are_those_of_the_samples(desk: Desk) -> None:
    wanted = "Which components are slowest, by the percentiles of the roll-ups?"
    (example,) = (example for example in EXAMPLES if example.question == wanted)
    outcome = desk.run(example.text)
    assert outcome.result is not None
    frame = outcome.result.frame.set_index("component")
    values = np.array([0.001 * (1 + at_s % 7) for at_s in range(0, 7200, 15)])
    for name, factor in (("kafka", 1), ("redis", 2)):
        assert frame.loc[name, "checks"] == 480
        assert frame.loc[name, "avg_ms"] == pytest.approx(1000 * factor * values.mean(), abs=0.01)
        assert frame.loc[name, "p99_ms"] == pytest.approx(1000 * factor * np.quantile(values, 0.99), rel=0.021)
        assert frame.loc[name, "max_ms"] == pytest.approx(7 * factor, rel=0.002)


def test_the_outage_of_the_examples_is_as_long_as_it_was(desk: Desk) -> None:
    (example,) = (example for example in EXAMPLES if example.question == "How long was each component not ok?")
    outcome = desk.run(example.text)
    assert outcome.result is not None
    assert outcome.result.frame.to_dict("records") == [
        {"component": name, "status": "critical", "times": 2, "minutes": 20.0} for name in ("kafka", "redis")
    ]


def test_the_range_of_the_page_is_bound_to_the_second_whatever_the_zone(desk: Desk) -> None:
    outcome = desk.run("select toUnixTimestamp({from:DateTime}) as a, toUnixTimestamp({to:DateTime}) as b")
    assert outcome.result is not None
    assert outcome.result.frame.to_dict("records") == [{"a": WINDOW.start_s, "b": WINDOW.end_s}]


def test_a_result_has_columns_every_file_can_take(desk: Desk) -> None:
    outcome = desk.run(
        "select ts, toDateTime64(ts, 3, 'Europe/Berlin') as fine, toDate(ts) as day, value, toNullable(1) as one, "
        "NULL as nothing, 'x' as word, map('a', [1]) as pairs, (1, 'b') as both, toUInt128(5) as large, "
        "toDecimal64(1.25, 2) as exact, toUUID('00000000-0000-0000-0000-000000000001') as id from samples limit 1"
    )
    assert outcome.result is not None
    frame = outcome.result.frame
    assert [frame[name][0] for name in ("ts", "fine")] == [pd.Timestamp(frame["ts"][0])] * 2
    assert str(frame["ts"].dtype).endswith("UTC]")
    assert (frame["pairs"][0], frame["both"][0], frame["large"][0]) == ('{"a": [1]}', '[1, "b"]', "5")
    assert frame["day"][0].isoformat() == "2026-09-21"
    assert pd.api.types.is_numeric_dtype(frame["value"])
    assert frame["nothing"].isna().all()
    frame.to_parquet(path := desk.outside.with_suffix(".parquet"))
    assert len(pd.read_parquet(path)) == 1


@pytest.mark.parametrize(
    ("text", "sentence", "hint"),
    [
        ("select 'é',\n  x y z from samples", 'Line 2, character 7: "z" is not understood', "FROM"),
        ("select x from\n samples whre 1", 'Line 2, character 15: "1" is not understood', "whre"),
        ("select avg(value from samples", "Line 1, character 18: a bracket does not match", "position 11"),
        ("select nothing from samples", "Unknown expression identifier `nothing`", ""),
        ("select toStartOfHours(ts) from samples", "`toStartOfHours` is not among", "toStartOfHour?"),
        ("select * from sample", "`sample` is not a table of the history", "samples_15m"),
        ("select * from samples_15m", "A column of the result is a sketch", "EXCEPT q"),
        ("select toUInt8('abc')", "Cannot parse string 'abc' as UInt8", ""),
        ("select avg(value, 1) from samples", "Aggregate function avg requires single argument", ""),
        ("select 1; select 2", "Line 1, character 9: a second statement begins here", "One"),
    ],
)
def test_a_mistake_is_named_with_its_place(desk: Desk, text: str, sentence: str, hint: str) -> None:
    outcome = desk.run(text)
    assert outcome.state == "refused"
    assert sentence in outcome.sentence
    assert hint in outcome.hint


def test_every_table_and_column_explained_is_there_and_nothing_else_may_be_read(desk: Desk) -> None:
    with client_of(desk.store) as client:
        there: dict[str, dict[str, str]] = {}
        for table, column, kind in client.query(
            f"SELECT table, name, type FROM system.columns WHERE database = '{DATABASE}'"
        ).result_rows:
            there.setdefault(table, {})[column] = kind
        kept = stored(client, scope(desk.store, T0_S))
    for table, words in catalogue.TABLES.items():
        assert {column.name for column in words.columns} == set(there[table])
        assert words.meaning.endswith(".")
    written = {table.name for table in schema.TABLES} | {"samples", "samples_15m", "samples_4h", "samples_1d"}
    assert written - set(catalogue.TABLES) == {"progress"}
    assert kept["samples"][0] > 2 * 4 * 240
    assert kept["samples"][1] > 0


@pytest.fixture(scope="module")
def engine(desk: Desk) -> dict[str, tuple[bool, str, str]]:
    """What the engine has: whether it is an aggregate, its category, what it is another name of."""
    with client_of(desk.store) as client:
        rows = client.query("SELECT name, is_aggregate, categories, alias_to FROM system.functions").result_rows
    return {name: (bool(aggregate), category, alias) for name, aggregate, category, alias in rows}


SYNTAX = {"untuple", "grouping", "exists", "countDistinct"}
"""Called like functions, but the parser's or the analyzer's own."""
CATEGORIES = {
    *("Arithmetic", "Arrays", "Bit", "Comparison", "Conditional", "Dates and Times", "Encoding", "Hash", "JSON"),
    *("Logical", "Map", "Mathematical", "Null", "Rounding", "String", "String Replacement", "String Search"),
    *("String Splitting", "Tuple", "Type Conversion"),
}
PICKED = {"bar", "formatReadableDecimalSize", "formatReadableQuantity", "formatReadableSize", "transform", "toTypeName"}
PICKED |= {"formatReadableTimeDelta", "caseWithExpression"}
"""Of the categories Other and Internal, which also hold what reads files and settings."""


def test_the_functions_allowed_are_those_of_harmless_categories(engine: dict[str, tuple[bool, str, str]]) -> None:
    allowed = functions.AGGREGATES | functions.FUNCTIONS
    assert allowed - set(engine) == SYNTAX
    for name in allowed - SYNTAX:
        aggregate, category, _ = engine[engine[name][2] or name]
        assert aggregate == (name in functions.AGGREGATES)
        assert aggregate or category in CATEGORIES or name in PICKED, (name, category)


def test_no_other_function_passes_for_one_of_them(engine: dict[str, tuple[bool, str, str]]) -> None:
    """The list is compared without case, which the engine does for some names only."""
    allowed = {name.lower(): engine[name][2] or name for name in (functions.AGGREGATES | functions.FUNCTIONS) - SYNTAX}
    for name, (_, _, alias) in engine.items():
        if functions.is_allowed(name):
            assert (alias or name).lower() == allowed[name.lower()].lower()


_WORDS = (
    "select from where with as in ( ) , ; ' \" ` { } [ ] -> . * + - / % = samples series file value 1 'x' "
    "{from:DateTime} union all order by limit apply columns('v') cast ::String -- /* */ $$ \\ \n \t é 🙂"
)
WORDS = st.sampled_from(_WORDS.split(" "))


@settings(max_examples=40)
@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=14).map(" ".join)))
def test_no_garbage_breaks_the_guard(opened: Session, text: str) -> None:
    for wrapped in (text, f"select {text}", f"select 1 from samples {text}"):
        try:
            statement = guard.check(opened.client, wrapped, WINDOW, DATABASE, opened.settings)
        except (Refused, ClickHouseError) as exc:
            assert str(exc)  # noqa: PT017  # either says why
        else:
            assert statement.text.lstrip("(").startswith(("SELECT", "WITH"))


@settings(max_examples=150)
@given(st.text(alphabet="SELECT FROM(),'`\\{}:;file0.x-é\n", max_size=40))
def test_no_text_breaks_the_look_through_it(text: str) -> None:
    with contextlib.suppress(Refused):
        assert guard.check_text(text) <= set(guard.PARAMETERS)


@settings(max_examples=150)
@given(st.lists(st.text(alphabet="QUERYIDNTF id:0,_= system.one\n", max_size=30), max_size=8))
def test_no_lines_break_the_look_through_a_tree(lines: list[str]) -> None:
    found = tree.parse(lines)
    assert sum(1 for _ in tree.walk(found)) == len(lines) + 1
    with contextlib.suppress(Refused):
        tree.check(lines, {"samples"}, {"private"}, DATABASE)
