"""Charts of the history: frame first, content as it comes, never a blank while there is something older.

All questions of a page start together. What is known is drawn at once; for the rest a skeleton of
the final size stands until the answer is there, bounded, while the page above is already in the
browser. A slow store leaves the last good chart marked stale; a dead one a sentence.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import streamlit as st

from history.answers import SeriesSet
from history.reader import Answer, Reader, wait_for
from ui import order, shown, timerange
from ui.axes import clock_of
from ui.status import age
from ui.walltime import as_text
from ui.words import reading

T = TypeVar("T")
PATIENCE_S = 3.0
"""How long a script stays to fill in late answers; the page is usable meanwhile."""
_title: ContextVar[str] = ContextVar("the title of the panel being drawn", default="")
LATE = 4
"""An answer so many times older than it should be is marked as old although nothing failed: the store is slow."""


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """A function of `history.queries` with its arguments."""

    ask: Callable[..., T]
    args: tuple[Any, ...]
    fresh_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Panel(Generic[T]):
    """One framed chart or table.

    Attributes:
        title: what the panel shows, as a question; shown until there is an answer.
        told: the title that answers it, out of the answer's value.
        draw: called with the answer's value inside the frame; returns nothing.
        empty: whether a value has nothing to draw.
        nothing: the sentence then shown, saying why.
        height: of the content in pixels, kept while loading.
        beside: what else the drawing looks up, so that it is not drawn before that is known, within the same patience.
    """

    title: str
    question: Question[T]
    draw: Callable[[T], None]
    empty: Callable[[T], bool] = lambda value: not value
    nothing: str = "Nothing was recorded in this range."
    height: int = 220
    told: Callable[[T], str] | None = None
    beside: tuple[Question[Any], ...] = ()


def show(reader: Reader, panels: Sequence[Panel[Any]], columns: int = 1) -> None:
    """Draw `panels` in a grid, each as soon as its answer is known."""
    panels = shown.remember(panels)
    futures = [_asked(reader, panel) for panel in panels]
    give_up_s = time.monotonic() + order.patience_s()
    _ended(futures[0] if futures else [], give_up_s)  # what it is drawn in is sent with the first chart, not before it
    grid = st.grid(columns, min_column_width=300, gap="small") if columns > 1 else st.container()
    frames = []
    for panel in panels:
        with grid, st.container(border=True, gap="xsmall", height="stretch" if columns > 1 else "content"):
            title, body = st.empty(), st.empty()
            frames.append((panel, title, body))
    late = []
    for (panel, title, body), running in zip(frames, futures, strict=True):
        if not _ended(running, give_up_s):
            title.markdown(f"**{panel.title}**")
            body.skeleton(height=panel.height)
            late.append((panel, title, body, running))
        else:
            _draw(_answer(reader, panel), panel, title, body)
    order.rest()
    _fill_late(reader, late)


def _asked(reader: Reader, panel: Panel[Any]) -> "list[Future[Any]]":
    """Start the panel's questions; returns what still runs of those with no answer yet, not even an old one."""
    questions = (panel.question, *panel.beside)
    futures = [reader.submit(question.ask, question.fresh_s, *question.args) for question in questions]
    return [
        future
        for question, future in zip(questions, futures, strict=True)
        if future is not None and not wait_for(future, 0.0) and _known(reader, question).value is None
    ]


def _ended(running: "list[Future[Any]]", until_s: float) -> bool:
    """Whether all questions have ended by a moment of the monotonic clock."""
    return all(wait_for(future, max(0.0, until_s - time.monotonic())) for future in running)


def _fill_late(reader: Reader, late: "list[tuple[Panel[Any], Any, Any, list[Future[Any]]]]") -> None:
    give_up_s = time.monotonic() + PATIENCE_S
    for panel, title, body, running in late:
        _ended(running, give_up_s)
        _draw(_answer(reader, panel), panel, title, body)


def _answer(reader: Reader, panel: Panel[Any]) -> Answer[Any]:
    return _known(reader, panel.question)


def _known(reader: Reader, question: Question[T]) -> Answer[T]:
    return reader.answer(question.ask, question.fresh_s, *question.args)


def _draw(answer: Answer[Any], panel: Panel[Any], title: Any, body: Any) -> None:
    told = panel.told is not None and answer.value is not None and not panel.empty(answer.value)
    head, _, figures = (panel.told(answer.value) if told and panel.told else panel.title).partition(" – ")
    title.markdown(f"**{head}**{f' :gray[–] {figures}' if figures else ''}{staleness(answer, panel.question.fresh_s)}")
    with body.container(gap=None):
        if answer.value is None:
            _explain_absence(answer, panel.height)
        elif panel.empty(answer.value):
            with st.container(height=panel.height, border=False, vertical_alignment="center"):
                st.caption(panel.nothing)
        else:
            token = _title.set(f"{head}{f' – {figures}' if figures else ''}")
            try:
                panel.draw(answer.value)
            finally:
                _title.reset(token)


def staleness(answer: Answer[Any], fresh_s: float) -> str:
    """What is said beside the title of a chart that is older than it should be; empty for one that is not."""
    if answer.state != "stale" or answer.age_s is None:
        return ""
    if answer.error is not None:
        return f"  :gray[◷ as of {age(answer.age_s)}: {answer.error.message}]"
    if answer.age_s > LATE * fresh_s + PATIENCE_S:
        return f"  :gray[◷ as of {age(answer.age_s)}: the history is slow to answer]"
    return ""


def _explain_absence(answer: Answer[Any], height: int) -> None:
    with st.container(height=height, border=False, vertical_alignment="center"):
        if answer.error is not None:
            st.caption(f"◇ No history now. {answer.error.message} {answer.error.hint}")
        else:
            st.caption("◇ The history is still opening; this fills by itself.")


def plot(figure: Any, key: str, below: str = "", clicked: Callable[[str], None] | None = None) -> None:
    """A figure in the house's way, as wide as its frame; `below` is a note under it, small and grey.

    Dragging along a time axis makes what was selected the page's range, of every chart on it. The only
    button is the one that saves the picture; it shows under the pointer and when the keyboard comes to it.

    Args:
        clicked: instead, points are picked by clicking; called with the chart's key, as a callback.
    """
    how: dict[str, Any] = {}
    picture = {"filename": f"tapewatch {key.removeprefix('chart:').replace(':', ' ')}", "scale": 2}
    config = {"modeBarButtons": [["toImage"]], "displaylogo": False, "toImageButtonOptions": picture}
    if clicked is not None:
        how = {"on_select": partial(clicked, key), "selection_mode": "points"}
    elif figure.layout.xaxis.type == "date":
        key = f"{key}:{timerange.generation()}"
        by = clock_of(figure, timerange.zone())
        below = " · ".join(filter(None, (below, timerange.collapse(figure, by))))
        how = {"on_select": partial(timerange.picked, key, by), "selection_mode": "box"}
    drawn = shown.keep(as_text(figure))
    st.plotly_chart(drawn, width="stretch", key=key, config=config, alt=_title.get() or None, **how)
    if below:
        st.markdown(f":small[:gray[{below}]]")


def plot_answer(figure: Any, key: str, answer: SeriesSet, remark: str = "") -> None:
    """A figure with a note from which rows it was read, and a remark."""
    read = reading(answer, logarithmic=figure.layout.yaxis.type == "log")
    plot(figure, key, " · ".join(filter(None, (read, remark))))
