"""What charts are held against: an earlier period, chosen on the page and kept in the URL as ``compare=``."""

from dataclasses import dataclass

import streamlit as st

from history.buckets import WEEK_S
from history.window import Window, quoted

URL_KEY, CONTROL = "compare", "compare with"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A choice of what to compare with.

    Attributes:
        word: what the URL calls it.
        title: what the page's control calls it.
        name: what a sentence calls the earlier period; empty for none.
        legend: what it is called beside a line, where a phone has no room for more.
        when: the period with the preposition that it takes.
        back_s: how long before the range it lies; None: as long as the range is.
    """

    word: str
    title: str
    name: str = ""
    legend: str = ""
    when: str = ""
    back_s: int | None = 0

    def previous_s(self, window: Window) -> int:
        """How long before `window` the compared one lies; 0 for none."""
        return window.length_s if self.back_s is None else self.back_s


NOTHING = Comparison("nothing", "Nothing")
BEFORE = Comparison("before", "The period before", "the period before", "before", "in the period before", None)
LAST_WEEK = Comparison("last-week", "Same time last week", "last week", "last week", "last week", WEEK_S)
CHOICES = (NOTHING, BEFORE, LAST_WEEK)


def named(word: str | None) -> Comparison | None:
    """The choice of a URL's word, or of the title that older links have; None: there is none such.

    >>> named("before") is BEFORE, named("Same time last week") is LAST_WEEK, named(None) is NOTHING
    (True, True, True)
    """
    if not word:
        return NOTHING
    return next((choice for choice in CHOICES if word in {choice.word, choice.title}), None)


def chosen() -> Comparison:
    """What the URL says to compare with; nothing where it cannot be meant."""
    return named(st.query_params.get(URL_KEY)) or NOTHING


def control() -> None:
    """The choice, one for every chart of the page; a word of the URL that nobody can mean is explained."""
    wanted = st.query_params.get(URL_KEY)
    now = chosen()
    st.segmented_control(
        "Compare with",
        [choice.title for choice in CHOICES],
        default=now.title,
        key=f"{CONTROL}:{now.word}",  # the URL leads: a link or the way back gives a control of its own
        on_change=_choose,
        args=(f"{CONTROL}:{now.word}",),
        required=True,
    )
    if named(wanted) is None:
        st.caption(f'"compare" is {quoted(wanted or "")}; expected {", ".join(choice.word for choice in CHOICES)}.')


def _choose(key: str) -> None:
    choice = named(st.session_state.get(key)) or NOTHING
    if choice is NOTHING:
        st.query_params.pop(URL_KEY, None)
    else:
        st.query_params[URL_KEY] = choice.word
