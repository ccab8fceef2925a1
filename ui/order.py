"""What stands first need not be drawn first: a range just chosen is seen in the charts before the controls around them.

The browser draws what it gets in the order it comes. After a selection the charts are what is waited for, so what
stands above them has its place kept and is sent after them, in the same drawing, once the browser had time for them.
"""

import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType

from history.reader import WAIT_S

BREATH_S, LOOK_S = 0.4, 0.02
"""What follows the charts takes the browser, and on two cores the processor, from under them: sent without a pause it
delays them by half (measured on Explore: 664 ms without, 592 with 0.2 s, 428 with 0.45; hello-world 310)."""
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
    """Draw what waits, if anything does, when the charts had time to be drawn."""
    waiting = _waiting.get()
    _waiting.set(None)
    if waiting:
        _breathe()
    for fill in waiting or ():
        fill()


def _breathe() -> None:
    until_s = time.monotonic() + BREATH_S
    while time.monotonic() < until_s and not _asked_again():
        time.sleep(LOOK_S)


def _asked_again() -> bool:
    """Whether another drawing was asked for meanwhile: whoever selects quickly does not wait for the rest twice.

    Streamlit has no public way to look without taking the request; where it keeps it elsewhere, the pause is whole.
    """
    requests = getattr(get_script_run_ctx(), "script_requests", None)
    return getattr(requests, "_state", None) is ScriptRequestType.RERUN
