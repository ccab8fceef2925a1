"""Status is never colour alone, and ages read as people say them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from probes.result import Status
from ui.status import LOOKS, age, badge, since


def test_every_status_has_a_mark_and_a_word_of_its_own():
    assert set(LOOKS) == set(Status)
    assert len({look.mark for look in LOOKS.values()}) == len(Status)
    assert len({look.word for look in LOOKS.values()}) == len(Status)


def test_a_badge_names_mark_and_word():
    assert badge(Status.CRITICAL) == ":red-badge[■ critical]"


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, "never"), (0.3, "now"), (4.9, "4 s ago"), (200, "3 min 20 s ago")]
)
def test_ages(seconds: float | None, words: str):
    assert age(seconds) == words


def test_since_names_the_day_when_it_was_another():
    now = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
    zone = ZoneInfo("America/New_York")
    assert since(now - timedelta(seconds=200), now, zone) == "since 14:56:40 (3 min 20 s)"
    assert since(now - timedelta(days=2), now, zone) == "since 21 Nov 15:00 (2 d)"
    assert since(None, now, zone) == ""
