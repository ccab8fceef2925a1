"""The pulse: a page that no longer hears from the server says so and turns grey, instead of staying green."""

import time
from pathlib import Path
from zoneinfo import ZoneInfo

import streamlit as st

SILENT_S, MISSED = 15.0, 3
"""A page is silent after so many seconds, and after so many drawings that did not come."""

_mount = st.components.v2.component("pulse", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"))


def beat(zone: ZoneInfo, pace_s: float) -> None:
    """One beat, drawn with each drawing of the live part; the browser watches that they keep coming.

    Args:
        pace_s: seconds until the next one is due.
    """
    data = {"at": time.time(), "silent_s": max(SILENT_S, MISSED * pace_s), "zone": zone.key}
    _mount(key="pulse", data=data)
