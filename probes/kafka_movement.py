"""What changes from one snapshot to the next: rates, and how long a state has lasted. No I/O."""

import threading
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from probes.counters import Counters
from probes.kafka_age import Age, EndHistory
from probes.kafka_evaluation import Evaluation, Window, evaluate
from probes.kafka_snapshot import Group, Key, Snapshot

MOST_POSITIONS = 10_000
"""So many partitions of groups are followed; each costs about a kilobyte."""
STEADY_READINGS = 30
FORGET_FLOW_S = 3600.0


@dataclass(frozen=True, slots=True)
class Position:
    """Where a group is in a partition, and how it does.

    Attributes:
        end, lag: None when the partition's end is not told, as when it has no leader.
        age: how long ago the first message that waits was written; None when not known.
        waits_s: how long messages have waited without one being consumed.
        attended: whether somebody in the group has the partition; None when not told.
    """

    key: Key
    committed: int
    end: int | None = None
    lag: int | None = None
    age: Age | None = None
    evaluation: Evaluation = Evaluation.UNKNOWN
    waits_s: float = 0.0
    attended: bool | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """What happened up to a snapshot.

    Attributes:
        topic_rates: messages per second by topic; a topic is absent until two readings allow a rate.
        silent_s: by topic that used to flow steadily, time since its last message.
        positions: by group, its partitions in order; empty when lags are not told.
        rebalancing_s: by group, how long it has been rebalancing.
        under_replicated_s: how long some partition has lacked copies.
        unfollowed: partitions of groups beyond `MOST_POSITIONS`, whose evaluation stays unknown.
    """

    topic_rates: Mapping[str, float] = field(default_factory=dict)
    silent_s: Mapping[str, float] = field(default_factory=dict)
    positions: Mapping[str, Sequence[Position]] = field(default_factory=dict)
    rebalancing_s: Mapping[str, float] = field(default_factory=dict)
    under_replicated_s: float = 0.0
    unfollowed: int = 0


class Movement:
    """Remembers just enough of earlier snapshots."""

    def __init__(self) -> None:
        self._ends: Counters[Key] = Counters()
        self._ages: dict[Key, EndHistory] = {}
        self._windows: dict[tuple[str, Key], Window] = {}
        self._flows: dict[str, _Flow] = {}
        self._since: dict[Hashable, float] = {}
        self._turning = threading.Lock()

    def turn(self, snapshot: Snapshot) -> Moved:
        """Take `snapshot` in and return what it changed."""
        with self._turning:  # an execution that outlived its deadline may still be at it
            return self._turned(snapshot)

    def _turned(self, snapshot: Snapshot) -> Moved:
        now_s = snapshot.ends_at_s
        groups = snapshot.groups or ()
        thin = any(partition.under_replicated for partition in snapshot.partitions)
        unsettled = [group.name for group in groups if group.rebalancing]
        lasted_s = self._lasted([*unsettled, *([None] if thin else [])], now_s)
        rates = self._topic_rates(snapshot)
        known = snapshot.ends if snapshot.lag_known else None
        return Moved(
            topic_rates=rates,
            silent_s=self._silent(rates, now_s),
            positions={} if known is None else self._positions(groups, known, now_s),
            rebalancing_s={group.name: lasted_s.get(group.name, 0.0) for group in groups},
            under_replicated_s=lasted_s.get(None, 0.0),
            unfollowed=max(0, sum(len(group.committed) for group in groups) - MOST_POSITIONS),
        )

    def _positions(
        self, groups: Iterable[Group], ends: Mapping[Key, int], now_s: float
    ) -> dict[str, tuple[Position, ...]]:
        everything = [(group, key) for group in groups for key in sorted(group.committed)]
        followed = everything[:MOST_POSITIONS]
        self._ages = {key: self._ages.get(key) or EndHistory() for _, key in followed}
        for key in self._ages.keys() & ends.keys():
            self._ages[key].add(ends[key], now_s)
        self._windows = {(group.name, key): self._window(group, key, ends.get(key), now_s) for group, key in followed}
        found: dict[str, tuple[Position, ...]] = {}
        for group in groups:
            found[group.name] = tuple(
                self._position(group, key, ends.get(key), now_s) for key in sorted(group.committed)
            )
        return found

    def _window(self, group: Group, key: Key, end: int | None, now_s: float) -> Window:
        window = self._windows.get((group.name, key), Window())
        return window if end is None else window.after(group.committed[key], end, now_s)

    def _position(self, group: Group, key: Key, end: int | None, now_s: float) -> Position:
        committed, attended = group.committed[key], group.attends(key)
        window = self._windows.get((group.name, key))
        if end is None:
            return Position(key, committed, attended=attended)
        if window is None:
            return Position(key, committed, end, max(0, end - committed), attended=attended)
        age = self._ages[key].age(committed, now_s)
        return Position(
            key,
            committed,
            end,
            window.lag,
            age,
            evaluate(window, now_s, attended, age.seconds),
            window.waits_s(now_s),
            attended,
        )

    def _lasted(self, present: Iterable[Hashable], now_s: float) -> dict[Hashable, float]:
        self._since = {key: self._since.get(key, now_s) for key in present}
        return {key: now_s - since_s for key, since_s in self._since.items()}

    def _topic_rates(self, snapshot: Snapshot) -> dict[str, float]:
        if snapshot.ends is None:
            return {}
        turn = self._ends.turn({key: float(end) for key, end in snapshot.ends.items()}, snapshot.ends_at_s)
        rates: dict[str, float] = {}
        for key in turn.increases:
            rates[key[0]] = rates.get(key[0], 0.0) + (turn.per_second(key) or 0.0)
        return rates

    def _silent(self, rates: Mapping[str, float], now_s: float) -> dict[str, float]:
        self._flows = {topic: self._flows.get(topic, _Flow()).after(rate, now_s) for topic, rate in rates.items()}
        return {topic: now_s - flow.last_s for topic, flow in self._flows.items() if flow.is_steady}


@dataclass(frozen=True, slots=True)
class _Flow:
    """How steadily a topic has brought messages."""

    readings: int = 0
    last_s: float = 0.0

    @property
    def is_steady(self) -> bool:
        return self.readings >= STEADY_READINGS

    def after(self, rate: float, now_s: float) -> "_Flow":
        if rate > 0:
            return _Flow(min(self.readings + 1, STEADY_READINGS), now_s)
        over = not self.is_steady or now_s - self.last_s > FORGET_FLOW_S
        return _Flow() if over else self
