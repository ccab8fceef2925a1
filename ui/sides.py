"""What Compare holds against what: a component, a metric and a second side, all in the URL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from history.sessions import Sessions
from history.window import RangeError, Window, parse_window, quoted
from ui.rangewords import between

COMPONENT, METRIC, AGAINST, OTHER = "component", "metric", "against", "other"
OTHER_FROM, OTHER_TO = "other-from", "other-to"
BEFORE, LAST_WEEK, RANGE, ANOTHER = "before", "last-week", "range", "component"
WAYS = {
    BEFORE: "The period before",
    LAST_WEEK: "Same time last week",
    RANGE: "Another range",
    ANOTHER: "Another component",
}


@dataclass(frozen=True, slots=True)
class Clock:
    """The present, in epoch seconds, on whose clock it is read, and the sessions a range may name."""

    now_s: float
    zone: ZoneInfo
    sessions: Sessions | None = None


@dataclass(frozen=True, slots=True)
class Sides:
    """Two sides: a component over the page's range, and what it is held against.

    Attributes:
        way: one of `WAYS`.
        other, other_window: component and range of the second side.
        problems: a sentence for each part of the link that nobody can mean.
    """

    component: str
    metric: str
    way: str
    window: Window
    other: str
    other_window: Window
    problems: tuple[str, ...] = ()


def read(query: Mapping[str, str], window: Window, components: Mapping[str, str], clock: Clock) -> Sides:
    """The sides that a URL means.

    Args:
        components: those there are, the one to begin with first, each with the metric that tells most of it.
    """
    problems: list[str] = []
    component = _named(query, COMPONENT, list(components), problems)
    way = query.get(AGAINST) or BEFORE
    if way not in WAYS:
        problems.append(f'"{AGAINST}" is {quoted(way)}; expected {", ".join(WAYS)}.')
        way = BEFORE
    sides = Sides(component, query.get(METRIC) or components[component], way, window, component, window)
    if way == ANOTHER:
        others = [name for name in components if name != component]
        other = _named(query, OTHER, others, problems) if others else component
        sides = replace(sides, other=other)
    elif way == RANGE:
        sides = replace(sides, other_window=_range(query, window, clock, problems))
    elif way == LAST_WEEK:
        sides = replace(sides, other_window=week_before(window, clock.zone))
    else:
        sides = replace(sides, other_window=period_before(window))
    return replace(sides, problems=tuple(problems))


def period_before(window: Window) -> Window:
    """As long a range, ending where the window begins."""
    words = window.words and (f"before {window.words[0]}", window.words[1])
    return Window(window.start_s - window.length_s, window.start_s, window.step_s, words)


def week_before(window: Window, zone: ZoneInfo) -> Window:
    """The same wall clock times a week before, across a change of the clock.

    >>> ny = ZoneInfo("America/New_York")
    >>> open_s = int(datetime(2026, 11, 4, 9, 30, tzinfo=ny).timestamp())
    >>> datetime.fromtimestamp(week_before(Window(open_s, open_s + 3600), ny).start_s, ny).isoformat()
    '2026-10-28T09:30:00-04:00'
    """

    def earlier_s(epoch_s: int) -> int:
        return int((datetime.fromtimestamp(epoch_s, zone) - timedelta(days=7)).timestamp())

    words = window.words and (f"week before {window.words[0]}", window.words[1])
    return Window(earlier_s(window.start_s), earlier_s(window.end_s), window.step_s, words)


def described(window: Window, clock: Clock) -> str:
    """A range as its two ends, in words."""
    return between(window, clock.zone, clock.now_s)


def _range(query: Mapping[str, str], window: Window, clock: Clock, problems: list[str]) -> Window:
    """The range typed for the second side; the period before where none was, or none can be meant."""
    start, end = query.get(OTHER_FROM), query.get(OTHER_TO)
    if start and end:
        try:
            return parse_window(start, end, clock.now_s, sessions=clock.sessions)
        except RangeError as error:
            problems.append(f"The other range cannot be used: {error} It is the period before instead.")
    return period_before(window)


def _named(query: Mapping[str, str], name: str, components: Sequence[str], problems: list[str]) -> str:
    wanted = query.get(name, "")
    if wanted and wanted not in components:
        problems.append(f'"{name}" is {quoted(wanted)}, and there is no such component here; this is {components[0]}.')
    return wanted if wanted in components else components[0]
