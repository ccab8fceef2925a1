"""A visitor without a browser: it speaks to a served Streamlit app as the browser's own script does.

What it sends and gets are Streamlit's messages over its websocket, so that the server does for it all it does for
a browser: run scripts and parts of them, take selections, keep its state.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from benchmarks.scenarios import Served

PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as it was sent: its widget, the part of the page it belongs to, the ends of its time axis."""

    widget: str
    fragment: str
    ends: tuple[str, str] | None

    @property
    def length_s(self) -> float:
        """What its time axis spans; 0 without one."""
        first, last = (datetime.fromisoformat(end) for end in self.ends or ("1970-01-01", "1970-01-01"))
        return (last - first).total_seconds()


@dataclass(slots=True)
class Drawn:
    """What one run of a script sent.

    Attributes:
        took_s: from the request to the end of the run.
        size: bytes.
        charts: in the order in which they came, the last one of each widget.
        words: every text in Markdown.
        failed: what went wrong in the script.
    """

    took_s: float = 0.0
    size: int = 0
    charts: dict[str, Chart] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    failed: str = ""


class Visitor:
    """One session of an app.

    Attributes:
        query: the query string of its address, as the last run left it.
    """

    def __init__(self, connection: ClientConnection, path: str) -> None:
        name, _, self.query = path.partition("?")
        self._connection, self._name, self._script = connection, name, ""

    def draw(self, fragment: str = "", widgets: Sequence[WidgetState] = ()) -> Drawn:
        """Run the page, or a part of it, and take in what it sends.

        Raises:
            TimeoutError: the run does not end.
        """
        state = ClientState(query_string=self.query, fragment_id=fragment)
        if self._script:
            state.page_script_hash = self._script
        else:
            state.page_name = self._name
        state.widget_states.widgets.extend(widgets)
        state.context_info.timezone = "UTC"
        state.context_info.url = f"http://localhost/{self._name}"
        message = BackMsg()
        message.rerun_script.CopyFrom(state)
        began_s = time.perf_counter()
        self._connection.send(message.SerializeToString())
        drawn = Drawn()
        while self._take(drawn):
            pass
        drawn.took_s = time.perf_counter() - began_s
        return drawn

    def select(self, chart: Chart, start: float, end: float) -> Drawn:
        """Drag over a share of a chart's time axis."""
        assert chart.ends, "this chart has no time axis"
        first, last = (datetime.fromisoformat(each) for each in chart.ends)
        x = [str(first + share * (last - first)) for share in (start, end)]
        box = {"xref": "x", "yref": "y", "x": x, "y": [0, 1]}
        selection = {"points": [], "point_indices": [], "box": [box], "lasso": []}
        dragged = WidgetState(id=chart.widget, string_value=json.dumps({"selection": selection}))
        return self.draw(chart.fragment, [dragged])

    def _take(self, drawn: Drawn) -> bool:
        """Take one message; False when it was the last one of the run."""
        data = self._connection.recv(PATIENCE_S)
        assert isinstance(data, bytes)
        message = ForwardMsg.FromString(data)
        drawn.size += len(data)
        kind = message.WhichOneof("type")
        if kind == "navigation":
            self._script = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            _note(message.delta, drawn)
        ended = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
        return not (kind == "script_finished" and message.script_finished in ended)


@contextmanager
def visiting(served: Served, path: str = "") -> Iterator[Visitor]:
    """A visitor of a page: ``kafka?from=now-6h&to=now``."""
    address = f"ws://127.0.0.1:{served.port}/_stcore/stream"
    with connect(address, subprotocols=[Subprotocol("streamlit")], max_size=None, compression=None) as connection:
        yield Visitor(connection, path)


def settled(visitor: Visitor, rounds: int = 20) -> Drawn:
    """Draw the page until every chart has its answer, then once more.

    Raises:
        TimeoutError: it does not settle.
    """
    before = visitor.draw()
    for _ in range(rounds):
        now = visitor.draw()
        if len(now.charts) == len(before.charts) and not any("still opening" in words for words in now.words):
            return now
        before = now
    raise TimeoutError(f"{visitor.query} did not settle")


def in_turn(draws: dict[str, Callable[[], Drawn]], rounds: int, warm_up: int = 3) -> dict[str, float]:
    """The median seconds of each of some drawings, taken in turn."""
    took: dict[str, list[float]] = {name: [] for name in draws}
    for _ in range(rounds + warm_up):
        for name, draw in draws.items():
            took[name].append(draw().took_s)
    return {name: statistics.median(values[warm_up:]) for name, values in took.items()}


def _note(delta: Any, drawn: Drawn) -> None:
    element = delta.new_element
    kind = element.WhichOneof("type")
    if kind == "plotly_chart":
        layout = json.loads(element.plotly_chart.spec)["layout"]
        axis = layout.get("xaxis", {})
        ends = tuple(axis["range"]) if axis.get("type") == "date" else None
        drawn.charts[element.plotly_chart.id] = Chart(element.plotly_chart.id, delta.fragment_id, ends)
    elif kind == "markdown":
        drawn.words.append(element.markdown.body)
    elif kind == "exception":
        drawn.failed = element.exception.message
