"""Questions about samples: series over time, figures of a whole range, hours of the week, what was observed."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from clickhouse_connect.driver.client import Client

from history.answers import (
    Floats,
    Hours,
    Newest,
    Period,
    SeriesSet,
    Summary,
    cut,
    moved,
    stretches,
)
from history.buckets import Buckets, earlier, since
from history.queries.scope import LIMITS, MAX_SERIES, Names, Scope, between, columns_of, resumes
from history.resuming import resumable, spliced
from history.rows import SeriesKey, SeriesRow
from history.tiers import MAX_BUCKETS, QUARTER_HOUR, RAW, Plan, Tier, bucket_s, plan
from history.window import Window

MOST_TOLD = 10 * MAX_SERIES
"""Series of which a figure each is told, a row of a table: more than there are components anywhere."""
LOOK_S = 60
"""Observation is told by the minute where raw samples tell it."""
NEWEST = """toUInt32(bitShiftRight(max(newest) AS last, 64)) AS at_s,
            reinterpretAsFloat64(toUInt64(bitAnd(last, toUInt128(0xFFFFFFFFFFFFFFFF)))) AS value"""
"""Second and value of the newest sample of a series in the table ``latest``."""


@resumes
def series(
    client: Client,
    scope: Scope,
    window: Window,
    metrics: Names,
    components: Names = (),
    percentiles: bool = False,
    previous_s: int = 0,
    width_px: int = MAX_BUCKETS,
    known: SeriesSet | None = None,
) -> SeriesSet:
    """Min, average and max of every series of `metrics` (of `components`; empty: of all) over `window`.

    Counters come as rates per second. At most `MAX_SERIES` series; `truncated` says that there are more.

    Args:
        percentiles: p50, p95 and p99 of each bucket as well.
        previous_s: also the same series so many seconds earlier, moved onto the window; whole days go by the
            desk's clock.
        width_px: of the chart, which bounds the number of buckets.
        known: an earlier answer to the same question: only its moving edge is read anew.
    """
    rows, total = counted_series(client, scope, metrics, components, MAX_SERIES)
    how = plan(window, len(rows), scope.kept, percentiles=percentiles, width_px=width_px)
    answer = read(client, scope, rows, how, percentiles, previous_s, known)
    return replace(answer, total=total)


def read(
    client: Client,
    scope: Scope,
    rows: tuple[SeriesRow, ...],
    how: Plan,
    percentiles: bool = False,
    previous_s: int = 0,
    known: SeriesSet | None = None,
) -> SeriesSet:
    """The samples of `rows` in the buckets of `how`; see `series`."""
    now_s = scope.now_s
    answer = SeriesSet((), how.tier.name, how.step_s, how.window, rows=rows, read_s=now_s, whole_s=now_s)
    if not rows:
        return answer
    before = earlier(how.buckets, previous_s, scope.zone) if previous_s else None
    from_s = None if before else resumable(known, how, rows, now_s)
    spans = [how.buckets if from_s is None else since(how.buckets, from_s), *([before] if before else [])]
    columns = bucketed(client, scope, how.tier, rows, spans, percentiles)
    lines, *past = (cut(columns, as_read(rows), span, now_s) for span in spans)
    answer = replace(answer, series=lines, previous=moved(past[0], how.buckets, spans[1]) if before else ())
    return answer if known is None or from_s is None else spliced(known, answer, from_s)


def bucketed(
    client: Client, scope: Scope, tier: Tier, rows: Sequence[SeriesRow], spans: Sequence[Buckets], percentiles: bool
) -> list[Floats]:
    """Series id, bucket, average, minimum, maximum, count (and percentiles) of all series, sorted by the first two."""
    what, step_s = columns_of(tier), spans[0].step_s
    moment = f"toUInt32({what.time})"
    edges = sorted({edge for span in spans for edge in span.edges_s})
    bucket = f"intDiv({moment}, {step_s}) * {step_s}" if all(s.even for s in spans) else f"roundDown({moment}, {edges})"
    more = f", ({what.quantiles} AS q)[1], q[2], q[3]" if percentiles else ""
    table = client.query_np(
        f"""SELECT series_id, {bucket} AS bucket, {what.levels}, toFloat64({what.count}){more}
            FROM {scope.database}.{tier.table}
            WHERE {among(rows)} AND {between(what.time, ((span.start_s, span.end_s) for span in spans))}
            GROUP BY series_id, bucket ORDER BY series_id, bucket""",
        settings=LIMITS,
    )
    if not len(table):
        return []
    return [table[name] for name in table.dtype.names] if table.dtype.names else list(table.T)


def summaries(
    client: Client, scope: Scope, window: Window, metrics: Names, components: Names = ()
) -> tuple[Summary, ...]:
    """Percentiles and extremes of each series of `metrics` over the whole window; counters as rates per second.

    Of `MOST_TOLD` series at most.
    """
    return summaries_of(client, scope, window, known_series(client, scope, metrics, components, MOST_TOLD))


def summaries_of(client: Client, scope: Scope, window: Window, rows: Sequence[SeriesRow]) -> tuple[Summary, ...]:
    """The same of some series."""
    if not rows:
        return ()
    how = plan(window, len(rows), scope.kept, percentiles=True)
    what = columns_of(how.tier)
    table = client.query(
        f"""SELECT series_id, toFloat64({what.count}), {what.levels}, {what.quantiles},
                   toUInt32(max({what.time})) - toUInt32(min({what.time}))
            FROM {scope.database}.{how.tier.table}
            WHERE {among(rows)} AND {between(what.time, [(how.window.start_s, how.window.end_s)])}
            GROUP BY series_id""",
        settings=LIMITS,
    ).result_rows
    values = {row[0]: row[1:] for row in table}
    found = []
    for row in as_read(rows):
        if row.key.id in values:
            count, *levels, quantiles, span_s = values[row.key.id]
            figures = [*levels, *quantiles]
            if row.kind == "counter":  # the first reading's increase is of the time before it
                length_s = span_s * count / (count - 1) if how.tier is RAW and count > 1 else span_s + how.tier.width_s
                figures = [figure * count / length_s for figure in figures]
            key = (row.key.component, row.key.metric, row.key.labels, row.unit)
            found.append(Summary(*key, int(count), *figures))
    return tuple(found)


def hours_of_week(
    client: Client, scope: Scope, window: Window, metrics: Names, components: Names = ()
) -> tuple[Hours, ...]:
    """95th percentile and peak of each series of `metrics` by weekday and hour of the desk's clock."""
    rows = known_series(client, scope, metrics, components)
    if not rows:
        return ()
    table = client.query(
        f"""SELECT series_id, toDayOfWeek(t, 1, {{zone:String}}), toHour(t, {{zone:String}}),
                   ({columns_of(QUARTER_HOUR).quantiles})[2], max(vmax)
            FROM {scope.database}.{QUARTER_HOUR.table}
            WHERE {among(rows)} AND {between("t", [(window.start_s, window.end_s)])}
            GROUP BY 1, 2, 3""",
        parameters={"zone": scope.zone},
        settings=LIMITS,
    ).result_rows
    cells: dict[int, tuple[Floats, Floats]] = {}
    for series_id, day, hour, p95, peak in table:
        both = cells.setdefault(series_id, (np.full((7, 24), np.nan), np.full((7, 24), np.nan)))
        both[0][day, hour], both[1][day, hour] = p95, peak
    return tuple(
        Hours(row.key.component, row.key.metric, row.key.labels, row.unit, *cells[row.key.id])
        for row in rows
        if row.key.id in cells
    )


def observed(client: Client, scope: Scope, window: Window, components: Names = ()) -> dict[str, tuple[Period, ...]]:
    """The stretches of `window` in which each component was looked at: those with samples of ``probe_up``.

    A hole is a distance of more than two and a half usual ones. It is seen to the minute while raw
    samples reach (a week at most), then to the quarter of an hour, the four hours or the day.
    """
    rows = known_series(client, scope, ("probe_up",), components, MOST_TOLD)
    if not rows:
        return {}
    how = plan(window, len(rows), scope.kept, sample_every_s=10)
    tier = how.tier if how.tier is not RAW or window.length_s <= 7 * 86400 else QUARTER_HOUR
    if tier is not RAW and scope.kept.has(QUARTER_HOUR, window.start_s):
        tier = QUARTER_HOUR
    width_s = min(LOOK_S, bucket_s(window.length_s)) if tier is RAW else tier.width_s
    time = columns_of(tier).time
    table = client.query(
        f"""SELECT series_id, toUInt32(min(at)), toUInt32(max(at)),
                   toUInt32(quantileExactIf(0.5)(at - before, at > before)),
                   groupArrayIf((before, at), at - before > {2.5 * width_s})
            FROM (SELECT series_id, at, lagInFrame(at, 1, at) OVER (PARTITION BY series_id ORDER BY at
                         ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before
                  FROM (SELECT series_id, intDiv(toUInt32({time}), {width_s}) * {width_s} AS at
                        FROM {scope.database}.{tier.table}
                        WHERE {among(rows)} AND {between(time, [(window.start_s, window.end_s)])}
                        GROUP BY series_id, at))
            GROUP BY series_id""",
        settings=LIMITS,
    ).result_rows
    names = {row.key.id: row.key.component for row in rows}
    return {
        names[series_id]: stretches(first, last, holes, max(usual_s, width_s), window)
        for series_id, first, last, usual_s, holes in table
    }


def newest(client: Client, scope: Scope, metrics: Names = (), components: Names = ()) -> tuple[Newest, ...]:
    """The newest sample of each series, however old it is."""
    rows = {row.key.id: row for row in known_series(client, scope, metrics, components, 100_000)}
    table = client.query(
        f"SELECT series_id, {NEWEST} FROM {scope.database}.latest GROUP BY series_id",
        settings=LIMITS,
    ).result_rows
    return tuple(Newest(rows[key], float(at_s), value) for key, at_s, value in table if key in rows)


def known_series(
    client: Client, scope: Scope, metrics: Names = (), components: Names = (), limit: int = MAX_SERIES
) -> tuple[SeriesRow, ...]:
    """The series of `metrics` (empty: of any) of `components` (empty: of all), by metric, component and labels."""
    return counted_series(client, scope, metrics, components, limit)[0]


def counted_series(
    client: Client, scope: Scope, metrics: Names, components: Names, limit: int, *, of_each: bool = False
) -> tuple[tuple[SeriesRow, ...], int]:
    """The same, and how many there are without the limit.

    Args:
        of_each: where there are more than the limit, of each metric its first ones; not every one of the first metrics.
    """
    where = """(empty({metrics:Array(String)}) OR metric IN {metrics:Array(String)})
              AND (empty({components:Array(String)}) OR component IN {components:Array(String)})"""
    asked = {"metrics": list(metrics), "components": list(components)}
    return _series_rows(client, scope, where, limit, asked, of_each=of_each)


def series_of(client: Client, scope: Scope, ids: Sequence[int]) -> dict[int, SeriesRow]:
    """The series of some identities, by identity."""
    if not ids:
        return {}
    rows, _ = _series_rows(client, scope, f"series_id IN ({', '.join(map(str, ids))})", len(ids), {})
    return {row.key.id: row for row in rows}


def _series_rows(
    client: Client,
    scope: Scope,
    where: str,
    limit: int,
    parameters: dict[str, list[str]],
    *,
    of_each: bool = False,
) -> tuple[tuple[SeriesRow, ...], int]:
    order, number = "m, c, mapKeys(l), mapValues(l)", "row_number() OVER (PARTITION BY m ORDER BY c, mapValues(l))"
    cut = f"ORDER BY {f'{number}, ' if of_each else ''}{order} LIMIT {limit}"
    table = client.query(
        f"""SELECT c, m, l, u, k, n FROM (
                SELECT c, m, l, u, k, count() OVER () AS n FROM (
                    SELECT any(component) AS c, any(metric) AS m, any(labels) AS l, any(unit) AS u,
                           toString(any(kind)) AS k
                    FROM {scope.database}.series WHERE {where} GROUP BY series_id) {cut}) ORDER BY {order}""",
        parameters=parameters,
        settings=LIMITS,
    ).result_rows
    rows = tuple(
        SeriesRow(SeriesKey(component, metric, tuple(sorted(labels.items()))), unit, kind)
        for component, metric, labels, unit, kind, _ in table
    )
    return rows, int(table[0][5]) if table else 0


def as_read(rows: Sequence[SeriesRow]) -> tuple[SeriesRow, ...]:
    """Series with the unit in which they are read: counters are read as rates per second."""
    return tuple(replace(row, unit=f"{row.unit}/s") if row.kind == "counter" else row for row in rows)


def among(rows: Sequence[SeriesRow]) -> str:
    """The condition that a row is of one of some series."""
    return f"series_id IN ({', '.join(str(row.key.id) for row in rows)})"
