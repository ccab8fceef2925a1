import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from clickhouse_connect.driver.client import Client

from demo import backfill
from demo.backfill import Line
from demo.courses import Course
from demo.story import DAY_S, DAYS, Story
from history import queries
from history.rows import SeriesKey
from history.store import Store
from history.window import Window
from probes.result import Reading, Status, labels
from settings import History

DATABASE = "demo_backfill_test"
COMPONENTS = ("host", "redis")
ANCHOR_S = (int(time.time()) - 100) // 15 * 15
LINES = (
    Line(Course(component="host", metric="host_cpu_ratio", base=0.4, quiet=0.3, most=1), (), 0.4),
    Line(Course(component="redis", metric="redis_rejected_connections_total", base=2, noise=0), (), 2.0),
)
COUNTS = ("samples", "samples_15m", "status_change", "event", "series", "demo_backfill")


@pytest.fixture
def client(chdb_path: Path) -> Iterator[Client]:
    settings = History.model_validate({"dsn": f"chdb://{chdb_path}", "database": DATABASE})
    client = Store(settings).connect()
    client.command(f"DROP DATABASE IF EXISTS {DATABASE} SYNC")
    Store(settings).migrate(client)
    yield client
    client.command(f"DROP DATABASE IF EXISTS {DATABASE} SYNC")
    client.close()


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A past of some more than the 90 recent days, for what needs no year."""
    monkeypatch.setattr("demo.story.DAYS", 140)


@pytest.fixture
def weeks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A past of some weeks."""
    monkeypatch.setattr("demo.story.DAYS", 30)


@pytest.fixture
def story(client: Client) -> Story:
    return Story(backfill.begin(client, DATABASE, ANCHOR_S + 14), COMPONENTS)


def scope() -> queries.Scope:
    return queries.Scope(DATABASE, 90.0 * DAY_S, float(ANCHOR_S))


def counts(client: Client) -> dict[str, int]:
    columns = {table: "sum(cnt)" if table == "samples_15m" else "count()" for table in COUNTS}
    return {
        table: int(str(client.command(f"SELECT {what} FROM {DATABASE}.{table}"))) for table, what in columns.items()
    }


@pytest.mark.usefixtures("short")
def test_it_writes_the_past_once_however_often_it_runs(client: Client, story: Story) -> None:
    shares: list[float] = []
    assert not backfill.finished(client, DATABASE, story)
    assert backfill.run(client, DATABASE, story, LINES, shares.append)
    assert backfill.finished(client, DATABASE, story)
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    assert shares == sorted(shares)
    once = counts(client)
    assert once["samples_15m"] > 400_000  # of samples: the oldest raw ones go, being older than they are kept
    assert once["event"] == sum(len(h.incident.notes) for h in story.happenings)
    assert once["status_change"] > 2 * (90 * 23 + 45)
    assert backfill.run(client, DATABASE, story, LINES)
    client.command(f"TRUNCATE TABLE {DATABASE}.demo_backfill")  # as if it had died before it noted anything
    assert backfill.run(client, DATABASE, story, LINES)
    again = counts(client)
    assert {**again, "demo_backfill": 0, "samples": 0} == {**once, "demo_backfill": 0, "samples": 0}
    doubled = f"SELECT count() FROM (SELECT 1 FROM {DATABASE}.samples GROUP BY series_id, ts HAVING count() > 1)"
    assert int(str(client.command(doubled))) == 0


@pytest.mark.usefixtures("weeks")
def test_an_interrupted_one_goes_on_with_the_same_anchor(client: Client, story: Story) -> None:
    pauses = iter([False, False, True])
    assert not backfill.run(client, DATABASE, story, LINES, wait=lambda _: next(pauses))
    newest = int(str(client.command(f"SELECT toUnixTimestamp(max(ts)) FROM {DATABASE}.samples")))
    assert story.anchor_s - newest <= 60  # the newest weeks come first
    assert not backfill.finished(client, DATABASE, story)
    assert backfill.begin(client, DATABASE, ANCHOR_S + 5000) == ANCHOR_S
    assert backfill.run(client, DATABASE, Story(ANCHOR_S, COMPONENTS), LINES)
    oldest = int(str(client.command(f"SELECT toUnixTimestamp(min(t)) FROM {DATABASE}.samples_15m")))
    assert abs(oldest - story.start_s) <= 900  # a row is called after its beginning


@pytest.mark.usefixtures("short")
def test_the_pages_questions_find_it(client: Client, story: Story) -> None:
    assert backfill.run(client, DATABASE, story, LINES)
    window = Window(ANCHOR_S - 6 * 3600, ANCHOR_S)
    (cpu,) = queries.series(client, scope(), window, ("host_cpu_ratio",), ("host",)).series
    assert len(cpu.t) > 300
    assert 0 < cpu.avg.min() <= cpu.high.max() <= 1
    (refused,) = queries.series(client, scope(), window, ("redis_rejected_connections_total",)).series
    assert np.median(refused.avg) == pytest.approx(2.0, rel=0.01)  # per second, whatever the distance of samples

    outage = next(h for h in story.happenings if "redis" in h.incident.drags)
    around = Window(int(outage.start_s) - 3600, int(outage.end_s) + 3600)
    changed = [(c.component, c.at_s, c.after) for c in queries.changes(client, scope(), around)]
    assert ("redis", outage.start_s, Status.CRITICAL) in changed
    assert ("host", outage.end_s, Status.OK) in changed

    for hole in story.holes:
        inside = Window(int(hole.start_s), int(hole.end_s))
        assert queries.series(client, scope(), inside, ("probe_up", "host_cpu_ratio")).series == ()
    seen = queries.observed(client, scope(), Window(story.start_s, ANCHOR_S))
    for stretches in seen.values():  # every hole is seen to the quarter of an hour, and nothing else is taken for one
        assert len(stretches) == len(story.holes) + 1
        for hole, before, after in zip(story.holes, stretches, stretches[1:], strict=False):
            assert abs(before[1] - hole.start_s) <= 1800
            assert abs(after[0] - hole.end_s) <= 1800
    found = queries.events(client, scope(), Window(story.start_s, story.anchor_s))
    assert {"deploy", "restart", "annotation"} == {event.kind for event in found}


def test_series_are_those_of_the_live_probes() -> None:
    def course(metric: str, **how: Any) -> Course:
        return Course(component="network", metric=metric, **{"base": 1.0, **how})

    courses = (
        course("network_rtt_seconds"),
        course("network_receive_bytes_per_second", series=1, labels=labels(interface="eth1")),
        course("network_link_speed_bytes_per_second", base=None),
        course("network_loss_ratio", labels=labels(target="nobody:1")),
        course("network_retransmit_ratio", base=None),
    )
    readings = (
        Reading("network_rtt_seconds", 0.1, labels(target="b:1")),
        Reading("network_rtt_seconds", 0.2, labels(target="a:1")),
        Reading("network_receive_bytes_per_second", 7.0, labels(interface="eth0")),
        Reading("network_receive_bytes_per_second", 7.0, labels(interface="eth1")),
        Reading("network_link_speed_bytes_per_second", 125e6, labels(interface="eth0")),
    )
    view: Any = SimpleNamespace(name="network", result=SimpleNamespace(readings=readings))
    silent: Any = SimpleNamespace(name="redis", result=None)
    found = {(line.key, line.base) for line in backfill.choose_lines(courses, [view, silent])}
    assert found == {
        (SeriesKey("network", "network_rtt_seconds", labels(target="a:1")), 1.0),
        (SeriesKey("network", "network_rtt_seconds", labels(target="b:1")), 1.0),
        (SeriesKey("network", "network_receive_bytes_per_second", labels(interface="eth1")), 1.0),
        (SeriesKey("network", "network_link_speed_bytes_per_second", labels(interface="eth0")), 125e6),
        (SeriesKey("network", "network_loss_ratio", labels(target="nobody:1")), 1.0),
    }


def test_chunks_are_weeks_from_monday_newest_first_without_gap() -> None:
    end_s = int(datetime(2026, 11, 24, 15, tzinfo=UTC).timestamp())
    found = backfill.chunks(end_s - DAYS * DAY_S, end_s)
    assert [chunk.end_s for chunk in found] == [end_s, *(chunk.start_s for chunk in found[:-1])]
    assert found[0].day == date(2026, 11, 23)
    assert all(chunk.day.weekday() == 0 for chunk in found[:-1])
    assert found[-1].start_s == end_s - DAYS * DAY_S
    days = backfill.chunks(found[0].start_s, found[0].end_s, days=1)
    assert [chunk.day.day for chunk in days] == [24, 23]


def test_what_tells_that_somebody_looked_stands_closer() -> None:
    story = Story(ANCHOR_S, COMPONENTS)
    days = reversed(backfill.chunks(story.start_s, story.anchor_s, days=1))
    quarters = np.unique(np.concatenate([backfill.times(story, day, backfill.LOOKED_S)[0] for day in days]) // 900)
    assert np.diff(quarters).max() == 2


@pytest.mark.parametrize("days", [3, 90, 92, 365])
def test_a_past_that_was_begun_shorter_goes_on_where_it_ended(days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    short = backfill.chunks(ANCHOR_S - min(days, 90) * DAY_S, ANCHOR_S)
    monkeypatch.setattr("demo.story.DAYS", days)
    story = Story(ANCHOR_S, COMPONENTS)
    found = backfill.weeks(story)
    assert [chunk.end_s for chunk in found] == [ANCHOR_S, *(chunk.start_s for chunk in found[:-1])]
    assert found[-1].start_s == story.start_s
    assert len({chunk.day for chunk in found}) == len(found)
    if days != 92:  # a few days more are one with the oldest week
        assert found[: len(short)] == short


@pytest.mark.parametrize("later_s", range(0, 3600, 240))
def test_samples_never_stand_so_far_apart_that_charts_see_a_hole(later_s: int) -> None:
    story = Story(ANCHOR_S + later_s, COMPONENTS)
    days = reversed(backfill.chunks(story.start_s, story.anchor_s, days=1))
    t = np.concatenate([backfill.times(story, day)[0] for day in days])
    assert set(np.diff(t).tolist()) == {15.0, 30.0, 60.0, 150.0, 3600.0}
    recent = t[t >= story.anchor_s - backfill.RECENT_S]
    assert set(np.diff(recent).tolist()) == {15.0, 30.0, 60.0, 150.0}
    assert t[0] - story.start_s <= 3600
    assert 0 < story.anchor_s - t[-1] <= 15
    assert 70 * len(t) < 6_000_000  # the demo's some seventy series
