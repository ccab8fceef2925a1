"""The search over every series of the history: words, filters, and a table to choose from."""

from collections.abc import Sequence
from hashlib import sha256

import pandas as pd
import streamlit as st

from history.answers import Newest
from history.names import spell
from history.queries import exploring
from history.queries.exploring import Found, Sought, Vocabulary
from history.reader import WAIT_S
from history.rows import SeriesKey
from history.window import quoted
from probes.catalogue import humanize
from ui import selection, shown
from ui.frame import Page
from ui.naming import name_of, title_of
from ui.panels import Panel, Question, show
from ui.selection import Selection
from ui.status import age
from ui.words import part_of

QUERY, COMPONENT, METRIC, UNIT = "q", "component", "metric", "unit"
FRESH_S = 15.0
ROW_PX, ROWS_SHOWN = 28, 8
_PICKED, _TABLE = "series picked in the table", "table of series"


def sought() -> Sought:
    """What the URL says to search for."""
    query = st.query_params
    words = tuple(query.get(QUERY, "").split())
    return Sought(words, query.get(COMPONENT, ""), query.get(METRIC, ""), query.get(UNIT, ""))


def draw(page: Page, chosen: Selection) -> None:
    """The search field and its filters; below them what they find, once anything is asked for."""
    known = page.monitor.reader.ask(exploring.vocabulary, FRESH_S, WAIT_S).value
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input(
            f"Search {f'{known.total:,}' if known else 'all'} series",
            key=QUERY,
            bind="query-params",
            type="search",
            live=True,
            width=360,
            placeholder="metric, component, label: lag ticks",
        )
        _filter("Component", COMPONENT, _components(known))
        _filter("Metric", METRIC, _metrics(known))
        _filter("Unit", UNIT, _units(known))
    for sentence in unlisted(known):
        st.caption(sentence)
    wanted = sought()
    if wanted != Sought():
        show(page.monitor.reader, [_panel(page, wanted, chosen)])


def unlisted(known: Vocabulary | None) -> list[str]:
    """A sentence for each filter that offers only some of what there is, with the way to the others."""
    narrow = "the search finds each by a part of its name"
    metrics = part_of(len(known.metrics), known.all_metrics, "most frequent", "metrics", narrow) if known else ""
    return [*unlisted_components(known, narrow), *([f"To choose from are {metrics}."] if metrics else [])]


def unlisted_components(known: Vocabulary | None, narrow: str) -> list[str]:
    """A sentence where only some of the components are offered."""
    if known is None:
        return []
    words = part_of(len(known.components), known.all_components, "most frequent", "components", narrow)
    return [f"To choose from are {words}."] if words else []


def _components(known: Vocabulary | None) -> dict[str, str]:
    return {name: f"{name} ({count:,})" for name, count in known.components} if known else {}


def _metrics(known: Vocabulary | None) -> dict[str, str]:
    return {each.metric: f"{title_of(each.metric)} – {each.metric}" for each in known.metrics} if known else {}


def _units(known: Vocabulary | None) -> dict[str, str]:
    units = sorted({each.unit for each in known.metrics if each.unit}) if known else []
    return dict(zip(units, units, strict=True))


def _filter(label: str, name: str, options: dict[str, str]) -> None:
    """A choice of one or none, which the URL leads: a link or the way back gives a field of its own."""
    now = st.query_params.get(name, "")
    if now and now not in options:
        options = {now: now, **options}
    key = f"{name}:{now}"
    st.selectbox(
        label,
        list(options),
        index=list(options).index(now) if now else None,
        format_func=lambda option: options.get(option, option),
        key=key,
        placeholder="any",
        width=170,
        on_change=lambda: selection.put(name, st.session_state[key] or ""),
    )


def _panel(page: Page, wanted: Sought, chosen: Selection) -> Panel[Found]:
    return Panel(
        "Series found",
        Question(exploring.search, (wanted,), FRESH_S),
        lambda found: _draw(found, page.now.timestamp(), wanted, chosen),
        height=ROW_PX * (ROWS_SHOWN + 1),
        told=told,
    )


def _draw(found: Found, now_s: float, wanted: Sought, chosen: Selection) -> None:
    if found.total:
        _table(found.matches, now_s, chosen)
    else:
        st.caption(nothing(found, wanted))


def nothing(found: Found, wanted: Sought) -> str:
    """What is said when nothing was found: which word is at fault where one is."""
    if found.lacking:
        return f"No series has {' or '.join(map(quoted, found.lacking))} in its name. A part of a word is enough."
    return f"No series matches {described(wanted)}. Fewer words or filters find more."


def told(found: Found) -> str:
    """``Series found – the best 50 of 3,000 series: more words or filters find the others``."""
    cut = part_of(len(found.matches), found.total, "best", narrow="more words or filters find the others")
    return f"Series found – {cut or f'{found.total:,}'}"


def described(wanted: Sought) -> str:
    """What is searched for, in words.

    >>> described(Sought(("lag", "ticks"), component="kafka"))
    '"lag ticks" of component "kafka"'
    """
    filters = (("component", wanted.component), ("metric", wanted.metric), ("unit", wanted.unit))
    parts = [quoted(" ".join(wanted.words))] if wanted.words else []
    return " ".join([*parts, *(f"of {name} {quoted(value)}" for name, value in filters if value)])


def _table(matches: Sequence[Newest], now_s: float, chosen: Selection) -> None:
    keys = [match.row.key for match in matches]
    rows = [
        {
            "Series": name_of(match.row.key),
            "Component": match.row.key.component,
            "Last": humanize(match.value, match.row.unit) if match.at_s else "—",
            "Age": age(now_s - match.at_s) if match.at_s else "never seen",
            "Metric": match.row.key.metric,
            "Unit": match.row.unit,
        }
        for match in matches
    ]
    key = _table_key(keys, chosen)
    st.dataframe(
        shown.keep(pd.DataFrame(rows)),
        hide_index=True,
        height="content" if len(rows) <= ROWS_SHOWN else ROW_PX * (ROWS_SHOWN + 1) + 3,
        key=key,
        on_select=lambda: _pick(key, keys, chosen.keys),
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [n for n, one in enumerate(keys) if one in chosen.keys]}},
        column_config={
            "Series": st.column_config.TextColumn(width="medium"),
            "Last": st.column_config.TextColumn(alignment="right"),
        },
        alt="Series found; a row that is ticked is drawn below",
    )


def _table_key(keys: Sequence[SeriesKey], chosen: Selection) -> str:
    """The table keeps what was ticked in it; where the URL says otherwise, it is one of its own and takes that."""
    spelled = spell(chosen.keys)
    if st.session_state.get(_PICKED) != spelled:
        st.session_state[_PICKED] = spelled
        st.session_state[_TABLE] = st.session_state.get(_TABLE, 0) + 1
    shown = sha256(spell(keys).encode()).hexdigest()[:12]
    return f"found:{st.session_state.get(_TABLE, 0)}:{shown}"


def _pick(key: str, keys: Sequence[SeriesKey], before: Sequence[SeriesKey]) -> None:
    """Take what is ticked; what was chosen elsewhere stays, in the order of choosing."""
    ticked = [keys[row] for row in st.session_state[key]["selection"]["rows"] if row < len(keys)]
    kept = [one for one in before if one not in keys or one in ticked]
    wanted = [*kept, *(one for one in ticked if one not in kept)]
    selection.choose(wanted)
    if len(wanted) <= selection.MOST:
        st.session_state[_PICKED] = spell(wanted)
