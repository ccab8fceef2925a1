"""Ready-made panels: a metric over time, titled with what it says now."""

from collections.abc import Sequence
from functools import partial
from typing import TypeVar

from history import queries
from history.answers import Event, Series, SeriesSet
from history.trends import Timeline, timeline
from history.window import Window
from monitor import Monitor
from probes import METRICS
from probes.catalogue import sentence_case, thresholds
from probes.result import Status
from ui import axes, charts, comparison
from ui.comparison import Comparison
from ui.frame import Page
from ui.panels import Panel, Question, plot_answer
from ui.words import left_out, told

T = TypeVar("T")
EVENTS_FRESH_S = 30.0
ENOUGH_SHARE = 0.1
"""Of the points of the range: with fewer in the period before there is nothing to compare with."""


def metric_panel(
    page: Page, metric: str, components: Sequence[str], *, title: str = "", height: int = axes.HEIGHT, columns: int = 2
) -> Panel[SeriesSet]:
    """One metric of some components over the page's range, with its thresholds; of one component with its status.

    Args:
        columns: how many charts stand side by side, which bounds the points.
    """
    catalogued, names = METRICS[metric], tuple(components)
    strip = (statuses_question(page, names[0]),) if len(names) == 1 else ()
    name = title or sentence_case(catalogued.title)
    return Panel(
        title=name,
        question=series_question(page, metric, names, columns=columns),
        draw=partial(_draw_metric, page, metric, names, height),
        empty=lambda answer: not answer.series,
        nothing=nothing(page, f"Nothing of this was recorded in this range: {catalogued.title}."),
        height=height,
        told=lambda answer: told(name, catalogued, answer.series, page.zone, min(page.window.end_s, answer.read_s)),
        beside=(events_question(page.window), *strip),
    )


def series_question(
    page: Page, metric: str, components: tuple[str, ...], *, percentiles: bool = False, columns: int = 1
) -> Question[SeriesSet]:
    """A metric over the page's range, and over the period the page compares with, as many points as can be seen."""
    window, back = page.window, comparison.chosen()
    args = (window, (metric,), components, percentiles, back.previous_s(window), axes.width_px(columns))
    return Question(queries.series, args, fresh_s(page))


def fresh_s(page: Page) -> float:
    """How long an answer about the page's range stays fresh: a bucket, 5 s at least, a minute at most."""
    return min(60.0, max(5.0, page.window.length_s / 750))


def nothing(page: Page, otherwise: str) -> str:
    """What is said of a range with nothing in it: that it is still to come, or `otherwise`."""
    return "This range has not begun yet." if page.window.start_s > page.now.timestamp() else otherwise


def _draw_metric(page: Page, metric: str, components: tuple[str, ...], height: int, answer: SeriesSet) -> None:
    lines, back = sorted(answer.series, key=lambda line: -(line.last or 0.0)), comparison.chosen()
    figure = charts.time_series(
        lines,
        page.window,
        page.zone,
        previous=before(answer),
        previous_name=back.legend,
        events=events_of(page, components),
        strip=(components[0], known_statuses(page, components[0])) if len(components) == 1 else None,
        thresholds=limits(page.monitor, metric, components),
        height=height,
        legend=len(components) > 1,
        read_s=answer.read_s,
    )
    dashed = f"dashed: {back.name}" if before(answer) and len(lines) > 1 else ""
    remark = " · ".join(filter(None, (left_out(lines, charts.MAX_LINES), dashed, missing(back, answer))))
    plot_answer(figure, f"chart:{metric}:{','.join(components)}", answer, remark)


def before(answer: SeriesSet) -> tuple[Series, ...]:
    """The series of the period compared with, where enough of it was recorded to compare with."""
    points = sum(len(line.t) for line in answer.series)
    return answer.previous if sum(len(line.t) for line in answer.previous) >= ENOUGH_SHARE * points else ()


def missing(back: Comparison, answer: SeriesSet) -> str:
    """What is said where a comparison was asked for and there is too little to compare with."""
    return f"too little was recorded {back.when}" if back.name and not before(answer) else ""


def known_events(page: Page, window: Window) -> tuple[Event, ...]:
    """The events of a range as far as they are known; never waits."""
    answer = so_far(page, events_question(window))
    return page.monitor.notes.events(answer or (), window)


def events_question(window: Window) -> Question[tuple[Event, ...]]:
    """What happened in a range: beside a chart, which is not drawn without its marks first."""
    return Question(queries.events, (window,), EVENTS_FRESH_S)


def events_of(page: Page, components: Sequence[str]) -> list[Event]:
    """What is known to have happened in the page's range to some components, or to all."""
    return [event for event in known_events(page, page.window) if event.component in {"", *components}]


def known_statuses(page: Page, component: str) -> Timeline | None:
    """A component's status over the page's range as far as it is known; never waits."""
    return so_far(page, statuses_question(page, component))


def statuses_question(page: Page, component: str) -> Question[Timeline]:
    """A component's status over the page's range."""
    return Question(timeline, (page.window, (component,)), fresh_s(page))


def so_far(page: Page, question: Question[T]) -> T | None:
    """The answer to a question as far as it is known; asks it anew where it is old, and never waits."""
    return page.monitor.reader.ask(question.ask, question.fresh_s, 0.0, *question.args).value


def limits(monitor: Monitor, metric: str, components: Sequence[str]) -> list[tuple[Status, float]]:
    """The thresholds to draw: those in force for one component, the catalogue's for several."""
    runner = monitor.board.runners.get(components[0]) if len(components) == 1 else None
    return thresholds(METRICS[metric], runner.component.thresholds.get(metric) if runner else None)


def known_components(monitor: Monitor) -> tuple[str, ...]:
    """Every configured component's name."""
    return monitor.board.names()
