"""A year of samples loaded in bulk, measured at 1 %, 10 % and all of it, with a kill -9 on the way.

Keys: `ingest_samples_per_s`, `reopen_after_kill9_s`, and a table. This process opens no directory: those that
fill, reopen and measure are its children, one after the other.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.mix import DAY_STEPS, EVERY_S, mix
from benchmarks.report import Cell
from history.rows import catalogued, insert, series_table
from history.store import Store
from probes import METRICS
from settings import DEFAULT_ZONE, History

COMMAND = "python -m benchmarks.history"
DATABASE = "year"
DAY_S = 86400
COMPONENTS = 20
CHUNK_STEPS = 5000
CHUNK_SAMPLES = CHUNK_STEPS * COMPONENTS * 10
"""A million, as the importer cuts a file."""
STAGES = (4, 42, 421)
"""Chunks there are when it is measured; the last is a year and half a day."""
KILLED_AFTER = 105
INTO_THE_INSERT_S = 0.15
POOL_DAYS = 28
"""So many days of values are made; then they come again. Making them all would take longer than writing them."""
LAST_INSERTS = 30
"""So many inserts before a measurement speak for it."""
KEPT_S = 500 * DAY_S
"""Raw samples are kept beyond the year, for the raw scan."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What an insert took, in seconds by the clock and of all cores."""

    wall_s: float
    cpu_s: float


def main(directory: Path) -> None:
    """Measure and write the keys."""
    (directory / "end").write_text(str(int(time.time()) // DAY_S * DAY_S))
    took: list[Taken] = []
    stages: list[dict[str, float]] = []
    reopened: dict[str, float] = {}
    for chunks in STAGES:
        if len(took) < KILLED_AFTER < chunks:
            took += fill(directory, len(took), chunks, killed_after=KILLED_AFTER)
            reopened = measured(directory, KILLED_AFTER)
        took += fill(directory, len(took), chunks)
        last = took[-LAST_INSERTS:]
        wall_s, cpu_s = statistics.median(one.wall_s for one in last), sum(one.cpu_s for one in last) / len(last)
        stages.append({**measured(directory, chunks), "insert_s": wall_s, "cpu_s": cpu_s})
        print(json.dumps(stages[-1]), flush=True)
        check(stages[-1], chunks)
    report.write("ingest_samples_per_s", CHUNK_SAMPLES * len(took) / sum(one.wall_s for one in took), "samples/s",
                 at_least=2.5e6, command=COMMAND)  # fmt: skip
    report.write("reopen_after_kill9_s", reopened["open_s"], "s", command=COMMAND)
    table(stages, reopened["samples"])


def fill(directory: Path, first: int, chunks: int, *, killed_after: int | None = None) -> list[Taken]:
    """Write chunks from one number to another in a process of its own; returns what each insert took.

    Args:
        killed_after: the writer is killed in the middle of the insert that follows so many chunks.
    """
    took: list[Taken] = []
    with subprocess.Popen(child("growth", directory, first, chunks), stdout=subprocess.PIPE, text=True) as writer:
        for line in writer.stdout or ():
            took.append(Taken(*map(float, line.split())))
            if first + len(took) == killed_after:
                time.sleep(INTO_THE_INSERT_S)
                writer.kill()
                return took
    if writer.returncode or len(took) != chunks - first:
        raise RuntimeError(f"the writer ended with code {writer.returncode} after {len(took)} of its chunks")
    return took


def write_chunks(directory: Path, first: int, chunks: int) -> Iterator[Taken]:
    """Write chunks of a million samples, each under the token it always has; yields what each took."""
    store = Store(settings_of(directory), zone=DEFAULT_ZONE)
    client = store.connect()
    store.migrate(client)
    samples, start_s = mix(COMPONENTS, POOL_DAYS * DAY_STEPS).rounded(), end_of(directory, 0)
    insert(client, f"{DATABASE}.series", series_table(catalogued(samples.keys, METRICS)), f"series {first}")
    for chunk in range(first, chunks):
        started = Taken(time.perf_counter(), time.process_time())
        rows = samples.table(start_s, range(chunk * CHUNK_STEPS, (chunk + 1) * CHUNK_STEPS))
        insert(client, f"{DATABASE}.samples", rows, f"chunk {chunk}")
        yield Taken(time.perf_counter() - started.wall_s, time.process_time() - started.cpu_s)


def settings_of(directory: Path) -> History:
    """The history in a directory of the benchmark."""
    dsn = f"chdb://{directory}/history"
    return History.model_validate({"dsn": dsn, "database": DATABASE, "retention": {"raw": f"{KEPT_S}s"}})


def end_of(directory: Path, chunk: int) -> int:
    """The epoch second at which so many chunks end."""
    end_s = int((directory / "end").read_text())
    return end_s - (STAGES[-1] - chunk) * CHUNK_STEPS * EVERY_S


def measured(directory: Path, chunk: int) -> dict[str, float]:
    """What a new process finds when it opens the history (`benchmarks.charts.stage`)."""
    said = subprocess.run(child("charts", "stage", directory, chunk), stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(said.stdout)
    return found


def child(module: str, *words: Any) -> list[str]:
    """The command of one of the benchmark's processes."""
    return [sys.executable, "-m", f"benchmarks.{module}", *map(str, words)]


def check(found: dict[str, float], chunks: int) -> None:
    """Every sample is there once, and in every roll-up once.

    Raises:
        RuntimeError: a figure is another.
    """
    for table_name in ("samples", "samples_15m", "samples_4h", "samples_1d"):
        if found[table_name] != chunks * CHUNK_SAMPLES:
            raise RuntimeError(f"{table_name} counts {found[table_name]:.0f}, expected {chunks * CHUNK_SAMPLES}")


def table(stages: list[dict[str, float]], found_after_kill: float) -> None:
    """What grows with the number of samples, and what does not."""
    shown: dict[str, Callable[[dict[str, float]], float]] = {
        "bytes a sample": lambda stage: stage["bytes"] / stage["samples"],
        "insert of a million samples, ms": lambda stage: stage["insert_s"] * 1000,
        "processor time of it and of the merges beside it, ms": lambda stage: stage["cpu_s"] * 1000,
        "opening to ready, cold, ms": lambda stage: stage["open_s"] * 1000,
        "1 h of 20 series, ms": lambda stage: stage["hour_ms"],
        "24 h of 20 series, ms": lambda stage: stage["day_ms"],
        "everything, 20 series, ms": lambda stage: stage["whole_ms"],
        "everything, 20 series, with percentiles, ms": lambda stage: stage["whole_p95_ms"],
    }
    rows: list[list[Cell]] = [
        [name, *map(figure, stages), f"{figure(stages[-1]) / figure(stages[0]):.2f} ×"]
        for name, figure in shown.items()
    ]
    sizes = [(stage["samples"] / 1e6, stage["samples"] / 200 * EVERY_S / DAY_S) for stage in stages]
    header = (
        "of 200 series",
        *(f"{millions:.0f} M samples, {days:.3g} d" for millions, days in sizes),
        "last against first",
    )
    report.table(
        "history_growth",
        "What grows",
        header,
        rows,
        "The same history after 1 %, 10 % and all of a year, written a million samples at a time, parts as merges "
        "leave them; `ingest_samples_per_s` is the rate of all these inserts. Everything: the whole range there is. "
        f"With {KILLED_AFTER} million acknowledged the writer was killed (-9) in the middle of an insert; "
        f"{found_after_kill / 1e6:.2f} million were there, and after the chunk had come again under its token every "
        "tier counted every sample once.",
        COMMAND,
    )


if __name__ == "__main__":
    for one in write_chunks(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])):
        print(one.wall_s, one.cpu_s, flush=True)
    os._exit(0)  # as the program does: the engine's own exit handlers are slow
