"""The last result of each component, with its age. Reading it never waits for anything.

`Board` is the cached probe function of every component in one place: `view` answers at once from
memory. Where nobody keeps it warm (a page opened alone, a test) the first view starts a refresh
and says *pending*.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from probes.breaker import longest_pause_s
from probes.causes import Link, find_causes, seen
from probes.kind import Kind
from probes.result import ProbeResult, Status
from probes.runner import Runner
from settings import Component

log = logging.getLogger(__name__)

RECENT = 60
"""Results kept in memory per component, for sparklines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentView:
    """One component as a reader sees it at one moment.

    Attributes:
        status: the status in force: `unknown` when the last result is stale or there is none yet.
        last_status: what the last result said, however old.
        since: when `last_status` began; None before the first result.
        age_s: seconds since the last result.
        pending: no result has come in yet; the first check is under way.
        caused_by: the root causes this component's trouble is put down to.
        links: the nearest causes on the way there, each with what links it.
        explains: the components whose trouble is put down to this one.
        recent: (epoch second, latency in ms or None, key figure or None) of the last results, oldest first.
    """

    component: Component
    kind: Kind
    status: Status
    last_status: Status
    since: datetime | None
    age_s: float | None
    stale: bool
    pending: bool
    interval_s: float
    result: ProbeResult | None
    caused_by: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    explains: tuple[str, ...] = ()
    recent: tuple[tuple[float, float | None, float | None], ...] = ()

    @property
    def name(self) -> str:
        return self.component.name

    @property
    def sentence(self) -> str:
        """What there is to say about the component in one sentence."""
        if self.result is None:
            return "The first check is under way."
        if self.stale:
            return f"No fresh result: the last one said {self.last_status}. {self.result.sentence}"
        return self.result.sentence

    @property
    def hint(self) -> str:
        return self.result.hint if self.result else ""


@dataclass(slots=True)
class _Entry:
    runner: Runner
    interval_s: float
    recent: deque[tuple[float, float | None, float | None]]
    result: ProbeResult | None = None
    since: datetime | None = None
    restored: tuple[Status, datetime] | None = None


Subscriber = Callable[[ProbeResult, ProbeResult | None], None]
"""Called with a new result and the one before; must not block."""


class Board:
    """All components' latest results.

    Args:
        clock: epoch seconds, for the ages.
        timer: seconds that never go back, for the deadlines.
    """

    def __init__(self, clock: Callable[[], float] = time.time, timer: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._timer = timer
        self._entries: dict[str, _Entry] = {}
        self._subscribers: list[Subscriber] = []
        self._lock = threading.Lock()
        self.published = 0

    def add(self, component: Component, kind: Kind, *, interval_s: float, deadline_s: float) -> Runner:
        """Register a component; its runner publishes here."""
        runner = Runner(component, kind, deadline_s, self.publish, self._clock, self._timer)
        self._entries[component.name] = _Entry(runner, interval_s, deque(maxlen=RECENT))
        return runner

    def subscribe(self, subscriber: Subscriber) -> None:
        self._subscribers.append(subscriber)

    @property
    def runners(self) -> Mapping[str, Runner]:
        return {name: entry.runner for name, entry in self._entries.items()}

    def publish(self, result: ProbeResult) -> None:
        """Take a result in, from a runner or from another process's mirror. One already here, or older, is ignored."""
        now_s = self._clock()
        with self._lock:
            entry = self._entries.get(result.component)
            if entry is None or (entry.result is not None and not _supersedes(result, entry.result, entry, now_s)):
                return
            before = entry.result
            if before is None or before.status != result.status:
                known = entry.restored if before is None else None
                entry.since = known[1] if known and known[0] == result.status else result.checked_at
            entry.result = result
            key = next((r.value for r in result.readings if r.metric == entry.runner.kind.key_metric), None)
            entry.recent.append((result.checked_at.timestamp(), result.latency_ms, key))
            self.published += 1
        for subscriber in self._subscribers:
            try:
                subscriber(result, before)
            except Exception:  # a fault in one must not end the probe's thread or the monitor's loop
                log.exception("a result of %s could not be handed on", result.component)

    def restore(self, name: str, status: Status, since: datetime) -> None:
        """Tell since when `status` has lasted, from a memory older than this process."""
        with self._lock:
            entry = self._entries.get(name)
            if entry is None:
                return
            if entry.result is None:
                entry.restored = status, since
            elif entry.result.status == status and entry.since and since < entry.since:
                entry.since = since

    def since(self, name: str) -> datetime | None:
        """When the status of `name`'s last result began; starts no check, as a view may."""
        return self._entries[name].since

    def keep_s(self, name: str) -> float:
        """How long a mirrored result of `name` is worth keeping, in seconds: ten intervals, a minute at least."""
        return max(60.0, 10 * self._entries[name].interval_s)

    def names(self) -> tuple[str, ...]:
        return tuple(self._entries)

    def views(self) -> tuple[ComponentView, ...]:
        """Every component as of now, causes worked out; in configuration order."""
        now_s = self._clock()
        return explained([self._view(entry, now_s) for entry in self._entries.values()])

    def view(self, name: str) -> ComponentView | None:
        """One component as of now, or None when there is no such component."""
        return next((view for view in self.views() if view.name == name), None)

    def of_kind(self, kind: str) -> tuple[ComponentView, ...]:
        return tuple(view for view in self.views() if view.kind.name == kind)

    def _view(self, entry: _Entry, now_s: float) -> ComponentView:
        entry.runner.expire()
        with self._lock:  # held for an instant by writers too: a status and its "since" belong together
            result, since, recent = entry.result, entry.since, tuple(entry.recent)
        if result is None and not entry.runner.started:
            entry.runner.request()
        age_s = None if result is None else max(0.0, now_s - result.checked_at.timestamp())
        stale = result is not None and _is_stale(result, entry, now_s)
        last = Status.UNKNOWN if result is None else result.status
        return ComponentView(
            component=entry.runner.component,
            kind=entry.runner.kind,
            status=Status.UNKNOWN if stale else last,
            last_status=last,
            since=since,
            age_s=age_s,
            stale=stale,
            pending=result is None,
            interval_s=entry.interval_s,
            result=result,
            recent=recent,
        )


def explained(views: Sequence[ComponentView]) -> tuple[ComponentView, ...]:
    """`views` with their causes worked out from each other's status and from what their probes saw."""
    causes = find_causes(
        seen(view.name, view.status, view.component.depends_on, view.component.target, view.result) for view in views
    )
    return tuple(
        replace(view, caused_by=found.caused_by, explains=found.explains, links=found.links)
        for view, found in ((view, causes[view.name]) for view in views)
    )


def _supersedes(result: ProbeResult, held: ProbeResult, entry: _Entry, now_s: float) -> bool:
    """Whether `result` is newer than `held`; any other is where the clock was set back since `held`."""
    set_back = held.checked_at.timestamp() > now_s and _is_stale(held, entry, now_s)
    return result.checked_at > held.checked_at or (set_back and result.checked_at != held.checked_at)


def _is_stale(result: ProbeResult, entry: _Entry, now_s: float) -> bool:
    """Further from now than two intervals and the deadline (DESIGN.md §1), where a breaker backs off its pause.

    Either way: a result that far ahead is from before the clock was set back, and says as little.
    """
    pause_s = longest_pause_s(entry.interval_s, result.error.code if result.error else None)
    return abs(now_s - result.checked_at.timestamp()) > entry.interval_s + pause_s + entry.runner.deadline_s


def worst_first(views: Iterable[ComponentView]) -> list[ComponentView]:
    """Views for a list a person reads: worst status first, the oldest trouble first; healthy ones keep their order."""

    def key(view: ComponentView) -> tuple[int, float]:
        troubled = view.status.rank > Status.OK.rank and view.since is not None
        return -view.status.rank, view.since.timestamp() if troubled and view.since else 0.0

    return sorted(views, key=key)
