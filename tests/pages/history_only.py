"""Tapewatch with a history of known facts and nothing probed, for tests of pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import streamlit as st

from tests.probes.listeners import eventually
from ui.state import Running, running


@contextmanager
def history_only(directory: Path, chdb_path: Path, database: str, components: str) -> Iterator[Running]:
    """A process whose store alone is started, in a database of its own; `components` are the tables of its TOML."""
    path = directory / "tapewatch.toml"
    path.write_text(f'[history]\ndsn = "chdb://{chdb_path}"\ndatabase = "{database}"\n{components}')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAPEWATCH_CONFIG", str(path))
        st.cache_resource.clear()
        started = running()
        store = started.monitor.store
        store.start()
        assert eventually(lambda: store.state.ready, 30)
        yield started
        started.monitor.reader.stop()
        store.stop()
        st.cache_resource.clear()
