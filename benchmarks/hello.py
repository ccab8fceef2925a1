"""The yardstick: a hello-world Streamlit page, served by the same server with the same start-up care."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st

if __name__ == "__main__":
    st.header("Hello")
    st.metric("World", "1")
else:
    import pandas  # noqa: F401
    import plotly.graph_objects  # noqa: F401

    @asynccontextmanager
    async def lifespan(_: "st.App") -> AsyncIterator[dict[str, Any]]:
        """Freeze, as Tapewatch does."""
        gc.collect()
        gc.freeze()
        yield {}

    app = st.App(__file__, lifespan=lifespan)
