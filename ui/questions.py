"""Ready-made panels: a metric over time, titled with what it says now."""

from collections.abc import Sequence
from functools import partial

from history import queries
from history.queries import SeriesSet
from monitor import Monitor
from probes import METRICS
from probes.catalogue import humanize, thresholds
from ui import charts
from ui.frame import Page
from ui.panels import Panel, Question, plot


def metric_panel(
    page: Page, metric: str, components: Sequence[str], *, title: str = "", height: int = charts.HEIGHT
) -> Panel[SeriesSet]:
    """One metric of some components over the page's range, with its thresholds."""
    catalogued = METRICS[metric]
    name = title or catalogued.title.capitalize()
    return Panel(
        title=name,
        question=Question(queries.series, (page.window, (metric,), tuple(components)), fresh_s=fresh_s(page)),
        draw=partial(_draw_metric, page, metric, f"{metric}:{','.join(components)}", height),
        empty=lambda answer: not answer.series,
        nothing=f"No {catalogued.title} was recorded in this range.",
        height=height,
    )


def fresh_s(page: Page) -> float:
    """How long an answer about the page's range stays fresh: a bucket, 5 s at least, a minute at most."""
    return min(60.0, max(5.0, page.window.length_s / 750))


def latest(answer: SeriesSet) -> str:
    """The last value of a single series in words; empty for several."""
    if len(answer.series) != 1 or answer.series[0].last is None:
        return ""
    return humanize(answer.series[0].last, answer.series[0].unit)


def _draw_metric(page: Page, metric: str, key: str, height: int, answer: SeriesSet) -> None:
    lines = sorted(answer.series, key=lambda line: -(line.last or 0.0))
    limits = thresholds(METRICS[metric])
    plot(charts.time_series(lines, page.window, page.zone, thresholds=limits, height=height), key=f"chart:{key}")


def known_components(monitor: Monitor) -> tuple[str, ...]:
    """Every configured component's name."""
    return monitor.board.names()
