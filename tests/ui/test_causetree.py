import pytest

from probes.cache import ComponentView
from probes.causes import linked
from probes.result import Finding, ProbeResult, Status
from tests.probes.fakes import NOW_S, board_of, component, result, views
from ui import causetree

OK, WARNING, CRITICAL = Status.OK, Status.WARNING, Status.CRITICAL


def named(found: tuple[ComponentView, ...], name: str) -> ComponentView:
    return next(view for view in found if view.name == name)


def said(metric: str) -> str:
    return metric.replace("_", " ")


def broken(name: str, *findings: tuple[str, Status]) -> ProbeResult:
    """A result of which these metrics are found."""
    told = result(name)
    made = linked(
        [Finding(metric=m, status=s, message=f"{said(m)} is bad.", hint=f"Mend {said(m)}.") for m, s in findings]
    )
    object.__setattr__(told, "findings", made)
    object.__setattr__(told, "status", max((f.status for f in made), key=lambda status: status.rank))
    return told


@pytest.fixture
def kafka() -> tuple[ComponentView, ...]:
    """A broker is gone, partitions are offline for it, and a consumer is behind for that."""
    board = board_of(
        component("kafka"), component("tape", depends_on=("kafka",)), component("web", depends_on=("tape",))
    )
    chain = [("kafka_group_lag_seconds", WARNING), ("kafka_partitions_offline", CRITICAL), ("kafka_brokers", WARNING)]
    board.publish(broken("kafka", *chain, ("kafka_ping_seconds", WARNING)))
    board.publish(result("tape", CRITICAL))
    board.publish(result("web", WARNING))
    return board.views()


def test_the_tree_runs_from_the_cause_through_its_findings_to_other_components(
    kafka: tuple[ComponentView, ...],
) -> None:
    assert causetree.markdown(named(kafka, "kafka"), kafka) == (
        "\n\n"
        "- :red[■ critical] → kafka partitions offline is bad.\n"
        "    - :orange[▲ warning] → kafka group lag seconds is bad.\n"
        "- :orange[▲ warning] :gray[also] kafka ping seconds is bad.\n"
        "- :red[■ critical] → **tape** :gray[needs it:] tape refuses connections.\n"
        "    - :orange[▲ warning] → **web** :gray[needs it:] web is full."
    )


def test_the_whole_begins_with_what_the_root_says(kafka: tuple[ComponentView, ...]) -> None:
    lines = causetree.whole(kafka).splitlines()
    assert lines[0] == "- :red[■ critical] **kafka** kafka brokers is bad."
    assert lines[1] == "    - :red[■ critical] → kafka partitions offline is bad."
    assert len(lines) == 6


def test_a_page_of_one_kind_has_the_hints(kafka: tuple[ComponentView, ...]) -> None:
    assert causetree.findings(named(kafka, "kafka"), hints=True)[0] == (
        "- :red[■ critical] → kafka partitions offline is bad. :gray[Mend kafka partitions offline.]"
    )


def test_nothing_follows_from_what_stands_alone() -> None:
    found = views(("a", CRITICAL, ()), ("b", OK, ("a",)))
    assert causetree.markdown(found[0], found) == ""
    assert causetree.whole(found) == ""
    assert causetree.put_down(found[0]) == ""


def test_a_component_with_two_causes_stands_below_both_and_what_follows_from_it_once() -> None:
    found = views(("a", CRITICAL, ()), ("b", CRITICAL, ()), ("c", CRITICAL, ("a", "b")), ("d", WARNING, ("c",)))
    assert causetree.markdown(found[0], found).count("**d**") == 1
    assert causetree.markdown(found[1], found) == (
        "\n\n- :red[■ critical] → **c** :gray[needs it:] c refuses connections."
    )
    assert causetree.put_down(found[3]) == ":gray[Put down to] a, b"


def test_many_consequences_are_counted() -> None:
    found = views(("a", CRITICAL, ()), *((f"c{at}", WARNING, ("a",)) for at in range(9)))
    lines = causetree.markdown(found[0], found).strip().splitlines()
    assert len(lines) == causetree.MOST + 1
    assert lines[-1] == "- :gray[and 3 more]"


def test_what_was_seen_is_said() -> None:
    board = board_of(component("a"), component("b"))
    for name in "ab":
        silent = result(name, CRITICAL, NOW_S)
        assert silent.error is not None
        object.__setattr__(silent.error, "code", "dns_timeout")
        board.publish(silent)
    assert causetree.put_down(board.views()[1]) == ":gray[Put down to] a :gray[(it asks the same silent DNS server)]"
