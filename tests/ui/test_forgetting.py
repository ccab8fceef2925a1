from streamlit.testing.v1 import AppTest

from ui.forgetting import SLACK

RUNS, CHARTS = 60, 3


def page() -> None:
    import plotly.graph_objects as go
    import streamlit as st

    from ui.forgetting import forget_gone

    forget_gone()
    runs = st.session_state["runs"] = st.session_state.get("runs", 0) + 1
    for number in range(3):
        st.plotly_chart(go.Figure(go.Scatter(y=[runs])), key=f"chart:{number}:{runs}", on_select=lambda: None)
    st.text_input("Name", key="name")
    st.button("Press", key="press", on_click=lambda: st.session_state.update(pressed=st.session_state["name"]))


def drawn() -> AppTest:
    app = AppTest.from_function(page, default_timeout=30).run()
    app.text_input(key="name").input("desk").run()
    for _ in range(RUNS):
        app.run()
    return app


def test_a_chart_that_is_gone_is_forgotten() -> None:
    state = drawn().session_state._state._state
    most = CHARTS + 2 + SLACK + CHARTS
    assert 2 * most < RUNS * CHARTS, "without forgetting there would be far more"
    assert len(state._new_widget_state.widget_metadata) <= most
    assert len(state._key_id_mapper.id_key_mapping) <= most
    assert len(state._key_id_mapper._key_id_mapping) <= most


def test_what_is_still_there_keeps_its_value_and_its_callback() -> None:
    app = drawn()
    app.button(key="press").click().run()
    assert not app.exception
    assert app.session_state["pressed"] == app.text_input(key="name").value == "desk"
