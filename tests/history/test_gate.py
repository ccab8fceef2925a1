import threading

import pytest

from history.gate import Gate
from tests.probes.listeners import eventually


def test_a_holder_finds_no_batch_half_done() -> None:
    gate, done, seen, stopping = Gate(), [0, 0], [], threading.Event()

    def write() -> None:
        while not stopping.is_set():
            with gate.batch():
                done[0] += 1
                with gate.batch():  # an insert inside a batch is part of it, also while a holder waits
                    done[1] += 1

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(50):
        with gate.held(5):
            seen.append(tuple(done))
    stopping.set()
    writer.join(5)
    assert all(first == second for first, second in seen)
    assert seen[-1][0] > 0


def test_writers_do_not_wait_for_each_other() -> None:
    gate, both = Gate(), threading.Barrier(2, timeout=5)

    def write() -> None:
        with gate.batch():
            both.wait()

    writer = threading.Thread(target=write)
    writer.start()
    write()
    writer.join(5)


def test_a_holder_gives_up_and_lets_everybody_on() -> None:
    gate = Gate()
    with gate.batch(), pytest.raises(TimeoutError, match="batch under way"), gate.held(0.01):
        pass
    with gate.held(0.01), pytest.raises(TimeoutError, match="held by another"), gate.held(0.01):
        pass
    with gate.batch():
        pass


def test_a_batch_that_fails_and_a_holder_that_fails_leave_nothing_held() -> None:
    gate = Gate()
    with pytest.raises(ValueError, match="in the batch"), gate.batch():
        raise ValueError("in the batch")
    with pytest.raises(ValueError, match="while held"), gate.held(1):
        raise ValueError("while held")
    entered = threading.Event()

    def write() -> None:
        with gate.batch():
            entered.set()

    threading.Thread(target=write, daemon=True).start()
    assert eventually(entered.is_set)
