"""What the positions of consumer groups mean: readings, findings and tables. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from probes.catalogue import humanize, humanize_duration
from probes.kafka_age import Age
from probes.kafka_evaluation import Evaluation, worst_of
from probes.kafka_movement import Moved, Position
from probes.kafka_snapshot import Group, Snapshot
from probes.result import Finding, Reading, Status, Table, labels

MOST_PARTITIONS = 50
"""Partitions of groups whose lags are kept as series: those with the oldest messages."""
MOST_ROWS = 5_000
GIVEN_UP_S = 600.0
"""After so long without consumers nobody is coming back."""


def group_state(group: Group) -> float:
    """The code of a group's state in `kafka_group_state`."""
    if group.rebalancing:
        return 2.0
    return {"Stable": 0.0, "Empty": 1.0, "Dead": 3.0}.get(group.state, 4.0)


def readings(snapshot: Snapshot, moved: Moved) -> list[Reading]:
    """How far groups are behind and how they do."""
    if snapshot.groups is None:
        return []
    found = [Reading("kafka_groups", float(len(snapshot.groups)))]
    if snapshot.lag_known:
        found.append(Reading("kafka_lag_messages", float(total_lag(moved))))
    for group in snapshot.groups:
        found += _group_readings(group, moved)
    return found + _partition_readings(moved)


def _group_readings(group: Group, moved: Moved) -> list[Reading]:
    named, positions = labels(group=group.name), moved.positions.get(group.name)
    found = []
    if positions is not None:
        found += [
            Reading("kafka_group_lag_messages", float(lag), labels(group=group.name, topic=topic))
            for topic, lag in lag_by_topic(positions).items()
        ]
        found.append(Reading("kafka_group_evaluation", float(worst_of(p.evaluation for p in positions)), named))
        age = oldest(positions)
        if age is not None:
            found.append(Reading("kafka_group_lag_seconds", age.seconds, named))
    if group.state:
        found.append(Reading("kafka_group_state", group_state(group), named))
        found.append(Reading("kafka_group_rebalancing_seconds", moved.rebalancing_s[group.name], named))
    return found


def _partition_readings(moved: Moved) -> list[Reading]:
    waiting = [
        (position.age.seconds, position.lag, name, position.key)
        for name, positions in moved.positions.items()
        for position in positions
        if position.lag and position.age is not None
    ]
    found = []
    for seconds, lag, name, (topic, number) in sorted(waiting, reverse=True)[:MOST_PARTITIONS]:
        named = labels(group=name, partition=str(number), topic=topic)
        found.append(Reading("kafka_partition_lag_messages", float(lag), named))
        found.append(Reading("kafka_partition_lag_seconds", seconds, named))
    return found


def lag_by_topic(positions: Iterable[Position]) -> dict[str, int]:
    """Messages a group has still to consume, by topic; partitions whose end is not known are left out."""
    lags: dict[str, int] = defaultdict(int)
    for position in positions:
        if position.lag is not None:
            lags[position.key[0]] += position.lag
    return dict(lags)


def oldest(positions: Iterable[Position]) -> Age | None:
    """The age of the oldest message a group has still to consume; None when none is known."""
    return max((p.age for p in positions if p.age is not None), key=lambda age: age.seconds, default=None)


def total_lag(moved: Moved) -> int:
    """Messages all groups together have still to consume."""
    return sum(position.lag or 0 for positions in moved.positions.values() for position in positions)


def findings(snapshot: Snapshot, moved: Moved) -> list[Finding]:
    """A finding for each group that does not keep up, naming its worst partition."""
    groups = {group.name: group for group in snapshot.groups or ()}
    found = (_finding(groups[name], positions) for name, positions in sorted(moved.positions.items()))
    return [finding for finding in found if finding]


def _finding(group: Group, positions: Sequence[Position]) -> Finding | None:
    bad = [position for position in positions if position.evaluation > Evaluation.UNKNOWN]
    if not bad:
        return None
    worst = max(bad, key=lambda p: (p.evaluation, p.waits_s, p.lag or 0))
    message, hint = WORDS[worst.evaluation](group, worst)
    alike = sum(position.evaluation == worst.evaluation for position in bad) - 1
    if alike:
        message = f"{message.removesuffix('.')}; {alike} more of its partitions are {worst.evaluation.word}, too."
    return Finding(
        metric="kafka_group_evaluation",
        status=status_of(worst),
        message=message,
        hint=hint,
        value=float(worst.evaluation),
        threshold=float(Evaluation.UNKNOWN),
        labels=labels(group=group.name),
    )


def status_of(position: Position) -> Status:
    """What a position makes of the cluster: nobody there is a warning at first, as somebody may be deploying."""
    given_up = position.evaluation is Evaluation.STOPPED and position.waits_s >= GIVEN_UP_S
    if given_up or position.evaluation is Evaluation.STALLED:
        return Status.CRITICAL
    return Status.WARNING if position.evaluation > Evaluation.UNKNOWN else Status.OK


def waiting(position: Position) -> str:
    """How much waits, in messages and in time.

    >>> waiting(Position(("ticks", 0), 5, 9, 4, Age(80.0)))
    '4 messages wait, the oldest for 1 min 20 s'
    """
    lag, age = position.lag or 0, position.age
    text = f"{humanize(lag, 'messages')} message{' waits' if lag == 1 else 's wait'}"
    if age is None:
        return text
    return f"{text}, {'it' if lag == 1 else 'the oldest'} for {'at least ' if age.at_least else ''}{span(age)}"


def span(age: Age) -> str:
    """An age in whole seconds: it is no more exact than the polls are apart."""
    return humanize_duration(round(age.seconds)) if age.seconds >= 1 else "less than a second"


def place(position: Position) -> str:
    """Topic and partition, in words."""
    return f"{position.key[0]} partition {position.key[1]}"


def _behind(group: Group, position: Position) -> tuple[str, str]:
    return (
        f"Group {group.name} falls behind on {place(position)}: {waiting(position)}, and more with every commit.",
        "Add consumers (up to the number of partitions), or find what slows them down.",
    )


def _rewinding(group: Group, position: Position) -> tuple[str, str]:
    return (
        f"Group {group.name} went back on {place(position)} and consumes messages again: {waiting(position)}.",
        "Meant, if somebody reset its offsets; otherwise a consumer commits offsets out of order.",
    )


def _stalled(group: Group, position: Position) -> tuple[str, str]:
    return (
        f"Group {group.name} is stuck on {place(position)}: {waiting(position)}, "
        f"and its offset has not moved for {humanize_duration(round(position.waits_s))}.",
        "Its consumer is there but does not get on: see its log for a message it fails on, or for commits that fail.",
    )


def _stopped(group: Group, position: Position) -> tuple[str, str]:
    nobody = "nobody is in the group" if group.deserted else "none of the group's members has this partition"
    return (
        f"Group {group.name} has stopped on {place(position)}: {waiting(position)}, and {nobody}.",
        "Start its consumers; if the group is no longer needed, delete it or name it in ignore_groups.",
    )


WORDS = {
    Evaluation.WARNING: _behind,
    Evaluation.REWINDING: _rewinding,
    Evaluation.STALLED: _stalled,
    Evaluation.STOPPED: _stopped,
}
"""The sentence and the hint for each evaluation that is a finding."""


def group_row(group: Group, moved: Moved) -> tuple[object, ...]:
    """One line of the groups table."""
    positions = moved.positions.get(group.name)
    topics = ", ".join(sorted({topic for topic, _ in group.committed}))
    if positions is None:
        return (group.name, "", group.state, group.members, topics, None, None)
    age, lag = oldest(positions), sum(lag_by_topic(positions).values())
    evaluation = worst_of(position.evaluation for position in positions).word
    return (group.name, evaluation, group.state, group.members, topics, lag, None if age is None else age.seconds)


GROUP_COLUMNS = ("group", "evaluation", "state", "members", "topics", "lag_messages", "lag_seconds")
POSITION_COLUMNS = (
    "group",
    "topic",
    "partition",
    "evaluation",
    "committed",
    "end",
    "lag_messages",
    "lag_seconds",
    "unmoved_seconds",
    "member",
)


def tables(snapshot: Snapshot, moved: Moved) -> dict[str, Table]:
    """The groups and their positions, worst first where there are more than can be shown."""
    if snapshot.groups is None:
        return {}
    found = {"groups": Table(GROUP_COLUMNS, tuple(group_row(group, moved) for group in snapshot.groups))}
    if moved.positions:
        assigned = {group.name: group.assigned or {} for group in snapshot.groups}
        rows = [(name, p) for name, positions in moved.positions.items() for p in positions]
        if len(rows) > MOST_ROWS:
            rows.sort(key=lambda row: (-row[1].evaluation, -(row[1].lag or 0)))
        found["positions"] = Table(
            POSITION_COLUMNS,
            tuple(
                (
                    name,
                    p.key[0],
                    p.key[1],
                    p.evaluation.word,
                    p.committed,
                    p.end,
                    p.lag,
                    None if p.age is None else p.age.seconds,
                    p.waits_s,
                    assigned[name].get(p.key, ""),
                )
                for name, p in rows[:MOST_ROWS]
            ),
        )
    return found
