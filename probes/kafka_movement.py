"""What changes from one snapshot to the next: rates, and how long a state has lasted. No I/O."""

from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field

from probes.counters import Counters
from probes.kafka_snapshot import Group, Key, Snapshot

WINDOW_S = 60.0
STEADY_READINGS = 30
FORGET_FLOW_S = 3600.0


@dataclass(frozen=True, slots=True)
class Moved:
    """What happened up to a snapshot.

    Attributes:
        topic_rates: messages per second by topic; a topic is absent until two readings allow a rate.
        silent_s: by topic that used to flow steadily, time since its last message.
        lags: by group, messages to consume by topic; empty when that is not told.
        lag_s: by group, estimated seconds to consume them; absent while the pace is unknown or zero.
        unattended_s: by group, how long nobody has consumed although there is something to consume.
        under_replicated_s: how long some partition has lacked copies.
    """

    topic_rates: Mapping[str, float] = field(default_factory=dict)
    silent_s: Mapping[str, float] = field(default_factory=dict)
    lags: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    lag_s: Mapping[str, float] = field(default_factory=dict)
    unattended_s: Mapping[str, float] = field(default_factory=dict)
    under_replicated_s: float = 0.0


class Movement:
    """Remembers just enough of earlier snapshots."""

    def __init__(self) -> None:
        self._ends: Counters[Key] = Counters()
        self._commits: dict[tuple[str, str], deque[tuple[float, int]]] = {}
        self._flows: dict[str, _Flow] = {}
        self._since: dict[Hashable, float] = {}

    def turn(self, snapshot: Snapshot) -> Moved:
        """Take `snapshot` in and return what it changed."""
        now_s = snapshot.ends_at_s
        groups = snapshot.groups or ()
        lags = {group.name: lag_by_topic(group, snapshot.ends or {}) for group in groups} if snapshot.lag_known else {}
        starved = {group.name for group in groups if group.rebalancing or (group.deserted and self._waits(group, lags))}
        thin = any(partition.under_replicated for partition in snapshot.partitions)
        lasted_s = self._lasted([*starved, *([None] if thin else [])], now_s)
        rates = self._topic_rates(snapshot)
        return Moved(
            topic_rates=rates,
            silent_s=self._silent(rates, now_s),
            lags=lags,
            lag_s=self._lag_s(groups, lags, now_s) if snapshot.lag_known else {},
            unattended_s={group.name: lasted_s.get(group.name, 0.0) for group in groups},
            under_replicated_s=lasted_s.get(None, 0.0),
        )

    def _waits(self, group: Group, lags: Mapping[str, Mapping[str, int]]) -> bool:
        """Whether messages wait for the group; as before when its lag is not told this time."""
        return any(lags[group.name].values()) if group.name in lags else group.name in self._since

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

    def _lag_s(self, groups: Iterable[Group], lags: Mapping[str, Mapping[str, int]], now_s: float) -> dict[str, float]:
        """The slowest topic's lag at the pace of its commits over the last minute, by group."""
        totals: dict[tuple[str, str], int] = {}
        for group in groups:
            for (topic, _), offset in group.committed.items():
                totals[group.name, topic] = totals.get((group.name, topic), 0) + offset
        self._commits = {key: self._commits.get(key, deque()) for key in totals}
        slowest: dict[str, float] = {}
        for (group_name, topic), total in totals.items():
            lag = lags[group_name].get(topic)
            pace = commit_pace(self._commits[group_name, topic], now_s, total)
            if lag is not None and (lag == 0 or pace > 0):
                slowest[group_name] = max(slowest.get(group_name, 0.0), lag / pace if lag else 0.0)
        return slowest


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


def commit_pace(history: deque[tuple[float, int]], now_s: float, total: int) -> float:
    """Messages per second committed within the last minute, `total` at `now_s` included; 0 when not known.

    Over a minute, because groups commit every few seconds: from one reading to the next the pace
    would jump between nothing and double. A total that fell was reset, so the history begins anew.
    """
    if history and total < history[-1][1]:
        history.clear()
    history.append((now_s, total))
    while len(history) > 2 and history[1][0] <= now_s - WINDOW_S:
        history.popleft()
    first_s, first = history[0]
    return (total - first) / (now_s - first_s) if now_s > first_s else 0.0


def lag_by_topic(group: Group, ends: Mapping[Key, int]) -> dict[str, int]:
    """Messages the group has still to consume, by topic; partitions whose end is not known are left out."""
    lags: dict[str, int] = {}
    for key, offset in group.committed.items():
        if key in ends:
            lags[key[0]] = lags.get(key[0], 0) + max(0, ends[key] - offset)
    return lags
