"""SQL in real Chromium: written, run from the keyboard, drawn, cancelled, and passed on as a link that does not run."""

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, expect

from benchmarks.scenarios import Served
from tests.browser.steps import PHONE, heading, opened
from tests.history.workbench.test_workbench_bench import ENDLESS

pytestmark = pytest.mark.browser
BY_MINUTE = (
    "select toStartOfMinute(ts) as minute, avg(value) as value, count() as checks from samples "
    "where ts >= {from:DateTime} and ts < {to:DateTime} group by minute order by minute limit 100"
)


def test_a_statement_from_the_keyboard_to_a_table_a_chart_and_a_link(demo: Served, browser: Browser) -> None:
    page = opened(browser, f"{demo.url}/sql?from=now-1h&to=now")
    heading(page, "SQL")
    editor = page.get_by_role("textbox", name="Statement")
    editor.fill(BY_MINUTE)
    editor.press("Control+Enter")
    expect(page.get_by_text(re.compile(r"rows? in "))).to_be_visible()
    expect(page.locator("[data-testid=stDataFrame] canvas").first).to_be_visible()
    expect(page).to_have_url(re.compile("q=select"))
    page.get_by_role("radio", name="Chart").click()
    expect(page.locator(".js-plotly-plot .scatterlayer path.js-line").first).to_be_attached()
    link = page.url
    page.close()

    other = opened(browser, link, PHONE)
    expect(other.get_by_text("came with the link and was not run")).to_be_visible()
    expect(other.get_by_role("textbox", name="Statement")).to_have_value(BY_MINUTE)
    expect(other.get_by_text("Nothing was run yet")).to_be_visible()
    other.get_by_role("button", name="Run", exact=True).click()
    expect(other.get_by_text(re.compile(r"rows? in "))).to_be_visible()
    other.close()


def test_a_statement_is_refused_and_another_cancelled(demo: Served, browser: Browser) -> None:
    page = opened(browser, f"{demo.url}/sql?q={quote('select file(1)')}")
    run = page.get_by_role("button", name="Run", exact=True)
    run.click()
    expect(page.get_by_text("is not among the functions of the workbench")).to_be_visible()
    page.get_by_role("textbox", name="Statement").fill(ENDLESS)
    run.click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text(re.compile("Cancelled after|It was ended after"))).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    page.close()
