"""Before and after a moment: how the figures of a component changed, and whether that is more than their usual noise.

A side is as long as the other and told by its medians, which a single spike does not move. Whether the sides
differ is asked of their ranks (Mann and Whitney 1947, Annals of Mathematical Statistics 18, 50–60). Neighbouring
buckets are alike, so that chance alone makes such a test say yes too often: the effect has to be large as well,
the probability that a bucket after lies above one before at least 0.71 or at most 0.29, which Vargha and Delaney
call large (2000, Journal of Educational and Behavioral Statistics 25, 101–132).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from clickhouse_connect.driver.client import Client

from analysis.comparison import in_words
from analysis.performance import error_ratio
from history import queries
from history.answers import Floats, Series
from history.queries import Scope
from history.tiers import bucket_s
from history.window import MIN_RANGE_S, Window
from probes import METRICS

LARGE, CHANCE = 0.71, 0.01
LEAST_BUCKETS = 8
"""On each side: of fewer no test says anything."""
BUCKETS = 240
LATENCY, UP = "probe_latency_seconds", "probe_up"


@dataclass(frozen=True, slots=True)
class Shift:
    """One figure before and after a moment.

    Attributes:
        before, after: medians of the buckets of each side, in `unit`; None: nothing was recorded there.
        above: the probability that a bucket after lies above one before; 0.5: neither way.
        verdict: ``higher``, ``lower``, ``alike``, or ``unknown`` with too few buckets.
    """

    name: str
    unit: str
    before: float | None
    after: float | None
    above: float
    verdict: str

    @property
    def words(self) -> str:
        """The change in words: ``3.2 times as much``; of one within the noise, that it is."""
        if self.before is None or self.after is None or self.verdict == "unknown":
            return "too little was recorded to tell"
        if self.verdict == "alike":
            return "no more than it varies anyhow"
        if not self.before or not self.after:
            return "to nothing" if self.before else "from nothing"
        return in_words(self.after, self.before)


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """The figures of a component on both sides of a moment, each side `side_s` long."""

    at_s: int
    side_s: int
    shifts: tuple[Shift, ...]


def compare(name: str, unit: str, before: Floats, after: Floats) -> Shift:
    """The figures of one side beside those of the other; NaN counts for nothing.

    >>> compare("p95", "seconds", np.linspace(1, 2, 20), np.linspace(3, 4, 20)).verdict
    'higher'
    """
    before, after = (values[np.isfinite(values)] for values in (before, after))
    was, now = (float(np.median(values)) if len(values) else None for values in (before, after))
    if min(len(before), len(after)) < LEAST_BUCKETS:
        return Shift(name, unit, was, now, 0.5, "unknown")
    from scipy.stats import mannwhitneyu  # takes half a second to import: in a worker, not on a page's way

    test = mannwhitneyu(after, before, method="asymptotic")
    above = float(test.statistic) / (len(before) * len(after))
    certain = float(test.pvalue) < CHANCE  # NaN, of two sides that are all one value, is not
    verdict = "higher" if certain and above >= LARGE else "lower" if certain and above <= 1 - LARGE else "alike"
    return Shift(name, unit, was, now, above, verdict)


def split(line: Series, values: Floats, at_s: float) -> tuple[Floats, Floats]:
    """The values of the buckets that end before a moment, and of those that begin after it."""
    return values[line.t + line.step_s <= at_s], values[line.t >= at_s]


def sides(window: Window, at_s: float, now_s: float) -> Window | None:
    """As much before a moment as after it, as far as the range reaches and there is a past; None: too little."""
    side_s = int(min(at_s - window.start_s, min(window.end_s, now_s) - at_s))
    return Window(int(at_s) - side_s, int(at_s) + side_s) if 2 * side_s >= MIN_RANGE_S else None


def before_after(client: Client, scope: Scope, around: Window, component: str, throughput: str) -> BeforeAfter:
    """Latency percentiles, failures and a throughput of `component` on both sides of the middle of `around`."""
    at_s = (around.start_s + around.end_s) // 2
    window = replace(around, step_s=bucket_s(around.length_s, BUCKETS))
    latency = queries.series(client, scope, window, (LATENCY,), (component,), True).series
    rest = queries.series(client, scope, window, (UP, throughput), (component,)).series
    shifts = [
        compare(f"Latency, {name}", line.unit, *split(line, column, at_s))
        for line in latency
        for name, column in (("p50", line.p50), ("p95", line.p95), ("p99", line.p99))
        if column is not None
    ]
    shifts += [
        compare("Checks that failed", "ratio", *split(line, error_ratio(line), at_s))
        for line in rest
        if line.metric == UP
    ]
    shifts += _throughput([line for line in rest if line.metric == throughput], at_s)
    return BeforeAfter(at_s, around.length_s // 2, tuple(shifts))


def _throughput(lines: Sequence[Series], at_s: float) -> list[Shift]:
    """Of each series of a throughput; where there are several, they are told apart by their labels."""
    return [
        compare(
            METRICS[line.metric].title.capitalize() + (f", {line.label}" if len(lines) > 1 else ""),
            line.unit,
            *split(line, line.avg, at_s),
        )
        for line in lines
    ]
