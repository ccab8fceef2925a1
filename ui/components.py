"""Which components a page is about, several at once: in the URL as ``components=kafka,redis``."""

from collections.abc import Sequence

import streamlit as st

from history.window import quoted

URL_KEY = "components"
MOST_NAMED = 12
"""So many names are listed where one is not known."""


def chosen(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The components of the URL that there are, in the order of `names`, and the words that name none."""
    words = [word.strip() for word in st.query_params.get(URL_KEY, "").split(",") if word.strip()]
    unknown = tuple(dict.fromkeys(word for word in words if word not in names))
    return tuple(name for name in names if name in words), unknown


def control(names: Sequence[str]) -> tuple[str, ...]:
    """Lets choose among `names`; returns what is chosen, all of them where nothing is."""
    picked, _ = chosen(names)
    key = f"components:{','.join(picked)}"  # the URL leads: a link or the way back gives a control of its own
    st.multiselect(
        "Components", names, default=list(picked), placeholder="All components", key=key, on_change=_pick, args=(key,)
    )
    return picked or tuple(names)


def complain(names: Sequence[str]) -> None:
    """Say on the page which words of the URL name no component, and which there are."""
    _, unknown = chosen(names)
    if unknown:
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        said = " and ".join(map(quoted, unknown[:3]))
        there = f"There are: {', '.join(names[:MOST_NAMED])}{more}." if names else "None is."
        st.warning(f'"components" names {said}, which is not configured. {there}')


def _pick(key: str) -> None:
    if picked := st.session_state.get(key):
        st.query_params[URL_KEY] = ",".join(picked)
    else:
        st.query_params.pop(URL_KEY, None)
