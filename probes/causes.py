"""Root causes: what explains what, between components and within one. Pure.

Two sources tell: the configuration (`depends_on`) and what the probes see (`cause_rules`): one silent DNS server, a
machine that does not answer, a full disk. Every link is from a trouble to a nearer cause; following the links ends
at the roots, which alone are worth waking somebody for.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from probes.cause_rules import DNS_SILENT, FOLLOWS, KEEPER_LOST, KEEPER_PORTS, NO_ANSWER, ON_A_HOST
from probes.result import Finding, ProbeResult, Status

NEEDS = "needs it"
TROUBLED = frozenset({Status.WARNING, Status.CRITICAL, Status.UNKNOWN})
ANSWERED = frozenset({Status.OK, Status.WARNING, Status.CRITICAL})
NOTHING_CAME = NO_ANSWER | {DNS_SILENT, "dns_unknown"}
_PLACE = re.compile(r"(?:\w+://)?(?:[^@/\s]*@)?(\[[^\]\s]+\]|[^\s,/:\[\]]+)(?::(\d+))?(?:/\S*)?")
Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Cause:
    """A component's place in the dependency graph, and what its probe saw.

    Attributes:
        places: host and port of every address it is reached at; port 0: none is named.
        code: of its error; empty: it was read.
        metrics: of its findings.
        dark: hosts that this component tries to reach, and that do not answer it at all.
    """

    name: str
    status: Status
    depends_on: tuple[str, ...] = ()
    kind: str = ""
    places: tuple[Place, ...] = ()
    code: str = ""
    metrics: frozenset[str] = frozenset()
    dark: frozenset[str] = frozenset()

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset(host for host, _ in self.places)

    @property
    def sure_of(self) -> frozenset[str]:
        """Hosts that answer this component: those it sees for itself, or the only one it has."""
        return self.hosts - self.dark if self.kind == "network" or len(self.hosts) == 1 else frozenset()

    @property
    def shows(self) -> frozenset[str]:
        """Its error's code and its findings' metrics."""
        return self.metrics | {self.code}


@dataclass(frozen=True, slots=True)
class Link:
    """A nearer cause: which component, and how the trouble is linked with it, to be read after its own name."""

    cause: str
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What explains a component and what it explains; names in configuration order.

    Attributes:
        caused_by: the roots.
        links: the nearest causes, between this component and the roots; none that another of them leads to.
    """

    caused_by: tuple[str, ...]
    explains: tuple[str, ...]
    links: tuple[Link, ...] = ()


def find_causes(components: Iterable[Cause]) -> dict[str, Explanation]:
    """The explanation of every component.

    A component that is not ok is put down to its critical dependencies, and to what the probes saw; of these to the
    ones nearest the root, which nothing explains in turn. The configuration has no cycles
    (`settings.relation_problems`), and what is seen is linked only where it closes none.
    """
    nodes = {component.name: component for component in components}
    links = {
        name: {d: NEEDS for d in node.depends_on if d in nodes and nodes[d].status is Status.CRITICAL}
        for name, node in nodes.items()
    }
    for effect, cause, why in _seen(nodes.values()):
        if cause not in links[effect] and not _leads(links, cause, effect):
            links[effect][cause] = why

    @cache  # without it a graph of diamonds takes exponential time
    def roots(name: str) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for cause in links[name]:
            found.update(dict.fromkeys(roots(cause) or (cause,)))
        return tuple(found)

    caused_by = {name: roots(name) if node.status in TROUBLED else () for name, node in nodes.items()}
    explains: dict[str, list[str]] = {name: [] for name in nodes}
    for name, causes in caused_by.items():
        for cause in causes:
            explains[cause].append(name)
    return {
        name: Explanation(
            caused_by[name],
            tuple(explains[name]),
            _nearest_links(links, name) if caused_by[name] else (),
        )
        for name in nodes
    }


def _nearest_links(links: Mapping[str, Mapping[str, str]], name: str) -> tuple[Link, ...]:
    """The links of `name` but for those to a cause that one of its other causes leads to: that one is nearer."""
    nearest = [c for c in links[name] if not any(_leads(links, other, c) for other in links[name] if other != c)]
    return tuple(Link(cause, links[name][cause]) for cause in nearest)


def _leads(links: Mapping[str, Mapping[str, str]], start: str, end: str) -> bool:
    """Whether the causes of `start`, and theirs in turn, come to `end`."""
    to_do, done = [start], set()
    while to_do:
        name = to_do.pop()
        if name == end:
            return True
        if name not in done:
            done.add(name)
            to_do += links[name]
    return False


def _seen(nodes: Iterable[Cause]) -> Iterable[tuple[str, str, str]]:
    """Effect, cause and what links them, as far as the probes see it."""
    known = list(nodes)
    troubled = [node for node in known if node.status in TROUBLED]
    yield from _one_dns(troubled)
    yield from _dark_hosts(troubled, known)
    yield from _on_this_machine(troubled)
    keepers = [c for c in troubled if c.code and any(port in KEEPER_PORTS for _, port in c.places)]
    for effect in troubled:
        if effect.kind == "clickhouse" and effect.shows & KEEPER_LOST:
            yield from ((effect.name, keeper.name, "has lost its Keeper") for keeper in keepers)


def _one_dns(troubled: Sequence[Cause]) -> Iterable[tuple[str, str, str]]:
    """Names are asked of one server: where it is silent, the first component that says so says it for all."""
    asking = [component for component in troubled if component.code == DNS_SILENT]
    yield from ((other.name, asking[0].name, "asks the same silent DNS server") for other in asking[1:])


def _dark_hosts(troubled: Sequence[Cause], known: Sequence[Cause]) -> Iterable[tuple[str, str, str]]:
    """Who is reached at a host that answers nobody is put down to who watches that host, else to the first there."""
    alive = {host for c in known if c.status in ANSWERED and c.code not in NOTHING_CAME for host in c.sure_of}
    watched = {host: watcher for watcher in reversed(troubled) for host in watcher.dark}
    first: dict[str, Cause] = {}
    for component in troubled:
        host = next(iter(component.hosts), "")
        if component.code not in NO_ANSWER or len(component.hosts) != 1 or host in alive or is_here(host):
            continue
        cause = watched.get(host) or first.setdefault(host, component)
        if cause is not component:
            yield component.name, cause.name, f"is on {host}, which does not answer"


def _on_this_machine(troubled: Sequence[Cause]) -> Iterable[tuple[str, str, str]]:
    """A finding of this machine explains what it does to the components on it."""
    for rule in ON_A_HOST:
        causes = [c for c in troubled if c.kind == rule.kind and c.metrics & rule.metrics]
        for effect in troubled:
            if effect.shows & rule.effects:
                here = all(map(is_here, effect.hosts))
                yield from ((effect.name, c.name, rule.why) for c in causes if here or c.name in effect.depends_on)


@cache
def is_here(host: str) -> bool:
    """Whether `host` is this machine by definition.

    >>> is_here("127.0.0.1"), is_here("localhost"), is_here("::1"), is_here("db1")
    (True, True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@cache
def places(target: str) -> tuple[Place, ...]:
    """Hosts and ports in what a component's configuration calls its target; 0: no port is named.

    >>> places("kafka1:9092, kafka2:9092"), places("https://[::1]:8443/ping"), places("this machine")
    ((('kafka1', 9092), ('kafka2', 9092)), (('::1', 8443),), ())
    """
    found = (_PLACE.fullmatch(part) for part in target.split(", ") if ":" in part)
    return tuple((match[1].strip("[]"), int(match[2] or 0)) for match in found if match)


def seen(name: str, status: Status, depends_on: tuple[str, ...], target: str, result: ProbeResult | None) -> Cause:
    """A component as `find_causes` looks at it, from its last result."""
    if result is None:
        return Cause(name, status, depends_on)
    named = (value for f in result.findings if f.metric == "network_reachable" for _, value in f.labels)
    return Cause(
        name=name,
        status=status,
        depends_on=depends_on,
        kind=result.kind,
        places=places(target),
        code=result.error.code if result.error else "",
        metrics=frozenset(finding.metric for finding in result.findings),
        dark=frozenset(host for value in named for host, _ in places(value)),
    )


def linked(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings of one component, each told what it follows from: causes first, the chain with the worst leading."""
    above = {at: _nearest(finding, findings) for at, finding in enumerate(findings)}
    below: dict[int | None, list[int]] = {}
    for at, cause in above.items():
        below.setdefault(cause, []).append(at)

    def worst(at: int) -> int:
        return max([findings[at].status.rank, *(worst(effect) for effect in below.get(at, ()))])

    def chain(at: int) -> Iterable[Finding]:
        cause = above[at]
        yield findings[at] if cause is None else replace(findings[at], because=findings[cause].metric)
        for effect in sorted(below.get(at, ()), key=worst, reverse=True):
            yield from chain(effect)

    return tuple(f for root in sorted(below.get(None, ()), key=worst, reverse=True) for f in chain(root))


def _nearest(finding: Finding, findings: Sequence[Finding]) -> int | None:
    """Where in `findings` the nearest cause of `finding` is: by `FOLLOWS`, of the same topic, group, disk and so on."""
    for metric in FOLLOWS.get(finding.metric, ()):
        for at, other in enumerate(findings):
            if other.metric == metric and _agree(dict(finding.labels), dict(other.labels)):
                return at
    return None


def _agree(some: Mapping[str, str], others: Mapping[str, str]) -> bool:
    """Whether two label sets speak of the same thing, as far as both name it."""
    return all(some[name] == others[name] for name in some.keys() & others.keys())
