"""What a person calls metrics and series. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from history.answers import Series
from history.rows import SeriesKey
from probes import METRICS
from probes.catalogue import sentence_case


def title_of(metric: str) -> str:
    """What a person calls a metric: its title in the catalogue, or its name."""
    return sentence_case(METRICS[metric].title) if metric in METRICS else metric


def name_of(key: SeriesKey) -> str:
    """What a person calls a series of a component: the metric's title and the label values.

    >>> name_of(SeriesKey("kafka", "kafka_group_lag_messages", (("group", "desk"), ("topic", "ticks"))))
    'Lag by group · desk · ticks'
    """
    return " · ".join([title_of(key.metric), *(value for _, value in key.labels)])


def told_apart(lines: Sequence[Series]) -> list[Series]:
    """The same lines with labels that tell each from the others: component and metric where they differ, and labels."""
    components, metrics = {line.component for line in lines}, {line.metric for line in lines}
    same = set.intersection(*(set(line.labels) for line in lines)) if len(lines) > 1 else set()
    found = []
    for line in lines:
        labels = [(name, value) for name, value in line.labels if (name, value) not in same]
        if len(metrics) > 1:
            labels.insert(0, ("metric", title_of(line.metric).lower()))
        if len(components) > 1 and line.component:
            labels.insert(0, ("component", line.component))
        found.append(replace(line, labels=tuple(labels or line.labels)))
    return found
