"""A wall: `?kiosk=1` shows pages one after the other, large, without menus, and stays where something is broken.

    ?kiosk=1&every=30s&pages=overview,trends,kafka

Range and zone of the link stay. Whoever touches pointer or keyboard stops the turning for a minute.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st
from pydantic_core import PydanticCustomError

from monitor import Monitor
from probes.catalogue import humanize_duration
from probes.result import Status
from settings_types import parse_duration_s
from ui.status import plain

HOME = "overview"
EVERY = "30s"
USUAL = (HOME, "system", "redis", "clickhouse", "kafka", "network", "trends", "performance", "tape")
"""The pages of a wall that asks for none: those that say something without being asked."""
LEAST_S, MOST_S = 5.0, 3600.0
PAUSE_S = 60.0
WIDTH_PX = 1060
"""The whole picture is enlarged as if the screen were so wide: on one of 1.2 m, letters of a centimetre."""
ASKED = ("kiosk", "every", "pages")
KEPT = ("from", "to", "zone", "hours", *ASKED)
"""What a turn keeps of the address; the rest belongs to the page it leaves."""
_PAGE, _TITLES, _REMEMBERED = "kiosk page", "kiosk titles", "kiosk asked"

_mount = st.components.v2.component("kiosk", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Wall:
    """What the address asks for.

    Attributes:
        pages: scripts of the pages in their turn; at least one.
        problems: a sentence for each thing asked for that cannot be had.
    """

    on: bool
    every_s: float
    pages: tuple[str, ...]
    problems: tuple[str, ...] = ()


def parse_wall(query: Mapping[str, str], known: Sequence[str]) -> Wall:
    """The wall an address asks for; what is not understood is said and replaced by what is usual.

    >>> parse_wall({"kiosk": "1", "every": "10s", "pages": "kafka,redis"}, ["overview", "kafka", "redis"])
    Wall(on=True, every_s=10.0, pages=('kafka', 'redis'), problems=())
    >>> parse_wall({}, ["overview"]).on
    False
    """
    asked = query.get("kiosk", "0")
    if asked not in {"0", "1"}:
        problem = f'"kiosk" is "{asked[:40]}"; expected 1. Open ?kiosk=1 for a wall.'
        return Wall(False, parse_duration_s(EVERY), (HOME,), (problem,))
    every_s, problems = _every_s(query.get("every", EVERY))
    pages = list(dict.fromkeys(name.strip() for name in query.get("pages", "").split(",") if name.strip()))
    if unknown := [name for name in pages if name not in known]:
        named = ", ".join(f'"{name[:40]}"' for name in unknown[:5])
        problems.append(f'"pages" names {named}, which is no page. There are {", ".join(known)}.')
    pages = [name for name in pages or USUAL if name in known] or list(known)
    return Wall(asked == "1", every_s, tuple(pages), tuple(problems if asked == "1" else ()))


def _every_s(text: str) -> tuple[float, list[str]]:
    try:
        every_s = parse_duration_s(text)
        if LEAST_S <= every_s <= MOST_S:
            return every_s, []
    except PydanticCustomError:
        pass
    within = f"{humanize_duration(LEAST_S)} to {humanize_duration(MOST_S)}"
    problem = f'"every" is "{text[:40]}"; expected a duration of {within}, such as "30s". Turning every {EVERY}.'
    return parse_duration_s(EVERY), [problem]


def next_page(pages: Sequence[str], current: str, critical: bool) -> str | None:
    """The page to turn to, or None to stay: what is broken is seen on the Overview, and there a wall waits.

    >>> next_page(["overview", "kafka"], "kafka", False), next_page(["overview", "kafka"], "kafka", True)
    ('overview', 'overview')
    >>> next_page(["overview", "kafka"], "overview", True), next_page(["kafka"], "kafka", False)
    (None, None)
    >>> next_page(["redis", "kafka"], "overview", False)
    'redis'
    """
    if critical:
        wanted = HOME
    elif current in pages:
        wanted = pages[(list(pages).index(current) + 1) % len(pages)]
    else:
        wanted = pages[0]
    return None if wanted == current else wanted


def begin(known: Mapping[str, str]) -> bool:
    """Whether this view is a wall's; for the router, which has the titles of the pages by script.

    A link on the page drops the query string: a wall that somebody touched stays one.
    """
    session = st.session_state
    if "kiosk" in st.query_params:
        session[_REMEMBERED] = {key: st.query_params[key] for key in ASKED if key in st.query_params}
    elif _REMEMBERED in session:
        st.query_params.update(session[_REMEMBERED])
    session[_TITLES] = dict(known)
    return parse_wall(st.query_params, list(known)).on


def at(script: str) -> None:
    """Note which page is shown; for the router."""
    st.session_state[_PAGE] = script or HOME


def titles() -> dict[str, str]:
    """The pages there are: script → title, as the router noted them."""
    noted: dict[str, str] = st.session_state.get(_TITLES, {})
    return noted


def draw(monitor: Monitor) -> None:
    """The wall's bar and its turning, or nothing; what the address asks for in vain is said either way."""
    known = titles()
    if "kiosk" not in st.query_params or not known:
        return
    wall = parse_wall(st.query_params, list(known))
    for problem in wall.problems:
        st.warning(problem, icon=":material/tv:")
    if wall.on:
        _turn(monitor, wall, st.session_state[_PAGE], known)


def _turn(monitor: Monitor, wall: Wall, current: str, known: Mapping[str, str]) -> None:
    verdict = monitor.verdict()
    critical = verdict.status is Status.CRITICAL
    following = next_page(wall.pages, current, critical)
    kept = {key: st.query_params[key] for key in KEPT if key in st.query_params}
    oldest_s = None if verdict.oldest_age_s is None else int(time.time() - verdict.oldest_age_s)
    asked = _mount(
        key="kiosk",
        data={
            "page": current,
            "every_s": wall.every_s,
            "pause_s": PAUSE_S,
            "next": following,
            "next_title": known.get(following or "", ""),
            "next_address": f"{'' if following == HOME else following}?{urlencode({**kept, 'embed': 'true'})}",
            "at_once": critical,
            "why": "stays here while something is critical" if critical else "the only page",
            "state": plain(verdict.status),
            "oldest_s": oldest_s,
            "zone": monitor.settings.app.zone.key,
            "width_px": WIDTH_PX,
        },
        on_turn_change=lambda: None,
    )
    if asked.turn in known:
        st.switch_page(f"pages/{asked.turn}.py", query_params=kept)
