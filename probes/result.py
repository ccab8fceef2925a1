"""What a probe says: the words and values every other part of Tapewatch speaks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """State of a component. Worst-of order: off < ok < unknown < warning < critical."""

    OFF = "off"
    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Place in the worst-of order; higher is worse."""
        return list(Status).index(self)


def worst(statuses: Iterable[Status]) -> Status:
    """The worst of `statuses`; `off` when there are none."""
    return max(statuses, key=lambda status: status.rank, default=Status.OFF)


Labels = tuple[tuple[str, str], ...]
"""Label pairs sorted by name: hashable, so that a series can be a key."""


def labels(**pairs: str) -> Labels:
    """The label set of a reading, in the one canonical order."""
    return tuple(sorted(pairs.items()))


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one metric at the time of the result. `metric` stands in the catalogue."""

    metric: str
    value: float
    labels: Labels = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule that fired: the consequence and fact in `message`, what to do in `hint`.

    `because` is the metric of the finding beside it that this one follows from; empty: none explains it.
    """

    metric: str
    status: Status
    message: str
    hint: str
    value: float | None = None
    threshold: float | None = None
    labels: Labels = ()
    because: str = ""


@dataclass(frozen=True, slots=True)
class ProbeError:
    """Why a component could not be read.

    Attributes:
        code: one stable word, e.g. ``refused timeout dns_timeout dns_unknown auth_failed wrong_protocol``.
        message: one sentence on what happened, naming the address.
        hint: one sentence on what to do about it.
        status: what this failure makes of the component.
    """

    code: str
    message: str
    hint: str
    status: Status = Status.CRITICAL


class ProbeFailure(Exception):
    """Raised inside a probe for anything the system did to it; the runner turns it into a value."""

    def __init__(self, code: str, message: str, hint: str, status: Status = Status.CRITICAL) -> None:
        self.error = ProbeError(code, message, hint, status)
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows a page shows as they are (topics, slow queries, mounts): column names and tuples."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What one full probe brought back from a system that answered.

    Attributes:
        latency_s: the round trip of the cheapest request, for the health trend.
        summary: one short phrase with the key figure, e.g. ``"4 topics, lag 12"``.
        facts: things that are not numbers over time: version, role, mode.
        unavailable: what a version or a right hides, one phrase each; never a fault.
    """

    latency_s: float | None
    summary: str
    readings: Sequence[Reading] = ()
    findings: Sequence[Finding] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    unavailable: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """The outcome of one execution, success or not; immutable and safe to share between threads.

    Attributes:
        tick: the whole second this execution was scheduled for; samples carry it.
        latency_ms: the system's own round trip; None when it did not answer.
        took_ms: duration of the whole execution.
        trial: only the cheapest request ran, because the breaker is open.
    """

    component: str
    kind: str
    status: Status
    checked_at: datetime
    tick: datetime
    took_ms: float
    latency_ms: float | None = None
    summary: str = ""
    error: ProbeError | None = None
    readings: tuple[Reading, ...] = ()
    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    unavailable: tuple[str, ...] = ()
    trial: bool = False

    @property
    def lead(self) -> Finding | None:
        """The finding to mend first: what the worst of them follows from, in the end."""
        lead = max(self.findings, key=lambda finding: finding.status.rank, default=None)
        while lead is not None and lead.because:
            cause = next((finding for finding in self.findings if finding.metric == lead.because), None)
            if cause is None:
                break
            lead = cause
        return lead

    @property
    def sentence(self) -> str:
        """The one sentence that says what is wrong, or the summary when nothing is."""
        if self.error:
            return self.error.message
        return self.lead.message if self.lead else self.summary

    @property
    def hint(self) -> str:
        """What to do about `sentence`; empty when nothing is wrong."""
        if self.error:
            return self.error.hint
        return self.lead.hint if self.lead else ""

    def value(self, metric: str, **label_pairs: str) -> float | None:
        """The reading of `metric` with exactly these labels, or None."""
        wanted = labels(**label_pairs)
        return next((r.value for r in self.readings if r.metric == metric and r.labels == wanted), None)


def utc(epoch_s: float) -> datetime:
    """Aware UTC time of an epoch second."""
    return datetime.fromtimestamp(epoch_s, UTC)
