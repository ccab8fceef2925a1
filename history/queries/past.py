"""What the history knows of one past moment: every status then, whether anybody looked, and the figures."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from history.answers import Series, cut
from history.buckets import buckets
from history.queries.levels import among, bucketed, known_series
from history.queries.scope import LIMITS, Names, Scope, between, columns_of
from history.recorder import HEARTBEAT
from history.rows import SeriesRow
from history.tiers import DAYS, QUARTER_HOUR, RAW, ROLLUPS, Tier
from probes.result import Status

LOOK = "probe_up"
"""The metric that every look at a component leaves."""
HEARTBEAT_S = 2 * HEARTBEAT.total_seconds()
"""A status that lasts is on record again at least so often; it begins with none of these."""
REACH_S = 90 * 86400
"""So far before the moment a status' beginning is looked for, and so far after it the next change."""
COURSE_S, COURSE_STEP_S = 3600, 60
COARSE_ROWS = 12
"""Of a roll-up: so many of its rows before the moment are its course."""
HOLE = 2.5
"""Samples more than so many usual distances apart have a hole between them, as `queries.observed` has it."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The status a component had.

    Attributes:
        since_s: when it began; None when that is more than `REACH_S` before the moment.
        reason: the last sentence written at or before the moment; `said_s` is when.
        next_s, next_status: its next change; None when it has none yet within `REACH_S`.
    """

    component: str
    status: Status
    since_s: float | None
    reason: str
    said_s: float
    next_s: float | None = None
    next_status: Status | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """The newest sample of a series at or before the moment; of a roll-up the average of the row around it.

    Attributes:
        usual_s: the usual distance of its samples; 0 when there was only one.
    """

    row: SeriesRow
    at_s: float
    value: float
    usual_s: float

    def fresh(self, at_s: float, least_s: float) -> bool:
        """Whether it still tells of `at_s`: not further before it than `least_s` or a hole's length."""
        return at_s - self.at_s <= max(least_s, HOLE * self.usual_s)


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """Everything the history knows of the moment `at_s`.

    Attributes:
        width_s: of the rows the figures are averages of; 1: they are single samples.
        courses: the charted series before the moment, a point a minute or a row of the roll-up.
        before_s, after_s: the last and the next whole second at which a component changed its status, seen from there.
        looked_s, looks_s: the last look before and the first after a moment at which nobody looked.
        first_s: when the history begins, for a moment of which it has nothing.
    """

    at_s: int
    recorded: tuple[Recorded, ...] = ()
    figures: tuple[Figure, ...] = ()
    courses: tuple[Series, ...] = ()
    width_s: int = 1
    before_s: int | None = None
    after_s: int | None = None
    looked_s: float | None = None
    looks_s: float | None = None
    first_s: float | None = None


def as_it_was(client: Client, scope: Scope, at_s: int, metrics: Names, charted: Names) -> Past:
    """What is known of the whole second `at_s`.

    Args:
        metrics: whose figures are wanted.
        charted: those of them whose course before the moment is wanted.
    """
    recorded, before_s, after_s = _statuses(client, scope, at_s)
    tier = _finest(scope, at_s)
    rows = known_series(client, scope, tuple({*metrics, LOOK}), limit=100_000)
    figures = _figures(client, scope, tier, rows, at_s)
    looked = any(f.row.key.metric == LOOK and f.fresh(at_s, tier.width_s) for f in figures)
    looks = (None, None) if looked else _looks(client, scope, [row for row in rows if row.key.metric == LOOK], at_s)
    drawn = [row for row in rows if row.key.metric in charted]
    return Past(
        at_s,
        recorded,
        figures,
        _courses(client, scope, tier, drawn, at_s) if drawn else (),
        tier.width_s,
        before_s,
        after_s,
        *looks,
        None if recorded else _first(client, scope),
    )


def _statuses(client: Client, scope: Scope, at_s: int) -> tuple[tuple[Recorded, ...], int | None, int | None]:
    """Each component's status, and the whole seconds of the changes before and after the moment."""
    rows = client.query(
        f"""WITH toDateTime64({{at:Float64}}, 3, 'UTC') AS moment, toString(status) AS word, before != word AS begins
            SELECT component, countIf(ts <= moment), argMaxIf(word, ts, ts <= moment),
                   {_epoch("maxIf(ts, ts <= moment AND begins)")}, argMaxIf(reason, ts, ts <= moment),
                   {_epoch("maxIf(ts, ts <= moment)")},
                   countIf(ts > moment AND begins), {_epoch("minIf(ts, ts > moment AND begins)")},
                   argMinIf(word, ts, ts > moment AND begins),
                   {_epoch("maxIf(ts, ts <= moment - 1 AND begins AND before != '')")}
            FROM (SELECT component, ts, status, reason, lagInFrame(toString(status)) OVER (PARTITION BY component
                         ORDER BY ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before
                  FROM {scope.database}.status_change FINAL
                  WHERE ts >= toDateTime64({{at:Float64}} - {REACH_S}, 3, 'UTC')
                    AND ts <= toDateTime64({{at:Float64}} + {REACH_S}, 3, 'UTC'))
            GROUP BY component ORDER BY component""",
        parameters={"at": float(at_s)},
        settings=LIMITS,
    ).result_rows
    recorded = tuple(
        Recorded(
            component,
            Status(status),
            since_s if since_s > at_s - REACH_S + HEARTBEAT_S else None,
            reason,
            said_s,
            next_s if changes else None,
            Status(next_status) if changes else None,
        )
        for component, known, status, since_s, reason, said_s, changes, next_s, next_status, _ in rows
        if known
    )
    earlier = [math.ceil(row[9]) for row in rows if row[9] > 0]
    later = [math.ceil(row[7]) for row in rows if row[6]]
    return recorded, max(earlier, default=None), min(later, default=None)


def _epoch(moment: str) -> str:
    return f"toFloat64(toUnixTimestamp64Milli({moment})) / 1000"


def _finest(scope: Scope, at_s: int) -> Tier:
    """The finest tier that still has the time before the moment."""
    return next((tier for tier in (RAW, *ROLLUPS) if scope.kept.has(tier, at_s - _reach_s(tier))), DAYS)


def _reach_s(tier: Tier) -> int:
    return COURSE_S if tier is RAW else COARSE_ROWS * tier.width_s


def _figures(client: Client, scope: Scope, tier: Tier, rows: Sequence[SeriesRow], at_s: int) -> tuple[Figure, ...]:
    if not rows:
        return ()
    time = columns_of(tier).time
    value = "any(value)" if tier is RAW else "sum(vsum) / sum(cnt)"
    table = client.query(
        f"""SELECT series_id, toUInt32(max(at)), argMax(level, at),
                   arrayReduce('quantileExact(0.5)', arrayPopFront(arrayDifference(arraySort(groupArray(at)))))
            FROM (SELECT series_id, toUInt32({time}) AS at, {value} AS level
                  FROM {scope.database}.{tier.table}
                  WHERE {among(rows)} AND {between(time, [(at_s - _reach_s(tier), at_s + 1)])}
                  GROUP BY series_id, at)
            GROUP BY series_id""",
        settings=LIMITS,
    ).result_rows
    named = {row.key.id: row for row in rows}
    found = (Figure(named[key], float(last_s), value, float(usual_s)) for key, last_s, value, usual_s in table)
    return tuple(sorted(found, key=lambda figure: (figure.row.key.component, figure.row.key.metric)))


def _courses(client: Client, scope: Scope, tier: Tier, rows: Sequence[SeriesRow], at_s: int) -> tuple[Series, ...]:
    step_s = COURSE_STEP_S if tier is RAW else tier.width_s
    end_s = at_s // step_s * step_s  # a bucket that is not over at the moment would tell of the time after it
    span = buckets(end_s - _reach_s(tier), end_s, step_s, scope.zone)
    return cut(bucketed(client, scope, tier, rows, [span], percentiles=False), rows, span, float(at_s))


def _looks(client: Client, scope: Scope, rows: Sequence[SeriesRow], at_s: int) -> tuple[float | None, float | None]:
    """The last look at anything at or before the moment and the first after it, exact where raw samples are kept."""
    if not rows:
        return None, None
    coarse = next((tier for tier in ROLLUPS if scope.kept.has(tier, at_s - REACH_S)), DAYS)
    before_s, after_s = _nearest(client, scope, coarse, rows, at_s, [(at_s - REACH_S, at_s + REACH_S)])
    if coarse is QUARTER_HOUR and scope.kept.has(RAW, before_s or at_s):
        spans = [(edge_s, edge_s + coarse.width_s) for edge_s in (before_s, after_s) if edge_s is not None]
        if not spans:
            return None, None
        return _nearest(client, scope, RAW, rows, at_s, spans)
    return before_s, after_s


def _nearest(
    client: Client,
    scope: Scope,
    tier: Tier,
    rows: Sequence[SeriesRow],
    at_s: int,
    spans: Iterable[tuple[float, float]],
) -> tuple[float | None, float | None]:
    time = columns_of(tier).time
    ((before_s, after_s),) = client.query(
        f"""SELECT toUInt32(maxIf({time}, toUInt32({time}) <= {at_s})),
                   toUInt32(minIf({time}, toUInt32({time}) > {at_s}))
            FROM {scope.database}.{tier.table} WHERE {among(rows)} AND {between(time, spans)}""",
        settings=LIMITS,
    ).result_rows
    return float(before_s) or None, float(after_s) or None


def _first(client: Client, scope: Scope) -> float | None:
    ((count, first_s),) = client.query(
        f"SELECT count(), {_epoch('min(ts)')} FROM {scope.database}.status_change", settings=LIMITS
    ).result_rows
    return first_s if count else None
