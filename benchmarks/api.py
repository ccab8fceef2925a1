"""How fast the endpoints answer, with everything up and with every dependency dark.

Both servers run side by side and are asked in turn, so that whatever else the machine does meets
both. Keys: `api_live_p99_ms`, `api_history_p99_ms`, `api_dark_vs_up` (worst of the dark scenarios).
"""

import http.client
import os
import statistics
import time
from contextlib import ExitStack

from benchmarks import report, scenarios
from benchmarks.scenarios import Served

LIVE = (
    "health", "debug", "status", "services/health", "metrics/system", "metrics/dataflow", "metrics/kafka",
    "metrics/clickhouse", "alerts", "iqfeed", "ib", "network/status", "monitor/realtime-metrics",
    "monitor/components", "monitor/trading-health",
)  # fmt: skip
HISTORY = ("network/history", "network/capacity", "monitor/health-trend", "monitor/performance")
ROUNDS = 150
WARM_UP_S = 12.0


def main() -> None:
    """Measure and write the keys."""
    dark = [scenarios.refused, scenarios.hanging]
    if os.geteuid() == 0:
        dark.append(scenarios.dns_silent)
    live_p99, history_p99, ratios = [], [], {}
    for scenario in dark:
        with ExitStack() as stack:
            servers = [stack.enter_context(scenarios.up()), stack.enter_context(scenario())]
            time.sleep(WARM_UP_S)  # breakers open, caches fill: the state a monitor is in when it matters
            live = measure(servers, LIVE)
            history = measure(servers, HISTORY)
            up, down = servers
            live_p99 += [percentile(live[s.name], 99) for s in servers]
            history_p99 += [percentile(history[s.name], 99) for s in servers]
            ratios[down.name] = statistics.median(live[down.name]) / statistics.median(live[up.name])
            print(f"{down.name}: live {ratios[down.name]:.2f} x up, p99 {live_p99[-1]:.1f} ms")
    report.write("api_live_p99_ms", max(live_p99), "ms", goal=25, command="python -m benchmarks.api")
    report.write("api_history_p99_ms", max(history_p99), "ms", goal=100, command="python -m benchmarks.api")
    report.write("api_dark_vs_up", max(ratios.values()), "ratio", goal=1.1, command="python -m benchmarks.api")


def measure(servers: list[Served], paths: tuple[str, ...]) -> dict[str, list[float]]:
    """Milliseconds of each request per server, asked in turn over kept connections."""
    connections = {server.name: http.client.HTTPConnection("127.0.0.1", server.port, timeout=10) for server in servers}
    took: dict[str, list[float]] = {server.name: [] for server in servers}
    for number in range(ROUNDS * len(paths)):
        path = f"/api/{paths[number % len(paths)]}/"
        for name, connection in connections.items():
            started_s = time.perf_counter()
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            took[name].append((time.perf_counter() - started_s) * 1000)
            if answer.status not in {200, 503}:
                raise RuntimeError(f"{name} answered {answer.status} at {path}")
    for connection in connections.values():
        connection.close()
    return took


def percentile(values: list[float], rank: int) -> float:
    """The `rank`-th percentile of `values`."""
    return statistics.quantiles(values, n=100, method="inclusive")[rank - 1]


if __name__ == "__main__":
    main()
