from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from history.recorder import RecorderState
from ui.frame import backlog

NEW_YORK = ZoneInfo("America/New_York")


def recorder(waiting: int = 0, thinned: int = 0, dropped: int = 0) -> RecorderState:
    return RecorderState(
        waiting=waiting,
        unspooled=0,
        waiting_since=datetime(2026, 11, 24, 3, 30, tzinfo=UTC) if waiting else None,
        written=0,
        thinned=thinned,
        dropped=dropped,
        quarantined=0,
        refusal="",
        batches=0,
        last_error="",
        spool_bytes=0,
        spool_error="",
    )


def test_what_waits_is_said_with_the_desks_clock_and_what_had_to_go() -> None:
    assert backlog(recorder(), NEW_YORK) == ""
    assert backlog(recorder(1_234), NEW_YORK) == "1,234 samples since 22:30:00 on 23 Nov wait to be written."
    assert backlog(recorder(5, 2_000, 30), NEW_YORK) == (
        "5 samples since 22:30:00 on 23 Nov wait to be written. "
        "2,000 of the oldest were merged with their neighbours to make room. 30 of the oldest had to go."
    )
