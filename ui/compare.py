"""What Compare shows: both sides on one axis, what lies between them, and which figures differ the most."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st

from analysis.comparison import between, observed_share, pairs
from history.answers import Series, SeriesSet
from history.queries import comparing, exploring
from history.queries.comparing import Figures
from history.reader import WAIT_S
from history.spoken import parse_spoken
from history.window import RangeError, quoted
from probes.catalogue import humanize
from probes.common import METRICS as COMMON
from ui import charts, selection, sides, timerange
from ui.differences import TABLE_HEIGHT, draw_figures, draw_ranking, told_ranking
from ui.finder import unlisted_components
from ui.frame import Page
from ui.naming import title_of
from ui.panels import Panel, Question, plot, plot_answer, show
from ui.questions import fresh_s, nothing
from ui.sides import AGAINST, ANOTHER, COMPONENT, METRIC, OTHER, OTHER_FROM, OTHER_TO, RANGE, WAYS, Clock, Sides
from ui.words import IN_EXPLORE, left_out, part_of, peak

FRESH_S = 30.0
LATENCY = "probe_latency_seconds"
HEIGHT, LOWER_HEIGHT = 260, 150
NBSP = "\N{NO-BREAK SPACE}"
_REFUSED = "refused range"


def components(page: Page) -> dict[str, str]:
    """The configured components, then others that have series; each with the metric that tells most of it."""
    known = page.monitor.reader.ask(exploring.vocabulary, FRESH_S, WAIT_S).value
    configured = {name: runner.kind.key_metric for name, runner in page.monitor.board.runners.items()}
    return configured | {name: LATENCY for name, _ in (known.components if known else ()) if name not in configured}


def clock(page: Page) -> Clock:
    """By what the ranges of the URL are understood."""
    return Clock(page.now.timestamp(), page.zone, timerange.sessions())


def controls(page: Page, chosen: Sides, names: Iterable[str]) -> None:
    """What is compared, with what, and by which metric."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _choice("Compare", COMPONENT, {name: name for name in names}, chosen.component)
        key = f"{AGAINST}:{chosen.way}"
        st.segmented_control(
            "with",
            list(WAYS),
            default=chosen.way,
            format_func=lambda way: WAYS[way],
            key=key,
            required=True,
            on_change=lambda: selection.put(AGAINST, st.session_state[key]),
        )
        if chosen.way == ANOTHER:
            others = {name: name for name in names if name != chosen.component}
            _choice("Other component", OTHER, others or {chosen.other: chosen.other}, chosen.other)
        elif chosen.way == RANGE:
            _typed_range(page)
        metrics, complete = _metrics(page, chosen)
        titles = {metric: f"{title_of(metric)} – {metric}" for metric in dict.fromkeys([chosen.metric, *metrics])}
        _choice("Drawn", METRIC, titles, chosen.metric)
    unknown = complete and chosen.metric not in metrics
    none = f'"{METRIC}" is {quoted(chosen.metric)}, which {chosen.component} does not have; choose one of its own.'
    known = page.monitor.reader.ask(exploring.vocabulary, FRESH_S, WAIT_S).value
    for sentence in (
        *chosen.problems,
        *([none] if unknown else []),
        *unlisted_components(known, "a configured one is always there"),
    ):
        st.caption(f":material/info: {sentence}")
    ranges = (sides.described(window, clock(page)) for window in (chosen.window, chosen.other_window))
    a, b = (f"{name}, {of}" for name, of in zip((chosen.component, chosen.other), ranges, strict=True))
    st.markdown(f":small[**A** {a}{NBSP * 3}**B** {b}]")


def _choice(label: str, name: str, titles: dict[str, str], now: str) -> None:
    key = f"compare:{name}:{now}"
    options = list(titles)
    st.selectbox(
        label,
        options,
        index=options.index(now) if now in options else None,
        format_func=lambda option: titles.get(option, option),
        key=key,
        width=220,
        on_change=lambda: selection.put(name, st.session_state[key] or ""),
    )


def _typed_range(page: Page) -> None:
    typed = " .. ".join(filter(None, (st.query_params.get(OTHER_FROM), st.query_params.get(OTHER_TO))))
    key = f"other range:{typed}"
    st.text_input(
        "Other range", key=key, placeholder="yesterday 09:30..10:00", width=260, on_change=_type, args=(page, key)
    )
    if refused := st.session_state.pop(_REFUSED, ""):
        st.caption(f":material/info: {refused}")


def _type(page: Page, key: str) -> None:
    """Take a typed range for the second side; for callbacks."""
    text = st.session_state[key].strip()
    try:
        start, end = parse_spoken(text, page.now.timestamp(), page.zone)
    except RangeError as error:
        st.session_state[_REFUSED] = str(error)
        return
    st.query_params.update({OTHER_FROM: start, OTHER_TO: end})


def _metrics(page: Page, chosen: Sides) -> tuple[list[str], bool]:
    """The metrics that can be drawn, those of the component's kind and what else it has; and whether these are all."""
    runner = page.monitor.board.runners.get(chosen.component)
    of_kind = [metric.name for metric in (*COMMON, *(runner.kind.metrics if runner else ()))]
    asked = figures_question(page, chosen)
    known = page.monitor.reader.answer(asked.ask, asked.fresh_s, *asked.args).value
    recorded = [line.metric for line in known.a] if known else []
    return list(dict.fromkeys([*of_kind, *recorded])), known is not None


def figures_question(page: Page, chosen: Sides) -> Question[Figures]:
    """Figures of every metric on both sides."""
    args = (chosen.component, chosen.window, chosen.other, chosen.other_window)
    return Question(comparing.figures, args, max(15.0, fresh_s(page)))


def draw(page: Page, chosen: Sides) -> None:
    """Both sides on one axis, the difference, the figures of the metric, and all metrics by how much they differ."""
    show(page.monitor.reader, course_panels(page, chosen))
    show(page.monitor.reader, figure_panels(page, chosen), columns=2)


def course_panels(page: Page, chosen: Sides) -> list[Panel[SeriesSet]]:
    """The drawn metric of both sides, and what lies between them, on one time axis."""
    both = (chosen.component, chosen.window, chosen.other, chosen.other_window)
    asked = Question(comparing.courses, (chosen.metric, *both), fresh_s(page))
    return [
        Panel(
            title_of(chosen.metric),
            asked,
            partial(_draw_both, page, chosen),
            empty=lambda both: not both.series and not both.previous,
            nothing=_missing(page, chosen),
            height=HEIGHT,
            told=partial(told_both, chosen),
        ),
        Panel(
            "A less B",
            asked,
            partial(_draw_between, page, chosen),
            empty=lambda both: not apart(both),
            nothing="There is nothing between two sides of which one was not recorded.",
            height=LOWER_HEIGHT,
            told=partial(told_between, page),
        ),
    ]


def figure_panels(page: Page, chosen: Sides) -> list[Panel[Figures]]:
    """Figures of the drawn metric, and of all by how much they differ."""
    asked = figures_question(page, chosen)
    return [
        Panel(
            f"{title_of(chosen.metric)} in figures",
            asked,
            partial(draw_figures, chosen),
            height=TABLE_HEIGHT,
            told=partial(told_coverage, chosen),
        ),
        Panel(
            "What differs the most",
            asked,
            partial(draw_ranking, chosen),
            empty=lambda figures: not figures.a and not figures.b,
            nothing="Neither side has any samples in its range.",
            height=TABLE_HEIGHT,
            told=told_ranking,
        ),
    ]


def apart(both: SeriesSet) -> list[Series]:
    """What lies between the sides, of each series that both have at a common moment."""
    lines = (between(a, b) for a, b in pairs(both.series, both.previous))
    return [line for line in lines if len(line.t)]


def told_both(chosen: Sides, both: SeriesSet) -> str:
    """``Latency – A 1.25 ms on average, B 1.12 ms``; of several series how they are told apart."""
    title = title_of(chosen.metric)
    if len(both.series) != 1 or len(both.previous) != 1:
        return f"{title} – A as lines, B dashed" if both.series and both.previous else title
    a, b = (
        humanize(float(np.average(line.avg, weights=line.count)), line.unit)
        for line in (both.series[0], both.previous[0])
    )
    return f"{title} – A {a} on average, B {b}"


def told_between(page: Page, both: SeriesSet) -> str:
    """``A less B – 1.2 ms on average, at most 41 ms on 12 Nov 13:10``."""
    lines = apart(both)
    line = max(lines, key=lambda one: float(np.abs(one.avg).max()))
    which = f"{line.label}: " if len(lines) > 1 else ""
    middle = humanize(float(line.avg.mean()), line.unit)
    return f"A less B – {which}{middle} on average, at most {peak(np.abs(line.avg), line, page.zone)}"


def told_coverage(chosen: Sides, figures: Figures) -> str:
    """How much of each side anybody saw: it says what its figures are worth."""
    a, b = (
        humanize(observed_share(seen, window), "ratio")
        for seen, window in ((figures.observed_a, chosen.window), (figures.observed_b, chosen.other_window))
    )
    return f"{title_of(chosen.metric)} in figures – {a} of A was observed, {b} of B"


def _missing(page: Page, chosen: Sides) -> str:
    return nothing(page, f"Neither side has any {title_of(chosen.metric).lower()} in its range.")


def _draw_both(page: Page, chosen: Sides, both: SeriesSet) -> None:
    single = len(both.series) <= 1 and len(both.previous) <= 1  # then each side has a colour of its own
    named = [*(_called(line, "A") for line in both.series), *(_called(line, "B") for line in both.previous)]
    figure = charts.time_series(
        named if single else both.series or both.previous,
        chosen.window,
        page.zone,
        previous=() if single or not both.series else both.previous,
        previous_name="B",
        height=HEIGHT,
        legend=True,
        read_s=both.read_s,
    )
    remark = left_out(both.series or both.previous, charts.MAX_LINES)
    if not both.series:
        remark = " · ".join(filter(None, ("nothing of A was recorded: this is B alone", remark)))
    elif not both.previous:
        remark = " · ".join(filter(None, ("nothing of B was recorded: this is A alone", remark)))
    plot_answer(figure, "chart:compare", both, remark)


def _called(line: Series, name: str) -> Series:
    return replace(line, labels=(("side", name),))


def _draw_between(page: Page, chosen: Sides, both: SeriesSet) -> None:
    lines = apart(both)
    figure = charts.time_series(lines, chosen.window, page.zone, height=LOWER_HEIGHT, read_s=both.read_s)
    figure.add_hline(0, line={"width": 1, "color": charts.MAXIMUM})
    plot(figure, "chart:between", part_of(charts.MAX_LINES, len(lines), narrow=IN_EXPLORE))
