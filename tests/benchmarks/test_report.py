"""What benchmarks write comes back on the page."""

import json
from pathlib import Path

import pytest

from benchmarks import report


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(report, "PAGE", tmp_path / "performance.md")
    monkeypatch.setattr(report, "LOCK", tmp_path / "lock")
    return tmp_path


@pytest.mark.parametrize(
    ("value", "goal", "at_least", "met", "shown"),
    [
        (2.0, 2.5, None, True, "| ≤ 2.5 | yes |"),
        (3.0, 2.5, None, False, "| ≤ 2.5 | **no** |"),
        (2_600_000, None, 2_500_000, True, "| ≥ 2,500,000 | yes |"),
        (2_400_000, None, 2_500_000, False, "| ≥ 2,500,000 | **no** |"),
        (0, 0, None, True, "| ≤ 0 | yes |"),
        (1, None, None, None, "|  |  |"),
    ],
)
def test_a_goal_is_at_most_or_at_least(
    elsewhere: Path, value: float, goal: float | None, at_least: float | None, met: bool | None, shown: str
) -> None:
    report.write("rate", value, "x", goal=goal, at_least=at_least, command="c")
    report.render()
    assert json.loads((elsewhere / "results.json").read_text())["rate"]["met"] is met
    assert shown in (elsewhere / "performance.md").read_text()


def test_a_table_is_a_section_beside_the_figures(elsewhere: Path) -> None:
    report.write("figure", 1, "x", command="c")
    report.table("sizes", "Sizes", ("tier", "bytes"), [["raw", 1.23456], ["15 minutes", None]], "A note.", "c")
    report.render()
    page = (elsewhere / "performance.md").read_text()
    assert "## Sizes\n\nA note.\n\n| tier | bytes |\n| --- | --- |\n| raw | 1.23 |\n| 15 minutes | – |\n" in page
    assert "`sizes`:" not in page
    assert "`figure`:" in page


@pytest.mark.parametrize(("load", "said"), [(0.5, False), (40.0, True)])
def test_the_page_says_when_others_used_the_machine(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, load: float, said: bool
) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (0.0, load, 0.0))
    report.write("figure", 1, "x", command="c")
    report.render()
    assert ("other work to do" in (elsewhere / "performance.md").read_text()) is said
