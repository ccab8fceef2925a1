from history.store import Store
from history.trends import timeline
from history.window import Window
from probes.result import Status
from tests.history.rows import T0_S, client_of, sampled, scope, write


def test_a_timeline_has_the_spans_and_the_proof_that_somebody_looked(store: Store) -> None:
    steps = [*range(0, 600, 10), *range(1800, 2400, 10)]
    statuses = {at_s: Status.CRITICAL if at_s >= 2000 else Status.OK for at_s in steps}
    write(store, (sampled(name, T0_S + at_s, status=statuses[at_s]) for at_s in steps for name in ("a", "b")))
    with client_of(store) as client:
        found = timeline(client, scope(store, T0_S + 2400), Window(T0_S, T0_S + 2400, 60), ("a",))
        empty = timeline(client, scope(store, T0_S + 2400), Window(T0_S - 600, T0_S - 60))
    assert [(span.component, span.status, span.start_s - T0_S) for span in found.spans] == [
        ("a", Status.OK, 0),
        ("a", Status.CRITICAL, 2000),
    ]
    assert found.observed == {"a": ((T0_S, T0_S + 600), (T0_S + 1800, T0_S + 2400))}
    assert (empty.spans, empty.observed) == ((), {})
