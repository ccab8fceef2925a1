"""Many series as few: one line for each value of a label. Pure."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from history.answers import Floats, Series

How = Literal["sum", "avg", "max"]
HOWS: tuple[How, ...] = ("sum", "avg", "max")
COMPONENT, TOGETHER = "component", "all"
"""What series are grouped by where it is no label: their component, or nothing."""
HOLE = 2.5
"""A distance of more than so many usual ones between two samples is a hole."""


def grouped(lines: Sequence[Series], by: str, how: How) -> tuple[Series, ...]:
    """One line for each metric and each value of `by` among `lines`, in the order of the lines.

    Every series counts once in each bucket, however often it was sampled there. One that is sampled more rarely
    than the buckets keeps its value until its next sample, but not over a hole: there it is not counted.

    Args:
        by: a label, or `COMPONENT`, or `TOGETHER`.
        how: ``sum`` has no band, because the series' extremes need not have met; the band of ``avg`` is the
            spread of the series; that of ``max`` is where the largest was, whichever that was.
    """
    found: dict[tuple[str, str], list[Series]] = {}
    for line in lines:
        found.setdefault((line.metric, value_of(line, by)), []).append(line)
    return tuple(_group(members, by, value, how) for (_, value), members in found.items())


def value_of(line: Series, by: str) -> str:
    """What a line has for `by`; in words where it has no such label."""
    if by == TOGETHER:
        return ""
    return line.component if by == COMPONENT else dict(line.labels).get(by, f"no {by}")


def held(line: Series, grid: Floats) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """For each of `grid` the point of `line` that is in force then, and whether one is.

    A point is in force until the next one; before a hole and at the end for the usual distance.
    """
    if len(line.t) > 1:
        distances = np.diff(line.t)
        usual_s = max(float(np.median(distances)), float(line.step_s))
        lasts_s = np.append(np.where(distances > HOLE * usual_s, usual_s, distances), usual_s)
    else:
        lasts_s = np.full(len(line.t), float(line.step_s))
    points = np.searchsorted(line.t, grid, side="right") - 1
    known = points >= 0
    points = points.clip(min=0)
    return points, known & (grid < line.t[points] + lasts_s[points])


def _group(members: Sequence[Series], by: str, value: str, how: How) -> Series:
    grid = np.unique(np.concatenate([line.t for line in members]))
    total, present, count = (np.zeros(len(grid)) for _ in range(3))
    lowest, highest = np.full(len(grid), np.inf), np.full(len(grid), -np.inf)
    top, floor = highest.copy(), highest.copy()
    for line in members:
        points, known = held(line, grid)
        avg, low, high = (column[points] for column in (line.avg, line.low, line.high))
        total += np.where(known, avg, 0.0)
        present += known
        count += np.where(known, line.count[points], 0.0)
        lowest = np.where(known, np.minimum(lowest, low), lowest)
        highest = np.where(known, np.maximum(highest, high), highest)
        top = np.where(known, np.maximum(top, avg), top)
        floor = np.where(known, np.maximum(floor, low), floor)
    mean = total / present
    levels = {"sum": (total, total, total), "avg": (mean, lowest, highest), "max": (top, floor, highest)}[how]
    first = members[0]
    component = first.component if all(line.component == first.component for line in members) else ""
    labels = ((by, value),) if value else (("of", f"{how} of {len(members)} series"),)
    return Series(component, first.metric, labels, first.unit, first.step_s, grid, *levels, count)
