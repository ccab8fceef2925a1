"""How soon an open page shows that redis-server was killed, and that it is back; no reload.

Keys: `detect_s`, `recover_s`, the worst of some rounds. The server stays away long enough for the
breaker to open, so that the way back includes the breaker's trial.
"""

import re
import shutil
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Locator, sync_playwright

from benchmarks import report, scenarios
from demo.services import redis_server

INTERVAL_S = 2
AWAY_S = 4 * INTERVAL_S
ROUNDS = 5
POLL_S = 0.02
COMMAND = "python -m benchmarks.recovery"
CONFIG = """
[history]
dsn = "chdb://{directory}/history"
[monitor]
interval = "{interval_s}s"
[[component]]
kind = "redis"
name = "cache"
url = "redis://127.0.0.1:{port}/0"
"""


def main() -> None:
    """Measure and write the keys."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        directory, port = Path(name), scenarios.free_port()
        config = CONFIG.format(directory=directory, interval_s=INTERVAL_S, port=port)
        redis = redis_server(port, directory)
        with scenarios.tapewatch("recovery", config, directory) as served:
            path = shutil.which("chromium") or shutil.which("google-chrome")
            page = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"]).new_page()
            page.goto(served.url)
            well = page.get_by_text("cache is healthy.").first
            ill = page.get_by_text(re.compile("refuses connections|closed the connection")).first
            seconds_until(well)
            detect_s, recover_s = [], []
            for _ in range(ROUNDS):
                redis.close()
                detect_s.append(seconds_until(ill))
                time.sleep(AWAY_S)
                redis = redis_server(port, directory)
                recover_s.append(seconds_until(well))
                time.sleep(INTERVAL_S)
        redis.close()
    report.write("detect_s", max(detect_s), "s", goal=INTERVAL_S + 1, command=COMMAND)
    report.write("recover_s", max(recover_s), "s", goal=INTERVAL_S + 1, command=COMMAND)


def seconds_until(text: Locator, give_up_s: float = 30.0) -> float:
    """Seconds until `text` is on the page."""
    started_s = time.perf_counter()
    while not text.is_visible():
        if time.perf_counter() - started_s > give_up_s:
            raise TimeoutError(f"not on the page within {give_up_s:g} s: {text}")
        time.sleep(POLL_S)
    return time.perf_counter() - started_s


if __name__ == "__main__":
    main()
