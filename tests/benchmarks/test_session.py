"""A visitor without a browser, on the hello-world page that zooms."""

import pytest

from benchmarks import scenarios
from benchmarks.session import Chart, in_turn, settled, visiting


def test_a_selection_draws_the_chart_anew_over_what_was_selected() -> None:
    with scenarios.hello("benchmarks.hello_zoom:app") as served, visiting(served) as visitor:
        whole = settled(visitor)
        (chart,) = whole.charts.values()
        assert chart.length_s == 90 * 86400
        drawn = visitor.select(chart, 0.4, 0.5)
        (zoomed,) = drawn.charts.values()
        assert zoomed.length_s == pytest.approx(9 * 86400)
        assert zoomed.widget != chart.widget
        assert (whole.failed, drawn.failed) == ("", "")
        assert drawn.size > 720 * 4
        assert 0 < in_turn({"page": visitor.draw}, 1)["page"] < 30


def test_a_chart_without_a_time_axis_spans_nothing() -> None:
    assert Chart("c", "", None).length_s == 0
