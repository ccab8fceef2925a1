"""Writes the story's year into the history, through its own tables and with its own inserts.

Statuses and events first, then the samples, newest week first, a week a chunk. Each chunk goes out under a token made
of anchor and day, so one that is sent again after a crash is written once; what is finished is noted in
`demo_backfill`, so an interrupted backfill goes on. Series carry the names and labels of the live ones: past and
present are one line.
"""

import math
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from numpy.typing import NDArray

from demo.courses import Course
from demo.story import DAY_S, DAYS, Story
from history.precision import rounded_column
from history.recorder import HEARTBEAT
from history.rows import SeriesKey, StatusChange, catalogued, changes_table, columns_table, insert, series_table
from probes import METRICS
from probes.cache import ComponentView
from probes.result import Labels, utc

EPOCH, MONDAY_S = date(1970, 1, 1), 4 * DAY_S
RECENT_S = 90 * DAY_S
"""So far back raw samples are read (`settings.Retention`); what is older is seen by the quarter of an hour at best."""
STEPS = ((12 * 3600, 15), (2 * DAY_S, 30), (7 * DAY_S, 60), (RECENT_S, 150), (DAYS * DAY_S, 3600))
"""Until so many seconds before the anchor samples stand so many seconds apart. Neighbours differ by 2.5 at
most where raw samples are read: charts and uptimes take a longer distance for a hole."""
LOOKED_S = 1800
"""What tells that somebody looked is not further apart: seen by the quarter of an hour, 2.5 of them are a hole. The
metrics are, in the older past: a roll-up's row of one sample costs as much as one of a hundred."""
SEAM_S = math.lcm(*(step_s for _, step_s in STEPS))
"""Steps change at multiples of this, so that no distance at a change is longer than the longer step."""
PAUSE_S = 0.005

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Line:
    """A series to write: how it goes, its labels, its level."""

    course: Course
    labels: Labels
    base: float

    @property
    def key(self) -> SeriesKey:
        return SeriesKey(self.course.component, self.course.metric, self.labels)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A week of the past from Monday, as the samples are partitioned, or a part of it; `day` is its first UTC day."""

    day: date
    start_s: int
    end_s: int


def run(
    client: Client,
    database: str,
    story: Story,
    lines: Sequence[Line],
    on_progress: Callable[[float], None] = lambda _: None,
    wait: Callable[[float], bool] = lambda _: False,
) -> bool:
    """Write whatever of the story is not written yet; returns whether all of it is.

    Args:
        database: one that `history.store.migrate` has been at.
        story: its anchor must be the one of `begin`.
        on_progress: told the share that is done, 0 to 1.
        wait: pauses between chunks to let others through; true: stop now.

    Raises:
        ClickHouseError, OSError: an insert failed; calling again goes on where it ended.
    """
    written = done(client, database)
    todo = weeks(story)
    insert(
        client,
        f"{database}.series",
        series_table(catalogued(_keys(story, lines), METRICS)),
        _token(story, f"series:{DAYS}"),
    )
    insert(client, f"{database}.event", events_table(story), _token(story, f"event:{DAYS}"))
    insert(client, f"{database}.status_change", changes_table(changes_of(story)), _token(story, f"status:{DAYS}"))
    for count, chunk in enumerate(todo):
        on_progress(count / len(todo))
        if chunk.day in written:
            continue
        if wait(PAUSE_S):
            return False
        token = _token(story, chunk.day.isoformat())
        insert(client, f"{database}.samples", samples_of(story, lines, chunk), token)
        _note(client, database, story.anchor_s, chunk.day, token)
    on_progress(1.0)
    return True


def begin(client: Client, database: str, now_s: int) -> int:
    """The epoch second before which this database's past is made up: noted at the first call, read afterwards.

    It is a little before `now_s`: a live sample is written under the start of its interval and must not meet the past.
    """
    client.command(
        f"CREATE TABLE IF NOT EXISTS {database}.demo_backfill (anchor DateTime('UTC'), day Date) "
        "ENGINE = MergeTree ORDER BY day SETTINGS non_replicated_deduplication_window = 1000"
    )
    known = int(str(client.command(f"SELECT toUnixTimestamp(min(anchor)) FROM {database}.demo_backfill")))
    if known:
        return known
    finest_s = STEPS[0][1]
    anchor_s = now_s // finest_s * finest_s
    _note(client, database, anchor_s, EPOCH, f"demo:{anchor_s}:begin")
    return anchor_s


def done(client: Client, database: str) -> set[date]:
    """The first days of the chunks that are written."""
    return {row[0] for row in client.query(f"SELECT day FROM {database}.demo_backfill").result_rows}


def finished(client: Client, database: str, story: Story) -> bool:
    """Whether nothing of the story is missing."""
    return {chunk.day for chunk in weeks(story)} <= done(client, database)


def weeks(story: Story) -> tuple[Chunk, ...]:
    """The chunks of a story, newest first; none begins before and ends within the last 90 days.

    A demo of the days when the past had no more of them goes on where it ended. No two chunks begin on the same day,
    which is their name: the week before the 90 days is one with the week before it.
    """
    seam_s = story.anchor_s - RECENT_S
    if story.start_s > seam_s - 14 * DAY_S:
        return chunks(story.start_s, story.anchor_s)
    last, before, *older = chunks(story.start_s, seam_s)
    return (*chunks(seam_s, story.anchor_s), Chunk(before.day, before.start_s, last.end_s), *older)


def chunks(start_s: int, end_s: int, days: int = 7) -> tuple[Chunk, ...]:
    """A range cut at UTC midnights, into weeks from Monday or into single days; newest first."""
    width_s, found = days * DAY_S, []
    offset_s = MONDAY_S % width_s
    for number in range((end_s - 1 - offset_s) // width_s, (start_s - offset_s) // width_s - 1, -1):
        from_s = number * width_s + offset_s
        first_s = max(start_s, from_s)
        found.append(Chunk(EPOCH + timedelta(days=first_s // DAY_S), first_s, min(end_s, from_s + width_s)))
    return tuple(found)


def choose_lines(courses: Iterable[Course], views: Iterable[ComponentView]) -> tuple[Line, ...]:
    """The series to write: the live ones where the probes have read any, else those of the courses."""
    live: dict[tuple[str, str], dict[Labels, float]] = {}
    for view in views:
        for reading in view.result.readings if view.result else ():
            live.setdefault((view.name, reading.metric), {})[reading.labels] = reading.value
    found: list[Line] = []
    for course in courses:
        read: Mapping[Labels, float] = live.get((course.component, course.metric), {})
        wanted = sorted(read, key=lambda each: (each != course.labels, each))[: course.series]
        for pairs in wanted or [course.labels]:
            base = course.base if course.base is not None else read.get(pairs)
            if base is not None:
                found.append(Line(course, pairs, base))
    return tuple(found)


def times(story: Story, chunk: Chunk, most_s: int = STEPS[-1][1]) -> tuple[Floats, Floats]:
    """The seconds of a chunk at which the demo was measured, ascending, and the distance to the measurement before.

    Args:
        most_s: the longest distance; it divides the longer ones of `STEPS`.
    """
    moments, distances = [], []
    until_s = story.anchor_s
    for age_s, usual_s in STEPS:
        step_s = min(usual_s, most_s)
        from_s, until_s = (story.anchor_s - age_s) // SEAM_S * SEAM_S, min(until_s, chunk.end_s)
        first = -(-max(from_s, chunk.start_s) // step_s) * step_s
        moments.append(np.arange(first, until_s, step_s, dtype=np.float64))
        distances.append(np.full(len(moments[-1]), float(step_s)))
        until_s = from_s
    return np.concatenate(moments[::-1]), np.concatenate(distances[::-1])


def samples_of(story: Story, lines: Sequence[Line], chunk: Chunk) -> pa.Table:
    """All samples of a chunk."""
    days = chunks(chunk.start_s, chunk.end_s, days=1)
    return pa.concat_tables([_samples_of_day(story, lines, day) for day in reversed(days)])


def _samples_of_day(story: Story, lines: Sequence[Line], day: Chunk) -> pa.Table:
    t, distance_s = times(story, day)
    looked, _ = times(story, day, LOOKED_S)
    parts: list[tuple[int, Floats, Floats]] = []
    answered = {component: story.observed(component, t) for component in story.components}
    for line in lines:
        seen = answered[line.course.component]
        which = " ".join(value for _, value in line.labels)
        values = story.values(line.course, line.base, which, t)
        if METRICS[line.course.metric].type == "counter":  # stored as the increase since the sample before
            values = values * distance_s
        parts.append((line.key.id, t[seen], rounded_column(values[seen], METRICS[line.course.metric].bits)))
    for component in story.components:
        parts += _common(story, component, t, looked)
    return columns_table(
        np.concatenate([np.full(len(at), series_id, np.uint64) for series_id, at, _ in parts]),
        np.concatenate([at for _, at, _ in parts]).astype(np.int64),
        np.concatenate([values for _, _, values in parts]),
    )


def changes_of(story: Story) -> list[StatusChange]:
    """All status changes, and one an hour where nothing changes, as the recorder writes them; before that one a day."""
    beat_s, recent_s = int(HEARTBEAT.total_seconds()), story.anchor_s - RECENT_S
    older = range((story.start_s // DAY_S + 1) * DAY_S, recent_s, DAY_S)
    hourly = range((max(story.start_s, recent_s) // beat_s + 1) * beat_s, story.anchor_s, beat_s)
    starts = [story.start_s, *older, *hourly]
    ends = [*starts[1:], story.anchor_s]
    return [
        StatusChange(state.component, utc(state.at_s), state.status, state.reason)
        for component in story.components
        for start_s, end_s in zip(starts, ends, strict=True)
        for state in story.states(component, start_s, end_s)
    ]


def events_table(story: Story) -> pa.Table:
    """The story's events as rows of the ``event`` table; their ids follow from the anchor."""
    rows = [
        (happening, note, happening.start_s + 60 * note.after_min)
        for happening in story.happenings
        for note in happening.incident.notes
    ]
    names = (f"{story.anchor_s} {happening.start_s} {note.text}" for happening, note, _ in rows)
    return pa.table(
        {
            "id": [str(uuid.uuid5(uuid.NAMESPACE_OID, name)) for name in names],
            "ts": pa.array([utc(at_s) for _, _, at_s in rows], pa.timestamp("ms", "UTC")),
            "till": pa.array([None] * len(rows), pa.timestamp("ms", "UTC")),
            "kind": [note.kind for _, note, _ in rows],
            "component": [happening.incident.component for happening, _, _ in rows],
            "author": [note.author for _, note, _ in rows],
            "text": [note.text for _, note, _ in rows],
            "ver": pa.array([1] * len(rows), pa.uint64()),
            "deleted": pa.array([0] * len(rows), pa.uint8()),
        }
    )


def _common(story: Story, component: str, t: Floats, looked: Floats) -> list[tuple[int, Floats, Floats]]:
    """What every component has: `probe_up` at `looked`; at `t` `probe_status` and, where it answered, its latency."""
    found = []
    for metric, at in (("probe_up", looked), ("probe_status", t)):
        values = story.ranks(component, at).astype(np.float64)
        if metric == "probe_up":  # unknown and critical are not, as `probes.common` has it
            values = np.where((values == 2) | (values == 4), 0.0, 1.0)
        seen = story.observed(component, at, readings=False)
        found.append((SeriesKey(component, metric).id, at[seen], values[seen]))
    latency = story.latency(component, t)
    if latency is not None:
        answered = story.observed(component, t)
        kept = rounded_column(latency[answered], METRICS["probe_latency_seconds"].bits)
        found.append((SeriesKey(component, "probe_latency_seconds").id, t[answered], kept))
    return found


def _keys(story: Story, lines: Iterable[Line]) -> list[SeriesKey]:
    metrics = ("probe_up", "probe_status", "probe_latency_seconds")
    return [line.key for line in lines] + [SeriesKey(name, metric) for name in story.components for metric in metrics]


def _note(client: Client, database: str, anchor_s: int, day: date, token: str) -> None:
    row = pa.table({"anchor": pa.array([utc(anchor_s)], pa.timestamp("s", "UTC")), "day": pa.array([day], pa.date32())})
    insert(client, f"{database}.demo_backfill", row, token)


def _token(story: Story, what: str) -> str:
    return f"demo:{story.anchor_s}:{what}"
