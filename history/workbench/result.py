"""What a statement answered, as a data frame that every table, chart and file can take.

It travels as one JSON document: names and types also of no rows, what was read for it, and text for everything
else. Its size is seen before any of it becomes an object of Python.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clickhouse_connect.driver.client import Client

from history.workbench.guard import Statement
from history.workbench.refusal import Refused

if TYPE_CHECKING:
    import pandas as pd

RESULT_BYTES = 64_000_000
FORMAT = "JSONCompact"
FORMATTED: Mapping[str, Any] = {
    "date_time_output_format": "iso",
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_quote_denormals": 1,
}
"""Settings of the engine under which `result_of` reads its answer."""


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Rows of a statement.

    Attributes:
        frame: times in UTC with their zone, numbers as numbers, everything else as text.
        types: of the columns, as ClickHouse names them.
        cut: there were more rows than are here.
        read_rows, read_bytes: what the engine read for them.
    """

    frame: "pd.DataFrame"
    types: tuple[str, ...]
    cut: bool
    read_rows: int
    read_bytes: int


def result_of(client: Client, statement: Statement, settings: dict[str, Any], most_rows: int) -> Result:
    """Run a statement that was checked, on a client that is locked.

    Raises:
        Refused: the result is too large, or holds what cannot be shown.
        ClickHouseError, urllib3.exceptions.HTTPError: it failed.
    """
    with client.raw_stream(
        statement.text, parameters=statement.parameters or None, settings=settings, fmt=FORMAT
    ) as body:
        document = body.read(RESULT_BYTES + 1)
    if len(document) > RESULT_BYTES:
        raise Refused(f"Its result is larger than {RESULT_BYTES // 10**6} MB.", "Ask for less at once.")
    return parse(document, most_rows)


def parse(document: bytes, most_rows: int) -> Result:
    """A result out of its document.

    Raises:
        Refused: a column is a state of an aggregate.
    """
    import pandas as pd  # it takes half a second the first time, which belongs into the thread that asks

    answer = json.loads(document.decode(errors="replace"))
    types = tuple(column["type"] for column in answer["meta"])
    for kind in types:
        if kind.startswith("AggregateFunction"):
            raise Refused(
                f"A column of the result is a sketch, {kind}, which cannot be shown.",
                "Merge it, as the examples with percentiles do, or leave it out: SELECT * EXCEPT q.",
            )
    rows = answer["data"][:most_rows]
    names = _distinct([column["name"] for column in answer["meta"]])
    columns = {
        name: _series([row[index] for row in rows], kind)
        for index, (name, kind) in enumerate(zip(names, types, strict=True))
    }
    read = answer.get("statistics", {})
    return Result(
        pd.DataFrame(columns),
        types,
        len(answer["data"]) > most_rows,
        int(read.get("rows_read", 0)),
        int(read.get("bytes_read", 0)),
    )


def plain(kind: str) -> str:
    """The type inside what only tells how a column is stored.

    >>> plain("LowCardinality(Nullable(String))"), plain("SimpleAggregateFunction(max, Float64)")
    ('String', 'Float64')
    """
    while found := re.fullmatch(r"(?:LowCardinality|Nullable|SimpleAggregateFunction\(\w+,)[( ](.+)\)", kind):
        kind = found[1]
    return kind


def _distinct(names: Sequence[str]) -> list[str]:
    """Names with a number where one comes again.

    >>> _distinct(["x", "y", "x"])
    ['x', 'y', 'x (2)']
    """
    return [
        name if name not in names[:at] else f"{name} ({names[: at + 1].count(name)})" for at, name in enumerate(names)
    ]


def _series(values: Sequence[Any], kind: str) -> "pd.Series[Any]":
    """A column by its type in ClickHouse; what no file format has becomes text."""
    import pandas as pd

    inner = plain(kind)
    if inner.startswith("DateTime"):
        return pd.Series(pd.to_datetime(pd.Series(values, dtype=object), utc=True, format="ISO8601"))
    if inner.startswith("Date"):
        return pd.Series(pd.to_datetime(pd.Series(values, dtype=object), format="%Y-%m-%d")).dt.date
    if inner.startswith(("Float", "Decimal")):
        return pd.Series([None if value is None else float(value) for value in values], dtype="Float64")
    if re.fullmatch(r"U?Int(8|16|32|64)", inner):
        return pd.Series(values, dtype="UInt64" if inner.startswith("U") else "Int64")
    if inner == "Bool":
        return pd.Series(values, dtype="boolean")
    return pd.Series([None if value is None else _text(value) for value in values], dtype="string")


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)
