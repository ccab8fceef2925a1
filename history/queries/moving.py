"""What else moved? Every series of a window against its own past, ranked by how far it left it."""

from collections.abc import Sequence

from clickhouse_connect.driver.client import Client

from history.answers import Mover, Series, cut
from history.buckets import buckets
from history.queries.levels import bucketed, series_of
from history.queries.scope import LIMITS, Names, Scope, between
from history.rows import SeriesKey, SeriesRow
from history.tiers import QUARTER_HOUR, RAW, Tier, bucket_s
from history.window import Window

MOST = 12
BEFORE_TIMES, BEFORE_LEAST_S, BEFORE_MOST_S = 4, 6 * 3600, 7 * 86400
"""A series is compared with what it did before the window: four times as long, six hours at least, a week at most."""
LEAST_ROWS = 4
"""Of 15 minutes: who was not seen for an hour before has no past to leave."""
RAW_S = 3 * 3600
"""Up to this length a window is read sample by sample, so that the second it began is told."""
NOTABLE = 0.25
"""A score below is within what a series does by itself."""
PICTURE_BUCKETS = 120


def movers(client: Client, scope: Scope, window: Window, components: Names = (), most: int = MOST) -> tuple[Mover, ...]:
    """The series of `components` (empty: of all) that left their own past the most in `window`, the farthest first.

    A series' past is the band between the 5th percentile of its quarter-hours' minima and the 95th of their maxima.
    A sample is outside when it lies beyond the band and at least its width (or 5 % of the usual value) from the
    usual value; it is as far away as so many widths. Of positive series the ratio counts as well, or a fall to
    nothing would look near. The score is the sum of these distances over all samples: how far, times how long.
    """
    raw = window.length_s <= RAW_S and scope.kept.has(RAW, window.start_s)
    tier = RAW if raw else QUARTER_HOUR
    ranking = _ranking(scope, window, tier, components, most)
    table = client.query(ranking, parameters={"components": list(components)}, settings=LIMITS).result_rows
    rows = series_of(client, scope, [line[0] for line in table])
    pictures = _pictures(client, scope, window, list(rows.values()))
    return tuple(
        Mover(rows[key], score, usual, low, high, value, float(began_s), outside, pictures.get(rows[key].key))
        for key, score, usual, low, high, value, began_s, outside in table
        if key in rows
    )


def _ranking(scope: Scope, window: Window, tier: Tier, components: Names, most: int) -> str:
    past_s = min(BEFORE_MOST_S, max(BEFORE_LEAST_S, BEFORE_TIMES * window.length_s))
    before = between("t", [(window.start_s - past_s, window.start_s)])
    raw = tier is RAW
    time, low, high, mean = ("ts", "value", "value", "value") if raw else ("t", "vmin", "vmax", "vsum / cnt")
    chosen = f"SELECT series_id FROM {scope.database}.series WHERE component IN {{components:Array(String)}}"
    of = f"AND series_id IN ({chosen})" if components else ""
    return f"""
        SELECT series_id, sumIf(least(1000, distance), out) / count() AS score, any(usual), any(low), any(high),
               avgIf(w_mean, out), toUInt32(minIf(w_time, out)), countIf(out) / count()
        FROM (
            SELECT series_id, usual, low, high, w_time, w_mean,
                   abs(w_mean - usual) / greatest(high - low, 0.05 * abs(usual), 1e-9) AS linear,
                   abs(log(greatest(w_mean, 0.01 * low) / usual)) / greatest(log(high / low), 0.05) AS by_ratio,
                   greatest(linear, if(low > 0, by_ratio, 0)) AS distance,
                   (w_high > high OR w_low < low) AND distance >= 1 AS out
            FROM (SELECT series_id, {time} AS w_time, {low} AS w_low, {high} AS w_high, {mean} AS w_mean
                  FROM {scope.database}.{tier.table} WHERE {between(time, [(window.start_s, window.end_s)])} {of}) AS w
            INNER JOIN (SELECT series_id, quantile(0.5)(vsum / cnt) AS usual, quantile(0.05)(vmin) AS low,
                               quantile(0.95)(vmax) AS high
                        FROM {scope.database}.{QUARTER_HOUR.table} WHERE {before} {of}
                        GROUP BY series_id HAVING count() >= {LEAST_ROWS}) AS p USING (series_id))
        GROUP BY series_id HAVING score >= {NOTABLE} ORDER BY score DESC, series_id LIMIT {most}"""


def _pictures(client: Client, scope: Scope, window: Window, rows: Sequence[SeriesRow]) -> dict[SeriesKey, Series]:
    """The course of each series over the window and as long before it."""
    if not rows:
        return {}
    start_s = window.start_s - window.length_s
    step_s = bucket_s(window.end_s - start_s, PICTURE_BUCKETS)
    near = step_s < QUARTER_HOUR.width_s and scope.kept.has(RAW, start_s)
    span = buckets(start_s, window.end_s, step_s if near else max(step_s, QUARTER_HOUR.width_s), scope.zone)
    columns = bucketed(client, scope, RAW if near else QUARTER_HOUR, rows, [span], percentiles=False)
    return {SeriesKey(line.component, line.metric, line.labels): line for line in cut(columns, rows, span, scope.now_s)}
