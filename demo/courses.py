"""How each metric of the demo usually goes: its level, its working day, its noise and its growth. Pure data."""

import math
from dataclasses import dataclass
from typing import Any

from probes.result import Labels, labels

MILLI, MICRO = 1e-3, 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The usual course of one metric of one component; levels outside trading hours are near the live tape's.

    Attributes:
        base: level in a busy hour at the end of the past, in the metric's unit (counters: per second);
            None: what the live probe reads, and nothing when it reads nothing.
        quiet: share of `base` outside trading hours.
        noise: standard deviation of the logarithm.
        growth: increase a day as a share; the past is lower by it.
        least, most: bounds of the value.
        labels: the series written when the live probe has none yet.
        series: how many of the live probe's series are written.
    """

    component: str
    metric: str
    base: float | None
    quiet: float = 1.0
    noise: float = 0.05
    growth: float = 0.0
    least: float = 0.0
    most: float = math.inf
    labels: Labels = ()
    series: int = 2


def _host() -> tuple[Course, ...]:
    def course(metric: str, base: float | None, **how: Any) -> Course:
        return Course(component="host", metric=f"host_{metric}", base=base, **how)

    root = labels(mount="/")
    return (
        course("cpu_ratio", 0.44, quiet=0.25, noise=0.12, most=1),
        course("cpu_core_max_ratio", 0.71, quiet=0.3, noise=0.12, most=1),
        course("cpu_iowait_ratio", 0.02, quiet=0.4, noise=0.4, most=1),
        course("load1_per_core", 0.62, quiet=0.3, noise=0.25),
        course("load5_per_core", 0.6, quiet=0.3, noise=0.1),
        course("memory_available_ratio", None, noise=0.01, most=1),
        course("memory_total_bytes", None, noise=0),
        course("pressure_cpu_ratio", 0.05, quiet=0.1, noise=0.4, most=1),
        course("pressure_io_ratio", 0.012, quiet=0.3, noise=0.5, most=1),
        course("disk_write_bytes_per_second", 14e6, quiet=0.3, noise=0.3, growth=0.002),
        course("disk_busy_ratio", 0.11, quiet=0.3, noise=0.3, most=1),
        course("processes", 212, noise=0.02),
        Course(
            component="host",
            metric="host_disk_used_ratio",
            base=None,
            noise=0.002,
            growth=0.003,
            most=1,
            labels=root,
            series=1,
        ),
    )


def _network() -> tuple[Course, ...]:
    def course(metric: str, base: float | None, **how: Any) -> Course:
        return Course(component="network", metric=f"network_{metric}", base=base, **how)

    return (
        course("reachable", 1, noise=0, most=1),
        course("rtt_seconds", 180 * MICRO, quiet=0.7, noise=0.2),
        course("jitter_seconds", 40 * MICRO, quiet=0.6, noise=0.25),
        course("loss_ratio", 0, noise=0, most=1),
        course("receive_bytes_per_second", 38e6, quiet=0.06, noise=0.12, growth=0.004, series=1),
        course("transmit_bytes_per_second", 9e6, quiet=0.08, noise=0.12, growth=0.004, series=1),
        course("utilization_ratio", 0.304, quiet=0.06, noise=0.12, growth=0.004, most=1, series=1),
        course("link_speed_bytes_per_second", None, noise=0, series=1),
        course("retransmit_ratio", 4e-4, noise=0.4, most=1),
    )


def _redis() -> tuple[Course, ...]:
    def course(metric: str, base: float | None, **how: Any) -> Course:
        return Course(component="redis", metric=f"redis_{metric}", base=base, **how)

    return (
        course("ping_seconds", 110 * MICRO, noise=0.15),
        course("commands_per_second", 60, quiet=0.06, noise=0.1),
        course("hits_ratio", 0.985, noise=0.003, most=1),
        course("memory_used_bytes", 1.1e6, quiet=0.8, noise=0.02),
        course("cache_used_ratio", 0.0164, quiet=0.8, noise=0.02, most=1),
        course("evicted_keys_per_second", 0, noise=0),
        course("clients", 5, quiet=0.4, noise=0.04),
        course("keys", None, noise=0),
        course("slow_commands_per_minute", 0.4, quiet=0.1, noise=0.8),
    )


def _clickhouse() -> tuple[Course, ...]:
    def course(metric: str, base: float | None, **how: Any) -> Course:
        return Course(component="clickhouse", metric=f"clickhouse_{metric}", base=base, **how)

    return (
        course("ping_seconds", 2.6 * MILLI, noise=0.2),
        course("queries_per_second", 21, quiet=0.22, noise=0.15),
        course("insert_rows_per_second", 3100, quiet=0.04, noise=0.15, growth=0.002),
        course("select_rows_per_second", 2.4e6, quiet=0.15, noise=0.4),
        course("running_queries", 2.4, quiet=0.6, noise=0.3),
        course("query_longest_seconds", 0.4, quiet=0.3, noise=0.6),
        course("memory_tracked_bytes", 140e6, quiet=0.7, noise=0.08),
        course("memory_used_ratio", 0.07, quiet=0.7, noise=0.08, most=1),
        course("rows", 5.4e6, noise=0.001, growth=0.004),
        course("data_bytes", 41e6, noise=0.001, growth=0.004),
        course("parts", 45, quiet=0.8, noise=0.05),
        course("parts_per_partition", 8, quiet=0.75, noise=0.15),
        course("parts_ratio", 0.008, quiet=0.75, noise=0.15),
        course("merges", 1.2, quiet=0.4, noise=0.5),
    )


def _kafka() -> tuple[Course, ...]:
    def course(metric: str, base: float | None, **how: Any) -> Course:
        return Course(component="kafka", metric=f"kafka_{metric}", base=base, **how)

    topic, group = labels(topic="ticks"), labels(group="clickhouse-sink")
    return (
        course("ping_seconds", 1.1 * MILLI, noise=0.2),
        course("brokers", None, noise=0),
        course("partitions", None, noise=0),
        course("partitions_offline", 0, noise=0),
        course("partitions_under_replicated", 0, noise=0),
        course("messages_per_second", 2600, quiet=0.02, noise=0.15, growth=0.002),
        course("topic_messages_per_second", 2600, quiet=0.02, noise=0.15, growth=0.002, labels=topic, series=1),
        course("lag_messages", 1900, quiet=0.03, noise=0.4),
        course(
            "group_lag_messages", 1900, quiet=0.03, noise=0.4, labels=labels(group="clickhouse-sink", topic="ticks"),
            series=1,
        ),
        course("group_lag_seconds", 1.0, noise=0.2, labels=group, series=1),
    )  # fmt: skip


LATENCIES_S = {"redis": 120 * MICRO, "clickhouse": 3.2 * MILLI, "kafka": 1.4 * MILLI, "network": 180 * MICRO}
"""Usual latency of the components that are asked something."""

COURSES = (*_host(), *_network(), *_redis(), *_clickhouse(), *_kafka())
