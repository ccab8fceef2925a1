"""What a probe module offers: a `Kind`, the one thing it registers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from probes.catalogue import Metric
from probes.result import Collected
from settings import Component


class Probe(Protocol):
    """One component's probe. It lives in one thread, keeps its client and is closed by the runner.

    Both methods raise `ProbeFailure` for anything the system did; any other exception is a
    programming error, which the runner reports as status `unknown` with the traceback in the log.
    """

    def ping(self) -> float:
        """The cheapest trial: connect and one answer. Returns the round trip in seconds."""
        ...

    def collect(self) -> Collected:
        """Everything there is to read."""
        ...

    def close(self) -> None:
        """Give back sockets and threads. Called once, also after a failure."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of component: its name, its configuration, its metrics and how to open a probe.

    Attributes:
        title: what a person calls the kind, e.g. ``"ClickHouse"``.
        component: configuration model (`settings.Component` plus the kind's own keys).
        metrics: every metric the probe can emit.
        open: makes the probe of one component; must not do I/O. Its second argument is the deadline in seconds.
        key_metric: the figure a card shows.
    """

    name: str
    title: str
    component: type[Component]
    metrics: tuple[Metric, ...]
    open: Callable[[Any, float], Probe]
    key_metric: str
