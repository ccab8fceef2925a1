"""Explore: any series of the history, found by words, drawn as recorded or as what is made of it."""

from functools import partial

import streamlit as st

from history.queries.exploring import Sought
from ui import beginnings, explore, finder, frame, moved, order, selection

page = frame.begin("Explore", "What did any series of the history do, and what else did the same?", charted=True)


def draw() -> None:
    chosen = selection.read(st.query_params.to_dict())
    order.place(partial(finder.draw, page, chosen))
    if chosen.keys:
        order.place(partial(selection.controls, page, chosen))
        explore.draw(page, chosen)
    else:
        selection.complain(chosen)
        if finder.sought() == Sought():
            beginnings.draw(page)
    moved.draw(page)


frame.live(page, draw, every_s=10.0)
