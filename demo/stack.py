"""The demo as a whole: its configuration, its servers, its tape and its past, started in the background.

Everything it keeps is in one directory (`var/demo`, or ``TAPEWATCH_DEMO_DIR``), which one process at a time may use.
"""

import fcntl
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

import probes
from demo import backfill
from demo.services import Service, ServiceError, free_ports, kafka_broker, redis_server
from demo.story import Story
from demo.tape import Tape
from monitor import Demo, Monitor
from probes.network_interfaces import read as read_interfaces
from probes.result import utc
from settings import App, Component, History, MonitorSection, Settings
from settings_types import mask

log = logging.getLogger(__name__)

DIRECTORY_VARIABLE = "TAPEWATCH_DEMO_DIR"
DATABASE = "tapewatch_demo"
LINK_CAPACITY = "1Gbit"
"""Of an interface whose driver does not tell its speed, as virtual ones do not."""
FIRST_RESULTS_S = 12.0
"""How long the past waits for the probes' first results, whose labels and levels it takes over."""
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the servers listen on 127.0.0.1; the same in every run where possible, since targets are named by it."""

    redis: int
    kafka: int


class Stack:
    """The demo's servers, tape and past around a monitor.

    Args:
        directory: where everything is kept; default ``TAPEWATCH_DEMO_DIR``, else ``var/demo``.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = (directory or Path(os.environ.get(DIRECTORY_VARIABLE) or "var/demo")).resolve()
        self._lock = _lock(self.directory)
        self._ports = _choose_ports(self.directory, keep=self._lock is not None)
        self._services: list[Service] = []
        self._tape: Tape | None = None
        self._progress = Demo(False, "Starting the demo.")
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def settings(self) -> Settings:
        """The configuration of the demo."""
        dsn = f"chdb://{self.directory}/history"
        keys = {"dsn": dsn, "database": DATABASE, "flush": "5s", "spool": f"{self.directory}/spool"}
        history = History.model_validate(keys)
        plain = Settings(
            app=App(title="Tapewatch", time_zone="America/New_York"),
            history=history,
            monitor=MonitorSection.model_validate({"interval": "5s"}),
            demo=True,
        )
        return plain.model_copy(update={"component": components(self._ports, dsn, self.directory)})

    def start(self, monitor: Monitor) -> None:
        """Start everything in the background; idempotent, returns at once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, args=(monitor,), name="demo:stack", daemon=True)
            self._thread.start()

    def progress(self) -> Demo:
        """How far the demo has come, in a sentence."""
        return self._progress

    def stop(self) -> None:
        """End the tape and the servers, within 3 s."""
        self._stopping.set()
        if self._tape is not None:
            self._tape.stop(1.0)
        if self._thread is not None:
            self._thread.join(1.0)
        for service in self._services:
            service.close()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _run(self, monitor: Monitor) -> None:
        if self._lock is None:
            monitor.start()
            self._tell(
                f"Another Tapewatch runs the demo in {self.directory}: stop it, "
                f"or set {DIRECTORY_VARIABLE} to another directory and start again."
            )
            return
        failed = self._start_services()
        monitor.start()
        try:
            if not self._await_store(monitor):
                return
            self._tape = Tape(
                f"127.0.0.1:{self._ports.kafka}", f"127.0.0.1:{self._ports.redis}", monitor.store.connect, DATABASE
            )
            self._tape.start()
            simulated_before_s = self._fill(monitor)
        except Exception as exc:  # a full disk, a damaged history: the live part goes on without a past
            log.exception("demo")
            self._tell(f"The demo's past could not be written: {mask(str(exc))[:200]} It is tried again at a start.")
            return
        if simulated_before_s is not None:
            moment = utc(simulated_before_s)
            self._progress = Demo(not failed, " ".join(failed), moment)

    def _start_services(self) -> list[str]:
        """Start what can be started; returns a sentence for each server that cannot."""
        failed = []
        starters: tuple[tuple[str, Callable[[int, Path], Service], int], ...] = (
            ("redis-server", redis_server, self._ports.redis),
            ("the Kafka broker", kafka_broker, self._ports.kafka),
        )
        for name, starter, port in starters:
            if self._stopping.is_set():
                break
            self._tell(f"Starting {name}.")
            try:
                self._services.append(starter(port, self.directory))
            except (ServiceError, OSError) as exc:
                log.warning("demo: %s", exc)
                failed.append(str(exc))
        if self._stopping.is_set():  # `stop` may have looked before the last one was there
            for service in self._services:
                service.close()
        return failed

    def _await_store(self, monitor: Monitor) -> bool:
        self._tell("Opening the history.")
        while not monitor.store.state.ready:
            error = monitor.store.state.error
            if error is not None:
                self._tell(f"{error.message} {error.hint}")
            if self._stopping.wait(_POLL_S):
                return False
        return True

    def _fill(self, monitor: Monitor) -> int | None:
        """Write the past, unless it is there; returns the second it ends at, None when it was stopped on the way."""
        client = monitor.store.connect()
        try:
            anchor_s = backfill.begin(client, DATABASE, int(monitor.started_at.timestamp()))
            story = Story(anchor_s, [component.name for component in monitor.settings.component])
            if backfill.finished(client, DATABASE, story):
                return anchor_s
            self._tell("Waiting for the first results.")
            self._await_results(monitor)
            lines = backfill.choose_lines(story.courses(), monitor.views())

            def tell(share: float) -> None:
                monitor.reader.outdate()
                self._progress = Demo(False, f"Filling a year of demo history: {share:.0%}.", utc(anchor_s))

            filled = backfill.run(client, DATABASE, story, lines, tell, self._stopping.wait)
            monitor.reader.outdate()
            return anchor_s if filled else None
        finally:
            client.close()

    def _await_results(self, monitor: Monitor) -> None:
        """Wait, bounded, until every component has been read twice: rates have no value before."""
        give_up_s = time.monotonic() + FIRST_RESULTS_S
        while time.monotonic() < give_up_s and not self._stopping.wait(_POLL_S):
            if all(len(view.recent) > 1 for view in monitor.views()):
                return

    def _tell(self, text: str) -> None:
        self._progress = Demo(False, text, self._progress.simulated_before)


def components(ports: Ports, dsn: str, directory: Path) -> tuple[Component, ...]:
    """What the demo monitors: this machine, its network, and the three services with the server process of one."""
    redis, kafka = f"127.0.0.1:{ports.redis}", f"127.0.0.1:{ports.kafka}"
    on_host = {"depends_on": ["host"]}
    tables: tuple[dict[str, Any], ...] = (
        {"kind": "host"},
        {"kind": "network", "targets": [redis, kafka], "capacity": capacities()},
        {"kind": "process", "name": "redis-server", "pid_file": str(directory / "redis-server.pid"), **on_host},
        {"kind": "redis", "url": f"redis://{redis}/0", "depends_on": ["redis-server", "host"]},
        {"kind": "clickhouse", "dsn": dsn, **on_host},
        {"kind": "kafka", "bootstrap": kafka, **on_host},
    )
    return tuple(probes.COMPONENTS[table["kind"]].model_validate({"name": table["kind"], **table}) for table in tables)


def capacities() -> dict[str, str]:
    """A capacity for each interface that does not know its speed, so that utilisation and forecasts have one."""
    try:
        found, _ = read_interfaces((), {})
    except (OSError, psutil.Error):
        return {}
    return {each.name: LINK_CAPACITY for each in found if not each.speed}


def _lock(directory: Path) -> IO[str] | None:
    """The directory's lock, held until closed or our end; None while another process has it."""
    directory.mkdir(parents=True, exist_ok=True)
    handle = (directory / "lock").open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        return None
    return handle


def _choose_ports(directory: Path, *, keep: bool) -> Ports:
    """The ports of the last run when they are free, else new ones; noted for the next run with `keep`."""
    path = directory / "ports.json"
    if keep:
        with suppress(OSError, ValueError, TypeError):
            ports = Ports(**json.loads(path.read_text()))
            for port in (ports.redis, ports.kafka):
                socket.create_server(("127.0.0.1", port)).close()
            return ports
    ports = Ports(*free_ports(2))
    if keep:
        path.write_text(json.dumps({"redis": ports.redis, "kafka": ports.kafka}))
    return ports
