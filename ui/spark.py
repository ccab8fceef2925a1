"""Sparklines as images in markdown: some hundred bytes each, where Streamlit's own load a chart library."""

import base64
from collections.abc import Sequence

WIDTH, HEIGHT, MARGIN = 340, 56, 3
COLOUR = "#7288a5"
"""Reads on light and dark: the picture cannot know the theme."""


def sparkline(values: Sequence[float], alt: str) -> str:
    """Markdown of a line through `values`, oldest first, as wide as its frame; empty for fewer than two.

    Args:
        alt: what the picture shows, for those who do not see it.
    """
    if len(values) < 2:
        return ""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f'<polyline points="{points(values)}" fill="none" stroke="{COLOUR}" stroke-width="2.4" '
        'stroke-linejoin="round" stroke-linecap="round"/></svg>'
    )
    return f"![{alt}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"


def points(values: Sequence[float]) -> str:
    """SVG coordinates: the lowest value at the bottom, the highest at the top, a flat line in the middle.

    >>> points([1, 3, 2])
    '3,53 170,3 337,28'
    >>> points([5, 5])
    '3,28 337,28'
    """
    low, high = min(values), max(values)
    span = high - low
    step = (WIDTH - 2 * MARGIN) / (len(values) - 1)
    return " ".join(
        f"{MARGIN + index * step:g},{HEIGHT - MARGIN - height * (HEIGHT - 2 * MARGIN):g}"
        for index, height in enumerate((value - low) / span if span else 0.5 for value in values)
    )
