"""Asks ClickHouse what `clickhouse_queries` lists, and notes in words what it does not answer.

What a server lacks or forbids is asked for again only after a while: each try is an error in its log.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from probes.clickhouse_failures import AUTH_CODES, DENIED_CODES
from probes.clickhouse_queries import OWN_COMMENT, Question, Row

QUERY_LIMIT_S = 0.8
"""Below the client's own limit for one answer, so that one slow table costs its own row and not the whole check."""
DENIED_AGAIN_S = 60.0
ABSENT_AGAIN_S = 600.0
"""A table comes with a restart or another configuration; a grant any time, and somebody may be waiting to see it."""
NO_SUCH_TABLE = frozenset({60, 81})
NO_SUCH_NAME = frozenset({16, 46, 47, 115})
"""NO_SUCH_COLUMN_IN_TABLE, UNKNOWN_FUNCTION, UNKNOWN_IDENTIFIER, UNKNOWN_SETTING: another version."""


@dataclass(slots=True)
class Known:
    """What is remembered between two checks of one server.

    Attributes:
        answers: of the questions that are not asked every time, with when they were.
        absent: phrases for what the server lacks or forbids, with until when that is taken for granted; by tables, or
            by question where only a name in it is unknown.
    """

    answers: dict[Question, tuple[float, Sequence[Row]]] = field(default_factory=dict)
    absent: dict[str, tuple[float, str]] = field(default_factory=dict)


@dataclass(slots=True)
class Interview:
    """Asks questions over one client; notes the ones that got no answer.

    Attributes:
        until_s: on `clock`, from when on nothing more is asked.
    """

    client: Client
    known: Known = field(default_factory=Known)
    until_s: float = float("inf")
    clock: Callable[[], float] = time.monotonic
    unavailable: list[str] = field(default_factory=list)

    def rows(self, question: Question) -> Sequence[Row] | None:
        """The answer's rows; None when this server or this user has none to give, or no time is left.

        Raises:
            ClickHouseError, OSError, urllib3.exceptions.HTTPError: nothing at all can be asked any more.
        """
        now_s = self.clock()
        if (kept := self.known.answers.get(question)) and now_s - kept[0] < question.every_s:
            return kept[1]
        absent = self.known.absent.get(question.tables) or self.known.absent.get(question.about)
        if absent and now_s < absent[0]:
            self._note(absent[1])
            return None
        if now_s >= self.until_s:
            self._note(f"{question.about} (no time was left)")
            return None
        return self._ask(question, now_s)

    def _ask(self, question: Question, now_s: float) -> Sequence[Row] | None:
        try:
            rows = self.client.query(question.sql, settings=_settings(self.client)).result_rows
        except ClickHouseError as exc:
            phrase = why_missing(exc, question)
            if phrase is None:
                raise
            code = getattr(exc, "code", None)
            if code in NO_SUCH_TABLE | DENIED_CODES | NO_SUCH_NAME:
                again_s = now_s + (DENIED_AGAIN_S if code in DENIED_CODES else ABSENT_AGAIN_S)
                self.known.absent[question.about if code in NO_SUCH_NAME else question.tables] = again_s, phrase
            self._note(phrase)
            return None
        for key in (question.tables, question.about):
            self.known.absent.pop(key, None)
        if question.every_s:
            self.known.answers[question] = now_s, rows
        return rows

    def _note(self, phrase: str) -> None:
        if phrase not in self.unavailable:
            self.unavailable.append(phrase)

    def number(self, question: Question) -> float | None:
        """The first column of the first row; None where there is none or it is 0, which means no limit."""
        rows = self.rows(question)
        return float(rows[0][0]) or None if rows else None


def why_missing(exc: ClickHouseError, question: Question) -> str | None:
    """Why one question got no answer, in a phrase; None when the server as a whole is the trouble."""
    code = getattr(exc, "code", None)
    if code is None or code in AUTH_CODES:
        return None
    if code in NO_SUCH_TABLE:
        return f"{question.about} (this server keeps no system.{question.tables})"
    if code in NO_SUCH_NAME:
        return f"{question.about} (this version does not tell)"
    if code in DENIED_CODES:
        granted = ", ".join(f"system.{table}" for table in question.tables.split(", "))
        return f"{question.about} (the user may not: GRANT SELECT ON {granted})"
    if code == 159:
        return f"{question.about} (took longer than {QUERY_LIMIT_S:g} s)"
    return f"{question.about} (the server answered {getattr(exc, 'name', None) or f'error {code}'})"


def _settings(client: Client) -> dict[str, Any]:
    """The time limit and our mark, unless the user is read-only in the sense that settings cannot be changed."""
    wanted = {"max_execution_time": QUERY_LIMIT_S, "log_comment": OWN_COMMENT}
    known = client.server_settings
    return {name: value for name, value in wanted.items() if name in known and not known[name].readonly}
