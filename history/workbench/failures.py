"""What the engine says against a statement, in a sentence that tells where and what to do."""

import re

from history.window import quoted
from history.workbench.refusal import Refused
from settings import Workbench
from settings_types import mask

SHORTER = "Ask for a shorter range or fewer series, or read a roll-up: samples_15m, samples_4h, samples_1d."
CANCELLED = 394
_LIMITS = {
    158: "It would read more than 500 million rows.",
    241: "It needs more than 1 GB of memory.",
    307: "It would read more bytes than the engine's user may.",
    396: "Its result is larger than 64 MB.",
    166: "It is too deeply nested.",
    167: "It is too deeply nested.",
    168: "It is too long.",
    306: "It is too deeply nested.",
}
"""By ClickHouse's number: which limit a statement broke."""
_WORDS = (
    *("SELECT", "FROM", "WHERE", "GROUP BY", "HAVING", "ORDER BY", "LIMIT", "JOIN", "ON", "USING", "AS", "BY", "AND"),
    *("CASE", "WHEN", "THEN", "ELSE", "END"),
)
"""Of all the parser would have taken somewhere, what people write."""
_SYNTAX = 62
_TOO_SLOW = frozenset({159, 160})
_NOT_ITS = frozenset({81, 192, 193, 194, 210, 243, 497, 516, 1000, 1001, 1002})
"""Failures of the server, its disk, its user or the way to it."""


def judged(exc: Exception, text: str, workbench: Workbench) -> Refused | None:
    """What is wrong with a statement that failed by `exc`; None: the fault is not the statement's.

    Args:
        text: as it was written: positions of the engine are shown in it.
    """
    if isinstance(exc, Refused):
        return exc
    code = getattr(exc, "code", None)
    said = " ".join(mask(str(exc)).split())
    if not isinstance(code, int) or "DB::" not in said:
        return None
    if code == _SYNTAX:
        return _syntax(said, text)
    if code in _TOO_SLOW:
        return Refused(f"It was ended after {workbench.max_seconds:g} s.", SHORTER)
    if code in _LIMITS:
        return Refused(_LIMITS[code], SHORTER if code in {158, 241, 307} else "Ask for less at once.")
    if code in _NOT_ITS:
        return None
    return Refused(_sentence(said), "")


def _syntax(said: str, text: str) -> Refused:
    """``failed at position 21 (z)`` counts bytes from 1; people count lines and characters."""
    found = re.search(r"failed at position (\d+) \((.*?)\)(?: \(line \d+, col \d+\))?:", said)
    if found is None:
        return Refused(_sentence(said), "")
    before = text.encode()[: int(found[1]) - 1].decode(errors="ignore")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    at = f"Line {line}, character {column}"
    reason = re.search(r"Exception: (?!Syntax error)([^:(]+):", said)
    if "Multi-statements" in said:
        return Refused(
            f"{at}: a second statement begins here.", "One statement runs at a time: delete what follows the ;."
        )
    if unmatched := re.search(r"Unmatched parentheses: (.+? (?:is|are) never closed|[^:]+)", said):
        return Refused(f"{at}: a bracket does not match.", f"{unmatched[1][0].upper()}{unmatched[1][1:120]}.")
    if reason:
        return Refused(f"{at}: {reason[1].strip().lower()}.")
    what = "the statement ends too early" if found[2] == "end of query" else f"{quoted(found[2])} is not understood"
    expected = re.search(r"Expected one of: (.+?)(?:: In scope|\. \(|$)", said)
    listed = set(expected[1].split(", ")) if expected else set()
    words = ", ".join(word for word in _WORDS if word in listed)
    last = re.search(r"([A-Za-z]\w*)\s*$", before)
    spelt = f"Is {last[1]} before it spelt right? " if last and not _is_word(last[1]) else ""
    return Refused(f"{at}: {what}.", f"{spelt}{f'Expected there: {words}.' if words else ''}".strip())


def _is_word(text: str) -> bool:
    return text.upper() in {part for word in _WORDS for part in word.split()}


def _sentence(said: str) -> str:
    """The engine's own words without its number, its name of the error and the statement around it."""
    plain = re.sub(r"^.*?DB::(?:Errno)?Exception: ", "", said)
    plain = re.sub(r"\.? *\(([A-Z_]+)\).*$", "", plain)
    plain = re.sub(r"[:.]? In scope .*$", "", plain)
    return f"{plain[:400].rstrip('. ')}."
