"""Runs questions off everybody's path, and answers at once with what is known.

A reader asks and gets, within the wait it grants, either the fresh answer or the last good one
marked stale, or *pending*, or the reason why there is none. The same question asked twice runs
once. Nothing is sent to a store that is not known to answer.
"""

import math
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Concatenate, Generic, Literal, ParamSpec, TypeVar

from clickhouse_connect.driver.client import Client

from history.queries import Scope, scope_of
from history.store import Store, StoreUnavailable
from history.window import Window
from probes.result import ProbeError

T = TypeVar("T")
P = ParamSpec("P")

WORKERS = 3
MAX_WAITING = 64
MAX_REMEMBERED = 256
WAIT_S = 0.25
"""How long a page or an endpoint lets a healthy store think before it goes on without the answer."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What is known now.

    Attributes:
        state: ``fresh``; ``stale`` (the last good value, because a newer one is not to be had yet);
            ``pending`` (no value yet, being fetched); ``failed`` (no value, `error` says why).
        age_s: seconds since `value` was read from the store.
        error: why there is nothing newer; also set on ``stale`` when the store is down.
    """

    state: Literal["fresh", "stale", "pending", "failed"]
    value: T | None
    age_s: float | None = None
    error: ProbeError | None = None
    took_ms: float | None = None


@dataclass(slots=True)
class _Known:
    value: Any
    begun_s: float
    at_s: float


class Reader:
    """Asks the history on behalf of pages and endpoints."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._queue: queue.Queue[tuple[Hashable, Callable[[Client], Any], Future[Any]] | None] = queue.Queue(
            MAX_WAITING
        )
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, _Known] = OrderedDict()
        self._failed: dict[Hashable, ProbeError] = {}
        self._running: dict[Hashable, Future[Any]] = {}
        self._threads: list[threading.Thread] = []
        self._outdated_s = -math.inf
        self._stopping = False

    def outdate(self) -> None:
        """Something was written into the past: what was read before this moment is shown until it is read anew."""
        self._outdated_s = self._clock()

    def submit(
        self, question: Callable[Concatenate[Client, Scope, P], T], fresh_s: float, *args: P.args, **kwargs: P.kwargs
    ) -> "Future[Any] | None":
        """Start a question in the background unless its answer is fresh; None when there is nothing to wait for."""
        key = _key(question, args, kwargs)
        known = self._known.get(key)
        if (known and self._is_fresh(known, fresh_s)) or not self._store.state.ready:
            return None
        scope = scope_of(self._store.settings, self._store.zone, time.time())
        more = {"known": known.value} if known and self._resumes(question, known) else {}
        with self._lock:
            running = self._running.get(key)
            if running is not None:
                return running
            future: Future[Any] = Future()
            try:
                self._queue.put_nowait((key, lambda client: question(client, scope, *args, **kwargs, **more), future))
            except queue.Full:
                return None
            self._running[key] = future
            self._start_threads()
            return future

    def ask(
        self,
        question: Callable[Concatenate[Client, Scope, P], T],
        fresh_s: float,
        wait_s: float,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Answer[T]:
        """The answer to `question`, waiting at most `wait_s` for it.

        Args:
            question: a function of `history.queries`; its arguments must be hashable.
            fresh_s: an answer younger than this is not asked for again.
        """
        future = self.submit(question, fresh_s, *args, **kwargs)
        if future is not None:
            wait_for(future, wait_s)
        return self.answer(question, fresh_s, *args, **kwargs)

    def answer(
        self, question: Callable[Concatenate[Client, Scope, P], T], fresh_s: float, *args: P.args, **kwargs: P.kwargs
    ) -> Answer[T]:
        """What is known of `question` now; never waits, starts nothing."""
        key = _key(question, args, kwargs)
        state, known, failed = self._store.state, self._known.get(key), self._failed.get(key)
        error = state.error if not state.ready else failed
        if known is not None:
            age_s = self._clock() - known.at_s
            fresh = self._is_fresh(known, fresh_s) and error is None
            return Answer("fresh" if fresh else "stale", known.value, age_s, error, (known.at_s - known.begun_s) * 1000)
        if error is not None:
            return Answer("failed", None, None, error)
        return Answer("pending", None)

    def _resumes(self, question: Callable[..., Any], known: _Known) -> bool:
        """Whether a question reads on from its last answer: it says so, and the past has not been written anew."""
        return getattr(question, "resumes", False) and known.begun_s > self._outdated_s

    def _is_fresh(self, known: _Known, fresh_s: float) -> bool:
        return self._clock() - known.at_s < fresh_s and known.begun_s > self._outdated_s

    def stop(self) -> None:
        """End the workers; running questions are left to end by their own limits."""
        self._stopping = True
        for _ in self._threads:
            try:
                self._queue.put_nowait(None)
            except queue.Full:
                break

    def _start_threads(self) -> None:
        if len(self._threads) < WORKERS:
            thread = threading.Thread(target=self._work, name=f"history:reader-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        client: Client | None = None
        while (job := self._queue.get()) is not None and not self._stopping:
            key, run, future = job
            started_s = self._clock()
            try:
                if not self._store.state.ready:
                    raise StoreUnavailable(
                        self._store.state.error or ProbeError("starting", "The history is opening.", "")
                    )
                client = client or self._store.connect()
                value = run(client)
                with self._lock:
                    self._known[key] = _Known(value, started_s, self._clock())
                    self._known.move_to_end(key)
                    self._failed.pop(key, None)
                    while len(self._known) > MAX_REMEMBERED:
                        self._known.popitem(last=False)
            except Exception as exc:  # the reader gets the reason; the store is tried again by its own thread
                error = self._store.report(exc)
                with self._lock:
                    self._failed[key] = error
                    while len(self._failed) > MAX_REMEMBERED:
                        del self._failed[next(iter(self._failed))]
                if client is not None:
                    client.close()
                    client = None
            finally:
                with self._lock:
                    self._running.pop(key, None)
                future.set_result(None)
        if client is not None:
            client.close()


def wait_for(future: "Future[Any]", wait_s: float) -> bool:
    """Whether `future` ended within `wait_s`; its own failure is not raised here."""
    try:
        future.result(wait_s)
    except TimeoutError:
        return False
    return True


def _key(question: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Hashable:
    def plain(value: Any) -> Any:
        return value.key if isinstance(value, Window) else value

    name = f"{question.__module__}.{question.__qualname__}"
    return (name, *map(plain, args), *((key, plain(value)) for key, value in sorted(kwargs.items())))
