"""What all tests share."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright

from history.spool import depot
from history.store import Store
from settings import History
from settings_types import SecretUrl
from tests.probes.listeners import descriptors, eventually

settings.register_profile("suite", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("suite")


@pytest.fixture(scope="session", autouse=True)
def spool_of_its_own() -> Iterator[None]:
    """A test that names no spool waits in memory: it neither finds rows of another nor leaves any."""
    unnamed, named = History.model_fields["spool"].default, depot.file_of
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "history.recorder.file_of", lambda settings: None if settings.spool == unnamed else named(settings)
        )
        yield


@pytest.fixture(scope="session")
def chdb_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one directory of the embedded ClickHouse: the engine opens a single one per process."""
    return tmp_path_factory.mktemp("chdb")


@pytest.fixture
def database() -> str:
    """A database name of the test's own."""
    return f"t_{uuid4().hex[:12]}"


@pytest.fixture
def history_settings(chdb_path: Path, database: str) -> History:
    """The embedded history in a database of the test's own, flushed only when a test says so."""
    return History(dsn=SecretUrl(f"chdb://{chdb_path}"), database=database, flush="1h")


@pytest.fixture
def store(history_settings: History) -> Iterator[Store]:
    """The history, open and migrated."""
    opened = Store(history_settings)
    opened.start()
    assert eventually(lambda: opened.state.ready, 30), opened.state.error
    yield opened
    opened.stop()


@pytest.fixture
def no_growth() -> Iterator[Callable[[], None]]:
    """Checks, when called and at the end, that threads and descriptors are back at what they were."""
    threads, files = threading.active_count(), descriptors()

    def check() -> None:
        assert eventually(lambda: threading.active_count() <= threads, 5), threading.enumerate()
        assert eventually(lambda: descriptors() <= files, 5), (descriptors(), files)

    yield check
    check()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests: a second Playwright in the process refuses to start."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
