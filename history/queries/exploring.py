"""Questions about any series: which there are, found by words; and those chosen, by themselves or grouped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clickhouse_connect.driver.client import Client

from history.answers import Newest, SeriesSet, Summary
from history.grouping import How, grouped
from history.queries.levels import NEWEST, among, counted_series, read, series_of, summaries_of
from history.queries.scope import LIMITS, Names, Scope, resumes
from history.rows import SeriesKey, SeriesRow
from history.tiers import MAX_BUCKETS, bucket_s, plan
from history.window import Window
from probes import METRICS

Keys = tuple[SeriesKey, ...]
MOST_FOUND = 50
MOST_LISTED = 500
"""Components and metrics to choose from; of more the search finds any."""
MOST_GROUPED = 2000
"""Series of one group: reading more takes longer than somebody waits."""
MOST_WORDS, MOST_LETTERS = 8, 60
ENOUGH_POINTS = 200_000
"""Read for one group of series: with more of them the buckets become wider."""
LIVING_S = 3600
"""A series seen within so long before now is a living one."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What is searched for: series whose name has all `words`; of one component, metric or unit where those are set."""

    words: Names = ()
    component: str = ""
    metric: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Attributes:
        matches: the best ones with their newest sample; `at_s` is 0 where there is none.
        total: of all that match.
        lacking: where nothing has all the words, those that no series has.
    """

    matches: tuple[Newest, ...]
    total: int
    lacking: Names = ()


@dataclass(frozen=True, slots=True)
class Metrics:
    """A metric that has series: its unit, how many, and the names of their labels."""

    metric: str
    unit: str
    count: int
    labels: Names


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What there is to choose from, the most frequent first: components with their number of series, and metrics.

    Attributes:
        total: of all series; all_components and all_metrics: how many of each there are, listed or not.
    """

    components: tuple[tuple[str, int], ...]
    metrics: tuple[Metrics, ...]
    total: int
    all_components: int
    all_metrics: int


def vocabulary(client: Client, scope: Scope) -> Vocabulary:
    """The components and metrics of all series, at most `MOST_LISTED` of each."""
    table = f"{scope.database}.series"
    components = client.query(
        f"""SELECT component, uniqExact(series_id) AS n FROM {table}
            GROUP BY component ORDER BY n DESC, component LIMIT {MOST_LISTED}""",
        settings=LIMITS,
    ).result_rows
    metrics = client.query(
        f"""SELECT metric, any(unit), uniqExact(series_id) AS n, arraySort(groupUniqArrayArray(mapKeys(labels)))
            FROM {table} GROUP BY metric ORDER BY n DESC, metric LIMIT {MOST_LISTED}""",
        settings=LIMITS,
    ).result_rows
    (totals,) = client.query(
        f"SELECT uniqExact(series_id), uniqExact(component), uniqExact(metric) FROM {table}", settings=LIMITS
    ).result_rows
    listed = tuple(Metrics(name, unit, count, tuple(labels)) for name, unit, count, labels in metrics)
    return Vocabulary(tuple((name, count) for name, count in components), listed, *totals)


def search(client: Client, scope: Scope, sought: Sought, most: int = MOST_FOUND) -> Found:
    """The series that have every word in their name, the best matches first.

    A word is looked for in component, metric, labels and their values, and in the catalogue's title and description
    of the metric. A whole word counts most, then the beginning of one, then a part of one, then the description;
    among equals living series come first, and short names.
    """
    words = tuple(word.lower()[:MOST_LETTERS] for word in sought.words[:MOST_WORDS])
    asked: dict[str, object] = {
        "component": sought.component,
        "metric": sought.metric,
        "unit": sought.unit,
        "living": int(scope.now_s - LIVING_S),
    }
    for number, word in enumerate(words):
        asked[f"word{number}"] = word
        asked[f"titled{number}"] = _metrics_with(word, {name: metric.title for name, metric in METRICS.items()})
        asked[f"explained{number}"] = _metrics_with(word, {name: metric.help for name, metric in METRICS.items()})
    named = _named(scope, len(words))
    table = client.query(
        f"""SELECT c, m, l, u, k, at_s, value, found, countIf(found) OVER () AS total, sumForEach(has) OVER () AS counts
            FROM (SELECT *, arrayMap(score -> score > 0, scores) AS has, arrayAll(one -> one, has) AS found
                  FROM ({named})) AS named
            LEFT JOIN (SELECT series_id, {NEWEST}
                       FROM {scope.database}.latest GROUP BY series_id) AS newest ON newest.series_id = id
            ORDER BY found DESC, arraySum(scores) DESC, at_s < {{living:UInt32}}, length(parts), m, c, mapValues(l)
            LIMIT {most}""",
        parameters=asked,
        settings=LIMITS,
    ).result_rows
    *_, total, counts = table[0] if table else (0, [0] * len(words))
    strangers = () if total else tuple(word for word, count in zip(words, counts, strict=True) if not count)
    return Found(tuple(_newest(row[:7]) for row in table if row[7]), total, strangers)


def _named(scope: Scope, words: int) -> str:
    """Every series asked for with its names in parts and a score for each word.

    A score for each word is written out: a lambda over the words would make a copy of its metrics for every series.
    """
    scores = f"[{', '.join(_score(number) for number in range(words))}]" if words else "emptyArrayUInt8()"
    return f"""
        SELECT series_id AS id, any(component) AS c, any(metric) AS m, any(labels) AS l, any(unit) AS u,
               toString(any(kind)) AS k,
               arrayMap(part -> lowerUTF8(part), arrayConcat([c, m], mapKeys(l), mapValues(l))) AS whole,
               arrayConcat(whole, splitByRegexp('[^a-z0-9]+', arrayStringConcat(whole, ' '))) AS parts,
               {scores} AS scores
        FROM {scope.database}.series
        WHERE ({{component:String}} = '' OR component = {{component:String}})
          AND ({{metric:String}} = '' OR metric = {{metric:String}})
          AND ({{unit:String}} = '' OR unit = {{unit:String}})
        GROUP BY series_id"""


def _score(number: int) -> str:
    """How well a series has a word: in its names, or in what the catalogue says of its metric."""
    word = f"{{word{number}:String}}"
    titled, explained = f"{{titled{number}:Array(String)}}", f"{{explained{number}:Array(String)}}"
    return f"""greatest(
                   multiIf(has(parts, {word}), 4, arrayExists(part -> startsWith(part, {word}), parts), 3,
                           arrayExists(part -> position(part, {word}) > 0, whole), 2, 0),
                   multiIf(has({titled}, m), 3, has({explained}, m), 1, 0))"""


def _metrics_with(word: str, texts: Mapping[str, str]) -> list[str]:
    """The metrics in whose text a word, or what begins with it, stands."""
    return [name for name, text in texts.items() if any(part.startswith(word) for part in text.lower().split())]


def described(client: Client, scope: Scope, keys: Keys) -> tuple[Newest, ...]:
    """Those of some series that the history knows, in their order, with the newest sample of each."""
    rows = list(_rows(client, scope, keys))
    if not rows:
        return ()
    table = client.query(
        f"SELECT series_id, {NEWEST} FROM {scope.database}.latest WHERE {among(rows)} GROUP BY series_id",
        settings=LIMITS,
    ).result_rows
    newest = {key: (float(at_s), value) for key, at_s, value in table}
    return tuple(Newest(row, *newest.get(row.key.id, (0.0, 0.0))) for row in rows)


@resumes
def chosen(
    client: Client,
    scope: Scope,
    window: Window,
    keys: Keys,
    percentiles: bool = False,
    known: SeriesSet | None = None,
) -> SeriesSet:
    """Some series over `window`, in their order; see `levels.series`."""
    rows = _rows(client, scope, keys)
    answer = read(
        client, scope, rows, plan(window, len(rows), scope.kept, percentiles=percentiles), percentiles, 0, known
    )
    place = {row.key: number for number, row in enumerate(rows)}
    order = sorted(answer.series, key=lambda line: place[SeriesKey(line.component, line.metric, line.labels)])
    return replace(answer, series=tuple(order))


def groups(client: Client, scope: Scope, window: Window, keys: Keys, metrics: Names, by: str, how: How) -> SeriesSet:
    """Some series, or all of some metrics, as one line for each value of `by`; see `history.grouping`.

    Args:
        metrics: with any, all their series are read instead of `keys`: at most `MOST_GROUPED`.
    """
    if metrics:
        rows, total = counted_series(client, scope, metrics, (), MOST_GROUPED)
    else:
        rows, total = _rows(client, scope, keys), 0
    most = max(60, min(MAX_BUCKETS, ENOUGH_POINTS // max(1, len(rows))))
    step_s = window.step_s or bucket_s(window.length_s, most)
    answer = read(client, scope, rows, plan(replace(window, step_s=step_s), len(rows), scope.kept))
    return replace(answer, series=grouped(answer.series, by, how), total=total)


def figures(client: Client, scope: Scope, window: Window, keys: Keys) -> tuple[Summary, ...]:
    """Extremes and percentiles of some series over the whole window."""
    return summaries_of(client, scope, window, _rows(client, scope, keys))


def beginnings(client: Client, scope: Scope, preferred: Names, most: int, each: int) -> tuple[tuple[Newest, ...], ...]:
    """Living series to begin with: those of one metric together, `each` at most, of up to `most` metrics.

    Args:
        preferred: metrics to take first, where they have living series; then the ones with the most series.
    """
    table = client.query(
        f"""SELECT c, m, l, u, k, at_s, value FROM (
                SELECT series_id AS id, any(component) AS c, any(metric) AS m, any(labels) AS l, any(unit) AS u,
                       toString(any(kind)) AS k, count() OVER (PARTITION BY m) AS n
                FROM {scope.database}.series GROUP BY series_id) AS named
            INNER JOIN (SELECT series_id, {NEWEST} FROM {scope.database}.latest
                        GROUP BY series_id HAVING at_s >= {{living:UInt32}}) AS newest ON newest.series_id = id
            ORDER BY indexOf({{preferred:Array(String)}}, m) = 0, indexOf({{preferred:Array(String)}}, m), n DESC, m, c,
                     mapValues(l) LIMIT {each} BY m LIMIT {most * each}""",
        parameters={"living": int(scope.now_s - LIVING_S), "preferred": list(preferred)},
        settings=LIMITS,
    ).result_rows
    found: dict[str, list[Newest]] = {}
    for row in table:
        found.setdefault(row[1], []).append(_newest(row))
    return tuple(tuple(together) for together in list(found.values())[:most])


def _rows(client: Client, scope: Scope, keys: Keys) -> tuple[SeriesRow, ...]:
    known = series_of(client, scope, [key.id for key in keys])
    return tuple(known[key.id] for key in keys if key.id in known)


def _newest(row: Sequence[Any]) -> Newest:
    component, metric, labels, unit, kind, at_s, value = row
    return Newest(
        SeriesRow(SeriesKey(component, metric, tuple(sorted(labels.items()))), unit, kind), float(at_s), value
    )
