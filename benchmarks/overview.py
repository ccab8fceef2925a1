"""How soon the Overview shows its content in a browser, against hello-world and with everything dark.

Keys: `overview_vs_hello`, `overview_dark_vs_up`, `live_tick_cpu_ms`. All servers run side by side and
are opened in turn, each time in a fresh browser context.
"""

import os
import shutil
import statistics
import time
from contextlib import ExitStack

from playwright.sync_api import Browser, sync_playwright

from benchmarks import report, scenarios
from benchmarks.scenarios import Served
from ui.frame import refresh_s

ROUNDS = 12
WARM_UP_S = 12.0
CONTENT = "[data-testid=stMetricValue]"
"""The first figure: on hello-world its metric, on the Overview the first card's."""


def main() -> None:
    """Measure and write the keys."""
    with ExitStack() as stack:
        opened = [scenarios.hello, scenarios.up, scenarios.refused, scenarios.hanging]
        if os.geteuid() == 0:
            opened.append(scenarios.dns_silent)
        servers = [stack.enter_context(scenario()) for scenario in opened]
        playwright = stack.enter_context(sync_playwright())
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        time.sleep(WARM_UP_S)
        seconds = time_to_content(browser, servers)
        tick_ms = live_tick_cpu_ms(browser, servers[1])
    median = {name: statistics.median(values[2:]) for name, values in seconds.items()}
    for name, value in median.items():
        print(f"{name}: {value * 1000:.0f} ms")
    dark = max(value for name, value in median.items() if name not in {"hello", "up"})
    command = "python -m benchmarks.overview"
    report.write("overview_vs_hello", median["up"] / median["hello"], "ratio", goal=1.3, command=command)
    report.write("overview_dark_vs_up", dark / median["up"], "ratio", goal=1.1, command=command)
    report.write("live_tick_cpu_ms", tick_ms, "ms", goal=None, command=command)


def time_to_content(browser: Browser, servers: list[Served]) -> dict[str, list[float]]:
    """Seconds from navigation to the first figure, per server; the first rounds warm the browser up."""
    seconds: dict[str, list[float]] = {server.name: [] for server in servers}
    for _ in range(ROUNDS + 2):
        for server in servers:
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            page = context.new_page()
            started_s = time.perf_counter()
            page.goto(server.url, wait_until="commit")
            page.wait_for_selector(CONTENT, timeout=30_000)
            seconds[server.name].append(time.perf_counter() - started_s)
            context.close()
    return seconds


def live_tick_cpu_ms(browser: Browser, server: Served, watch_s: float = 20.0) -> float:
    """Processor milliseconds one drawing of the Overview's live part costs the server, its idle cost taken off."""
    idle_s = _cpu_share(server, watch_s)
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.url)
    page.wait_for_selector(CONTENT, timeout=30_000)
    time.sleep(2)
    watched_s = _cpu_share(server, watch_s)
    context.close()
    return max(0.0, watched_s - idle_s) * refresh_s(1) * 1000


def _cpu_share(server: Served, watch_s: float) -> float:
    before_s = server.cpu_s()
    time.sleep(watch_s)
    return (server.cpu_s() - before_s) / watch_s


if __name__ == "__main__":
    main()
