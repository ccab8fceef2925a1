"""Takes the pictures of the README from a demo stack of its own: ``make screenshots``."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
PORT = 8599
URL = f"http://127.0.0.1:{PORT}"
DESK, PHONE = (1440, 900), (390, 844)
SHOTS = (
    ("overview", "/", "light", DESK),
    ("overview-dark", "/", "dark", DESK),
    ("overview-phone", "/", "light", PHONE),
    ("trends", "/trends?from=now-7d&to=now", "light", DESK),
    ("kafka", "/kafka?from=now-24h&to=now", "dark", DESK),
    ("network-capacity", "/network?from=now-90d&to=now&view=Capacity", "light", DESK),
)
"""File name, page, colour scheme, size."""


def main() -> None:
    """Start the demo in an empty directory, wait until its history is filled, take every picture."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        environ = {**os.environ, "TAPEWATCH_DEMO_DIR": directory, "PORT": str(PORT), "TAPEWATCH_CONFIG": ""}
        server = subprocess.Popen([sys.executable, str(ROOT / "serve.py")], cwd=ROOT, env=environ)
        try:
            wait_until_ready()
            with sync_playwright() as playwright:
                path = shutil.which("chromium") or shutil.which("google-chrome")
                browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
                for name, page, scheme, size in SHOTS:
                    take(browser, name, page, scheme, size)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(20)


def wait_until_ready(give_up_s: float = 120.0) -> None:
    """Wait for the server and for the demo's past to be written."""
    deadline_s = time.monotonic() + give_up_s
    while time.monotonic() < deadline_s:
        try:
            with urllib.request.urlopen(f"{URL}/api/debug/", timeout=5) as answer:
                if b'"demo_ready":true' in answer.read().replace(b" ", b""):
                    time.sleep(20)  # so that the live cards have a course to show
                    return
        except OSError:
            pass
        time.sleep(0.5)
    raise TimeoutError(f"the demo was not ready within {give_up_s:g} s")


def take(browser: Browser, name: str, page: str, scheme: str, size: tuple[int, int]) -> None:
    """One picture of one page."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if scheme == "dark" else "light"
    )
    tab = context.new_page()
    tab.goto(f"{URL}{page}")
    tab.wait_for_selector("[data-testid=stMetricValue], .js-plotly-plot", timeout=30_000)
    tab.wait_for_timeout(4000)
    tab.screenshot(path=str(PICTURES / f"{name}.png"))
    context.close()


if __name__ == "__main__":
    main()
