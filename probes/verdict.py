"""The one sentence over everything. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from probes.cache import ComponentView, worst_first
from probes.result import Status, worst


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state of the whole stack.

    Attributes:
        status: worst of all, where a component that is not critical to the desk counts as a warning at most.
        sentence: what a person should read first.
        roots: components in trouble that nothing else explains, worst first.
        healthy: components that are ok, in configuration order.
        counts: how many components have each status; every status is a key.
    """

    status: Status
    sentence: str
    roots: tuple[ComponentView, ...]
    explained: tuple[ComponentView, ...]
    healthy: tuple[ComponentView, ...]
    counts: dict[Status, int]
    oldest_age_s: float | None


def judge_all(views: Sequence[ComponentView]) -> Verdict:
    """The verdict over `views`."""
    counts = {status: sum(view.status == status for view in views) for status in Status}
    troubled = [view for view in worst_first(views) if view.status.rank > Status.OK.rank]
    roots = tuple(view for view in troubled if not view.caused_by)
    ages = [view.age_s for view in views if view.age_s is not None]
    return Verdict(
        status=worst(_weighted(view) for view in views),
        sentence=_sentence(views, roots, troubled),
        roots=roots,
        explained=tuple(view for view in troubled if view.caused_by),
        healthy=tuple(view for view in views if view.status == Status.OK),
        counts=counts,
        oldest_age_s=max(ages, default=None),
    )


def _weighted(view: ComponentView) -> Status:
    if view.status == Status.CRITICAL and not view.component.critical:
        return Status.WARNING
    return view.status


def _sentence(views: Sequence[ComponentView], roots: Sequence[ComponentView], troubled: Sequence[ComponentView]) -> str:
    if not views:
        return "Nothing is configured yet."
    if all(view.pending for view in views):
        return "The first checks are under way."
    if not troubled:
        return f"All {len(views)} components are healthy." if len(views) > 1 else f"{views[0].name} is healthy."
    need = [view for view in troubled if view.status.rank > Status.UNKNOWN.rank]
    if not need:
        return f"{len(troubled)} of {len(views)} components have no fresh data; nothing is known to be broken."
    first = roots[0] if roots else need[0]
    affected = f" → {_listed(first.explains)} affected" if first.explains else ""
    verb = "needs" if len(need) == 1 else "need"
    return f"{len(need)} of {len(views)} {verb} you: {first.sentence.rstrip('.')}{affected}."


def _listed(names: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
