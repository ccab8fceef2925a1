"""Names of series: what is written is read back, and nonsense is said."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.names import MOST_CHARACTERS, read_names, spell
from history.rows import SeriesKey
from probes.result import labels

TEXT = st.text(max_size=12) | st.sampled_from(["/", "a,b", 'say "so"', "{x}", "C:\\", " end ", "a=b", "127.0.0.1:80"])
LABELS = st.dictionaries(TEXT, TEXT, max_size=3).map(lambda pairs: tuple(sorted(pairs.items())))
KEYS = st.builds(SeriesKey, TEXT, TEXT, LABELS)


@given(st.lists(KEYS, max_size=5, unique=True))
def test_what_is_written_is_read_back(keys: list[SeriesKey]) -> None:
    assert read_names(spell(keys)) == (tuple(keys), ())


@given(st.text(max_size=60) | st.text('/{}=,"\\ ab', max_size=60))
def test_any_text_is_read_or_said_to_be_nonsense(text: str) -> None:
    keys, problems = read_names(text)
    assert read_names(spell(keys))[0] == keys
    assert all("names no series" in problem for problem in problems)
    assert keys or problems or not "".join(text.split(",")).strip()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("kafka/kafka_brokers", SeriesKey("kafka", "kafka_brokers")),
        ("kafka/kafka_brokers{}", SeriesKey("kafka", "kafka_brokers")),
        (" host:web1 / host_cpu_ratio ", SeriesKey("host:web1", "host_cpu_ratio")),
        (
            "net/network_rtt_seconds{target=127.0.0.1:6379, zone=a=b}",
            SeriesKey("net", "network_rtt_seconds", labels(target="127.0.0.1:6379", zone="a=b")),
        ),
        ("h/disk{mount=/}", SeriesKey("h", "disk", labels(mount="/"))),
        ('h/disk{mount="",a="x\\"y"}', SeriesKey("h", "disk", labels(a='x"y', mount=""))),
    ],
)
def test_a_name_written_by_hand(text: str, key: SeriesKey) -> None:
    assert read_names(text) == ((key,), ())


@pytest.mark.parametrize("part", ["kafka", "/", "a/b/c", "a/b{", "a/b{c}", "a/b{c=d", 'a/"b', "a/b{c=1,c=2}", "a/b}c"])
def test_nonsense_is_named_and_the_rest_is_read(part: str) -> None:
    keys, problems = read_names(f"redis/redis_keys,{part}")
    assert keys[:1] == (SeriesKey("redis", "redis_keys"),)
    assert len(problems) == 1
    assert part in problems[0]


def test_a_series_named_twice_is_there_once() -> None:
    assert len(read_names("a/b,a/b{},a/b")[0]) == 1


@pytest.mark.parametrize("text", ['"' * 20_000, "{" * 20_000, "\\" * 20_000, 'a/b{"' * 4_000, '{"' * 10_000])
def test_a_hostile_link_costs_no_time(text: str) -> None:
    started_s = time.perf_counter()
    read_names(text[:MOST_CHARACTERS])
    assert time.perf_counter() - started_s < 1
