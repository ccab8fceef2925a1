"""What Explore draws: series, or groups of them, and what a function makes of each."""

from dataclasses import dataclass, replace

from clickhouse_connect.driver.client import Client

from analysis.functions import AS_RECORDED, FUNCTIONS, Unfit, figures_of
from history.answers import SeriesSet, Summary
from history.grouping import How
from history.queries import Scope, exploring
from history.queries.exploring import Keys
from history.queries.scope import resumes
from history.window import Window


@dataclass(frozen=True, slots=True)
class Grouping:
    """How series are grouped: by a label or the component; `whole`: all series of their metrics instead of them."""

    by: str
    how: How
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """Series as a function made them, and a sentence for each of which it could make nothing."""

    answer: SeriesSet
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one line over a range, and the value it ended with; None where it has no point."""

    figures: Summary
    last: float | None


@resumes
def made(
    client: Client,
    scope: Scope,
    window: Window,
    keys: Keys,
    function: str = AS_RECORDED,
    grouping: Grouping | None = None,
    known: Made | None = None,
) -> Made:
    """Some series over `window`, grouped where that is asked for, as `function` (of `FUNCTIONS`) makes them."""
    how = FUNCTIONS[function]
    if grouping is None:
        before = known.answer if known and function == AS_RECORDED else None
        answer = exploring.chosen(client, scope, window, keys, how.percentiles, before)
    else:
        metrics = tuple(dict.fromkeys(key.metric for key in keys)) if grouping.whole else ()
        answer = exploring.groups(client, scope, window, keys, metrics, grouping.by, grouping.how)
    lines, refused = [], []
    for line in answer.series:
        try:
            lines.append(how.make(line, window.length_s))
        except Unfit as unfit:
            refused.append(f"{how.title} leaves out {line.label}: it {unfit}.")
    found = [line for line in lines if len(line.t)]
    if grouping is not None:
        found.sort(key=lambda line: -float(line.avg.mean()))  # a chart draws the first ones
    return Made(replace(answer, series=tuple(found)), tuple(refused))


def figures(
    client: Client, scope: Scope, window: Window, keys: Keys, function: str, grouping: Grouping | None = None
) -> tuple[Row, ...]:
    """The figures of what `made` makes: of recorded series those of every sample, else those of the points."""
    lines = made(client, scope, window, keys, function, grouping).answer.series
    if grouping is not None or function != AS_RECORDED:
        return tuple(Row(figures_of(line), line.last) for line in lines)
    last = {(line.component, line.metric, line.labels): line.last for line in lines}
    found = exploring.figures(client, scope, window, keys)
    return tuple(Row(one, last.get((one.component, one.metric, one.labels))) for one in found)
