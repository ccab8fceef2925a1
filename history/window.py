"""Time ranges and steps as people and URLs write them. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
MIN_RANGE_S = 10
MAX_RANGE_S = 10 * 366 * 86400
MAX_POINTS = 10_000
FIRST_YEAR, LAST_YEAR = 1973, 2090
"""From the first 9-digit epoch second to where ClickHouse's DateTime (until 2106) still holds a bucket of ten years."""
DEFAULT_FROM, DEFAULT_TO = "now-6h", "now"


class RangeError(ValueError):
    """A time range that cannot be used. `param` is ``from``, ``to`` or ``step``; the message says what to write."""

    def __init__(self, param: str, message: str) -> None:
        self.param = param
        super().__init__(message)


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


def parse_window(from_: str | None, to: str | None, now_s: float, step: str | None = None) -> Window:
    """The window two (or three) words of a URL mean.

    Args:
        from_, to: ``now``, ``now-6h``, ISO 8601 (UTC when it names no zone) or epoch seconds.
        step: ``auto`` or a duration such as ``30s``.

    Raises:
        RangeError: naming the parameter at fault.
    """
    start_s = parse_time(from_ or DEFAULT_FROM, "from", now_s)
    end_s = parse_time(to or DEFAULT_TO, "to", now_s)
    if end_s <= start_s:
        raise RangeError("to", f'"to" must be later than "from"; got from {shown(start_s)} to {shown(end_s)}.')
    if end_s - start_s < MIN_RANGE_S:
        raise RangeError("from", f"The range must be at least {MIN_RANGE_S} s long.")
    if end_s - start_s > MAX_RANGE_S:
        raise RangeError("from", "The range must be at most 10 years long.")
    words = (from_ or DEFAULT_FROM, to or DEFAULT_TO)
    return Window(start_s, end_s, parse_step(step, end_s - start_s), words)


def parse_time(text: str, param: str, now_s: float) -> int:
    """Epoch second of one end of a range; see `parse_window`."""
    if match := re.fullmatch(r"now(?:-(\d{1,6})([smhdw]))?", text):
        return max(0, int(now_s) - int(match[1] or 0) * _UNITS_S[match[2] or "s"])
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
