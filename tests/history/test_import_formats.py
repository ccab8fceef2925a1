"""What a file says, before anything is written: formats, columns, times, numbers, series, increases."""

import gzip
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from history.imports.chunks import Chunks, by_weeks, sorting
from history.imports.columns import NO_TIME, Refusals, codes, combined, epoch_seconds, numbers
from history.imports.formats import open_source, recognise
from history.imports.increases import Increases
from history.imports.run import content_hash
from history.imports.series import Known
from history.imports.source import FileRefused, OptionNeeded, Options
from tests.history.rows import COUNT, METRICS, T0_S

DUMP = Path(__file__).parent / "files" / "promtool_dump.txt"
HEADER = "component,metric,time,value\n"
Read = tuple[dict[tuple[str, str, tuple[tuple[str, str], ...]], list[tuple[int, float]]], list[str], Refusals]


def read(path: Path, chunk_rows: int = 1000, **options: object) -> Read:
    """The samples of a file by series, the sentences of its refused rows, and their tally."""
    said: list[str] = []
    known, refusals = Known(), Refusals(path.name, told=said.append)
    source = open_source(path, Options(**options), METRICS, known, refusals)  # type: ignore[arg-type]
    found: dict = {}
    for chunk in Chunks(source, known, refusals, chunk_rows):
        names = {one.row.key.id: one.row.key for one in known.taken}
        for part in chunk.samples:
            columns = (part["series_id"], part["ts"].cast(pa.int64()), part["bits"])
            for series_id, ts_s, bits in zip(*(column.to_pylist() for column in columns), strict=True):
                key = names[series_id]
                value = float(np.uint64(bits).view(np.float64))
                found.setdefault((key.component, key.metric, key.labels), []).append((ts_s, value))
    return found, said + source.notes, refusals


def csv(tmp_path: Path, text: str | bytes, name: str = "f.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@settings(max_examples=25)
@given(
    moment=st.datetimes(datetime(1973, 1, 2), datetime(2090, 12, 30)),
    zone_min=st.integers(-14 * 60, 14 * 60),
    digits=st.sampled_from([0, 3, 6]),
    blank=st.sampled_from("T "),
)
def test_any_spelling_of_a_time_is_its_second(moment: datetime, zone_min: int, digits: int, blank: str) -> None:
    moment = moment.replace(tzinfo=UTC)
    spec = {0: "seconds", 3: "milliseconds", 6: "microseconds"}[digits]
    local = moment.astimezone(timezone(timedelta(minutes=zone_min)))
    microseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    spelled = [
        local.isoformat(blank, spec),
        moment.replace(tzinfo=None).isoformat(blank, spec),
        str(microseconds // 10**6),
        str(microseconds // 1000),
        str(microseconds),
        str(microseconds * 1000),
    ]
    seconds = microseconds // 10**6
    together = [*spelled, "next Tuesday", "", None, "12", "1969-12-31"]  # what one is must not change the others
    assert epoch_seconds(pa.array(together), set()).tolist() == [seconds] * 6 + [NO_TIME] * 5
    for text in spelled:
        assert epoch_seconds(pa.array([text]), set()).tolist() == [seconds]
    for kind in ("s", "ms", "us", "ns"):
        for zone in (None, "UTC", "America/New_York"):
            column = pa.array([microseconds * 1000]).cast(pa.timestamp("ns")).cast(pa.timestamp(kind), safe=False)
            assert epoch_seconds(column.cast(pa.timestamp(kind, zone)), set()).tolist() == [seconds]


def test_the_unit_of_an_epoch_is_told_by_its_magnitude() -> None:
    units: set[str] = set()
    column = pa.array([T0_S, T0_S * 10**3 + 999, T0_S * 10**6, T0_S * 10**9, -1, 12, None])
    assert epoch_seconds(column, units).tolist() == [T0_S] * 4 + [NO_TIME] * 3
    assert units == {"s", "ms", "µs", "ns"}
    floats = pa.array([T0_S + 0.75, float("nan"), float("inf"), -5.0])
    assert epoch_seconds(floats, units).tolist() == [T0_S] + [NO_TIME] * 3
    assert epoch_seconds(pa.array([True]), units).tolist() == [NO_TIME]


def test_numbers() -> None:
    values, bad = numbers(pa.array(["1", " 2.5 ", "+1e3", "-.5", "nan", "+Inf", "", None, "x", "1_0", "0x10"]))
    assert bad.tolist() == [False] * 8 + [True] * 3
    assert values[:4].tolist() == [1, 2.5, 1000, -0.5]
    assert np.isnan(values[4:]).all()
    assert numbers(pa.array([2**60, None]))[0][0] == 2.0**60
    assert numbers(pa.array([True, False]))[1].all()


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.dictionaries(st.sampled_from("xyz"), st.sampled_from("12")))))
def test_rows_of_one_name_have_one_number(rows: list[tuple[str, dict[str, str]]]) -> None:
    maps = pa.array([list(labels.items()) for _, labels in rows], pa.map_(pa.string(), pa.string()))
    named, listed = codes(pa.array([name for name, _ in rows], pa.string()))
    pairs, distinct = codes(maps)
    dense, first = combined([named, pairs])
    assert [listed[code] for code in named] == [name for name, _ in rows]
    assert [dict(distinct[code] or ()) for code in pairs] == [labels for _, labels in rows]  # type: ignore[call-overload]
    found = {}
    for number, (name, labels) in zip(dense.tolist(), rows, strict=True):
        assert found.setdefault(number, (name, tuple(labels.items()))) == (name, tuple(labels.items()))
    assert len(set(found.values())) == len(found) == len(first)


samples = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.integers(0, 9)), max_size=40)


@settings(max_examples=40)
@given(samples, st.integers(1, 7))
def test_increases_are_those_of_one_reading_after_the_other(rows: list[tuple[int, int, int]], size: int) -> None:
    """However the rows are cut into chunks, and with totals that fall: compared with a loop over single readings."""
    rows = sorted(rows, key=lambda row: row[1])  # as a file has them: in the order of time, series mixed
    running = np.array([True, True, False])
    increases, last = Increases(), {}
    for at in range(0, len(rows), size):
        chunk = sorted(rows[at : at + size], key=lambda row: row[:2])
        series, ts_s, value = (np.array(column, np.int64) for column in zip(*chunk, strict=True))
        grown = increases.of(series, ts_s, value.astype(np.float64), running)
        assert not grown.late.any()
        for place, (number, _, total) in enumerate(chunk):
            if not running[number]:
                assert (grown.value[place], grown.first[place]) == (total, False)
                continue
            assert grown.first[place] == (number not in last)
            if number in last:
                assert grown.value[place] == (total - last[number] if total >= last[number] else total)
            last[number] = total


def test_a_counter_in_another_order_than_time_is_refused_only_where_that_loses_something(tmp_path: Path) -> None:
    lines = [f"c,{COUNT.name},{T0_S + at},{total}" for at, total in ((20, 7), (10, 3), (30, 9), (15, 4), (40, 2))]
    path = csv(tmp_path, HEADER + "\n".join(lines))
    whole, _, _ = read(path, cumulative=True)
    assert whole["c", COUNT.name, ()] == [(T0_S + 15, 1), (T0_S + 20, 3), (T0_S + 30, 2), (T0_S + 40, 2)]
    cut, said, refusals = read(path, chunk_rows=3, cumulative=True)
    assert cut["c", COUNT.name, ()] == [(T0_S + 20, 4), (T0_S + 30, 2), (T0_S + 40, 2)]
    assert refusals.count == 1
    assert said[0].startswith("f.csv: row 5: is of 2026-09-21T16:00:15Z, older than an earlier row of its counter; ")
    increases, _, _ = read(path)
    assert increases["c", COUNT.name, ()][0] == (T0_S + 10, 3), "counters of a table are increases already"


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(T0_S, T0_S + 400 * 7 * 86400)), max_size=30), st.booleans())
def test_chunks_are_sorted_and_parts_have_few_weeks(rows: list[tuple[int, int]], in_time: bool) -> None:
    rows = sorted(rows, key=lambda row: row[1]) if in_time else rows
    ids = np.array([7, 2**63 + 5, 1, 9], np.uint64)
    series, ts_s = (np.array([row[place] for row in rows], np.int64) for place in (0, 1))
    order = sorting(ids, series, ts_s)
    keys = [(int(ids[series[place]]), int(ts_s[place])) for place in order]
    assert keys == sorted(keys)
    parts = list(by_weeks(ts_s, np.arange(len(rows))))
    assert sorted(place for part in parts for place in part) == list(range(len(rows)))
    for part in parts:
        assert len({datetime.fromtimestamp(at, UTC).isocalendar()[:2] for at in ts_s[part].tolist()}) <= 90


def test_a_dump_of_promtool() -> None:
    """A real one, of Prometheus 2.42: counters with a reset, a histogram, NaN, braces and quotes in labels."""
    found, said, refusals = read(DUMP)
    assert (said, refusals.count) == ([], 0)
    cpu = found["node", "node_cpu_seconds_total", (("instance", "web1:9100"), ("mode", "idle"))]
    assert [value for _, value in cpu] == [1.5] * 5 + [2.25] + [1.5] * 5
    assert cpu[0][0] == T0_S + 15, "the first tells no increase"
    assert [value for _, value in found["kafka", "queue_ratio", ()]] == [0.25, 0.75]
    path = ("path", '/{id} "x"')
    bucket = found["api", "request_duration_seconds_bucket", (("instance", "web1:9100"), ("le", "0.1"), path)]
    assert [value for _, value in bucket] == [5.0] * 5
    assert len(found["api", "request_duration_seconds_sum", (("instance", "web1:9100"), path)]) == 5
    assert len(found["node", "up", (("instance", "web1:9100"),)]) == 6


EXPOSITION = (
    """# HELP jobs_total Jobs.
# TYPE jobs_total counter
jobs_total{job="a"} 3 T00000
jobs_total{job="a"} 5.5 T15000

# TYPE depth_count gauge
depth_count{component="q",job="a"}\t4 \tT00000
# TYPE wait histogram
wait_count{job="a"} 1 T00
wait_count{job="a"} 4 T15.5
# TYPE cache counter
cache_total{job="a"} 1 T00.0 # {trace="a } b"} 0.5
cache_total{job="a"} 2 T01.0 # {trace="c"} 0.5 T00.1
{"dotted.name",job="a"} 7 T00
wait_peak{job="a"} NaN T00
  bare 1 T00\r
x{job="} y"} 1
x{job="a"} one T00
x{job="a"} 1 99
not a sample
x{job=} 1 T00
# EOF
""".replace("T00", str(T0_S))
    .replace("T01", str(T0_S + 1))
    .replace("T15", str(T0_S + 15))
)


@pytest.mark.parametrize("packed", [False, True])
def test_exposition_and_openmetrics(tmp_path: Path, packed: bool) -> None:
    path = csv(tmp_path, gzip.compress(EXPOSITION.encode()) if packed else EXPOSITION, "any.name")
    found, said, refusals = read(path, component="given")
    assert found.pop(("a", "jobs_total", ())) == [(T0_S + 15, 2.5)]
    assert found.pop(("q", "depth_count", (("job", "a"),))) == [(T0_S, 4)], "its TYPE says that it is a level"
    assert found.pop(("a", "wait_count", ())) == [(T0_S + 15, 3)]
    assert found.pop(("a", "cache_total", ())) == [(T0_S + 1, 1)], "exemplars are no part of a sample"
    assert found.pop(("a", "dotted.name", ())) == [(T0_S, 7)]
    assert found.pop(("given", "bare", ())) == [(T0_S, 1)]
    assert found.pop(("given", "x", ())) == [(T0_S, 1)], "the client library lets an empty label pass"
    assert found == {}
    assert refusals.count == 4
    places = [int(sentence.split()[2].rstrip(":")) for sentence in said]
    assert sorted(places) == [17, 18, 19, 20]
    for part in ("expected a time after the value", 'the value is "one"', 'the time is "99"', 'the time is "sample"'):
        assert any(part in sentence for sentence in said), part
    with pytest.raises(OptionNeeded) as needed:
        read(path)
    assert 'such as "bare": they need --component NAME' in str(needed.value)


def test_a_catalogued_level_that_is_a_counter_there_is_refused(tmp_path: Path) -> None:
    text = f'# TYPE probe_up counter\nprobe_up{{job="a"}} 1 {T0_S}\n'
    _, said, refusals = read(csv(tmp_path, text))
    assert refusals.count == 1
    assert said == ["f.csv: line 2: probe_up is a counter here, but Tapewatch has a state of that name."]
    text = f'# TYPE {COUNT.name} gauge\n{COUNT.name}{{component="a"}} 5 {T0_S}\n'
    assert read(csv(tmp_path, text))[0] == {("a", COUNT.name, ()): [(T0_S, 5)]}, "as our own /metrics shows increases"


def test_a_csv_with_bad_rows_says_each_and_keeps_the_others(tmp_path: Path) -> None:
    text = (
        "component;metric;labels;time;value;who\n"
        f'k;m_seconds;"{{""b"":""2"",""a"":1}}";{T0_S}000;1.5;me\n'
        f"k;m_seconds;[1];{T0_S}000;1.5;me\n"
        "too;few\n"
        f"k;m_seconds;;yesterday;1.5;me\nk;m_seconds;;{T0_S};much;me\n;m;;{T0_S};1;\nk;9;;{T0_S};1;\n"
        f"k;m_seconds;;{T0_S};;\n"
        "a;b;c;d;e;f;g\n"
        f"k;m_seconds;;{T0_S}.5;2;\n"
    ).encode() + b"k\xff;m_seconds;;1790006401;3;\n"
    found, said, refusals = read(csv(tmp_path, b"\xef\xbb\xbf" + text), labels=("who",))
    assert found == {
        ("k", "m_seconds", (("a", "1"), ("b", "2"), ("who", "me"))): [(T0_S, 1.5)],
        ("k", "m_seconds", ()): [(T0_S, 2)],
        ("k\N{REPLACEMENT CHARACTER}", "m_seconds", ()): [(T0_S + 1, 3)],
    }
    assert refusals.count == 7
    by_row = {int(one.split()[2].rstrip(":")): one for one in said[:7]}
    for row, part in {
        3: 'labels is "[1]"; expected a JSON object',
        4: 'has 2 columns ("too;few"); expected 6',
        5: 'time is "yesterday"; expected ISO 8601',
        6: 'value is "much"; expected a number',
        7: "component is empty",
        8: 'metric is "9"; expected a name',
        10: "has 7 columns",
    }.items():
        assert part in by_row[row]
    assert said[7:] == ["Times that are numbers were read as epoch ms.", "Times that are numbers were read as epoch s."]


def test_rows_refused_are_all_counted_and_twenty_are_shown(tmp_path: Path) -> None:
    _, said, refusals = read(csv(tmp_path, HEADER + "c,m,never,1\n" * 1000), chunk_rows=70)
    assert (refusals.count, len(said)) == (1000, 20)


@pytest.mark.parametrize(
    ("header", "options", "says"),
    [
        ("component,metric,value", {}, "expected component, metric, time and value (or avg), but time is not there"),
        ("metric,time,value", {}, "but component is not there"),
        ("component,metric,time,value,desk,note", {}, "--labels desk,note makes labels of them, --ignore desk,note"),
        ("component,metric,time,value", {"labels": ("desk",)}, "but desk is not there"),
        ("component,metric,ts,value", {"columns": (("time", "at"),)}, "but at is not there"),
        ("component,metric,time,value,time", {}, "has time more than once"),
    ],
)
def test_columns_that_are_not_understood_are_all_named(tmp_path: Path, header: str, options: dict, says: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read(csv(tmp_path, header + "\n"), **options)
    assert says in str(refused.value)
    assert str(refused.value).startswith("f.csv has ")


def test_columns_may_have_other_names(tmp_path: Path) -> None:
    path = csv(tmp_path, f"m,when,reading,junk\nload_ratio,{T0_S},0.5,x\n")
    columns = (("metric", "m"), ("time", "when"), ("value", "reading"))
    found, _, _ = read(path, component="h", columns=columns, ignored=("junk",))
    assert found == {("h", "load_ratio", ()): [(T0_S, 0.5)]}


def test_parquet_with_maps_dictionaries_and_pandas_times(tmp_path: Path) -> None:
    path = tmp_path / "f"
    table = pa.table(
        {
            "component": pa.array(["a", "b", "a"]).dictionary_encode(),
            "metric": ["m", "m", "m"],
            "labels": pa.array([[("x", "1")], None, [("x", "1")]], pa.map_(pa.string(), pa.string())),
            "time": pa.array(np.array([T0_S, T0_S + 1, T0_S + 2], "datetime64[s]").astype("datetime64[ns]")),
            "value": pa.array([1, None, 3], pa.int32()),
        }
    )
    pq.write_table(table, path, row_group_size=2)
    found, said, refusals = read(path, chunk_rows=2)
    assert found == {("a", "m", (("x", "1"),)): [(T0_S, 1), (T0_S + 2, 3)]}
    assert (said, refusals.count) == ([], 0)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"PK\x03\x04\x00\x00", "is neither text nor Parquet"),
        (b"PAR1 but no more", "begins like Parquet but cannot be read"),
        (json.dumps([{"component": "a", "metric": "b"}]).encode(), 'begins with "[{"component"'),
        (b"just a word\n", 'begins with "just a word"'),
        (gzip.compress(HEADER.encode() * 10_000)[:-20], "cannot be read"),
        (gzip.compress(b"PAR1xxxx", mtime=0), "unpack it first"),
    ],
)
def test_a_file_that_is_none_of_the_formats_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = csv(tmp_path, content, "thing")
    with pytest.raises(FileRefused) as refused:
        content_hash(path)
        read(path)
    assert says in str(refused.value)


def test_formats_are_told_by_content(tmp_path: Path) -> None:
    assert recognise(csv(tmp_path, "a\tb\tc\n1\t2\t3\n", "x.parquet")).delimiter == "\t"
    for line in ('up{a="b"} 1 5', "up 1", '{__name__="up"} 1 5', '{"u.p", a="b"} 1', "# a comment"):
        assert recognise(csv(tmp_path, line + "\n", "x.csv")).name == "prometheus"
