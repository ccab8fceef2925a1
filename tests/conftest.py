"""What all tests share."""

from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings

settings.register_profile("suite", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def chdb_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one directory of the embedded ClickHouse: the engine opens a single one per process."""
    return tmp_path_factory.mktemp("chdb")


@pytest.fixture
def database() -> str:
    """A database name of the test's own."""
    return f"t_{uuid4().hex[:12]}"
