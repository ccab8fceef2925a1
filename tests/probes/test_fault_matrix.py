"""The fault matrix: what each kind makes of each fault. `docs/reliability.md` shows what this test saw.

`make reliability` writes the tables anew; otherwise the test demands that they are what it saw.
"""

import contextlib
import gc
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest

import probes
from probes.result import Status
from probes.runner import Runner
from tests.fault_bounds import spread
from tests.fault_matrix import Case, Cell, code_of, live
from tests.fault_proxy import Mode
from tests.fault_stack import EXPECTED, FAULTS, KEYS, NO_SOCKET, Stack, broken_stack, cases_of, neighbours_of
from tests.kafka_broker import require_kafka
from tests.probes.listeners import descriptors, eventually

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
TIMES = ("detection", "breaker", "recovery", "check", "rest", "silence")
BEGIN, END = "<!-- begin of the matrix -->\n", "<!-- end of the matrix -->\n"
FAST = (Mode.REFUSE, Mode.HALF_CLOSE, Mode.GARBAGE, Mode.RESET, Mode.WRONG_TLS, Mode.HTTP)
CYCLES = 1000
TINY_DEADLINE_S = 0.05
MOST_MIB = 8.0
"""Ten kilobytes a failure would be more than that; the engine and the other tests of a run move less."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    require_kafka()
    with broken_stack(tmp_path_factory.mktemp("matrix")) as stack:
        yield stack


@pytest.fixture(scope="module")
def lived(stack: Stack) -> tuple[list[Case], list[Case]]:
    """Every case after its lives, and the healthy components that were watched beside them."""
    cases, well = cases_of(stack), neighbours_of(stack)
    live(cases, well)
    return cases, well


@pytest.fixture(scope="module")
def cells(lived: tuple[list[Case], list[Case]]) -> list[Cell]:
    return [case.last for case in lived[0]]


def test_every_kind_that_speaks_over_a_socket_is_in_the_matrix() -> None:
    assert set(probes.KINDS) == set(KEYS) | NO_SOCKET
    assert set(EXPECTED) == set(FAULTS)


def test_every_fault_is_named_guarded_and_recovered_from(lived: tuple[list[Case], list[Case]]) -> None:
    problems = "".join(case.problem for case in lived[0])
    assert not problems, problems


def test_every_bound_of_time_is_held(lived: tuple[list[Case], list[Case]]) -> None:
    print("\n".join(times(lived[0])))
    late = "".join(case.lateness() for cases in lived for case in cases)
    assert not late, late


def times(cases: Sequence[Case]) -> list[str]:
    """By fault, each kind of time: the median and the longest of all kinds and lives, in seconds."""
    said = []
    for fault in FAULTS:
        these = [case for case in cases if case.last.name.endswith(f": {fault}")]
        took = [measured for case in these for measured in case.measured]
        spreads = {of: spread(measured.took_s for measured in took if measured.of == of) for of in TIMES}
        told = [f"{of} {median:.2f} / {most:.2f} s" for of, (median, most) in spreads.items()]
        said.append(f"{fault}: {', '.join(told)}")
    return said + [f"{case.last.name}:{line}" for case in cases for line in case.missed()]


def test_every_sentence_tells_where_and_what_to_do(cells: list[Cell]) -> None:
    for cell in cells:
        if cell.said is None or code_of(cell.said) == "ok":
            continue
        assert any(place in cell.said.sentence for place in cell.volatile), cell.said.sentence
        assert cell.said.sentence.endswith(".")
        assert cell.said.hint.endswith((".", "?"))
        assert cell.said.status is Status.CRITICAL


def test_healthy_neighbours_are_untouched(lived: tuple[list[Case], list[Case]]) -> None:
    for cell in (life for case in lived[1] for life in case.lives):
        assert {code_of(result) for _, result in cell.results} == {"ok"}, cell.name
        assert cell.runner.state().breaker.failures == 0


def test_the_document_shows_what_was_seen(cells: list[Cell]) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert end, f"{DOCUMENT.name} has lost the marks around its matrix"
    seen = f"{before}{BEGIN}{matrix(cells)}{END}{after}"
    if os.environ.get("TAPEWATCH_WRITE_RELIABILITY") == "1":
        DOCUMENT.write_text(seen, encoding="utf-8")
    else:
        assert seen == text, "the matrix has changed: look at it, then run `make reliability`"


def matrix(cells: Sequence[Cell]) -> str:
    """The tables of the document: fault × kind, then what each kind says."""
    by_place = {cell.name: cell for cell in cells}
    lines = ["", f"| | {' | '.join(KEYS)} |", "|---" * (len(KEYS) + 1) + "|"]
    for fault in FAULTS:
        codes = [
            code_of(cell.said) if (cell := by_place.get(f"{kind}: {fault}")) and cell.said else "–" for kind in KEYS
        ]
        lines.append(f"| {fault} | {' | '.join(codes)} |")
    for kind in KEYS:
        lines += [
            "",
            f"### {probes.KINDS[kind].title}",
            "",
            "| fault | what the component says | what to do |",
            "|---|---|---|",
        ]
        for fault in FAULTS:
            cell = by_place.get(f"{kind}: {fault}")
            if cell and cell.said and code_of(cell.said) != "ok":
                lines.append(f"| {fault} | {plain(cell.said.sentence, cell)} | {plain(cell.said.hint, cell)} |")
    return "\n".join([*lines, "", ""])


def plain(sentence: str, cell: Cell) -> str:
    """A sentence without what differs from run to run or from one OpenSSL to the next."""
    for volatile, instead in cell.volatile.items():
        sentence = sentence.replace(volatile, instead)
    return re.sub(r"(on TLS: )[^.]*", r"\1…", sentence).replace("|", "\\|")


@contextlib.contextmanager
def failing(stack: Stack, kind: str) -> Iterator[Callable[[int], None]]:
    """Checks of a kind, one after the other: each fault that shows at once has its share of the number asked for."""
    proxy, answered = stack.faults.before(stack.services[kind]), threading.Event()
    component = probes.KINDS[kind].component.model_validate(
        {"kind": kind, "name": f"{kind}-cycles", **KEYS[kind](proxy.address, "")}
    )
    runner = Runner(component, probes.KINDS[kind], TINY_DEADLINE_S, lambda _: answered.set())

    def cycles(count: int) -> None:
        for mode in FAST:
            proxy.set(mode)
            for _ in range(-(-count // len(FAST))):
                answered.clear()
                while not (runner.request() or answered.is_set()):
                    pass
                while not answered.wait(TINY_DEADLINE_S):
                    runner.expire()
        proxy.set(Mode.REFUSE)

    yield cycles
    runner.stop()


def held() -> tuple[int, int, int, float]:
    """Threads, descriptors, Python's blocks, and the process's memory in MiB."""
    gc.collect()
    return threading.active_count(), descriptors(), sys.getallocatedblocks(), psutil.Process().memory_info().rss / 2**20


@pytest.mark.parametrize("kind", KEYS)
def test_a_thousand_failures_leave_nothing_behind(stack: Stack, kind: str) -> None:
    with failing(stack, kind) as cycles:
        cycles(CYCLES // 10)
        before = held()
        cycles(CYCLES)
        for at, most in enumerate((0, 0, CYCLES, MOST_MIB)):
            assert eventually(lambda at=at, most=most: held()[at] - before[at] <= most), (held(), before)  # type: ignore[misc]
