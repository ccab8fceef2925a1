"""Edges of hours and days on a desk's clock, and what falls between them, computed without the database."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def local_edges(start_s: int, end_s: int, hours: int, zone: str) -> Ints:
    """The moments from the local midnight at or before `start_s` at which a clock of `zone` shows a multiple of
    `hours`, epoch seconds, until `end_s`."""
    clock = ZoneInfo(zone)
    day = datetime.fromtimestamp(start_s, clock).date().toordinal()
    edges: list[int] = []
    while not edges or edges[-1] < end_s:
        date = datetime.fromordinal(day)
        for hour in range(0, 24, hours):
            edges.append(int(date.replace(hour=hour, tzinfo=clock).astimezone(UTC).timestamp()))
        day += 1
    return np.array(edges)


def by_period(t: Ints, values: Floats, edges: Ints) -> dict[int, Floats]:
    """The values that fall into each period, by its start."""
    where = edges[np.searchsorted(edges, t, "right") - 1]
    return {int(edge): values[where == edge] for edge in np.unique(where)}
