"""What changes slowly and costs much is kept for a while. No I/O."""

import time
from collections.abc import Callable, Hashable, Sequence, Set
from typing import Any, Generic, TypeVar

T = TypeVar("T")

KEEP_SETTINGS_S = 300.0
KEEP_STORAGE_S = 60.0
KEEP_STARTS_S = 60.0
KEEP_REFUSAL_S = 60.0


class Kept(Generic[T]):
    """One such answer.

    Attributes:
        value: None when it was not told.
        unavailable: what was not told, and why.
        wanted: what it is to be about, as last asked for.
    """

    def __init__(self, keep_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.value: T | None = None
        self.unavailable: Sequence[str] = ()
        self.wanted: Set[Any] = frozenset()
        self._keep_s = keep_s
        self._clock = clock
        self._about: Set[Hashable] = frozenset()
        self._until_s = float("-inf")

    def is_fresh(self, wanted: Set[Hashable]) -> bool:
        """Whether it needs no asking: it is about all of `wanted`, and not too old."""
        self.wanted = wanted
        return self._clock() < self._until_s and wanted <= self._about

    def keep(self, value: T | None, about: Set[Hashable], unavailable: Sequence[str]) -> None:
        """Keep an answer; a refusal not longer than a minute, so that a right that was granted is noticed."""
        self.value, self.unavailable, self._about = value, tuple(unavailable), about
        self._until_s = self._clock() + (min(KEEP_REFUSAL_S, self._keep_s) if value is None else self._keep_s)
