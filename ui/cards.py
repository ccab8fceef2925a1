"""Component cards and the small tables of the live pages."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from monitor import Monitor
from probes import METRICS
from probes.cache import ComponentView, worst_first
from probes.catalogue import humanize, humanize_duration, sentence_case
from probes.result import Labels, ProbeResult, Status, Table
from ui import causetree, timerange
from ui.frame import Page
from ui.spark import sparkline
from ui.status import plain, since, view_age, view_badge
from ui.words import as_written

KIND_PAGES = {
    "host": "pages/system.py",
    "process": "pages/system.py",
    "redis": "pages/redis.py",
    "clickhouse": "pages/clickhouse.py",
    "kafka": "pages/kafka.py",
    "network": "pages/network.py",
}
"""Where a kind's depth is; the other kinds have what there is of them on Performance."""
SPARK_POINTS = 60
DURATION_STEPS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
ACRONYMS = {"cpu": "CPU", "id": "ID", "pid": "PID", "rtt": "RTT", "tls": "TLS", "ttl": "TTL"}


Aged = Callable[[ComponentView], str]
"""Says how old what is known of a component is."""


def card(
    view: ComponentView, now: datetime, zone: ZoneInfo, *, mark: str = "", remark: str = "", aged: Aged = view_age
) -> None:
    """One component: name and status, its key figure with a sparkline, since when, how old.

    Two elements a card and no more: what a browser spends on the first paint grows with their number.

    Args:
        now: the moment it is shown as of.
        mark: a badge beside the status.
        remark: what is to be known of the figure.
    """
    with st.container(border=True, gap="xxsmall", height="stretch"):
        label, value, points = key_figure(view)
        st.metric(f"**{view.name}** {view_badge(view)} {mark}".rstrip(), value)
        what = (
            as_written(view.sentence)
            if view.status.rank > Status.OK.rank
            else view.result.summary
            if view.result
            else ""
        )
        begun = since(view.since, now, zone) or ("first check under way" if view.pending else "")
        lines = (as_written(what) or view.kind.title, " · ".join(filter(None, (begun, aged(view)))))
        picture = sparkline(points, f"recent course of {label}")
        details = "  \n".join(f":small[:gray[{line}]]" for line in lines)
        st.markdown(f":small[{label}{remark}]  \n{picture}\n\n{details}")


def key_figure(view: ComponentView) -> tuple[str, str, list[float]]:
    """Label, value in words and the recent course of a component's key metric (its latency when it has none).

    A value is shown only from the last result: an older one would pass for the present.
    """
    metric = METRICS[view.kind.key_metric]
    keys = [key for _, _, key in view.recent]
    latencies_s = [None if latency_ms is None else latency_ms / 1000 for _, latency_ms, _ in view.recent]
    by_latency = not any(key is not None for key in keys) and any(value is not None for value in latencies_s)
    values, label, unit = (latencies_s, "Latency", "seconds") if by_latency else (keys, metric.title, metric.unit)
    last = values[-1] if values and not view.stale else None
    shown = "—" if last is None else humanize(last, unit)
    return sentence_case(label), shown, [value for value in values if value is not None][-SPARK_POINTS:]


def root_cause(
    view: ComponentView,
    views: Sequence[ComponentView],
    now: datetime,
    zone: ZoneInfo,
    act: Callable[[ComponentView], None],
) -> None:
    """A component in trouble that nothing else explains: what, since when, all that follows from it, what to do.

    Args:
        views: all components at that moment.
        act: draws what can be done about it.
    """
    with st.container(border=True, horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(
            f"{view_badge(view)} **{view.name}** :gray[{since(view.since, now, zone)}]  \n"
            f"{as_written(f'{view.sentence} {view.hint}')}{causetree.markdown(view, views)}",
            width="stretch",
        )
        act(view)


def look_into(view: ComponentView, monitor: Monitor) -> None:
    """What can be done about a component now: check it, see its depth."""
    check_now(view, monitor)
    st.page_link(
        KIND_PAGES.get(view.kind.name, "pages/performance.py"),
        label="Details",
        icon=":material/arrow_forward:",
        query_params={"component": view.name},
    )


def check_now(view: ComponentView, monitor: Monitor) -> None:
    """A button that starts an immediate check."""
    st.button(
        "Check now",
        key=f"check:{view.name}",
        icon=":material/refresh:",
        type="tertiary",
        on_click=_request,
        args=(monitor, view.name),
    )


def _request(monitor: Monitor, name: str) -> None:
    monitor.check_now(name)


def verdict_line(views: Sequence[ComponentView], kind: str, now: datetime, monitor: Monitor) -> ComponentView | None:
    """The head of a page about one kind: which component, its status sentence; returns the one chosen."""
    if not views:
        st.info(
            f'No component of kind "{kind}" is configured. Add a [[component]] with kind = "{kind}" to tapewatch.toml; '
            "tapewatch.example.toml has one to copy.",
            icon=":material/add_circle:",
        )
        return None
    names = [view.name for view in views]
    wanted = st.query_params.get("component")
    chosen = names.index(wanted) if wanted in names else 0
    if len(views) > 1:
        name = st.segmented_control(
            "Component", names, default=names[chosen], key=f"component:{kind}", label_visibility="collapsed"
        )
        chosen = names.index(name) if name in names else chosen
    view = views[chosen]
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        said = as_written(f"{view.sentence or 'Everything read is within its limits.'} {view.hint}")
        st.markdown(f"{view_badge(view)} {said} :gray[{since(view.since, now, timerange.zone())} · {view_age(view)}]")
        check_now(view, monitor)
    if others := causetree.findings(view, hints=True):
        st.markdown("\n".join(others))
    if view.caused_by:
        st.markdown(causetree.put_down(view))
    return view


def figures(result: ProbeResult | None, wanted: Sequence[tuple[str, str]], columns: int = 4) -> None:
    """A row of key figures: (metric, title); a metric with several label sets shows its worst."""
    with st.grid(columns, min_column_width=150, gap="small"):
        for metric, title in wanted:
            values = [] if result is None else [r.value for r in result.readings if r.metric == metric]
            catalogued = METRICS[metric]
            value = (min if catalogued.better == "higher" else max)(values) if values else None
            st.metric(
                title, "—" if value is None else humanize(value, catalogued.unit), border=True, help=catalogued.help
            )


def facts(result: ProbeResult | None) -> None:
    """Version, role, mode and the like in one line, and what could not be read."""
    if result is None:
        return
    if result.facts:
        st.caption(" · ".join(f"{name} {value}" for name, value in result.facts.items()))
    if result.unavailable:
        st.caption("Not visible here: " + "; ".join(result.unavailable))


def table(rows: Table | None, empty: str, *, key: str) -> None:
    """A probe's table, sortable and searchable. A column's unit is its name's suffix, as in the metrics."""
    if rows is None or not rows.rows:
        st.caption(empty)
        return
    frame, columns = framed(rows)
    st.dataframe(frame, hide_index=True, key=key, column_config=columns, alt=", ".join(map(pretty, frame.columns)))


def framed(rows: Table) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A probe's table as a frame, columns without any value left out, and how its columns look."""
    frame = pd.DataFrame(list(rows.rows), columns=list(rows.columns)).dropna(axis="columns", how="all")
    columns = {}
    for name in frame.columns:
        peak = 0.0
        if name.endswith("_seconds"):
            frame[name] = pd.to_numeric(frame[name])
            peak = float(frame[name].abs().max())
        title, config, factor = column_look(name, peak)
        if factor != 1:
            frame[name] = frame[name] * factor
        columns[name] = config(title)
    return frame, columns


def column_look(name: str, peak: float) -> tuple[str, Callable[[str], Any], float]:
    """Title, column type and factor of a table's column by its name's suffix; durations in the unit of their `peak`."""
    for suffix, form, unit in (
        ("_bytes_per_second", "bytes", " per s"),
        ("_per_second", "compact", " per s"),
        ("_bytes", "bytes", ""),
        ("_ratio", "percent", ""),
        ("_factor", "%.2f ×", ""),
    ):
        if f"_{name}".endswith(suffix):
            return pretty(name.removesuffix(suffix)) + unit, partial(st.column_config.NumberColumn, format=form), 1.0
    if name.endswith("_seconds"):
        size, unit = next((step for step in DURATION_STEPS if peak >= step[0]), DURATION_STEPS[-1])
        form = f"%.3g {unit}"
        return pretty(name.removesuffix("_seconds")), partial(st.column_config.NumberColumn, format=form), 1 / size
    return pretty(name), st.column_config.Column, 1.0


def metrics_table(view: ComponentView, key: str) -> None:
    """Every reading of a component with its meaning: the last resort that always answers."""
    if view.result is None or not view.result.readings:
        st.caption("Nothing has been read yet." if view.pending else "The last check could not read anything.")
        return
    rows = [
        (r.metric, label_text(r.labels), humanize(r.value, METRICS[r.metric].unit), METRICS[r.metric].help)
        for r in view.result.readings
    ]
    frame = pd.DataFrame(rows, columns=["Metric", "Labels", "Value", "Meaning"])
    st.dataframe(frame, hide_index=True, key=key, alt="All metrics")


def label_text(labels: Labels) -> str:
    """Labels as Prometheus writes them, without braces."""
    return ", ".join(f"{name}={value}" for name, value in labels)


def pretty(name: str) -> str:
    """A name for people: spaces for underscores, a capital first.

    >>> pretty("lag_messages"), pretty("last_rtt")
    ('Lag messages', 'Last RTT')
    """
    return sentence_case(" ".join(ACRONYMS.get(word, word) for word in name.split("_")))


def services_frame(
    views: Sequence[ComponentView], now: datetime, zone: ZoneInfo, aged: Aged = view_age
) -> pd.DataFrame:
    """The Services table: a row a component, worst first as given."""
    return pd.DataFrame(
        [
            {
                "Status": plain(view.status),
                "Component": view.name,
                "Kind": view.kind.title,
                "Since": since(view.since, now, zone).removeprefix("since "),
                "Latency": "—"
                if view.result is None or view.result.latency_ms is None
                else humanize_duration(view.result.latency_ms / 1000),
                "Checked": aged(view),
                "Depends on": ", ".join(view.component.depends_on),
                "Put down to": ", ".join(view.caused_by),
                "What it says": f"{view.sentence} {view.hint}".strip(),
            }
            for view in views
        ]
    )


def tables(result: ProbeResult | None, wanted: Mapping[str, str]) -> None:
    """The probe's tables one below the other: name → the sentence when it is empty."""
    for name, empty in wanted.items():
        st.markdown(f"**{pretty(name)}**")
        if result is None or result.error is not None:
            st.caption("Not known now: the last check could not read it." if result else "Not read yet.")
        else:
            table(result.tables.get(name), empty, key=f"table:{name}")


def watched(views: Sequence[ComponentView], title: str, page: Page) -> None:
    """Other components that belong to a page, a line each."""
    st.markdown(f"**{title}**")
    for view in worst_first(views):
        when = since(view.since, page.now, page.zone)
        st.markdown(f"{view_badge(view)} **{view.name}** {as_written(view.sentence)} :gray[{when}]")


def all_metrics(view: ComponentView) -> None:
    """Everything that was read, folded away."""
    with st.expander("Every metric read"):
        metrics_table(view, key=f"metrics:{view.name}")
