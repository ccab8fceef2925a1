"""Does "What else moved?" find the cause, and how soon? Planted incidents among 5,000 series.

Keys: `movers_ms` (an hour, 5,000 series), `movers_found_ratio` (the planted cause among the first three).
Each hour of the data has an incident of its own: a cause of one of five shapes, and followers that move
later and less.
"""

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from clickhouse_connect.driver.client import Client
from numpy.typing import NDArray

from benchmarks import report
from history import queries
from history.rows import SeriesKey, SeriesRow, columns_table, insert, series_table
from history.store import Store
from history.window import Window
from settings import DEFAULT_ZONE, History

SERIES, STEP_S, HOUR_S = 5000, 15, 3600
QUIET_HOURS, INCIDENTS, FOLLOWERS = 6, 20, 5
END_S = 1_790_006_400
START_S = END_S - (QUIET_HOURS + INCIDENTS) * HOUR_S
T = np.arange(START_S, END_S, STEP_S)
COMMAND = "python -m benchmarks.moved"
SHAPES = ("rises", "falls", "drifts", "shakes", "appears")
Floats = NDArray[np.float64]


def key(number: int) -> SeriesKey:
    """A series of the benchmark."""
    return SeriesKey(f"component_{number // 50}", f"metric_{number % 50}")


def course(number: int) -> Floats:
    """How a series goes by itself: a daily wave with noise, a constant, or a counter's steps."""
    random = np.random.default_rng(number)
    level = 10.0 ** random.uniform(-3, 5)
    kind = number % 4
    if kind == 0:
        return np.full(len(T), 0.0 if number % 8 else float(random.integers(1, 50)))
    if kind == 1:
        return random.poisson(random.uniform(5, 500), len(T)).astype(float)
    wave = 1 + 0.2 * np.sin(2 * np.pi * (T / 86400 + random.uniform()))
    noise = random.lognormal(0, random.uniform(0.05, 0.4), len(T))
    found: Floats = level * wave * noise
    return found


def bent(values: Floats, shape: str, since: NDArray[np.bool_], strength: float) -> Floats:
    """`values` with an incident from `since` on."""
    random = np.random.default_rng(int(since.sum()))
    ramp = np.cumsum(since) / max(1, since.sum())
    changed = {
        "rises": values * (1 + 4 * strength) + (values == 0) * 3 * strength,
        "falls": values * (1 - 0.97 * strength),
        "drifts": values * (1 + 8 * strength * ramp),
        "shakes": values * random.lognormal(1.2 * strength, 1.0 * strength, len(values)),
        "appears": values + (np.abs(values).mean() + 1) * 5 * strength,
    }[shape]
    return np.where(since, changed, values)


def planted() -> tuple[dict[int, Floats], list[int]]:
    """The series with incidents, by number, and the cause of each hour."""
    random = np.random.default_rng(42)
    touched: dict[int, Floats] = {}
    causes = []
    for hour in range(INCIDENTS):
        first_s = START_S + (QUIET_HOURS + hour) * HOUR_S
        began_s = first_s + int(random.integers(600, 2400))
        cause, *followers = (int(number) for number in random.choice(SERIES, FOLLOWERS + 1, replace=False))
        causes.append(cause)
        for place, number in enumerate((cause, *followers)):
            shape = SHAPES[hour % len(SHAPES)] if place == 0 else "rises"
            if shape == "falls" and course(number).max() == 0:
                shape = "appears"
            since = (began_s + 120 * place <= T) & (first_s + HOUR_S > T)
            values = touched.get(number, course(number))
            touched[number] = bent(values, shape, since, 1.0 if place == 0 else 0.15)
    return touched, causes


def fill(client: Client, database: str) -> list[int]:
    """Write everything; returns the cause of each hour."""
    keys = [key(number) for number in range(SERIES)]
    insert(client, f"{database}.series", series_table([SeriesRow(one, "count", "gauge") for one in keys]), "series")
    touched, causes = planted()
    for first in range(0, SERIES, 250):
        numbers = range(first, first + 250)
        ids = np.repeat(np.array([keys[number].id for number in numbers], np.uint64), len(T))
        values = np.concatenate([touched.get(number, course(number)) for number in numbers])
        insert(client, f"{database}.samples", columns_table(ids, np.tile(T, len(numbers)), values), f"{first}")
    return causes


def main() -> None:
    """Measure and write both keys."""
    with tempfile.TemporaryDirectory() as directory:
        settings = History.model_validate({"dsn": f"chdb://{Path(directory)}", "spool": "memory"})
        store = Store(settings)
        client = store.connect()
        store.migrate(client)
        causes = fill(client, store.database)
        scope = queries.scope_of(settings, DEFAULT_ZONE, float(END_S))
        found, took_ms = 0, []
        for hour, cause in enumerate(causes):
            start_s = START_S + (QUIET_HOURS + hour) * HOUR_S
            began_s = time.perf_counter()
            answer = queries.movers(client, scope, Window(start_s, start_s + HOUR_S))
            took_ms.append((time.perf_counter() - began_s) * 1000)
            first = [mover.row.key for mover in answer[:3]]
            found += key(cause) in first
            print(f"{SHAPES[hour % len(SHAPES)]}: {'found' if key(cause) in first else 'MISSED'}", flush=True)
        client.close()
    report.write("movers_ms", statistics.median(took_ms), "ms", goal=500, command=COMMAND)
    report.write("movers_found_ratio", found / len(causes), "ratio", at_least=0.9, command=COMMAND)


if __name__ == "__main__":
    main()
