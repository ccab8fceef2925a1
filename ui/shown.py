"""What a page shows: the panels of its last drawing, so that they can be taken away exactly as they were seen.

A drawing only notes its panels. One that was asked to keep what it draws (`ask`) also holds each
answer and all that was drawn of it, and no other drawing does: what nobody takes away costs nothing.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from history.window import Window

if TYPE_CHECKING:
    from ui.panels import Panel

Part: TypeAlias = "go.Figure | pd.DataFrame | str"
"""What a panel draws: a chart, a table, a sentence."""
Kept = TypeVar("Kept", bound="Part")
_DRAWING, _ASKED = "drawing", "drawing to keep"


@dataclass(slots=True)
class Shown:
    """One panel as it was drawn.

    Attributes:
        title: the answer it told; until there is one, its question.
        value: the answer; None: it was not known.
        parts: what was drawn, in order.
    """

    panel: "Panel[Any]"
    title: str
    value: Any = None
    parts: list[Part] = field(default_factory=list)


@dataclass(slots=True)
class Drawing:
    """One drawing of a page: what it was about and, panel by panel, what it showed."""

    title: str = ""
    window: Window = field(default_factory=lambda: Window(0, 0))
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    panels: list[Shown] = field(default_factory=list)
    keeps: bool = False


_now: ContextVar[Shown | None] = ContextVar("the panel being drawn", default=None)


def begin(title: str, window: Window, zone: ZoneInfo) -> None:
    """A drawing begins: what was noted of the one before is forgotten. After the head, which may ask."""
    drawing = st.session_state.pop(_ASKED, None) or Drawing()
    drawing.title, drawing.window, drawing.zone = title, window, zone
    st.session_state[_DRAWING] = drawing


def ask() -> Drawing:
    """Have the drawing that begins next keep what it draws; it is filled while that goes on."""
    drawing: Drawing = Drawing(keeps=True)
    st.session_state[_ASKED] = drawing
    return drawing


def remember(panels: "Sequence[Panel[Any]]") -> "Sequence[Panel[Any]]":
    """Note that these panels are drawn; returns what to draw in their place."""
    drawing: Drawing | None = st.session_state.get(_DRAWING)
    if drawing is None:
        return panels
    noted = [Shown(panel, panel.title) for panel in panels]
    drawing.panels += noted
    return [_kept(shown) for shown in noted] if drawing.keeps else panels


def keep(drawn: Kept) -> Kept:
    """`drawn` itself; the panel being drawn holds on to it if somebody asked."""
    shown = _now.get()
    if shown is not None:
        shown.parts.append(drawn)
    return drawn


def _kept(shown: Shown) -> "Panel[Any]":
    """The panel of `shown`, which notes its answer and what it draws of it."""
    panel = shown.panel

    def empty(value: Any) -> bool:
        shown.value = value
        return panel.empty(value)

    def told(value: Any) -> str:
        shown.title = panel.told(value) if panel.told else panel.title
        return shown.title

    def draw(value: Any) -> None:
        shown.parts = []
        token = _now.set(shown)
        try:
            panel.draw(value)
        finally:
            _now.reset(token)

    return replace(panel, empty=empty, told=told if panel.told else None, draw=draw)
