"""Round trips to targets: one daemon thread each, so that a dead one delays no other."""

import socket
import statistics
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from probes.dns import RESOLVER, WAIT_S
from probes.network_metrics import LOSS_CRITICAL, LOSS_WARNING
from probes.result import Finding, ProbeError, ProbeFailure, Reading, Status, labels
from probes.tcp import connect_failure
from settings_types import split_address

RTT_WINDOW = 20
LOSS_WINDOW = 100
P95_FROM = 5
SLOW_S = 1.0
"""A connect that takes a second lost its first packet: the kernel sends it again after one."""

_NOT_SENT = frozenset({"dns_timeout", "dns_unknown"})


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt to reach a target.

    Attributes:
        rtt_s: time until it answered; None when it did not.
        error: why it did not accept; a refusal stands here beside its `rtt_s`.
    """

    rtt_s: float | None
    error: ProbeError | None = None

    @property
    def state(self) -> str:
        return self.error.code if self.error else "accepts"


@dataclass(frozen=True, slots=True)
class TargetState:
    """A target after its tries so far, oldest first; `pending` while one has not ended in time."""

    address: str
    tries: tuple[Try, ...]
    pending: bool

    @property
    def last(self) -> Try | None:
        return None if self.pending or not self.tries else self.tries[-1]


def attempt(address: str, timeout_s: float) -> Try:
    """One TCP connect, name resolution timed apart; never longer than `timeout_s`."""
    host, port = split_address(address)
    until_s = time.monotonic() + timeout_s
    try:
        ip = RESOLVER.resolve(host, min(WAIT_S, timeout_s / 4))
    except ProbeFailure as failure:
        return Try(None, failure.error)
    left_s = until_s - time.monotonic()
    started_s = time.perf_counter()
    try:
        with socket.create_connection((ip, port), left_s):
            return Try(time.perf_counter() - started_s)
    except OSError as exc:
        took_s = time.perf_counter() - started_s
        error = connect_failure(exc, address, round(left_s, 2), "The target").error
        return Try(took_s if isinstance(exc, ConnectionRefusedError) else None, error)


class Watch:
    """Tries one target whenever asked, one try at a time, in a thread of its own that starts with the first."""

    def __init__(self, address: str, timeout_s: float) -> None:
        self.address = address
        self._timeout_s = timeout_s
        self._tries: deque[Try] = deque(maxlen=LOSS_WINDOW)
        self._changed = threading.Condition()
        self._wanted = self._stopping = False
        self._thread: threading.Thread | None = None

    def request(self) -> None:
        """Start a try unless one is under way."""
        with self._changed:
            self._wanted = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name=f"target:{self.address}", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def state(self, wait_s: float = 0.0) -> TargetState:
        """The tries so far, after waiting at most `wait_s` for the one under way."""
        with self._changed:
            ended = self._changed.wait_for(lambda: not self._wanted, max(0.0, wait_s))
            return TargetState(self.address, tuple(self._tries), pending=not ended)

    def stop(self) -> None:
        """Let the thread end with its try; does not wait for it."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def _loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted or self._stopping)
                if self._stopping:
                    return
            outcome = attempt(self.address, self._timeout_s)
            with self._changed:
                self._tries.append(outcome)
                self._wanted = False
                self._changed.notify_all()


def loss_ratio(tries: Sequence[Try]) -> float | None:
    """Share of the tries whose packets got lost; those that failed before sending one do not count."""
    sent = [t for t in tries if t.state not in _NOT_SENT]
    if not sent:
        return None
    return sum(t.rtt_s is None or t.rtt_s >= SLOW_S for t in sent) / len(sent)


def jitter_s(rtts_s: Sequence[float]) -> float | None:
    """Mean absolute step between round trips; None for fewer than two."""
    steps = [abs(after - before) for before, after in pairwise(rtts_s)]
    return statistics.fmean(steps) if steps else None


def p95(values: Sequence[float]) -> float:
    """The value that 95 % of `values` do not exceed (nearest rank)."""
    return sorted(values)[-(-95 * len(values) // 100) - 1]


def readings(target: TargetState) -> list[Reading]:
    """What the tries say about a target."""
    pair = labels(target=target.address)
    last = target.last
    rtts_s = [t.rtt_s for t in target.tries if t.rtt_s is not None][-RTT_WINDOW:]
    found: dict[str, float | None] = {
        "network_reachable": float(last is not None and last.rtt_s is not None),
        "network_rtt_seconds": last.rtt_s if last else None,
        "network_rtt_p95_seconds": p95(rtts_s) if len(rtts_s) >= P95_FROM else None,
        "network_jitter_seconds": jitter_s(rtts_s),
        "network_loss_ratio": loss_ratio(target.tries),
    }
    return [Reading(metric, value, pair) for metric, value in found.items() if value is not None]


def finding(target: TargetState, judge_loss: bool = True) -> Finding | None:
    """What is wrong with a target: it does not answer, or it loses packets. A refused port is an answer.

    Args:
        judge_loss: False where the operator has thresholds of his own, which judge from the first try on.
    """
    pair = labels(target=target.address)
    last = target.last
    if last is None or last.rtt_s is None:
        error = last.error if last else None
        return Finding(
            metric="network_reachable",
            status=Status.CRITICAL,
            message=error.message if error else f"The target at {target.address} has not answered yet.",
            hint=error.hint if error else "A firewall may drop the packets, or the host may be down.",
            value=0.0,
            labels=pair,
        )
    loss = loss_ratio(target.tries)
    if not judge_loss or loss is None or len(target.tries) < LOSS_WINDOW or loss <= LOSS_WARNING:
        return None
    critical = loss > LOSS_CRITICAL
    return Finding(
        metric="network_loss_ratio",
        status=Status.CRITICAL if critical else Status.WARNING,
        message=f"{loss:.0%} of the last {LOSS_WINDOW} tries to reach {target.address} were lost.".replace(
            "%", " %", 1
        ),
        hint="Look for a saturated link or a failing cable on the way to it.",
        value=loss,
        threshold=LOSS_CRITICAL if critical else LOSS_WARNING,
        labels=pair,
    )
