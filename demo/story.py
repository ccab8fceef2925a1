"""What happened in the demo's past year, and the numbers it left behind. Pure: the same seed, the same past.

A weekday has the shape of a NYSE session in New York (busy at the open and the close), nights and weekends are
quiet. Into this fall the incidents of `demo.incidents`, each moved to a weekday: they bend the metrics they touch,
set their components' status and leave events. In the holes nobody measured anything.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from demo.courses import COURSES, LATENCIES_S, Course
from demo.incidents import INCIDENTS, Effect, Incident
from probes.result import Status, utc

NEW_YORK = ZoneInfo("America/New_York")
DAYS = 365
DAY_S = 86400
SEED = 20_261_123
_SESSION_H = (0, 4, 7, 9.4, 9.5, 10.2, 12.5, 14.5, 15.7, 16, 16.2, 20, 24)
_SESSION = (0.0, 0.02, 0.08, 0.2, 1.0, 0.75, 0.5, 0.6, 0.95, 1.0, 0.15, 0.03, 0.0)
"""Activity over a weekday's hours in New York: pre-market from 04:00, regular session 09:30 to 16:00, until 20:00."""
_HOURS_S = np.linspace(0, DAY_S, 25)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Happening:
    """An incident with its place in time, epoch seconds; `end_s` is the first second after it."""

    incident: Incident
    start_s: float
    end_s: float

    def inside(self, t: Floats) -> NDArray[np.bool_]:
        return (t >= self.start_s) & (t < self.end_s)

    def touches(self, t: Floats) -> bool:
        """Whether it can have been at any of `t`, which ascend."""
        return len(t) > 0 and bool(self.start_s <= t[-1] and t[0] < self.end_s)


@dataclass(frozen=True, slots=True)
class State:
    """From `at_s` on a component has `status`."""

    component: str
    at_s: float
    status: Status
    reason: str


class Story:
    """The year before `anchor_s`.

    Args:
        anchor_s: epoch second at which the past ends and measuring begins.
        components: those of the demo; what happens to others is left out.
    """

    def __init__(self, anchor_s: int, components: Sequence[str], seed: int = SEED) -> None:
        self.anchor_s = anchor_s
        self.start_s = anchor_s - DAYS * DAY_S
        self.components = tuple(components)
        self._seed = seed
        self._busy: tuple[Floats, Floats] | None = None
        placed = (place(incident, anchor_s) for incident in INCIDENTS)
        inside = (h for h in placed if self.start_s <= h.start_s and h.end_s < anchor_s)
        self.happenings = tuple(sorted(inside, key=lambda h: h.start_s))
        self.holes = tuple(h for h in self.happenings if h.incident.hole)

    def courses(self) -> tuple[Course, ...]:
        """The usual course of every metric of this demo's components."""
        return tuple(course for course in COURSES if course.component in self.components)

    def observed(self, component: str, t: Floats, *, readings: bool = True) -> NDArray[np.bool_]:
        """Where in `t` the component was measured; with `readings`, where it answered as well."""
        seen = np.ones(len(t), bool)
        for happening in self.happenings:
            incident = happening.incident
            if (incident.hole or (readings and component in incident.silences)) and happening.touches(t):
                seen &= ~happening.inside(t)
        return seen

    def values(self, course: Course, base: float, which: str, t: Floats) -> Floats:
        """The metric at each of `t`, which lie within one UTC day.

        Args:
            base: level in a busy hour at the anchor.
            which: what tells this series from others of the metric; it has noise of its own.
        """
        activity = self._activity(t)
        rng = self._rng(t, f"{course.component} {course.metric} {which}")
        growth = (1 + course.growth) ** -((self.anchor_s - t) / DAY_S)
        wander = np.interp(t % DAY_S, _HOURS_S, rng.normal(0, course.noise / 2, 25))
        noise = np.exp(rng.normal(0, course.noise, len(t)) + wander) if course.noise else 1.0
        found = base * growth * (course.quiet + (1 - course.quiet) * activity) * noise
        for happening in self.happenings:
            if happening.incident.component != course.component or not happening.touches(t):
                continue
            for effect in happening.incident.effects:
                if effect.metric == course.metric:
                    found = bend(found, happening, effect, t)
        return np.clip(found, course.least, course.most)

    def latency(self, component: str, t: Floats) -> Floats | None:
        """Latency in seconds; None for a component that nobody asks anything."""
        base = LATENCIES_S.get(component)
        if base is None:
            return None
        course = Course(component=component, metric="probe_latency_seconds", base=base, quiet=0.75, noise=0.25)
        return self.values(course, base, "", t)

    def states(self, component: str, start_s: float, end_s: float) -> tuple[State, ...]:
        """The component's status at `start_s` and at each change until `end_s`, holes left out."""
        edges = {edge for h in self._touching(component) for edge in (h.start_s, h.end_s) if start_s < edge < end_s}
        found: list[State] = []
        for at_s in (start_s, *sorted(edges)):
            if any(hole.start_s <= at_s < hole.end_s for hole in self.holes):
                continue
            found.append(self._state(component, at_s))
        return tuple(found)

    def ranks(self, component: str, t: Floats) -> NDArray[np.int8]:
        """The rank of the component's status at each of `t`."""
        ranks = np.full(len(t), Status.OK.rank, np.int8)
        for happening in (h for h in self._touching(component) if h.touches(t)):
            status, _ = happening.incident.outcome(component)
            inside = happening.inside(t)
            ranks[inside] = np.maximum(ranks[inside], status.rank)
        return ranks

    def _activity(self, t: Floats) -> Floats:
        """`session` at `t`, remembered: all series of a day are asked for the same moments, one after the other."""
        if self._busy is None or self._busy[0] is not t:
            self._busy = (t, session(t))
        return self._busy[1]

    def _touching(self, component: str) -> Iterable[Happening]:
        return (h for h in self.happenings if h.incident.hole or h.incident.touches(component))

    def _state(self, component: str, at_s: float) -> State:
        active = [
            h.incident.outcome(component)
            for h in self._touching(component)
            if not h.incident.hole and h.start_s <= at_s < h.end_s
        ]
        status, reason = max(active, key=lambda outcome: outcome[0].rank, default=(Status.OK, ""))
        return State(component, at_s, status, reason)

    def _rng(self, t: Floats, name: str) -> np.random.Generator:
        day = int(t[0] // DAY_S) if len(t) else 0
        return np.random.default_rng([self._seed, day, zlib.crc32(name.encode())])


def place(incident: Incident, anchor_s: float) -> Happening:
    """When an incident happened: so many days before the anchor's day in New York, back to a Friday from a weekend."""
    day: date = utc(anchor_s).astimezone(NEW_YORK).date() - timedelta(days=incident.days_ago)
    if day.weekday() > 4 and not incident.hole:
        day -= timedelta(days=day.weekday() - 4)
    start_s = datetime.combine(day, time.fromisoformat(incident.clock), NEW_YORK).timestamp()
    return Happening(incident, start_s, start_s + 60 * incident.minutes)


def session(t: Floats) -> Floats:
    """How busy the market is at each of `t`, 0 to 1. One UTC offset serves: clocks change on quiet Sundays."""
    if not len(t):
        return np.zeros(0)
    noon = datetime.fromtimestamp(float(t[0]) // DAY_S * DAY_S + 17 * 3600, UTC).astimezone(NEW_YORK)
    local_s = t + (noon.utcoffset() or timedelta()).total_seconds()
    weekday = (local_s // DAY_S + 3) % 7  # the epoch was a Thursday
    return np.where(weekday < 5, np.interp(local_s % DAY_S / 3600, _SESSION_H, _SESSION), 0.0)


def bend(values: Floats, happening: Happening, effect: Effect, t: Floats) -> Floats:
    """`values` drawn towards the effect's level while the incident lasts."""
    inside = happening.inside(t)
    if not inside.any():
        return values
    progress = (t - happening.start_s) / (happening.end_s - happening.start_s)
    weight = np.where(inside, effect.shape.weight(progress), 0.0)
    bent: Floats = values * (1 - weight) + effect.level * weight
    return bent
