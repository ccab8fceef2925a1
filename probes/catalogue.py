"""The metric catalogue's types and the one function that judges a reading.

Names follow Prometheus (https://prometheus.io/docs/practices/naming/): base units and the
suffixes ``_seconds _bytes _ratio _total``.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from probes.result import Finding, Labels, Reading, Status
from settings import Limit

MetricType = Literal["gauge", "counter", "state"]
Better = Literal["lower", "higher", "neither"]
Unit = Literal["seconds", "bytes", "bytes/s", "ratio", "count", "count/s", "messages", "messages/s", "celsius", "bool"]

EXACT_BITS = 53
"""All the significant bits a double has."""
UNIT_BITS: Mapping[Unit, int] = {
    "seconds": 10,
    "ratio": 10,
    "bytes": 12,
    "bytes/s": 10,
    "count/s": 10,
    "messages/s": 10,
    "celsius": 10,
    "count": EXACT_BITS,
    "messages": EXACT_BITS,
    "bool": EXACT_BITS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One catalogued metric.

    Attributes:
        type: ``gauge`` a level, ``counter`` the increase since the last reading, ``state`` a small whole number.
        better: which direction is good; decides the colour of a change and the side of a threshold.
        warning, critical: default thresholds; None: shown, never judged.
        for_s: how long a value must stay beyond a threshold before it counts.
        reason: why these thresholds, with the source where there is one.
        message: the finding's sentence; ``{value}``, ``{threshold}`` and labels are filled in, and the words that go
            with the value: ``{value:part was|parts were}``.
        hint: what to do.
        title: what a person calls it.
        source: where it is read: the command, table, file or request, and the field.
        significant_bits: how precisely the history keeps it; None: by its unit (`bits`).
    """

    name: str
    unit: Unit
    help: str
    title: str
    type: MetricType = "gauge"
    better: Better = "neither"
    warning: float | None = None
    critical: float | None = None
    for_s: float = 0
    reason: str = ""
    message: str = ""
    hint: str = ""
    source: str = ""
    significant_bits: int | None = None

    @property
    def bits(self) -> int:
        """Significant bits the history keeps: the largest error is ``2 ** -bits`` of the value.

        Counters and states are exact. A screen shows three digits, which are ten bits; levels that a forecast
        follows from day to day (bytes) keep four times that.
        """
        if self.type != "gauge":
            return EXACT_BITS
        return self.significant_bits or UNIT_BITS[self.unit]


@dataclass(slots=True)
class Judge:
    """Judges readings against thresholds; remembers only since when each series is beyond one."""

    metrics: Mapping[str, Metric]
    limits: Mapping[str, Limit]

    _beyond_since: dict[tuple[str, Labels, Status], float] = field(default_factory=dict, init=False)

    def findings(self, readings: Iterable[Reading], now_s: float) -> list[Finding]:
        """A finding for each reading beyond a threshold for as long as its metric asks."""
        found: list[Finding] = []
        seen: set[tuple[str, Labels, Status]] = set()
        for reading in readings:
            metric = self.metrics[reading.metric]
            fired = False
            for status, threshold in thresholds(metric, self.limits.get(metric.name)):
                key = (reading.metric, reading.labels, status)
                if not is_beyond(reading.value, threshold, metric.better):
                    continue
                seen.add(key)
                since_s = self._beyond_since.setdefault(key, now_s)
                if not fired and now_s - since_s >= metric.for_s:
                    found.append(_finding(metric, reading, status, threshold))
                    fired = True  # the worst is said; how long the lesser one has lasted is still remembered
        self._beyond_since = {key: since for key, since in self._beyond_since.items() if key in seen}
        return found


def thresholds(metric: Metric, limit: Limit | None = None) -> list[tuple[Status, float]]:
    """The thresholds in force, worst first: the operator's where given, else the catalogue's."""
    critical = limit.critical if limit and limit.critical is not None else metric.critical
    warning = limit.warning if limit and limit.warning is not None else metric.warning
    pairs = ((Status.CRITICAL, critical), (Status.WARNING, warning))
    return [(status, value) for status, value in pairs if value is not None]


def limit_problems(limits: Mapping[str, Limit], metrics: Mapping[str, Metric]) -> list[tuple[str, str]]:
    """(key, message) of each of an operator's thresholds that cannot work.

    Args:
        metrics: those the component's probe emits, by name.
    """
    found = []
    for name, limit in limits.items():
        key, metric = f"thresholds.{name}", metrics.get(name)
        if metric is None:
            near = get_close_matches(name, metrics, 1)
            advice = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(sorted(metrics))}"
            found.append((key, f'this kind of component has no metric "{name}"; {advice}'))
            continue
        in_force = dict(thresholds(metric, limit))
        warning, critical = in_force.get(Status.WARNING), in_force.get(Status.CRITICAL)
        if warning is not None and critical is not None and is_beyond(warning, critical, metric.better):
            side = "above" if metric.better == "higher" else "below"
            found.append((key, f"warning {warning:g} must not be beyond critical {critical:g}: put it {side}"))
    return found


def is_beyond(value: float, threshold: float, better: Better) -> bool:
    """Whether `value` is strictly on the bad side of `threshold`."""
    return value < threshold if better == "higher" else value > threshold


class Shown(str):
    """A value as people read it, which also picks the words that go with it: those of one, or of any other number.

    >>> ["{v} {v:part was|parts were} lost.".format(v=Shown(shown)) for shown in ("1", "2")]
    ['1 part was lost.', '2 parts were lost.']
    """

    __slots__ = ()

    def __format__(self, words: str) -> str:
        one, _, other = words.partition("|")
        return (one if self == "1" else other) if words else str(self)


def _finding(metric: Metric, reading: Reading, status: Status, threshold: float) -> Finding:
    shown = {"value": Shown(humanize(reading.value, metric.unit)), "threshold": humanize(threshold, metric.unit)}
    template = metric.message or f"{metric.title} is {{value}}, beyond {{threshold}}."
    return Finding(
        metric=metric.name,
        status=status,
        message=template.format(**shown, **dict(reading.labels)),
        hint=metric.hint,
        value=reading.value,
        threshold=threshold,
        labels=reading.labels,
    )


def sentence_case(title: str) -> str:
    """`title` with a capital first and the rest as it is.

    >>> sentence_case("CPU in use"), sentence_case("round trip")
    ('CPU in use', 'Round trip')
    """
    return title[:1].upper() + title[1:]


def humanize(value: float, unit: str) -> str:
    """`value` as people read it: three significant digits and the unit.

    Bytes are binary, bytes per second decimal (bits are left to the network page).

    >>> humanize(0.0412, "seconds"), humanize(0.873, "ratio"), humanize(3 * 2**30, "bytes")
    ('41.2 ms', '87.3 %', '3 GiB')
    >>> humanize(200, "seconds"), humanize(1_250_000, "bytes/s"), humanize(12, "messages")
    ('3 min 20 s', '1.25 MB/s', '12')
    """
    if not math.isfinite(value):
        return "no number"
    if unit == "seconds":
        return humanize_duration(value)
    if unit == "ratio":
        return f"{_digits(value * 100)} %"
    if unit == "bool":
        return "yes" if value else "no"
    if unit == "celsius":
        return f"{_digits(value)} °C"
    if unit == "bytes":
        return _scaled(value, 1024, ("B", "KiB", "MiB", "GiB", "TiB", "PiB"))
    if unit == "bytes/s":
        return _scaled(value, 1000, ("B/s", "kB/s", "MB/s", "GB/s", "TB/s"))
    suffix = "/s" if unit.endswith("/s") else ""
    return _scaled(value, 1000, ("", "k", "M", "G", "T")).rstrip() + suffix


def humanize_duration(seconds: float) -> str:
    """A duration as people say it: ``850 µs``, ``41.2 ms``, ``3 min 20 s``, ``2 d 4 h``."""
    if seconds < 0:
        return f"-{humanize_duration(-seconds)}"
    if seconds < 60:
        for scale, unit in ((1, "s"), (1e-3, "ms"), (1e-6, "µs")):
            if seconds >= scale or unit == "µs":
                return f"{_digits(seconds / scale)} {unit}" if seconds else "0 s"
    parts: list[str] = []
    rest = int(seconds)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
    return " ".join(part for part in parts[:2] if part)


def _digits(value: float) -> str:
    text = f"{value:.3g}"
    return f"{value:.0f}" if "e" in text else text


def _scaled(value: float, base: int, units: tuple[str, ...]) -> str:
    index = 0
    while abs(value) >= base * 0.9995 and index < len(units) - 1:
        value /= base
        index += 1
    return f"{_digits(value)} {units[index]}"
