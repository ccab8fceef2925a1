"""Writes docs/metrics.md, the catalogue of metrics for people, from the catalogue itself: ``make docs``."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from probes import KINDS, common  # noqa: E402  # they lie beside this folder
from probes.catalogue import Metric, humanize, humanize_duration, sentence_case  # noqa: E402

DOCUMENT = ROOT / "docs" / "metrics.md"

HEAD = """# Metrics

Every metric there is, by kind of component, with the thresholds that hold unless you give your own. Written from the
catalogue by `make docs`; a test keeps the two alike.

- **Names** are Prometheus' way: base units and the suffixes `_seconds`, `_bytes`, `_ratio`, `_total`. The same name
  stands in `/metrics`, in `/api/query/`, in the history and in the configuration.
- **Type**: a *gauge* is a level, a *counter* is the increase since the last reading, a *state* is a small whole number
  that is kept exactly.
- **Warning** and **critical** tell when a value counts as such: strictly beyond the threshold, for as long as the
  column after them says, else at once. "–" is: shown, and judged only where the list below the table gives a rule.
- **Read from**: the command, file, table or request, and the field. What a version or a right hides is listed as not
  visible on the component's page and is no fault.

Thresholds of your own replace only what they give, for one component:

```toml
[[component]]
kind = "host"
name = "host"
[component.thresholds]
host_disk_used_ratio = { warning = 0.7 }
```
"""

COLUMNS = ("metric", "unit", "type", "meaning", "warning", "critical", "for", "read from")


def document() -> str:
    """The whole of docs/metrics.md."""
    titles = ["Every component", *(kind.title for kind in KINDS.values())]
    groups = [common.METRICS, *(kind.metrics for kind in KINDS.values())]
    marked = [f"[{title}](#{anchor(title)}) ({len(metrics)})" for title, metrics in zip(titles, groups, strict=True)]
    parts = [HEAD, " · ".join(marked) + "\n"]
    for title, metrics in zip(titles, groups, strict=True):
        parts.append(f"## {title}\n")
        parts.append("\n".join(table(metrics)) + "\n")
        reasons = [f"- `{metric.name}`: {cell(metric.reason)}" for metric in metrics if metric.reason]
        if reasons:
            parts.append("Why these thresholds:\n")
            parts.append("\n".join(reasons) + "\n")
    return "\n".join(parts)


def table(metrics: Sequence[Metric]) -> Iterator[str]:
    """The lines of one kind's table."""
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"|{'---|' * len(COLUMNS)}"
    for metric in metrics:
        values = (
            f"`{metric.name}`",
            metric.unit,
            metric.type,
            f"**{cell(sentence_case(metric.title))}.** {cell(metric.help)}",
            beyond(metric, metric.warning),
            beyond(metric, metric.critical),
            humanize_duration(metric.for_s) if metric.for_s else "",
            cell(metric.source),
        )
        yield f"| {' | '.join(values)} |"


def beyond(metric: Metric, threshold: float | None) -> str:
    """A threshold in words: from which side it counts."""
    if threshold is None:
        return "–"
    if metric.unit == "bool":
        return "no" if metric.better == "higher" else "yes"
    return f"{'below' if metric.better == 'higher' else 'above'} {humanize(threshold, metric.unit)}"


def cell(text: str) -> str:
    """Text that neither ends a table's cell nor passes for a tag of HTML."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def anchor(title: str) -> str:
    """The address GitHub gives a heading."""
    return "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c == "-")


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
    print(f"{DOCUMENT.relative_to(ROOT)}: {sum(len(kind.metrics) for kind in KINDS.values())} metrics")
