"""The figures of a comparison: those of one metric, and of all by how much they differ."""

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from analysis.comparison import Difference, differences, in_words
from analysis.performance import error_ratio_over
from history.answers import Summary
from history.queries import comparing
from history.queries.comparing import Figures
from history.rows import SeriesKey
from probes.catalogue import humanize
from ui import selection, shown
from ui.naming import name_of, title_of
from ui.sides import METRIC, Sides
from ui.words import part_of

UP, STATUS = "probe_up", "probe_status"
IN_WORDS = "A beside B"
TABLE_HEIGHT, ROWS_SHOWN = 310, 10
CHOOSE = 'choose one at "Drawn" to see more of it.'


def ranked(figures: Figures) -> list[Difference]:
    """What differs, the most first; a status is a word and has no average."""
    return [one for one in differences(figures.a, figures.b) if one.known.metric != STATUS]


def told_ranking(figures: Figures) -> str:
    """``What differs the most – redis evicted: 12 times as much``."""
    first = next(iter(ranked(figures)), None)
    if first is None or first.a is None or first.b is None or not first.distance:
        return "What differs the most – nothing does"
    return f"What differs the most – {_named(first.a)}: {in_words(first.a.avg, first.b.avg)}"


def draw_figures(chosen: Sides, figures: Figures) -> None:
    """The figures of the drawn metric, of the series that differs the most; with the share of failed checks."""
    found = [one for one in differences(figures.a, figures.b) if one.known.metric == chosen.metric]
    failed = next((one for one in differences(figures.a, figures.b) if one.known.metric == UP), None)
    rows = [row for one in found[:1] for row in _rows(one)]
    if failed is not None:
        rows.append(_row("Failed checks", _failed(failed.a), _failed(failed.b), "ratio"))
    if not found:
        st.caption(f"Neither side has any {title_of(chosen.metric).lower()} in its range.")
    elif len(found) > 1:
        st.caption(f"Of {_named(found[0].known)}, which differs the most of {len(found)} series.")
    _table(rows, "figures")


def _rows(one: Difference) -> list[dict[str, str]]:
    unit = one.known.unit
    names = {"p50": "p50", "p95": "p95", "p99": "p99", "avg": "Average", "low": "Minimum", "high": "Maximum"}
    rows = [_row(title, _figure(one.a, name), _figure(one.b, name), unit) for name, title in names.items()]
    return [*rows, _row("Samples", _figure(one.a, "count"), _figure(one.b, "count"), "count")]


def _figure(side: Summary | None, name: str) -> float | None:
    return None if side is None else float(getattr(side, name))


def _row(title: str, a: float | None, b: float | None, unit: str) -> dict[str, str]:
    shown = ["—" if value is None else humanize(value, unit) for value in (a, b)]
    return {"": title, "A": shown[0], "B": shown[1], IN_WORDS: "" if a is None or b is None else in_words(a, b)}


def _failed(side: Summary | None) -> float | None:
    return None if side is None else error_ratio_over(side)


def draw_ranking(chosen: Sides, figures: Figures) -> None:
    """Every series of both sides; the metric of the one that is ticked becomes the drawn one."""
    found = ranked(figures)
    rows = [
        {
            "Series": _named(one.known),
            IN_WORDS: "" if one.a is None or one.b is None else in_words(one.a.avg, one.b.avg),
            "A": _shown(one.a, "avg"),
            "B": _shown(one.b, "avg"),
            "p95 A": _shown(one.a, "p95"),
            "p95 B": _shown(one.b, "p95"),
        }
        for one in found
    ]
    metrics = [one.known.metric for one in found]
    key = f"differences:{chosen.metric}"
    _table(rows, key, lambda: _draw_instead(key, metrics))
    if words := not_compared(figures):
        st.caption(words)


def not_compared(figures: Figures) -> str:
    """What is said where a side has more series than are compared; empty where all are.

    >>> not_compared(Figures((), (), (), (), total_a=1234, total_b=7))
    'Compared are of A the first 400 of 1,234 series, some of each metric: choose one at "Drawn" to see more of it.'
    """
    sides = (("A", figures.total_a), ("B", figures.total_b))
    cut = [f"of {side} {words}" for side, total in sides if (words := part_of(comparing.MOST, total))]
    return f"Compared are {' and '.join(cut)}, some of each metric: {CHOOSE}" if cut else ""


def _draw_instead(key: str, metrics: Sequence[str]) -> None:
    for row in st.session_state[key]["selection"]["rows"]:
        if row < len(metrics):
            selection.put(METRIC, metrics[row])


def _table(rows: Sequence[dict[str, str]], key: str, picked: Callable[[], None] | None = None) -> None:
    right = st.column_config.TextColumn(alignment="right")
    st.dataframe(
        shown.keep(pd.DataFrame(rows)),
        hide_index=True,
        height="content" if len(rows) <= ROWS_SHOWN else TABLE_HEIGHT,
        key=key,
        column_config=dict.fromkeys(("A", "B", "p95 A", "p95 B"), right)
        | {"Series": st.column_config.TextColumn(width="medium"), IN_WORDS: st.column_config.TextColumn(width=130)},
        on_select=picked or "ignore",
        selection_mode="single-row",
        alt="Figures of both sides",
    )


def _shown(side: Summary | None, name: str) -> str:
    return "—" if side is None else humanize(float(getattr(side, name)), side.unit)


def _named(of: Summary) -> str:
    return name_of(SeriesKey(of.component, of.metric, of.labels))
