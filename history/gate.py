"""Lets many write at once, or one hold all of them between two batches."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Many writers, or one holder alone.

    A batch is everything that must be there together: an insert with its roll-ups, and the note that it is written.
    Whoever holds the gate finds each batch whole or not begun. A holder that waits goes before new batches, so
    that a bulk load cannot keep it waiting.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._batches = 0
        self._held = False
        self._own = threading.local()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Write a batch; waits while the gate is held. A batch inside a batch of the same thread is part of it."""
        depth: int = getattr(self._own, "depth", 0)
        if not depth:
            with self._changed:
                self._changed.wait_for(lambda: not self._held)
                self._batches += 1
        self._own.depth = depth + 1
        try:
            yield
        finally:
            self._own.depth = depth
            if not depth:
                with self._changed:
                    self._batches -= 1
                    self._changed.notify_all()

    @contextmanager
    def held(self, wait_s: float) -> Iterator[None]:
        """Hold every writer between two batches.

        Raises:
            TimeoutError: another holder, or a batch under way, did not end within `wait_s` each.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: not self._held, wait_s):
                raise TimeoutError("the gate is held by another")
            self._held = True
            if not self._changed.wait_for(lambda: not self._batches, wait_s):
                self._release()
                raise TimeoutError("a batch under way did not end")
        try:
            yield
        finally:
            with self._changed:
                self._release()

    def _release(self) -> None:
        self._held = False
        self._changed.notify_all()


WRITES = Gate()
"""Before every insert of this process: it can have one embedded engine open, so one gate serves it."""
