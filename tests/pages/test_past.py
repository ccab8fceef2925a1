"""The Overview and Services at past moments, by Streamlit's own test harness over a history of known facts."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from benchmarks.scenarios import free_port
from probes.result import Status, utc
from tests.history.rows import sampled, write
from tests.pages.history_only import history_only
from tests.probes.listeners import eventually
from ui.state import Running, running

ROOT = Path(__file__).resolve().parents[2]
MIN_S, HOUR_S = 60, 3600
T0_S = int(time.time()) // HOUR_S * HOUR_S - 48 * HOUR_S
DOWN_S, UP_S = T0_S + 30 * MIN_S, T0_S + 45 * MIN_S
JOINS_S = T0_S + HOUR_S
HOLE_S = (T0_S + 2 * HOUR_S, T0_S + 3 * HOUR_S)
END_S = T0_S + 4 * HOUR_S


@pytest.fixture(scope="module")
def past(chdb_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`gate` was down for a while and `app`, which needs it, with it; `late` joined later; then nobody looked."""
    things = "".join(
        f'[[component]]\nkind = "tcp"\nname = "{name}"\naddress = "127.0.0.1:{free_port()}"\n{more}\n'
        for name, more in (("gate", ""), ("app", 'depends_on = ["gate"]'), ("late", ""))
    )
    with history_only(tmp_path_factory.mktemp("config"), chdb_path, "pages_past", things) as started:
        store = started.monitor.store
        ticks = [t for t in range(T0_S, END_S, 30) if not HOLE_S[0] <= t < HOLE_S[1]]
        for name, reason in (("gate", "Nobody listens at the gate."), ("app", "The app does not answer.")):
            write(store, (_looked(name, reason, t) for t in ticks))
        write(store, (sampled("late", t) for t in ticks if t >= JOINS_S))
        yield started


def _looked(name: str, reason: str, at_s: int):
    down = DOWN_S <= at_s < UP_S
    figure = ("tcp_connect_seconds", 0.002, ())
    return sampled(name, at_s, *(() if down else (figure,)), status=Status.CRITICAL if down else Status.OK,
                   summary=reason if down else "fine")  # fmt: skip


def shown(script: str = "overview", **query: str) -> AppTest:
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)
    page.switch_page(f"pages/{script}.py")
    for key, value in query.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.info, page.warning, page.error, page.subheader)
    return "\n".join(element.value for kind in kinds for element in kind)


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def _is_disabled(page: AppTest, label: str) -> bool:
    return next(button for button in page.button if button.label == label).disabled


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception
    return page


def test_the_stack_as_it_was_with_its_root_cause(past: Running) -> None:
    page = shown(at=str(DOWN_S + 5 * MIN_S))
    text = words(page)
    assert "**This is the past**" in text
    assert "2 of 3 need you: Nobody listens at the gate → app affected." in text
    assert "→ **app** :gray[needs it:]" in text
    assert re.search(r"gate.*ok.* → .*critical.*5 min before", text)
    assert len(page.metric) == 3
    assert all("PAST" in metric.label for metric in page.metric)
    assert "next ● ok at" in text
    assert "Not observed at this moment" in text  # `late`, which was not there yet
    assert "Check now" not in labels(page)
    assert "End of the page as it stood on" in text


def test_a_quiet_moment_shows_the_figures_of_then(past: Running) -> None:
    page = shown(at=str(T0_S + 10 * MIN_S + 3))
    assert [metric.value for metric in page.metric] == ["—", "2 ms", "2 ms"]  # the worst first: `late` is unknown
    assert "seen 3 s before" in words(page)


def test_changes_are_walked_and_now_is_a_step_away(past: Running) -> None:
    page = shown(at=str(T0_S + 10 * MIN_S))
    assert eventually(lambda: _is_disabled(page.run(), "Previous change"), 20)  # as soon as it is known
    press(page, "Next change")
    assert page.query_params["at"] == str(DOWN_S)
    press(page, "Next change")
    assert page.query_params["at"] == str(UP_S)
    assert "Nothing is known to have been wrong." in words(page)
    press(page, "Previous change")
    assert page.query_params["at"] == str(DOWN_S)
    press(page, "+10 min")
    assert page.query_params["at"] == str(DOWN_S + 600)
    press(page, "Back to now")
    assert "at" not in page.query_params
    assert "This is the past" not in words(page)
    assert "Time machine" in labels(page)


def test_the_time_machine_opens_from_the_present(past: Running) -> None:
    page = press(shown(), "Time machine")
    assert "**This is the past**" in words(page)
    assert "Back to now" in labels(page)


def test_a_moment_nobody_looked_at_is_unknown_and_leads_to_the_looks_around_it(past: Running) -> None:
    page = shown(at=str(HOLE_S[0] + 20 * MIN_S))
    text = words(page)
    assert "Nobody was looking at this moment" in text
    assert "3 of 3 components have no fresh data" in text
    assert [metric.value for metric in page.metric] == ["—"] * 3
    assert all("unknown · was ok" in metric.label for metric in page.metric)
    assert "are healthy" not in text
    press(page, "To the next look")
    assert page.query_params["at"] == str(HOLE_S[1])
    assert "All 3 components are healthy." in words(page)


def test_before_the_first_record_the_way_leads_to_it(past: Running) -> None:
    page = shown(at=str(T0_S - HOUR_S))
    assert "Nothing is on record of this moment: the history begins later" in words(page)
    press(page, "To the first record after it")
    assert page.query_params["at"] == str(T0_S)
    assert "2 of 2" not in words(page)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("banana", '"at" is "banana"; expected a moment such as'),
        ("", '"at" is ""; expected'),
        ("9" * 300, '"at" is "9999'),
        ("2085-01-01T00:00:00Z", "is not past yet"),
        ("now+2h", "is not past yet"),
    ],
)
def test_a_moment_nobody_can_mean_is_explained_over_the_present(past: Running, text: str, said: str) -> None:
    page = shown(at=text)
    assert any(said in warning.value for warning in page.warning), words(page)
    assert "This is the past" not in words(page)


def test_a_typed_moment_is_understood_or_refused_in_a_sentence(past: Running) -> None:
    page = shown(at=str(DOWN_S))
    page.text_input(key="typed moment").input("half past never").run()
    assert any('"half past never"' in warning.value for warning in page.warning)
    assert page.query_params["at"] == str(DOWN_S)
    page.text_input(key="typed moment").input(str(UP_S)).run()
    assert page.query_params["at"] == str(UP_S)
    page.text_input(key="typed moment").input("2080-01-01 10:00").run()
    assert any("is not past yet" in warning.value for warning in page.warning)


def test_the_scrubber_stops_at_every_change(past: Running) -> None:
    page = shown(at=str(DOWN_S + 60), **{"from": str(T0_S), "to": str(T0_S + HOUR_S)})
    scrubber = page.select_slider[0]
    assert scrubber.value == DOWN_S + 60
    local = utc(UP_S).astimezone(past.monitor.settings.app.zone)
    assert f"{local:%H:%M}" in scrubber.options
    scrubber.set_value(UP_S).run()
    assert page.query_params["at"] == str(UP_S)


def test_services_show_the_table_and_the_dependencies_of_then(past: Running) -> None:
    page = shown("services", at=str(DOWN_S + 60))
    table = page.dataframe[0].value
    assert list(table["Component"]) == ["gate", "app", "late"]
    assert list(table["Status"]) == ["■ critical", "■ critical", "◇ unknown"]
    assert list(table["Put down to"]) == ["", "gate", ""]
    assert table["Next"][0].startswith("● ok at")
    assert "This is the past" in words(page)


def test_without_a_history_the_past_says_so_and_the_way_back_is_there(
    past: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "tapewatch.toml"
    config.write_text(f'[history]\ndsn = "clickhouse://127.0.0.1:{free_port()}"\n')
    monkeypatch.setenv("TAPEWATCH_CONFIG", str(config))
    st.cache_resource.clear()
    store = running().monitor.store
    store.start()
    assert eventually(lambda: store.state.error is not None, 30)
    page = shown(at=str(DOWN_S))
    store.stop()
    st.cache_resource.clear()
    assert "This moment cannot be shown now" in words(page)
    assert "Back to now" in labels(page)
