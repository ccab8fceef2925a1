import json

import numpy as np
import plotly.graph_objects as go

from ui.walltime import as_text

START_MS = 1795512600000.0
START = "2026-11-24T09:30"


def test_every_time_of_a_time_axis_is_written_out() -> None:
    figure = go.Figure()
    figure.update_xaxes(type="date", range=[START_MS, START_MS + 60_000])
    figure.update_xaxes(rangebreaks=[{"values": [START_MS], "dvalue": 60_000}, {"bounds": ["2026-03-08 02:00", "x"]}])
    figure.add_scatter(x=START_MS + np.array([0, 500.0]), y=[1, 2])
    figure.add_scatter(x0=START_MS, dx=60_000, y=np.zeros(3, dtype=np.float32))
    figure.add_bar(base=np.array([START_MS]), x=np.array([3600_000.0]), y=["kafka"], orientation="h")
    figure.add_vrect(x0=START_MS, x1=START_MS + 60_000)
    figure.add_annotation(x=START_MS, text="moment")
    made = as_text(figure).to_plotly_json()
    axis, (line, even, bar) = made["layout"]["xaxis"], made["data"]
    assert list(axis["range"]) == [START, "2026-11-24T09:31"]
    assert list(axis["rangebreaks"][0]["values"]) == [START]
    assert list(axis["rangebreaks"][1]["bounds"]) == ["2026-03-08 02:00", "x"]
    assert list(line["x"]) == ["2026-11-24T09:30:00.000", "2026-11-24T09:30:00.500"]
    assert (even["x0"], even["dx"]) == (START, 60_000)
    assert list(bar["base"]) == [START]
    assert figure.data[2].x[0] == 3600_000, "a bar's length is no time of the day"
    assert (made["layout"]["shapes"][0]["x0"], made["layout"]["shapes"][0]["x1"]) == (START, "2026-11-24T09:31")
    assert made["layout"]["annotations"][0]["x"] == START


def test_what_is_no_time_stays_as_it_is() -> None:
    figure = go.Figure(go.Scatter(x=np.array([1.0, 2.0]), y=[1, 2]))
    figure.update_xaxes(type="linear", range=[0, 3])
    assert list(as_text(figure).data[0].x) == [1.0, 2.0]
    figure = go.Figure(go.Scatter(x=["Mon", "Tue"], y=[1, 2]))
    figure.update_xaxes(type="date", range=["2026-01-01", "2026-01-02"])
    figure.add_shape(type="line", xref="paper", x0=0, x1=1, y0=1, y1=1)
    made = as_text(figure)
    assert list(made.data[0].x) == ["Mon", "Tue"]
    assert made.layout.shapes[0].x1 == 1


def test_times_that_lines_share_are_sent_once_and_other_ones_stay_with_their_line() -> None:
    figure = go.Figure(layout={"xaxis": {"type": "date"}, "template": {"layout": {"colorway": ["red"]}}})
    times = np.array([START_MS, START_MS + 60_000.0, START_MS + 180_000.0])
    for x in (times, times[:2], times):
        figure.add_scatter(x=x, y=np.arange(len(x)), mode="lines")
    sent = json.loads(as_text(figure).to_json())
    assert [trace.get("x") for trace in sent["data"]] == [None, [START, "2026-11-24T09:31"], None]
    (given,) = sent["layout"]["template"]["data"]["scatter"]
    assert given["x"] == [START, "2026-11-24T09:31", "2026-11-24T09:33"]
    assert sent["layout"]["template"]["layout"]["colorway"] == ["red"]


def test_numbers_that_lines_share_stay_as_they_are() -> None:
    figure = go.Figure(layout={"xaxis": {"type": "linear"}})
    for _ in range(2):
        figure.add_scatter(x=np.arange(3.0), y=[1, 2, 3])
    assert [list(trace.x) for trace in as_text(figure).data] == [[0, 1, 2], [0, 1, 2]]


def test_a_line_at_even_distances_among_others_gets_no_times_of_theirs() -> None:
    figure = go.Figure(layout={"xaxis": {"type": "date"}})
    times = np.array([START_MS, START_MS + 60_000.0, START_MS + 180_000.0])
    for place in ({"x": times}, {"x": times}, {"x0": START_MS, "dx": 60_000.0}):
        figure.add_scatter(**place, y=[1, 2, 3], mode="lines")
    sent = as_text(figure)
    assert [len(trace.x or ()) for trace in sent.data] == [3, 3, 0]
    assert sent.data[2].x0 == START
