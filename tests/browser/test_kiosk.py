"""A wall in real Chromium: it turns, stays where something is broken, waits for people, and never stays green."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Locator, Page, WebSocketRoute, expect

from benchmarks import scenarios
from benchmarks.scenarios import Served
from tests.browser.steps import heading, opened

pytestmark = pytest.mark.browser
WALL = {"width": 1920, "height": 1080}
CONFIG = """
[history]
dsn = "chdb://{directory}/history"
[monitor]
interval = "1s"
[[component]]
kind = "tcp"
name = "gateway"
address = "127.0.0.1:{port}"
thresholds = {{ tcp_connect_seconds = {{ warning = 20, critical = 60 }} }}
"""


@pytest.fixture(scope="module")
def gateway() -> Iterator[tuple[ExitStack, int]]:
    """What the stack under test consists of; closing the stack takes it down."""
    with ExitStack() as stack:
        yield stack, stack.enter_context(scenarios.silent_listener())


@pytest.fixture(scope="module")
def served(gateway: tuple[ExitStack, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory = tmp_path_factory.mktemp("wall")
    with scenarios.tapewatch("wall", CONFIG.format(directory=directory, port=gateway[1]), directory) as served:
        yield served


def wall(browser: Browser, url: str) -> Page:
    """A screen on the wall; its profile is its own, because a test sets the clock in it."""
    return opened(browser, url, WALL, fresh=True)


def test_the_wall_turns_and_keeps_its_range(served: Served, browser: Browser) -> None:
    page = wall(browser, f"{served.url}/debug?kiosk=1&every=5s&pages=services,debug&from=now-24h&to=now")
    heading(page, "Debug")
    expect(bar(page)).to_contain_text("Services in")
    expect(bar(page)).to_contain_text(re.compile(r"\d\d:\d\d:\d\d.*● ok · oldest value \d+ s ago"))
    expect(page.get_by_test_id("stSidebar")).to_have_count(0)
    expect(page.get_by_test_id("stMainMenu")).to_have_count(0)
    assert page.evaluate("document.documentElement.style.zoom") > "1.5", "letters are larger"
    page.evaluate("window.same = true")
    heading(page, "Services")
    expect(page).to_have_url(re.compile(r"/services\?.*from=now-24h&to=now.*kiosk=1"))
    expect(bar(page)).to_contain_text("Debug in")
    assert page.evaluate("window.same"), "turning loads no new document"
    page.context.close()


def test_a_page_that_broke_is_left_all_the_same(served: Served, browser: Browser) -> None:
    page = wall(browser, "about:blank")
    page.clock.install()
    deaf = []

    def between(client: WebSocketRoute) -> None:
        server = client.connect_to_server()
        client.on_message(lambda message: None if deaf else server.send(message))

    page.route_web_socket("**/_stcore/stream", between)
    page.goto(f"{served.url}/services?embed=true&kiosk=1&every=5s&pages=services,debug")
    expect(bar(page)).to_contain_text("Debug in")
    deaf.append(True)
    page.evaluate("window.same = true")
    page.clock.fast_forward(10_000)  # its time is over, and it is asked to turn
    page.clock.fast_forward(40_000)
    page.wait_for_url("**/debug?*")
    assert page.evaluate("window.same") is None, "a new document"
    page.context.close()


def test_who_touches_it_stops_the_turning(served: Served, browser: Browser) -> None:
    page = wall(browser, f"{served.url}/services?embed=true&kiosk=1&every=5s&pages=services,debug")
    expect(bar(page)).to_contain_text("Debug in")
    page.mouse.move(400, 300)
    expect(bar(page)).to_contain_text("paused, somebody is here: goes on in")
    page.context.close()


def test_what_nobody_can_mean_is_explained(served: Served, browser: Browser) -> None:
    page = wall(browser, f"{served.url}/services?embed=true&kiosk=1&every=banana&pages=moon,services")
    expect(page.get_by_text('"every" is "banana"')).to_be_visible()
    expect(page.get_by_text('"pages" names "moon"')).to_be_visible()
    expect(bar(page)).to_contain_text("the only page")
    page.context.close()


def test_a_server_that_is_silent_is_told_and_the_page_turns_grey(served: Served, browser: Browser) -> None:
    page = wall(browser, "about:blank")
    page.clock.install()
    page.goto(served.url)
    heading(page, "Overview")
    expect(page.locator(".st-key-pulse")).to_be_attached()
    expect(page.locator("dialog dt").first).to_be_attached()  # what is drawn with the pulse is at work
    notice = page.get_by_role("alert").get_by_text(re.compile(r"No connection since \d\d:\d\d:\d\d"))
    os.kill(served.pid, signal.SIGSTOP)
    try:
        page.clock.fast_forward(20_000)
        expect(notice).to_be_visible()
    finally:
        os.kill(served.pid, signal.SIGCONT)
    expect(notice).to_have_count(0)
    page.context.close()


def test_what_is_critical_brings_the_wall_to_the_overview_and_keeps_it(
    gateway: tuple[ExitStack, int], served: Served, browser: Browser
) -> None:
    page = wall(browser, f"{served.url}/services?embed=true&kiosk=1&every=30s&pages=services,debug")
    expect(bar(page)).to_contain_text("Debug in")
    gateway[0].close()
    heading(page, "Overview")
    expect(page.get_by_text(re.compile("refuses connections")).first).to_be_visible()
    expect(bar(page)).to_contain_text(re.compile("■ critical.*stays here while something is critical"))
    page.context.close()


def bar(page: Page) -> Locator:
    return page.get_by_role("contentinfo", name="Wall")
