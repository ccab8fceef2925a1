"""The dependency map as Graphviz text. Pure."""

from collections.abc import Sequence

from probes.cache import ComponentView
from ui.status import LOOKS

ARROW = "#8a94a0"
TEXT = {"light": "#0f1720", "dark": "#e3e8ee"}
"""Words in the picture: it does not take the theme's colour by itself, and none reads on both backgrounds."""


def dependencies(views: Sequence[ComponentView], scheme: str) -> str:
    """A left-to-right graph: component → what it depends on, each node with its status mark, word and colour.

    Args:
        scheme: ``light`` or ``dark``, the background it is drawn on.
    """
    text = TEXT[scheme]
    names = {view.name for view in views}
    lines = [
        "digraph {",
        'rankdir=LR bgcolor="transparent" pad=0.1 nodesep=0.18 ranksep=0.6',
        'node [shape=box style=rounded fontname="sans-serif" fontsize=11 height=0.34 margin="0.14,0.05" penwidth=1.5]',
        f'edge [color="{ARROW}" arrowsize=0.6]',
    ]
    for view in views:
        look = LOOKS[view.status]
        label = f"{look.mark} {view.name}\\n{look.word}"
        lines.append(f'{_quoted(view.name)} [label={_quoted(label)} color="{look.hexadecimal}" fontcolor="{text}"]')
    lines += [
        f"{_quoted(view.name)} -> {_quoted(needed)}"
        for view in views
        for needed in view.component.depends_on
        if needed in names
    ]
    return "\n".join([*lines, "}"])


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'
