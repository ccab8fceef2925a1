"""Ready-made panels: a metric over time, titled with what it says now."""

from collections.abc import Sequence
from functools import partial

from history import queries
from history.answers import Event, SeriesSet
from history.window import Window
from monitor import Monitor
from probes import METRICS
from probes.catalogue import sentence_case, thresholds
from probes.result import Status
from ui import axes, charts
from ui.frame import Page
from ui.panels import Panel, Question, plot_answer
from ui.words import told

EVENTS_FRESH_S = 30.0


def metric_panel(
    page: Page, metric: str, components: Sequence[str], *, title: str = "", height: int = axes.HEIGHT
) -> Panel[SeriesSet]:
    """One metric of some components over the page's range, with its thresholds."""
    catalogued = METRICS[metric]
    name = title or sentence_case(catalogued.title)
    return Panel(
        title=name,
        question=Question(queries.series, (page.window, (metric,), tuple(components)), fresh_s=fresh_s(page)),
        draw=partial(_draw_metric, page, metric, tuple(components), height),
        empty=lambda answer: not answer.series,
        nothing=f"Nothing of this was recorded in this range: {catalogued.title}.",
        height=height,
        told=lambda answer: told(name, catalogued, answer.series, page.zone),
    )


def fresh_s(page: Page) -> float:
    """How long an answer about the page's range stays fresh: a bucket, 5 s at least, a minute at most."""
    return min(60.0, max(5.0, page.window.length_s / 750))


def _draw_metric(page: Page, metric: str, components: tuple[str, ...], height: int, answer: SeriesSet) -> None:
    lines = sorted(answer.series, key=lambda line: -(line.last or 0.0))
    marks = [event for event in known_events(page, page.window) if event.component in {"", *components}]
    figure = charts.time_series(
        lines,
        page.window,
        page.zone,
        events=marks,
        thresholds=limits(page.monitor, metric, components),
        height=height,
        legend=len(components) > 1,
        read_s=answer.read_s,
    )
    plot_answer(figure, f"chart:{metric}:{','.join(components)}", answer)


def known_events(page: Page, window: Window) -> tuple[Event, ...]:
    """The events of a range as far as they are known; never waits."""
    return page.monitor.reader.ask(queries.events, EVENTS_FRESH_S, 0.0, window).value or ()


def limits(monitor: Monitor, metric: str, components: Sequence[str]) -> list[tuple[Status, float]]:
    """The thresholds to draw: those in force for one component, the catalogue's for several."""
    runner = monitor.board.runners.get(components[0]) if len(components) == 1 else None
    return thresholds(METRICS[metric], runner.component.thresholds.get(metric) if runner else None)


def known_components(monitor: Monitor) -> tuple[str, ...]:
    """Every configured component's name."""
    return monitor.board.names()
