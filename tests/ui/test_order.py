"""What is drawn when: the charts before what stands above them, once a range was chosen, and never out of its place."""

import pytest
from streamlit.testing.v1 import AppTest


def script(charts_first: bool) -> None:
    import streamlit as st

    from ui import order

    drawn = []

    def head() -> None:
        drawn.append("head")
        st.caption("head")

    order.begin(charts_first=charts_first)
    order.place(head)
    patience_s = order.patience_s()
    drawn.append("chart")
    st.caption("chart")
    order.rest()
    order.rest()
    order.place(lambda: st.caption("after"))
    st.session_state["seen"] = (drawn, patience_s > 0, order.patience_s())


@pytest.mark.parametrize(("charts_first", "drawn"), [(False, ["head", "chart"]), (True, ["chart", "head"])])
def test_charts_go_before_what_stands_above_them_and_nothing_moves(charts_first: bool, drawn: list[str]) -> None:
    page = AppTest.from_function(script, kwargs={"charts_first": charts_first}).run()
    assert not page.exception
    assert page.session_state["seen"] == (drawn, charts_first, 0.0)
    assert [caption.value for caption in page.caption] == ["head", "chart", "after"]
