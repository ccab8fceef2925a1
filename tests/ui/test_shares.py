"""Status shares over time: the worst at the bottom, each layer told apart without its colour."""

from zoneinfo import ZoneInfo

from analysis.shares import mix
from history.answers import Interval
from history.buckets import Buckets
from history.window import Window
from probes.result import Status
from ui import shares

UTC = ZoneInfo("UTC")
WINDOW = Window(0, 400)
BUCKETS = Buckets((0, 100, 200, 300, 400), 100, even=True)
SPANS = [Interval("kafka", Status.OK, 0, 290, ""), Interval("kafka", Status.CRITICAL, 290, 400, "gone")]


def test_layers_stand_on_each_other_and_reach_the_end_of_the_range() -> None:
    found = mix(SPANS, {"kafka": [(0, 350)]}, BUCKETS, WINDOW)
    figure = shares.figure(found, WINDOW, UTC)
    assert [(trace.name, [float(y) for y in trace.y]) for trace in figure.data] == [
        ("critical", [0, 0, 10, 50, 50]),
        ("not observed", [0, 0, 0, 50, 50]),
        ("ok", [100, 100, 90, 0, 0]),
    ]
    assert figure.data[1].fillpattern.shape == "/"
    assert tuple(figure.layout.yaxis.range) == (0, 100)
    assert shares.told(found, UTC) == (
        "How much of all time was which status? – 72.5 % ok, most critical 01 Jan 00:05 (50 %), 12.5 % not observed"
    )


def test_a_little_trouble_is_not_lost_on_an_axis_to_a_hundred() -> None:
    found = mix([Interval("kafka", Status.OK, 0, 400, "")], {"kafka": [(0, 397)]}, BUCKETS, WINDOW)
    assert tuple(shares.figure(found, WINDOW, UTC).layout.yaxis.range) == (0, 10)
