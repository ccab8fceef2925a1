"""The report, opened as a file by Chromium without a network: nothing is asked for, nothing fails, nothing escapes."""

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from playwright.sync_api import Browser, Page, expect

from history import queries
from history.answers import Change, Event, Series, SeriesSet
from history.window import Window
from monitor import VERSION
from probes.result import Status
from ui import charts
from ui.panels import Panel, Question
from ui.report import Around, report
from ui.shown import Drawing, Shown

T0_S = 1_790_006_400
HOUR, NEW_YORK = Window(T0_S, T0_S + 3600, words=("now-1h", "now")), ZoneInfo("America/New_York")
EVIL = "</script><script>document.title = 'caught'</script><img src=x onerror=\"document.title='caught'\">"


def course(name: str, unit: str = "seconds") -> Series:
    t = T0_S + 10.0 * np.arange(360)
    values = 0.002 + 0.001 * np.sin(t / 300)
    return Series(name, "latency", (("target", EVIL),), unit, 10, t, values, values * 0.9, values * 1.2, np.ones(360))


def panel(title: str) -> Panel[Any]:
    return Panel(title, Question(queries.series, (HOUR, ("latency",), ())), lambda _: None, nothing="Nothing came.")


def drawing() -> Drawing:
    answer = SeriesSet((course("kafka"), course("redis")), step_s=10)
    figure = charts.time_series(answer.series, HOUR, NEW_YORK)
    figure.add_annotation(text=EVIL, x=0.5, xref="paper", y=0.5, yref="paper")
    table = pd.DataFrame({"Component": ["kafka", EVIL], "Checks": [360, None]})
    changes = (Change("kafka", T0_S + 60.0, Status.OK, Status.CRITICAL, EVIL),)
    return Drawing(
        "Performance",
        HOUR,
        NEW_YORK,
        [
            Shown(panel("How slow?"), "How slow? – kafka 2 ms, usual 1–3 ms", answer, [figure]),
            Shown(
                panel("Who?"),
                f"Who? {EVIL}",
                answer,
                [":material/info: **kafka** :gray[latency]: 3 × its usual 2 ms", figure, table],
            ),
            Shown(panel("What changed?"), "What changed?", changes),
            Shown(panel("Is there anything?"), "Is there anything?", SeriesSet()),
            Shown(panel("And here?"), "And here?"),
        ],
    )


AROUND = Around(
    app="Desk 7",
    link="https://desk.example.com/performance?from=1&to=2",
    verdict="1 of 6 needs you: Kafka is not answering.",
    demo="Stack, tape and past are simulated.",
    changes=(Change("kafka", T0_S + 60.0, Status.OK, Status.CRITICAL, "no answer within 2 s"),),
    events=(Event(T0_S + 90.0, T0_S + 120.0, "annotation", "", "ann", EVIL, "1"),),
)


@dataclass(slots=True)
class Opened:
    """A report in a browser, with what it asked for and complained of."""

    page: Page
    requests: list[str]
    complaints: list[str]


def open_offline(browser: Browser, path: Path, scheme: str = "light", width: int = 1440) -> Opened:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, accept_downloads=True, offline=True
    )
    opened = Opened(context.new_page(), [], [])
    opened.page.on("request", lambda request: opened.requests.append(request.url))
    opened.page.on("console", lambda message: opened.complaints.append(message.text))
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.page.goto(path.as_uri())
    expect(opened.page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    return opened


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_bytes(report(drawing(), AROUND))
    return path


@pytest.fixture(scope="module")
def opened(browser: Browser, file: Path) -> Iterator[Opened]:
    found = open_offline(browser, file)
    yield found
    found.page.context.close()


def test_it_opens_offline_asks_for_nothing_and_complains_of_nothing(opened: Opened, file: Path) -> None:
    page = opened.page
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    assert page.locator(".js-plotly-plot path.js-line").count() >= 4
    page.mouse.move(*_middle(page))
    expect(page.locator(".hoverlayer .hovertext, .hoverlayer .legend").first).to_be_visible()
    assert opened.requests == [file.as_uri()]
    assert opened.complaints == []


def _middle(page: Page) -> tuple[float, float]:
    box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_it_says_what_it_is_of_when_by_what_and_that_it_is_a_demo(opened: Opened) -> None:
    page = opened.page
    text = page.inner_text("body")
    for said in (
        "Mon 21 Sep 2026 12:00:00 until Mon 21 Sep 2026 13:00:00, America/New_York",
        f"by Desk 7 (Tapewatch {VERSION})",
        "1 of 6 needs you: Kafka is not answering.",
        "Demo data. Stack, tape and past are simulated.",
        "How slow? – kafka 2 ms, usual 1–3 ms",
        "kafka latency: 3 × its usual 2 ms",
        "no answer within 2 s",
        "Nothing came.",
        "Its answer was not known when this was made",
    ):
        assert said in text, said
    assert "last 1 h" not in text, "in a copy that would not stay true"
    assert page.get_by_role("link", name="The same on the live page").get_attribute("href") == AROUND.link


def test_what_people_wrote_stays_text(opened: Opened) -> None:
    page = opened.page
    assert page.title() == "Performance, Mon 21 Sep 12:00 – 13:00 · Desk 7"
    assert page.locator("td", has_text=EVIL).count() == 3, "a table, a change, an annotation"
    assert page.locator("main img").count() == 0
    assert page.locator("script").count() == 4, "two figures, the library, the page's own"


def test_the_data_are_in_it_and_can_be_saved(opened: Opened) -> None:
    page = opened.page
    link = page.get_by_role("link", name="01-how-slow-series.csv")
    with page.expect_download() as download:
        link.click()
    frame = pd.read_csv(download.value.path())
    assert len(frame) == 720
    assert frame["avg"].tolist()[:360] == pytest.approx(course("kafka").avg.tolist())
    content = (link.get_attribute("href") or "").partition("base64,")[2]
    assert pd.read_csv(io.BytesIO(base64.b64decode(content))).equals(frame)


@pytest.mark.parametrize(
    ("width", "scheme", "paper", "ink"),
    [(1440, "light", "rgb(255, 255, 255)", "rgb(28, 38, 48)"), (390, "dark", "rgb(15, 20, 25)", "rgb(227, 232, 238)")],
)
def test_it_fits_and_follows_the_readers_theme(
    browser: Browser, file: Path, width: int, scheme: str, paper: str, ink: str
) -> None:
    page = open_offline(browser, file, scheme, width).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == paper
    assert page.evaluate("getComputedStyle(document.querySelector('.xtick text')).fill") == ink
    page.context.close()


def test_what_was_not_known_is_said() -> None:
    around = Around("Desk 7", "https://x", "All well.", "", None, None)
    text = report(Drawing("Health trends", HOUR, NEW_YORK), around).decode()
    assert text.count("Not known: the history had not answered yet when this was made.") == 2
    assert "Demo data" not in text
    assert "None in this range." in report(Drawing("x", HOUR, NEW_YORK), Around("", "", "", "", (), ())).decode()


def test_the_library_is_in_it_once() -> None:
    assert report(drawing(), AROUND).decode().count("* plotly.js v") == 1


def test_a_figure_of_any_height_keeps_it() -> None:
    shown = Shown(panel("x"), "x", 1, [go.Figure(layout={"height": 777})])
    assert "height:777px" in report(Drawing("x", HOUR, NEW_YORK, [shown]), AROUND).decode()
