"""What a statement calls and which tables it reads, by the engine's own query tree.

``EXPLAIN QUERY TREE run_passes = 0`` builds the tree of a statement and resolves nothing, so nothing of it is executed.
A name between FROM, JOIN or right of IN is an IDENTIFIER there; what it means is decided here as narrowly as possible:
a table of the history, a name that WITH gives a query, or right of IN an alias. Everything else is refused.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from history.workbench.functions import TYPES, is_allowed, nearest
from history.workbench.refusal import Refused

MOST_LINES = 5_000
EXPLAIN = "EXPLAIN QUERY TREE run_passes = 0 "
NO_TABLE = "system.one"
"""What the engine reads from where a statement names no table: one row."""
_READS_FROM = {"JOIN TREE", "TABLE EXPRESSION", "LEFT TABLE EXPRESSION", "RIGHT TABLE EXPRESSION"}
_SOURCES = {"IDENTIFIER", "QUERY", "UNION", "JOIN", "CROSS JOIN", "ARRAY_JOIN"}
_IN = {"in", "notIn", "nullIn", "notNullIn"}
_BARE = """
    currentuser current_user session_user user currentdatabase current_database database schema currenthandler
    currentrequesturl
"""
_CALLED_WITHOUT_BRACKETS = frozenset(_BARE.split())
"""Names the engine takes for calls of functions the list leaves out although no bracket follows."""


@dataclass(slots=True)
class Node:
    """A line of the tree: its kind (``FUNCTION``, ``JOIN TREE``), the rest of it, and what is indented below."""

    kind: str
    text: str
    children: list["Node"] = field(default_factory=list)

    def said(self, key: str) -> str:
        """What the line says of `key`: ``identifier``, ``alias``, ``function_name``; empty: nothing."""
        found = re.search(rf"(?:^|[ ,]){key}: ([^,]+)", self.text)
        return found[1] if found else ""


def check(lines: Sequence[str], tables: Collection[str], others: Collection[str], database: str) -> None:
    """Refuse a tree that calls or reads what a statement may not.

    Args:
        tables: what may be read, by plain name.
        others: what else the database holds: no name of a statement may be one of these.

    Raises:
        Refused: naming the first thing that is not allowed.
    """
    if len(lines) > MOST_LINES:
        raise Refused("The statement is too long.", "Split it, or let a table carry the list of values.")
    root = parse(lines)
    named, valued = _named(root)
    for name in sorted(named | valued):
        if name in others:
            raise Refused(f"`{name}` is a table of the database already.", "Give the alias another name.")
    for node, parent in walk(root):
        if node.kind == "FUNCTION":
            _check_function(node)
        elif node.kind == "TABLE_FUNCTION":
            _refuse_table_function(node.said("table_function_name"))
        elif node.kind == "IDENTIFIER" and node.said("identifier").lower() in _CALLED_WITHOUT_BRACKETS:
            raise Refused(f"`{node.said('identifier')}` tells of the server, not of the history.", "Leave it out.")
        if parent is not None and parent.kind in _READS_FROM:
            if node.kind not in _SOURCES:
                raise Refused(f"The workbench cannot tell what {node.kind} reads.", _which(tables))
            if node.kind == "IDENTIFIER":
                _check_table(node.said("identifier"), tables, named, database)
        if node.kind == "FUNCTION" and node.said("function_name") in _IN:
            _check_in(node, tables, named | valued, database)


def parse(lines: Sequence[str]) -> Node:
    """The tree that `lines` draw by their indentation, below a root of no kind."""
    root = Node("", "")
    open_at: list[tuple[int, Node]] = [(-1, root)]
    for line in lines:
        depth = len(line) - len(line.lstrip(" "))
        kind, separator, rest = line.strip().partition(" id: ")
        node = Node(kind, f"id: {rest}" if separator else "")
        while open_at[-1][0] >= depth:
            open_at.pop()
        open_at[-1][1].children.append(node)
        open_at.append((depth, node))
    return root


def walk(node: Node, parent: Node | None = None) -> Iterator[tuple[Node, Node | None]]:
    """Every node from the top down with the one above it."""
    waiting = [(node, parent)]
    while waiting:
        node, parent = waiting.pop()
        yield node, parent
        waiting += [(child, node) for child in reversed(node.children)]


def _named(root: Node) -> tuple[set[str], set[str]]:
    """The names WITH gives to queries, and the aliases of anything that is not itself a name."""
    named, valued = set(), set()
    for node, _ in walk(root):
        if node.kind in {"QUERY", "UNION"} and (name := node.said("cte_name")):
            named.add(name)
        elif node.kind in {"CONSTANT", "FUNCTION", "QUERY", "UNION"} and (alias := node.said("alias")):
            valued.add(alias)
    return named, valued


def _check_function(node: Node) -> None:
    name = node.said("function_name")
    if name == "_CAST" and _type_named(node) == "DateTime":  # a bound moment
        return
    refuse_function(name)
    if name.upper() == "CAST":
        named = _type_named(node)
        strange = [word for word in re.findall(r"[A-Za-z]\w*", named) if word.lower() not in TYPES]
        if strange or not re.fullmatch(r"[\w(), =-]+", named):
            raise Refused(
                f"CAST into {f'`{strange[0]}`' if strange else 'this type'} is not taken.",
                "Name a plain type: Float64, String, DateTime, Array(Float64), …",
            )


def _type_named(cast: Node) -> str:
    """The type a CAST makes, without the names of zones and enumerations in it; empty when it is computed."""
    into = _arguments(cast)[-1:]
    found = re.search(r"constant_value: '(.*)', constant_value_type: String$", into[0].text) if into else None
    return re.sub(r"\\'[\w/+ -]*\\'", "", found[1]) if found and into[0].kind == "CONSTANT" else ""


def refuse_function(name: str) -> None:
    """Refuse a function that is not on the list.

    Raises:
        Refused: naming it, and the nearest that is allowed.
    """
    if not is_allowed(name):
        near = nearest(name)
        raise Refused(
            f"`{name}` is not among the functions of the workbench.",
            f"Did you mean {near}?"
            if near
            else "It takes aggregates, window functions, arithmetic, times, strings, arrays and maps: see "
            "docs/workbench.md.",
        )


def _refuse_table_function(name: str) -> None:
    raise Refused(
        f"`{name}` makes a table of something outside the history.",
        "FROM takes the tables of the history and subqueries.",
    )


def _arguments(function: Node) -> list[Node]:
    return [
        argument
        for part in function.children
        if part.kind == "ARGUMENTS"
        for arguments in part.children
        for argument in arguments.children
    ]


def _check_in(function: Node, tables: Collection[str], names: Collection[str], database: str) -> None:
    """The right of IN may be a table; it is one, a query's name or an alias of a value."""
    for argument in _arguments(function)[1:]:
        if argument.kind == "IDENTIFIER":
            _check_table(argument.said("identifier"), tables, names, database)


def _check_table(name: str, tables: Collection[str], names: Collection[str], database: str) -> None:
    plain = name.removeprefix(f"{database}.")
    if plain not in tables and name != NO_TABLE and ("." in name or name not in names):
        raise Refused(f"`{name}` is not a table of the history.", _which(tables))


def _which(tables: Collection[str]) -> str:
    return f"There are: {', '.join(sorted(tables))}."
