"""The circuit breaker: pure bookkeeping, no threads, no clock of its own.

Three failures in a row open it. While open only the cheapest trial runs, once an interval, so
that a recovery is seen within interval + 1 s. Refused credentials open it at once and double the
pause up to 60 s, because accounts lock (research: breaker rules of DESIGN.md §1).
"""

from dataclasses import dataclass

FAILURES_TO_OPEN = 3
CREDENTIAL_BACKOFF_MAX_S = 60.0
CREDENTIAL_CODES = frozenset({"auth_failed", "auth_required", "permission_denied"})


@dataclass(frozen=True, slots=True)
class Breaker:
    """State after the executions so far; every change is a new value."""

    failures: int = 0
    refused: int = 0

    @property
    def is_open(self) -> bool:
        return self.failures >= FAILURES_TO_OPEN or self.refused > 0

    def after_success(self) -> "Breaker":
        return Breaker()

    def after_failure(self, code: str) -> "Breaker":
        return Breaker(self.failures + 1, self.refused + 1 if code in CREDENTIAL_CODES else 0)

    def pause_s(self, interval_s: float) -> float:
        """Seconds until the next execution may start."""
        if not self.refused:
            return interval_s
        return max(interval_s, min(CREDENTIAL_BACKOFF_MAX_S, interval_s * 2.0 ** min(self.refused - 1, 10)))


def longest_pause_s(interval_s: float, code: str | None) -> float:
    """The most seconds to the next execution after a result whose error is `code` (None: no error).

    For a reader of another process's results, which does not know how far that one's breaker has backed off.
    """
    return max(interval_s, CREDENTIAL_BACKOFF_MAX_S) if code in CREDENTIAL_CODES else interval_s
