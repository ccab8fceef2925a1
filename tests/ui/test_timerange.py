"""The range of a page as its URL has it: driven through Streamlit's own harness, on a Tuesday morning."""

from datetime import date
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from settings import App
from tests.history.exchange import november, wall_s
from ui import rangecontrol, timerange

NOW_S = wall_s(date(2026, 11, 24), 10, 15)


@pytest.fixture(autouse=True)
def desk(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A process whose calendar is read, and a clock that stands still."""
    book = SimpleNamespace(known=november(), why_not="The calendar of NYSE is being read; this takes a few seconds.")
    monitor = SimpleNamespace(sessions=book, settings=SimpleNamespace(app=App.model_validate({})))
    for module in (timerange, rangecontrol):
        monkeypatch.setattr(module, "monitor", lambda: monitor)
        monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: NOW_S + 0.5))
    return monitor


def script() -> None:
    import streamlit as st

    from ui import rangecontrol, timerange

    if "held" in st.session_state:
        timerange.hold()
    rangecontrol.control()
    rangecontrol.complain()
    st.json({**timerange.absolute(), "words": timerange.words(), "clock": timerange.zone().key})


def page(**query: str) -> AppTest:
    opened = AppTest.from_function(script)
    for key, value in query.items():
        opened.query_params[key.rstrip("_")] = value
    return run(opened)


def run(opened: AppTest) -> AppTest:
    """Run the script; what is behind the range is open, as for somebody who is about to choose there."""
    opened.session_state["behind range"] = True
    return opened.run()


def url(opened: AppTest) -> dict[str, str]:
    assert not opened.exception
    values = {key: opened.query_params[key] for key in opened.query_params}
    return {key: value if isinstance(value, str) else value[0] for key, value in values.items()}


def said(opened: AppTest) -> str:
    return "\n".join(element.value for kind in (opened.warning, opened.caption) for element in kind)


def press(opened: AppTest, key: str) -> AppTest:
    opened.button(key=key).click()
    return run(opened)


def typed(opened: AppTest, text: str) -> AppTest:
    opened.text_input[0].input(text)
    return run(opened)


def test_a_range_that_ends_now_is_live_and_has_no_later() -> None:
    opened = page(from_="now-6h", to="now")
    assert opened.button(key="later").disabled
    assert not [button for button in opened.button if button.key in {"follow", "back"}]
    opened = page(from_="session-1", to="session-1")
    assert not opened.button(key="later").disabled
    assert opened.button(key="follow")


def test_earlier_and_later_by_the_length_of_the_range_and_at_last_live_again() -> None:
    opened = press(page(from_="now-6h", to="now"), "earlier")
    assert url(opened) == {"from": str(NOW_S - 12 * 3600), "to": str(NOW_S - 6 * 3600)}
    assert url(press(opened, "later")) == {"from": "now-6h", "to": "now"}


def test_sessions_are_moved_by_sessions() -> None:
    opened = press(page(from_="session-2", to="session"), "earlier")
    assert url(opened) == {"from": "session-5", "to": "session-3"}
    assert url(press(opened, "later")) == {"from": "session-2", "to": "session"}
    assert url(press(page(from_="preopen", to="preopen"), "earlier")) == {"from": "preopen-1", "to": "preopen-1"}
    assert url(press(page(from_="session-1", to="session-1"), "later")) == {"from": "session", "to": "session"}


def test_sessions_before_the_calendar_are_moved_by_time() -> None:
    opened = press(page(from_="session-4", to="session"), "earlier")
    assert int(url(opened)["to"]) == wall_s(date(2026, 11, 18), 9, 30)


def test_follow_is_as_long_a_range_that_ends_now() -> None:
    opened = press(page(from_="1790000000", to="1790005400"), "follow")
    assert url(opened) == {"from": "now-90m", "to": "now"}
    assert url(press(opened, "back")) == {"from": "1790000000", "to": "1790005400"}


def test_zooming_out_doubles_the_range() -> None:
    assert url(press(page(from_="now-6h", to="now"), "zoom out")) == {"from": "now-12h", "to": "now"}
    out = press(page(from_="1790000000", to="1790003600"), "zoom out")
    assert url(out) == {"from": "1789998200", "to": "1790005400"}


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("90d", {"from": "now-90d", "to": "now"}),
        ("last 5 sessions", {"from": "session-4", "to": "session"}),
        (
            "yesterday 09:30..10:00",
            {"from": str(wall_s(date(2026, 11, 23), 9, 30)), "to": str(wall_s(date(2026, 11, 23), 10))},
        ),
    ],
)
def test_a_typed_range_is_the_pages(text: str, query: dict[str, str]) -> None:
    opened = typed(page(), text)
    assert url(opened) == query
    assert opened.text_input[0].value == ""


def test_a_typed_time_is_of_the_pages_clock() -> None:
    opened = typed(page(zone="Europe/Berlin"), "yesterday 15:30..16:00")
    assert url(opened)["from"] == str(wall_s(date(2026, 11, 23), 9, 30))


def test_what_cannot_be_meant_is_said_beside_the_field_and_changes_nothing() -> None:
    opened = typed(page(from_="now-6h", to="now"), "banana")
    assert url(opened) == {"from": "now-6h", "to": "now"}
    assert '"banana" is no time range; write for example 6h' in said(opened)
    assert "banana" not in said(typed(opened, "7d"))
    assert '"to" must be later than "from"' in said(typed(page(), "now-1h..now-2h"))


def test_presets_of_the_desk() -> None:
    opened = press(page(), "NYSE sessions:Today's session")
    assert url(opened) == {"from": "session", "to": "session"}
    assert opened.button(key="NYSE sessions:Today's session").icon == ":material/check:"
    assert not opened.button(key="Last:6 h").icon
    assert url(press(opened, "Last:7 d")) == {"from": "now-7d", "to": "now"}


def test_the_text_of_a_range_before_is_not_taken_again() -> None:
    opened = typed(page(), "90d")
    field = opened.text_input[0]
    assert field.key == "typed:1"
    assert url(press(opened, "earlier"))["to"] != "now"


def test_until_the_calendar_is_read_the_control_says_so(desk: SimpleNamespace) -> None:
    desk.sessions.known = None
    opened = page(from_="session", to="session", hours="trading")
    assert "The calendar of NYSE is being read" in said(opened)
    assert "Until then this is the last 6 h." in said(opened)
    assert "All hours are shown until the calendar of the exchange is read." in said(opened)


def test_the_clock_and_the_hours_are_in_the_url_and_the_usual_ones_are_not() -> None:
    opened = page()
    assert url(press(opened, "Clock:UTC")) == {"zone": "UTC"}
    assert url(press(opened, "Clock:America/New_York (desk, NYSE)")) == {}
    assert url(press(opened, "Hours on charts:Trading hours")) == {"hours": "trading"}
    assert url(press(opened, "Hours on charts:All hours")) == {}


def test_nonsense_in_a_link_is_explained() -> None:
    opened = page(from_="banana", zone="Mars/Olympus", hours="all night")
    assert '"from" is "banana"' in said(opened)
    assert "Showing the last 6 h instead." in said(opened)
    assert '"zone" is "Mars/Olympus"; expected an IANA time zone' in said(opened)
    assert '"hours" is "all night"; expected "trading" or "extended"' in said(opened)
    assert '"clock":"America/New_York"' in opened.json[0].value.replace(" ", "")


def test_a_drawing_with_the_address_of_before_a_change_keeps_to_the_change() -> None:
    opened = page(from_="now-6h", to="now", zone="Asia/Tokyo")
    press(opened, "earlier")
    changed = url(opened)
    opened.query_params.clear()
    for key, value in {"from": "now-6h", "to": "now", "component": "kafka", "hours": "trading"}.items():
        opened.query_params[key] = value
    opened.session_state["held"] = True
    run(opened)
    assert url(opened) == {**changed, "component": "kafka"}


def test_without_a_change_the_address_is_what_is_meant() -> None:
    opened = page(from_="now-6h", to="now", component="kafka")
    opened.session_state["held"] = True
    assert url(run(opened)) == {"from": "now-6h", "to": "now", "component": "kafka"}


def test_a_link_for_good_has_both_ends_and_keeps_the_rest() -> None:
    opened = page(from_="session", to="session", zone="UTC", component="kafka")
    assert f'"from":"{wall_s(date(2026, 11, 24), 9, 30)}"' in opened.json[0].value.replace(" ", "")
    for part in ('"zone":"UTC"', '"component":"kafka"', '"words":"today\'ssession"'):
        assert part in opened.json[0].value.replace(" ", "")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"from_": "now+1h", "to": "now+2h"}, "This range has not begun yet"),
        ({"from_": "2026-11-26", "to": "2026-11-26T20:00", "hours": "trading"}, "NYSE has no trading hours in this"),
        ({"from_": "2026-11-27", "to": "2026-11-28"}, "Fri 27 Nov is a half day: NYSE closes at 13:00."),
        ({"from_": "now-365d", "to": "now", "hours": "trading"}, "All hours are shown"),
    ],
)
def test_what_a_range_is_like_is_said(query: dict[str, str], sentence: str) -> None:
    assert sentence in said(page(**query))
