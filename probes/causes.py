"""Root causes: which component's trouble explains which other's. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from probes.result import Status


@dataclass(frozen=True, slots=True)
class Cause:
    """A component's place in the dependency graph."""

    name: str
    status: Status
    depends_on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What explains a component and what it explains; names in configuration order."""

    caused_by: tuple[str, ...]
    explains: tuple[str, ...]


def find_causes(components: Iterable[Cause]) -> dict[str, Explanation]:
    """The explanation of every component.

    A component that is not ok is put down to the critical dependencies nearest the root: those
    critical ancestors, along paths of critical dependencies, that no critical dependency explains
    in turn. The configuration has no cycles (`settings.relation_problems`).
    """
    nodes = {component.name: component for component in components}
    troubled = {Status.WARNING, Status.CRITICAL, Status.UNKNOWN}

    @cache  # without it a graph of diamonds takes exponential time
    def roots(name: str) -> tuple[str, ...]:
        critical = [d for d in nodes[name].depends_on if d in nodes and nodes[d].status == Status.CRITICAL]
        found: dict[str, None] = {}
        for dependency in critical:
            found.update(dict.fromkeys(roots(dependency) or (dependency,)))
        return tuple(found)

    caused_by = {name: roots(name) if node.status in troubled else () for name, node in nodes.items()}
    return {
        name: Explanation(caused_by[name], tuple(other for other in nodes if name in caused_by[other]))
        for name in nodes
    }
