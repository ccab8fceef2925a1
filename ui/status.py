"""Status as icon + word + colour, drawn the same way everywhere."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from probes.cache import ComponentView
from probes.catalogue import humanize_duration
from probes.result import Status

Colour = Literal["green", "orange", "red", "gray"]


@dataclass(frozen=True, slots=True)
class Look:
    """How one status is drawn.

    Attributes:
        mark: a shape of its own, so that the status never depends on colour.
        colour: Streamlit's colour word.
        hexadecimal: the same colour where a chart needs a value; reads on light and dark.
    """

    mark: str
    word: str
    colour: Colour
    hexadecimal: str
    icon: str


LOOKS = {
    Status.OK: Look("●", "ok", "green", "#199e70", ":material/check_circle:"),
    Status.WARNING: Look("▲", "warning", "orange", "#c17d0c", ":material/warning:"),
    Status.CRITICAL: Look("■", "critical", "red", "#d9481c", ":material/error:"),
    Status.UNKNOWN: Look("◇", "unknown", "gray", "#7d8894", ":material/help:"),
    Status.OFF: Look("–", "off", "gray", "#8a94a0", ":material/do_not_disturb_on:"),
}


def coloured(status: Status, text: str | None = None) -> str:
    """Markdown: the status' mark and word (or `text`) in its colour."""
    look = LOOKS[status]
    return f":{look.colour}[{look.mark} {look.word if text is None else text}]"


def badge(status: Status, text: str | None = None) -> str:
    """Markdown: a badge of the status."""
    look = LOOKS[status]
    return f":{look.colour}-badge[{look.mark} {look.word if text is None else text}]"


def plain(status: Status) -> str:
    """Mark and word without colour, for tables and titles."""
    look = LOOKS[status]
    return f"{look.mark} {look.word}"


def view_badge(view: ComponentView) -> str:
    """The badge of a component: its status; when stale the last known one beside it."""
    if view.pending:
        return badge(Status.UNKNOWN, "checking")
    if view.stale:
        return badge(Status.UNKNOWN, f"unknown · was {LOOKS[view.last_status].word}")
    return badge(view.status)


def age(seconds: float | None) -> str:
    """An age as people say it: ``3 s ago``."""
    if seconds is None:
        return "never"
    return "now" if seconds < 1 else f"{humanize_duration(float(int(seconds)))} ago"


def view_age(view: ComponentView) -> str:
    """The age beside a value: with a clock when the value is older than two intervals."""
    late = view.age_s is not None and view.age_s > 2 * view.interval_s
    return f"◷ {age(view.age_s)}" if late else age(view.age_s)


def since(moment: datetime | None, now: datetime, zone: ZoneInfo) -> str:
    """``since 14:31:07 (3 min 20 s)``; with the date when it was another day."""
    if moment is None:
        return ""
    local = moment.astimezone(zone)
    form = "%H:%M:%S" if local.date() == now.astimezone(zone).date() else "%d %b %H:%M"
    return f"since {local:{form}} ({humanize_duration(max(0.0, float(int((now - moment).total_seconds()))))})"
