"""Live health: one module a system, plus result types, runner and the never-blocking cache.

To add a probe, write its module (its `KIND` says everything about it) and add it to `KINDS`.
This package may import `settings` and nothing else of Tapewatch.
"""

from probes import clickhouse, common, host, http, kafka, network, process, redis, tcp
from probes.catalogue import limit_problems
from probes.kind import Kind
from settings import Component

KINDS: dict[str, Kind] = {
    module.KIND.name: module.KIND for module in (host, redis, clickhouse, kafka, network, http, tcp, process)
}

PLANNED = {
    "iqfeed": "IQFeed",
    "ib": "Interactive Brokers",
    "dataflow": "the tick pipeline",
    "trading": "trading readiness",
}
"""Kinds of the contract that this version has no probe for: their endpoints answer `off`."""

METRICS = {
    metric.name: metric for metrics in (common.METRICS, *(k.metrics for k in KINDS.values())) for metric in metrics
}
"""The whole catalogue by metric name."""

COMPONENTS = {kind.name: kind.component for kind in KINDS.values()}
"""The configuration model of each kind, for `settings.load`."""


def component_problems(component: Component) -> list[tuple[str, str]]:
    """(key, message) of what only its kind can find wrong with a component, for `settings.load`."""
    return limit_problems(component.thresholds, {metric.name: metric for metric in KINDS[component.kind].metrics})
