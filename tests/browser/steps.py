"""What a person does in the browser, as steps the tests share."""

import re

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from playwright.sync_api import Error as PlaywrightError

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


_shared: dict[tuple[int, int, str], BrowserContext] = {}


def opened(
    browser: Browser, url: str, size: dict[str, int] = DESK, scheme: str = "light", *, fresh: bool = False
) -> Page:
    """A page of its own; whoever opens it closes it.

    Args:
        fresh: in a profile that nothing was opened in, as somebody else has it. Else in one shared by all tests of
            the same screen, which has the app's code already: reading that is most of an opening's time.
    """
    key = (size["width"], size["height"], scheme)
    context = None if fresh else _shared.get(key)
    if context is None or context.browser is not browser:
        context = browser.new_context(viewport=size, color_scheme=scheme)
        if not fresh:
            _shared[key] = context
    page = context.new_page()
    page.goto(url)
    return page


def heading(page: Page, title: str) -> None:
    """Wait for the page's title."""
    expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()


def select(page: Page, start: float, end: float) -> None:
    """Drag over a share of the first chart's time axis; again when it was drawn anew under the pointer."""
    before = page.url
    plot = page.locator(".js-plotly-plot .nsewdrag").first
    for _ in range(8):
        expect(page.locator("[data-testid=stSkeletonElement]")).to_have_count(0)
        expect(plot).to_be_visible()
        try:
            plot.scroll_into_view_if_needed()
            box = plot.bounding_box()
        except PlaywrightError:
            continue
        if box is None:
            continue
        middle = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + start * box["width"], middle)
        page.mouse.down()
        page.mouse.move(box["x"] + end * box["width"], middle, steps=6)
        page.mouse.up()
        try:
            page.wait_for_function("before => location.href !== before", arg=before, timeout=4000)
        except PlaywrightError:
            continue
        return
    raise AssertionError(f"nothing was selected on {before}")


def ends(page: Page) -> tuple[int, int]:
    """The absolute range in a page's address."""
    found = re.search(r"from=(\d{10})&to=(\d{10})", page.url)
    assert found, page.url
    return int(found[1]), int(found[2])


def complaints(page: Page) -> list[str]:
    """Errors of ours the browser tells from now on, as a list that grows."""
    errors: list[str] = []

    def told(message: ConsoleMessage) -> None:
        """On a deep link Streamlit itself looks for its base path with requests that answer 404."""
        if message.type == "error" and "_stcore" not in str(message.location.get("url", "")):
            errors.append(message.text)

    page.on("console", told)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


def whole(page: Page) -> None:
    """The page is drawn, without an error, and no wider than the screen."""
    expect(page.locator("[data-testid=stSkeletonElement]")).to_have_count(0)
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
    wide, screen = page.evaluate("[document.querySelector('[data-testid=stMain]').scrollWidth, innerWidth]")
    assert wide <= screen, f"{page.url} is {wide} px wide on {screen}"
