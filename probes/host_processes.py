"""The busiest and the largest processes of this machine."""

import time

import psutil

from probes.counters import Counters
from probes.result import Table

TOP = 8


class ProcessReader:
    """The busiest and the largest processes: names only, because command lines may carry secrets."""

    def __init__(self) -> None:
        self._counters: Counters[tuple[int, float]] = Counters()

    def turn(self) -> Table:
        found = {
            (process.pid, process.info["create_time"]): process.info
            for process in psutil.process_iter(["name", "cpu_times", "memory_info", "create_time"])
            if process.info["cpu_times"] and process.info["memory_info"]
        }
        spent = {key: info["cpu_times"].user + info["cpu_times"].system for key, info in found.items()}
        turn = self._counters.turn(spent, time.monotonic())
        rows = {
            key: (info["name"], key[0], turn.per_second(key), float(info["memory_info"].rss))
            for key, info in found.items()
        }
        busy = [key for key, row in rows.items() if row[2]]
        by_cpu = sorted(busy, key=lambda key: rows[key][2] or 0.0, reverse=True)[:TOP]
        by_memory = sorted(rows, key=lambda key: rows[key][3], reverse=True)[:TOP]
        columns = ("process", "pid", "cpu_ratio", "resident_bytes")
        return Table(columns, tuple(rows[key] for key in dict.fromkeys((*by_cpu, *by_memory))))
