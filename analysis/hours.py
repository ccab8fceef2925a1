"""When in the week is it busy? Pure."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray


def by_hour_of_week(
    t: NDArray[np.float64], values: NDArray[np.float64], zone: ZoneInfo, rank: float = 95
) -> NDArray[np.float64]:
    """The `rank`-th percentile of `values` by weekday and hour in `zone`.

    Args:
        t: epoch seconds, one per value.

    Returns:
        7 rows, Monday first, by 24 hours, in the unit of `values`; NaN where there is no value.
    """
    table = np.full((7, 24), np.nan)
    if not len(t):
        return table
    hours, inverse = np.unique(np.floor_divide(t, 3600).astype(np.int64), return_inverse=True)
    cells = np.array([_cell(int(hour) * 3600, zone) for hour in hours])[inverse]
    for cell in np.unique(cells):
        chosen = values[cells == cell]
        chosen = chosen[np.isfinite(chosen)]
        if len(chosen):
            table[divmod(int(cell), 24)] = np.percentile(chosen, rank)
    return table


def _cell(epoch_s: int, zone: ZoneInfo) -> int:
    local = datetime.fromtimestamp(epoch_s, UTC).astimezone(zone)
    return local.weekday() * 24 + local.hour
