"""Takes the pictures of the documents from a demo stack of its own and writes docs/pages.md: ``make screenshots``.

``make screenshots ARGS="kafka past"`` takes those of some pages or states alone.
"""

import ast
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import scenarios  # noqa: E402  # it lies beside this folder
from benchmarks.scenarios import Served  # noqa: E402

PICTURES, DOCUMENT = ROOT / "docs" / "pictures", ROOT / "docs" / "pages.md"
DESK, PHONE, SCREEN = (1440, 900), (390, 844), (1920, 1080)
WIDTH_PX, QUALITY = 1080, 50
COURSE_S = 30
"""Left to run before the first picture, so that the live cards have a course to show."""
READY_S, DRAWN_MS, SETTLE_MS = 180.0, 60_000, 1500
QUERIES = {
    "trends": "from=now-90d&to=now",
    "performance": "component=kafka&compare=Same+time+last+week&from=now-7d&to=now",
    "network": "view=Capacity&from=now-90d&to=now",
    "kafka": "from=now-24h&to=now",
}
"""What a page is asked for where its own default says less."""
LIVE = '[[component]]\nkind = "host"\nname = "host"\n'
AWAY = '[history]\ndsn = "clickhouse://127.0.0.1:9"\nspool = "memory"\n'


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of the app.

    Attributes:
        path: under the app's address; empty for the first.
        question: what it answers, as it says itself.
    """

    script: str
    title: str
    question: str

    @property
    def path(self) -> str:
        return "" if self.script == "overview" else self.script


@dataclass(frozen=True, slots=True)
class State:
    """A state worth seeing.

    Attributes:
        told: the sentence under its title.
        serve: the app in that state; None: the demo.
        act: what is done in the browser before the picture is taken.
    """

    name: str
    title: str
    told: str
    address: str = "/"
    scheme: str = "light"
    size: tuple[int, int] = DESK
    serve: Callable[[], AbstractContextManager[Served]] | None = None
    act: Callable[[Page, Served], None] | None = None


def listed() -> list[Listed]:
    """Every page in the order of the menu, read from the source: importing the app would start it."""
    tree = ast.parse((ROOT / "streamlit_app.py").read_text(encoding="utf-8"))
    (sections,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["SECTIONS"]
    )
    return [Listed(script, title, question(script)) for pages in sections.values() for script, title, _ in pages]


def question(script: str) -> str:
    """The question a page answers: what its script begins with."""
    tree = ast.parse((ROOT / "pages" / f"{script}.py").read_text(encoding="utf-8"))
    (begun,) = (
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "frame.begin"
    )
    return str(ast.literal_eval(begun.args[1]))


@contextmanager
def configured(config: str) -> Iterator[Served]:
    """The app with this configuration and nothing else."""
    with tempfile.TemporaryDirectory() as directory, scenarios.tapewatch("state", config, Path(directory)) as served:
        yield served


def keys(page: Page, _: Served) -> None:
    """Open the list of keys."""
    page.locator("dialog dt").first.wait_for(state="attached")
    page.keyboard.press("?")


def silence(page: Page, served: Served) -> None:
    """Let the server fall silent until the page says so; it is woken when the picture is taken."""
    page.locator("dialog dt").first.wait_for(state="attached")
    os.kill(served.pid, signal.SIGSTOP)
    page.get_by_text(re.compile("No connection since")).wait_for()


def settled(page: Page, _: Served) -> None:
    """Wait until every component was checked once."""
    page.get_by_text("first check under way").first.wait_for(state="detached")


STATES = (
    State(
        "past",
        "A past moment",
        "The time machine: the whole stack as it stood, marked as past.",
        address="/?at=now-3h",
        scheme="dark",
    ),
    State(
        "wall",
        "A wall",
        "`?kiosk=1&every=30s&pages=overview,trends,kafka` shows page after page, large, and stays on the Overview "
        "while something is critical; who touches it stops the turning for a minute.",
        address="/?embed=true&kiosk=1&every=10m",
        scheme="dark",
        size=SCREEN,
    ),
    State(
        "keys", "Keys", "`?` lists them: the range, the search and every page without a pointer.", "/kafka", act=keys
    ),
    State(
        "down",
        "Everything down",
        "Each failure in a sentence: what it means, what was seen, what to do.",
        serve=scenarios.refused,
        act=settled,
    ),
    State(
        "silent",
        "No connection",
        "A page that no longer hears from the server says so and turns grey.",
        serve=lambda: configured(LIVE),
        act=silence,
    ),
    State(
        "away",
        "The history away",
        "Live health does not need it; charts say why they are empty and fill by themselves.",
        address="/trends",
        serve=lambda: configured(AWAY + LIVE),
    ),
    State("empty", "Nothing configured", "The way to the first component.", serve=lambda: configured("")),
    State(
        "refused", "A link nobody can mean", "What is wrong with it, and what is shown instead.", "/trends?from=banana"
    ),
)


def main(wanted: Sequence[str]) -> None:
    """Take the pictures of the pages and states called `wanted`, or all, and write the document."""
    pages = [page for page in listed() if not wanted or page.script in wanted]
    states = [state for state in STATES if not wanted or state.name in wanted]
    if unknown := set(wanted) - {page.script for page in listed()} - {state.name for state in STATES}:
        sys.exit(f"There is no page or state called {', '.join(sorted(unknown))}.")
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        if pages or any(state.serve is None for state in states):
            with tempfile.TemporaryDirectory() as directory, scenarios.demo(Path(directory)) as served:
                wait_until_ready(served.url)
                for listed_page in pages:
                    take_page(browser, served, listed_page)
                for state in states:
                    if state.serve is None:
                        take_state(browser, served, state)
        for state in states:
            if state.serve is not None:
                with state.serve() as served:
                    take_state(browser, served, state)
    DOCUMENT.write_text(document(listed()), encoding="utf-8")


def wait_until_ready(url: str) -> None:
    """Wait until the demo's past is written."""
    deadline_s = time.monotonic() + READY_S
    while not httpx.get(f"{url}/api/status/").json()["data"]["demo"]["ready"]:
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"the demo was not ready within {READY_S:g} s")
        time.sleep(0.5)
    time.sleep(COURSE_S)


def take_page(browser: Browser, served: Served, listed_page: Listed) -> None:
    """A page at a desk in light and dark, and on a phone."""
    address = f"/{listed_page.path}?{QUERIES.get(listed_page.script, '')}".rstrip("?")
    for look, scheme, size in (("light", "light", DESK), ("dark", "dark", DESK), ("phone", "light", PHONE)):
        with opened(browser, f"{served.url}{address}", scheme, size) as page:
            save(page, f"{listed_page.script}-{look}")


def take_state(browser: Browser, served: Served, state: State) -> None:
    """A state as the one who meets it sees it."""
    address = state.address.replace("at=now-3h", f"at={int(time.time()) - 3 * 3600}")
    with opened(browser, f"{served.url}{address}", state.scheme, state.size) as page:
        try:
            if state.act is not None:
                state.act(page, served)
            save(page, f"state-{state.name}")
        finally:
            os.kill(served.pid, signal.SIGCONT)


@contextmanager
def opened(browser: Browser, url: str, scheme: str, size: tuple[int, int]) -> Iterator[Page]:
    """A page in a fresh profile, drawn."""
    screen = ViewportSize(width=size[0], height=size[1])
    context = browser.new_context(viewport=screen, screen=screen, color_scheme="dark" if scheme == "dark" else "light")
    context.set_default_timeout(DRAWN_MS)
    page = context.new_page()
    page.goto(url)
    page.locator("h2").first.wait_for()
    page.wait_for_function("!document.querySelector('[data-testid=stSkeletonElement], [data-testid=stSkeleton]')")
    page.wait_for_timeout(SETTLE_MS)
    page.wait_for_function("!document.querySelector('[data-testid=stSkeletonElement], [data-testid=stSkeleton]')")
    yield page
    context.close()


def save(page: Page, name: str) -> None:
    """The picture, small: as wide as a document shows it, in a format made for that."""
    page.wait_for_timeout(SETTLE_MS // 3)
    picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
    if picture.width > WIDTH_PX:
        picture = picture.resize((WIDTH_PX, round(picture.height * WIDTH_PX / picture.width)), Image.Resampling.LANCZOS)
    picture.save(PICTURES / f"{name}.webp", quality=QUALITY, method=6)


def document(pages: Sequence[Listed]) -> str:
    """docs/pages.md: every page and state with its sentence and its pictures."""
    lines = [
        "# Pages",
        "",
        "What each page answers, in light, in dark and on a phone. Written by `make screenshots`.",
        "",
    ]
    for page in pages:
        lines += [f"## {page.title}", "", page.question, ""]
        lines += [f"![{page.title}, {look}](pictures/{page.script}-{look}.webp)" for look in ("light", "dark", "phone")]
        lines += [""]
    lines += ["# States", ""]
    for state in STATES:
        lines += [f"## {state.title}", "", state.told, "", f"![{state.title}](pictures/state-{state.name}.webp)", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main(sys.argv[1:])
