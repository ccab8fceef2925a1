"""Twenty endpoints every ten seconds: what watching them costs Tapewatch beyond Streamlit's own, beside Gatus.

Gatus (https://github.com/TwiN/gatus) is built from its Go module, or from a copy of its source that `GATUS_SOURCE`
names; the program is kept in a temporary directory for the next run. Where it cannot be built the table says why.
Keys: `watch_20_cpu_of_core`, `watch_20_memory_mb` (the history in a ClickHouse of its own, a process apart),
`watch_20_embedded_cpu_of_core`, `watch_20_embedded_memory_mb`, `watch_20_embedded_private_mb` (all in one process),
`gatus_cpu_of_core`, `gatus_memory_mb`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks import report, scenarios
from benchmarks.report import Cell
from benchmarks.scenarios import Served
from demo.services import redis_server
from tests.clickhouse_http import clickhouse_process

MODULE = "github.com/TwiN/gatus/v5"
KEPT = Path(tempfile.gettempdir()) / "tapewatch-gatus"
BUILD_S = 1200
EACH = 10
INTERVAL_S = 10
SETTLE_S = 15.0
WATCH_S = 40.0
MOST_MB = 150.0
COMMAND = "python -m benchmarks.sweep"

HISTORY = """
[history]
dsn = "{history}"
spool = "memory"
[monitor]
interval = "{interval}s"
"""
WEB = """
[[component]]
kind = "http"
name = "web-{number}"
url = "http://127.0.0.1:{port}/{number}"
"""
PORT = """
[[component]]
kind = "tcp"
name = "port-{number}"
address = "127.0.0.1:{port}"
"""
GATUS = """
metrics: false
web:
  address: 127.0.0.1
  port: ${PORT}
endpoints:
"""
ENDPOINT = """
  - name: {name}
    url: "{url}"
    interval: {interval}s
    client:
      timeout: 2s
    conditions:
      - "{condition}"
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a server costs.

    Attributes:
        of_core: share of a core.
        resident_mb: all its pages in memory (VmRSS).
        private_mb: those of them that are not pages of files (RssAnon): programs' own data. The rest is code and
            tables of the programs as the disk has them, which the system shares and takes back as it needs room.
    """

    of_core: float
    resident_mb: float
    private_mb: float

    def beyond(self, other: "Cost") -> "Cost":
        return Cost(
            max(0.0, self.of_core - other.of_core),
            self.resident_mb - other.resident_mb,
            self.private_mb - other.private_mb,
        )


class NotToBeHad(Exception):
    """Gatus cannot be built here; the message is Go's own."""


def main(watch_s: float = WATCH_S) -> None:
    """Measure and write the keys; every server is watched at the same time, for `watch_s` seconds."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis_port, web_port = scenarios.free_port(), stack.enter_context(_web())
        stack.enter_context(closing(redis_server(redis_port, directory)))
        folders = [directory / name for name in ("server", "apart", "together")]
        for folder in folders:
            folder.mkdir()
        server = stack.enter_context(clickhouse_process(folders[0]))
        watching = [stack.enter_context(scenarios.hello())]
        for history, folder in zip((server.dsn, f"chdb://{folders[2]}/history"), folders[1:], strict=True):
            text = config(history, web_port, redis_port)
            watching.append(stack.enter_context(scenarios.tapewatch(folder.name, text, folder)))
        try:
            watching.append(stack.enter_context(_gatus(build(), directory, web_port, redis_port)))
            why_not = ""
        except NotToBeHad as exc:
            why_not = f" Gatus could not be measured: {exc}"
        costs = measure(watching, watch_s)
        _require_all_well(watching)
    _write(costs, watch_s, why_not)


def _write(costs: list[Cost], watch_s: float, why_not: str) -> None:
    hello, apart, together, *others = costs
    more, all_more = apart.beyond(hello), together.beyond(hello)
    report.write("watch_20_cpu_of_core", more.of_core, "ratio", goal=0.02, command=COMMAND)
    report.write("watch_20_memory_mb", more.resident_mb, "MB", goal=MOST_MB, command=COMMAND)
    report.write("watch_20_embedded_cpu_of_core", all_more.of_core, "ratio", command=COMMAND)
    report.write("watch_20_embedded_memory_mb", all_more.resident_mb, "MB", goal=MOST_MB, command=COMMAND)
    report.write("watch_20_embedded_private_mb", all_more.private_mb, "MB", goal=MOST_MB, command=COMMAND)
    rows: list[list[Cell]] = [
        _row("a hello-world Streamlit page", hello),
        _row("Tapewatch, its history in a ClickHouse server", apart),
        _row("Tapewatch, its history and the whole ClickHouse within", together),
        *(_row("Gatus", gatus) for gatus in others),
    ]
    for gatus in others:
        report.write("gatus_cpu_of_core", gatus.of_core, "ratio", command=COMMAND)
        report.write("gatus_memory_mb", gatus.resident_mb, "MB", command=COMMAND)
    if not others:
        rows.append(["Gatus", None, None, None])
    note = (
        f"Ten web addresses and ten ports on loopback, each checked every {INTERVAL_S} s, all side by side for "
        f"{watch_s:g} s with nobody looking. Memory is at the end: resident is all of a process that is in memory "
        "(VmRSS); private is what of it is not pages of files (RssAnon). The rest is code and tables of programs as "
        "they are on disk, which processes share and the system takes back when it needs room: most of what the "
        "embedded ClickHouse adds, a library of 555 MB whose import alone brings in 170 MB of it. Tapewatch records "
        "every sample for good, in a ClickHouse that is a process apart or its own; Gatus keeps the last results of "
        f"each in memory.{why_not}"
    )
    header = ("watching 20 endpoints", "% of a core", "resident, MB", "private, MB")
    report.table("watch_20", "The cost of watching", header, rows, note, COMMAND)


def _row(name: str, cost: Cost) -> list[Cell]:
    return [name, 100 * cost.of_core, cost.resident_mb, cost.private_mb]


def measure(watching: list[Served], watch_s: float) -> list[Cost]:
    """What each server costs over `watch_s`, once it has settled; its memory at the end."""
    time.sleep(SETTLE_S)
    before_s = [served.cpu_s() for served in watching]
    time.sleep(watch_s)
    return [
        Cost((served.cpu_s() - begun_s) / watch_s, served.memory_mb("VmRSS"), served.memory_mb("RssAnon"))
        for served, begun_s in zip(watching, before_s, strict=True)
    ]


def build() -> Path:
    """Gatus, built by whoever asks first.

    Raises:
        NotToBeHad: there is no Go here, or Go could not fetch or build it.
    """
    program = KEPT / "gatus"
    if program.exists():
        return program
    go = shutil.which("go")
    if go is None:
        raise NotToBeHad("Go is not installed.")
    KEPT.mkdir(parents=True, exist_ok=True)
    source = os.environ.get("GATUS_SOURCE")
    command = [go, "build", "-o", str(program), "."] if source else [go, "install", f"{MODULE}@latest"]
    print(f"building Gatus from {source or MODULE}: this takes minutes once", flush=True)
    done = subprocess.run(
        command,
        cwd=source or KEPT,
        env={**os.environ, "GOBIN": str(KEPT)},
        capture_output=True,
        text=True,
        timeout=BUILD_S,
        check=False,
    )
    if not program.exists():
        said = re.sub(r"https?://\S+", "…", " ".join(done.stderr.split()))
        raise NotToBeHad(said[-300:] or f"Go ended with code {done.returncode}.")
    return program


def config(history: str, web_port: int, tcp_port: int) -> str:
    """Tapewatch's configuration for the twenty."""
    parts = [HISTORY.format(history=history, interval=INTERVAL_S)]
    for number in range(EACH):
        parts += [WEB.format(number=number, port=web_port), PORT.format(number=number, port=tcp_port)]
    return "".join(parts)


def gatus_config(web_port: int, tcp_port: int) -> str:
    """Gatus's configuration for the same twenty."""
    parts = [GATUS]
    for number in range(EACH):
        web, tcp = f"http://127.0.0.1:{web_port}/{number}", f"tcp://127.0.0.1:{tcp_port}"
        for name, url, condition in (("web", web, "[STATUS] == 200"), ("port", tcp, "[CONNECTED] == true")):
            parts.append(ENDPOINT.format(name=f"{name}-{number}", url=url, condition=condition, interval=INTERVAL_S))
    return "".join(parts)


@contextmanager
def _gatus(program: Path, directory: Path, web_port: int, tcp_port: int) -> Iterator[Served]:
    path = directory / "gatus.yaml"
    path.write_text(gatus_config(web_port, tcp_port))
    environ = {**os.environ, "GATUS_CONFIG_PATH": str(path), "GATUS_LOG_LEVEL": "ERROR"}
    with scenarios.serving("gatus", [str(program)], environ, "/health", directory / "gatus.log") as served:
        yield served


def _require_all_well(watching: list[Served]) -> None:
    """Both have found all twenty well: a monitor that fails at once costs little."""
    for served in watching[1:]:
        if served.name == "gatus":
            found = _asked(f"{served.url}/api/v1/endpoints/statuses?pageSize=100")
            well = sum(bool(each["results"]) and each["results"][-1]["success"] for each in found)
        else:
            found = _asked(f"{served.url}/api/status/")["data"]["components"]
            well = sum(each["status"] == "ok" for each in found)
        if well != 2 * EACH:
            raise RuntimeError(f"{served.name} found {well} of {2 * EACH} endpoints well")


def _asked(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  # our own server
        return json.load(answer)


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        with suppress(OSError):  # Gatus hangs up once it has the status
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


@contextmanager
def _web() -> Iterator[int]:
    """A web server that answers every path."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else WATCH_S)
