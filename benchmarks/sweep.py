"""One sweep over 200 components, half of them black-holed, and what a thousand sweeps leave behind.

Keys: `sweep_s`, `sweep_200_over_deadline`, `sweep_thread_growth`, and those of `gatus`, which is run from here.
Black-holed are ports that never accept (a full backlog: the kernel drops the SYN) and ports that accept and never
answer.
"""

import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import probes
from benchmarks import gatus, report, scenarios
from demo.services import redis_server
from probes.cache import Board
from probes.result import ProbeResult
from settings import Component

EACH = 50
DEADLINE_S = 2.0
SHORT_DEADLINE_S = 0.05
CORES = 2
SWEEPS = 1000
COMMAND = "python -m benchmarks.sweep"


def main() -> None:
    """Measure and write the keys, on two cores wherever that can be chosen."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    sweeps()
    gatus.main()


def sweeps() -> None:
    """One sweep against its deadline, and what a thousand leave behind."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = scenarios.free_port()
        stack.enter_context(closing(redis_server(port, directory)))
        silent = stack.enter_context(scenarios.silent_listener())
        dropped = stack.enter_context(dropping_listener())
        targets = [("tcp", port), ("redis", port), ("tcp", dropped), ("redis", silent)]
        sweep = Sweep(targets, DEADLINE_S)
        worst_s = max(sweep.run() for _ in range(3))
        report.write("sweep_s", worst_s, "s", goal=DEADLINE_S * 1.2, command=COMMAND)
        report.write("sweep_200_over_deadline", worst_s / DEADLINE_S, "ratio", goal=1.2, command=COMMAND)
        sweep.stop()
        many = Sweep(targets, SHORT_DEADLINE_S)
        many.run()
        before = threading.active_count()
        for _ in range(SWEEPS):
            many.run()
        report.write("sweep_thread_growth", threading.active_count() - before, "threads", goal=0, command=COMMAND)
        many.stop()


class Sweep:
    """200 components on a board of their own."""

    def __init__(self, targets: list[tuple[str, int]], deadline_s: float) -> None:
        self.board = Board()
        self._waiting: set[str] = set()
        self._done = threading.Event()
        for kind, port in targets:
            for number in range(EACH):
                self.board.add(
                    component(kind, port, f"{kind}-{port}-{number}"),
                    probes.KINDS[kind],
                    interval_s=10,
                    deadline_s=deadline_s,
                )
        self.board.subscribe(self._on_result)

    def run(self) -> float:
        """Seconds until every component has a new result; time-outs are published the moment they are due."""
        runners = self.board.runners
        self._waiting, started_s = set(runners), time.perf_counter()
        self._done.clear()
        for name, runner in runners.items():
            if not runner.request():  # still held by the last check's hang: nothing new will come of it
                self._waiting.discard(name)
        while not self._done.wait(0.01):
            for runner in runners.values():
                runner.expire()
        return time.perf_counter() - started_s

    def stop(self) -> None:
        for runner in self.board.runners.values():
            runner.stop()

    def _on_result(self, result: ProbeResult, _: ProbeResult | None) -> None:
        self._waiting.discard(result.component)
        if not self._waiting:
            self._done.set()


def component(kind: str, port: int, name: str) -> Component:
    """A TCP or Redis component on loopback."""
    where = {"address": f"127.0.0.1:{port}"} if kind == "tcp" else {"url": f"redis://127.0.0.1:{port}/0"}
    return probes.COMPONENTS[kind].model_validate({"kind": kind, "name": name, **where})


@contextmanager
def dropping_listener() -> Iterator[int]:
    """A port whose backlog is full: connecting to it gets no answer at all."""
    with ExitStack() as stack:
        listener = stack.enter_context(closing(socket.socket()))
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        for _ in range(4):  # the backlog of 0 still holds one; the rest stay half open
            filler = stack.enter_context(closing(socket.socket()))
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        yield port


if __name__ == "__main__":
    main()
