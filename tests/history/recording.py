"""A process that has an embedded history open, writes to it all the time and lets it be backed up.

``python -m tests.history.recording DIRECTORY BATCHES``: when so many batches are written it says ``ready`` and goes on.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from itertools import chain, count
from pathlib import Path

import numpy as np
import pyarrow as pa

from history import rows
from history.backups.door import Door
from history.gate import WRITES
from history.store import Store
from settings import History
from settings_types import SecretUrl
from tests.history.rows import T0_S
from tests.probes.listeners import eventually

SERIES, EACH = 20, 1_000
PAUSE_S = 0.05


def batches(ahead: int) -> Iterator[pa.Table]:
    """Values that do not compress, over a week: first so many batches in one, which make a backup take a while."""
    random = np.random.default_rng(1)
    for first, many in chain([(0, ahead)], ((number, 1) for number in count(ahead))):
        series = np.repeat(np.arange(SERIES, dtype=np.uint64), EACH * many)
        ts_s = T0_S + first + np.tile(np.add.outer(np.arange(EACH) * 600, np.arange(many)).ravel(), SERIES)
        yield rows.columns_table(series, ts_s, random.random(SERIES * EACH * many))


def main(directory: Path, ahead: int) -> None:
    store = Store(History(dsn=SecretUrl(f"chdb://{directory}")))
    store.start()
    assert eventually(lambda: store.state.ready, 60), store.state.error
    Door(store).start()
    pause = threading.Event()
    with closing(store.connect()) as client:
        for number, batch in enumerate(batches(ahead)):
            with WRITES.batch():
                rows.insert(client, f"{store.database}.samples", batch, f"batch {number}")
            if number == 0:
                print("ready", flush=True)
            pause.wait(PAUSE_S)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
