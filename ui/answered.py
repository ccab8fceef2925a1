"""What a statement answered: its figures, its rows as a table or a chart, and as files."""

import io
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from history.workbench.bench import Outcome, Run
from history.workbench.result import Result
from probes.catalogue import humanize, humanize_duration
from ui import charts, panels
from ui.axes import COLOURS, MARGIN, narrow
from ui.frame import Page
from ui.resultlines import ONE_LINE, Columns, columns_of, lines_of, usual_group, window_of

HEIGHT = 360
MOST_BARS = 30
USUAL_LINES = 3
EXACT = 2**53
"""A browser counts in 64-bit floats: a larger whole number would show another."""


def draw(page: Page, run: Run, outcome: Outcome) -> None:
    """The result of a statement that is done."""
    result = outcome.result
    if result is None:
        return
    st.markdown(told(outcome.took_s, result))
    if result.frame.empty:
        st.caption("No rows: nothing there is like that. Is it in the range of the page, and spelt as in `series`?")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        shape = st.segmented_control(
            "Show as",
            ["Table", "Chart"],
            default="Table",
            key="sql as",
            required=True,
            label_visibility="collapsed",
            persist_state="session",
        )
        st.space("stretch")
        _files(run, result)
    if shape == "Chart":
        _chart(page, result.frame)
    else:
        _table(page, result)


def told(took_s: float, result: Result) -> str:
    """The figures of a result in a line."""
    rows = len(result.frame)
    words = [f"**{rows:,} row{'' if rows == 1 else 's'}** in {humanize_duration(took_s)}"]
    if result.read_rows:
        words.append(f"read {humanize(result.read_rows, '')} rows, {humanize(result.read_bytes, 'bytes')}")
    if result.cut:
        words.append(f":orange[▲ there are more: these are the first {rows:,}]")
    return " · ".join(words)


def _files(run: Run, result: Result) -> None:
    name = f"tapewatch-sql-{datetime.fromtimestamp(run.began_s, UTC):%Y%m%dT%H%M%SZ}"
    st.download_button(
        "CSV", partial(as_csv, result.frame), f"{name}.csv", "text/csv", icon=":material/download:", on_click="ignore"
    )
    st.download_button(
        "Parquet", partial(as_parquet, result.frame), f"{name}.parquet", icon=":material/download:", on_click="ignore"
    )


def as_csv(frame: pd.DataFrame) -> bytes:
    """The rows as CSV, times in ISO 8601 and UTC."""
    return frame.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ").encode()


def as_parquet(frame: pd.DataFrame) -> bytes:
    """The rows as Parquet."""
    out = io.BytesIO()
    frame.to_parquet(out, index=False)
    return out.getvalue()


def _table(page: Page, result: Result) -> None:
    configured = {
        name: _moments(page, result.frame[name], kind)
        if isinstance(result.frame[name].dtype, pd.DatetimeTZDtype)
        else st.column_config.Column(help=kind)
        for name, kind in zip(result.frame.columns, result.types, strict=True)
    }
    st.dataframe(
        exact(result.frame),
        hide_index=True,
        height=HEIGHT if len(result.frame) > MOST_BARS / 3 else "content",
        column_config=configured,
        key="sql rows",
        alt="Rows of the result",
    )


def _moments(page: Page, column: "pd.Series[pd.Timestamp]", kind: str) -> Any:
    """How a column of times is shown: by the page's clock, with milliseconds where there are any."""
    fine = bool((column.dt.microsecond.fillna(0) > 0).any())
    return st.column_config.DatetimeColumn(
        help=f"{kind}, shown in {page.zone.key}",
        format=f"YYYY-MM-DD HH:mm:ss{'.SSS' if fine else ''}",
        timezone=page.zone.key,
    )


def exact(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with whole numbers a browser would round, such as identities, as text."""
    large = [name for name in frame if frame[name].dtype == "UInt64" and (frame[name].fillna(0) > EXACT).any()]
    return frame.astype(dict.fromkeys(large, "string")) if large else frame


def _chart(page: Page, frame: pd.DataFrame) -> None:
    columns = columns_of(frame)
    if not columns.numbers:
        st.caption("Nothing to draw: no column of the result is a number.")
    elif columns.times:
        _lines(page, frame, columns)
    elif columns.words:
        _bars(frame, columns)
    else:
        st.caption("Nothing to draw along: select a time, such as toStartOfHour(ts), or a name beside the numbers.")


def _lines(page: Page, frame: pd.DataFrame, columns: Columns) -> None:
    groups, usual = [ONE_LINE, *columns.words], usual_group(frame, columns)
    first = columns.numbers[: USUAL_LINES if usual == ONE_LINE else 1]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        time = st.selectbox("Along", columns.times, width=200, key=f"sql along {columns.times}", persist_state="page")
        numbers = st.multiselect(
            "Lines", columns.numbers, first, width=380, key=f"sql lines {columns.numbers}", persist_state="page"
        )
        group = st.selectbox(
            "For each", groups, groups.index(usual), width=200, key=f"sql group {columns.words}", persist_state="page"
        )
    if not numbers:
        st.caption("Choose a column to draw.")
        return
    lines = lines_of(frame, time, numbers, group)
    if not lines:
        st.caption("No row has a time: nothing to draw.")
        return
    figure = charts.time_series(lines, window_of(lines), page.zone, height=HEIGHT)
    more = len(lines) - charts.MAX_LINES
    panels.plot(figure, "chart:sql", f"the first {charts.MAX_LINES} of {len(lines)} lines" if more > 0 else "")


def _bars(frame: pd.DataFrame, columns: Columns) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Along", columns.words, width=200, key=f"sql along {columns.words}", persist_state="page")
        number = st.selectbox(
            "Bars", columns.numbers, width=260, key=f"sql bars {columns.numbers}", persist_state="page"
        )
    shown = frame[[name, number]].head(MOST_BARS).iloc[::-1]
    figure = go.Figure(
        go.Bar(
            x=narrow(shown[number].to_numpy(dtype=np.float64, na_value=np.nan)),
            y=[f"{index}\u200b{word}" for index, word in zip(shown.index, shown[name].fillna("—"), strict=True)],
            orientation="h",
            marker={"color": COLOURS[0]},
            hovertemplate="%{x:.4~g}<extra></extra>",
        )
    )
    figure.update_layout(height=max(160, 22 * len(shown) + 60), margin={**MARGIN, "l": 12}, bargap=0.25)
    figure.update_yaxes(
        automargin=True, tickmode="array", tickvals=list(range(len(shown))), ticktext=shown[name].fillna("—").tolist()
    )
    panels.plot(figure, "chart:sql", f"the first {MOST_BARS} of {len(frame):,} rows" if len(frame) > MOST_BARS else "")
