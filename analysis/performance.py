"""How often checks failed, and what tells how much a component does. Pure."""

import numpy as np

from history.answers import Floats, Series, Summary
from probes.kind import Kind

RATES = frozenset({"count/s", "messages/s", "bytes/s"})
"""Units of metrics that tell a throughput."""


def error_ratio(line: Series) -> Floats:
    """The share of failed checks in each bucket of a series of ``probe_up``, 0 to 1."""
    ratio: Floats = np.clip(1.0 - line.avg, 0.0, 1.0)
    return ratio


def error_ratio_over(line: Series | Summary) -> float:
    """The share of all checks of a series of ``probe_up`` that failed, 0 to 1."""
    if isinstance(line, Summary):
        return min(1.0, max(0.0, 1.0 - line.avg))
    return float(np.average(error_ratio(line), weights=line.count))


def throughput_metrics(kind: Kind) -> tuple[str, ...]:
    """The metrics of a kind that tell a throughput; what a link could carry does not."""
    return tuple(
        metric.name
        for metric in kind.metrics
        if metric.unit in RATES and metric.type == "gauge" and "link_speed" not in metric.name
    )


def throughput_metric(kind: Kind) -> str:
    """The one that tells it best: the key metric where that is a rate, else the first rate, else the key metric."""
    rates = throughput_metrics(kind)
    return kind.key_metric if kind.key_metric in rates or not rates else rates[0]
