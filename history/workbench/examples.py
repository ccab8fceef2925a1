"""Statements to begin with: each answers a question of a desk out of the tables as they are.

They are shown, changed and run as they stand, so they are written to be read.
"""

from dataclasses import dataclass

from history.schema import SKETCH_MERGE, SKETCH_SCALE

DESK = "the desk's zone"


@dataclass(frozen=True, slots=True)
class Example:
    """A question, and the statement that answers it.

    Attributes:
        metrics: of the catalogue, which it names.
    """

    question: str
    text: str
    metrics: tuple[str, ...] = ()

    def written_for(self, zone: str) -> str:
        """The statement with the desk's time zone where it speaks of hours of the day."""
        return self.text.replace(DESK, zone)


RANGE_RAW = "ts >= {from:DateTime} AND ts < {to:DateTime}"
RANGE = "t >= {from:DateTime} AND t < {to:DateTime}"


def _chosen(metric: str, *also: str) -> str:
    """The series of a metric under a name, once each however often they were written."""
    columns = ",\n           ".join(["any(component) AS component", *also])
    return f"""WITH chosen AS (
    SELECT series_id, {columns}
    FROM series
    WHERE metric = '{metric}'
    GROUP BY series_id
)"""


_OF_CHOSEN = "series_id IN (SELECT series_id FROM chosen)"

EXAMPLES = (
    Example(
        "How slow is each component, hour by hour?",
        f"""{_chosen("probe_latency_seconds")}
SELECT toStartOfHour(ts) AS hour, component,
       round(1000 * avg(value), 2) AS avg_ms,
       round(1000 * quantile(0.95)(value), 2) AS p95_ms
FROM samples
JOIN chosen USING (series_id)
WHERE {RANGE_RAW} AND {_OF_CHOSEN}
GROUP BY hour, component
ORDER BY hour, component""",
        ("probe_latency_seconds",),
    ),
    Example(
        "Which components are slowest, by the percentiles of the roll-ups?",
        f"""{_chosen("probe_latency_seconds")}
SELECT component, sum(cnt) AS checks,
       round(1000 * sum(vsum) / sum(cnt), 2) AS avg_ms,
       round(1000 * {SKETCH_MERGE}(q)[2] / {SKETCH_SCALE}, 2) AS p95_ms,
       round(1000 * {SKETCH_MERGE}(q)[3] / {SKETCH_SCALE}, 2) AS p99_ms,
       round(1000 * max(vmax), 2) AS max_ms
FROM samples_15m
JOIN chosen USING (series_id)
WHERE {RANGE} AND {_OF_CHOSEN}
GROUP BY component
ORDER BY p99_ms DESC""",
        ("probe_latency_seconds",),
    ),
    Example(
        "How far did each consumer group fall behind?",
        f"""{_chosen("kafka_group_lag_seconds", "any(labels['group']) AS consumer", "any(labels['topic']) AS topic")}
SELECT consumer, topic,
       quantile(0.5)(value) AS p50_s, quantile(0.95)(value) AS p95_s, max(value) AS worst_s,
       argMax(ts, value) AS worst_at
FROM samples
JOIN chosen USING (series_id)
WHERE {RANGE_RAW} AND {_OF_CHOSEN}
GROUP BY consumer, topic
ORDER BY p95_s DESC""",
        ("kafka_group_lag_seconds",),
    ),
    Example(
        "How many messages a second does each topic take?",
        f"""{_chosen("kafka_topic_messages_per_second", "any(labels['topic']) AS topic")}
SELECT t AS quarter, topic, sum(vsum) / sum(cnt) AS messages_per_s
FROM samples_15m
JOIN chosen USING (series_id)
WHERE {RANGE} AND {_OF_CHOSEN}
GROUP BY quarter, topic
ORDER BY quarter, topic""",
        ("kafka_topic_messages_per_second",),
    ),
    Example(
        "How long was each component not ok?",
        """WITH stretches AS (
    SELECT component, status, ts,
           leadInFrame(ts, 1, toDateTime64({to:DateTime}, 3, 'UTC')) OVER (
               PARTITION BY component ORDER BY ts
               ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS till
    FROM status_change FINAL
    WHERE ts < {to:DateTime}
)
SELECT component, toString(status) AS status, count() AS times,
       round(sum(dateDiff('second', greatest(ts, toDateTime64({from:DateTime}, 3, 'UTC')), till)) / 60, 1) AS minutes
FROM stretches
WHERE till > {from:DateTime} AND status NOT IN ('ok', 'off')
GROUP BY component, status
ORDER BY minutes DESC""",
    ),
    Example(
        "What changed its status, and why?",
        """SELECT ts, component, toString(status) AS status, reason
FROM status_change FINAL
WHERE ts >= {from:DateTime} AND ts < {to:DateTime}
ORDER BY ts DESC""",
    ),
    Example(
        "Do load and latency move together?",
        f"""WITH
    (SELECT groupUniqArray(series_id) FROM series WHERE metric = 'host_cpu_ratio') AS cpu,
    (SELECT groupUniqArray(series_id) FROM series WHERE metric = 'redis_ping_seconds') AS ping,
quarters AS (
    SELECT t, sumIf(vsum, series_id IN cpu) / sumIf(cnt, series_id IN cpu) AS load,
           sumIf(vsum, series_id IN ping) / sumIf(cnt, series_id IN ping) AS latency
    FROM samples_15m
    WHERE {RANGE}
    GROUP BY t
)
SELECT round(corr(load, latency), 3) AS correlation, round(rankCorr(load, latency), 3) AS by_rank, count() AS quarters
FROM quarters
WHERE isFinite(load) AND isFinite(latency)""",
        ("host_cpu_ratio", "redis_ping_seconds"),
    ),
    Example(
        "At which hour of the day is the network busiest?",
        f"""{_chosen("network_receive_bytes_per_second", "any(labels['interface']) AS interface")}
SELECT toHour(t, '{DESK}') AS hour, interface,
       round(sum(vsum) / sum(cnt) / 1e6, 3) AS avg_mb_per_s, round(max(vmax) / 1e6, 3) AS peak_mb_per_s
FROM samples_15m
JOIN chosen USING (series_id)
WHERE {RANGE} AND {_OF_CHOSEN}
GROUP BY hour, interface
ORDER BY interface, hour""",
        ("network_receive_bytes_per_second",),
    ),
    Example(
        "How did memory in use grow, day by day?",
        f"""{_chosen("redis_memory_used_bytes")}
SELECT t AS day, component,
       round(sum(vsum) / sum(cnt) / 1048576, 1) AS avg_mib, round(max(vmax) / 1048576, 1) AS peak_mib
FROM samples_1d
JOIN chosen USING (series_id)
WHERE {RANGE} AND {_OF_CHOSEN}
GROUP BY day, component
ORDER BY day""",
        ("redis_memory_used_bytes",),
    ),
    Example(
        "How long was each component not looked at?",
        f"""{_chosen("probe_up")}
SELECT component, max(silence_s) AS longest_s, quantile(0.5)(silence_s) AS usual_s, argMax(ts, silence_s) AS ended_at
FROM (
    SELECT component, ts,
           dateDiff('second', lagInFrame(ts, 1, ts) OVER (
               PARTITION BY series_id ORDER BY ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), ts) AS silence_s
    FROM samples
    JOIN chosen USING (series_id)
    WHERE {RANGE_RAW} AND {_OF_CHOSEN}
)
GROUP BY component
ORDER BY longest_s DESC""",
        ("probe_up",),
    ),
    Example(
        "What is the newest value of every series?",
        """SELECT component, metric, labels, at, value, unit
FROM (
    SELECT series_id, max(newest) AS last,
           toDateTime(toUInt32(bitShiftRight(last, 64)), 'UTC') AS at,
           reinterpretAsFloat64(toUInt64(bitAnd(last, toUInt128(18446744073709551615)))) AS value
    FROM latest
    GROUP BY series_id
) AS newest
JOIN (SELECT * FROM series LIMIT 1 BY series_id) AS known USING (series_id)
ORDER BY component, metric""",
    ),
    Example(
        "Which series fill the history?",
        """SELECT component, metric, count() AS series, sum(rows) AS samples
FROM (
    SELECT series_id, count() AS rows
    FROM samples
    WHERE ts >= {from:DateTime} AND ts < {to:DateTime}
    GROUP BY series_id
) AS counted
JOIN (SELECT * FROM series LIMIT 1 BY series_id) AS known USING (series_id)
GROUP BY component, metric
ORDER BY samples DESC
LIMIT 50""",
    ),
    Example(
        "What was deployed, restarted and noted?",
        """SELECT ts, kind, component, author, text
FROM event FINAL
WHERE ts >= {from:DateTime} AND ts < {to:DateTime}
ORDER BY ts DESC""",
    ),
)
