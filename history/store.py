"""Opens the history, brings its schema up to date and watches that it answers.

One background thread (re)connects; everybody else asks `state`, which never waits. While the store
is not known to answer, nothing is sent to it but this thread's own trial.
"""

import logging
import re
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from clickhouse_connect.driver.client import Client

from history.schema import layout_of
from history.upgrades import migrate
from probes import clickhouse_client
from probes.clickhouse_failures import is_outside, is_unreadable
from probes.result import ProbeError, utc
from settings import DEFAULT_ZONE, History

log = logging.getLogger(__name__)

PING_TIMEOUT_S = 1.0
QUERY_TIMEOUT_S = 10
TRIAL_TIMEOUT_S = 2
MIGRATION_TIMEOUT_S = 60
"""Of silence: a statement at work for longer is heard of, since ClickHouse sends its progress every 55 s."""
PING_EVERY_S = 2.0
EMBEDDED_PING_EVERY_S = 15.0
"""The embedded engine is not away while this process lives; asking it oftener costs half a per cent of a core."""
RETRY_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class StoreState:
    """Whether the history answers.

    Attributes:
        ready: queries and inserts may be sent.
        error: why not; None while ready or while the first try is under way.
        since: when this state began.
    """

    ready: bool
    error: ProbeError | None
    since: datetime


class StoreUnavailable(Exception):
    """Nothing can be sent to the history now; `error` says why."""

    def __init__(self, error: ProbeError) -> None:
        self.error = error
        super().__init__(error.message)


class Store:
    """The history's front door.

    Args:
        on_ready: called in the background thread each time the store becomes ready.
        zone: the desk's time zone, whose days the coarse tiers have.
    """

    def __init__(
        self, settings: History, on_ready: Callable[[], None] = lambda: None, zone: str = DEFAULT_ZONE
    ) -> None:
        self.settings = settings
        self.zone = zone
        self.database = settings.database
        self._on_ready = on_ready
        self._state = StoreState(False, None, utc(time.time()))
        self._stopping = threading.Event()
        self._trial = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> StoreState:
        return self._state

    @property
    def place(self) -> str:
        """Where the history is, without secrets."""
        return f"{self.settings.dsn}"

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="history:store", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._trial.set()

    def report(self, exc: Exception) -> ProbeError:
        """Tell the store that a query or an insert failed; a broken connection closes it until the next trial."""
        error = explain(exc, self.place)
        if error.code in clickhouse_client.CONNECTION_CODES:
            self._set(False, error)
            self._trial.set()
        return error

    def connect(self, timeout_s: int = QUERY_TIMEOUT_S) -> Client:
        """A client of its own for one thread.

        Raises:
            ProbeFailure, ClickHouseError, OSError, urllib3.exceptions.HTTPError: see `explain`.
        """
        dsn = self.settings.dsn
        if not clickhouse_client.is_embedded(dsn):
            clickhouse_client.ping(dsn, PING_TIMEOUT_S)
        return clickhouse_client.connect(dsn, read_timeout_s=timeout_s)

    def migrate(self, client: Client) -> None:
        """Bring the schema up to this program's version, zone and retention; see `history.upgrades.migrate`."""
        migrate(client, layout_of(self.settings, self.zone))

    def _watch(self) -> None:
        client: Client | None = None
        while not self._stopping.is_set():
            try:
                if client is None:
                    client = self.connect(TRIAL_TIMEOUT_S)
                    with closing(self.connect(MIGRATION_TIMEOUT_S)) as patient:
                        self.migrate(patient)
                else:
                    client.command("SELECT 1")
                if not self._state.ready:
                    self._set(True, None)
                    self._on_ready()
            except Exception as exc:  # whatever is wrong, the next trial may find it mended
                self._set(False, explain(exc, self.place))
                if client is not None:
                    client.close()
                    client = None
            self._trial.wait(self._pause_s())
            self._trial.clear()
        if client is not None:
            client.close()

    def _pause_s(self) -> float:
        if not self._state.ready:
            return RETRY_EVERY_S
        return EMBEDDED_PING_EVERY_S if clickhouse_client.is_embedded(self.settings.dsn) else PING_EVERY_S

    def _set(self, ready: bool, error: ProbeError | None) -> None:
        before = self._state
        same = before.ready == ready and (before.error and before.error.code) == (error and error.code)
        if not same or before.error != error:
            self._state = StoreState(ready, error, before.since if same else utc(time.time()))
            if error and not (same and before.error and _told(before.error) == _told(error)):
                log.warning("history: %s %s", error.message, error.hint)
            elif ready:
                log.info("history: ready at %s", self.place)


def _told(error: ProbeError) -> str:
    """What an error says but for its figures, which may change at every trial."""
    return re.sub(r"\d+", "", error.message)


def explain(exc: Exception, place: str) -> ProbeError:
    """What a failed call to the history means, in words."""
    if isinstance(exc, StoreUnavailable):
        return exc.error
    if is_outside(exc):
        if is_unreadable(exc):
            log.warning("history: an answer cannot be read", exc_info=exc)
        return clickhouse_client.explain(exc, place)
    log.error("history: %s", type(exc).__name__, exc_info=exc)
    return ProbeError(
        "internal",
        f"Tapewatch failed over this question to the history: {type(exc).__name__}.",
        "This is a fault in Tapewatch; the log has the traceback.",
    )
