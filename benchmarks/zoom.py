"""A selection in Chromium: how long until the chart is drawn anew, and how many runs of a script it takes."""

import re
import shutil
import statistics
import time
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any

import httpx
from playwright.sync_api import Page, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.scenarios import Served

COMPONENT, METRIC = "redis", "redis_commands_per_second"
RANGE_S = 90 * 86400
ROUNDS, WARM_UP_ROUNDS, STEPS = 5, 2, 4
"""Four steps lead from 90 days to two hours."""
SHARES = (0.45, 0.55)
PATIENCE_S = 60.0
REST_S = 1.5
"""After a step: whoever would run a second time has done so by then."""
WATCH = """
window.watchRedraw = () => {
  const shown = plot => JSON.stringify(plot._fullLayout?.xaxis?.range);
  const before = new Map([...document.querySelectorAll(".js-plotly-plot")].map(plot => [plot, shown(plot)]));
  window.redrawnMs = null;
  addEventListener("mouseup", () => {
    const began = performance.now();
    const look = () => {
      const plot = document.querySelector(".js-plotly-plot");
      const anew = plot && (!before.has(plot) || before.get(plot) !== shown(plot));
      if (anew && plot.querySelector(".scatterlayer path.js-line"))
        requestAnimationFrame(() => requestAnimationFrame(() => { window.redrawnMs = performance.now() - began; }));
      else requestAnimationFrame(look);
    };
    look();
  }, {once: true, capture: true});
};
"""
"""Looks each frame, from the moment the button is let go, whether the first chart shows another range with a line."""


@dataclass(slots=True)
class Wire:
    """What passes over a page's websocket: runs asked for, but for those of its clock, and runs ended."""

    asked: int = 0
    ended: int = 0

    def listen(self, page: Page) -> None:
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.webSocketFrameSent", lambda event: self._sent(event))
        session.on("Network.webSocketFrameReceived", lambda event: self._received(event))

    def _sent(self, event: dict[str, Any]) -> None:
        message = BackMsg.FromString(b64decode(event["response"]["payloadData"]))
        if message.WhichOneof("type") == "rerun_script" and not message.rerun_script.is_auto_rerun:
            self.asked += 1

    def _received(self, event: dict[str, Any]) -> None:
        message = ForwardMsg.FromString(b64decode(event["response"]["payloadData"]))
        self.ended += message.WhichOneof("type") == "script_finished"


@dataclass(slots=True)
class Zooms:
    """All steps of both pages, in milliseconds, and what the history took for the same questions."""

    ours_ms: list[float] = field(default_factory=list)
    hello_ms: list[float] = field(default_factory=list)
    query_ms: list[float] = field(default_factory=list)
    reruns: list[int] = field(default_factory=list)

    @property
    def vs_hello(self) -> float:
        """A step against hello-world's plus the query; of medians."""
        ours, hello, query = (statistics.median(each) for each in (self.ours_ms, self.hello_ms, self.query_ms))
        print(f"zoom {ours:.0f} ms, hello-world {hello:.0f} ms, query {query:.1f} ms", flush=True)
        return ours / (hello + query)

    @property
    def most_reruns(self) -> int:
        return max(self.reruns)


def measure(demo: Served, hello: Served) -> Zooms:
    """Zoom in on both pages in turn, step by step."""
    found = Zooms()
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for number in range(ROUNDS + WARM_UP_ROUNDS):
            contexts = [browser.new_context(viewport={"width": 1440, "height": 900}) for _ in range(2)]
            ours, theirs = (context.new_page() for context in contexts)
            wire, timed = Wire(), number >= WARM_UP_ROUNDS
            if not timed:  # listening to every frame takes time of its own
                wire.listen(ours)
            for page, address in ((ours, f"{demo.url}{_path()}"), (theirs, hello.url)):
                page.add_init_script(WATCH)
                page.goto(address)
                page.wait_for_selector(".js-plotly-plot .scatterlayer path.js-line", timeout=60_000)
            for _ in range(STEPS):
                hello_ms, before = select(theirs), wire.asked
                ours_ms = select(ours)
                if timed:
                    found.hello_ms.append(hello_ms)
                    found.ours_ms.append(ours_ms)
                    found.query_ms.append(query_ms(demo, ours.url))
                else:
                    found.reruns.append(wire.asked - before)
            for context in contexts:
                context.close()
    return found


def _path() -> str:
    """90 days that stand still: a range that moves with the clock is drawn anew without a selection."""
    end_s = int(time.time()) // 60 * 60
    return f"/explore?series={COMPONENT}/{METRIC}&from={end_s - RANGE_S}&to={end_s}"


def select(page: Page) -> float:
    """Drag over the middle of the first chart; milliseconds from letting go until it is drawn anew."""
    page.bring_to_front()
    page.wait_for_timeout(REST_S * 1000)
    plot = page.locator(".js-plotly-plot .nsewdrag").first
    plot.scroll_into_view_if_needed()
    page.evaluate("window.watchRedraw()")
    box = plot.bounding_box()
    assert box
    y, (start, end) = box["y"] + box["height"] / 2, (box["x"] + share * box["width"] for share in SHARES)
    page.mouse.move(start, y)
    page.mouse.down()
    page.mouse.move(end, y, steps=6)
    page.mouse.up()
    took_ms: float = page.wait_for_function("() => window.redrawnMs", timeout=60_000).json_value()
    page.wait_for_timeout(REST_S * 1000)
    return took_ms


def query_ms(demo: Served, address: str) -> float:
    """What the history takes for the question of a chart that nobody has asked before."""
    ends = re.search(r"from=(\d+)&to=(\d+)", address)
    assert ends, f"no absolute range in {address}"
    start_s, end_s = (int(each) + 1 for each in ends.groups())
    asked: dict[str, str | int] = {"metric": METRIC, "component": COMPONENT, "from": start_s, "to": end_s}
    give_up_s = time.monotonic() + PATIENCE_S
    took_ms = None
    while took_ms is None and time.monotonic() < give_up_s:
        took_ms = httpx.get(f"{demo.url}/api/query/", params=asked, timeout=30).json().get("took_ms")
    assert took_ms is not None, "the history gave no answer"
    return float(took_ms)
