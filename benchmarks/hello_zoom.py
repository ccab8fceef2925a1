"""The yardstick of a zoom: a hello-world page with one line, redrawn over whatever is selected on it."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

POINTS = 720


def picked(key: str) -> None:
    """Make what was selected the range."""
    boxes = st.session_state[key]["selection"]["box"]
    if boxes:
        st.session_state["range"] = sorted(boxes[0]["x"][:2])
        st.session_state["generation"] = st.session_state.get("generation", 0) + 1


if __name__ == "__main__":
    st.header("Hello")
    ends = st.session_state.get("range", ["2026-01-01T00:00", "2026-04-01T00:00"])
    start, end = np.array(ends, dtype="datetime64[ms]").astype(np.float64)
    y = np.random.default_rng(1).normal(10, 1, POINTS).astype(np.float32)
    figure = go.Figure(go.Scatter(x0=ends[0], dx=(end - start) / POINTS, y=y, mode="lines"))
    figure.update_layout(height=280, dragmode="select", selectdirection="h")
    figure.update_xaxes(type="date", range=ends)
    key = f"chart:{st.session_state.get('generation', 0)}"
    st.plotly_chart(figure, key=key, on_select=lambda: picked(key), selection_mode="box")
else:
    import pandas  # noqa: F401

    @asynccontextmanager
    async def lifespan(_: "st.App") -> AsyncIterator[dict[str, Any]]:
        """Freeze, as Tapewatch does."""
        gc.collect()
        gc.freeze()
        yield {}

    app = st.App(__file__, lifespan=lifespan)
