"""Day bars: one small picture that does not need its colours."""

import base64
import re
from dataclasses import replace
from datetime import date, timedelta

from analysis.days import Day, Days
from analysis.uptime import uptime_report
from history.window import Window
from probes.result import Status
from ui import daybars

FIRST = date(2026, 8, 27)
QUIET = tuple(Day(FIRST + timedelta(days=n), Status.OK, 0.0, 1.0) for n in range(90))
(NEVER,) = uptime_report([], {"kafka": []}, Window(0, 86400))


def with_days(**changed: Day) -> tuple[Day, ...]:
    return tuple(changed.get(f"d{place}", day) for place, day in enumerate(QUIET))


TROUBLED = with_days(
    d10=replace(QUIET[10], worst=Status.CRITICAL, down_s=2460.0),
    d11=replace(QUIET[11], worst=Status.WARNING),
    d20=replace(QUIET[20], worst=None, observed_ratio=0.0),
    d30=replace(QUIET[30], observed_ratio=0.5),
)


def svg(markdown: str) -> str:
    return base64.b64decode(re.search(r"base64,([^ ]+)", markdown)[1]).decode()  # type: ignore[index]


def test_ninety_quiet_days_are_one_dash_and_some_hundred_bytes() -> None:
    picture = daybars.picture("kafka", QUIET)
    assert svg(picture).count("<path") == 2  # the hatch, and the days
    assert 'd="M0 18h449"' in svg(picture)
    assert len(picture) < 1000


def test_each_state_has_a_height_or_a_pattern_of_its_own() -> None:
    drawn = svg(daybars.picture("kafka", TROUBLED))
    heights = re.findall(r'<path d="[^"]+" stroke="([^"]+)" stroke-width="(\d+)"', drawn)
    assert [int(height) for _, height in heights] == [2, 16, 21, 26, 16, 3]  # the hatch itself comes first
    assert ("url(#n)", "16") in heights


def test_what_is_to_be_seen_is_told_in_words_as_well() -> None:
    words = daybars.in_words(TROUBLED)
    assert words == (
        "90 days, 1 with something critical (06 Sep 41 min down), 1 with a warning, 1 not observed, 1 observed in part"
    )
    assert f'"kafka: {words}"' in daybars.picture("kafka", TROUBLED)
    assert daybars.in_words(QUIET) == "90 days, none with anything critical"


def test_the_title_counts_days_of_all_components() -> None:
    title = daybars.told([Days(QUIET, NEVER), Days(TROUBLED, NEVER)])
    assert title.endswith("– 1 with something critical, 2 not fully observed")
    assert daybars.row("kafka", Days(QUIET, NEVER)).startswith(
        "**kafka** :gray[never seen, 0 % observed]  \n![kafka: 90"
    )
