import pytest

from probes.result import Status
from probes.verdict import judge_all
from tests.probes.fakes import board_of, component, result, views

OK, WARNING, CRITICAL, UNKNOWN = Status.OK, Status.WARNING, Status.CRITICAL, Status.UNKNOWN


@pytest.mark.parametrize(
    ("states", "status", "sentence"),
    [
        ([], Status.OFF, "Nothing is configured yet."),
        ([("a", OK, ())], OK, "a is healthy."),
        ([("a", OK, ()), ("b", OK, ())], OK, "All 2 components are healthy."),
        ([("a", OK, ()), ("b", WARNING, ())], WARNING, "1 of 2 needs you: b is full."),
        ([("a", CRITICAL, ()), ("b", WARNING, ())], CRITICAL, "2 of 2 need you: a refuses connections."),
        (
            [("a", CRITICAL, ()), ("b", CRITICAL, ("a",)), ("c", OK, ())],
            CRITICAL,
            "2 of 3 need you: a refuses connections → b affected.",
        ),
        (
            [("a", CRITICAL, ()), *((name, WARNING, ("a",)) for name in "bcdef")],
            CRITICAL,
            "6 of 6 need you: a refuses connections → b, c, d and 2 more affected.",
        ),
        (
            [("a", OK, ()), ("b", UNKNOWN, ())],
            UNKNOWN,
            "1 of 2 components have no fresh data; nothing is known to be broken.",
        ),
    ],
)
def test_the_sentence_over_everything(
    states: list[tuple[str, Status, tuple[str, ...]]], status: Status, sentence: str
) -> None:
    verdict = judge_all(views(*states))
    assert (verdict.status, verdict.sentence) == (status, sentence)
    assert sum(verdict.counts.values()) == len(states)
    assert set(verdict.counts) == set(Status)


def test_the_first_checks() -> None:
    verdict = judge_all(board_of(component("a"), component("b")).views())
    assert (verdict.sentence, verdict.oldest_age_s) == ("The first checks are under way.", None)


def test_roots_come_first_and_what_they_explain_is_apart() -> None:
    verdict = judge_all(
        views(("web", WARNING, ("redis",)), ("redis", CRITICAL, ()), ("disk", WARNING, ()), ("host", OK, ()))
    )
    assert [view.name for view in verdict.roots] == ["redis", "disk"]
    assert [view.name for view in verdict.explained] == ["web"]
    assert [view.name for view in verdict.healthy] == ["host"]


def test_what_is_not_critical_to_the_desk_is_a_warning_at_most() -> None:
    board = board_of(component("a", critical=False), component("b"))
    board.publish(result("a", CRITICAL))
    board.publish(result("b", OK))
    verdict = judge_all(board.views())
    assert verdict.status == WARNING
    assert verdict.sentence == "1 of 2 needs you: a refuses connections."
    assert verdict.counts[CRITICAL] == 1
