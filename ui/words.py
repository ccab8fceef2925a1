"""What a chart says in its title and below it: figures first, then how they were read. Pure."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from history.answers import Floats, Series, SeriesSet
from history.buckets import DAY_S
from history.tiers import RAW
from probes.catalogue import Metric, humanize, humanize_duration

ROWS = {"15m": "15 min rows", "4h": "4 h rows", "1d": "1 d rows"}
IN_EXPLORE = "Explore finds each by a part of its name"
STOPPED_S, STOPPED_TIMES = 120.0, 5


def reading(answer: SeriesSet, logarithmic: bool = False) -> str:
    """From which rows a chart was read and how wide its buckets are; empty for single samples.

    >>> reading(SeriesSet(tier="4h", step_s=43200)), reading(SeriesSet(step_s=30))
    ('4 h rows, 12 h buckets', '')
    """
    words = []
    if answer.tier != RAW.name:
        words.append(f"{ROWS[answer.tier]}, {humanize_duration(float(answer.step_s))} buckets")
    if answer.truncated:
        words.append(part_of(len(answer.rows), answer.total, narrow=IN_EXPLORE))
    if logarithmic:
        words.append("logarithmic axis")
    return ", ".join(words)


def part_of(shown: int, total: int, which: str = "first", what: str = "series", narrow: str = "") -> str:
    """What is said wherever only some of what there is are shown; empty where all are.

    Args:
        which: how those that are shown were chosen.
        narrow: how to come to the others.

    >>> part_of(400, 1234, narrow="choose a metric"), part_of(3, 3)
    ('the first 400 of 1,234 series: choose a metric', '')
    """
    words = f"the {which} {shown:,} of {total:,} {what}"
    return "" if shown >= total else f"{words}: {narrow}" if narrow else words


def left_out(lines: Sequence[Series], most: int, narrow: str = "") -> str:
    """What is said where a chart draws only some of its lines, and how to come to the others."""
    return part_of(most, len(lines), "highest", narrow=narrow or IN_EXPLORE)


def told(name: str, metric: Metric, lines: Sequence[Series], zone: ZoneInfo, end_s: float) -> str:
    """A title that answers: the last value and the usual ones of one series, the worst of several.

    Args:
        end_s: until when there could be values: of a series that ended long before, that is told.
    """
    known = [line for line in lines if np.isfinite(line.avg).any()]
    if not known:
        return name
    if len(known) == 1:
        line = known[0]
        last = humanize(line.last or 0.0, line.unit)
        if stopped(line, end_s):
            return f"{name} – nothing since {_moment(float(line.t[-1]), line, zone)}, {last} then"
        if float(line.avg.min()) == float(line.avg.max()):
            return f"{name} – {last} at all times"
        return f"{name} – {last}, usual {usual(line.avg, line.unit)}"
    lowest = metric.better == "higher"
    worst = (min if lowest else max)(known, key=lambda line: (float(np.median(line.avg)), float(line.avg.max())))
    middle = float(np.median(worst.avg))
    if middle or not worst.avg.any():
        return f"{name} – {'lowest' if lowest else 'highest'}: {worst.label}, usually {humanize(middle, worst.unit)}"
    return f"{name} – at most {peak(worst.avg, worst, zone)}, {worst.label}"


def stopped(line: Series, end_s: float) -> bool:
    """Whether a series ended long before `end_s`: more than two minutes, and five of its usual distances.

    >>> t = np.arange(10) * 60.0
    >>> line = Series("c", "m", (), "count", 60, t, t, t, t, t)
    >>> stopped(line, 700.0), stopped(line, 900.0)
    (False, True)
    """
    usual_s = max(float(line.step_s), float(np.median(np.diff(line.t))) if len(line.t) > 1 else 0.0)
    return end_s - float(line.t[-1]) > max(STOPPED_S, STOPPED_TIMES * usual_s)


def usual(values: Floats, unit: str) -> str:
    """Between which figures nine in ten of the values lie: ``38–55 ms``.

    >>> usual(np.linspace(0.036, 0.057, 101), "seconds"), usual(np.ones(9), "ratio")
    ('37–55.9 ms', '100 %')
    """
    low, high = (humanize(float(np.quantile(values, share)), unit) for share in (0.05, 0.95))
    if low == high:
        return high
    figure, _, word = low.partition(" ")
    return f"{figure}–{high}" if high.endswith(f" {word}") and " " not in word else f"{low} – {high}"


def peak(values: Floats, line: Series, zone: ZoneInfo) -> str:
    """The highest of the values and its bucket: ``41 ms on 12 Nov 13:10``, of a day's bucket the day."""
    at = int(np.nanargmax(values))
    return f"{humanize(float(values[at]), line.unit)} on {_moment(float(line.t[at]), line, zone)}"


def _moment(epoch_s: float, line: Series, zone: ZoneInfo) -> str:
    moment = datetime.fromtimestamp(epoch_s, UTC).astimezone(zone)
    return f"{moment:{'%d %b' if line.step_s >= DAY_S else '%d %b %H:%M'}}"


def as_written(text: str) -> str:
    r"""A sentence with names other systems gave, to stand in Markdown as it is; light, as it is made at every drawing.

    >>> print(as_written("Group ![x](http://a/b.png) of __consumer_offsets is :red[late], 5 < 6, at a:9092."))
    Group !\[x\](http://a/b.png) of \_\_consumer\_offsets is :red\[late\], 5 \< 6, at a:9092.
    """
    return _MARKS.sub(r"\\\1", text)


_MARKS = re.compile(r"([\\`*_\[\]<$~]|:(?=[a-z_]+[:/]))")
"""What makes emphasis, code, links, pictures, HTML, formulas, colours and icons of a text."""


def verbatim(text: str) -> str:
    r"""What a person wrote, to stand in Markdown as it is: no link, picture or colour comes of it.

    >>> print(verbatim("![x](http://a/b.png) :red[no] 5 < 6"))
    \!\[x\]\(http\://a/b\.png\) \:red\[no\] 5 \< 6
    """
    return re.sub(r"([\\`*_{}\[\]()#+.!|>~<$:&-])", r"\\\1", text)
