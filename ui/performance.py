"""What the Performance page shows of one component: how slow, how busy, how often it failed, and before."""

from dataclasses import dataclass

from analysis.performance import error_ratio, error_ratio_over, throughput_metric
from history.answers import Floats, Series, SeriesSet
from probes import METRICS
from probes.catalogue import humanize, sentence_case
from probes.kind import Kind
from ui import before_after, charts
from ui.comparison import Comparison
from ui.frame import Page
from ui.panels import Panel, plot_answer
from ui.questions import (
    before,
    events_of,
    events_question,
    known_statuses,
    limits,
    missing,
    nothing,
    series_question,
    statuses_question,
)
from ui.words import left_out, peak, told, usual

LATENCY, UP = "probe_latency_seconds", "probe_up"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the page was asked for: a component, its kind, and what to compare it with."""

    component: str
    kind: Kind
    compared: Comparison


def panels(page: Page, chosen: Chosen) -> list[Panel[SeriesSet]]:
    """Latency, throughput and failures of the component, to be drawn below each other on one time axis."""
    name, metric = chosen.component, throughput_metric(chosen.kind)
    does = f"How much does {name} do? {sentence_case(METRICS[metric].title)}"
    end_s, happened = page.window.end_s, events_question(page.window)
    return [
        Panel(
            f"How slow is {name}?",
            series_question(page, LATENCY, (name,), percentiles=True),
            lambda answer: _draw_fan(page, chosen, answer),
            empty=lambda answer: not answer.series,
            nothing=nothing(page, f"No latency of {name} was recorded in this range."),
            height=260,
            told=lambda answer: told_latency(page, chosen, answer),
            beside=(happened, statuses_question(page, name)),
        ),
        Panel(
            does,
            series_question(page, metric, (name,)),
            lambda answer: _draw_throughput(page, chosen, metric, answer),
            empty=lambda answer: not answer.series,
            nothing=nothing(page, f"No {METRICS[metric].title} of {name} was recorded in this range."),
            height=170,
            told=lambda answer: told(does, METRICS[metric], answer.series, page.zone, min(end_s, answer.read_s)),
            beside=(happened,),
        ),
        Panel(
            f"How often did {name} fail?",
            series_question(page, UP, (name,)),
            lambda answer: _draw_failures(page, chosen, answer),
            empty=lambda answer: not answer.series,
            nothing=nothing(page, f"No check of {name} was recorded in this range."),
            height=150,
            told=lambda answer: told_failures(page, chosen, answer),
        ),
    ]


def told_latency(page: Page, chosen: Chosen, answer: SeriesSet) -> str:
    """``How slow is kafka? – p95 usually 1.2–1.9 ms (…, last week), slowest 41 ms on 12 Nov 13:10``."""
    line = answer.series[0]
    words = f"p95 usually {usual(_p95(line), line.unit)}"
    if earlier := before(answer):
        words += f" ({usual(_p95(earlier[0]), line.unit)} {chosen.compared.name})"
    return f"How slow is {chosen.component}? – {words}, slowest {peak(line.high, line, page.zone)}"


def told_failures(page: Page, chosen: Chosen, answer: SeriesSet) -> str:
    """``How often did kafka fail? – 0.31 % of the checks (…, last week), most 12 % on 12 Nov 13:10``."""
    line = answer.series[0]
    words = f"{humanize(error_ratio_over(line), 'ratio')} of the checks"
    if earlier := before(answer):
        words += f" ({humanize(error_ratio_over(earlier[0]), 'ratio')} {chosen.compared.name})"
    failed = error_ratio(line)
    most = f", most {peak(failed, line, page.zone)}" if failed.max() > 0 else ""
    return f"How often did {chosen.component} fail? – {words}{most}"


def _p95(line: Series) -> Floats:
    return line.avg if line.p95 is None else line.p95


def _draw_fan(page: Page, chosen: Chosen, answer: SeriesSet) -> None:
    figure = charts.percentiles(
        answer.series[0],
        page.window,
        page.zone,
        previous=next(iter(before(answer)), None),
        previous_name=chosen.compared.legend,
        events=events_of(page, (chosen.component,)),
        strip=(chosen.component, known_statuses(page, chosen.component)),
        moment=before_after.mark(page),
        height=260,
        read_s=answer.read_s,
    )
    plot_answer(figure, f"chart:latency:{chosen.component}", answer, missing(chosen.compared, answer))


def _draw_throughput(page: Page, chosen: Chosen, metric: str, answer: SeriesSet) -> None:
    lines = sorted(answer.series, key=lambda line: -(line.last or 0.0))
    figure = charts.time_series(
        lines,
        page.window,
        page.zone,
        previous=before(answer),
        previous_name=chosen.compared.legend,
        thresholds=limits(page.monitor, metric, (chosen.component,)),
        events=events_of(page, (chosen.component,)),
        moment=before_after.mark(page),
        height=170,
        read_s=answer.read_s,
    )
    remark = " · ".join(filter(None, (left_out(lines, charts.MAX_LINES), missing(chosen.compared, answer))))
    plot_answer(figure, f"chart:throughput:{chosen.component}", answer, remark)


def _draw_failures(page: Page, chosen: Chosen, answer: SeriesSet) -> None:
    figure = charts.failures(
        answer.series[0],
        page.window,
        page.zone,
        previous=next(iter(before(answer)), None),
        previous_name=chosen.compared.legend,
        moment=before_after.mark(page),
        height=150,
        read_s=answer.read_s,
    )
    plot_answer(figure, f"chart:failures:{chosen.component}", answer, missing(chosen.compared, answer))
