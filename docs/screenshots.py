"""Takes the pictures of the README from a demo stack of its own: ``make screenshots``."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

import httpx
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import scenarios  # noqa: E402  # it lies beside this folder

PICTURES = ROOT / "docs" / "pictures"
DESK, PHONE = (1440, 900), (390, 844)
SHOTS = (
    ("overview", "/", "light", DESK),
    ("overview-dark", "/", "dark", DESK),
    ("overview-phone", "/", "light", PHONE),
    ("trends", "/trends?from=now-365d&to=now", "light", DESK),
    ("performance", "/performance?component=kafka&compare=Same+time+last+week&from=now-7d&to=now", "dark", DESK),
    ("kafka", "/kafka?from=now-7d&to=now", "dark", DESK),
    ("network-capacity", "/network?from=now-365d&to=now&view=Capacity", "light", DESK),
)
"""File name, page, colour scheme, size."""
COURSE_S = 60
"""Left to run before the first picture, so that the live cards have a course to show."""


def main() -> None:
    """Start the demo in an empty directory, wait until its history is filled, take every picture."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, scenarios.demo(Path(directory)) as served:
        wait_until_ready(served.url)
        with sync_playwright() as playwright:
            path = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            for name, page, scheme, size in SHOTS:
                take(browser, f"{served.url}{page}", PICTURES / f"{name}.png", scheme, size)


def wait_until_ready(url: str, give_up_s: float = 120.0) -> None:
    """Wait until the demo's past is written."""
    deadline_s = time.monotonic() + give_up_s
    while not httpx.get(f"{url}/api/status/").json()["data"]["demo"]["ready"]:
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"the demo was not ready within {give_up_s:g} s")
        time.sleep(0.5)
    time.sleep(COURSE_S)


def take(browser: Browser, url: str, path: Path, scheme: str, size: tuple[int, int]) -> None:
    """One picture of one page."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("[data-testid=stMetricValue], .js-plotly-plot", timeout=30_000)
    page.wait_for_timeout(4000)
    page.screenshot(path=str(path))
    context.close()


if __name__ == "__main__":
    main()
