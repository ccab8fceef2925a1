"""Time ranges and steps as people and URLs write them. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from history.sessions import Sessions

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
MIN_RANGE_S = 10
MAX_RANGE_S = 10 * 366 * 86400
MAX_POINTS = 10_000
FIRST_YEAR, LAST_YEAR = 1973, 2090
"""From the first 9-digit epoch second to where ClickHouse's DateTime (until 2106) still holds a bucket of ten years."""
LAST_S = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp()) - 1
DEFAULT_FROM, DEFAULT_TO = "now-6h", "now"
PREOPEN = "preopen"
_SESSION = re.compile(rf"(session|{PREOPEN})(?:-(\d{{1,4}}))?")
_NOW = re.compile(r"now(?:([-+ ])(\d{1,6})([smhdw]))?")  # a + written by hand into an address arrives as a space


class RangeError(ValueError):
    """A time range that cannot be used. `param` is ``from``, ``to`` or ``step``; the message says what to write."""

    def __init__(self, param: str, message: str) -> None:
        self.param = param
        super().__init__(message)


class NoCalendar(RangeError):
    """A range names sessions, and the calendar of the exchange is not known yet."""


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open range of whole epoch seconds, `start_s` ≤ t < `end_s`.

    Attributes:
        step_s: bucket width; None: chosen from the length.
        words: what it was parsed from; a moving range keeps one identity by them (`key`).
    """

    start_s: int
    end_s: int
    step_s: int | None = None
    words: tuple[str, str] | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """What remembers an answer about this window: its words while it moves, else its ends."""
        return (*(self.words or (self.start_s, self.end_s)), self.step_s)

    @property
    def length_s(self) -> int:
        return self.end_s - self.start_s

    def aligned(self, step_s: int) -> "Window":
        """The window widened to whole buckets of `step_s`, which becomes its step."""
        start_s = self.start_s // step_s * step_s
        return Window(start_s, -(-self.end_s // step_s) * step_s, step_s, self.words)


def parse_window(
    from_: str | None, to: str | None, now_s: float, step: str | None = None, sessions: Sessions | None = None
) -> Window:
    """The window two (or three) words of a URL mean.

    Args:
        from_, to: ``now``, ``now-6h``, ``now+1h``, ISO 8601 (UTC when it names no zone), epoch seconds, or of the
            exchange: ``session`` (the last one that has opened; from its open, to its close), ``session-4`` (four
            before it), ``preopen`` (the last pre-market; from its start, to the open), ``preopen-1`` (the one before).
        step: ``auto`` or a duration such as ``30s``.
        sessions: what the words of the exchange are looked up in.

    Raises:
        RangeError: naming the parameter at fault; `NoCalendar` when only `sessions` were missing.
    """
    start_s = _end_s(from_ or DEFAULT_FROM, "from", now_s, sessions)
    end_s = _end_s(to or DEFAULT_TO, "to", now_s, sessions)
    if end_s <= start_s:
        raise RangeError("to", f'"to" must be later than "from"; got from {shown(start_s)} to {shown(end_s)}.')
    if end_s - start_s < MIN_RANGE_S:
        raise RangeError("from", f"The range must be at least {MIN_RANGE_S} s long.")
    if end_s - start_s > MAX_RANGE_S:
        raise RangeError("from", "The range must be at most 10 years long.")
    words = (from_ or DEFAULT_FROM, to or DEFAULT_TO)
    return Window(start_s, end_s, parse_step(step, end_s - start_s), words)


def parse_time(text: str, param: str, now_s: float) -> int:
    """Epoch second of a moment: ``now``, ``now-6h``, ISO 8601 or epoch seconds; see `parse_window`."""
    if match := _NOW.fullmatch(text):
        away_s = int(match[2] or 0) * _UNITS_S[match[3] or "s"]
        moment_s = max(0, int(now_s) + (-away_s if match[1] == "-" else away_s))
        if moment_s > LAST_S:
            raise RangeError(param, f'"{param}" is {quoted(text)}, which is after the year {LAST_YEAR}.')
        return moment_s
    moment: datetime | None = None
    try:
        if re.fullmatch(r"\d{9,10}", text):
            moment = datetime.fromtimestamp(int(text), UTC)
        elif len(text) <= 40:
            moment = datetime.fromisoformat(text)
    except ValueError:
        pass
    if moment is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise RangeError(
            param,
            f'"{param}" is {quoted(text)}; expected "now-6h", ISO 8601 such as 2026-11-23T14:30:00Z, or epoch seconds.',
        )
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def names_session(text: str) -> bool:
    """Whether a word of a URL means a session of the exchange, well written or not."""
    return text.startswith(("session", PREOPEN))


def session_word(text: str) -> tuple[str, int] | None:
    """What a word of the exchange names, and how many before the last one; None: it is no such word.

    >>> session_word("session-4"), session_word("preopen"), session_word("now")
    (('session', 4), ('preopen', 0), None)
    """
    match = _SESSION.fullmatch(text)
    return (match[1], int(match[2] or 0)) if match else None


def _end_s(text: str, param: str, now_s: float, sessions: Sessions | None) -> int:
    """Epoch second of one end of a range: the start of what it names for ``from``, the end for ``to``."""
    if not names_session(text):
        return parse_time(text, param, now_s)
    named = session_word(text)
    if named is None:
        raise RangeError(
            param, f'"{param}" is {quoted(text)}; expected "session", "session-4" (four before it) or "{PREOPEN}".'
        )
    if sessions is None:
        raise NoCalendar(param, f'"{param}" is {quoted(text)}, and the calendar of the exchange is not read yet.')
    early = named[0] == PREOPEN
    session = sessions.begun(now_s, named[1]) if early else sessions.opened(now_s, named[1])
    if session is None:
        raise RangeError(
            param, f'"{param}" is {quoted(text)}; the calendar of {sessions.calendar} does not go back so far.'
        )
    start_s, end_s = (session.pre_s, session.open_s) if early else (session.open_s, session.close_s)
    if start_s == end_s:
        raise RangeError(param, f'"{param}" is {quoted(text)}; {sessions.calendar} has no pre-market.')
    return start_s if param == "from" else end_s


def parse_step(text: str | None, range_s: int) -> int | None:
    """Bucket width in seconds; None for ``auto``.

    Raises:
        RangeError: not a duration of whole seconds, or more than `MAX_POINTS` buckets in the range.
    """
    if text is None or text in {"", "auto"}:
        return None
    match = re.fullmatch(r"(\d{1,7})([smhdw])", text)
    step_s = int(match[1]) * _UNITS_S[match[2]] if match else 0
    if not step_s:
        raise RangeError("step", f'"step" is {quoted(text)}; expected "auto" or a duration such as 30s, 5m or 1h.')
    if range_s / step_s > MAX_POINTS:
        raise RangeError(
            "step", f"A step of {text} makes more than {MAX_POINTS} points in this range; take a longer one."
        )
    if step_s > MAX_RANGE_S:
        raise RangeError("step", "The step must be at most 10 years long.")
    return step_s


def quoted(text: str, most: int = 40) -> str:
    """`text` shortened and safe to show."""
    printable = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[:most])
    return f'"{printable}{"…" if len(text) > most else ""}"'


def shown(epoch_s: float) -> str:
    """An epoch second as ISO 8601 in UTC."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
