"""Compare: what is different from before, or from another component, and by how much?"""

import streamlit as st

from ui import compare, frame, moved, sides

page = frame.begin(
    "Compare", "What is different from before, or from another component, and by how much?", charted=True
)


def draw() -> None:
    names = compare.components(page)
    if not names:
        st.info("Nothing is configured yet: name your systems in tapewatch.toml.", icon=":material/settings:")
        return
    chosen = sides.read(st.query_params.to_dict(), page.window, names, compare.clock(page))
    compare.controls(page, chosen, names)
    compare.draw(page, chosen)
    moved.draw(page)


frame.live(page, draw, every_s=10.0)
