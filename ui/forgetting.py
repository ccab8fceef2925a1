"""Lets a browser session forget widgets that are gone.

Streamlit drops the state of a widget that is not drawn any more, but keeps what it is (its callback, its key) until the
session ends. A chart that can be dragged over is another widget with every drawing, since its data are part of its
identity: a kilobyte each, for good (measured on 1.67: 7 charts, 8 MB in 1,000 zooms of one open page).
"""

from typing import Any

from streamlit.runtime.scriptrunner import get_script_run_ctx

SLACK = 64
"""So many may be gone before it is worth the look: a page has fewer widgets."""


def forget_gone() -> None:
    """Forget the widgets of this session that have no state any more; costs nothing while there are few of them.

    Streamlit has no public way to do it: a release that keeps its widgets elsewhere is left alone.
    """
    context = get_script_run_ctx()
    session = context.session_state if context else None
    state, lock = getattr(session, "_state", None), getattr(session, "_lock", None)
    state = getattr(state, "_state", state)  # AppTest wraps it twice
    known = getattr(getattr(state, "_new_widget_state", None), "widget_metadata", None)
    if context is None or state is None or lock is None or known is None:
        return
    with lock:
        old, mapper = state._old_state, state._key_id_mapper
        kept = {*state._new_widget_state.states, *old, *context.shared.widget_ids_this_run.snapshot()}
        if len(known) <= len(kept) + SLACK:
            return
        # A value that outlives its widget (persist_state) is kept under the widget's key.
        kept |= {name for name, key in mapper.id_key_mapping.items() if key in old or key in state._new_session_state}
        for gone in known.keys() - kept:
            del known[gone]
        _forget_keys(mapper, kept)


def _forget_keys(mapper: Any, kept: set[str]) -> None:
    for gone in mapper.id_key_mapping.keys() - kept:
        key = mapper.get_key_from_id(gone)
        if mapper.get_id_from_key(key) == gone:
            mapper.delete(key)
        else:  # the key has gone over to a later widget
            del mapper.id_key_mapping[gone]
