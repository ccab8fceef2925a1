"""The main flow in real Chromium, on the demo as `make run` starts it."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from benchmarks import scenarios
from benchmarks.scenarios import Served
from docs.screenshots import listed
from tests.browser.steps import PHONE, complaints, ends, heading, opened, select, whole

pytestmark = pytest.mark.browser


def test_a_deep_link_as_the_very_first_request_opens_its_page_inside_the_frame(demo: Served, browser: Browser) -> None:
    page = opened(browser, f"{demo.url}/trends?from=now-7d&to=now")
    heading(page, "Health trends")
    expect(page.get_by_text("Demo data")).to_be_visible()
    expect(page.get_by_role("link", name="Overview")).to_be_visible()
    expect(page.get_by_role("button", name="last 7 d")).to_be_visible()
    page.close()


def test_overview_to_a_component_to_its_past_with_the_range_kept(demo: Served, browser: Browser) -> None:
    page = opened(browser, demo.url)
    heading(page, "Overview")
    card = page.locator("[data-testid=stMetricValue]").first
    expect(card).to_be_visible()
    expect(page.get_by_text("first check under way")).to_have_count(0)
    page.wait_for_function('() => window[Symbol.for("tapewatch address")]')  # comes with the second drawing
    page.get_by_role("button", name="last 6 h").click()
    page.get_by_role("button", name="7 d", exact=True).click()
    expect(page).to_have_url(re.compile("from=now-7d"))
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Kafka", exact=True).click()
    heading(page, "Kafka")
    expect(page).to_have_url(re.compile("from=now-7d"))
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    page.get_by_role("link", name="Performance", exact=True).click()
    heading(page, "Performance")
    expect(page).to_have_url(re.compile("from=now-7d.*component=|component=.*from=now-7d"))
    page.go_back()  # one step, although the page completed its address in two
    heading(page, "Kafka")
    expect(page).to_have_url(re.compile("kafka.*from=now-7d"))
    page.go_back()
    heading(page, "Overview")
    expect(page).to_have_url(re.compile("from=now-7d"))
    page.get_by_role("button", name="last 7 d").click()
    page.get_by_role("button", name="24 h", exact=True).click()
    expect(page).to_have_url(re.compile("from=now-24h|from=now-1d"))
    page.keyboard.press("Escape")
    page.go_back()  # a range that somebody chose is a step of its own
    expect(page).to_have_url(re.compile("from=now-7d"))
    page.close()


def test_every_page_fits_on_a_phone(demo: Served, browser: Browser) -> None:
    page = opened(browser, demo.url, PHONE)
    heading(page, "Overview")
    errors = complaints(page)
    for listed_page in listed():
        page.goto(f"{demo.url}/{listed_page.path}")
        heading(page, listed_page.title)
        whole(page)
    assert errors == []
    page.close()


def test_a_range_nobody_can_mean_is_explained_on_the_page(demo: Served, browser: Browser) -> None:
    page = opened(browser, f"{demo.url}/trends?from=banana")
    expect(page.get_by_text('"from" is "banana"')).to_be_visible()
    heading(page, "Health trends")
    page.close()


def test_what_is_selected_on_a_chart_is_the_range_of_all_and_back_is_exactly_the_one_before(
    demo: Served, browser: Browser
) -> None:
    page = opened(browser, f"{demo.url}/performance?component=kafka&from=now-6h&to=now")
    heading(page, "Performance")
    charts = page.locator(".js-plotly-plot .nsewdrag")
    expect(charts.nth(1)).to_be_visible()
    select(page, 0.4, 0.6)
    expect(page).to_have_url(re.compile(r"from=\d{10}&to=\d{10}"))
    first = ends(page)
    assert 0.15 * 6 * 3600 < first[1] - first[0] < 0.25 * 6 * 3600
    expect(page.get_by_role("button", name="last 6 h")).to_have_count(0)
    select(page, 0.25, 0.75)
    expect(page).not_to_have_url(re.compile(f"from={first[0]}&"))
    second = ends(page)
    assert first[0] < second[0] < second[1] < first[1]

    elsewhere = opened(browser, page.url)
    heading(elsewhere, "Performance")
    assert ends(elsewhere) == second, "the link shows what is seen"
    elsewhere.close()

    page.get_by_role("button", name="Back", exact=True).click()
    expect(page).to_have_url(re.compile(f"from={first[0]}&to={first[1]}"))
    page.go_back()
    expect(page).to_have_url(re.compile(f"from={second[0]}&to={second[1]}"))
    page.go_forward()
    expect(page).to_have_url(re.compile(f"from={first[0]}&to={first[1]}"))
    page.get_by_role("button", name="Back", exact=True).click()
    expect(page).to_have_url(re.compile("from=now-6h&to=now"))
    expect(page.get_by_role("button", name="last 6 h")).to_be_visible()
    expect(page.get_by_role("button", name="Back", exact=True)).to_have_count(0)
    page.close()


def test_nothing_went_wrong_in_the_servers_log(demo: Served, browser: Browser) -> None:
    log = demo.log.read_text()
    assert "http://localhost" in log
    assert "Traceback" not in log
    assert " ERROR " not in log


def test_a_redis_that_is_killed_and_started_again_shows_without_a_reload(tmp_path: Path, browser: Browser) -> None:
    from demo.services import redis_server

    port = scenarios.free_port()
    server = redis_server(port, tmp_path)
    config = (
        f'[history]\ndsn = "chdb://{tmp_path}/history"\n[monitor]\ninterval = "1s"\n'
        f'[[component]]\nkind = "redis"\nname = "cache"\nurl = "redis://127.0.0.1:{port}/0"\n'
    )
    try:
        with scenarios.tapewatch("redis", config, tmp_path) as served:
            page = opened(browser, served.url)
            expect(page.get_by_text("cache is healthy.")).to_be_visible()
            server.close()
            expect(page.get_by_text(re.compile("refuses connections")).first).to_be_visible()
            server = redis_server(port, tmp_path)
            expect(page.get_by_text("cache is healthy.")).to_be_visible()
            page.close()
    finally:
        server.close()
