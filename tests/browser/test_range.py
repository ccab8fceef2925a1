"""The range in real Chromium, read in Berlin while the desk is in New York: typed, shifted, followed, collapsed."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from benchmarks.scenarios import Served
from history.calendar import read_sessions
from history.sessions import Session
from tests.browser.steps import DESK, ends, heading, select

pytestmark = pytest.mark.browser
DESK_ZONE = ZoneInfo("America/New_York")


def whole_week() -> list[Session]:
    """The last week over, Monday to Friday, without a holiday or a half day."""
    today = datetime.now(UTC).date()
    weeks: dict[int, list[Session]] = {}
    for session in read_sessions("NYSE", today - timedelta(days=60), today - timedelta(days=3)).days:
        weeks.setdefault(session.day.toordinal() // 7, []).append(session)
    return next(
        week for _, week in sorted(weeks.items(), reverse=True) if len(week) == 5 and not any(d.early for d in week)
    )


WEEK_DAYS = whole_week()
MIDDLE, FRIDAY = WEEK_DAYS[2].day, datetime.combine(WEEK_DAYS[4].day, datetime.min.time(), DESK_ZONE)
WEEK = f"from={WEEK_DAYS[0].open_s}&to={WEEK_DAYS[4].close_s}"
SENT_ONCE = """() => document.querySelector('.js-plotly-plot').calcdata
  .filter(points => points[0].trace._input.x === undefined && points[0].trace._input.x0 === undefined)
  .map(points => points.filter(point => Number.isFinite(point.y) && Number.isFinite(point.x))
    .map(point => new Date(point.x).toISOString().slice(11, 16)))"""
"""The moments of each line of the first chart that has its times from the template."""
LABELS = ".js-plotly-plot >> nth=0 >> .xtick text"


@pytest.fixture(scope="module")
def berlin(browser: Browser) -> Iterator[BrowserContext]:
    """The browser of a reader whose own clock is six hours ahead of the desk's."""
    context = browser.new_context(viewport=DESK, timezone_id="Europe/Berlin")
    yield context
    context.close()


@pytest.fixture
def page(berlin: BrowserContext) -> Iterator[Page]:
    page = berlin.new_page()
    yield page
    page.close()


def drawn(page: Page) -> None:
    """Wait for the charts, whose past the demo may still be writing."""
    expect(page.locator(".js-plotly-plot .nsewdrag").first).to_be_visible(timeout=120_000)
    expect(page.locator("[data-testid=stSkeletonElement]")).to_have_count(0)


def popover(page: Page, words: str) -> None:
    """Open what is behind the range; again when a click elsewhere had left it open and this one closed it."""
    field = page.get_by_label("Range", exact=True)
    for _ in range(6):
        if not field.is_visible():
            page.get_by_role("button", name=words).click()
        try:
            expect(field).to_be_visible(timeout=10_000)  # its code comes with the first opening
        except AssertionError:
            continue
        return
    raise AssertionError(f"what is behind {words} did not open")


def test_a_week_of_trading_hours_has_only_those_and_what_is_selected_on_it_is_the_range(
    demo: Served, page: Page
) -> None:
    page.goto(f"{demo.url}/performance?component=kafka&{WEEK}&hours=trading")
    heading(page, "Performance")
    drawn(page)
    expect(page.locator(LABELS).first).to_be_visible()
    labels = page.locator(LABELS).all_text_contents()
    assert all(day in " ".join(labels) for day in (f"{d.day:%a} {d.day.day}" for d in WEEK_DAYS)), labels
    assert all("09:30" <= label[:5] <= "16:00" for label in labels), labels
    lines = page.evaluate(SENT_ONCE)
    assert len(lines) > 3, "the lines of the fan share their times"
    for times in lines:
        assert len(times) > 100
        assert all("09:30" <= moment < "16:00" for moment in times), times
    select(page, 0.41, 0.59)
    start, end = (datetime.fromtimestamp(moment, DESK_ZONE) for moment in ends(page))
    assert (start.date(), end.date()) == (MIDDLE, MIDDLE), (start, end)
    assert datetime.strptime("09:30", "%H:%M").time() <= start.time() < end.time()
    assert 4 <= (end - start).total_seconds() / 3600 <= 6.5
    expect(page).to_have_url(re.compile("hours=trading"))
    page.get_by_role("button", name="Back", exact=True).click()
    expect(page).to_have_url(re.compile(WEEK))


def test_typed_shifted_followed_and_kept_over_pages(demo: Served, page: Page) -> None:
    page.goto(f"{demo.url}/performance?component=kafka&from=now-6h&to=now")
    heading(page, "Performance")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    popover(page, "last 6 h")
    field = page.get_by_label("Range", exact=True)
    field.fill("banana")
    field.press("Enter")
    expect(page.get_by_text('"banana" is no time range')).to_be_visible()
    field.fill(f"{FRIDAY:%Y-%m-%d} 14:00..15:00")
    field.press("Enter")
    expect(page.get_by_role("button", name=f"{FRIDAY:%a} {FRIDAY.day} {FRIDAY:%b} 14:00 – 15:00")).to_be_visible()
    two = int(FRIDAY.replace(hour=14).timestamp())
    assert ends(page) == (two, two + 3600)
    page.keyboard.press("Escape")

    page.get_by_role("button", name="navigate_before").click()
    expect(page).to_have_url(re.compile(f"from={two - 3600}&to={two}"))
    page.get_by_role("button", name="Follow").click()
    expect(page).to_have_url(re.compile("from=now-1h&to=now"))
    expect(page.get_by_role("button", name="navigate_next")).to_be_disabled()

    popover(page, "last 1 h")
    page.get_by_role("button", name="Trading hours", exact=True).click()
    expect(page).to_have_url(re.compile("hours=trading"))
    page.get_by_role("button", name="Europe/Berlin (this browser)", exact=True).click()
    expect(page).to_have_url(re.compile("zone=Europe"))
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Health trends").click()
    heading(page, "Health trends")
    for part in ("from=now-1h", "to=now", "zone=Europe", "hours=trading"):
        expect(page).to_have_url(re.compile(part))
    page.go_back()
    heading(page, "Performance")
    expect(page).to_have_url(re.compile("zone=Europe"))


def test_an_hour_of_the_desk_is_that_hour_in_every_browser(demo: Served, page: Page) -> None:
    noon = int(FRIDAY.replace(hour=12).timestamp())
    page.goto(f"{demo.url}/performance?component=kafka&from={noon}&to={noon + 3600}")
    drawn(page)
    expect(page.locator(LABELS).first).to_contain_text("12:00")
    select(page, 0.25, 0.75)
    start, end = ends(page)
    assert abs(start - noon - 900) < 120
    assert abs(end - noon - 2700) < 120
