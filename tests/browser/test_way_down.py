"""From "something is odd" to "this is why": ninety days, a spike, its minute, what moved; another sees the same."""

import re

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.scenarios import Served
from tests.browser.steps import ends, heading, opened, select
from tests.probes.listeners import eventually

pytestmark = pytest.mark.browser
NINETY_DAYS = "/performance?component=kafka&from=now-90d&to=now"
TRACES = """() => [...document.querySelectorAll('.js-plotly-plot')].slice(0, 3).map(
  plot => plot._fullData.map(trace => [trace.name, Array.from(trace.x || []), Array.from(trace.y || [])]))"""
SPIKE = """() => {
  const plot = document.querySelector('.js-plotly-plot'), worst = plot._fullData.find(trace => trace.name === 'max')
  const y = Array.from(worst.y), x = Array.from(worst.x), axis = plot._fullLayout.xaxis
  const at = y.indexOf(Math.max(...y.filter(Number.isFinite)))
  return axis.d2p(x[at]) / axis._length
}"""
MINUTE_S = 60


def drawn(page: Page) -> None:
    expect(page.locator("[data-testid=stSkeletonElement]")).to_have_count(0)
    page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot .scatterlayer path.js-line').length > 2")


def test_from_ninety_days_to_the_minute_and_back_and_to_somebody_else(demo: Served, browser: Browser) -> None:
    assert eventually(lambda: httpx.get(f"{demo.url}/api/status/").json()["data"]["demo"]["ready"], 180)
    page = opened(browser, f"{demo.url}{NINETY_DAYS}")
    heading(page, "Performance")
    drawn(page)
    passed = [page.url]
    while "now-90d" in page.url or ends(page)[1] - ends(page)[0] > 30 * MINUTE_S:
        middle = min(0.9, max(0.1, page.evaluate(SPIKE)))
        select(page, middle - 0.04, middle + 0.04)
        drawn(page)
        passed.append(page.url)
        assert len(passed) < 6, passed
    expect(page.get_by_text(re.compile("What else moved"))).to_be_visible()

    page.get_by_role("button", name="Share", exact=True).click()
    link = page.get_by_label("Link to exactly this").input_value()
    page.keyboard.press("Escape")
    elsewhere = opened(browser, link)
    heading(elsewhere, "Performance")
    drawn(elsewhere)
    assert elsewhere.evaluate(TRACES) == page.evaluate(TRACES)
    elsewhere.context.close()

    for url in passed[-2::-1]:
        page.get_by_role("button", name="Back", exact=True).click()
        expect(page).to_have_url(re.compile("&".join(re.findall(r"(?:from|to)=[^&]+", url)) + "(&|$)"))
    page.context.close()
