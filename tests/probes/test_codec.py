import json
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes import codec
from probes.codec import decode, encode
from probes.result import Finding, ProbeError, ProbeResult, Reading, Status, Table, labels
from tests.probes.fakes import result

words = st.text(max_size=8)
numbers = st.floats(allow_nan=False)
statuses = st.sampled_from(Status)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
label_sets = st.dictionaries(words, words, max_size=2).map(lambda pairs: labels(**pairs))
cells = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | numbers | words
results = st.builds(
    ProbeResult,
    component=words,
    kind=words,
    status=statuses,
    checked_at=moments,
    tick=moments,
    took_ms=numbers,
    latency_ms=st.none() | numbers,
    summary=words,
    error=st.none() | st.builds(ProbeError, words, words, words, statuses),
    readings=st.lists(st.builds(Reading, words, numbers, label_sets), max_size=3).map(tuple),
    findings=st.lists(
        st.builds(
            Finding,
            metric=words,
            status=statuses,
            message=words,
            hint=words,
            value=st.none() | numbers,
            threshold=st.none() | numbers,
            labels=label_sets,
        ),
        max_size=2,
    ).map(tuple),
    facts=st.dictionaries(words, words, max_size=2),
    tables=st.dictionaries(
        words,
        st.builds(
            Table,
            st.lists(words, max_size=2).map(tuple),
            st.lists(st.lists(cells, max_size=2).map(tuple), max_size=2).map(tuple),
        ),
        max_size=2,
    ),
    unavailable=st.lists(words, max_size=2).map(tuple),
    trial=st.booleans(),
)


@given(results)
def test_every_field_comes_back(given_result: ProbeResult) -> None:
    assert decode(encode(given_result)) == given_result
    assert decode(encode(given_result).encode()) == given_result


def test_every_field_is_written() -> None:
    assert set(json.loads(encode(result()))) == {field.name for field in fields(ProbeResult)} | {"format"}


def test_a_reading_that_is_no_number_comes_back_as_one() -> None:
    odd = replace(result(), readings=(Reading("m", float("nan")), Reading("m", float("inf"))))
    nan, infinite = (reading.value for reading in decode(encode(odd)).readings)
    assert nan != nan
    assert infinite == float("inf")


GOOD = json.loads(encode(result(status=Status.WARNING)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "[]",
        "3",
        "null",
        "{}",
        b"\xff\xfe\x00",
        pytest.param("[" * 100_000, id="nested too deep"),
        json.dumps({**GOOD, "format": codec.FORMAT + 1}),
        json.dumps({key: value for key, value in GOOD.items() if key != "format"}),
        *(json.dumps({key: value for key, value in GOOD.items() if key != missing}) for missing in GOOD),
        json.dumps({**GOOD, "status": "splendid"}),
        json.dumps({**GOOD, "checked_at": "yesterday"}),
        json.dumps({**GOOD, "checked_at": "2026-01-01T00:00:00"}),
        json.dumps({**GOOD, "tick": 3}),
        json.dumps({**GOOD, "tables": []}),
        json.dumps({**GOOD, "readings": [["a"]]}),
        json.dumps({**GOOD, "findings": 3}),
        json.dumps({**GOOD, "error": "x"}),
    ],
)
def test_what_is_no_result_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        decode(text)


@given(st.recursive(st.none() | st.text(max_size=4) | st.floats(), st.lists, max_leaves=4))
def test_no_value_of_a_known_key_does_worse_than_be_refused(value: object) -> None:
    for key in GOOD:
        try:
            decode(json.dumps({**GOOD, key: value}))
        except ValueError:
            continue
