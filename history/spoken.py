"""Time ranges as people type them: ``6h``, ``yesterday 09:30..10:00``, ``last 5 sessions``. Pure.

What is meant relative to now stays so in the URL (``now-6h``, ``session-4``); anything else becomes
epoch seconds, by the wall clock of the reader's zone. Where the clock is put forward, a time it skips
counts an hour later; where it is put back, a range takes in both passes of the hour.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from history.window import PREOPEN, RangeError, quoted, session_word

Words = tuple[str, str]
"""The two ends of a range as words of a URL."""
EXAMPLES = "6h, yesterday 09:30..10:00, last 5 sessions, mon 14:00..tue 10:00 or 2026-11-20 14:00..15:00"
AROUND_S = 15 * 60
"""A single moment, pasted from a log, say, is shown with so much before and after it."""
LONGEST = 80
_UNITS = {"s": "1s", "m": "1m", "h": "1h", "d": "1d", "w": "1w", "mo": "30d", "y": "365d"}
_UNIT = re.compile(r"(mo(?=$|n)|y|[smhdw])(?:ecs?|econds?|ins?|inutes?|rs?|ours?|ays?|eeks?|nths?|ears?)?")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LAST = re.compile(r"(?:(?:the )?(?:last|past) )?(\d{1,5}) ?([a-z]+)")
_NOW = re.compile(r"now(?:[-+]\d{1,6}[smhdw])?")
_BETWEEN = re.compile(r" ?(?:\.{2,3}|…|–|—) ?| (?:to|until|till|-) ")
_HYPHEN = re.compile(r"(?<=:\d\d)-(?=\d{1,2}:\d\d)")
_TIME = re.compile(r"(?:^| )(\d{1,2})(?::(\d\d)(?::(\d\d)(?:\.\d{1,6})?)?)?(?: ?([ap])m)?$")


@dataclass(frozen=True, slots=True)
class Clock:
    """What typed words are understood by: the moment, and whose wall clock."""

    now_s: float
    zone: ZoneInfo

    @property
    def today(self) -> date:
        return datetime.fromtimestamp(self.now_s, self.zone).date()

    def epoch_s(self, day: date, at: time, *, last: bool = False) -> int:
        """A wall time as epoch seconds; `last`: the second pass of a time that is there twice.

        >>> ny = Clock(0, ZoneInfo("America/New_York"))
        >>> ny.epoch_s(date(2026, 3, 8), time(2, 30)) == ny.epoch_s(date(2026, 3, 8), time(3, 30))
        True
        >>> day = date(2026, 11, 1), time(1, 30)
        >>> ny.epoch_s(*day, last=True) - ny.epoch_s(*day)
        3600
        """
        first, second = (datetime.combine(day, at, self.zone).replace(fold=fold).timestamp() for fold in (0, 1))
        return int(max(first, second) if last else first)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a range as far as it was said.

    Attributes:
        weekday: Monday 0; which one is meant depends on the side.
        word: the end itself, as a word of a URL.
    """

    day: date | None = None
    weekday: int | None = None
    at: time | None = None
    word: str = ""


def parse_spoken(text: str, now_s: float, zone: ZoneInfo) -> Words:
    """The two words of a URL that a typed range means.

    Args:
        zone: whose wall clock days and times are of where they name no zone.

    Raises:
        RangeError: `param` ``range``; the message shows how to write one.

    >>> parse_spoken("last 6 hours", 0, ZoneInfo("UTC")), parse_spoken("last 5 sessions", 0, ZoneInfo("UTC"))
    (('now-6h', 'now'), ('session-4', 'session'))
    """
    said = " ".join(text[: LONGEST + 1].split()).casefold()
    found: Words | None = None
    with suppress(ValueError, OverflowError):  # the 31st of a shorter month, 25:00, the day before the year 1
        found = _relative(said) or _absolute(said, Clock(now_s, zone)) if len(said) <= LONGEST else None
    if found is None:
        raise RangeError("range", f"{quoted(text)} is no time range; write for example {EXAMPLES}.")
    return found


def _relative(said: str) -> Words | None:
    if said in {"session", "today's session", "todays session", "last session", "the last session"}:
        return "session", "session"
    if said.replace("-", "").replace(" ", "") in {PREOPEN, "premarket"}:
        return PREOPEN, PREOPEN
    if session_word(said):
        return said, said
    if said.startswith("now-") and _NOW.fullmatch(said):
        return said, "now"
    match = _LAST.fullmatch(said)
    if match is None or not (count := int(match[1])):
        return None
    if match[2] in {"session", "sessions"}:
        return f"session-{count - 1}" if count > 1 else "session", "session"
    unit = _UNIT.fullmatch(match[2])
    if unit is None:
        return None
    of = _UNITS[unit[1]]
    return f"now-{count * int(of[:-1])}{of[-1]}", "now"


def _absolute(said: str, clock: Clock) -> Words | None:
    parts = [said] if _iso(said) else _BETWEEN.split(said)
    sides = [_side(part, clock) for part in (_HYPHEN.split(said) if len(parts) == 1 and not _iso(said) else parts)]
    if len(sides) == 1 and sides[0] is not None:
        return _one(sides[0], clock)
    if len(sides) == 2 and sides[0] is not None and sides[1] is not None:
        return _two(sides[0], sides[1], clock)
    return None


def _one(side: Side, clock: Clock) -> Words | None:
    """A day is meant as a whole, today until now; a moment with what is around it."""
    day = _begins_on(side, clock)
    if side.word:
        return _around(int(side.word)) if side.word.isdigit() else None
    if side.at is not None:
        return _around(clock.epoch_s(day, side.at))
    end = "now" if day == clock.today else str(clock.epoch_s(day + timedelta(days=1), time()))
    return str(clock.epoch_s(day, time())), end


def _two(first: Side, last: Side, clock: Clock) -> Words:
    day = _begins_on(first, clock)
    begins = datetime.combine(day, first.at or time())
    start = first.word or str(clock.epoch_s(begins.date(), begins.time()))
    if last.word:
        return start, last.word
    end_day = last.day or day
    if last.weekday is not None:
        end_day = day + timedelta(days=(last.weekday - day.weekday()) % 7)
    ends = datetime.combine(end_day, last.at) if last.at else datetime.combine(end_day, time()) + timedelta(days=1)
    if last.day is None and last.weekday is None and not first.word and ends <= begins:
        ends += timedelta(days=1)  # 22:00..02:00
    return start, str(clock.epoch_s(ends.date(), ends.time(), last=True))


def _begins_on(side: Side, clock: Clock) -> date:
    """The day a range begins on: a weekday is the last there was, a time without a day the last time it was."""
    if side.weekday is not None:
        return clock.today - timedelta(days=(clock.today.weekday() - side.weekday) % 7)
    if side.day is None and side.at is not None and clock.epoch_s(clock.today, side.at) > clock.now_s:
        return clock.today - timedelta(days=1)
    return side.day or clock.today


def _around(moment_s: int) -> Words:
    return str(moment_s - AROUND_S), str(moment_s + AROUND_S)


def _side(text: str, clock: Clock) -> Side | None:
    text = text.strip()
    if _NOW.fullmatch(text):
        return Side(day=clock.today, word=text)
    if re.fullmatch(r"\d{9,10}", text):
        return Side(day=datetime.fromtimestamp(int(text), clock.zone).date(), word=text)
    if moment := _iso(text):
        if moment.tzinfo is None:
            return Side(day=moment.date(), at=moment.time())
        return Side(day=moment.astimezone(clock.zone).date(), word=str(int(moment.timestamp())))
    match = _TIME.search(text)
    at = _time(match) if match and (match[2] or match[4]) else None
    rest = text[: match.start()] if match and at is not None else text
    if not rest:
        return Side(at=at) if at is not None else None
    side = _day(rest, clock.today)
    return Side(side.day, side.weekday, at) if side else None


def _time(match: re.Match[str]) -> time:
    hour = int(match[1])
    if match[4]:
        if not 1 <= hour <= 12:
            raise ValueError("no hour of the morning or the afternoon")
        hour = hour % 12 + (12 if match[4] == "p" else 0)
    return time(hour, int(match[2] or 0), int(match[3] or 0))


def _day(text: str, today: date) -> Side | None:
    text = re.sub(rf"^(?:{'|'.join(_WEEKDAYS)})[a-z]*,? (?=\d|{'|'.join(_MONTHS)})", "", text)
    if text in {"today", "yesterday"}:
        return Side(day=today - timedelta(days=text == "yesterday"))
    if text.removeprefix("last ")[:3] in _WEEKDAYS and re.fullmatch(r"(last )?[a-z]{2,6}day|(last )?[a-z]{3}", text):
        return Side(weekday=_WEEKDAYS.index(text.removeprefix("last ")[:3]))
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return Side(day=date.fromisoformat(text))
    match = re.fullmatch(r"(\d{1,2})\.? ([a-z]{3,9})(?: (\d{4}))?", text)
    number, name, year = (match[1], match[2], match[3]) if match else ("", "", "")
    if match is None and (match := re.fullmatch(r"([a-z]{3,9}) (\d{1,2})(?:,? (\d{4}))?", text)):
        number, name, year = match[2], match[1], match[3]
    if match is None or name[:3] not in _MONTHS:
        return None
    day = date(int(year or today.year), _MONTHS.index(name[:3]) + 1, int(number))
    return Side(day=day if year or day <= today else day.replace(year=today.year - 1))


def _iso(text: str) -> datetime | None:
    """A day and a time in ISO 8601, with or without a zone."""
    if not re.match(r"\d{4}-\d\d-\d\d[t ]\d", text):
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None
