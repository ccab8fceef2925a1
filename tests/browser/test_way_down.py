"""From "something is odd" to "this is why": ninety days, a spike, its minute, what moved; another sees the same."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.scenarios import Served
from tests.browser.steps import ends, heading, opened, select

pytestmark = pytest.mark.browser
MOST_STEPS, DEEP_S = 5, 30 * 60
HALF = 0.04
"""Of the axis is selected on each side of the spike."""
TRACES = """() => {
  const text = JSON.stringify([...document.querySelectorAll('.js-plotly-plot')].slice(0, 3).map(plot => (
    plot.calcdata || []).map(points => [points[0].trace.name, points.map(point => [point.x, point.y])])))
  return text.includes('"max"') && text.includes('"failed"') && text
}"""
"""The first three charts once they are drawn: latency, throughput, failures."""
SPIKE = """() => {
  const plot = document.querySelector('.js-plotly-plot'), axis = plot?._fullLayout?.xaxis
  const line = (plot?.calcdata || []).find(points => points[0].trace?.name === 'max') || []
  const points = line.filter(point => Number.isFinite(point.y))
  return points.length && [axis.c2p(points.reduce((a, b) => b.y > a.y ? b : a).x) / axis._length]
}"""
"""How far right in the first chart its highest point stands."""
WIDTH = """() => {
  const axis = document.querySelector('.js-plotly-plot')?._fullLayout?.xaxis
  return axis ? axis.r2l(axis.range[1]) - axis.r2l(axis.range[0]) : Infinity
}"""
"""How much time the first chart shows: the address changes before it does."""
DRAWN = "() => document.querySelectorAll('.js-plotly-plot .scatterlayer path.js-line').length > 2"


def drawn(page: Page) -> None:
    expect(page.locator("[data-testid=stSkeletonElement]")).to_have_count(0)
    page.wait_for_function(DRAWN)


def test_from_ninety_days_to_the_minute_and_to_somebody_else_and_back(past: Served, browser: Browser) -> None:
    page = opened(browser, f"{past.url}/performance?component=kafka&from=now-90d&to=now")
    heading(page, "Performance")
    drawn(page)
    passed = [page.url]
    while "now-90d" in page.url or ends(page)[1] - ends(page)[0] > DEEP_S:
        spike = min(1 - HALF, max(HALF, page.wait_for_function(SPIKE).json_value()[0]))
        before = page.evaluate(WIDTH)
        select(page, spike - HALF, spike + HALF)
        page.wait_for_function(f"before => ({WIDTH})() < before / 2", arg=before)
        drawn(page)
        passed.append(page.url)
        assert len(passed) <= MOST_STEPS, passed
    expect(page.get_by_text(re.compile(r"What else moved\?.*[1-9]\d* series"))).to_be_visible()

    page.get_by_role("button", name="Share", exact=True).click()
    copied = page.get_by_label("Link to exactly this")
    expect(copied).to_have_value(re.compile("from="))
    link = copied.input_value()
    page.keyboard.press("Escape")
    elsewhere = opened(browser, link, fresh=True)
    heading(elsewhere, "Performance")
    drawn(elsewhere)
    mine = page.wait_for_function(TRACES).json_value()
    elsewhere.wait_for_function(f"mine => ({TRACES})() === mine", arg=mine)
    elsewhere.close()

    for url in passed[-2::-1]:
        page.get_by_role("button", name="Back", exact=True).click()
        expect(page).to_have_url(re.compile(span(url)))
    page.close()


def span(url: str) -> str:
    """The range in an address, as a pattern."""
    return "&".join(re.findall(r"(?:from|to)=[^&]+", url)) + "(&|$)"
