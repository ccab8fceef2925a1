"""The process's long-lived objects, the same for every page, session and endpoint.

They come from `st.cache_resource`, which survives hot reload: a module global would be a second,
stopped monitor after an edit.
"""

import logging
import os
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st

import probes
import settings
from history.workbench.bench import Bench
from monitor import Monitor
from settings_types import mask

if TYPE_CHECKING:
    from demo.stack import Stack

VIEWER_SEEN_S = 15.0


@dataclass(slots=True)
class Running:
    """The monitor, the workbench and, in the demo, the stack they work on."""

    monitor: Monitor
    stack: "Stack | None" = None
    workbench: Bench = field(init=False)
    _viewers: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.workbench = Bench(self.monitor.store, self.monitor.settings.workbench, os.environ)

    def start(self) -> None:
        """Start in the background; returns at once."""
        if self.stack is not None:
            self.stack.start(self.monitor)
        else:
            self.monitor.start()

    def stop(self) -> None:
        """Stop everything, writing what waits."""
        self.workbench.stop()
        self.monitor.stop()
        if self.stack is not None:
            self.stack.stop()

    def viewers(self, session_id: str) -> int:
        """Note that a session is alive; returns how many were in the last seconds."""
        now_s = time.monotonic()
        self._viewers[session_id] = now_s
        if len(self._viewers) > 1:
            self._viewers = {key: seen for key, seen in self._viewers.items() if now_s - seen < VIEWER_SEEN_S}
        return len(self._viewers)


_making = threading.Lock()


def running() -> Running:
    """The one `Running` of this process. Exits with code 2 when the configuration cannot be used."""
    with _making:
        return _make()


def monitor() -> Monitor:
    """The one monitor of this process."""
    return running().monitor


@st.cache_resource(show_spinner=False)
def _make() -> Running:
    _log_masked()
    path = settings.find_file(os.environ)
    if path is None:
        from demo.stack import Stack  # only the demo needs its packages

        stack = Stack()
        return Running(Monitor(stack.settings(), stack.progress), stack)
    try:
        return Running(Monitor(settings.load(path, os.environ, probes.COMPONENTS, probes.component_problems)))
    except settings.ConfigError as error:
        print(f"Tapewatch cannot start with this configuration:\n{error}", file=sys.stderr)
        sys.exit(2)


class _MaskedRecord(logging.LogRecord):
    """A log record without secrets, whoever writes it: Streamlit and uvicorn have handlers of their own."""

    def __init__(self, *args: Any, **keys: Any) -> None:
        super().__init__(*args, **keys)
        if self.exc_info:
            self.exc_text = mask(logging.Formatter().formatException(self.exc_info))  # formatters take it as it is

    def getMessage(self) -> str:  # noqa: N802  # logging's name
        return mask(super().getMessage())


def _log_masked() -> None:
    """Every log goes to stderr with every secret masked, tracebacks included."""
    logging.setLogRecordFactory(_MaskedRecord)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
