"""Charts in real Chromium: one cursor for all, a picture to take away, and no more bytes than a page may cost."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.scenarios import Served
from tests.browser.steps import heading, opened
from tests.probes.listeners import eventually

pytestmark = pytest.mark.browser
MOST_BYTES = 300_000
LINES = ".tapewatch-cursor"


def shown(page: Page) -> list[float]:
    """How far right in its plot the cursor's line stands, of every chart that has one to see."""
    found: list[float] = page.evaluate(
        """() => [...document.querySelectorAll('.tapewatch-cursor')].filter(line => line.style.display === 'block')
              .map(line => parseFloat(line.style.left) - line.closest('.js-plotly-plot')._fullLayout.xaxis._offset)"""
    )
    return found


def hovered(page: Page, along: float) -> float:
    """Put the pointer over the first chart at a share of its width; returns that many pixels."""
    expect(page.locator(".js-plotly-plot .nsewdrag").first).to_be_visible()
    left, middle, width = page.evaluate(  # at once: a chart that is drawn anew is another element
        """() => { const plot = document.querySelector('.js-plotly-plot .nsewdrag')
                   plot.scrollIntoView({ block: 'center' })
                   const box = plot.getBoundingClientRect()
                   return [box.left, box.top + box.height / 2, box.width] }"""
    )
    page.mouse.move(left + along * width, middle, steps=2)
    return float(along * width)


def is_marked_where_the_pointer_is(page: Page) -> bool:
    along = hovered(page, 0.4)
    return any(abs(place - along) < 3 for place in shown(page))


def test_the_moment_under_the_pointer_is_marked_on_every_other_chart_also_after_they_were_drawn_anew(
    demo: Served, browser: Browser
) -> None:
    page = opened(browser, f"{demo.url}/performance?component=kafka&from=now-1h&to=now")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    heading(page, "Performance")
    expect(page.locator(".js-plotly-plot").nth(2)).to_be_visible()
    expect(page.locator("[data-testid=stSkeletonElement]")).to_have_count(0)
    assert shown(page) == []
    assert eventually(lambda: is_marked_where_the_pointer_is(page), 30)
    page.evaluate("document.querySelectorAll('.js-plotly-plot').forEach(chart => (chart.dataset.old = '1'))")
    page.wait_for_function(
        """() => [...document.querySelectorAll('.js-plotly-plot')].filter(chart => !chart.dataset.old &&
             chart.querySelector('.tapewatch-cursor')?.style.display === 'block').length >= 1"""
    )
    page.mouse.move(5, 5)
    expect(page.locator(LINES)).to_have_count(0)
    assert errors == []
    page.close()


def test_the_only_button_of_a_chart_saves_its_picture_under_a_name_that_tells_what_it_is(
    past: Served, browser: Browser, tmp_path: Path
) -> None:
    page = opened(browser, f"{past.url}/redis?from=now-24h&to=now-1h")
    heading(page, "Redis")
    hovered(page, 0.5)
    button = page.locator(".js-plotly-plot").first.locator(".modebar-btn")
    expect(button).to_have_count(1)
    with page.expect_download() as download:
        button.dispatch_event("click")
    assert re.fullmatch(r"tapewatch redis_\w+ redis\.png", download.value.suggested_filename)
    path = tmp_path / "chart.png"
    download.value.save_as(path)
    assert path.read_bytes().startswith(b"\x89PNG")
    page.close()


def test_a_page_of_charts_costs_no_more_bytes_than_it_may(past: Served, browser: Browser) -> None:
    page = opened(browser, "about:blank")
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    received: list[float] = []
    session.on(
        "Network.webSocketFrameReceived",
        lambda frame: received.append(len(frame["response"]["payloadData"]) * 3 / 4),  # base64
    )
    end_s = int(time.time()) - 3600
    page.goto(f"{past.url}/network?view=History&from={end_s - 86400}&to={end_s}")
    heading(page, "Network")
    expect(page.locator(".js-plotly-plot").nth(5)).to_be_visible()
    expect(page.locator("[data-testid=stSkeletonElement]")).to_have_count(0)
    assert sum(received) <= MOST_BYTES
    page.close()
