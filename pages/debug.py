"""Debug: is the monitor itself well, and what exactly is it doing?"""

import threading

import pandas as pd
import streamlit as st

from api.debug import configuration, versions
from probes.catalogue import humanize_duration
from ui import frame
from ui.status import plain

page = frame.begin("Debug", "Is the monitor itself well, and what exactly is it doing?")
monitor = page.monitor


def debug() -> None:
    store, recorder, mirror = monitor.store.state, monitor.recorder.state(), monitor.mirror.state
    with st.grid(4, min_column_width=150):
        st.metric("Uptime", humanize_duration(monitor.uptime_s), border=True)
        st.metric("Samples written", f"{recorder.written:,}", border=True)
        st.metric("Samples waiting", f"{recorder.waiting:,}", border=True)
        st.metric("Threads", threading.active_count(), border=True)
    history = "answers" if store.ready else store.error.message if store.error else "opening"
    st.markdown(
        f"History at `{monitor.store.place}`: {history}  \n"
        f"Board: {mirror.mode}{f' – {mirror.error}' if mirror.error else ''}  \n"
        f"Batches {recorder.batches:,}. {frame.backlog(recorder, page.zone)} {recorder.last_error}  \n"
        f"Spool: {recorder.spool_bytes / 1e6:,.1f} MB, {recorder.unspooled:,} samples not in it yet; "
        f"thinned {recorder.thinned:,}, dropped {recorder.dropped:,}. {recorder.spool_error}  \n"
        f"Rows in quarantine: {recorder.quarantined:,}. {recorder.refusal}"
    )
    rows, tracebacks = [], []
    for view in monitor.views():
        state = monitor.board.runners[view.name].state()
        rows.append(
            {
                "Component": view.name,
                "Status": plain(view.status),
                "Checks": state.executions,
                "Timed out": state.timeouts,
                "Stuck for": humanize_duration(state.stuck_s) if state.stuck_s else "",
                "Breaker": "open" if state.breaker.is_open else "closed",
                "Failures in a row": state.breaker.failures,
                "Took": humanize_duration(view.result.took_ms / 1000) if view.result else "—",
                "Last error": view.result.error.code if view.result and view.result.error else "",
            }
        )
        if state.traceback:
            tracebacks.append((view.name, state.traceback))
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="runners", alt="Runners")
    for name, text in tracebacks:
        with st.expander(f"Traceback of {name}"):
            st.code(text, language="text")


frame.live(page, debug, every_s=2.0)
with st.expander("Configuration in force, secrets masked"):
    st.json(configuration(monitor), expanded=2)
with st.expander("Versions"):
    st.json(versions())
