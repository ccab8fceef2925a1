"""Annotations and saved views: shown at once, written once, kept through an outage, a kill and a refusal."""

from dataclasses import replace
from pathlib import Path

import pytest

from history import queries, sender
from history.answers import Event, View
from history.notes import MOST_WAITING, RECENT_S, NoteError, Notes
from history.reader import Reader
from history.recorder import Recorder
from history.spool.sqlite import Spool
from history.store import Store, StoreState
from history.window import Window
from probes.result import ProbeError, utc
from settings import History
from tests.history.rows import METRICS, T0_S, client_of, count, scope
from tests.probes.fakes import Clock
from tests.probes.listeners import eventually

HOUR = Window(T0_S, T0_S + 3600)
AWAY = StoreState(False, ProbeError("refused", "ClickHouse refuses connections.", ""), utc(T0_S))


@pytest.fixture
def recorder(store: Store) -> Recorder:
    return Recorder(store, METRICS)


@pytest.fixture
def notes(recorder: Recorder) -> Notes:
    return Notes(recorder)


@pytest.fixture
def lone(history_settings: History) -> Notes:
    """Notes whose history was never opened."""
    return Notes(Recorder(Store(history_settings), METRICS))


def written_events(store: Store, window: Window = HOUR) -> tuple[Event, ...]:
    with client_of(store) as client:
        return queries.events(client, scope(store, T0_S), window)


def written_views(store: Store) -> tuple[View, ...]:
    with client_of(store) as client:
        return queries.saved_views(client, scope(store, T0_S))


def test_an_annotation_is_shown_at_once_and_written_as_it_was(store: Store, recorder: Recorder, notes: Notes) -> None:
    noted = notes.annotate(
        T0_S + 60.125, "  <b>Opened</b>\nlate ", till_s=T0_S + 90, component="kafka", author="ann", components=["kafka"]
    )
    assert (noted.text, noted.kind, noted.at_s, noted.till_s) == (
        "<b>Opened</b> late", "annotation", T0_S + 60.125, T0_S + 90,
    )  # fmt: skip
    assert notes.waits(noted.id)
    assert notes.events((), HOUR) == (noted,), "before anything is written"
    assert written_events(store) == ()
    assert recorder.flush()
    assert written_events(store) == (noted,)
    assert not notes.waits(noted.id)
    assert notes.events(written_events(store), HOUR) == (noted,), "and it is there once"
    with client_of(store) as client:
        assert queries.events_of(client, scope(store, T0_S), noted.id) == (noted,)


def test_what_is_outside_the_range_is_not_shown_in_it(lone: Notes) -> None:
    before = lone.annotate(T0_S - 100, "ended before", till_s=T0_S - 1)
    across = lone.annotate(T0_S - 100, "reaches in", till_s=T0_S + 1)
    after = lone.annotate(T0_S + 3600, "begins as the range ends")
    assert lone.events((), HOUR) == (across,)
    assert set(lone.events((), Window(T0_S - 200, T0_S + 4000))) == {before, across, after}


def test_a_deleted_annotation_is_gone_at_once_and_for_good(store: Store, recorder: Recorder, notes: Notes) -> None:
    kept, gone = notes.annotate(T0_S, "kept"), notes.annotate(T0_S + 0.25, "gone")
    assert recorder.flush()
    answer = written_events(store)
    assert answer == (kept, gone)
    notes.delete_annotation(gone)
    assert notes.events(answer, HOUR) == (kept,), "though the answer still has it"
    assert recorder.flush()
    assert notes.events(answer, HOUR) == (kept,)
    assert written_events(store) == (kept,)
    assert count(store, "event") >= 2, "rows stay: a newer version says that it is deleted"


def test_a_view_is_saved_renamed_and_deleted(store: Store, recorder: Recorder, notes: Notes) -> None:
    first = notes.save_view("Open", "performance", "?component=kafka&from=now-1h&to=now", author="ann", note="9:30")
    second = notes.save_view("close", "", "", among=notes.views(()))
    assert notes.views(()) == (second, first), "by name, whatever its case"
    assert recorder.flush()
    assert written_views(store) == (second, first)
    renamed = notes.rename_view(first, "Bell", among=written_views(store))
    assert notes.views(written_views(store)) == (renamed, second)
    assert notes.rename_view(renamed, "BELL", among=(renamed, second)).name == "BELL", "its own name is not taken"
    notes.delete_view(second)
    assert recorder.flush()
    assert written_views(store) == (replace(renamed, name="BELL"),)


def test_while_the_history_is_away_notes_wait_in_the_spool_and_survive_a_kill(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.settings = store.settings.model_copy(update={"spool": str(tmp_path)})
    ready, store._state = store._state, AWAY
    first = Recorder(store, METRICS)
    notes = Notes(first)
    noted, saved = notes.annotate(T0_S, "while it was away"), notes.save_view("Outage", "trends", "from=now-1d")
    assert not first.flush()
    (path,) = tmp_path.glob("*.sqlite")
    first._depot.close()  # as a kill leaves it: nothing is said to anybody

    second = Recorder(store, METRICS)
    second._spool()  # what its thread does first of all
    again = Notes(second)
    assert (again.events((), HOUR), again.views(())) == ((noted,), (saved,))
    assert again.waits(noted.id)
    store._state = ready
    insert, attempts = sender.insert, []

    def insert_and_lose_the_answer(client, table, rows, token) -> None:  # type: ignore[no-untyped-def]
        insert(client, table, rows, token)
        attempts.append(table)
        if len(attempts) == 1:
            raise TimeoutError("timed out")

    monkeypatch.setattr(sender, "insert", insert_and_lose_the_answer)
    assert not second.flush()
    assert again.waits(noted.id), "nobody knows whether it is written"
    assert eventually(lambda: store.state.ready, 10)
    assert second.flush()
    assert (count(store, "event"), count(store, "view")) == (1, 1), "once, although one batch went twice"
    assert (written_events(store), written_views(store)) == ((noted,), (saved,))
    second._depot.close()
    spool = Spool(path)
    assert (spool.has_rows, spool.notes) == (False, ())
    spool.close()


def test_a_spool_of_before_takes_notes(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "spool.sqlite"
    spool = Spool(path)
    spool._db.executescript("DROP TABLE event; DROP TABLE view; PRAGMA user_version = 1;")
    spool.close()
    again = Spool(path)
    assert (again.notes, again._one("PRAGMA user_version")) == ((), 2)
    again.close()


def test_readers_see_a_note_as_soon_as_it_is_written(store: Store) -> None:
    reader = Reader(store)
    recorder = Recorder(store, METRICS, reader.outdate)
    notes = Notes(recorder)
    assert reader.ask(queries.saved_views, 3600, 10, *()).value == ()
    saved = notes.save_view("Now", "trends", "")
    assert recorder.flush()
    assert reader.answer(queries.saved_views, 3600).state == "stale"
    assert reader.ask(queries.saved_views, 3600, 10).value == (saved,)
    reader.stop()


@pytest.fixture
def timed(recorder: Recorder) -> tuple[Notes, Clock]:
    timer = Clock()
    return Notes(recorder, lambda: float(T0_S), timer), timer


def test_a_written_note_is_added_to_answers_until_they_have_it(recorder: Recorder, timed: tuple[Notes, Clock]) -> None:
    notes, timer = timed
    noted = notes.annotate(T0_S, "x")
    timer.now_s += 10 * RECENT_S
    assert notes.events((), HOUR) == (noted,), "it still waits"
    assert recorder.flush()
    timer.now_s += RECENT_S / 2
    assert notes.events((), HOUR) == (noted,), "an answer read just before lacks it"
    timer.now_s += RECENT_S
    assert notes.events((), HOUR) == (), "from here on the history alone says what there is"


def test_versions_rise_though_the_clock_stands(history_settings: History) -> None:
    recorder = Recorder(Store(history_settings), METRICS)
    notes = Notes(recorder, lambda: float(T0_S))
    for _ in range(3):
        notes.annotate(T0_S, "x")
    versions = [note.ver for note in recorder.notes]
    assert versions == sorted(set(versions))


@pytest.mark.parametrize(
    ("wrong", "param", "says"),
    [
        ({"text": " \n"}, "text", "is empty; write at least a word"),
        ({"text": "x" * 501}, "text", "has 501 characters; at most 500"),
        ({"author": "x" * 61}, "author", "at most 60"),
        ({"at_s": float("nan")}, "at", "must lie between 1973-03-03T09:46:40Z and"),
        ({"at_s": 1e12}, "at", "must lie between"),
        ({"till_s": float(T0_S)}, "till", "must be later than"),
        ({"component": "kafak"}, "component", 'no component "kafak"; there are: kafka, host'),
        ({"kind": "alert"}, "kind", "there are: annotation, deploy, restart"),
    ],
)
def test_what_cannot_be_noted_is_said_in_a_sentence(
    lone: Notes, wrong: dict[str, object], param: str, says: str
) -> None:
    given: dict[str, object] = {"at_s": float(T0_S), "text": "fine", "components": ["kafka", "host"], **wrong}
    with pytest.raises(NoteError, match=says) as caught:
        lone.annotate(**given)  # type: ignore[arg-type]
    assert caught.value.param == param
    assert lone.events((), HOUR) == ()


def test_views_that_cannot_be_saved(lone: Notes) -> None:
    saved = lone.save_view("Open", "trends", "")
    with pytest.raises(NoteError, match='a view "OPEN" already'):
        lone.save_view("OPEN", "trends", "", among=(saved,))
    with pytest.raises(NoteError, match='"page" is "//evil'):
        lone.save_view("x", "//evil.example/?", "")
    with pytest.raises(NoteError, match=r"address has 5,001 characters .* Choose fewer series") as caught:
        lone.save_view("x", "trends", "q" * 5001)
    assert caught.value.param == "query"
    with pytest.raises(NoteError, match="are Tapewatch's own"):
        lone.delete_annotation(Event(T0_S, None, "alert", "", "", "x", "1"))


def test_there_is_a_bound_to_what_waits(lone: Notes) -> None:
    for _ in range(MOST_WAITING):
        lone.annotate(T0_S, "x")
    with pytest.raises(NoteError, match="1,000 notes wait"):
        lone.annotate(T0_S, "one too many")


def test_text_no_database_takes_is_made_takeable(store: Store, recorder: Recorder, notes: Notes) -> None:
    notes.annotate(T0_S, "broken \ud800 text", author='O\'Neil \\ "q"')
    assert recorder.flush()
    (event,) = written_events(store)
    assert (event.author, event.text) == ('O\'Neil \\ "q"', "broken text"), "half a character is none"
