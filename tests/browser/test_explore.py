"""Explore in real Chromium: type, tick, see, go back, hand the link on; each act is one run."""

import re

import pytest
from playwright.sync_api import Browser, Page, WebSocket, expect
from streamlit.proto.BackMsg_pb2 import BackMsg

from benchmarks.scenarios import Served
from tests.browser.steps import heading, opened

pytestmark = pytest.mark.browser
TICK_PX, ROW_PX = 16, 28
LONG_MS = 90_000


def asked_runs(page: Page) -> list[bool]:
    """Grows by one with every run the browser asks for because somebody did something."""
    asked: list[bool] = []

    def note(payload: bytes | str) -> None:
        message = BackMsg.FromString(payload if isinstance(payload, bytes) else payload.encode())
        if message.HasField("rerun_script") and not message.rerun_script.is_auto_rerun:
            asked.append(True)

    def watch(socket: WebSocket) -> None:
        socket.on("framesent", note)

    page.on("websocket", watch)
    return asked


def tick(page: Page, row: int) -> None:
    """Click the box of a row of the table of series found, the first being 1."""
    table = page.get_by_test_id("stDataFrame").first
    expect(table).to_be_visible(timeout=LONG_MS)
    table.click(position={"x": TICK_PX, "y": ROW_PX * row + ROW_PX // 2})


def drawn(page: Page, name: str) -> None:
    """Wait for the title of a chart that begins so."""
    expect(page.get_by_role("strong").filter(has_text=re.compile(f"^{name}")).last).to_be_visible(timeout=LONG_MS)


def test_a_series_is_found_drawn_by_one_run_left_again_and_handed_on(demo: Served, browser: Browser) -> None:
    page = opened(browser, "about:blank")
    asked = asked_runs(page)
    page.goto(f"{demo.url}/explore")
    heading(page, "Explore")
    search = page.get_by_role("searchbox")
    search.fill("kafka request time")
    expect(page).to_have_url(re.compile("q=kafka"), timeout=LONG_MS)
    expect(page.get_by_text("Series found")).to_be_visible(timeout=LONG_MS)
    before = len(asked)
    tick(page, 1)
    expect(page).to_have_url(re.compile("series=kafka%2Fkafka_ping_seconds"), timeout=LONG_MS)
    drawn(page, "kafka · Request time")
    assert len(asked) == before + 1
    link = page.url
    page.go_back()
    expect(page).not_to_have_url(re.compile("series="))
    expect(page.get_by_text("Drawn – 1 of at most 12 series")).to_have_count(0, timeout=LONG_MS)
    page.close()
    other = opened(browser, link)
    drawn(other, "kafka · Request time")
    expect(other.get_by_role("searchbox")).to_have_value("kafka request time")
    other.close()


def test_a_link_with_nonsense_is_explained_and_the_rest_is_drawn(demo: Served, browser: Browser) -> None:
    query = "series=banana,kafka/kafka_ping_seconds,nobody/nothing&function=rate&by=banana"
    page = opened(browser, f"{demo.url}/explore?{query}")
    expect(page.get_by_text('"banana" names no series')).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text('"by" is "banana"')).to_be_visible()
    drawn(page, "kafka · Request time, rate per second")
    expect(page.get_by_text("nobody · nothing is not in the history")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    page.close()
