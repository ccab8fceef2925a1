"""Answers of every kind as tables: everything that was drawn from is in them, with types a program can use."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from history.answers import Change, Event, Hours, Interval, Mover, Series, SeriesSet, Summary
from history.rows import SeriesKey, SeriesRow
from history.tables import arrow_bytes, csv_bytes, parquet_bytes, tables_of
from history.trends import Timeline
from probes.result import Status
from tests.history.rows import T0_S

LABELS = (("disk", "/"), ("host", "a"))


def line(*values: float, percentiles: bool = False) -> Series:
    t = T0_S + 10.0 * np.arange(len(values))
    column = np.array(values)
    more = (column, column + 1, column + 2) if percentiles else ()
    return Series("thing", "fill", LABELS, "ratio", 10, t, column, column - 1, column + 1, np.ones(len(values)), *more)


def test_series_are_a_row_a_point() -> None:
    tables = tables_of(SeriesSet((line(1, 2), line(3)), previous=(line(4),)))
    assert list(tables) == ["series", "before"]
    rows = tables["series"].to_pylist()
    assert [row["avg"] for row in rows] == [1, 2, 3]
    assert rows[0] == {
        "component": "thing", "metric": "fill", "labels": '{"disk":"/","host":"a"}', "unit": "ratio",
        "time": datetime.fromtimestamp(T0_S, UTC), "avg": 1, "min": 0, "max": 2, "count": 1,
    }  # fmt: skip
    assert tables["before"].num_rows == 1
    assert {"p50", "p95", "p99"} <= set(tables_of(SeriesSet((line(1, percentiles=True),)))["series"].column_names)


def test_what_happened_is_a_row_each_with_its_times() -> None:
    change = Change("kafka", T0_S + 0.25, Status.OK, Status.CRITICAL, "no answer, at all")
    (table,) = tables_of((change,)).values()
    assert table.to_pylist() == [
        {
            "component": "kafka",
            "at": datetime.fromtimestamp(T0_S + 0.25, UTC),
            "before": "ok",
            "after": "critical",
            "reason": "no answer, at all",
        }
    ]
    text = csv_bytes(table).decode()
    assert text.splitlines()[1] == '"kafka","2026-09-21T16:00:00.250Z","ok","critical","no answer, at all"'
    moment = Event(T0_S, None, "deploy", "", "ann", "v2", "1")
    assert csv_bytes(tables_of((moment,))["rows"]).decode().splitlines()[1].startswith('"2026-09-21T16:00:00.000Z",,')


def test_an_answer_of_several_parts_is_several_tables() -> None:
    spans = (Interval("kafka", Status.OK, T0_S, T0_S + 60, ""),)
    tables = tables_of(Timeline(spans, {"kafka": ((T0_S, T0_S + 30), (T0_S + 40, T0_S + 60))}))
    assert {name: table.num_rows for name, table in tables.items()} == {"spans": 1, "observed": 2}
    assert tables["observed"].column_names == ["component", "start", "end"]


def test_movers_bring_their_courses() -> None:
    row = SeriesRow(SeriesKey("thing", "fill", LABELS), "ratio", "gauge")
    mover = Mover(row, 9.0, 1.0, 0.5, 1.5, 7.0, float(T0_S), 0.5, line(1, 2, 3))
    tables = tables_of((mover,))
    assert {name: table.num_rows for name, table in tables.items()} == {"rows": 1, "rows series": 3}
    (found,) = tables["rows"].to_pylist()
    assert (found["component"], found["labels"], found["unit"], found["score"]) == (
        "thing", '{"disk":"/","host":"a"}', "ratio", 9.0,
    )  # fmt: skip
    assert found["began"] == datetime.fromtimestamp(T0_S, UTC)


@dataclass(frozen=True)
class Shares:
    component: str
    t: np.ndarray
    shares: Mapping[Status | None, np.ndarray]
    message: str = "half of it"


@dataclass(frozen=True)
class Pair:
    a: Summary | None
    b: Summary | None
    distance: float


@dataclass(frozen=True)
class Day:
    day: date
    worst: Status | None


@dataclass(frozen=True)
class Days:
    days: tuple[Day, ...]
    up_ratio: float


def test_columns_are_a_row_a_bucket() -> None:
    shares = Shares("kafka", np.array([T0_S, T0_S + 60.0, T0_S + 120.0]), {Status.OK: np.ones(2), None: np.zeros(2)})
    (table,) = tables_of(shares).values()
    assert table.to_pylist()[1] == {
        "component": "kafka", "message": "half of it", "time": datetime.fromtimestamp(T0_S + 60, UTC), "ok": 1,
        "unobserved": 0,
    }  # fmt: skip
    assert tables_of((shares, shares))["rows"].num_rows == 4, "a bucket ends where the next one begins"


def test_things_that_hold_equal_things_or_none_of_them() -> None:
    summary = Summary("thing", "fill", LABELS, "ratio", 7, 1, 0, 2, 1, 2, 3)
    rows = tables_of((Pair(None, summary, 1.5), Pair(summary, summary, 0.0)))["rows"].to_pylist()
    assert [row["distance"] for row in rows] == [1.5, 0]
    assert rows[1]["component"] == rows[1]["b_component"] == "thing"


def test_what_is_kept_by_component_says_which() -> None:
    days = {"kafka": (Day(date(2026, 9, 21), Status.OK), Day(date(2026, 9, 22), None)), "redis": ()}
    assert tables_of(days)["rows"].to_pylist() == [
        {"component": "kafka", "day": date(2026, 9, 21), "worst": "ok"},
        {"component": "kafka", "day": date(2026, 9, 22), "worst": None},
    ]
    assert tables_of({"kafka": Day(date(2026, 9, 21), None)})["rows"].num_rows == 1
    both = tables_of({"kafka": Days((Day(date(2026, 9, 21), None), Day(date(2026, 9, 22), None)), 0.5)})["rows"]
    assert [(row["day"].day, row["up_ratio"]) for row in both.to_pylist()] == [(21, 0.5), (22, 0.5)]
    assert tables_of({"kafka": "text", "redis": 3}) == {}


def test_a_heat_map_is_a_row_an_hour() -> None:
    p95 = np.arange(168.0).reshape(7, 24)
    table = tables_of((Hours("net", "rtt", (), "seconds", p95, p95 + 1),))["rows"]
    assert table.num_rows == 168
    last = table.to_pylist()[-1]
    assert (last["day"], last["hour"], last["p95"], last["peak"]) == ("Sunday", 23, 167, 168)


@pytest.mark.parametrize("nothing", [(), None, SeriesSet(), {}, 3.5, "text"])
def test_nothing_is_no_table(nothing: object) -> None:
    assert tables_of(nothing) == {}


def test_every_format_holds_the_same() -> None:
    summary = Summary("thing", "fill", LABELS, "ratio", 7, 1, 0, 2, 1, 2, float("nan"))
    table = tables_of((summary,))["rows"]
    back = pyarrow.parquet.read_table(pa.BufferReader(parquet_bytes(table)))
    assert back.schema == table.schema
    assert pa.ipc.open_stream(arrow_bytes(table)).read_all().schema == table.schema
    assert back.drop_columns("p99") == table.drop_columns("p99")
