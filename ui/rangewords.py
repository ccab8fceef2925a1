"""A time range in words: ``last 6 h``, ``today's session``, ``Mon 23 Nov 09:30 – 16:00``. Pure."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from history.buckets import DAY_S, HOUR_S
from history.sessions import Sessions
from history.window import PREOPEN, Window, session_word
from probes.catalogue import humanize_duration

PRESETS = {
    "15 min": "now-15m",
    "1 h": "now-1h",
    "6 h": "now-6h",
    "24 h": "now-24h",
    "7 d": "now-7d",
    "30 d": "now-30d",
    "90 d": "now-90d",
    "1 y": "now-365d",
}
_UNITS_S = {"w": 7 * DAY_S, "d": DAY_S, "h": HOUR_S, "m": 60, "s": 1}
SHORT_S = 2 * DAY_S
"""Up to so long a range, an hour more or less by a change of the clock is said."""


def session_presets(sessions: Sessions, now_s: float) -> dict[str, tuple[str, str]]:
    """The ranges a calendar makes possible, by name: the last session is today's only where one has opened."""
    session = sessions.opened(now_s)
    today = session is not None and session.day == _local(now_s, sessions.zone).date()
    named = {"Today's session" if today else "Last session": ("session", "session")}
    named["Last 5 sessions"] = ("session-4", "session")
    if session is not None and session.pre_s < session.open_s:
        named["Pre-open"] = (PREOPEN, PREOPEN)
    return named


def in_words(window: Window, zone: ZoneInfo, now_s: float, sessions: Sessions | None = None) -> str:
    """A range as people call it; one without a name by its two ends.

    >>> in_words(Window(0, 21600, words=("now-6h", "now")), ZoneInfo("UTC"), 21600)
    'last 6 h'
    """
    start, end = window.words or ("", "")
    return (
        _relative(start, end)
        or (_sessions(start, end, now_s, sessions) if sessions else "")
        or (f"since {_moment(window.start_s, zone, now_s)}" if end == "now" else "")
        or between(window, zone, now_s)
    )


def between(window: Window, zone: ZoneInfo, now_s: float) -> str:
    """The two ends of a range by the clock of a zone, no longer than they need be; whole days as days.

    >>> def told(start: str, end: str) -> str:
    ...     ends = [int(datetime.fromisoformat(text).timestamp()) for text in (start, end)]
    ...     return between(Window(*ends), ZoneInfo("America/New_York"), 1795500000)
    >>> told("2026-11-23T14:30Z", "2026-11-23T21:00Z"), told("2026-11-20T05:00Z", "2026-11-23T05:00Z")
    ('Mon 23 Nov 09:30 – 16:00', 'Fri 20 – Sun 22 Nov')
    >>> told("2026-11-01T04:00Z", "2026-11-02T05:00Z"), told("2026-11-01T05:30Z", "2026-11-01T06:30Z")
    ('Sun 1 Nov (25 h)', 'Sun 1 Nov 01:30 EDT – 01:30 EST')
    """
    first, last = _local(window.start_s, zone), _local(window.end_s, zone)
    if first.time() == last.time() == datetime.min.time() and last.date() > first.date():
        day = _day(last - timedelta(days=1), now_s)
        if last.date() - first.date() == timedelta(days=1):
            return day if window.length_s == DAY_S else f"{day} ({window.length_s / HOUR_S:g} h)"
        month = "" if (last - timedelta(days=1)).strftime("%m%y") == first.strftime("%m%y") else f"{first: %b}"
        year = f" {first.year}" if first.year != (last - timedelta(days=1)).year else ""
        return f"{first:%a} {first.day}{month}{year} – {day}"
    seconds = ":%S" if window.length_s < HOUR_S and (first.second or last.second) else ""
    clock = f"%H:%M{seconds}{' %Z' if first.utcoffset() != last.utcoffset() and window.length_s <= SHORT_S else ''}"
    ended = f"{last:{clock}}" if first.date() == last.date() else f"{_day(last, now_s)} {last:{clock}}"
    return f"{_day(first, now_s)} {first:{clock}} – {ended}"


def exactly(window: Window, zone: ZoneInfo) -> str:
    """Both ends to the second with their zone, and the length.

    >>> exactly(Window(1795444200, 1795444800), ZoneInfo("America/New_York"))
    'Mon 23 Nov 2026 09:30:00 – 09:40:00 EST, 10 min'
    """
    first, last = _local(window.start_s, zone), _local(window.end_s, zone)
    same = first.utcoffset() == last.utcoffset()
    begun = f"{first:%a} {first.day}{first: %b %Y %H:%M:%S}{'' if same else f'{first: %Z}'}"
    ended = "" if first.date() == last.date() else f"{last:%a} {last.day}{last: %b %Y} "
    return f"{begun} – {ended}{last:%H:%M:%S %Z}, {humanize_duration(float(window.length_s))}"


def ago(length_s: int) -> str:
    """The word of a URL for so long before now, in the largest unit that tells it.

    >>> ago(21600), ago(90 * 86400), ago(23400)
    ('now-6h', 'now-90d', 'now-390m')
    """
    if length_s == DAY_S:
        return PRESETS["24 h"]
    unit = next(unit for unit, unit_s in _UNITS_S.items() if length_s % unit_s == 0 and unit != "w")
    return f"now-{length_s // _UNITS_S[unit]}{unit}"


def remark(window: Window, zone: ZoneInfo, now_s: float, sessions: Sessions | None) -> str:
    """What must be known of a range before its charts are read: it is yet to come, or its day is a short one."""
    sentences = []
    if window.start_s >= now_s:
        wait = humanize_duration(float(window.start_s - int(now_s)))
        begins = _moment(window.start_s, zone, now_s)
        sentences.append(f"This range has not begun yet: it begins in {wait}, {begins}.")
    if sessions is not None and window.length_s <= SHORT_S:
        for open_s, close_s in sessions.spans(window.start_s, window.end_s):
            session = sessions.opened(open_s)
            if session is not None and session.early:
                day, closes = _day(_local(open_s, sessions.zone), now_s), _local(close_s, zone)
                sentences.append(f"{day} is a half day: {sessions.calendar} closes at {closes:%H:%M}.")
    return " ".join(sentences)


def _relative(start: str, end: str) -> str:
    begun, ended = (re.fullmatch(r"now-(\d+)([smhdw])", word) for word in (start, end))
    if begun and ended:
        return f"{_length(begun)} to {_length(ended)} ago"
    if begun and end == "now":
        named = {words: name for name, words in PRESETS.items()}
        return f"last {named.get(start) or _length(begun)}"
    return ""


def _length(match: re.Match[str]) -> str:
    return humanize_duration(float(int(match[1]) * _UNITS_S[match[2]]))


def _sessions(start: str, end: str, now_s: float, sessions: Sessions) -> str:
    first, last = session_word(start), session_word(end)
    if first is None or (last is None and end != "now"):
        return ""
    what, before = first
    session = (sessions.begun if what == PREOPEN else sessions.opened)(now_s, before)
    if session is None:
        return ""
    here = _local(session.open_s, sessions.zone)
    today = here.date() == _local(now_s, sessions.zone).date()
    if last is None:
        return f"since the {'pre-market' if what == PREOPEN else 'open'}{'' if today else f' of {_day(here, now_s)}'}"
    if first == last:
        if what == PREOPEN:
            return "today's pre-open" if today else f"pre-open of {_day(here, now_s)}"
        if today:
            return "today's session"
        return f"{'last session,' if not before else 'session of'} {_day(here, now_s)}"
    if what == last[0] == "session" and before > last[1]:
        until = sessions.opened(now_s, last[1])
        count = f"{before - last[1] + 1} sessions"
        return (
            f"{count} to {_day(_local(until.open_s, sessions.zone), now_s)}" if last[1] and until else f"last {count}"
        )
    return ""


def _local(epoch_s: float, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(epoch_s, UTC).astimezone(zone)


def _day(moment: datetime, now_s: float) -> str:
    """``Mon 23 Nov``, with the year where it is not the present one."""
    year = "" if moment.year == _local(now_s, ZoneInfo("UTC")).year else f" {moment.year}"
    return f"{moment:%a} {moment.day}{moment: %b}{year}"


def _moment(epoch_s: float, zone: ZoneInfo, now_s: float) -> str:
    moment = _local(epoch_s, zone)
    return f"{_day(moment, now_s)} {moment:%H:%M}"
