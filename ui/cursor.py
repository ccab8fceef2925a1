"""The shared cursor: the moment that is under the pointer on one chart of a page is marked on all others."""

from pathlib import Path

import streamlit as st

_mount = st.components.v2.component("cursor", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"))


def shared() -> None:
    """Tie the charts of a page together; once a page, outside of what is drawn anew."""
    _mount(key="cursor", height=1)
