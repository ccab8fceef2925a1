"""What the Performance page shows of one component: how slow, how busy, how often it failed, and before."""

from dataclasses import dataclass

from analysis.performance import error_ratio, error_ratio_over, throughput_metric
from history import queries
from history.answers import Floats, Series, SeriesSet
from history.buckets import WEEK_S
from history.window import Window
from probes import METRICS
from probes.catalogue import humanize, sentence_case
from probes.kind import Kind
from ui import charts
from ui.frame import Page
from ui.panels import Panel, Question, plot_answer
from ui.questions import fresh_s, known_events, limits
from ui.words import peak, told, usual

LATENCY, UP = "probe_latency_seconds", "probe_up"
NOTHING, BEFORE, LAST_WEEK = "Nothing", "The period before", "Same time last week"
COMPARISONS = (NOTHING, BEFORE, LAST_WEEK)
NAMES = {BEFORE: "the period before", LAST_WEEK: "last week"}
ENOUGH_SHARE = 0.1
"""Of the points of the range: with fewer in the period before there is nothing to compare with."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the page was asked for: a component, its kind, and what to compare it with (one of `COMPARISONS`)."""

    component: str
    kind: Kind
    compared: str

    @property
    def earlier(self) -> str:
        """What the period compared with is called; empty without one."""
        return NAMES.get(self.compared, "")

    @property
    def legend(self) -> str:
        """The same beside a line, where a phone has no room for more."""
        return "before" if self.compared == BEFORE else self.earlier

    @property
    def when(self) -> str:
        return f"in {self.earlier}" if self.compared == BEFORE else self.earlier

    def previous_s(self, window: Window) -> int:
        """How long before the window the compared one lies; 0 for none."""
        return {BEFORE: window.length_s, LAST_WEEK: WEEK_S}.get(self.compared, 0)


def panels(page: Page, chosen: Chosen) -> list[Panel[SeriesSet]]:
    """Latency, throughput and failures of the component, to be drawn below each other on one time axis."""
    metric = throughput_metric(chosen.kind)
    name = f"How much does {chosen.component} do? {sentence_case(METRICS[metric].title)}"
    return [
        Panel(
            f"How slow is {chosen.component}?",
            _question(page, chosen, LATENCY, percentiles=True),
            lambda answer: _draw_fan(page, chosen, answer),
            empty=lambda answer: not answer.series,
            nothing=f"No latency of {chosen.component} was recorded in this range.",
            height=260,
            told=lambda answer: told_latency(page, chosen, answer),
        ),
        Panel(
            name,
            _question(page, chosen, metric),
            lambda answer: _draw_throughput(page, chosen, metric, answer),
            empty=lambda answer: not answer.series,
            nothing=f"No {METRICS[metric].title} of {chosen.component} was recorded in this range.",
            height=170,
            told=lambda answer: told(name, METRICS[metric], answer.series, page.zone),
        ),
        Panel(
            f"How often did {chosen.component} fail?",
            _question(page, chosen, UP),
            lambda answer: _draw_failures(page, chosen, answer),
            empty=lambda answer: not answer.series,
            nothing=f"No check of {chosen.component} was recorded in this range.",
            height=150,
            told=lambda answer: told_failures(page, chosen, answer),
        ),
    ]


def told_latency(page: Page, chosen: Chosen, answer: SeriesSet) -> str:
    """``How slow is kafka? – p95 usually 1.2–1.9 ms (…, last week), slowest 41 ms on 12 Nov 13:10``."""
    line = answer.series[0]
    words = f"p95 usually {usual(_p95(line), line.unit)}"
    if earlier := before(answer):
        words += f" ({usual(_p95(earlier[0]), line.unit)} {chosen.earlier})"
    return f"How slow is {chosen.component}? – {words}, slowest {peak(line.high, line, page.zone)}"


def told_failures(page: Page, chosen: Chosen, answer: SeriesSet) -> str:
    """``How often did kafka fail? – 0.31 % of the checks (…, last week), most 12 % on 12 Nov 13:10``."""
    line = answer.series[0]
    words = f"{humanize(error_ratio_over(line), 'ratio')} of the checks"
    if earlier := before(answer):
        words += f" ({humanize(error_ratio_over(earlier[0]), 'ratio')} {chosen.earlier})"
    failed = error_ratio(line)
    most = f", most {peak(failed, line, page.zone)}" if failed.max() > 0 else ""
    return f"How often did {chosen.component} fail? – {words}{most}"


def before(answer: SeriesSet) -> tuple[Series, ...]:
    """The series of the period compared with, where enough of it was recorded to compare with."""
    points = sum(len(line.t) for line in answer.series)
    return answer.previous if sum(len(line.t) for line in answer.previous) >= ENOUGH_SHARE * points else ()


def missing(chosen: Chosen, answer: SeriesSet) -> str:
    """What is said where a comparison was asked for and there is too little to compare with."""
    return f"too little was recorded {chosen.when}" if chosen.earlier and not before(answer) else ""


def _question(page: Page, chosen: Chosen, metric: str, *, percentiles: bool = False) -> Question[SeriesSet]:
    window = page.window
    args = (window, (metric,), (chosen.component,), percentiles, chosen.previous_s(window))
    return Question(queries.series, args, fresh_s(page))


def _p95(line: Series) -> Floats:
    return line.avg if line.p95 is None else line.p95


def _draw_fan(page: Page, chosen: Chosen, answer: SeriesSet) -> None:
    figure = charts.percentiles(
        answer.series[0],
        page.window,
        page.zone,
        previous=next(iter(before(answer)), None),
        previous_name=chosen.legend,
        height=260,
        read_s=answer.read_s,
    )
    plot_answer(figure, f"chart:fan:{chosen.component}", answer, missing(chosen, answer))


def _draw_throughput(page: Page, chosen: Chosen, metric: str, answer: SeriesSet) -> None:
    figure = charts.time_series(
        sorted(answer.series, key=lambda line: -(line.last or 0.0)),
        page.window,
        page.zone,
        previous=before(answer),
        previous_name=chosen.legend,
        thresholds=limits(page.monitor, metric, (chosen.component,)),
        events=[event for event in known_events(page, page.window) if event.component in {"", chosen.component}],
        height=170,
        read_s=answer.read_s,
    )
    plot_answer(figure, f"chart:throughput:{chosen.component}", answer, missing(chosen, answer))


def _draw_failures(page: Page, chosen: Chosen, answer: SeriesSet) -> None:
    figure = charts.failures(
        answer.series[0],
        page.window,
        page.zone,
        previous=next(iter(before(answer)), None),
        previous_name=chosen.legend,
        height=150,
        read_s=answer.read_s,
    )
    plot_answer(figure, f"chart:failures:{chosen.component}", answer, missing(chosen, answer))
