"""Before and after a moment, which is in the URL as ``moment=``: typed, or taken from what happened in the range."""

import time
from contextlib import suppress
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from analysis.shift import BeforeAfter, Shift, before_after, sides
from history import queries
from history.answers import Change
from history.window import RangeError, Window
from probes.catalogue import humanize, humanize_duration
from probes.result import utc
from ui import shown
from ui.frame import Page
from ui.moment import parse_typed
from ui.panels import Panel, Question
from ui.questions import events_of, fresh_s
from ui.status import LOOKS

URL_KEY, TYPED, PICKED = "moment", "moment typed", "moment picked"
MOST_OFFERED = 60
WORSE = ("Latency", "Checks that failed")
"""Figures of which more is worse; of a throughput nobody can say."""


def chosen(zone: ZoneInfo) -> int | None:
    """The moment of the URL as an epoch second; None without one, or with one that cannot be meant."""
    try:
        return _of_url(zone)
    except RangeError:
        return None


def control(page: Page, component: str) -> None:
    """Where a moment is typed or picked, and the way back to none."""
    zone, at_s = page.zone, chosen(page.zone)
    label = f"Before and after {clock(at_s, page.window, zone)}" if at_s else "Before and after …"
    with st.popover(label, icon=":material/compare:"):
        happened = offered(page, component)
        st.selectbox(
            "Something that happened in this range",
            list(happened),
            index=None,
            format_func=lambda moment_s: happened[moment_s],
            placeholder="Status changes and events" if happened else "Nothing is on record in this range",
            key=PICKED,
            on_change=_pick,
        )
        st.text_input(
            f"Or a moment, by the clock of {zone.key}",
            placeholder="yesterday 14:30, 2h, 2026-11-20 09:30",
            key=TYPED,
            on_change=_type,
            args=(zone,),
        )
        if at_s is not None:
            st.button("No moment", icon=":material/close:", on_click=_leave)


def complain(zone: ZoneInfo) -> None:
    """Say on the page why the moment of the URL cannot be used."""
    try:
        _of_url(zone)
    except RangeError as error:
        st.warning(str(error), icon=":material/compare:")


def panels(page: Page, component: str, throughput: str) -> list[Panel[BeforeAfter]]:
    """The figures on both sides of the URL's moment; none without a moment, or one outside of the range."""
    at_s = chosen(page.zone)
    if at_s is None:
        return []
    around = sides(page.window, at_s, page.now.timestamp())
    if around is None:
        moment = clock(at_s, page.window, page.zone)
        st.info(f"{moment} is not within this range, or too near to its ends: there is no before and after to compare.")
        return []
    return [
        Panel(
            f"Before and after {clock(at_s, page.window, page.zone)}",
            Question(before_after, (around, component, throughput), max(30.0, fresh_s(page))),
            _draw,
            empty=lambda found: not found.shifts,
            nothing=f"Nothing of {component} was recorded on either side.",
            height=180,
            told=lambda found: told(found, page.window, page.zone),
        )
    ]


def mark(page: Page) -> tuple[float, str] | None:
    """The line to draw through the moment in every chart, and its name."""
    at_s = chosen(page.zone)
    return (float(at_s), clock(at_s, page.window, page.zone)) if at_s is not None else None


def told(found: BeforeAfter, window: Window, zone: ZoneInfo) -> str:
    """``Before and after 14:31:10, 1 h each – latency p95 from 1.2 ms to 41 ms``: what changed the most."""
    head = f"Before and after {clock(found.at_s, window, zone)}, {humanize_duration(float(found.side_s))} each"
    changed = [shift for shift in found.shifts if shift.verdict in {"higher", "lower"}]
    if not changed:
        return f"{head} – nothing changed by more than it varies anyhow"
    most = max(changed, key=lambda shift: abs(shift.above - 0.5))
    name = most.name[:1].lower() + most.name[1:]
    return f"{head} – {name} from {_figure(most, most.before)} to {_figure(most, most.after)}"


def clock(at_s: float, window: Window, zone: ZoneInfo) -> str:
    """A moment of a range: its time, with the day where the range has several."""
    first, last = (utc(edge_s).astimezone(zone).date() for edge_s in (window.start_s, window.end_s))
    return f"{utc(at_s).astimezone(zone):{'%H:%M:%S' if first == last else '%d %b %H:%M:%S'}}"


def offered(page: Page, component: str) -> dict[int, str]:
    """What is known to have happened to a component in the range, newest first: epoch second → words."""
    changes = page.monitor.reader.ask(queries.changes, 30.0, 0.0, page.window, (component,)).value or ()
    found = [(change.at_s, _in_words(change)) for change in changes]
    found += [(event.at_s, f"{event.kind}: {event.text[:80]}") for event in events_of(page, (component,))]
    found.sort(key=lambda happened: -happened[0])
    return {int(at_s): f"{clock(at_s, page.window, page.zone)} {words}" for at_s, words in found[:MOST_OFFERED]}


def _in_words(change: Change) -> str:
    before, after = LOOKS[change.before], LOOKS[change.after]
    return f"{before.mark} {before.word} → {after.mark} {after.word}"


def _draw(found: BeforeAfter) -> None:
    rows = [
        {
            "Figure": shift.name,
            "Before": _figure(shift, shift.before),
            "After": _figure(shift, shift.after),
            "Change": f"{_arrow(shift)} {shift.words}".strip(),
        }
        for shift in found.shifts
    ]
    table = shown.keep(pd.DataFrame(rows))
    st.dataframe(table, hide_index=True, key="before and after", alt="Figures before and after the moment")
    st.caption(
        f"Medians over {humanize_duration(float(found.side_s))} on each side, which is as far as the range reaches on "
        "both. A change counts where most buckets of one side lie above those of the other: a spike is none."
    )


def _arrow(shift: Shift) -> str:
    if shift.verdict not in {"higher", "lower"}:
        return ""
    worse = shift.name.startswith(WORSE) and shift.verdict == "higher"
    return ("▲" if shift.verdict == "higher" else "▼") + (" worse:" if worse else "")


def _figure(shift: Shift, value: float | None) -> str:
    return "—" if value is None else humanize(value, shift.unit)


def _of_url(zone: ZoneInfo) -> int | None:
    text = st.query_params.get(URL_KEY)
    return None if text is None else _parsed(text, zone)


def _parsed(text: str, zone: ZoneInfo) -> int:
    try:
        return int(text) if text.isdigit() and len(text) in {9, 10} else parse_typed(text, time.time(), zone)
    except RangeError as error:
        raise RangeError(URL_KEY, str(error).replace(f'"{error.param}"', f'"{URL_KEY}"', 1)) from None


def _pick() -> None:
    if (at_s := st.session_state.get(PICKED)) is not None:
        st.query_params[URL_KEY] = str(at_s)
        st.session_state[PICKED] = None


def _type(zone: ZoneInfo) -> None:
    """The moment itself goes into the URL; words that mean none go there as they are, for `complain` to explain."""
    if text := st.session_state.get(TYPED, "").strip():
        with suppress(RangeError):
            text = str(_parsed(text, zone))
        st.query_params[URL_KEY] = text
        st.session_state[TYPED] = ""


def _leave() -> None:
    st.query_params.pop(URL_KEY, None)
