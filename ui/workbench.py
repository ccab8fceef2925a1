"""The SQL page's parts: the editor, what there is to ask, and the statement under way.

A statement is only run by whoever presses the button: what comes with a link is shown first.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote_plus

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from history import queries
from history.notes import STATEMENT_CHARACTERS
from history.reader import WAIT_S
from history.workbench.bench import Bench, Run
from history.workbench.catalogue import TABLES
from history.workbench.examples import EXAMPLES
from history.workbench.guard import LONGEST
from probes.catalogue import humanize, humanize_duration
from ui import answered
from ui.frame import Page
from ui.state import running
from ui.words import verbatim

MOST_EARLIER = 20
BUSY_EVERY_S, IDLE_EVERY_S = 0.5, 15.0
EDITOR_PX, BESIDE_PX = 230, 268
_TEXT, _LINKED, _SHOWN, _RUN, _EARLIER, _BUSY = (
    f"sql {word}" for word in ("text", "linked", "link shown", "run", "earlier", "busy")
)


@dataclass(frozen=True, slots=True)
class Earlier:
    """A statement that was run before: how it ended, in words."""

    text: str
    began_s: float
    ended: str


def bench() -> Bench:
    """The workbench of this process."""
    return running().workbench


def closed() -> None:
    """Say why there is no workbench here, and what opens it."""
    st.info(f"There is no SQL here. {bench().closed}", icon=":material/lock:")


def desk(page: Page) -> None:
    """The editor, and beside it tables, examples and earlier statements."""
    _follow_link()
    left, right = st.columns([5, 3], gap="medium")
    with left:
        _editor(page)
    with right:
        tables, examples, earlier = st.tabs(["Tables", "Examples", "Earlier"])
        with tables, st.container(height=BESIDE_PX, border=False, gap="xsmall"):
            _tables(page)
        with examples, st.container(height=BESIDE_PX, border=False, gap=None):
            for example in EXAMPLES:
                text = example.written_for(page.zone.key)
                st.button(
                    example.question, type="tertiary", on_click=take, args=(text,), key=f"sql e {example.question}"
                )
        with earlier, st.container(height=BESIDE_PX, border=False, gap=None):
            _earlier(page)


def pace_s() -> float:
    """Seconds between two drawings of `outcome`: quick while a statement runs."""
    run: Run | None = st.session_state.get(_RUN)
    busy = st.session_state[_BUSY] = run is not None and run.outcome is None
    return BUSY_EVERY_S if busy else IDLE_EVERY_S


def outcome(page: Page) -> None:
    """How the statement under way or the last one stands."""
    run: Run | None = st.session_state.get(_RUN)
    if run is None:
        st.caption("Nothing was run yet. Write a statement or take an example; what it may do stands below the editor.")
        return
    ended = run.outcome
    if ended is None:
        _under_way(run)
        return
    if st.session_state.get(_BUSY):
        st.rerun()  # the page's pace is the busy one until it is drawn as a whole
    if ended.state == "done":
        answered.draw(page, run, ended)
    elif ended.state == "cancelled":
        st.info(f"Cancelled after {humanize_duration(ended.took_s)}: there is no result.", icon=":material/cancel:")
    else:
        icon = ":material/block:" if ended.state == "refused" else ":material/cloud_off:"
        st.warning(said(f"{ended.sentence} {ended.hint}".strip()), icon=icon)


def take(text: str) -> None:
    """Put a statement into the editor, not run; for callbacks."""
    st.session_state[_TEXT] = text
    st.session_state[_SHOWN] = False


def said(sentence: str) -> str:
    r"""A sentence that may quote a statement, for Markdown: plain names between backticks as code, all else as it is.

    >>> print(said("`file` is not [allowed](x)."))
    `file` is not \[allowed\]\(x\)\.
    """
    parts = re.split(r"(`[\w .]+`)", sentence)
    return "".join(part if index % 2 else verbatim(part) for index, part in enumerate(parts))


def linkable(text: str) -> bool:
    """Whether a statement is short enough for an address.

    >>> linkable("select 1"), linkable("é" * 1000), linkable("/" * 3000)
    (True, False, False)
    """
    return len(quote_plus(text)) <= STATEMENT_CHARACTERS


def _follow_link() -> None:
    """Show the statement of the address once for each address: a new link, or the browser's way back."""
    asked, session = st.query_params.get("q", ""), st.session_state
    if asked and asked != session.get(_LINKED):
        take(asked[:LONGEST])
        session[_SHOWN] = True
    session[_LINKED] = asked


def _editor(page: Page) -> None:
    if st.session_state.get(_SHOWN):
        st.info("This statement came with the link and was not run: read it, then press Run.", icon=":material/link:")
    with st.form("sql editor", border=False):
        st.text_area(
            "Statement",
            key=_TEXT,
            height=EDITOR_PX,
            max_chars=LONGEST,
            placeholder="SELECT …",
            persist_state="session",
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            st.form_submit_button("Run", icon=":material/play_arrow:", on_click=_run, args=(page,), help="Ctrl+Enter")
            limits = bench().settings
            st.caption(
                f"Reads only, at most {limits.max_seconds:g} s, 1 GB and {limits.max_rows:,} rows. "
                f"The range above is {verbatim('{from:DateTime}')} and {verbatim('{to:DateTime}')}."
            )
    run: Run | None = st.session_state.get(_RUN)
    if run is not None and not linkable(run.text):
        st.caption(
            f"This statement is too long for a link, which holds {STATEMENT_CHARACTERS:,} encoded characters: "
            "a link and a saved view open this page without it."
        )


def _run(page: Page) -> None:
    session, context = st.session_state, get_script_run_ctx()
    text = session[_TEXT]
    before: Run | None = session.get(_RUN)
    run = bench().start(context.session_id if context else "", text, page.window)
    session[_RUN], session[_SHOWN] = run, False
    if before is not None:
        _remember(before)
    if linkable(text):
        st.query_params["q"] = session[_LINKED] = text
    elif "q" in st.query_params:
        del st.query_params["q"]
        session[_LINKED] = ""


def _remember(run: Run) -> None:
    """Keep what a statement said, not its rows; the same one twice is kept once."""
    ended = run.outcome
    words: str = "was left running" if ended is None else ended.state
    if ended is not None and ended.result is not None:
        words = f"{len(ended.result.frame):,} rows in {humanize_duration(ended.took_s)}"
    others = [one for one in st.session_state.get(_EARLIER, []) if one.text != run.text]
    st.session_state[_EARLIER] = [Earlier(run.text, run.began_s, words), *others][:MOST_EARLIER]


def _under_way(run: Run) -> None:
    limit_s, progress = bench().settings.max_seconds, run.progress
    words = [f"Running for {humanize_duration(round(progress.elapsed_s, 1))} of at most {limit_s:g} s"]
    if progress.rows:
        words.append(f"{humanize(progress.rows, '')} rows read, {humanize(progress.bytes, 'bytes')}")
    if progress.memory_bytes > 0:
        words.append(f"{humanize(progress.memory_bytes, 'bytes')} of memory")
    with st.container(horizontal=True, vertical_alignment="center"):
        stopping = run.cancelled
        st.progress(min(1.0, progress.elapsed_s / limit_s), " · ".join(["Stopping"] if stopping else words))
        st.button("Cancel", icon=":material/stop:", on_click=run.cancel, disabled=stopping, key="sql cancel")


def _tables(page: Page) -> None:
    kept = page.monitor.reader.ask(queries.stored, 60.0, WAIT_S).value or {}
    for name, table in TABLES.items():
        rows, size = kept.get(name, (0, 0))
        how_much = f" :gray[{humanize(rows, '')} rows, {humanize(size, 'bytes')}]" if name in kept else ""
        with st.expander(f"**{name}**{how_much}"):
            lines = [f"`{column.name}` :gray[{column.type}]  \n{said(column.meaning)}" for column in table.columns]
            st.markdown("\n\n".join([said(table.meaning), *lines]))


def _earlier(page: Page) -> None:
    earlier: list[Earlier] = st.session_state.get(_EARLIER, [])
    if not earlier:
        st.caption("What you ran before the last statement will stand here, until you close this tab of the browser.")
    for one in earlier:
        at = datetime.fromtimestamp(one.began_s, UTC).astimezone(page.zone)
        st.button(first_words(one.text), type="tertiary", on_click=take, args=(one.text,), key=f"sql b {one.began_s}")
        st.caption(f"{at:%H:%M:%S} · {one.ended}")


def first_words(text: str, most: int = 64) -> str:
    """How a statement begins, in one line that Markdown leaves as it is.

    >>> first_words("select 1\\n  from samples")
    'select 1 from samples'
    """
    line = " ".join(text.split())
    return verbatim(line if len(line) <= most else f"{line[: most - 1]}…")
