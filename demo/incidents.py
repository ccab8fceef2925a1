"""The incidents of the demo's past, as data: what broke, when, how long, and which metrics showed it."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from probes.result import Status

Floats = NDArray[np.float64]


class Shape(Enum):
    """How an effect runs over its incident, as a weight from 0 (usual value) to 1 (the effect's level)."""

    STEP = "step"
    CLIMB = "climb"
    HUMP = "hump"

    def weight(self, progress: Floats) -> Floats:
        """The weight at each progress (0 the beginning, 1 the end of the incident)."""
        inside = np.clip(progress, 0.0, 1.0)
        if self is Shape.CLIMB:
            return inside
        return np.sin(np.pi * inside) if self is Shape.HUMP else np.ones_like(inside)


@dataclass(frozen=True, slots=True)
class Effect:
    """A metric of the incident's component is drawn to `level`, in the metric's unit (counters: per second)."""

    metric: str
    level: float
    shape: Shape = Shape.STEP


@dataclass(frozen=True, slots=True)
class Note:
    """An event: so many minutes after the incident's beginning."""

    after_min: float
    kind: str
    author: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something that went wrong.

    Attributes:
        days_ago: days before the anchor; weekend dates move to the Friday before.
        clock: local time in New York.
        status: what it made of `component`; OK for a drift nobody was told about.
        reason: the sentence shown then.
        silent: the component did not answer, so it left no readings.
        drags: components that did not answer because of it.
        hole: Tapewatch itself was not running: no samples and no statuses at all.
    """

    component: str
    days_ago: int
    clock: str
    minutes: float
    status: Status = Status.WARNING
    reason: str = ""
    silent: bool = False
    drags: tuple[str, ...] = ()
    hole: bool = False
    effects: tuple[Effect, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def silences(self) -> tuple[str, ...]:
        """The components that gave no readings."""
        return (*self.drags, *((self.component,) if self.silent else ()))

    def touches(self, component: str) -> bool:
        return component == self.component or component in self.drags

    def outcome(self, component: str) -> tuple[Status, str]:
        """Status and sentence of a component it touches."""
        if component == self.component:
            return self.status, self.reason
        return Status.CRITICAL, f"{component} did not answer within 2 s."


def latency(level_s: float, shape: Shape = Shape.HUMP) -> Effect:
    """The component answers in `level_s`."""
    return Effect("probe_latency_seconds", level_s, shape)


def lag(messages: float, shape: Shape) -> tuple[Effect, ...]:
    """A group falls so many messages behind; at some 2,200 consumed a second that is its lag in time."""
    return (
        Effect("kafka_group_lag_messages", messages, shape),
        Effect("kafka_lag_messages", messages, shape),
        Effect("kafka_group_lag_seconds", messages / 2200, shape),
    )


INCIDENTS = (
    Incident(
        component="kafka", days_ago=318, clock="10:00", minutes=150, status=Status.CRITICAL, silent=True,
        reason="Kafka did not answer within 2 s.",
        notes=(Note(140, "restart", "ops", "Broker moved to new disks; its log was checked for two hours."),),
    ),
    Incident(
        component="clickhouse", days_ago=281, clock="12:00", minutes=300,
        reason="A query has been running for 38 min, longer than 60 s.",
        effects=(
            Effect("clickhouse_query_longest_seconds", 2280, Shape.HUMP), Effect("clickhouse_running_queries", 14),
            Effect("clickhouse_memory_used_ratio", 0.81, Shape.HUMP), latency(0.4),
        ),
        notes=(Note(290, "annotation", "jin", "Year-end report now reads the roll-ups."),),
    ),
    Incident(component="tapewatch", days_ago=236, clock="17:00", minutes=6510, status=Status.UNKNOWN, hole=True,
             notes=(Note(6510, "annotation", "ops", "Tapewatch's machine was replaced: 4 d 12 h without it."),)),
    Incident(
        component="redis", days_ago=204, clock="11:00", minutes=180,
        reason="The memory is 96.1 % full and keys are evicted at 210 per second.",
        effects=(
            Effect("redis_memory_used_bytes", 64.5e6, Shape.HUMP), Effect("redis_cache_used_ratio", 0.98, Shape.HUMP),
            Effect("redis_evicted_keys_per_second", 210, Shape.HUMP), Effect("redis_hits_ratio", 0.66, Shape.HUMP),
            latency(1.4e-3),
        ),
    ),
    Incident(
        component="network", days_ago=171, clock="09:40", minutes=260, status=Status.CRITICAL,
        reason="6.2 % of the tries to a target were lost, more than 5.0 %.",
        effects=(
            Effect("network_loss_ratio", 0.062, Shape.HUMP), Effect("network_rtt_seconds", 0.018, Shape.HUMP),
            Effect("network_jitter_seconds", 0.009, Shape.HUMP), latency(0.018),
        ),
        notes=(Note(255, "annotation", "ops", "Provider's line to the exchange was rerouted."),),
    ),
    Incident(
        component="host", days_ago=147, clock="12:10", minutes=90, status=Status.CRITICAL,
        reason="Only 2.1 % of the memory is available, less than 5.0 %.",
        drags=("redis", "clickhouse", "kafka", "redis-server"),
        effects=(
            Effect("host_memory_available_ratio", 0.021), Effect("host_cpu_ratio", 0.97),
            Effect("host_cpu_core_max_ratio", 1.0), Effect("host_load1_per_core", 11.0),
        ),
        notes=(Note(88, "restart", "ops", "redis-server, ClickHouse and Kafka restarted; memory doubled."),),
    ),
    Incident(component="tapewatch", days_ago=128, clock="20:00", minutes=540, status=Status.UNKNOWN, hole=True,
             notes=(Note(540, "annotation", "ops", "Power maintenance: Tapewatch was off for nine hours."),)),
    Incident(
        component="kafka", days_ago=112, clock="13:00", minutes=120,
        reason="Group clickhouse-sink is 2 min 41 s behind, more than 1 min.",
        effects=(*lag(354_000, Shape.HUMP), latency(8e-3)),
        notes=(Note(-12, "deploy", "ci", "ticks-writer 1.6"), Note(110, "deploy", "ci", "ticks-writer 1.6.1")),
    ),
    Incident(
        component="kafka", days_ago=86, clock="10:12", minutes=9, status=Status.CRITICAL, silent=True,
        reason="Kafka did not answer within 2 s.",
        notes=(Note(9, "restart", "ops", "Broker stalled on a full page cache; restarted."),),
    ),
    Incident(
        component="clickhouse", days_ago=79, clock="11:30", minutes=75,
        reason="A partition of ticks has 412 parts, more than 300: inserts will soon be slowed down.",
        effects=(
            Effect("clickhouse_parts_per_partition", 412, Shape.HUMP),
            Effect("clickhouse_parts_ratio", 0.412, Shape.HUMP), Effect("clickhouse_parts", 660, Shape.HUMP),
            Effect("clickhouse_merges", 8, Shape.HUMP), latency(0.06),
        ),
        notes=(Note(52, "annotation", "mara", "ticks-writer sent a batch per tick; batch size back to 1 s."),),
    ),
    Incident(component="tapewatch", days_ago=72, clock="01:10", minutes=180, status=Status.UNKNOWN, hole=True,
             notes=(Note(180, "annotation", "ops", "Tapewatch was off for three hours: kernel update."),)),
    Incident(
        component="redis", days_ago=64, clock="14:05", minutes=95,
        reason="The memory is 97.2 % full and keys are evicted at 310 per second.",
        effects=(
            Effect("redis_memory_used_bytes", 65.2e6, Shape.HUMP), Effect("redis_cache_used_ratio", 0.99, Shape.HUMP),
            Effect("redis_evicted_keys_per_second", 310, Shape.HUMP), Effect("redis_hits_ratio", 0.71, Shape.HUMP),
            latency(0.9e-3),
        ),
        notes=(Note(88, "annotation", "jin", "Depth snapshots now expire after 10 min."),),
    ),
    Incident(
        component="network", days_ago=57, clock="09:50", minutes=40, status=Status.CRITICAL,
        reason="7.4 % of the tries to a target were lost, more than 5.0 %.",
        effects=(
            Effect("network_loss_ratio", 0.074, Shape.HUMP), Effect("network_rtt_seconds", 0.011, Shape.HUMP),
            Effect("network_jitter_seconds", 0.006, Shape.HUMP), Effect("network_retransmit_ratio", 0.031, Shape.HUMP),
            latency(0.011),
        ),
        notes=(Note(38, "annotation", "ops", "Bad optic in the uplink replaced."),),
    ),
    Incident(
        component="kafka", days_ago=50, clock="13:10", minutes=50,
        reason="Group clickhouse-sink is 1 min 36 s behind, more than 1 min.",
        effects=(*lag(212_000, Shape.HUMP), latency(6e-3)),
        notes=(
            Note(-8, "deploy", "ci", "ticks-writer 1.8"),
            Note(41, "deploy", "ci", "ticks-writer 1.8.1: compression off the consumer's thread"),
        ),
    ),
    Incident(
        component="host", days_ago=44, clock="06:00", minutes=5 * 1440, status=Status.OK,
        effects=(Effect("host_disk_used_ratio", 0.93, Shape.CLIMB),),
        notes=(Note(5 * 1440, "annotation", "ops", "Old core dumps deleted, 61 GB freed."),),
    ),
    Incident(
        component="host", days_ago=40, clock="14:00", minutes=16 * 60,
        reason="The disk at / is 88.0 % full, more than 85.0 %.",
    ),
    Incident(
        component="host", days_ago=33, clock="15:20", minutes=20, status=Status.CRITICAL,
        reason="Only 1.2 % of the memory is available, less than 5.0 %.",
        drags=("redis", "clickhouse", "kafka", "redis-server"),
        effects=(
            Effect("host_memory_available_ratio", 0.012), Effect("host_cpu_ratio", 0.99),
            Effect("host_cpu_core_max_ratio", 1.0), Effect("host_load1_per_core", 14.0),
            Effect("host_load5_per_core", 9.5, Shape.HUMP), Effect("host_pressure_io_ratio", 0.62),
            Effect("host_pressure_cpu_ratio", 0.55),
        ),
        notes=(
            Note(6, "annotation", "mara", "A notebook took all memory; everything on this machine stopped answering."),
            Note(20, "restart", "ops", "redis-server, ClickHouse and Kafka restarted."),
        ),
    ),
    Incident(
        component="kafka", days_ago=26, clock="12:40", minutes=6,
        reason="Nobody has consumed for group clickhouse-sink for 2 min although messages wait.",
        effects=lag(9_000, Shape.CLIMB),
        notes=(Note(-1, "deploy", "ci", "ticks-writer 1.8.4"),),
    ),
    Incident(
        component="clickhouse", days_ago=19, clock="10:00", minutes=30,
        reason="A query has been running for 95 s, longer than 60 s.",
        effects=(
            Effect("clickhouse_query_longest_seconds", 110, Shape.CLIMB), Effect("clickhouse_running_queries", 9),
            Effect("clickhouse_memory_used_ratio", 0.74, Shape.HUMP), latency(0.24),
        ),
        notes=(Note(27, "annotation", "jin", "Backtest moved to the replica."),),
    ),
    Incident(
        component="redis", days_ago=12, clock="09:24", minutes=2, status=Status.CRITICAL, silent=True,
        reason="Redis refused the connection.",
        notes=(Note(0, "restart", "ops", "redis-server 8.2.3"),),
    ),
    Incident(
        component="network", days_ago=6, clock="12:15", minutes=25,
        reason="A target answers in 62 ms, more than 50 ms.",
        effects=(Effect("network_rtt_seconds", 0.062, Shape.HUMP), Effect("network_jitter_seconds", 9e-3, Shape.HUMP),
                 latency(0.062)),
    ),
    Incident(
        component="kafka", days_ago=3, clock="15:42", minutes=36,
        reason="Group clickhouse-sink is 1 min 24 s behind, more than 1 min.",
        effects=(*lag(185_000, Shape.HUMP), latency(4e-3)),
        notes=(
            Note(-4, "deploy", "ci", "ticks-writer 1.9"), Note(30, "deploy", "ci", "ticks-writer back to 1.8.4"),
        ),
    ),
    Incident(
        component="host", days_ago=1, clock="09:31", minutes=14,
        reason="The CPU is 91.0 % busy, more than 85.0 % for five minutes.",
        effects=(Effect("host_cpu_ratio", 0.93, Shape.HUMP), Effect("host_cpu_core_max_ratio", 1.0, Shape.HUMP),
                 Effect("host_load1_per_core", 2.1, Shape.HUMP), Effect("host_pressure_cpu_ratio", 0.2, Shape.HUMP)),
        notes=(Note(12, "annotation", "mara", "Opening auction: two replays ran at once."),),
    ),
)  # fmt: skip
