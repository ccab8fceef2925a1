"""Every key does what its button does, only on pages, and not while somebody types."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.scenarios import Served
from tests.browser.steps import heading, opened

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(demo: Served, browser: Browser) -> Iterator[Page]:
    page = opened(browser, f"{demo.url}/kafka?from=now-6h&to=now")
    heading(page, "Kafka")
    ready(page)
    yield page
    page.close()


def ready(page: Page) -> None:
    """Wait until the keys are heard: their list, which is closed, is filled."""
    expect(page.locator("dialog dt").first).to_be_attached()


def test_the_range_moves_and_comes_back(page: Page) -> None:
    back = page.get_by_role("button", name="Back", exact=True)
    for key in "[-":
        page.keyboard.press(key)
        expect(back).to_be_visible()
        expect(page).not_to_have_url(re.compile("from=now-6h"))
        page.keyboard.press("b")
        expect(back).to_have_count(0)
        expect(page).to_have_url(re.compile("from=now-6h&to=now"))
    page.keyboard.press("[")
    expect(page.get_by_role("button", name="Follow")).to_be_visible()
    page.keyboard.press("f")
    expect(page.get_by_role("button", name="Follow")).to_have_count(0)
    expect(page).to_have_url(re.compile("to=now"))


def test_a_range_is_typed_and_what_is_typed_is_no_key(page: Page) -> None:
    page.keyboard.press("t")
    field = page.get_by_role("textbox", name="Range")
    expect(field).to_be_focused()
    page.keyboard.type("2h[?gk-")
    expect(field).to_have_value("2h[?gk-")
    expect(page.get_by_role("dialog", name="Keys")).to_have_count(0)
    field.fill("2h")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("from=now-2h&to=now"))
    page.keyboard.press("Escape")


def test_the_list_opens_names_every_key_and_closes(page: Page) -> None:
    page.locator("body").press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_visible()
    for words in ("Back to the range before", "Type a range", "Health trends"):
        expect(keys.get_by_text(words, exact=True)).to_be_visible()
    expect(keys.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    heading(page, "Kafka")


def test_g_and_a_letter_go_to_a_page_and_a_slash_to_its_search(page: Page) -> None:
    page.keyboard.press("g")
    page.keyboard.press("s")
    heading(page, "Services")
    ready(page)
    page.keyboard.press("/")
    expect(page.get_by_role("textbox", name="Filter")).to_be_focused()
    page.get_by_role("heading", name="Services").click()
    page.keyboard.press("g")
    page.keyboard.press("r")
    heading(page, "Redis")


def test_keys_of_the_browser_are_left_alone(page: Page) -> None:
    before = page.url
    page.keyboard.press("Control+b")
    page.keyboard.press("Alt+f")
    page.keyboard.press("x")
    assert page.url == before
