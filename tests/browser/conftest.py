"""What the tests in Chromium share: one demo for all of them."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import expect

from benchmarks import scenarios
from benchmarks.scenarios import Served
from tests.probes.listeners import eventually

expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The demo as `make run` starts it; its past fills while the first tests run."""
    with scenarios.demo(tmp_path_factory.mktemp("demo")) as served:
        yield served


@pytest.fixture(scope="session")
def past(demo: Served) -> Served:
    """The demo once its past is written."""
    assert eventually(lambda: httpx.get(f"{demo.url}/api/status/").json()["data"]["demo"]["ready"], 180)
    return demo
