import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor import Monitor
from tests.api import stack
from tests.api.stack import Api
from tests.probes.listeners import eventually


@pytest.fixture(scope="package")
def dark() -> Api:
    """The API while the history refuses connections; the store has tried, so it knows."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monitor = stack.watched(f"clickhouse://desk:{stack.SECRET}@127.0.0.1:{port}")
    monitor.store.start()
    assert eventually(lambda: monitor.store.state.error is not None, 10)
    monitor.store.stop()
    return Api(monitor)


@pytest.fixture(scope="package")
def lit(chdb_path: Path) -> Iterator[Api]:
    """The API over a history with a quarter of an hour of samples, ten seconds apart."""
    monitor = Monitor(stack.settings(f"chdb://{chdb_path}", "api_tests"))
    monitor.store.start()
    assert eventually(lambda: monitor.store.state.ready, 30)
    stack.remember(monitor)
    assert monitor.recorder.flush(), monitor.recorder.state().last_error
    yield Api(monitor)
    monitor.reader.stop()
    monitor.store.stop()
