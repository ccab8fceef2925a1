"""The time machine in Chromium: to an incident of the demo's past, through its changes, and back to now."""

import re
import time
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from benchmarks.scenarios import Served
from demo.incidents import INCIDENTS
from demo.story import NEW_YORK, place
from probes.result import Status, utc
from tests.browser.steps import DESK, PHONE, heading, opened
from tests.probes.listeners import eventually

pytestmark = pytest.mark.browser
PAST = "This is the past"


@pytest.fixture(scope="module")
def incident_s(demo: Served) -> tuple[int, int]:
    """Beginning and end of the last time the demo's host took everything on it along; the past is written."""

    def filled() -> bool:
        return bool(httpx.get(f"{demo.url}/api/status/").json()["data"]["demo"]["ready"])

    assert eventually(filled, 120)
    dragging = [incident for incident in INCIDENTS if incident.drags and incident.status is Status.CRITICAL]
    latest = min(dragging, key=lambda incident: incident.days_ago)
    happened = place(latest, int(time.time()))
    return int(happened.start_s), int(happened.end_s)


@pytest.fixture
def then(demo: Served, browser: Browser, incident_s: tuple[int, int]) -> Iterator[Page]:
    """The Overview five minutes into the incident."""
    page = opened(browser, f"{demo.url}/?at={incident_s[0] + 300}")
    heading(page, "Overview")
    yield page
    page.close()


def tinted(page: Page) -> Locator:
    return page.locator("[data-testid=stApp][data-past=true]")


def consequences(page: Page) -> Locator:
    """What stands below the root cause because it follows from it."""
    return page.locator("[data-testid=stMarkdown] li").filter(has_text="needs it:")


def at(page: Page, second: int) -> None:
    """Wait until the page's address and banner are of this moment."""
    expect(page).to_have_url(re.compile(rf"[?&]at={second}\b"))
    banner = page.get_by_role("alert").filter(has_text=PAST)
    expect(banner).to_contain_text(f"{utc(second).astimezone(NEW_YORK):%d %b %Y, %H:%M:%S}")


def test_an_incident_is_seen_as_it_was_and_now_is_unmistakably_elsewhere(then: Page) -> None:
    expect(then.get_by_text(PAST)).to_be_visible()
    expect(tinted(then)).to_have_count(1)
    expect(then).to_have_title(re.compile("^⏪ "))
    expect(consequences(then)).to_have_count(4)
    for at, name in enumerate(("redis-server", "redis", "clickhouse", "kafka")):
        expect(consequences(then).nth(at)).to_contain_text(f"→ {name} needs it:")
    expect(then.locator("[data-testid=stMetric]").filter(has_text="PAST")).to_have_count(6)
    expect(then.get_by_role("button", name="Check now")).to_have_count(0)
    then.get_by_role("button", name="Back to now").click()
    expect(then.get_by_text(re.compile("live · oldest value"))).to_be_visible()
    expect(then.get_by_text(PAST)).to_have_count(0)
    expect(tinted(then)).to_have_count(0)
    expect(then).not_to_have_title(re.compile("^⏪ "))
    expect(then).not_to_have_url(re.compile("at="))
    then.go_back()
    expect(then.get_by_text(PAST)).to_be_visible()
    expect(tinted(then)).to_have_count(1)


def test_the_next_change_is_the_end_of_the_incident_and_the_browser_leads_back(
    then: Page, incident_s: tuple[int, int]
) -> None:
    begins_s, ends_s = incident_s
    then.get_by_role("button", name="Next change").click()
    at(then, ends_s)
    expect(then.get_by_text("All 6 components are healthy.")).to_be_visible()
    then.get_by_role("button", name="Previous change").click()
    at(then, begins_s)
    expect(consequences(then)).to_have_count(4)
    then.get_by_role("button", name="−1 min").click()
    at(then, begins_s - 60)
    expect(then.get_by_text("All 6 components are healthy.")).to_be_visible()
    then.go_back()
    at(then, begins_s)
    expect(consequences(then)).to_have_count(4)


def test_a_mark_on_the_timeline_leads_to_its_change(then: Page, incident_s: tuple[int, int]) -> None:
    marks = then.locator(".js-plotly-plot .scatterlayer .point")
    expect(marks).to_have_count(10)  # five components down and up again
    box = marks.first.bounding_box()
    assert box
    then.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(then).to_have_url(re.compile(rf"[?&]at=({incident_s[0]}|{incident_s[1]})\b"))


def test_the_scrubber_moves_by_the_keyboard_and_a_typed_moment_is_gone_to(
    then: Page, incident_s: tuple[int, int]
) -> None:
    thumb = then.get_by_role("slider", name="Moment")
    expect(thumb).to_be_visible()
    thumb.focus()
    thumb.press("ArrowRight")
    at(then, incident_s[0] + 600)  # a day's notches are five minutes apart
    field = then.get_by_role("textbox", name="Go to a moment")
    field.fill(f"{utc(incident_s[0] + 61):%Y-%m-%dT%H:%M:%SZ}")
    field.press("Enter")
    at(then, incident_s[0] + 61)
    expect(then.get_by_text("since").first).to_be_visible()


def test_services_then_and_charts_of_that_time_are_a_click_away(then: Page, incident_s: tuple[int, int]) -> None:
    then.get_by_role("link", name="Services then").click()
    heading(then, "Services")
    expect(then.get_by_text(PAST)).to_be_visible()
    at(then, incident_s[0] + 300)
    expect(then.get_by_text("an arrow points at what a component needs")).to_be_visible()
    then.get_by_role("link", name="Overview then").click()
    heading(then, "Overview")
    then.get_by_role("link", name="Charts of that time").first.click()
    heading(then, "System")
    expect(then).to_have_url(re.compile(f"from={incident_s[0] + 300 - 1800}"))
    expect(tinted(then)).to_have_count(0)
    expect(then.locator(".js-plotly-plot").first).to_be_visible()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_page_of_the_past_does_not_scroll_sideways(
    demo: Served, browser: Browser, incident_s: tuple[int, int], size: dict[str, int]
) -> None:
    page = opened(browser, f"{demo.url}/?at={incident_s[0] + 300}", size)
    expect(page.get_by_text("End of the page as it stood")).to_be_visible()
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= size["width"]
    page.close()


def test_the_last_ninety_days_are_below_the_cards_when_asked_for(
    demo: Served, browser: Browser, incident_s: tuple[int, int]
) -> None:
    page = opened(browser, demo.url)
    page.get_by_text("The last 90 days, day by day").click()
    bars = page.get_by_role("img", name=re.compile("^host: .*critical"))
    expect(bars).to_be_visible()
    page.close()
