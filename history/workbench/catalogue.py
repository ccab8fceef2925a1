"""The tables a statement may read, and what their columns mean."""

from collections.abc import Mapping
from dataclasses import dataclass

from history.schema import SKETCH_MERGE, SKETCH_SCALE


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its type as ClickHouse names it, and what it holds in a line."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True, slots=True)
class TableWords:
    """What a table holds, in a line, and its columns in their order."""

    meaning: str
    columns: tuple[Column, ...]


P99 = f"{SKETCH_MERGE}(q)[3] / {SKETCH_SCALE}"
"""The 99th percentile of the rows of a roll-up: of the three its sketch knows, 0.5 and 0.95 are the other two."""
_ID = Column("series_id", "UInt64", "which series; `series` has its component, metric and labels")
_COMPONENT = Column("component", "LowCardinality(String)", "name of the component")
_VERSION = (
    Column("ver", "UInt64", "a higher one replaces a lower: read with FINAL"),
    Column("deleted", "UInt8", "1: taken back; FINAL leaves it out"),
)


def _rollup(width: str) -> TableWords:
    return TableWords(
        f"Every series by {width}; merge rows with min, max, sum.",
        (
            _ID,
            Column("t", "DateTime('UTC')", "start of the row's time"),
            Column("vmin", "Float64", "smallest value"),
            Column("vmax", "Float64", "largest value"),
            Column("vsum", "Float64", "sum of the values; of a counter its whole increase"),
            Column("cnt", "UInt64", "how many values; the average is sum(vsum) / sum(cnt)"),
            Column("q", "AggregateFunction", f"sketch of the values; the 99th percentile is {P99}"),
        ),
    )


TABLES: Mapping[str, TableWords] = {
    "series": TableWords(
        "What was measured: one row a series.",
        (
            _ID,
            _COMPONENT,
            Column("metric", "LowCardinality(String)", "name of the metric, such as probe_latency_seconds"),
            Column("labels", "Map(String, String)", "what tells series of a metric apart, such as labels['topic']"),
            Column("unit", "LowCardinality(String)", "seconds, bytes, ratio, count/s, …"),
            Column("kind", "Enum8", "gauge, state, or counter, whose values are increases"),
        ),
    ),
    "samples": TableWords(
        "Every value as it was measured, while raw samples are kept.",
        (
            _ID,
            Column("ts", "DateTime('UTC')", "when"),
            Column("value", "Float64", "the value; of a counter the increase since the sample before"),
            Column("bits", "UInt64", "the value's 64 bits, as it is stored"),
        ),
    ),
    "samples_15m": _rollup("15 minutes"),
    "samples_4h": _rollup("4 hours of the desk's clock"),
    "samples_1d": _rollup("days of the desk's clock"),
    "latest": TableWords(
        "The newest sample of each series.",
        (
            _ID,
            Column(
                "newest",
                "UInt128",
                "second and value as one number; max() orders them",
            ),
        ),
    ),
    "status_change": TableWords(
        "What status a component had from when on; one row a change, and one a day.",
        (
            _COMPONENT,
            Column("ts", "DateTime64(3, 'UTC')", "since when"),
            Column("status", "Enum8", "off, ok, unknown, warning or critical"),
            Column("reason", "String", "why, in a sentence"),
        ),
    ),
    "event": TableWords(
        "Deploys, restarts, annotations: read with FINAL.",
        (
            Column("id", "UUID", "its identity"),
            Column("ts", "DateTime64(3, 'UTC')", "when"),
            Column("till", "Nullable(DateTime64(3, 'UTC'))", "its end; NULL: a moment"),
            Column("kind", "LowCardinality(String)", "annotation, deploy, restart, …"),
            Column("component", "LowCardinality(String)", "what it is about; empty: everything"),
            Column("author", "String", "who noted it"),
            Column("text", "String", "what happened"),
            *_VERSION,
        ),
    ),
    "view": TableWords(
        "Saved views: read with FINAL.",
        (
            Column("id", "UUID", "its identity"),
            Column("name", "String", "what it is called"),
            Column("page", "LowCardinality(String)", "path of the page"),
            Column("query", "String", "what stands behind the ? of its address"),
            Column("author", "String", "who saved it"),
            Column("note", "String", "what it is for"),
            Column("at", "DateTime64(3, 'UTC')", "when it was saved"),
            *_VERSION,
        ),
    ),
}
"""By name. Whatever else the database holds (views that fill tables, notes of imports) is not for statements."""
