"""The samples the benchmarks of the history are made of: a mix of metrics as a trading stack has them.

Of ten series four are percentages, two latencies, two counters, one is nearly constant and one counts
bytes; a sample every 15 s. Levels and noise are set so that the samples cost what such samples are known
to cost: a plain ``Float64 CODEC(ZSTD(1))`` table 2.0 to 2.2 bytes each, Prometheus about 5. The same seed
makes the same samples. Every metric stands in the catalogue, so that its own rounding is what is measured.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from numpy.typing import NDArray

from history.precision import rounded_column
from history.rows import SeriesKey, catalogued, columns_table, insert, series_table
from probes import METRICS

EVERY_S = 15
DAY_STEPS = 86400 // EVERY_S
Floats = NDArray[np.float64]
Generator = np.random.Generator


def percentage(steps: int, random: Generator) -> Floats:
    """A level of 5 to 80 % with a day's rhythm of ±10, a slow drift and a noise of 1.5, read in steps of 0.1 %."""
    t = np.arange(steps)
    level = random.uniform(5, 80) + 10 * np.sin(2 * np.pi * t / DAY_STEPS + random.uniform(0, 6))
    level += np.cumsum(random.normal(0, 0.015, steps)) + random.normal(0, 1.5, steps)
    return np.asarray(np.round(np.clip(level, 0, 100), 1) / 100)


def latency(steps: int, random: Generator) -> Floats:
    """Lognormal around a median between 0.5 and 5 ms with a sigma of 0.4, read in whole microseconds."""
    seconds = np.exp(random.normal(random.uniform(np.log(0.0005), np.log(0.005)), 0.4, steps))
    return np.asarray(np.maximum(np.round(seconds * 1e6), 1) / 1e6)


def increase(steps: int, random: Generator) -> Floats:
    """What a counter grew by: Poisson around 4 to 4,400 with a day's rhythm."""
    rhythm = 1.2 + np.sin(2 * np.pi * np.arange(steps) / DAY_STEPS)
    return random.poisson(random.uniform(20, 2000) * rhythm, steps).astype(np.float64)


def near_constant(steps: int, random: Generator) -> Floats:
    """A small whole number that changes by one every few days."""
    moves = np.zeros(steps)
    moves[random.integers(0, steps, max(1, steps // 20_000))] = random.choice([-1.0, 1.0])
    return np.asarray(np.maximum(random.integers(1, 20) + np.cumsum(moves), 0))


def memory(steps: int, random: Generator) -> Floats:
    """1 to 10 GB in pages of 4 KiB, which wander by a megabyte a reading."""
    level = random.uniform(1e9, 1e10) + np.cumsum(random.normal(0, 1e6, steps))
    return np.asarray(np.round(np.maximum(level, 0) / 4096) * 4096)


CLASSES: dict[str, tuple[Callable[[int, Generator], Floats], tuple[str, ...]]] = {
    "percentages": (
        percentage,
        ("host_cpu_ratio", "host_memory_available_ratio", "host_disk_busy_ratio", "host_cpu_iowait_ratio"),
    ),
    "latencies": (latency, ("probe_latency_seconds", "network_rtt_seconds")),
    "counters": (increase, ("redis_rejected_connections_total", "clickhouse_rejected_inserts_total")),
    "near-constant": (near_constant, ("kafka_brokers",)),
    "bytes": (memory, ("host_memory_used_bytes",)),
}
"""The classes of the mix: what makes their samples, and the metrics they stand for; ten series a component."""
NAMES = tuple(metric for _, metrics in CLASSES.values() for metric in metrics)


@dataclass(frozen=True, slots=True, eq=False)
class Mix:
    """Some components' series over some time, a value every `EVERY_S` seconds.

    Attributes:
        keys: the series, ascending by their id, as the table is sorted.
        values: a row per series, in base units, as measured: not rounded; counters as increases.
    """

    keys: tuple[SeriesKey, ...]
    values: Floats

    @property
    def steps(self) -> int:
        return int(self.values.shape[1])

    @property
    def samples(self) -> int:
        return int(self.values.size)

    def rounded(self) -> "Mix":
        """The same, rounded as the recorder rounds."""
        rows = zip(self.keys, self.values, strict=True)
        return Mix(self.keys, np.stack([rounded_column(row, METRICS[key.metric].bits) for key, row in rows]))

    def errors(self, kept: "Mix") -> Floats:
        """The error of each sample of `kept` as a share of the sample as measured."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.nan_to_num(np.abs(kept.values - self.values) / np.abs(self.values)))

    def of(self, metrics: tuple[str, ...]) -> "Mix":
        """The series of some metrics only."""
        chosen = [index for index, key in enumerate(self.keys) if key.metric in metrics]
        return Mix(tuple(self.keys[index] for index in chosen), self.values[chosen])

    def table(self, start_s: int, steps: range) -> pa.Table:
        """Rows of ``samples`` for some steps; behind the last value the first comes again.

        Args:
            start_s: epoch second of step 0.
        """
        numbers = np.arange(steps.start, steps.stop)
        ids = np.array([key.id for key in self.keys], np.uint64)
        values = self.values.take(numbers, axis=1, mode="wrap")
        ts_s = np.tile(start_s + numbers * EVERY_S, len(ids))
        return columns_table(np.repeat(ids, len(numbers)), ts_s, values.ravel())


def mix(components: int, steps: int, seed: int = 4) -> Mix:
    """The mix for some components, ten series each."""
    made = []
    for number in range(components):
        for make, metrics in CLASSES.values():
            for metric in metrics:
                random = np.random.default_rng([seed, number, NAMES.index(metric)])
                made.append((SeriesKey(component(number), metric), make(steps, random)))
    made.sort(key=lambda series: series[0].id)
    return Mix(tuple(key for key, _ in made), np.stack([values for _, values in made]))


def component(number: int) -> str:
    """The name of the mix's n-th component."""
    return f"host-{number:02}"


def chunks(series: int, steps: int, samples: int = 1_000_000) -> Iterator[range]:
    """Steps cut into pieces of about so many samples, as the importer cuts a file."""
    each = max(1, samples // series)
    for start in range(0, steps, each):
        yield range(start, min(steps, start + each))


def write(client: Client, database: str, samples: Mix, start_s: int, token: str) -> None:
    """Write all of it as an import does: the series, then a million samples at a time."""
    insert(client, f"{database}.series", series_table(catalogued(samples.keys, METRICS)), token)
    for steps in chunks(len(samples.keys), samples.steps):
        insert(client, f"{database}.samples", samples.table(start_s, steps), f"{token} {steps.start}")
