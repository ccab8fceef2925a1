"""What a sample costs on disk, what rounding saves, and Prometheus with the same samples beside it.

Keys: `bytes_per_sample`, `bytes_per_sample_unrounded`, `bytes_vs_prometheus`, `bytes_vs_prometheus_rounded`,
`chart_vs_prometheus`, and tables. A process of its own: one process can open one chdb directory.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from clickhouse_connect.driver.client import Client

from benchmarks import prometheus, report
from benchmarks.mix import CLASSES, DAY_STEPS, EVERY_S, Mix, component, mix, write
from benchmarks.report import Cell
from history import queries
from history.store import Store
from history.window import Window
from probes import METRICS
from settings import DEFAULT_ZONE, History

COMMAND = "python -m benchmarks.history"
COMPONENTS, DAYS = 20, 14
CLASS_COMPONENTS = 10
TIERS = ("samples", "samples_15m", "samples_4h", "samples_1d")
PLAIN = "MODIFY COLUMN bits UInt64 CODEC(ZSTD(1))"
"""What suits unrounded values best: in ``T64('bit')`` they would cost twice as much."""
REST_S = 60
ROUNDS = 15
STEP_S = 120

Sizes = dict[str, float]


def main(directory: Path) -> None:
    """Measure and write the keys."""
    measured, end_s = mix(COMPONENTS, DAYS * DAY_STEPS), int(time.time()) // 86400 * 86400
    rounded, start_s = measured.rounded(), end_s - DAYS * 86400
    kept = Database(directory, "rounded")
    kept.write(rounded, start_s)
    at_rest, merged = kept.sizes(rounded), kept.sizes(rounded, merged=True)
    plain = Database(directory, "plain", PLAIN).filled(measured, start_s)
    same_tables = Database(directory, "measured").filled(measured, start_s)
    report.write("bytes_per_sample", sum(at_rest.values()), "B", goal=1.5, command=COMMAND)
    report.write("bytes_per_sample_unrounded", sum(plain.values()), "B", command=COMMAND)
    tiers_table(at_rest, merged, plain, same_tables)
    by_class(directory, start_s)
    if not prometheus.installed():
        print("Prometheus cannot be installed here: what compares with it is left out", flush=True)
        return
    blocks = {name: directory / f"blocks-{name}" for name in ("measured", "rounded")}
    theirs = {
        name: prometheus.write_blocks(samples, start_s, blocks[name]) / samples.samples
        for name, samples in (("measured", measured), ("rounded", rounded))
    }
    ours = sum(at_rest.values())
    report.write("bytes_vs_prometheus", ours / theirs["measured"], "ratio", goal=0.4, command=COMMAND)
    report.write("bytes_vs_prometheus_rounded", ours / theirs["rounded"], "ratio", command=COMMAND)
    against_prometheus(kept, end_s, blocks["measured"], theirs, ours)


class Database:
    """One database of the directory, with the history's schema."""

    def __init__(self, directory: Path, name: str, alter: str = "") -> None:
        self.name = name
        self.settings = History.model_validate({"dsn": f"chdb://{directory}/history", "database": name})
        self.store = Store(self.settings)
        self.client: Client = self.store.connect()
        self.store.migrate(self.client)
        if alter:
            self.client.command(f"ALTER TABLE {name}.samples {alter}")

    def write(self, samples: Mix, start_s: int) -> None:
        write(self.client, self.name, samples, start_s, self.name)
        rest(self.client)

    def filled(self, samples: Mix, start_s: int) -> Sizes:
        """Write the samples and measure them, merged, then forget them."""
        self.write(samples, start_s)
        sizes = self.sizes(samples, merged=True)
        self.client.command(f"DROP DATABASE {self.name} SYNC")
        self.client.close()
        return sizes

    def sizes(self, samples: Mix, merged: bool = False) -> Sizes:
        """Bytes a sample of each table, as it is or after merging all its parts."""
        for table in TIERS if merged else ():
            self.client.command(f"OPTIMIZE TABLE {self.name}.{table} FINAL")
        rows = self.client.query(
            "SELECT table, toFloat64(sum(bytes_on_disk)) FROM system.parts "
            f"WHERE active AND database = '{self.name}' GROUP BY table"
        ).result_rows
        return {str(table): size / samples.samples for table, size in rows}


def rest(client: Client) -> None:
    """Wait until the merges in the background have come to rest.

    Raises:
        RuntimeError: they have not, in `REST_S` seconds.
    """
    give_up_s, quiet = time.monotonic() + REST_S, 0
    while quiet < 10:
        if time.monotonic() > give_up_s:
            raise RuntimeError(f"merges were still under way after {REST_S} s")
        running = int(str(client.command("SELECT count() FROM system.merges")))
        quiet = 0 if running else quiet + 1
        time.sleep(0.1)


def tiers_table(at_rest: Sizes, merged: Sizes, plain: Sizes, same_tables: Sizes) -> None:
    """The bytes of each tier."""
    columns = (at_rest, merged, plain, same_tables)
    names = {"samples": "samples", "samples_15m": "15 minutes", "samples_4h": "4 hours", "samples_1d": "days"}
    rows: list[list[Cell]] = [[title, *(sizes[table] for sizes in columns)] for table, title in names.items()]
    others = [sum(size for table, size in sizes.items() if table not in TIERS) for sizes in columns]
    report.table(
        "history_bytes",
        "Bytes a sample, by tier",
        ("tier", "rounded, as merges leave it", "rounded, all merged", "as measured, plain ZSTD", "as measured, T64"),
        [*rows, ["series, latest values", *others], ["together", *(sum(sizes.values()) for sizes in columns)]],
        f"{COMPONENTS * 10} series, {DAYS} days, a sample every {EVERY_S} s: 40 % percentages, 20 % latencies, 20 % "
        "counters, 10 % nearly constant, 10 % bytes (`benchmarks/mix.py`). All bytes of the tables' parts on disk, "
        "over the number of samples, so that a roll-up counts towards the samples it is made of. Values as measured "
        "fit a plain `ZSTD(1)` better than the `T64('bit')` that rounded ones are kept in: both are shown.",
        COMMAND,
    )


def by_class(directory: Path, start_s: int) -> None:
    """The same by class of metric, and the error that rounding makes."""
    whole = mix(CLASS_COMPONENTS, DAYS * DAY_STEPS)
    rows: list[list[Cell]] = []
    for name, (_, metrics) in CLASSES.items():
        measured = whole.of(metrics)
        rounded = measured.rounded()
        label = name.replace("-", "_")
        kept = Database(directory, f"rounded_{label}").filled(rounded, start_s)
        plain = Database(directory, f"plain_{label}", PLAIN).filled(measured, start_s)
        errors = measured.errors(rounded)
        bits = {METRICS[metric].bits for metric in metrics}
        rows.append(
            [name, f"{len(metrics) * 10} %", ", ".join(str(b) if b < 53 else "all" for b in sorted(bits)),
             kept["samples"], sum(kept.values()), sum(plain.values()),
             f"{errors.max():.4%}", f"{float(np.median(errors)):.4%}"]
        )  # fmt: skip
    report.table(
        "history_bytes_by_class",
        "Bytes a sample, by class of metric",
        ("class", "share", "bits kept", "samples", "with roll-ups", "as measured, plain ZSTD, with roll-ups",
         "largest error", "median error"),
        rows,
        "Each class in tables of its own, all merged. The error is that of the kept value against the measured one, "
        "as a share of it; a third digit on the screen is up to 0.5 %.",
        COMMAND,
    )  # fmt: skip


def against_prometheus(kept: Database, end_s: int, blocks: Path, theirs: Sizes, ours: float) -> None:
    """The table of bytes and of the same range queries."""
    charts = charts_in_turn(kept, end_s, blocks)
    ours_ms, theirs_ms = charts[COMPONENTS]
    report.write("chart_vs_prometheus", ours_ms / theirs_ms, "ratio", command=COMMAND)
    rows: list[list[Cell]] = [
        [f"bytes a sample, {words}", f"{ours:.3f} B", f"{theirs[name]:.3f} B", ours / theirs[name]]
        for name, words in (("measured", "as measured"), ("rounded", "Prometheus given what we round"))
    ]
    rows += [[f"24 h at 2 min, {n} series", f"{a:.1f} ms", f"{b:.1f} ms", a / b] for n, (a, b) in charts.items()]
    report.table(
        "history_vs_prometheus",
        "Against Prometheus",
        ("what", "Tapewatch", f"Prometheus {prometheus.version()}", "ratio"),
        rows,
        f"The same samples in Prometheus' blocks of up to {prometheus.LONGEST_BLOCK}, as its compaction leaves them at "
        "90 days' retention; counters are totals there. Ours are rounded and include all roll-ups; it has none. "
        "A chart is minimum, average, maximum and percentiles: one question to us, until the arrays are there; four to "
        "its API (one percentile only, the 95th), one after the other on a kept connection, until the last byte, not "
        f"parsed. Medians of {ROUNDS}, asked in turn.",
        COMMAND,
    )


def charts_in_turn(kept: Database, end_s: int, blocks: Path) -> dict[int, tuple[float, float]]:
    """Milliseconds of the same chart here and there, by number of series."""
    scope = queries.scope_of(kept.settings, DEFAULT_ZONE, float(end_s))
    span, metric, took = range(end_s - 86400, end_s, STEP_S), "probe_latency_seconds", {}
    window = Window(span.start, span.stop, STEP_S)
    with prometheus.serving(blocks) as connection:
        for count in (1, COMPONENTS):
            names = tuple(component(number) for number in range(count))

            def ask(names: tuple[str, ...] = names) -> int:
                found = queries.series(kept.client, scope, window, (metric,), names, percentiles=True)
                return sum(len(line.t) for line in found.series)

            def ask_prometheus(names: tuple[str, ...] = names) -> list[bytes]:
                return prometheus.chart(connection, metric, "|".join(names), span)

            drawn = {ask(), *map(prometheus.points, ask_prometheus())}
            if drawn != {count * len(span)}:
                raise RuntimeError(f"the answers have {drawn} points, expected {count * len(span)} in each")
            ours_ms, theirs_ms = in_turn([ask, ask_prometheus])
            took[count] = ours_ms, theirs_ms
    return took


def in_turn(asks: list[Callable[[], object]], rounds: int = ROUNDS) -> list[float]:
    """The median milliseconds of each, asked in turn so that whatever else the machine does meets all."""
    took: list[list[float]] = [[] for _ in asks]
    for _ in range(rounds):
        for ask, times in zip(asks, took, strict=True):
            started_s = time.perf_counter()
            ask()
            times.append((time.perf_counter() - started_s) * 1000)
    return [statistics.median(times) for times in took]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
