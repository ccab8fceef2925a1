"""docs/metrics.md says what the catalogue says."""

import pytest

import probes
from docs import metrics as writer
from probes.catalogue import Metric


def metric(**keys: object) -> Metric:
    return Metric(**({"name": "x_ratio", "unit": "ratio", "title": "x", "help": "How much x."} | keys))


def test_the_document_is_what_the_catalogue_says() -> None:
    assert writer.DOCUMENT.read_text(encoding="utf-8") == writer.document(), "run `make docs`"


def test_every_metric_stands_in_it_once() -> None:
    lines = writer.document().splitlines()
    for name in probes.METRICS:
        assert sum(line.startswith(f"| `{name}` |") for line in lines) == 1, name


def test_a_row_tells_everything() -> None:
    full = metric(warning=0.8, critical=0.9, better="lower", for_s=300, source="/proc/<x>: a|b")
    row = list(writer.table([full]))[-1]
    assert row == (
        "| `x_ratio` | ratio | gauge | **X.** How much x. | above 80 % | above 90 % | 5 min | /proc/&lt;x>: a\\|b |"
    )


@pytest.mark.parametrize(
    ("keys", "threshold", "said"),
    [
        ({"better": "lower"}, None, "–"),
        ({"better": "lower"}, 0.8, "above 80 %"),
        ({"better": "higher"}, 0.1, "below 10 %"),
        ({"better": "lower", "unit": "count"}, 0, "above 0"),
        ({"better": "higher", "unit": "bool"}, 1, "no"),
        ({"better": "lower", "unit": "bool"}, 0, "yes"),
        ({"better": "higher", "unit": "seconds"}, 259200, "below 3 d"),
    ],
)
def test_a_threshold_in_words(keys: dict[str, object], threshold: float | None, said: str) -> None:
    assert writer.beyond(metric(**keys), threshold) == said


def test_headings_can_be_followed() -> None:
    assert writer.anchor("TCP port") == "tcp-port"
    assert "(#every-component)" in writer.document()
    assert "\n## Every component\n" in writer.document()


@pytest.mark.parametrize("named", probes.METRICS.values(), ids=lambda metric: metric.name)
def test_every_metric_says_what_it_is_and_where_it_is_read(named: Metric) -> None:
    assert named.title
    assert named.help
    assert named.source, "name the command, file, table or request, and the field"
    assert not named.source.endswith(".")
