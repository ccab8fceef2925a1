"""What follows from a root cause, as a nested list in Markdown: one element, however much there is. Pure."""

from collections.abc import Iterator, Sequence

from probes.cache import ComponentView, worst_first
from probes.causes import NEEDS
from probes.result import Finding, ProbeResult, Status
from ui.status import coloured
from ui.words import as_written

MOST = 6
"""Consequences shown of one thing; the pages of the kinds have the rest."""
INDENT = "    "


def markdown(view: ComponentView, views: Sequence[ComponentView]) -> str:
    """The list to stand below what is said of a root cause; empty when nothing follows from it."""
    lines = [*findings(view), *components(view, views)]
    return "\n\n" + "\n".join(lines) if lines else ""


def whole(views: Sequence[ComponentView]) -> str:
    """The root causes from which something follows, with all that does; empty when there are none."""
    lines: list[str] = []
    for view in worst_first(views):
        below = [*findings(view, 1), *components(view, views, 1)] if not view.caused_by else []
        if below and view.status.rank > Status.OK.rank:
            lines += [_line(0, view.status, f"**{view.name}** {as_written(view.sentence)}"), *below]
    return "\n".join(lines)


def findings(view: ComponentView, depth: int = 0, *, hints: bool = False) -> list[str]:
    """What else is found in a component: what follows from what it says first, and the rest beside it.

    Args:
        hints: with what to do about each.
    """
    result = view.result
    if result is None or result.error is not None:
        return []
    lines: list[str] = []
    for finding, level in _levels(result):
        hint = f" :gray[{as_written(finding.hint)}]" if hints else ""
        word = "→" if finding.because else ":gray[also]"
        lines.append(_line(depth + level, finding.status, f"{word} {as_written(finding.message)}{hint}"))
    return [*lines[:MOST], *_more(len(lines), depth)]


def components(view: ComponentView, views: Sequence[ComponentView], depth: int = 0) -> list[str]:
    """Which components' trouble follows from `view`'s, each below its nearest cause."""
    effects = [other for other in views if any(link.cause == view.name for link in other.links)]
    lines: list[str] = []
    for other in effects[:MOST]:
        why = next(link.why for link in other.links if link.cause == view.name)
        lines.append(_line(depth, other.status, f"→ **{other.name}** :gray[{why}:] {as_written(other.sentence)}"))
        if other.links[0].cause == view.name:  # with several causes what follows from it stands below the first
            lines += components(other, views, depth + 1)
    return [*lines, *_more(len(effects), depth)]


def put_down(view: ComponentView) -> str:
    """What a component's trouble is put down to, in words; empty when nothing explains it."""
    if not view.caused_by:
        return ""
    seen = dict.fromkeys(f"it {link.why}" for link in view.links if link.why != NEEDS)
    return f":gray[Put down to] {', '.join(view.caused_by)}" + (f" :gray[({'; '.join(seen)})]" if seen else "")


def _levels(result: ProbeResult) -> Iterator[tuple[Finding, int]]:
    """The findings but for the one that leads, each with the number of causes shown above it."""
    lead, depths, shift = result.lead, dict[str, int](), 0
    for finding in result.findings:  # a cause stands before what follows from it
        depth = depths.get(finding.because, -1) + 1 if finding.because else 0
        depths[finding.metric] = depth
        if not depth:
            shift = int(finding is lead)
        if finding is not lead:
            yield finding, depth - shift


def _line(depth: int, status: Status, text: str) -> str:
    return f"{INDENT * depth}- {coloured(status)} {text}"


def _more(count: int, depth: int) -> list[str]:
    return [f"{INDENT * depth}- :gray[and {count - MOST} more]"] if count > MOST else []
