"""Decides whether a statement may run.

The engine's own parser writes it anew (``formatQuerySingleLine``, the text bound as a parameter, so that nothing of it
is executed): without comments, with one kind of quotes, keywords in capitals, and only if it is one statement. That
text is looked through here, then its query tree (`history.workbench.tree`), and that text is what runs.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from clickhouse_connect.driver.client import Client

from history.window import Window, quoted
from history.workbench import tree
from history.workbench.catalogue import TABLES
from history.workbench.refusal import Refused

LONGEST = 20_000
"""Characters of a statement."""
PARAMETERS = ("from", "to")
"""Each may stand as ``{from:DateTime}``: an end of the page's range."""
_TOKEN = re.compile(
    r"""(?P<space>\ +) | (?P<text>'(?:[^'\\]|\\.)*') | (?P<quoted>`(?:[^`\\]|\\.)*`) | (?P<number>\d[\w.]*)
    | (?P<word>[A-Za-z_]\w*) | (?P<parameter>\{[^{}]*\}) | (?P<sign>[-+*/%=<>!(),.:?|&^\[\]])""",
    re.VERBOSE | re.ASCII,
)
_NAME = re.compile(r"`[\w .%()/+-]+`")
_KEYWORDS = """
    ALL AND ANTI ANY ARRAY AS ASC ASOF BETWEEN BY CASE CUBE DESC DISTINCT DIV ELSE EXCEPT EXISTS FILL FINAL FIRST FROM
    FULL GLOBAL HAVING ILIKE IN INNER INTERPOLATE INTERSECT INTERVAL IS JOIN LAST LEFT LIKE LIMIT MOD NOT NULLS OFFSET
    ON OR OUTER OVER PREWHERE QUALIFY REPLACE RIGHT ROLLUP SELECT SEMI SETS STEP THEN TO UNION USING WHEN WHERE WITH
    APPLY COLUMNS STALENESS
"""
_BEFORE_BRACKETS = frozenset(_KEYWORDS.split())
_REFUSED = {
    "INTO": "The workbench writes nothing: download the result as CSV or Parquet.",
    "OUTFILE": "The workbench writes nothing: download the result as CSV or Parquet.",
    "FORMAT": "The result is a table: download it as CSV or Parquet.",
    "SETTINGS": "The limits of the workbench hold for every statement.",
    "STREAM": "A statement ends: ask for the range you need.",
    "PARALLEL": "Write one SELECT, or join several with UNION ALL.",
    "RECURSIVE": "A statement may not call itself: use range() and arrayJoin().",
}
"""Words no statement may hold outside of text, whatever they mean there, and what to do instead."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that may run.

    Attributes:
        text: as the engine writes it; this is what runs.
        parameters: the ends of the range it asks for, as epoch seconds: the one way to write a moment that no time zone
            of a server changes.
    """

    text: str
    parameters: dict[str, str]


def check(client: Client, text: str, window: Window, database: str, settings: dict[str, Any]) -> Statement:
    """The statement to run for `text`.

    Args:
        client: of the engine that is to run it, at home in `database`; nothing of `text` is executed on it.
        window: the page's range.

    Raises:
        Refused: naming what is not allowed and what to write instead.
        ClickHouseError: the text is no SQL, or the engine cannot be asked.
    """
    if not text.strip():
        raise Refused("There is no statement.", "Write one, or take an example.")
    if len(text) > LONGEST:
        raise Refused(f"The statement is longer than {LONGEST:,} characters.", "Shorten it.")
    if "\0" in text:
        raise Refused("The statement holds a character of number 0.", "Delete it.")
    canonical = _ask(client, "SELECT formatQuerySingleLine({q:String})", {"q": text}, settings)[0]
    used = check_text(canonical)
    parameters = {name: str(moment) for name, moment in zip(PARAMETERS, _ends(window), strict=True) if name in used}
    others = _ask(client, "SELECT name FROM system.tables WHERE database = {d:String}", {"d": database}, settings)
    lines = _ask(client, tree.EXPLAIN + canonical, parameters, settings)
    tree.check(lines, TABLES.keys(), set(others) - TABLES.keys(), database)
    return Statement(canonical, parameters)


def check_text(canonical: str) -> set[str]:
    """Look through a statement as the engine writes it; returns which of `PARAMETERS` it asks for.

    >>> sorted(check_text("SELECT avg(value) FROM samples WHERE ts >= {from:DateTime}"))
    ['from']

    Raises:
        Refused: naming the word that is not allowed.
    """
    tokens = list(_tokens(canonical))
    first = next((word for _, word in tokens if word != "("), "")
    if first not in {"SELECT", "WITH"}:
        raise Refused(f"The statement begins with {quoted(first)}.", "The workbench reads: begin with SELECT or WITH.")
    used = set()
    for (kind, token), (_, after) in zip(tokens, [*tokens[1:], ("", "")], strict=True):
        if kind == "parameter":
            used.add(_parameter(token))
        elif kind == "text":
            _check_literal(token)
        elif kind == "quoted":
            _check_quoted(token, before_bracket=after == "(")
        elif kind == "word":
            if hint := _REFUSED.get(token.upper()):
                raise Refused(f"{token.upper()} is not taken.", hint)
            if after == "(" and token not in _BEFORE_BRACKETS:
                tree.refuse_function(token)
    return used


def _tokens(canonical: str) -> Iterator[tuple[str, str]]:
    """Kind and text of each token but spaces; a sign the list does not know is refused."""
    at = 0
    while at < len(canonical):
        found = _TOKEN.match(canonical, at)
        if found is None or found.lastgroup is None:
            raise Refused(f"{quoted(canonical[at])} is not taken outside of text.", "Put text between single quotes.")
        if found.lastgroup != "space":
            yield found.lastgroup, found[0]
        at = found.end()


def _parameter(token: str) -> str:
    for name in PARAMETERS:
        if token == f"{{{name}:DateTime}}":
            return name
    raise Refused(
        f"{quoted(token)} is not known here.", "Of the page's range there are {from:DateTime} and {to:DateTime}."
    )


def _check_literal(token: str) -> None:
    """No line break, written as the engine does: its query tree would show it as one."""
    if re.search(r"[nr]", "".join(re.findall(r"\\(.)", token))):
        raise Refused("A text holds a line break.", "Write char(10) instead.")


def _check_quoted(token: str, *, before_bracket: bool) -> None:
    if before_bracket:
        raise Refused(f"{quoted(token)} is called as a function.", "Names of functions are written without quotes.")
    if not _NAME.fullmatch(token):
        raise Refused(
            f"The name {quoted(token)} is not taken.", "A name may hold letters, digits, spaces and . _ - + % / ( )."
        )


def _ends(window: Window) -> tuple[int, int]:
    return window.start_s, window.end_s


def _ask(client: Client, sql: str, parameters: dict[str, str], settings: dict[str, Any]) -> list[str]:
    """The first column of an answer. No parameters are None: of an empty dict the client takes % as its own sign."""
    rows = client.query(sql, parameters=parameters or None, settings=settings).result_rows
    return [row[0] for row in rows]
