"""A Kafka cluster's topics and groups as tables to pick from, and one of them with its partitions and its history.

What is picked is in the URL as ``topic=ticks`` or ``group=desk``: a link, and the browser's way back, lead there.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from history.answers import SeriesSet
from history.queries import exploring
from history.rows import SeriesKey
from history.window import quoted
from probes import METRICS
from probes.cache import ComponentView
from probes.catalogue import humanize, sentence_case
from probes.result import Table, labels
from ui import cards, charts, kafka_rows, selection, shown
from ui.frame import Page
from ui.panels import Panel, Question, plot_answer, show
from ui.questions import events_of, events_question, fresh_s, known_statuses, limits, nothing, statuses_question
from ui.words import left_out, told, verbatim

TOPIC, GROUP = "topic", "group"
MOST_LINES = 12
MOST_NAMED = 12
EMPTY = {"topics": "No topic but Kafka's own.", "groups": "No consumer group."}
UNKNOWN = "Not known now: the last check could not read it."


def known_tables(view: ComponentView) -> Mapping[str, Table] | None:
    """The tables of the last result; None when there is none that could be read."""
    return None if view.result is None or view.result.error is not None else view.result.tables


def drilled(page: Page, view: ComponentView) -> bool:
    """Show the one topic or group that the URL names; returns whether it names one there may be."""
    tables = known_tables(view)
    for kind, draw in ((TOPIC, _topic), (GROUP, _group)):
        name = st.query_params.get(kind, "")
        if not name:
            continue
        if tables is not None and kind in _told(tables) and name not in kafka_rows.names(tables, kind):
            _complain(kind, name, kafka_rows.names(tables, kind))
            continue
        draw(page, view, tables or {}, name)
        return True
    return False


def _told(tables: Mapping[str, Table]) -> set[str]:
    """Of which kinds the cluster told all there are."""
    return {kind for kind, table in ((TOPIC, "partitions"), (GROUP, "groups")) if table in tables}


def _complain(kind: str, name: str, there: Sequence[str]) -> None:
    more = f" and {len(there) - MOST_NAMED} more" if len(there) > MOST_NAMED else ""
    listed = f"There are: {', '.join(map(verbatim, there[:MOST_NAMED]))}{more}." if there else "There is none."
    st.warning(f'"{kind}" is {verbatim(quoted(name))}, which this cluster does not have. {listed}')


def pick(view: ComponentView) -> None:
    """Topics and groups as tables; a row that is ticked is looked into."""
    tables = known_tables(view)
    for name, kind in (("topics", TOPIC), ("groups", GROUP)):
        st.markdown(f"**{cards.pretty(name)}** :gray[tick a row to look into it]")
        if tables is None:
            st.caption(UNKNOWN if view.result else "Not read yet.")
        else:
            _picking(tables.get(name), EMPTY[name], kind)


def _picking(table: Table | None, empty: str, kind: str) -> None:
    if table is None or not table.rows:
        st.caption(empty)
        return
    frame, columns = cards.framed(table)
    found, key = [row[kind] for row in kafka_rows.rows(table)], f"pick:{kind}"
    st.dataframe(
        shown.keep(frame),
        hide_index=True,
        key=key,
        column_config=columns,
        on_select=lambda: _picked(key, kind, found),
        selection_mode="single-row",
        alt=f"{kind}s: {', '.join(map(cards.pretty, frame.columns))}",
    )


def _picked(key: str, kind: str, found: Sequence[str]) -> None:
    for row in st.session_state[key]["selection"]["rows"]:
        if row < len(found):
            look_into(kind, found[row])


def look_into(kind: str, name: str) -> None:
    """Make the page about one topic or group; about the whole cluster again when `name` is empty. For callbacks."""
    for other in (TOPIC, GROUP):
        selection.put(other, name if other == kind else "")


def _head(kind: str, name: str, figures: Sequence[tuple[str, str]]) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader(f"{cards.pretty(kind)} {verbatim(name)}", anchor=False)
        st.button(
            "All topics and groups",
            icon=":material/arrow_back:",
            key="back to all",
            on_click=look_into,
            args=(kind, ""),
        )
    if figures:
        with st.grid(len(figures), min_column_width=150, gap="small"):
            for title, value in figures:
                st.metric(title, value, border=True)


def _links(kind: str, names: Sequence[str]) -> None:
    """Buttons that lead to topics or groups."""
    if names:
        with st.container(horizontal=True, gap="small"):
            for name in names[:MOST_NAMED]:
                key = f"{kind}:{name}"
                st.button(verbatim(name), key=key, type="tertiary", on_click=look_into, args=(kind, name))


def _topic(page: Page, view: ComponentView, tables: Mapping[str, Table], topic: str) -> None:
    row = next((row for row in kafka_rows.rows(tables.get("topics")) if row["topic"] == topic), {})
    partitions, positions = kafka_rows.of_topic(tables, topic)
    _head(
        TOPIC,
        topic,
        [
            ("Partitions", f"{len(partitions.rows)}" if partitions.rows else "—"),
            ("Messages", _shown(row.get("messages_per_second"), "messages/s")),
            ("On disk, all copies", _shown(row.get("size_bytes"), "bytes")),
            ("Kept for", _shown(row.get("kept_seconds"), "seconds")),
        ],
    )
    if row.get("at_risk"):
        st.caption(f":material/info: {sentence_case(row['at_risk'])}")
    groups = kafka_rows.groups_of(tables, topic)
    lags = [SeriesKey(view.name, "kafka_group_lag_messages", labels(group=group, topic=topic)) for group in groups]
    named = labels(topic=topic)
    _history(
        page,
        view,
        [
            [SeriesKey(view.name, "kafka_topic_messages_per_second", named)],
            lags,
            [SeriesKey(view.name, "kafka_topic_size_bytes", named)],
        ],
    )
    st.markdown("**Partitions**")
    cards.table(partitions, UNKNOWN, key="table:topic partitions")
    st.markdown("**Groups that consume it**")
    _links(GROUP, groups)
    cards.table(positions, "No group has committed an offset of it.", key="table:topic groups")


def _group(page: Page, view: ComponentView, tables: Mapping[str, Table], group: str) -> None:
    row = next((row for row in kafka_rows.rows(tables.get("groups")) if row["group"] == group), {})
    members = row.get("members")
    _head(
        GROUP,
        group,
        [
            ("Evaluation", row.get("evaluation") or "—"),
            ("State", row.get("state") or "—"),
            ("Members", "—" if members is None else f"{members}"),
            ("Lag", _shown(row.get("lag_messages"), "messages")),
            ("Oldest unread", _shown(row.get("lag_seconds"), "seconds")),
        ],
    )
    topics, named = kafka_rows.topics_of(tables, group), labels(group=group)
    lags = [SeriesKey(view.name, "kafka_group_lag_messages", labels(group=group, topic=topic)) for topic in topics]
    _history(
        page,
        view,
        [
            [SeriesKey(view.name, "kafka_group_lag_seconds", named)],
            lags,
            [SeriesKey(view.name, "kafka_group_evaluation", named)],
        ],
    )
    st.markdown("**Partitions**")
    _links(TOPIC, topics)
    cards.table(kafka_rows.of_group(tables, group), "It has committed no offset.", key="table:group partitions")


def _shown(value: float | None, unit: str) -> str:
    return "—" if value is None else humanize(value, unit)


def _history(page: Page, view: ComponentView, charted: Sequence[Sequence[SeriesKey]]) -> None:
    show(page.monitor.reader, [_panel(page, view.name, keys[:MOST_LINES]) for keys in charted if keys], columns=2)


def _panel(page: Page, component: str, keys: Sequence[SeriesKey]) -> Panel[SeriesSet]:
    """A metric of one topic or group over the page's range."""
    metric = METRICS[keys[0].metric]
    name = sentence_case(metric.title)
    return Panel(
        title=name,
        question=Question(exploring.chosen, (page.window, tuple(keys)), fresh_s(page)),
        draw=partial(_draw, page, component, metric.name),
        empty=lambda answer: not answer.series,
        nothing=nothing(page, f"Nothing of this was recorded in this range: {metric.title}."),
        told=lambda answer: told(name, metric, answer.series, page.zone, min(page.window.end_s, answer.read_s)),
        beside=(events_question(page.window), statuses_question(page, component)),
    )


def _draw(page: Page, component: str, metric: str, answer: SeriesSet) -> None:
    lines = sorted(answer.series, key=lambda line: -(line.last or 0.0))
    figure = charts.time_series(
        lines,
        page.window,
        page.zone,
        events=events_of(page, (component,)),
        strip=(component, known_statuses(page, component)),
        thresholds=limits(page.monitor, metric, (component,)),
        read_s=answer.read_s,
    )
    plot_answer(figure, f"chart:{metric}:{component}:one", answer, left_out(lines, charts.MAX_LINES))
