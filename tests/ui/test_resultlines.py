import numpy as np
import pandas as pd
import pytest

from ui import answered
from ui.resultlines import ONE_LINE, columns_of, lines_of, usual_group, window_of

T0_S = 1_790_006_400


def frame() -> pd.DataFrame:
    """Two components by the hour, the second with a hole and a value that is missing."""
    hours, names = [0, 1, 2, 3, 0, 3], ["kafka"] * 4 + ["redis"] * 2
    return pd.DataFrame(
        {
            "hour": pd.to_datetime([T0_S + 3600 * hour for hour in hours], unit="s", utc=True),
            "component": pd.Series(names, dtype="string"),
            "avg_ms": pd.Series([1.0, 2.0, 3.0, 4.0, None, 8.0], dtype="Float64"),
            "checks": pd.Series([1, 2, 3, 4, 5, 6], dtype="UInt64"),
            "ok": [True] * 6,
        }
    )


def test_the_columns_of_a_result_are_told_apart() -> None:
    columns = columns_of(frame())
    assert (columns.times, columns.words) == (("hour",), ("component",))
    assert columns.numbers == ("avg_ms", "checks")
    days = pd.DataFrame({"day": [pd.Timestamp("2026-11-24").date()], "nothing": [None]})
    assert columns_of(days).times == ("day",)
    assert columns_of(days).numbers == ()


def test_times_that_come_again_have_a_line_for_each_name() -> None:
    assert usual_group(frame(), columns_of(frame())) == "component"
    once = frame()[frame()["component"] == "kafka"]
    assert usual_group(once, columns_of(once)) == ONE_LINE


def test_a_line_has_the_values_of_its_rows_in_the_order_of_time() -> None:
    mixed = frame().sample(frac=1, random_state=3)
    kafka, redis = lines_of(mixed, "hour", ["avg_ms"], "component")
    assert (kafka.label, redis.label) == ("kafka", "redis")
    assert kafka.t.tolist() == [T0_S + 3600 * hour for hour in range(4)]
    assert kafka.avg.tolist() == [1, 2, 3, 4]
    assert (np.isnan(redis.avg[0]), redis.avg[1]) == (True, 8)
    assert (kafka.step_s, redis.step_s) == (3600, 10800)
    both = lines_of(mixed, "hour", ["avg_ms", "checks"], "component")
    assert [line.label for line in both] == ["kafka avg_ms", "kafka checks", "redis avg_ms", "redis checks"]
    (one,) = lines_of(mixed, "hour", ["checks"], ONE_LINE)
    assert (one.label, len(one.t)) == ("checks", 6)
    window = window_of([kafka, redis])
    assert window.start_s == T0_S
    assert window.end_s > T0_S + 3 * 3600


def test_days_and_rows_without_a_time_make_lines_too() -> None:
    days = pd.DataFrame({"day": [pd.Timestamp("2026-11-24").date(), None], "n": [1, 2]})
    (line,) = lines_of(days, "day", ["n"], ONE_LINE)
    assert (line.t.tolist(), line.avg.tolist()) == ([1_795_478_400.0], [1.0])


def test_large_identities_stay_exact_in_a_browser() -> None:
    shown = answered.exact(pd.DataFrame({"id": pd.Series([2**63 + 1, None], dtype="UInt64"), "n": [1, 2]}))
    assert shown["id"][0] == str(2**63 + 1)
    assert shown["n"].dtype == "int64"


def test_the_files_hold_what_was_answered() -> None:
    text = answered.as_csv(frame()).decode()
    assert text.splitlines()[:2] == [
        "hour,component,avg_ms,checks,ok",
        "2026-09-21T16:00:00.000000Z,kafka,1.0,1,True",
    ]
    assert answered.as_parquet(frame())[:4] == b"PAR1"


@pytest.mark.parametrize(("rows", "word"), [(1, "1 row**"), (2, "2 rows**")])
def test_the_figures_of_a_result_are_told(rows: int, word: str) -> None:
    from history.workbench.result import Result

    said = answered.told(0.5, Result(frame().head(rows), (), True, 1_234_567, 2048))
    assert word in said
    assert "in 500 ms" in said
    assert "read 1.23 M rows, 2 KiB" in said
    assert "there are more" in said
