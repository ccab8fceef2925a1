"""How soon charts of the history are there, an hour to a year, beside the raw scan of the same question.

Keys: `year_vs_hour`, `year_vs_hour_p95`, `worst_chart_ms`, and a table. It measures in the directory that
`benchmarks.growth` has filled, in a process of its own.
"""

import contextlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from clickhouse_connect.driver.client import Client

from benchmarks import report
from benchmarks.growth import COMMAND, DATABASE, DAY_S, end_of, settings_of
from benchmarks.mix import NAMES, component
from benchmarks.report import Cell
from benchmarks.storage import in_turn, rest
from history import queries
from history.answers import SeriesSet
from history.queries import Scope
from history.rows import SeriesKey
from history.schema import SKETCH
from history.store import Store
from history.window import Window
from settings import DEFAULT_ZONE, History

RANGES = {"1 h": 3600, "24 h": DAY_S, "30 d": 30 * DAY_S, "365 d": 365 * DAY_S}
COUNTS = (1, 20, 200)
ROUNDS, COLD_ROUNDS, RAW_ROUNDS = 9, 3, 3
LONG_MS = 3000
"""A raw scan that takes longer is not asked again: the whole run is bounded."""
CACHES = ("MARK CACHE", "UNCOMPRESSED CACHE", "QUERY CONDITION CACHE", "QUERY CACHE")
READY_S = 60


@dataclass(frozen=True, slots=True)
class Chart:
    """One question: how many series over how long, with percentiles or without."""

    range_s: int
    series: int
    percentiles: bool

    @property
    def keys(self) -> list[SeriesKey]:
        metrics, components = self.names
        return [SeriesKey(name, metric) for name in components for metric in metrics]

    @property
    def names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Metrics and components: a latency, or whole components of the mix."""
        if self.series == 1:
            return ("probe_latency_seconds",), (component(0),)
        return NAMES, tuple(component(number) for number in range(self.series // len(NAMES)))


Milliseconds = dict[Chart, float]


class Charts:
    """Asks for charts of an opened history as it is at `now_s`."""

    def __init__(self, client: Client, settings: History, directory: Path, now_s: int) -> None:
        self.client, self.directory, self.now_s = client, directory, now_s
        kept = History.model_validate({"database": settings.database})  # what raw samples are for is asked by default
        self.scope: Scope = queries.scope_of(kept, DEFAULT_ZONE, float(now_s))

    def ask(self, chart: Chart) -> SeriesSet:
        window = Window(self.now_s - chart.range_s, self.now_s)
        return queries.series(self.client, self.scope, window, *chart.names, percentiles=chart.percentiles)

    def scan(self, chart: Chart, step_s: int) -> object:
        """The same from the raw samples, whatever that costs."""
        ids = ", ".join(str(key.id) for key in chart.keys)
        start_s = (self.now_s - chart.range_s) // step_s * step_s
        what = f"avg(value), min(value), max(value), count(){f', {SKETCH}(value)' if chart.percentiles else ''}"
        return self.client.query_np(
            f"SELECT series_id, intDiv(toUInt32(ts), {step_s}) * {step_s} AS bucket, {what} FROM {DATABASE}.samples "
            f"WHERE series_id IN ({ids}) AND ts >= {start_s} AND ts < {self.now_s} "
            "GROUP BY series_id, bucket ORDER BY series_id, bucket",
            settings={"max_threads": 2},
        )

    def cold(self, chart: Chart) -> float:
        """Milliseconds with nothing of it in the engine's or the system's memory."""
        took = []
        for _ in range(COLD_ROUNDS):
            for cache in CACHES:
                self.client.command(f"SYSTEM DROP {cache}")
            forget_files(self.directory)
            took += in_turn([lambda: self.ask(chart)], 1)
        return statistics.median(took)


def forget_files(directory: Path) -> None:
    """Take the files of a directory out of the system's memory; what is not written yet stays."""
    for where, _, names in os.walk(directory):  # the engine deletes parts it has merged: what is gone is forgotten
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                file = os.open(Path(where, name), os.O_RDONLY)
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(file)


def opened(directory: Path) -> tuple[Store, float]:
    """The history, and the seconds from opening it to ready, its files cold.

    Raises:
        RuntimeError: it did not become ready.
    """
    forget_files(directory)
    store = Store(settings_of(directory), zone=DEFAULT_ZONE)
    started_s = time.perf_counter()
    store.start()
    while not store.state.ready:
        if time.perf_counter() - started_s > READY_S:
            raise RuntimeError(f"the history is not ready after {READY_S} s: {store.state.error}")
        time.sleep(0.005)
    return store, time.perf_counter() - started_s


def stage(directory: Path, chunk: int) -> dict[str, float]:
    """Open, count and ask for some charts of 20 series; milliseconds, seconds, bytes and samples."""
    store, open_s = opened(directory)
    client, now_s = store.connect(), end_of(directory, chunk)
    rest(client)
    found = {"open_s": open_s, "samples": number(client, "count()", "samples")}
    where = f"system.parts WHERE active AND database = '{DATABASE}'"
    found["bytes"] = float(str(client.command(f"SELECT sum(bytes_on_disk) FROM {where}")))
    for tier in ("samples_15m", "samples_4h", "samples_1d"):
        found[tier] = number(client, "sum(cnt)", tier)
    charts = Charts(client, store.settings, directory, now_s)
    whole_s = min(now_s - end_of(directory, 0), 365 * DAY_S)
    asked = {
        "hour_ms": Chart(3600, 20, False), "day_ms": Chart(DAY_S, 20, False),
        "whole_ms": Chart(whole_s, 20, False), "whole_p95_ms": Chart(whole_s, 20, True),
    }  # fmt: skip
    took = in_turn([lambda chart=chart: charts.ask(chart) for chart in asked.values()], ROUNDS)  # type: ignore[misc]
    return {**found, **dict(zip(asked, took, strict=True))}


def number(client: Client, what: str, table: str) -> float:
    """One figure of one table."""
    return float(str(client.command(f"SELECT toUInt64({what}) FROM {DATABASE}.{table}")))


def every(directory: Path, chunk: int) -> None:
    """Measure all charts and write the keys."""
    store, _ = opened(directory)
    charts = Charts(store.connect(), store.settings, directory, end_of(directory, chunk))
    asked = [Chart(*one) for one in product(RANGES.values(), COUNTS, (False, True))]
    cold_ms = {chart: charts.cold(chart) for chart in asked}
    answers = {chart: charts.ask(chart) for chart in asked}
    took = in_turn([lambda chart=chart: charts.ask(chart) for chart in asked], ROUNDS)  # type: ignore[misc]
    warm_ms = dict(zip(asked, took, strict=True))
    raw_ms = {
        chart: scan_ms(lambda chart=chart, step_s=answer.step_s: charts.scan(chart, step_s))  # type: ignore[misc]
        for chart, answer in answers.items()
        if answer.tier != "raw"
    }
    for key, percentiles, goal in (("year_vs_hour", False, 1.5), ("year_vs_hour_p95", True, 4)):
        year, hour = (warm_ms[Chart(RANGES[name], 20, percentiles)] for name in ("365 d", "1 h"))
        report.write(key, year / hour, "ratio", goal=goal, command=COMMAND)
    worst_ms = max(took_ms for chart, took_ms in warm_ms.items() if chart.series == 20)
    report.write("worst_chart_ms", worst_ms, "ms", goal=150, command=COMMAND)
    table(answers, warm_ms, cold_ms, raw_ms)


def scan_ms(ask: Callable[[], object]) -> float:
    """The median of a few raw scans, or the only one if that is long."""
    first_ms = in_turn([ask], 1)[0]
    return first_ms if first_ms > LONG_MS else in_turn([ask], RAW_ROUNDS)[0]


def table(answers: dict[Chart, SeriesSet], warm_ms: Milliseconds, cold_ms: Milliseconds, raw_ms: Milliseconds) -> None:
    """All charts."""
    rows: list[list[Cell]] = []
    for (name, range_s), count in product(RANGES.items(), COUNTS):
        row: list[Cell] = [name, str(count)]
        for percentiles in (False, True):
            chart = Chart(range_s, count, percentiles)
            answer = answers[chart]
            row += [f"{answer.tier}, {answer.step_s} s", warm_ms[chart], cold_ms[chart], raw_ms.get(chart)]
        rows.append(row)
    each = ("read from, step", "ms", "cold, ms", "raw scan, ms")
    report.table(
        "history_charts",
        "Charts of a year",
        ("range", "series", *each, *(f"with percentiles: {head}" for head in each)),
        rows,
        "200 series every 15 s for 365 days, 421 million samples. A chart is minimum, average and maximum of every "
        "bucket, with percentiles also three of them, until the arrays are there; of 1 series a latency, of 20 and "
        f"200 whole components of the mix. Medians of {ROUNDS}, asked in turn; cold: the engine's caches dropped and "
        f"its files out of the system's memory, median of {COLD_ROUNDS}. The raw scan answers the same, bucket by "
        "bucket, from the samples, which by default are kept for 90 days and here for all; a dash: the chart reads "
        "them anyway.",
        COMMAND,
    )


if __name__ == "__main__":
    if sys.argv[1] == "every":
        every(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        print(json.dumps(stage(Path(sys.argv[2]), int(sys.argv[3]))))
    sys.stdout.flush()
    os._exit(0)  # as the program does: the engine's own exit handlers are slow
