"""Prometheus, from Debian's package, with the samples of the mix in its own blocks: what ours is compared with.

The samples go in by ``promtool tsdb create-blocks-from openmetrics``, counters as the totals Prometheus keeps.
"""

import http.client
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import numpy as np

from benchmarks.mix import EVERY_S, NAMES, Mix
from benchmarks.scenarios import free_port
from probes import METRICS

LONGEST_BLOCK = "162h"
"""What compaction leaves of the 2-hour blocks when 90 days are kept: three times as long each time, until the next
would be longer than a tenth of what is kept. The blocks are made as long at once."""
START_S = 60
FUNCTIONS = ("min_over_time({})", "avg_over_time({})", "max_over_time({})", "quantile_over_time(0.95, {})")


def installed() -> bool:
    """Whether Prometheus is there; as root it is installed where it is not."""
    if not shutil.which("promtool") and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Prometheus is not there: installing Debian's package for the comparison", flush=True)
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "prometheus"]
        environ = {**os.environ, "RUNLEVEL": "1", "DEBIAN_FRONTEND": "noninteractive"}  # installed, but not started
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, env=environ)
    return bool(shutil.which("promtool") and shutil.which("prometheus"))


def version() -> str:
    """The version it says it is."""
    said = subprocess.run(["prometheus", "--version"], capture_output=True, text=True, check=True)
    return (said.stdout + said.stderr).split()[2].partition("+")[0]


def write_blocks(samples: Mix, start_s: int, directory: Path) -> int:
    """Make the blocks of all samples in `directory`; returns their bytes.

    Raises:
        CalledProcessError: promtool refused the samples.
    """
    text = directory.with_suffix(".openmetrics")
    write_text(samples, start_s, text)
    try:
        subprocess.run(
            ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet",
             f"--max-block-duration={LONGEST_BLOCK}", str(text), str(directory)],
            check=True,
        )  # fmt: skip
    finally:
        text.unlink()
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def write_text(samples: Mix, start_s: int, path: Path) -> None:
    """The samples as OpenMetrics text, a metric after the other, shortest digits that read back as the same number."""
    times = [f" {start_s + step * EVERY_S}\n" for step in range(samples.steps)]
    with path.open("w") as text:
        for metric in NAMES:
            is_counter = METRICS[metric].type == "counter"
            text.write(f"# TYPE {metric.removesuffix('_total')} {METRICS[metric].type if is_counter else 'gauge'}\n")
            for key, increases in zip(samples.keys, samples.values, strict=True):
                if key.metric == metric:
                    name = f'{metric}{{component="{key.component}"}} '
                    values = np.cumsum(increases) if is_counter else increases
                    text.write(
                        "".join([f"{name}{value!r}{at}" for value, at in zip(values.tolist(), times, strict=True)])
                    )
        text.write("# EOF\n")


@contextmanager
def serving(directory: Path) -> Iterator[http.client.HTTPConnection]:
    """A server over the blocks in `directory`; yields a kept connection to its API."""
    port = free_port()
    config = directory.with_suffix(".yml")
    config.write_text("global: {}\n")
    command = [
        "prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory}",
        "--storage.tsdb.retention.time=90d", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
    ]  # fmt: skip
    process = subprocess.Popen(command)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        _wait_for(connection, process)
        yield connection
    finally:
        connection.close()
        process.terminate()
        process.wait(30)


def chart(connection: http.client.HTTPConnection, metric: str, components: str, span: range) -> list[bytes]:
    """Ask for minimum, average, maximum and 95th percentile; returns the four answers as they came.

    Args:
        components: a regular expression of component names.
        span: first epoch second, the end, and the step.
    """
    selector = f'{metric}{{component=~"{components}"}}[{span.step}s]'
    answers = []
    for function in FUNCTIONS:
        words = {"query": function.format(selector), "start": span.start + span.step, "end": span.stop}
        connection.request("GET", f"/api/v1/query_range?{urlencode({**words, 'step': span.step})}")
        answers.append(connection.getresponse().read())
    return answers


def points(answer: bytes) -> int:
    """How many points an answer has.

    Raises:
        RuntimeError: the question was refused.
    """
    read = json.loads(answer)
    if read["status"] != "success":
        raise RuntimeError(f"Prometheus refused a range query: {read.get('error')}")
    return sum(len(line["values"]) for line in read["data"]["result"])


def _wait_for(connection: http.client.HTTPConnection, process: "subprocess.Popen[bytes]") -> None:
    give_up_s = time.monotonic() + START_S
    while time.monotonic() < give_up_s:
        if process.poll() is not None:
            raise RuntimeError(f"prometheus ended with code {process.returncode} before it was ready")
        try:
            connection.request("GET", "/-/ready")
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                return
        except OSError:
            connection.close()
        time.sleep(0.1)
    raise RuntimeError(f"prometheus was not ready within {START_S} s")
