"""Consumer groups judged by their last offsets: tables of cases, no broker."""

from collections.abc import Sequence

import pytest

from probes import kafka_age
from probes import kafka_groups as groups
from probes.kafka_age import Age, EndHistory
from probes.kafka_evaluation import DEPLOYMENT_S, SLOWEST_S, Evaluation, Window, evaluate, worst_of
from probes.kafka_movement import MOST_POSITIONS, Moved, Movement, Position
from probes.kafka_snapshot import Group, Key, Snapshot
from probes.result import Reading, Status

OK, UNKNOWN, WARNING, REWINDING, STALLED, STOPPED = Evaluation
POLL_S = 10.0
TICKS: Key = ("ticks", 0)


def window(polls: Sequence[tuple[int, int]], every_s: float = POLL_S) -> Window:
    """The window after polls that found (committed, end)."""
    seen = Window()
    for number, (committed, end) in enumerate(polls):
        seen = seen.after(committed, end, number * every_s)
    return seen


def evaluated(
    polls: Sequence[tuple[int, int]], attended: bool | None = True, behind_s: float = 60.0, every_s: float = POLL_S
) -> Evaluation:
    return evaluate(window(polls, every_s), (len(polls) - 1) * every_s, attended, behind_s)


def standing(count: int, committed: int = 100, lag: int = 50) -> list[tuple[int, int]]:
    """Polls between which nothing is consumed while messages come."""
    return [(committed, committed + lag + number) for number in range(count)]


IDLE = [(100, 100)] * 40
KEEPS_PACE = [(100 * n, 100 * n + 30) for n in range(1, 13)]
CATCHES_UP = [(100 * n, 90 * n + 500) for n in range(1, 13)]
SLOW = [(100 * n, 150 * n + 30) for n in range(1, 13)]
RESET = [(500, 500), (600, 610), (100, 620)]


@pytest.mark.parametrize(
    ("polls", "evaluation"),
    [
        ([(5, 5)], OK),
        (IDLE, OK),
        ([(110, 100)], OK),
        ([(100, 150)], UNKNOWN),
        ([(100, 150), (120, 160)], UNKNOWN),
        ([(100, 150), (120, 160), (140, 170)], OK),
        (KEEPS_PACE, OK),
        (CATCHES_UP, OK),
        (SLOW, WARNING),
        (SLOW[:9], OK),
        ([*SLOW, (3000, 3000)], OK),
        ([*SLOW, (3000, 3000), (3100, 3200)], OK),
        ([*SLOW, (1500, 1900)], OK),
        (RESET, REWINDING),
        ([*RESET, (300, 630), (500, 640)], REWINDING),
        ([*RESET, (650, 650)], OK),
        ([*RESET, (650, 650), (700, 800)], OK),
        ([*KEEPS_PACE, *standing(6, 1200)], OK),
        ([*KEEPS_PACE, *standing(12, 1200)], STALLED),
        ([*IDLE, (100, 101)], OK),
        ([*IDLE, *standing(6)], OK),
        ([*IDLE, *standing(31)], STALLED),
        ([*IDLE, *standing(31), (150, 150)], OK),
        ([*RESET, *[(100, 620)] * 6], STALLED),
        ([*standing(31), (20, 30)], UNKNOWN),
    ],
)
def test_what_a_group_with_consumers_does(polls: list[tuple[int, int]], evaluation: Evaluation) -> None:
    assert evaluated(polls) is evaluation


def test_nobody_there_is_stopped_after_the_time_of_a_deployment() -> None:
    short, long = int(DEPLOYMENT_S / POLL_S), int(DEPLOYMENT_S / POLL_S) + 1
    assert evaluated([*KEEPS_PACE, *standing(short - 1, 1200)], attended=False) is OK
    assert evaluated([*KEEPS_PACE, *standing(short, 1200)], attended=False) is STOPPED
    assert evaluated(standing(long), attended=False) is STOPPED
    assert evaluated(standing(short), attended=False) is UNKNOWN
    assert evaluated([*standing(long), (160, 300)], attended=False) is UNKNOWN


def test_a_lag_that_grows_is_nothing_while_it_is_below_the_pace_of_commits() -> None:
    assert evaluated(SLOW, behind_s=9.0) is OK


def test_an_offset_may_stand_still_as_long_as_its_last_changes_took() -> None:
    """A consumer that commits every minute is not stuck after a minute; one that commits at every poll nearly is."""
    each_minute = [(100 * (n // 6), 100 * (n // 6) + 200) for n in range(60)]
    last = each_minute[-1][0]
    assert evaluated([*each_minute, *standing(20, last, 200)]) is OK
    assert evaluated([*each_minute, *standing(int(SLOWEST_S / POLL_S), last, 200)]) is STALLED


def test_five_polls_are_needed_however_rare_they_are() -> None:
    assert evaluated(standing(5), every_s=600.0) is STALLED
    assert evaluated(standing(4), every_s=600.0) is UNKNOWN


def test_what_is_not_told_does_not_count_as_nobody() -> None:
    assert evaluated(standing(31), attended=None) is STALLED


def test_the_worst_partition_is_the_groups() -> None:
    assert worst_of([OK, STALLED, WARNING]) is STALLED
    assert worst_of([OK, UNKNOWN]) is UNKNOWN
    assert worst_of([]) is UNKNOWN
    assert STOPPED.word == "stopped"


def test_an_offsets_age_lies_between_two_polls() -> None:
    history = EndHistory()
    for at_s, end in ((0, 100), (10, 200), (20, 200), (30, 200), (40, 300)):
        history.add(end, at_s)
    assert history.age(300, 50) == history.age(400, 50) == Age(0.0)
    assert history.age(250, 50).seconds == pytest.approx(14.95)
    assert history.age(199, 50).seconds == pytest.approx(40.05), "written before the pause, not within it"
    assert history.age(99, 50) == Age(50.0, at_least=True)
    history.add(20, 60)
    assert history.age(10, 70) == Age(10.0, at_least=True), "another topic of the same name"


def test_old_ends_are_kept_further_apart() -> None:
    history = EndHistory()
    for n in range(5000):
        history.add(100 * n, 10.0 * n)
    assert len(history) <= kafka_age.MOST_POINTS
    now_s = 49_990.0
    assert not history.age(50, now_s).at_least
    for ago_s in (20, 100, 1000, 20_000):
        assert history.age(int((now_s - ago_s) * 10), now_s).seconds == pytest.approx(ago_s, rel=0.02)


def snapshot(at_s: float, ends: dict[Key, int] | None, *told: Group, **changes: object) -> Snapshot:
    return Snapshot(
        cluster_id="c",
        controller=1,
        quorum=None,
        brokers=(),
        partitions=(),
        settings=None,
        groups=told,
        ends=ends,
        ends_at_s=at_s,
        **changes,  # type: ignore[arg-type]
    )


def group(name: str, committed: int, state: str = "Stable", member: str = "me at host") -> Group:
    assigned = {TICKS: member} if state == "Stable" and member else {}
    return Group(name, state, len(assigned), {TICKS: committed}, assigned)


def told(moved: Moved, shot: Snapshot) -> dict[tuple[str, str], float]:
    return {(r.metric, dict(r.labels).get("group", "")): r.value for r in groups.readings(shot, moved)}


def four_groups() -> tuple[Snapshot, Moved]:
    movement = Movement()
    for n in range(40):
        shot = snapshot(
            n * POLL_S,
            {TICKS: 1000 + 100 * n},
            group("idle", 1000 + 100 * n),
            group("slow", 60 * n),
            group("rewound", 1000 + 100 * n if n < 35 else 20 * n),
            group("stopped", 500, "Empty"),
            group("stuck", 700),
            group("left-out", 800, member=""),
        )
        moved = movement.turn(shot)
    return shot, moved


def test_groups_are_told_apart_in_words() -> None:
    shot, moved = four_groups()
    values = told(moved, shot)
    states = {name: values["kafka_group_evaluation", name] for name in moved.positions}
    assert states == {"idle": OK, "slow": WARNING, "rewound": REWINDING} | {
        "stopped": STOPPED,
        "stuck": STALLED,
        "left-out": STOPPED,
    }
    said = {dict(finding.labels)["group"]: finding for finding in groups.findings(shot, moved)}
    assert set(said) == set(states) - {"idle"}
    assert said["slow"].message == (
        "Group slow falls behind on ticks partition 0: 2.56 k messages wait, the oldest for 4 min 16 s, "
        "and more with every commit."
    )
    assert "Group rewound went back on ticks partition 0 and consumes messages again" in said["rewound"].message
    assert "the oldest for at least 6 min 30 s, and nobody is in the group." in said["stopped"].message
    assert said["stuck"].message.endswith("and its offset has not moved for 6 min 30 s.")
    assert said["left-out"].message.endswith("none of the group's members has this partition.")
    assert {name: finding.status for name, finding in said.items()} == {
        "slow": Status.WARNING,
        "rewound": Status.WARNING,
        "stopped": Status.WARNING,
        "left-out": Status.WARNING,
        "stuck": Status.CRITICAL,
    }
    assert all(finding.hint.endswith((".", "?")) for finding in said.values())


def test_a_stop_becomes_critical_when_nobody_comes_back() -> None:
    lost = Position(TICKS, 1, 9, 8, Age(700.0), STOPPED, 700.0, False)
    finding = groups.findings(snapshot(0, {}, group("g", 1, "Empty")), Moved(positions={"g": [lost, lost]}))[0]
    assert finding.status is Status.CRITICAL
    assert finding.message.endswith("nobody is in the group; 1 more of its partitions are stopped, too.")


def test_lags_by_partition_are_those_of_the_oldest_messages() -> None:
    shot, moved = four_groups()
    told_lags = [r for r in groups.readings(shot, moved) if r.metric == "kafka_partition_lag_seconds"]
    assert [dict(r.labels)["group"] for r in told_lags][-1] == "slow"
    assert {dict(r.labels)["group"] for r in told_lags} == set(moved.positions) - {"idle"}
    assert all(dict(r.labels)["topic"] == "ticks" and dict(r.labels)["partition"] == "0" for r in told_lags)
    many = [Position(("t", n), 0, 1, 1, Age(float(n))) for n in range(80)]
    readings = groups._partition_readings(Moved(positions={"g": many}))
    assert len(readings) == 2 * groups.MOST_PARTITIONS
    assert min(r.value for r in readings if r.metric == "kafka_partition_lag_seconds") == 30


def test_groups_and_positions_are_tables() -> None:
    shot, moved = four_groups()
    shown = groups.tables(shot, moved)
    rows = {row[0]: row for row in shown["groups"].rows}
    assert rows["idle"] == ("idle", "ok", "Stable", 1, "ticks", 0, 0.0)
    assert rows["stopped"][:6] == ("stopped", "stopped", "Empty", 0, "ticks", 4400)
    (idle,) = (row for row in shown["positions"].rows if row[0] == "idle")
    assert idle == ("idle", "ticks", 0, "ok", 4900, 4900, 0, 0.0, 0.0, "me at host")
    assert groups.tables(snapshot(0, None), Moved())["groups"].rows == ()


def test_lag_that_is_not_told_is_not_zero_and_the_window_goes_on() -> None:
    movement = Movement()
    lost = group("book", 40, "Empty")
    for n in range(8):
        movement.turn(snapshot(n * 20.0, {TICKS: 100}, lost))
    untold = snapshot(160.0, {TICKS: 100}, Group("book", "Empty"), commits_told=False)
    moved = movement.turn(untold)
    assert {metric for metric, _ in told(moved, untold)} == {
        "kafka_groups",
        "kafka_group_state",
        "kafka_group_rebalancing_seconds",
    }
    assert groups.group_row(untold.groups[0], moved) == ("book", "", "Empty", None, "", None, None)  # type: ignore[index]
    again = movement.turn(snapshot(180.0, {TICKS: 100}, lost))
    assert again.positions["book"][0].evaluation is STOPPED


def test_a_partition_without_an_end_is_unknown_and_its_lag_left_out() -> None:
    shot = snapshot(0.0, {("other", 0): 5}, group("book", 40))
    moved = Movement().turn(shot)
    assert moved.positions["book"][0].evaluation is UNKNOWN
    assert moved.positions["book"][0].lag is None
    assert groups.lag_by_topic(moved.positions["book"]) == {}


def test_rebalancing_is_timed() -> None:
    movement = Movement()
    for at_s in (0.0, 121.0):
        shot = snapshot(at_s, {TICKS: 100}, group("book", 100, "PreparingRebalance"))
        moved = movement.turn(shot)
        assert Reading("kafka_group_rebalancing_seconds", at_s, (("group", "book"),)) in groups.readings(shot, moved)
    assert movement.turn(snapshot(130.0, {TICKS: 100}, group("book", 100))).rebalancing_s == {"book": 0.0}


def test_very_many_positions_are_followed_in_part() -> None:
    committed = {("t", n): 0 for n in range(MOST_POSITIONS + 3)}
    moved = Movement().turn(snapshot(0.0, dict.fromkeys(committed, 0), Group("big", "Stable", 1, committed)))
    assert moved.unfollowed == 3
    assert [p.evaluation for p in moved.positions["big"]].count(UNKNOWN) == 3
    assert moved.positions["big"][-1].lag == 0
