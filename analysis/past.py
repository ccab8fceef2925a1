"""The board as it stood at a past moment, rebuilt from what the history recorded. Pure.

The recorded status is the truth; samples fill in the figures and tell what else was beyond its threshold.
Dependencies and thresholds are those of today's configuration: the history keeps no others. Where nobody
looked nothing is claimed: such a component is unknown, however healthy it had been.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from history.answers import Series
from history.queries.past import LOOK, Figure, Past, Recorded
from probes import KINDS, METRICS, common
from probes.cache import ComponentView, explained
from probes.catalogue import Judge, Metric, thresholds
from probes.causes import linked
from probes.kind import Kind, Probe
from probes.result import Finding, ProbeResult, Reading, Status, utc
from settings import Component, Settings

LATENCY = "probe_latency_seconds"
NOT_THERE = "Not observed at this moment: nothing of it was on record yet."


@dataclass(frozen=True, slots=True)
class Watched:
    """A component as it is configured now: what the facts of a past moment are understood with."""

    component: Component
    kind: Kind
    interval_s: float
    deadline_s: float


def watched(settings: Settings) -> tuple[Watched, ...]:
    """Every configured component."""
    return tuple(
        Watched(component, KINDS[component.kind], settings.interval_s(component), settings.deadline_s(component))
        for component in settings.component
    )


def metrics_of(known: Iterable[Watched]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The metrics a past board is made of, and those of them whose course its cards draw; both sorted."""
    kinds = {entry.kind.name: entry.kind for entry in known}.values()
    charted = {LATENCY, *(kind.key_metric for kind in kinds)}
    judged = {metric.name for kind in kinds for metric in kind.metrics if _may_be_judged(metric, known)}
    return tuple(sorted({*charted, *judged, LOOK})), tuple(sorted(charted))


def _may_be_judged(metric: Metric, known: Iterable[Watched]) -> bool:
    return bool(thresholds(metric)) or any(metric.name in entry.component.thresholds for entry in known)


def views_at(past: Past, known: Sequence[Watched]) -> tuple[ComponentView, ...]:
    """Every component as it stood at `past.at_s`, causes worked out; those configured first, in their order.

    A component that only the history knows is among them when somebody looked at it then.
    """
    facts = _facts(past)
    names = {entry.component.name for entry in known}
    views = [_view(facts.get(entry.component.name, _Facts()), entry, past) for entry in known]
    gone = (_view(fact, _gone(name), past) for name, fact in facts.items() if name not in names)
    return explained([*views, *(view for view in gone if view.last_status is not Status.OFF and not view.stale)])


@dataclass(slots=True)
class _Facts:
    """What is on record of one component."""

    recorded: Recorded | None = None
    figures: list[Figure] = field(default_factory=list)
    courses: list[Series] = field(default_factory=list)

    @property
    def look(self) -> Figure | None:
        return next((figure for figure in self.figures if figure.row.key.metric == LOOK), None)


def _facts(past: Past) -> dict[str, _Facts]:
    found = {recorded.component: _Facts(recorded) for recorded in past.recorded}
    for figure in past.figures:
        if figure.row.key.component in found:
            found[figure.row.key.component].figures.append(figure)
    for course in past.courses:
        if course.component in found:
            found[course.component].courses.append(course)
    return found


def _view(facts: _Facts, entry: Watched, past: Past) -> ComponentView:
    recorded, look = facts.recorded, facts.look
    if recorded is None:
        return _not_there(entry, past.at_s)
    least_s = 2 * entry.interval_s + entry.deadline_s
    seen = look is not None and look.fresh(past.at_s, max(least_s, past.width_s))
    last_s = max(recorded.said_s, look.at_s) if look else recorded.said_s
    fresh = [figure for figure in facts.figures if seen and figure.fresh(past.at_s, max(least_s, past.width_s))]
    latency, key = chosen(fresh, LATENCY), chosen(fresh, entry.kind.key_metric)
    result = _result(recorded, entry, last_s, fresh, latency)
    return ComponentView(
        component=entry.component,
        kind=entry.kind,
        status=recorded.status if seen else Status.UNKNOWN,
        last_status=recorded.status,
        since=None if recorded.since_s is None else utc(recorded.since_s),
        age_s=past.at_s - last_s,
        stale=not seen,
        pending=False,
        interval_s=entry.interval_s,
        result=result,
        recent=_course(facts.courses, latency, key),
    )


def _not_there(entry: Watched, at_s: int) -> ComponentView:
    return ComponentView(
        component=entry.component,
        kind=entry.kind,
        status=Status.UNKNOWN,
        last_status=Status.UNKNOWN,
        since=None,
        age_s=None,
        stale=False,
        pending=False,
        interval_s=entry.interval_s,
        result=ProbeResult(
            component=entry.component.name,
            kind=entry.kind.name,
            status=Status.UNKNOWN,
            checked_at=utc(at_s),
            tick=utc(at_s),
            took_ms=math.nan,
            summary=NOT_THERE,
        ),
    )


def _result(
    recorded: Recorded, entry: Watched, last_s: float, fresh: Sequence[Figure], latency: Figure | None
) -> ProbeResult:
    """The result that the records amount to; how long the check took is not among them."""
    readings = tuple(
        Reading(figure.row.key.metric, figure.value, figure.row.key.labels)
        for figure in fresh
        if figure.row.key.metric not in COMMON
    )
    return ProbeResult(
        component=entry.component.name,
        kind=entry.kind.name,
        status=recorded.status,
        checked_at=utc(last_s),
        tick=utc(last_s),
        took_ms=math.nan,
        latency_ms=latency.value * 1000 if latency else None,
        findings=findings(recorded, readings, entry),
        readings=readings,
    )


COMMON = frozenset(metric.name for metric in common.METRICS)


def findings(recorded: Recorded, readings: Sequence[Reading], entry: Watched) -> tuple[Finding, ...]:
    """What was wrong: the sentence on record first, then what else was beyond its threshold at the moment.

    None of the latter is worse than the recorded status: the probe, which knew for how long a value had been
    beyond and which thresholds were in force, did not find it so.
    """
    if recorded.status.rank <= Status.OK.rank:
        return ()
    told = next((metric for metric in entry.kind.metrics if says(metric, recorded.reason)), None)
    said = Finding(
        metric=told.name if told else "probe_status",
        status=recorded.status,
        message=recorded.reason or f"It was {recorded.status}; why is not on record.",
        hint=told.hint if told else "",
    )
    judge = Judge(METRICS, entry.component.thresholds)
    judge.findings(readings, 0.0)  # begins to count how long each has been beyond: for ever, by the next call
    others = judge.findings([reading for reading in readings if reading.metric != said.metric], math.inf)
    return linked([said, *(other for other in others if other.status.rank <= recorded.status.rank)])


def says(metric: Metric, sentence: str) -> bool:
    """Whether `sentence` is one that a finding of `metric` says.

    >>> says(METRICS["host_cpu_ratio"], "The CPU is 91.0 % busy, more than 85.0 % for five minutes.")
    True
    >>> says(METRICS["host_cpu_ratio"], "Redis refused the connection.")
    False
    """
    parts = re.split(r"\{\w*(?::[^}]*)?\}", metric.message)
    return len(parts) > 1 and re.fullmatch(".+".join(map(re.escape, parts)), sentence) is not None


def chosen(figures: Iterable[Figure], metric: str) -> Figure | None:
    """The figure that stands for a component's `metric`: the one without labels, else the worst."""
    found = [figure for figure in figures if figure.row.key.metric == metric]
    plain = next((figure for figure in found if not figure.row.key.labels), None)
    worst = min if METRICS[metric].better == "higher" else max
    return plain or worst(found, key=lambda figure: figure.value, default=None)


def _course(
    courses: Iterable[Series], latency: Figure | None, key: Figure | None
) -> tuple[tuple[float, float | None, float | None], ...]:
    """Latency in ms and key figure over the time before the moment, the moment's own last."""
    latencies, keys = (_points(courses, figure) for figure in (latency, key))
    times = sorted({*latencies, *keys})
    end_s = max((figure.at_s for figure in (latency, key) if figure), default=None)
    points = [(at_s, _ms(latencies.get(at_s)), keys.get(at_s)) for at_s in times if end_s is None or at_s < end_s]
    if end_s is None:
        return tuple(points)
    return (*points, (end_s, _ms(latency.value if latency else None), key.value if key else None))


def _points(courses: Iterable[Series], figure: Figure | None) -> Mapping[float, float]:
    if figure is None:
        return {}
    wanted = figure.row.key
    line = next((c for c in courses if (c.metric, c.labels) == (wanted.metric, wanted.labels)), None)
    return dict(zip(line.t.tolist(), line.avg.tolist(), strict=True)) if line else {}


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


def _gone(name: str) -> Watched:
    """A component that is in the history only, under the most general kind there is."""
    return Watched(Component.model_construct(kind=GONE.name, name=name), GONE, interval_s=0.0, deadline_s=0.0)


def _not_to_be_probed(component: Component, deadline_s: float) -> Probe:
    raise LookupError(f"{component.name} is in the history only: there is nothing to probe within {deadline_s:g} s")


GONE = Kind(
    name="gone",
    title="No longer configured",
    component=Component,
    metrics=common.METRICS,
    open=_not_to_be_probed,
    key_metric=LATENCY,
)
