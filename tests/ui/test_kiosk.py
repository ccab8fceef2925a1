"""What a wall is asked for, and where it turns."""

import pytest

from ui.kiosk import EVERY, Wall, next_page, parse_wall

KNOWN = ["overview", "trends", "kafka"]


def test_a_wall_without_wishes_shows_what_says_something_unasked() -> None:
    assert parse_wall({"kiosk": "1"}, [*KNOWN, "debug"]) == Wall(True, 30.0, ("overview", "kafka", "trends"))


@pytest.mark.parametrize("query", [{}, {"kiosk": "0"}, {"kiosk": "0", "every": "never", "pages": "nowhere"}])
def test_who_asks_for_no_wall_gets_none_and_no_complaint(query: dict[str, str]) -> None:
    wall = parse_wall(query, KNOWN)
    assert not wall.on
    assert wall.problems == ()


@pytest.mark.parametrize("every", ["banana", "30", "1s", "2h", "-5s", ""])
def test_a_pace_nobody_can_mean_is_explained_and_the_usual_one_taken(every: str) -> None:
    wall = parse_wall({"kiosk": "1", "every": every}, KNOWN)
    assert wall.every_s == 30.0
    (problem,) = wall.problems
    assert f'"every" is "{every}"' in problem
    assert "5 s to 1 h" in problem
    assert EVERY in problem


def test_pages_there_are_not_are_named_and_left_out() -> None:
    wall = parse_wall({"kiosk": "1", "pages": "kafka, moon,kafka,,trends"}, KNOWN)
    assert wall.pages == ("kafka", "trends")
    assert wall.problems == ('"pages" names "moon", which is no page. There are overview, trends, kafka.',)


def test_no_page_that_there_is_means_all() -> None:
    assert parse_wall({"kiosk": "1", "pages": "moon"}, KNOWN).pages == tuple(KNOWN)


def test_another_word_than_1_is_explained_and_no_wall() -> None:
    wall = parse_wall({"kiosk": "yes please"}, KNOWN)
    assert not wall.on
    assert wall.problems == ('"kiosk" is "yes please"; expected 1. Open ?kiosk=1 for a wall.',)


def test_every_page_has_its_turn() -> None:
    seen, page = [], "overview"
    for _ in KNOWN:
        following = next_page(KNOWN, page, critical=False)
        assert following is not None
        seen.append(following)
        page = following
    assert sorted(seen) == sorted(KNOWN)


@pytest.mark.parametrize(
    ("current", "expected"), [("overview", None), ("kafka", "overview"), ("elsewhere", "overview")]
)
def test_while_something_is_critical_the_overview_is_shown(current: str, expected: str | None) -> None:
    assert next_page(["trends", "kafka"], current, critical=True) == expected
