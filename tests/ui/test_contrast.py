"""What is drawn can be seen: text at 4.5 : 1, lines and marks at 3 : 1, in both themes (WCAG 2.1, 1.4.3 and 1.4.11)."""

import re
import tomllib
from pathlib import Path

import pytest

from ui import charts, diagram, spark, timeline
from ui.status import LOOKS

THEME = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
BACKGROUNDS = {scheme: THEME[scheme]["backgroundColor"] for scheme in ("light", "dark")}
GRAPHICS = {
    **{f"status {status}": look.hexadecimal for status, look in LOOKS.items()},
    **{f"line {number}": colour for number, colour in enumerate(charts.COLOURS)},
    **{f"theme's line {number}": colour for number, colour in enumerate(THEME["chartCategoricalColors"])},
    "maximum": charts.MAXIMUM,
    "failed": charts.FAILED,
    "nobody looked": timeline.NOBODY,
    "sparkline": spark.COLOUR,
    "arrow": diagram.ARROW,
}
TEXTS = ("textColor", "redTextColor", "orangeTextColor", "greenTextColor", "grayTextColor", "primaryColor")
FADED = 0.6
"""What Streamlit mixes of the text's colour into a caption."""
LEAST_TEXT, LEAST_GRAPHICS = 4.5, 3.0


def luminance(colour: str) -> float:
    """Relative luminance by WCAG's formula (w3.org/TR/WCAG21/#dfn-relative-luminance)."""
    assert re.fullmatch(r"#[0-9a-f]{6}", colour), colour
    shares = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (s / 12.92 if s <= 0.03928 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def mixed(colour: str, background: str, share: float) -> str:
    """`colour` laid over `background` with the opacity `share`."""
    pairs = ((int(colour[at : at + 2], 16), int(background[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(share * above + (1 - share) * below):02x}" for above, below in pairs)


def test_the_formula_gives_what_the_standard_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", BACKGROUNDS)
@pytest.mark.parametrize("name", GRAPHICS)
def test_lines_and_marks_stand_out(name: str, scheme: str) -> None:
    assert contrast(GRAPHICS[name], BACKGROUNDS[scheme]) >= LEAST_GRAPHICS


@pytest.mark.parametrize("scheme", BACKGROUNDS)
@pytest.mark.parametrize("name", TEXTS)
def test_text_can_be_read_on_the_page_and_on_what_is_set_off(name: str, scheme: str) -> None:
    theme = THEME[scheme]
    for background in (
        theme["backgroundColor"],
        theme["secondaryBackgroundColor"],
        theme["sidebar"]["backgroundColor"],
    ):
        assert contrast(theme[name], background) >= LEAST_TEXT


@pytest.mark.parametrize("scheme", BACKGROUNDS)
def test_captions_code_and_the_words_of_the_diagram_can_be_read(scheme: str) -> None:
    background = BACKGROUNDS[scheme]
    assert contrast(mixed(THEME[scheme]["textColor"], background, FADED), background) >= LEAST_TEXT
    assert contrast(diagram.TEXT[scheme], background) >= LEAST_TEXT
    assert contrast(THEME[scheme]["codeTextColor"], THEME[scheme]["codeBackgroundColor"]) >= LEAST_TEXT


def test_a_status_on_a_timeline_differs_without_its_colour() -> None:
    looks = [
        (timeline.THICKNESS[status], timeline.marker(status).get("pattern", {}).get("shape"))
        for status in (*timeline.DRAWN, None)
    ]
    assert len(set(looks)) == len(looks)
