import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import probes
from history.ingest import messages
from history.ingest.messages import (
    MOST_LINES,
    Measured,
    Range,
    Start,
    Unreadable,
    batches,
    later,
    parse_range,
    read,
    samples_of,
    series_row,
    start_of,
)
from history.precision import largest_error
from history.rows import SeriesKey
from tests.history.rows import T0_S

GOOD = {"component": "gateway", "metric": "orders_total", "labels": {"venue": "XNAS"}, "time": T0_S, "value": 12}


class Sent:
    def __init__(self, offset: int, value: bytes | None) -> None:
        self.offset, self.value = offset, value


def line(**changed: object) -> bytes:
    return json.dumps({**GOOD, **changed}).encode()


@pytest.mark.parametrize(
    "time", [T0_S, T0_S + 0.7, "2026-09-21T16:00:00Z", "2026-09-21T18:00:00+02:00", "2026-09-21T16:00:00.999Z"]
)
def test_a_line_is_a_sample(time: object) -> None:
    key = SeriesKey("gateway", "orders_total", (("venue", "XNAS"),))
    assert read(line(time=time)) == [Measured(key, T0_S, 12.0)]


def test_several_lines_and_no_labels() -> None:
    without = {key: value for key, value in GOOD.items() if key != "labels"}
    found = read(line() + b"\r\n\n" + json.dumps(without).encode())
    assert [one.key.labels for one in found] == [(("venue", "XNAS"),), ()]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (None, "it is empty"),
        (b" \n", "it is empty"),
        (b"\xff\xfe\x00", "expected a JSON object"),
        (b"[" * 100_000, "expected a JSON object"),
        (b"[1]", 'line 1 has "list"'),
        (line() + b"\n{}", "line 2 has"),
        (line(unit="s"), "expected the keys component, metric, time, value"),
        (line(component=""), "component is empty"),
        (line(component=7), "component and metric are texts"),
        (line(component="a\x00b"), "expected printable text"),
        (line(metric="no name"), 'metric is "no name"'),
        (line(labels=["a"]), 'labels is "[\\"a\\"]"'.replace("\\", "")),
        (line(labels={"venue": 1}), "expected an object of texts"),
        (line(time="2026-09-21 16:00"), "with its zone"),
        (line(time="yesterday"), "expected epoch seconds"),
        (line(time=True), "time is"),
        (line(time=1e300), "from 1973 to 2090"),
        (line(time=0), "from 1973 to 2090"),
        (line(value="12"), "expected a finite number"),
        (line(value=None), "expected a finite number"),
        (line(value=math.nan), "expected a finite number"),
        (line(value=10**400), "expected a finite number"),
        (line().replace(b"12", b"1e999"), "expected a finite number"),
        (b"\n".join([line()] * (MOST_LINES + 1)), f"expected at most {MOST_LINES}"),
    ],
)
def test_what_is_no_sample_is_refused_in_a_sentence(body: bytes | None, says: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(body)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 300


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(body)


def test_messages_are_cut_at_a_number_of_samples_and_refused_with_their_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(messages, "MOST_SAMPLES", 10)
    sent = [Sent(offset, b"garbage" if offset == 17 else b"\n".join([line()] * 2)) for offset in range(10, 20)]
    cut = list(batches("ticks/0", sent))
    assert [(one.range.first, one.range.last) for one in cut] == [(10, 14), (15, 19)]
    assert [len(one.measured) for one in cut] == [10, 8]
    assert [one.refused[0].partition(";")[0] for one in cut if one.refused] == [
        'The message at ticks/0 offset 17 is refused: line 1 is "garbage"'
    ]


def test_values_are_rounded_by_their_metric_and_strangers_are_exact() -> None:
    known = next(metric for metric in probes.METRICS.values() if metric.bits == 10)
    value = 0.123456789
    ours, theirs = (Measured(SeriesKey("a", name), T0_S, value) for name in (known.name, "stranger_seconds"))
    (kept,) = samples_of([ours, theirs], probes.METRICS)
    assert abs(kept[0].value - value) <= largest_error(10) * value
    assert kept[0].value != value
    assert kept[1].value == value


def test_samples_of_years_go_in_pieces_that_are_the_same_each_time() -> None:
    key = SeriesKey("a", "b")
    measured = [Measured(key, T0_S + week * 7 * 86400, 1.0) for week in range(-200, 1)]
    pieces = list(samples_of(measured, {}))
    assert sum(map(len, pieces)) == len(measured)
    assert max(len(piece) for piece in pieces) <= 50
    assert pieces == list(samples_of(measured, {}))


def test_a_series_is_told_by_the_catalogue_or_by_its_name() -> None:
    assert (series_row(SeriesKey("h", "host_cpu_ratio"), probes.METRICS).unit) == "ratio"
    for name, unit, kind in (
        ("orders_total", "count", "counter"),
        ("sent_bytes_total", "bytes", "counter"),
        ("wait_seconds", "seconds", "gauge"),
        ("queue", "count", "gauge"),
    ):
        row = series_row(SeriesKey("x", name), {})
        assert (row.unit, row.kind) == (unit, kind), name


def test_notes() -> None:
    noted = Range(7, 9)
    assert (str(noted), noted.written, noted.after, noted.after.written) == ("7-9", False, Range(10, 9), True)
    assert later(None, Range(7, 9), Range(10, 9), Range(3, 6)) == Range(10, 9)
    assert later(None, None) is None
    assert [parse_range(text) for text in ("7-9", "", "somebody's", "7-", "-9", "a-b")] == [noted, *[None] * 5]


def test_where_to_go_on() -> None:
    assert start_of(None, 5) == Start(5, None, 0)
    assert start_of(Range(10, 9), 0) == Start(10, None, 0)
    assert start_of(Range(7, 9), 0) == Start(7, Range(7, 9), 0)
    assert start_of(Range(7, 9), 8) == Start(8, Range(7, 9), 1), "what is left of it goes under its token"
    assert start_of(Range(7, 9), 12) == Start(12, None, 5)
    assert start_of(Range(10, 9), 12) == Start(12, None, 2)
