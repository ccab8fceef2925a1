"""What every question is asked of, what it may cost, and how each tier's table says things."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from history.schema import SKETCH_MERGE, SKETCH_SCALE
from history.tiers import RAW, Kept, Tier
from settings import DEFAULT_ZONE, History

LIMITS = {
    "max_execution_time": 8,
    "max_result_rows": 2_000_000,
    "max_rows_to_read": 500_000_000,
    "max_memory_usage": 1_000_000_000,
    "max_threads": 2,
}
"""What one question may cost the store; beyond it the question fails with a sentence, and the store lives on."""
MAX_SERIES = 200
Names = tuple[str, ...]
Ask = TypeVar("Ask", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Scope:
    """What the questions are asked of: the database, how long its tiers are kept, the present, the desk's clock."""

    database: str
    raw_kept_s: float
    now_s: float
    quarter_hour_kept_s: float = math.inf
    four_hours_kept_s: float = math.inf
    zone: str = DEFAULT_ZONE

    @property
    def kept(self) -> Kept:
        return Kept(
            now_s=self.now_s,
            raw_s=self.raw_kept_s,
            quarter_hour_s=self.quarter_hour_kept_s,
            four_hours_s=self.four_hours_kept_s,
            zone=self.zone,
        )


def scope_of(settings: History, zone: str, now_s: float) -> Scope:
    """The scope of a configured history at `now_s`."""
    kept = settings.retention
    return Scope(settings.database, kept.raw_s, now_s, kept.quarter_hour_s, kept.four_hours_s, zone)


@dataclass(frozen=True, slots=True)
class Columns:
    """How a tier's table says the time, average, minimum, maximum, count, percentiles and sum of some rows."""

    time: str
    levels: str
    count: str
    quantiles: str


RAW_COLUMNS = Columns(
    "ts", "avg(value), min(value), max(value)", "count()", "quantilesExactInclusive(0.5, 0.95, 0.99)(value)"
)
ROLLUP_COLUMNS = Columns(
    "t",
    "sum(vsum) / sum(cnt), min(vmin), max(vmax)",
    "sum(cnt)",
    f"arrayMap(p -> least(greatest(p / {SKETCH_SCALE}, min(vmin)), max(vmax)), {SKETCH_MERGE}(q))",
)


def columns_of(tier: Tier) -> Columns:
    """The expressions of a tier's table."""
    return RAW_COLUMNS if tier is RAW else ROLLUP_COLUMNS


def between(column: str, spans: Iterable[tuple[float, float]]) -> str:
    """The condition that a column of type DateTime lies in one of some half-open ranges of whole epoch seconds."""
    parts = [
        f"({column} >= toDateTime({int(start_s)}, 'UTC') AND {column} < toDateTime({int(end_s)}, 'UTC'))"
        for start_s, end_s in spans
    ]
    return f"({' OR '.join(parts)})"


def resumes(ask: Ask) -> Ask:
    """Marks a question that takes its last answer as ``known`` and then reads only what has come since."""
    ask.resumes = True  # type: ignore[attr-defined]
    return ask
