"""Explore and Compare by Streamlit's own test harness, through the router, over a history of known facts."""

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from benchmarks.scenarios import free_port
from history.names import spell
from history.queries import comparing, exploring
from history.rows import SeriesKey
from probes.result import labels
from tests.history.rows import sampled, write
from tests.pages.history_only import history_only
from ui.state import Running

ROOT = Path(__file__).resolve().parents[2]
END_S = int(time.time()) // 60 * 60
START_S = END_S - 3600
RANGE = {"from": str(START_S), "to": str(END_S)}
GATE, APP = (SeriesKey(name, "tcp_connect_seconds") for name in ("gate", "app"))
ETH0, LO = (SeriesKey("gate", "network_receive_bytes_per_second", labels(interface=name)) for name in ("eth0", "lo"))
OLD = SeriesKey("old", "tcp_connect_seconds")
MANY = tuple(SeriesKey("gate", "network_rtt_seconds", labels(target=f"host-{n:02}:80")) for n in range(15))


@pytest.fixture(scope="module")
def recorded(chdb_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An hour: `gate` answers in 2 ms, half an hour later in 40 ms; `app` in 4 ms; `old` was seen nine days ago."""
    things = "".join(
        f'[[component]]\nkind = "tcp"\nname = "{name}"\naddress = "127.0.0.1:{free_port()}"\n'
        for name in ("gate", "app")
    )
    with history_only(tmp_path_factory.mktemp("config"), chdb_path, "pages_exploring", things) as started:
        write(started.monitor.store, (_gate(t) for t in range(START_S, END_S, 15)))
        write(started.monitor.store, (sampled("app", t, (APP.metric, 0.004, ())) for t in range(START_S, END_S, 15)))
        write(started.monitor.store, [sampled("old", START_S - 9 * 86400, (OLD.metric, 0.5, ()))])
        yield started


def _gate(at_s: int):
    latency_s = 0.040 if at_s >= START_S + 1800 else 0.002
    return sampled(
        "gate",
        at_s,
        (GATE.metric, latency_s, ()),
        *((key.metric, value, key.labels) for key, value in ((ETH0, 300.0), (LO, 100.0))),
        *((key.metric, 0.001, key.labels) for key in MANY),
    )


def opened(script: str, **query: str) -> AppTest:
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    page.run()
    for key, value in {**RANGE, **query}.items():
        page.query_params[key.replace("_", "-")] = value
    page.switch_page(f"pages/{script}.py").run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    return "\n".join(element.value for kind in (page.markdown, page.caption, page.info) for element in kind)


def charts(page: AppTest) -> int:
    return len(page.get("plotly_chart"))


def asked(page: AppTest, name: str) -> str:
    """What the address says of `name`."""
    found = page.query_params[name]
    return found if isinstance(found, str) else found[-1]


def field(page: AppTest, label: str):
    (found,) = [one for kind in (page.selectbox, page.multiselect) for one in kind if one.label.startswith(label)]
    return found


def test_an_empty_explore_offers_living_series_and_one_click_draws_them(recorded: Running) -> None:
    page = opened("explore")
    begin = [button for button in page.button if button.label.startswith("Connect time")]
    assert [button.label for button in begin] == ["Connect time – 2 series"]
    assert "app 4 ms · gate 40 ms" in words(page)
    begin[0].click().run()
    assert not page.exception
    assert asked(page, "series") == spell([APP, GATE])
    assert "Connect time** :gray[–] highest: gate" in words(page)


def test_an_empty_explore_lists_saved_views(recorded: Running) -> None:
    recorded.monitor.notes.save_view("Gate [slow]", "explore", f"series={spell([GATE])}&from=now-1h&to=now")
    recorded.monitor.notes.save_view("Gone", "no_such_page", "")
    links = {link.proto.label: parse_qs(link.proto.query_string) for link in opened("explore").get("page_link")}
    assert [label for label in links if "Gate" in label] == [r"Gate \[slow\]"]
    assert links[r"Gate \[slow\]"]["series"] == [spell([GATE])]
    assert not [label for label in links if "Gone" in label]


def test_a_search_finds_and_says_how_many(recorded: Running) -> None:
    page = opened("explore", q="received eth0")
    assert "**Series found** :gray[–] 1" in words(page)
    (table,) = [frame.value for frame in page.dataframe]
    assert table["Series"].tolist() == ["Received · eth0"]
    assert table["Last"].tolist() == ["300 B/s"]
    assert 'No series has "laag" in its name' in words(opened("explore", q="gate laag"))
    assert "**Series found** :gray[–] 15" in words(opened("explore", metric="network_rtt_seconds"))


def test_series_of_one_unit_share_a_chart_and_the_figures_are_below(recorded: Running) -> None:
    page = opened("explore", series=spell([GATE, APP, ETH0]))
    assert "Connect time** :gray[–] highest" in words(page)
    assert "gate · Received · eth0** :gray[–] 300 B/s at all times" in words(page)
    table = page.dataframe[-1].value
    assert table["Component"].tolist() == ["gate", "app", "gate"]
    assert table[["Min", "Max", "Last", "Samples"]].iloc[0].tolist() == ["2 ms", "40 ms", "40 ms", 240]


def test_a_group_of_all_series_of_a_metric(recorded: Running) -> None:
    page = opened("explore", series=spell([ETH0]), by="all", over="metric")
    assert "of 2 series" in words(page)
    assert page.dataframe[-1].value["Max"].tolist() == ["400 B/s"]


def test_a_function_is_drawn_and_told_and_what_it_leaves_out_is_said(recorded: Running) -> None:
    page = opened("explore", series=spell([GATE, ETH0]), function="rate")
    assert "gate · Connect time, rate per second" in words(page)
    assert "Rate per second leaves out eth0: it is a rate already." in words(page)


def test_a_series_is_taken_away_and_a_function_chosen_in_one_step_each(recorded: Running) -> None:
    page = opened("explore", series=spell([GATE, APP]))
    field(page, "Drawn").unselect(GATE).run()
    assert asked(page, "series") == spell([APP])
    field(page, "Function").select("index").run()
    assert asked(page, "function") == "index"
    assert "index, start = 100" in words(page)
    field(page, "Function").select("recorded").run()
    assert "function" not in page.query_params


def test_more_series_than_can_be_told_apart_are_refused_in_words(recorded: Running) -> None:
    page = opened("explore", series=spell(MANY))
    assert "The link names 15 series; at most 12 are drawn, the first ones." in words(page)
    assert not page.exception


def test_nonsense_and_what_is_not_there_are_explained(recorded: Running) -> None:
    unknown = SeriesKey("nobody", "nothing")
    page = opened("explore", series=f"banana,{spell([OLD, unknown])}", function="banana", component="nobody")
    text = words(page)
    for sentence in (
        '"banana" names no series',
        '"function" is "banana"',
        "nobody · nothing is not in the history",
        "old · Connect time has stopped: its last sample is of",
        "No series matches of component",
        "Nothing of these series was recorded in this range.",
    ):
        assert sentence in text, sentence


def test_explore_leads_to_compare_with_the_same_thing_and_range(recorded: Running) -> None:
    page = opened("explore", series=spell([GATE]))
    (link,) = [link.proto for link in page.get("page_link") if link.proto.label == "Compare"]
    query = parse_qs(link.query_string)
    assert (query["component"], query["metric"], query["from"]) == (["gate"], [GATE.metric], [RANGE["from"]])


def test_two_components_side_by_side(recorded: Running) -> None:
    page = opened("compare", component="gate", against="component", other="app", metric=GATE.metric)
    text = words(page)
    assert "Connect time** :gray[–] A 21 ms on average, B 4 ms" in text
    assert "A less B** :gray[–] 17 ms on average, at most 36 ms" in text
    figures = next(frame.value for frame in page.dataframe if "Samples" in frame.value.iloc[:, 0].tolist())
    assert figures[figures.iloc[:, 0] == "Average"]["A beside B"].tolist() == ["5.25 times as much"]


def test_a_limit_that_leaves_series_out_is_said_wherever_it_does(recorded: Running) -> None:
    with pytest.MonkeyPatch.context() as limited:
        for limit in ((comparing, "MOST", 5), (comparing, "MAX_SERIES", 13), (exploring, "MOST_LISTED", 1)):
            limited.setattr(*limit)
        recorded.monitor.reader.outdate()
        page = opened("compare", component="gate", metric=MANY[0].metric, to=str(END_S - 60))
        found = words(opened("explore", q="gate"))
    recorded.monitor.reader.outdate()
    text = words(page)
    assert "the first 13 of 15 series: Explore finds each by a part of its name" in text
    assert "the highest 12 of 13 series" in text
    assert "Compared are of A the first 5 of 20 series and of B the first 5 of 20 series, some of each metric" in text
    titles = next(frame.value for frame in page.dataframe if "p95 A" in frame.value)["Series"]
    assert len({title.partition(" · ")[0] for title in titles}) == 4, titles
    assert "the most frequent 1 of 3 components: a configured one is always there" in text
    assert "the most frequent 1 of 5 metrics: the search finds each by a part of its name" in found


def test_two_ranges_side_by_side_and_a_range_typed_by_hand(recorded: Running) -> None:
    halves = {"from": str(START_S + 1800), "to": str(END_S), "metric": GATE.metric, "component": "gate"}
    text = words(opened("compare", **halves))
    assert "Connect time** :gray[–] A 40 ms on average, B 2 ms" in text
    page = opened("compare", **halves, against="range")
    (typed,) = [one for one in page.text_input if one.label == "Other range"]
    typed.set_value("banana").run()
    assert "banana" in words(page)
    assert "other-from" not in page.query_params
    (typed,) = [one for one in page.text_input if one.label == "Other range"]
    typed.set_value("1h").run()
    assert asked(page, "other-from") == "now-1h"


def test_compare_explains_nonsense_and_a_side_without_samples(recorded: Running) -> None:
    text = words(opened("compare", component="nobody", metric="banana"))
    assert '"component" is "nobody", and there is no such component here; this is gate.' in text
    assert "Neither side has any banana in its range." in text
    text = words(opened("compare", component="gate", metric=GATE.metric))
    assert "nothing of B was recorded: this is A alone" in text
