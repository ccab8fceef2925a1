"""What people leave in the history: annotations and saved views.

A note is checked, taken in and shown at once; the recorder puts it into the spool and from there, once, into
ClickHouse. So nobody waits for a history that is away, and nothing that was accepted is lost. Nothing is ever removed
either: a deleted note is a newer version of it that says so.
"""

import math
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from history.answers import Event, View
from history.recorder import Recorder
from history.rows import EventRow, Note, ViewRow
from history.window import Window, quoted, shown

ANNOTATION = "annotation"
KINDS = (ANNOTATION, "deploy", "restart")
"""What people and their scripts can note; every other kind is Tapewatch's own."""
MOST_WAITING = 1_000
"""Notes that wait for a history that is away: then no more are taken."""
RECENT_S = 60.0
"""So long after a note was written it is still added to answers, which may have been read before."""
STATEMENT_CHARACTERS = 4_000
"""Of a statement in an address, encoded: proxies and mail programs cut longer ones."""
LONGEST = {"text": 500, "author": 60, "name": 80, "note": 300, "query": STATEMENT_CHARACTERS + 1_000}
"""Characters; a view's address holds any statement that a link does, and its range beside it."""
FIRST_S, LAST_S = 100_000_000, 3_800_000_000
"""1973 to 2090, as ranges (`history.window`)."""


class NoteError(ValueError):
    """A note that cannot be taken. `param` names what is wrong with it; the message says what to write."""

    def __init__(self, param: str, message: str) -> None:
        self.param = param
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class _Recent:
    """A note that was taken in, and when it was last seen to wait, in monotonic seconds."""

    note: Note
    waited_s: float


class Notes:
    """Takes notes in and shows them from that moment on; never blocks.

    Args:
        clock: epoch seconds.
        timer: monotonic seconds.
    """

    def __init__(
        self,
        recorder: Recorder,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._recorder = recorder
        self._clock = clock
        self._timer = timer
        self._lock = threading.Lock()
        self._recent: dict[str, _Recent] = {}
        self._version = 0

    def annotate(
        self,
        at_s: float,
        text: str,
        *,
        till_s: float | None = None,
        component: str = "",
        author: str = "",
        kind: str = ANNOTATION,
        components: Iterable[str] = (),
    ) -> Event:
        """Note that something happened.

        Args:
            at_s: epoch seconds; `till_s` its end, None for a moment.
            component: what it is about; empty: everything.
            components: those there are.

        Raises:
            NoteError: something of it cannot be used, or too many wait.
        """
        if kind not in KINDS:
            raise NoteError("kind", f'"kind" is {quoted(kind)}; there are: {", ".join(KINDS)}.')
        if component and component not in (known := tuple(components)):
            raise NoteError("component", f"There is no component {quoted(component)}; there are: {', '.join(known)}.")
        at_ms, till_ms = _moments_ms(at_s, till_s)
        row = EventRow(
            id=str(uuid.uuid4()),
            at_ms=at_ms,
            till_ms=till_ms,
            kind=kind,
            component=component,
            author=_line("author", author, optional=True),
            text=_line("text", text),
            ver=self._next_version(),
        )
        self._take(row)
        return _event(row)

    def delete_annotation(self, event: Event) -> None:
        """Take an event of `KINDS` back.

        Raises:
            NoteError: it is Tapewatch's own, or too many notes wait.
        """
        if event.kind not in KINDS:
            raise NoteError("id", f"Events of the kind {quoted(event.kind)} are Tapewatch's own: they stay.")
        at_ms, till_ms = round(event.at_s * 1000), None if event.till_s is None else round(event.till_s * 1000)
        said = (event.kind, event.component, event.author, event.text)
        self._take(EventRow(event.id, at_ms, till_ms, *said, ver=self._next_version(), deleted=True))

    def save_view(
        self, name: str, page: str, query: str, *, author: str = "", note: str = "", among: Sequence[View] = ()
    ) -> View:
        """Save a page under a name.

        Args:
            page: its path, such as ``performance``; `query` what stands behind the ``?`` of its address.
            among: the views there are: a name is given once.

        Raises:
            NoteError: something of it cannot be used, the name is taken, or too many notes wait.
        """
        if not re.fullmatch(r"[a-z0-9_/-]{0,60}", page):
            raise NoteError("page", f'"page" is {quoted(page)}; expected the path of a page such as "performance".')
        view = View(
            id=str(uuid.uuid4()),
            name=_free(_line("name", name), among),
            page=page,
            query=_line("query", query.removeprefix("?"), optional=True),
            author=_line("author", author, optional=True),
            note=_line("note", note, optional=True),
            at_s=round(self._clock(), 3),
        )
        self._take(self._row(view))
        return view

    def rename_view(self, view: View, name: str, among: Sequence[View] = ()) -> View:
        """Give a saved view another name; raises `NoteError` as `save_view` does."""
        others = [other for other in among if other.id != view.id]
        renamed = replace(view, name=_free(_line("name", name), others))
        self._take(self._row(renamed))
        return renamed

    def delete_view(self, view: View) -> None:
        """Take a saved view back; `NoteError` when too many notes wait."""
        self._take(self._row(view, deleted=True))

    def events(self, found: Sequence[Event], window: Window) -> tuple[Event, ...]:
        """`found`, an answer of the history about `window`, with what was noted since."""
        events = {event.id or str(index): event for index, event in enumerate(found)}
        for row in self._latest():
            if isinstance(row, EventRow):
                events.pop(row.id, None)
                event = _event(row)
                end_s = event.at_s if event.till_s is None else event.till_s
                if not row.deleted and event.at_s < window.end_s and end_s >= window.start_s:
                    events[row.id] = event
        return tuple(sorted(events.values(), key=lambda event: event.at_s))

    def views(self, found: Sequence[View]) -> tuple[View, ...]:
        """`found`, an answer of the history, with what was saved, renamed and deleted since; by name."""
        views = {view.id: view for view in found}
        for row in self._latest():
            if isinstance(row, ViewRow):
                views.pop(row.id, None)
                if not row.deleted:
                    views[row.id] = _view(row)
        return tuple(sorted(views.values(), key=lambda view: (view.name.lower(), view.id)))

    def waits(self, identity: str) -> bool:
        """Whether a note is not written yet."""
        return any(note.id == identity for note in self._recorder.notes)

    def _row(self, view: View, *, deleted: bool = False) -> ViewRow:
        said = (view.name, view.page, view.query, view.author, view.note)
        return ViewRow(view.id, *said, at_ms=round(view.at_s * 1000), ver=self._next_version(), deleted=deleted)

    def _take(self, note: Note) -> None:
        if len(self._recorder.notes) >= MOST_WAITING:
            raise NoteError("", f"{MOST_WAITING:,} notes wait for the history already: try again when it is back.")
        with self._lock:
            self._recent[note.id] = _Recent(note, self._timer())
        self._recorder.note(note)

    def _latest(self) -> list[Note]:
        """The newest version of each note that waits, or waited until a moment ago."""
        waiting, now_s = self._recorder.notes, self._timer()
        with self._lock:
            for note in waiting:
                known = self._recent.get(note.id)
                newest = known.note if known and known.note.ver > note.ver else note
                self._recent[note.id] = _Recent(newest, now_s)
            self._recent = {key: one for key, one in self._recent.items() if now_s - one.waited_s <= RECENT_S}
            return [one.note for one in self._recent.values()]

    def _next_version(self) -> int:
        """Microseconds of the epoch, and each later than the one before."""
        with self._lock:
            self._version = max(self._version + 1, int(self._clock() * 1e6))
            return self._version


def _event(row: EventRow) -> Event:
    till_s = None if row.till_ms is None else row.till_ms / 1000
    return Event(row.at_ms / 1000, till_s, row.kind, row.component, row.author, row.text, row.id)


def _view(row: ViewRow) -> View:
    return View(row.id, row.name, row.page, row.query, row.author, row.note, row.at_ms / 1000)


def _moments_ms(at_s: float, till_s: float | None) -> tuple[int, int | None]:
    for param, moment_s in (("at", at_s), ("till", till_s)):
        if moment_s is not None and not (math.isfinite(moment_s) and FIRST_S <= moment_s <= LAST_S):
            raise NoteError(param, f'"{param}" must lie between {shown(FIRST_S)} and {shown(LAST_S)}.')
    if till_s is not None and till_s <= at_s:
        raise NoteError("till", f'"till" must be later than "at"; got at {shown(at_s)}, till {shown(till_s)}.')
    return round(at_s * 1000), None if till_s is None else round(till_s * 1000)


def _line(param: str, text: str, *, optional: bool = False) -> str:
    """`text` as one line of printable characters.

    Raises:
        NoteError: it is empty and may not be, or too long.
    """
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if not line and not optional:
        raise NoteError(param, f'"{param}" is empty; write at least a word.')
    if len(line) > LONGEST[param] and param == "query":
        has = f"The page's address has {len(line):,} characters behind its ?; at most {LONGEST[param]:,} are kept."
        raise NoteError(param, f"{has} Choose fewer series, or write a shorter statement.")
    if len(line) > LONGEST[param]:
        raise NoteError(param, f'"{param}" has {len(line):,} characters; at most {LONGEST[param]:,} are kept.')
    return line


def _free(name: str, among: Sequence[View]) -> str:
    if any(view.name.lower() == name.lower() for view in among):
        raise NoteError("name", f"There is a view {quoted(name, 80)} already; give this one another name.")
    return name
