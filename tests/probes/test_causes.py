import time

from hypothesis import given
from hypothesis import strategies as st

from probes.causes import Cause, Explanation, find_causes
from probes.result import Status

OK, WARNING, CRITICAL, UNKNOWN, OFF = Status.OK, Status.WARNING, Status.CRITICAL, Status.UNKNOWN, Status.OFF


def explained(*graph: tuple[str, Status, str]) -> dict[str, Explanation]:
    """Components as (name, status, names it depends on, separated by blanks)."""
    return find_causes(Cause(name, status, tuple(needs.split())) for name, status, needs in graph)


def test_a_chain_is_put_down_to_its_root() -> None:
    found = explained(("host", CRITICAL, ""), ("kafka", CRITICAL, "host"), ("tape", WARNING, "kafka"))
    assert found == {
        "host": Explanation((), ("kafka", "tape")),
        "kafka": Explanation(("host",), ()),
        "tape": Explanation(("host",), ()),
    }


def test_a_chain_is_broken_by_a_link_that_is_well() -> None:
    found = explained(("host", CRITICAL, ""), ("kafka", OK, "host"), ("tape", CRITICAL, "kafka"))
    assert found["tape"] == Explanation((), ())
    assert found["host"].explains == ()


def test_a_diamond_names_its_root_once() -> None:
    found = explained(
        ("host", CRITICAL, ""), ("a", CRITICAL, "host"), ("b", CRITICAL, "host"), ("tape", CRITICAL, "a b")
    )
    assert found["tape"].caused_by == ("host",)
    assert found["host"].explains == ("a", "b", "tape")


def test_two_roots_in_the_order_of_the_dependencies() -> None:
    found = explained(("redis", CRITICAL, ""), ("kafka", CRITICAL, ""), ("tape", UNKNOWN, "kafka redis"))
    assert found["tape"].caused_by == ("kafka", "redis")


def test_only_a_critical_dependency_explains() -> None:
    for status in (OK, WARNING, UNKNOWN, OFF):
        assert explained(("root", status, ""), ("leaf", CRITICAL, "root"))["leaf"].caused_by == ()


def test_what_is_well_or_off_needs_no_explanation() -> None:
    for status in (OK, OFF):
        assert explained(("root", CRITICAL, ""), ("leaf", status, "root"))["leaf"].caused_by == ()


def test_a_dependency_that_is_no_component_is_passed_over() -> None:
    assert explained(("leaf", CRITICAL, "nobody"))["leaf"] == Explanation((), ())


def test_forty_layers_of_diamonds_take_no_time() -> None:
    layers = [("l0a", CRITICAL, ""), ("l0b", CRITICAL, "")]
    layers += [(f"l{n}{side}", CRITICAL, f"l{n - 1}a l{n - 1}b") for n in range(1, 40) for side in "ab"]
    started_s = time.monotonic()
    assert explained(*layers)["l39a"].caused_by == ("l0a", "l0b")
    assert time.monotonic() - started_s < 5


@given(st.data())
def test_every_cause_is_a_critical_root_above_it(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 7))
    nodes = [
        Cause(
            str(index),
            data.draw(st.sampled_from(Status)),
            tuple(map(str, data.draw(st.sets(st.integers(0, index - 1)) if index else st.just(set())))),
        )
        for index in range(count)
    ]
    status = {node.name: node.status for node in nodes}
    above: dict[str, set[str]] = {}
    for node in nodes:
        above[node.name] = {other for need in node.depends_on for other in (need, *above[need])}
    found = find_causes(nodes)
    for node in nodes:
        causes = found[node.name].caused_by
        assert set(causes) <= above[node.name]
        assert all(status[cause] == CRITICAL and found[cause].caused_by == () for cause in causes)
        troubled = node.status in {WARNING, CRITICAL, UNKNOWN}
        assert bool(causes) == (troubled and any(status[need] == CRITICAL for need in node.depends_on))
        assert all(node.name in found[cause].explains for cause in causes)
