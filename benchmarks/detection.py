"""How soon trouble is named, and its end seen: a broker of three under load, and every fault of the fault matrix.

The services, their load and their faults are those of the tests; here they are measured, and kept. Keys:
`broker_named_s`, `broker_counted_s`, `broker_back_s`, each the worst of some rounds whose kills are spread over the
interval; `fault_named_s`, `fault_over_s`, the worst of all faults of all kinds; the tables `detection_brokers` and
`detection_faults` have the rest.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import probes
from benchmarks import report
from tests.fault_bounds import Measured, Promise, spread
from tests.fault_matrix import Case, begun_s, live
from tests.fault_stack import FAULTS, KEYS, broken_stack, cases_of, neighbours_of
from tests.kafka_watched import (
    DEADLINE_S,
    INTERVAL_S,
    Brokers,
    Watched,
    is_ok,
    known_s,
    load,
    names,
    three_brokers,
    watching,
)

ROUNDS = 5
COMMAND = "python -m benchmarks.detection"
PROMISE = Promise(INTERVAL_S, DEADLINE_S)
BROKER_KEYS = {"named": "broker_named_s", "counted": "broker_counted_s", "back": "broker_back_s"}
Round = dict[str, float]


def main() -> None:
    """Measure and write the keys and the tables."""
    brokers()
    faults()


def brokers() -> None:
    """Kill and restart the third broker of three, several times."""
    with tempfile.TemporaryDirectory() as name, three_brokers(Path(name) / "cluster") as cluster:
        bootstrap = cluster[0].bootstrap
        with load(bootstrap), watching(bootstrap) as watched:
            rounds = [kill_and_restart(watched, cluster, at / ROUNDS * INTERVAL_S) for at in range(ROUNDS)]
    for what, key in BROKER_KEYS.items():
        report.write(key, max(each[what] for each in rounds), "s", goal=PROMISE.recovery_s, command=COMMAND)
    says = {
        "named": "killed, until the component names it",
        "fenced": "killed, until the cluster itself misses it",
        "counted": "missed by the cluster, until the component counts what lacks copies",
        "whole": "restarted, until the cluster itself is whole",
        "back": "the cluster whole, until the component is ok",
    }
    rows = [(says[what], *spread(each[what] for each in rounds)) for what in says]
    note = (
        f"Three Apache Kafka brokers on this machine, one of which is killed and restarted {ROUNDS} times while "
        f"messages come, checks {INTERVAL_S:g} s apart. That a broker is gone the monitor sees by itself. What lacks "
        "copies only the cluster can say, once it misses the broker: after `broker.session.timeout.ms`, which is 1 s "
        "here and 9 s unless set."
    )
    report.table(
        "detection_brokers", "A broker killed under load", ("of a broker", "median s", "worst s"), rows, note, COMMAND
    )


def kill_and_restart(watched: Watched, cluster: Brokers, phase_s: float) -> Round:
    """One round, the kill `phase_s` after a check's start; every time in seconds."""
    first, _, third = cluster
    watched.first(is_ok, time.monotonic())
    checked = watched.after_now()
    next_s = begun_s(checked) + INTERVAL_S
    time.sleep(max(0.0, next_s + phase_s - time.monotonic()))
    killed_s = time.monotonic()
    third.kill()
    named_s, _ = watched.first(names(third), killed_s)
    fenced_s = known_s(first.bootstrap, 2)
    metric = "kafka_partitions_under_replicated"
    counted_s, _ = watched.first(lambda result: (result.value(metric) or 0) > 0, killed_s)
    restarted_s = time.monotonic()
    third.launch()
    whole_s = known_s(first.bootstrap, 3, whole=True)
    ok_s, _ = watched.first(is_ok, whole_s)
    return {
        "named": named_s - killed_s,
        "fenced": fenced_s - killed_s,
        "counted": max(0.0, counted_s - fenced_s),
        "whole": whole_s - restarted_s,
        "back": ok_s - whole_s,
    }


def faults() -> None:
    """The fault matrix: every fault of every kind, at start, while running and flapping."""
    with tempfile.TemporaryDirectory() as name, broken_stack(Path(name)) as stack:
        cases = cases_of(stack)
        live(cases, neighbours_of(stack))
    if problem := "".join(case.problem for case in cases):
        raise RuntimeError(problem)
    last = [measured for case in cases for measured in case.last.measured]
    report.write("fault_named_s", worst(last, "detection"), "s", goal=PROMISE.news_s, command=COMMAND)
    report.write("fault_over_s", worst(last, "recovery"), "s", goal=PROMISE.recovery_s, command=COMMAND)
    anew = sum(len(case.lives) > 1 for case in cases)
    note = (
        f"Checks {INTERVAL_S:g} s apart with a deadline of {DEADLINE_S:g} s, {len(cases)} components side by side, "
        f"each behind one of {len(FAULTS)} [faults](reliability.md). Of those that were late among so many ({anew}) "
        "the times are of a try among few. A fault that lets a component hang is named when the deadline is over."
    )
    rows = [(probes.KINDS[kind].title, *of_kind(cases, kind)) for kind in KEYS]
    header = ("kind", "named: median s", "worst s", "over: median s", "worst s")
    report.table(
        "detection_faults",
        "Faults, from their beginning to their name and from their end to ok",
        header,
        rows,
        note,
        COMMAND,
    )


def of_kind(cases: Sequence[Case], kind: str) -> tuple[float, float, float, float]:
    """Median and worst seconds to the name and to ok, of one kind's cases."""
    taken = [measured for case in cases if case.last.kind.name == kind for measured in case.last.measured]
    named, over = (spread(one.took_s for one in taken if one.of == of) for of in ("detection", "recovery"))
    return (*named, *over)


def worst(taken: Sequence[Measured], of: str) -> float:
    """The longest time of a kind, in seconds."""
    return max(measured.took_s for measured in taken if measured.of == of)


if __name__ == "__main__":
    main()
