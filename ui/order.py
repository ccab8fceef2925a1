"""What stands first need not be drawn first: a range just chosen is seen in the charts before the controls around them.

The browser draws what it gets in the order it comes. After a selection the charts are what is waited for, so what
stands above them has its place kept and is sent after them, in the same drawing.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import streamlit as st

from history.reader import WAIT_S

_waiting: ContextVar[list[Callable[[], Any]] | None] = ContextVar("what lets the charts go before", default=None)


def begin(*, charts_first: bool) -> None:
    """A drawing begins.

    Args:
        charts_first: what is placed from now on waits for the page's first charts.
    """
    _waiting.set([] if charts_first else None)


def place(draw: Callable[[], Any]) -> None:
    """Draw something that stands here, now or after the charts. A place of its own either way: nothing moves."""
    here, waiting = st.container(), _waiting.get()

    def fill() -> None:
        with here:
            draw()

    if waiting is None:
        fill()
    else:
        waiting.append(fill)


def patience_s() -> float:
    """How long a chart's answer may be waited for before anything else is drawn: the page shows the range before."""
    return WAIT_S if _waiting.get() else 0.0


def rest() -> None:
    """Draw what waits, if anything does."""
    waiting = _waiting.get()
    _waiting.set(None)
    for fill in waiting or ():
        fill()
