"""How soon the Overview shows its content in a browser, against hello-world and with everything dark.

Keys: `overview_vs_hello`, `overview_dark_vs_up`, `live_tick_cpu_ms`. The two servers of a comparison run side
by side and are opened in turn, each time in a fresh browser context.
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

ROUNDS = 15
WARM_UP_ROUNDS = 2
COMMAND = "python -m benchmarks.overview"
WARM_UP_S = 12.0
SETTLE_S = 0.7
"""Between two pages, so that closing the one does not slow down the next."""
CONTENT = "[data-testid=stMetricValue]"
"""The first figure: on hello-world its metric, on the Overview the first card's."""
CLOCK = f"""
const look = () => {{
  const figure = document.querySelector("{CONTENT}");
  if (figure && figure.getBoundingClientRect().height > 0 && figure.innerText.trim())
    requestAnimationFrame(() => requestAnimationFrame(() => {{ window.contentPaintedMs = performance.now(); }}));
  else requestAnimationFrame(look);
}};
requestAnimationFrame(look);
"""
"""Playwright looks for an element in steps of up to half a second: too coarse, so the page looks itself, each frame."""


def main() -> None:
    """Measure and write the keys."""
    with ExitStack() as stack:
        playwright = stack.enter_context(sync_playwright())
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        with scenarios.hello() as hello, scenarios.up() as up:
            vs_hello = compare(browser, up, hello)
            tick_ms = live_tick_cpu_ms(browser, up)
        darkness = [scenarios.refused, scenarios.hanging]
        if os.geteuid() == 0:
            darkness.append(scenarios.dns_silent)
        vs_up = []
        for scenario in darkness:
            with scenarios.up() as up, scenario() as dark:
                vs_up.append(compare(browser, dark, up))
    report.write("overview_vs_hello", vs_hello, "ratio", goal=1.3, command=COMMAND)
    report.write("overview_dark_vs_up", max(vs_up), "ratio", goal=1.1, command=COMMAND)
    report.write("live_tick_cpu_ms", tick_ms, "ms", goal=None, command=COMMAND)


def compare(browser: Browser, ours: Served, theirs: Served) -> float:
    """Time to content of one server against another's, opened in turn; the ratio of their medians."""
    time.sleep(WARM_UP_S)
    seconds = time_to_content(browser, [ours, theirs])
    median = {name: statistics.median(values) for name, values in seconds.items()}
    print(", ".join(f"{name} {value * 1000:.0f} ms" for name, value in median.items()), flush=True)
    return median[ours.name] / median[theirs.name]


def time_to_content(browser: Browser, servers: list[Served]) -> dict[str, list[float]]:
    """Seconds from navigation until the first figure is painted, by the page's own clock; who goes first alternates."""
    seconds: dict[str, list[float]] = {server.name: [] for server in servers}
    for number in range(ROUNDS + WARM_UP_ROUNDS):
        for server in servers if number % 2 else reversed(servers):
            time.sleep(SETTLE_S)
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            page = context.new_page()
            page.add_init_script(CLOCK)
            page.goto(server.url, wait_until="commit")
            painted_ms = page.wait_for_function("() => window.contentPaintedMs", timeout=30_000).json_value()
            seconds[server.name].append(painted_ms / 1000)
            context.close()
    return {name: values[WARM_UP_ROUNDS:] for name, values in seconds.items()}


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
