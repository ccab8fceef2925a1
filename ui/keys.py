"""Keys: the range, the search and every page without a pointer; `?` lists them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from ui import kiosk, timerange

KEYS: tuple[dict[str, str], ...] = (
    {"key": "b", "does": "Back to the range before", "click": ".st-key-back button"},
    {"key": "[", "does": "Earlier by one range", "click": ".st-key-earlier button"},
    {"key": "]", "does": "Later by one range", "click": ".st-key-later button"},
    {"key": "f", "does": "Follow the present", "click": ".st-key-follow button"},
    {
        "key": "t",
        "does": "Type a range",
        "click": ".st-key-behind-range button",
        "field": "[class*=st-key-typed] input",
    },
)
WIDER = {"key": "-", "does": "Twice as long a range", "sends": "wider"}
SEARCH = {
    "key": "/",
    "does": "Search on this page, or every series",
    "field": "[data-testid=stMain] :is(input[type=search], input[type=text]:not([role=combobox]))",
    "page": "Explore",
}
"""What each key does and which button, field or page it stands for."""

_here = Path(__file__)
_mount = st.components.v2.component(
    "keys",
    html='<dialog aria-labelledby="title"><h2 id="title">Keys</h2><dl></dl>'
    '<form method="dialog"><button>Close</button></form></dialog>',
    css=_here.with_suffix(".css").read_text(encoding="utf-8"),
    js=_here.with_suffix(".js").read_text(encoding="utf-8"),
)


def listen(*, charted: bool) -> None:
    """Make the keys work on this page.

    Args:
        charted: the page's live part holds its range, so that a key can change it there.
    """
    if st.query_params.get("kiosk") == "1":
        return  # on a wall a key is a sign that somebody is there
    known: list[dict[str, Any]] = [*KEYS, *([WIDER] if charted else []), SEARCH]
    data = {"keys": known, "jumps": letters(kiosk.titles())}
    _mount(key="keys", data=data, on_wider_change=timerange.zoom_out)


def letters(titles: Mapping[str, str]) -> dict[str, str]:
    """A letter for each page, to press after `g`: the first of its title that is still free.

    >>> letters({"services": "Services", "system": "System", "sql": "SQL"})
    {'s': 'Services', 'y': 'System', 'q': 'SQL'}
    """
    given: dict[str, str] = {}
    for title in titles.values():
        letter = next((letter for letter in title.lower() if letter.isalpha() and letter not in given), "")
        if letter:
            given[letter] = title
    return given
