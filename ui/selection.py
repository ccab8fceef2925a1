"""What is chosen on Explore: series, function and grouping, all in the URL; read from it, written to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import streamlit as st

from analysis.exploring import Grouping
from analysis.functions import AS_RECORDED, FUNCTIONS, Function
from history.grouping import COMPONENT, HOWS, TOGETHER, How
from history.names import read_names, spell
from history.rows import SeriesKey
from history.window import Window, quoted
from ui.frame import Page
from ui.naming import name_of

MOST = 12
"""As many lines as a chart has colours that can be told apart."""
SERIES, FUNCTION, BY, HOW, OVER, USUAL = "series", "function", "by", "how", "over", "usual"
OF_METRIC = "metric"
_REFUSED = "refused series"


@dataclass(frozen=True, slots=True)
class Selection:
    """What is chosen.

    Attributes:
        keys: the series, `MOST` at most.
        by: what they are grouped by; empty: not at all.
        whole: grouped are all series of their metrics.
        usual: what is usual is drawn as well.
        problems: a sentence for each part of the link that cannot be meant.
    """

    keys: tuple[SeriesKey, ...] = ()
    function: Function = FUNCTIONS[AS_RECORDED]
    by: str = ""
    how: How = "sum"
    whole: bool = False
    usual: bool = False
    problems: tuple[str, ...] = ()

    @property
    def grouping(self) -> Grouping | None:
        """How they are grouped; None where they are not."""
        return Grouping(self.by, self.how, self.whole) if self.by else None

    @property
    def is_plain(self) -> bool:
        """Whether it is one series as recorded: what is usual is known of such a one."""
        return len(self.keys) == 1 and not self.by and self.function.name == AS_RECORDED

    @property
    def groupings(self) -> tuple[str, ...]:
        """What the series can be grouped by: nothing, their component, their labels."""
        return groupings(self.keys)


def groupings(keys: Sequence[SeriesKey]) -> tuple[str, ...]:
    """What some series can be grouped by.

    >>> groupings([SeriesKey("net", "received", (("interface", "eth0"),)), SeriesKey("net", "received")])
    ('all', 'component', 'interface')
    """
    return (TOGETHER, COMPONENT, *dict.fromkeys(name for key in keys for name, _ in key.labels))


def read(query: Mapping[str, str]) -> Selection:
    """The selection a URL means, with a sentence for each part of it that nobody can mean."""
    keys, unread = read_names(query.get(SERIES, ""))
    problems = list(unread)
    if len(keys) > MOST:
        problems.append(f"The link names {len(keys)} series; at most {MOST} are drawn, the first ones.")
    keys = keys[:MOST]
    function = _one_of(query, FUNCTION, tuple(FUNCTIONS), AS_RECORDED, problems)
    by = _one_of(query, BY, groupings(keys), "", problems) if keys else ""
    how = _one_of(query, HOW, HOWS, HOWS[0], problems)
    over = _one_of(query, OVER, (OF_METRIC,), "", problems)
    usual = _one_of(query, USUAL, ("1",), "", problems)
    return Selection(keys, FUNCTIONS[function], by, cast(How, how), bool(over and by), bool(usual), tuple(problems))


def _one_of(query: Mapping[str, str], name: str, words: tuple[str, ...], otherwise: str, problems: list[str]) -> str:
    word = query.get(name, "") or otherwise
    if word not in {*words, otherwise}:
        problems.append(f'"{name}" is {quoted(word)}; expected {" or ".join(filter(None, words))}.')
        return otherwise
    return word


def choose(keys: Sequence[SeriesKey]) -> None:
    """Make these the chosen series, `MOST` at most; what is refused is said once. For callbacks."""
    kept = tuple(dict.fromkeys(keys))
    if len(kept) > MOST:
        names = f"{len(kept) - MOST} more were" if len(kept) > MOST + 1 else "one more was"
        st.session_state[_REFUSED] = (
            spell(kept[:MOST]),
            f"At most {MOST} series are drawn at once; {names} left out. Take one away first, "
            "or group all series of a metric.",
        )
    put(SERIES, spell(kept[:MOST]))


def refused() -> str:
    """What was refused of the present selection; empty where nothing was."""
    spelled, words = st.session_state.get(_REFUSED, ("", ""))
    return words if spelled == st.query_params.get(SERIES) else ""


def put(name: str, value: str) -> None:
    """Write one part of the selection into the URL; an empty one is taken out. For callbacks."""
    if value:
        st.query_params[name] = value
    else:
        st.query_params.pop(name, None)


def controls(page: Page, chosen: Selection) -> None:
    """The chosen series, each to be taken away, and what is made of them."""
    keys = chosen.keys
    st.multiselect(
        f"Drawn – {len(keys)} of at most {MOST} series",
        keys,
        default=keys,
        format_func=lambda key: f"{key.component} · {name_of(key)}",
        key=f"chosen:{st.query_params.get(SERIES)}",
        on_change=_keep,
        args=(f"chosen:{st.query_params.get(SERIES)}",),
    )
    complain(chosen)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        titles = {name: function.title for name, function in FUNCTIONS.items()}
        _choice("Function", FUNCTION, titles, chosen.function.name, AS_RECORDED)
        words = {TOGETHER: "one line for all", COMPONENT: "component"}
        by = {"": "nothing"} | {name: words.get(name, name) for name in chosen.groupings}
        _choice("Group by", BY, by, chosen.by, "")
        if chosen.by:
            _choice("As", HOW, dict(zip(HOWS, ("sum", "average", "maximum"), strict=True)), chosen.how, HOWS[0])
            of = {"": "the series drawn", OF_METRIC: "all of their metrics"}
            _choice("Of", OVER, of, OF_METRIC if chosen.whole else "", "")
        if chosen.is_plain:
            key = f"{USUAL}:{chosen.usual}"
            st.toggle(
                "What is usual",
                value=chosen.usual,
                key=key,
                help="The band this hour of the week usually keeps to, where it was left, changes of level, the trend",
                on_change=lambda: put(USUAL, "1" if st.session_state[key] else ""),
            )
        first = keys[0]
        st.page_link(
            "pages/compare.py",
            label="Compare",
            icon=":material/compare_arrows:",
            query_params={"component": first.component, "metric": first.metric} | _range(page.window),
        )


def _choice(label: str, name: str, titles: dict[str, str], now: str, otherwise: str) -> None:
    key = f"{name}:{now}"
    st.selectbox(
        label,
        list(titles),
        index=list(titles).index(now),
        format_func=lambda option: titles[option],
        key=key,
        width=170,
        on_change=lambda: put(name, "" if st.session_state[key] == otherwise else st.session_state[key]),
    )


def _keep(key: str) -> None:
    choose(st.session_state[key])


def _range(window: Window) -> dict[str, str]:
    start, end = window.words or (str(window.start_s), str(window.end_s))
    return {"from": start, "to": end}


def complain(chosen: Selection) -> None:
    """Say on the page what of the link cannot be meant, and what could not be chosen."""
    for sentence in filter(None, (*chosen.problems, refused())):
        st.caption(f":material/info: {sentence}")
