"""The pulse: a page that no longer hears from the server says so and turns grey, instead of staying green.

With it comes what keeps the browser's way back one step for each page (`address.js`).
"""

import time
from pathlib import Path
from zoneinfo import ZoneInfo

import streamlit as st

SILENT_S, MISSED = 15.0, 3
"""A page is silent after so many seconds, and after so many drawings that did not come."""

_SCRIPTS = (Path(__file__).with_name(f"{name}.js") for name in ("address", "pulse"))
_mount = st.components.v2.component("pulse", js="".join(path.read_text(encoding="utf-8") for path in _SCRIPTS))


def beat(zone: ZoneInfo, pace_s: float) -> None:
    """One beat, drawn with each drawing of the live part; the browser watches that they keep coming.

    Args:
        pace_s: seconds until the next one is due.
    """
    data = {"at": time.time(), "silent_s": max(SILENT_S, MISSED * pace_s), "zone": zone.key}
    _mount(key="pulse", data=data)
