"""Which columns of a statement's result make a chart, and the lines they make. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api import types

from history.answers import Floats, Series
from history.window import MIN_RANGE_S, Window

ONE_LINE = "one line"
"""Instead of a column whose values have a line each."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a result by what a chart can make of them."""

    times: tuple[str, ...]
    numbers: tuple[str, ...]
    words: tuple[str, ...]


def columns_of(frame: pd.DataFrame) -> Columns:
    """Sort the columns of a result.

    >>> columns_of(pd.DataFrame({"t": pd.to_datetime([0], utc=True), "v": [1.0], "who": ["a"], "ok": [True]}))
    Columns(times=('t',), numbers=('v',), words=('who',))
    """
    times, numbers, words = [], [], []
    for name in map(str, frame.columns):
        column = frame[name]
        if types.is_datetime64_any_dtype(column) or types.infer_dtype(column, skipna=True) == "date":
            times.append(name)
        elif types.is_numeric_dtype(column) and not types.is_bool_dtype(column):
            numbers.append(name)
        elif types.is_string_dtype(column):
            words.append(name)
    return Columns(tuple(times), tuple(numbers), tuple(words))


def usual_group(frame: pd.DataFrame, columns: Columns) -> str:
    """The column whose values have a line each unless somebody chooses: the first words, where times come again."""
    if columns.times and columns.words and frame[columns.times[0]].duplicated().any():
        return columns.words[0]
    return ONE_LINE


def lines_of(frame: pd.DataFrame, time: str, numbers: Sequence[str], group: str) -> list[Series]:
    """A line for each of `numbers`, and of each value of the column `group`, unless that is `ONE_LINE`."""
    known = frame[frame[time].notna()]
    known = known.assign(**{time: _epoch_s(known[time])}).sort_values(time, kind="stable")
    parts = [("", known)] if group == ONE_LINE else [(str(name), part) for name, part in known.groupby(group)]
    lines = []
    for name, part in parts:
        t = part[time].to_numpy(dtype=np.float64)
        for number in numbers:
            values = part[number].to_numpy(dtype=np.float64, na_value=np.nan)
            label = " ".join(filter(None, (name, number if len(numbers) > 1 or not name else "")))
            lines.append(Series(label, number, (), "", _step_s(t), t, values, values, values, np.ones(len(t))))
    return lines


def window_of(lines: Sequence[Series]) -> Window:
    """The range the points of `lines` cover."""
    moments = np.concatenate([line.t for line in lines])
    first, last = int(moments.min()), int(np.ceil(moments.max())) + max(line.step_s for line in lines)
    return Window(first, max(last, first + MIN_RANGE_S))


def _epoch_s(column: "pd.Series[pd.Timestamp]") -> Floats:
    moments = pd.to_datetime(column, utc=True)
    return np.asarray((moments - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1), dtype=np.float64)


def _step_s(t: Floats) -> int:
    """The usual distance between two points: a larger one is a hole."""
    distances = np.diff(np.unique(t))
    return max(1, int(np.median(distances))) if len(distances) else 1
