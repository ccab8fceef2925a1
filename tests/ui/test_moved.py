"""What else moved, in sentences."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from history.answers import Change, Mover
from history.rows import SeriesKey, SeriesRow
from probes.result import Status
from ui.moved import sentence

ZONE = ZoneInfo("America/New_York")
AT_S = 1_790_015_470.0  # 14:31:10 in New York
LAG = SeriesRow(SeriesKey("kafka", "kafka_group_lag_messages", (("topic", "ticks"),)), "messages", "gauge")
MOVER = Mover(LAG, 9.0, 1200.0, 900.0, 2000.0, 48_000.0, AT_S, 0.5, None)


@pytest.mark.parametrize(
    ("mover", "words"),
    [
        (MOVER, "40 × its usual 1.2 k, began 14:31:10"),
        (replace(MOVER, value=2500.0), "2.5 k instead of the usual 900 – 2 k, began 14:31:10"),
        (replace(MOVER, usual=0.0, low=0.0, high=0.0, value=3.0), "3 instead of 0, began 14:31:10"),
        (replace(MOVER, value=10.0), "10 instead of the usual 900 – 2 k"),
    ],
)
def test_it_says_how_far_and_since_when(mover: Mover, words: str) -> None:
    said = sentence(mover, (), ZONE)
    assert words in said
    assert said.startswith("**kafka** ")
    assert " ticks: " in said


def test_it_names_the_change_it_follows() -> None:
    changes = [
        Change("redis", AT_S - 10, Status.OK, Status.WARNING, ""),
        Change("broker", AT_S - 20, Status.OK, Status.CRITICAL, ""),
        Change("host", AT_S - 900, Status.OK, Status.CRITICAL, ""),
        Change("late", AT_S + 1, Status.OK, Status.CRITICAL, ""),
    ]
    assert sentence(MOVER, changes, ZONE).endswith("began 14:31:10, 20 s after broker became critical")
    assert sentence(MOVER, changes[2:], ZONE).endswith("began 14:31:10")


def test_a_metric_nobody_catalogued_is_called_by_its_name() -> None:
    row = SeriesRow(SeriesKey("elsewhere", "imported_widgets"), "count", "gauge")
    assert sentence(replace(MOVER, row=row), (), ZONE).startswith("**elsewhere** imported_widgets: ")
