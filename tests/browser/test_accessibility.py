"""Every page by the rules of WCAG 2.1 A and AA, in both themes, judged by axe-core (bundled: no network)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from benchmarks import scenarios
from benchmarks.scenarios import Served
from docs.screenshots import Listed, listed
from tests.browser.steps import PHONE, complaints, heading, opened, whole

pytestmark = pytest.mark.browser
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    "resultTypes": ["violations"],
}
SCHEMES = ("light", "dark")
ATTEMPTS = 4


class Foreign(NamedTuple):
    """What Streamlit itself draws against a rule and no setting of ours can change."""

    rule: str
    selector: str
    reason: str


FOREIGN = (
    Foreign("list", "[data-testid=stSidebarNavItems]", "the list of pages wraps each section's links in a div"),
    Foreign("listitem", "[data-testid=stSidebarNavItems] li", "the same list: its items stand in that div"),
)


@pytest.fixture(scope="module")
def reader(demo: Served, browser: Browser) -> Iterator[Page]:
    """One page for all of them: what is looked for does not depend on a fresh profile."""
    page = opened(browser, demo.url)
    heading(page, "Overview")
    yield page
    page.close()


@pytest.fixture(scope="module")
def errors(reader: Page) -> list[str]:
    return complaints(reader)


@pytest.mark.parametrize("listed_page", listed(), ids=lambda listed_page: listed_page.script)
def test_a_page_is_whole_and_keeps_the_rules_in_both_themes(
    demo: Served, reader: Page, errors: list[str], listed_page: Listed
) -> None:
    reader.goto(f"{demo.url}/{listed_page.path}")
    heading(reader, listed_page.title)
    whole(reader)
    assert in_both_themes(reader) == []
    assert errors == []


def test_the_engine_sees_what_is_wrong(reader: Page) -> None:
    reader.evaluate(
        """() => {
            const wrong = document.createElement('div')
            wrong.innerHTML = '<p style="color: #999; background: #fff">pale</p><input><button></button>'
            document.querySelector('[data-testid=stMain]').append(wrong)
        }"""
    )
    assert {rule for rule, _ in broken(reader)} == {"color-contrast", "label", "button-name"}


def test_the_range_control_keeps_the_rules_when_it_is_open(demo: Served, reader: Page) -> None:
    reader.goto(f"{demo.url}/trends?from=now-6h&to=now")
    heading(reader, "Health trends")
    reader.get_by_role("button", name="last 6 h").click()
    expect(reader.get_by_role("button", name="7 d", exact=True)).to_be_visible()
    assert in_both_themes(reader) == []


def test_the_list_of_keys_keeps_the_rules(demo: Served, reader: Page) -> None:
    reader.goto(f"{demo.url}/kafka")
    expect(reader.locator("dialog dt").first).to_be_attached()
    reader.keyboard.press("?")
    expect(reader.get_by_role("dialog", name="Keys")).to_be_visible()
    assert in_both_themes(reader) == []


def test_the_past_keeps_the_rules(demo: Served, reader: Page) -> None:
    reader.goto(f"{demo.url}/?at={int(time.time()) - 3600}")
    expect(reader.get_by_text("This is the past")).to_be_visible()
    assert in_both_themes(reader) == []


def test_a_wall_keeps_the_rules(demo: Served, browser: Browser) -> None:
    page = opened(browser, f"{demo.url}/?embed=true&kiosk=1&pages=overview", {"width": 1920, "height": 1080})
    expect(page.get_by_role("contentinfo", name="Wall")).to_be_visible()
    assert in_both_themes(page) == []
    page.close()


def test_a_phone_with_its_menu_open_keeps_the_rules(demo: Served, browser: Browser) -> None:
    page = opened(browser, demo.url, PHONE, fresh=True)  # the profile remembers that the menu is open
    heading(page, "Overview")
    page.get_by_test_id("stExpandSidebarButton").click()
    expect(page.get_by_role("link", name="Kafka", exact=True)).to_be_visible()
    assert in_both_themes(page) == []
    page.close()


def test_everything_down_keeps_the_rules(browser: Browser) -> None:
    with scenarios.refused() as served, fresh(browser, served.url) as page:
        expect(page.get_by_text("No history").first).to_be_visible()
        expect(page.get_by_text("first check under way")).to_have_count(0)
        assert in_both_themes(page) == []


@contextmanager
def fresh(browser: Browser, url: str) -> Iterator[Page]:
    page = opened(browser, url)
    try:
        yield page
    finally:
        page.close()


def in_both_themes(page: Page) -> list[str]:
    """What is against the rules, a line each, in light and in dark."""
    found = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(
            """scheme => {
                const colour = getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor
                const sum = colour.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0)
                return (sum < 384) === (scheme === 'dark')
            }""",
            arg=scheme,
        )
        found += [f"{scheme}: {line}" for line in settled(page)]
    return found


def settled(page: Page) -> list[str]:
    """What breaks a rule each time: an element just being drawn anew is half transparent for a moment."""
    lasting = broken(page)
    for _ in range(ATTEMPTS):
        if not lasting:
            break
        expect(page.locator("[data-testid=stSkeletonElement]")).to_have_count(0)
        now = broken(page)
        lasting = {place: words for place, words in now.items() if place in lasting}
    return sorted(lasting.values())


def broken(page: Page) -> dict[tuple[str, str], str]:
    """The violations axe finds now, without Streamlit's own: rule and place → what it is and why."""
    return {
        (violation["id"], str(node["target"])): f"{violation['id']}: {node['html'][:120]} – {node['failureSummary']}"
        for violation in Axe().run(page, options=RULES).response["violations"]
        for node in violation["nodes"]
        if not foreign(page, violation["id"], node)
    }


def foreign(page: Page, rule: str, node: dict[str, Any]) -> bool:
    """Whether the element is one of `FOREIGN`."""
    selectors = [known.selector for known in FOREIGN if known.rule == rule]
    if not selectors or not isinstance(node["target"][-1], str):
        return False
    question = "([target, selector]) => document.querySelector(target)?.matches(selector) ?? false"
    return any(page.evaluate(question, [node["target"][-1], selector]) for selector in selectors)
