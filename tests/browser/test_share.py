"""Share and take away in real Chromium: what one person sees, another opens."""

import re
import zipfile

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from benchmarks.scenarios import Served
from tests.browser.steps import heading, opened

pytestmark = pytest.mark.browser

TRACES = """() => {
  const points = [...document.querySelectorAll('.js-plotly-plot')].slice(0, 3).map(plot => plot._fullData.map(
    trace => [trace.name, trace.x0, trace.dx, Array.from(trace.x || []), Array.from(trace.y || [])]))
  const text = JSON.stringify(points)  // a gap, which equals nothing, becomes a null
  return text.includes('"failed"') && text.includes('● ok') && text
}"""
"""The first three charts once all of them are drawn: latency with the status below, throughput, failures."""
DRAWN = "() => document.querySelectorAll('.js-plotly-plot .scatterlayer path.js-line').length > 2"
PAST = "/performance?component=kafka&from=now-3h&to=now-1h"


def shown(browser: Browser, url: str, *, fresh: bool = False) -> Page:
    """The Performance page, its charts drawn."""
    page = opened(browser, url, fresh=fresh)
    heading(page, "Performance")
    page.wait_for_function(DRAWN)
    expect(page.locator("[data-testid=stSkeletonElement]")).to_have_count(0)
    return page


def dialog(page: Page, button: str) -> Locator:
    page.get_by_role("button", name=button, exact=True).click()
    found = page.get_by_role("dialog")
    expect(found).to_be_visible()
    return found


def test_a_copied_link_shows_the_same_picture_to_somebody_else(past: Served, browser: Browser) -> None:
    page = shown(browser, past.url + PAST)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    share = dialog(page, "Share")
    share.get_by_role("button", name="Copy link").click()
    expect(share.get_by_role("button", name="Copied ✓")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert share.get_by_label("Link to exactly this").input_value() == link
    assert re.fullmatch(rf"{past.url}/performance\?.*from=\d{{10}}&to=\d{{10}}.*zone=America%2FNew_York.*", link)
    page.close()

    first, second = shown(browser, link), shown(browser, link, fresh=True)
    one, other = (page.wait_for_function(TRACES).json_value() for page in (first, second))
    assert one.count(",") > 2_000
    assert one == other
    first.close()
    second.close()


def test_files_are_made_when_they_are_asked_for(past: Served, browser: Browser) -> None:
    page = shown(browser, past.url + PAST)
    share = dialog(page, "Share")
    with page.expect_download() as download:
        share.get_by_role("button", name="Report", exact=True).click()
    assert re.fullmatch(r"tapewatch-performance-\d{8}T\d{4}Z\.html", download.value.suggested_filename)
    text = download.value.path().read_text(encoding="utf-8")
    assert "How slow is kafka?" in text
    assert text.count('class="figure"') >= 4
    assert "Demo data." in text
    with page.expect_download() as download:
        share.get_by_role("button", name="CSV", exact=True).click()
    with zipfile.ZipFile(download.value.path()) as files:
        assert "01-how-slow-is-kafka-series.csv" in files.namelist()
        assert files.read("01-how-slow-is-kafka-series.csv").count(b"\n") > 300
    share.get_by_role("tab", name="Notebook").click()
    expect(share.get_by_text('"probe_latency_seconds"').first).to_be_visible()
    page.close()


def test_a_view_saved_on_one_page_opens_it_from_another(past: Served, browser: Browser) -> None:
    page = shown(browser, past.url + PAST)
    share = dialog(page, "Share")
    share.get_by_role("tab", name="Saved views").click()
    share.get_by_label("Save this view as").fill("Kafka earlier")
    share.get_by_role("button", name="Save", exact=True).click()
    expect(share.get_by_role("link", name="Kafka earlier")).to_be_visible()
    page.close()

    other = opened(browser, past.url)
    heading(other, "Overview")
    share = dialog(other, "Share")
    share.get_by_role("tab", name="Saved views").click()
    share.get_by_role("link", name="Kafka earlier").click()
    heading(other, "Performance")
    expect(other.get_by_role("dialog")).to_have_count(0)
    expect(other).to_have_url(
        re.compile("component=kafka.*from=now-3h&to=now-1h|from=now-3h&to=now-1h.*component=kafka")
    )
    share = dialog(other, "Share")
    share.get_by_role("tab", name="Saved views").click()
    share.get_by_role("button", name="Change").click()
    other.get_by_role("button", name="Delete it").click()
    expect(share.get_by_role("link", name="Kafka earlier")).to_have_count(0)
    other.close()


def test_an_annotation_is_marked_on_the_charts_at_once_and_can_be_deleted(past: Served, browser: Browser) -> None:
    page = shown(browser, past.url + PAST)
    note = dialog(page, "Annotate")
    note.get_by_label("What happened?").fill("Broker 2 restarted <b>by hand</b>")
    note.get_by_role("button", name="Annotate", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.wait_for_function(
        "() => JSON.stringify([...document.querySelectorAll('.js-plotly-plot')].map(p => [p._fullData.map("
        "t => [t.text, t.hovertext, t.customdata]), p.layout.shapes, p.layout.annotations])).includes('Broker 2')"
    )
    note = dialog(page, "Annotate")
    expect(note.get_by_text("Broker 2 restarted <b>by hand</b>")).to_be_visible()
    note.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete it").click()
    expect(note.get_by_text("Broker 2")).to_have_count(0)
    page.close()
