"""What Explore draws, out of the store: functions applied, groups, figures, and what could not be made."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis import exploring
from analysis.exploring import Grouping
from history import rows
from history.queries import Scope
from history.rows import SeriesKey, SeriesRow
from history.store import Store
from history.window import Window
from probes.result import labels
from settings import History
from settings_types import SecretUrl
from tests.history.rows import T0_S, client_of
from tests.probes.listeners import eventually

STEP_S = 10
END_S = T0_S + 1800
WINDOW = Window(T0_S, END_S)
T = np.arange(T0_S, END_S, STEP_S)
USED = SeriesKey("host", "host_memory_used_bytes")
ETH0, LO = (SeriesKey("net", "received", labels(interface=name)) for name in ("eth0", "lo"))
LINES = {
    USED: (5.0 * (T - T0_S), "bytes"),
    ETH0: (np.full(len(T), 30.0), "bytes/s"),
    LO: (np.full(len(T), 3.0), "bytes/s"),
}


@pytest.fixture(scope="module")
def half_hour(chdb_path: Path) -> Iterator[Store]:
    store = Store(History(dsn=SecretUrl(f"chdb://{chdb_path}"), database="t_made"))
    store.start()
    assert eventually(lambda: store.state.ready, 30), store.state.error
    with client_of(store) as client:
        named = [SeriesRow(key, unit, "gauge") for key, (_, unit) in LINES.items()]
        rows.insert(client, "t_made.series", rows.series_table(named), "series")
        for key, (values, _) in LINES.items():
            ids = np.full(len(T), key.id, np.uint64)
            rows.insert(client, "t_made.samples", rows.columns_table(ids, T, values), str(key.id))
    yield store
    store.stop()


def asked(store: Store, question: Any, *args: Any, **keys: Any) -> Any:
    with client_of(store) as client:
        return question(client, Scope(store.database, 90 * 86400, END_S), WINDOW, *args, **keys)


def test_a_function_is_applied_and_what_it_cannot_make_is_said(half_hour: Store) -> None:
    found = asked(half_hour, exploring.made, (USED, ETH0), "rate")
    (rate,) = found.answer.series
    assert (rate.unit, set(rate.avg)) == ("bytes/s", {5.0})
    assert found.refused == ("Rate per second leaves out eth0: it is a rate already.",)


def test_groups_come_the_largest_first(half_hour: Store) -> None:
    found = asked(half_hour, exploring.made, (LO,), "recorded", Grouping("interface", "sum", whole=True))
    assert [(line.label, line.last) for line in found.answer.series] == [("eth0", 30), ("lo", 3)]
    (total,) = asked(half_hour, exploring.made, (LO, ETH0), "recorded", Grouping("all", "sum")).answer.series
    assert total.last == 33


def test_an_answer_as_recorded_is_read_on_and_another_is_read_anew(half_hour: Store) -> None:
    for function in ("recorded", "difference"):
        before = asked(half_hour, exploring.made, (USED,), function)
        after = asked(half_hour, exploring.made, (USED,), function, known=before)
        assert after.answer.series[0].avg.tolist() == before.answer.series[0].avg.tolist()


def test_figures_of_samples_or_of_what_is_drawn(half_hour: Store) -> None:
    (recorded,) = asked(half_hour, exploring.figures, (USED,), "recorded")
    assert (recorded.figures.high, recorded.last) == (5.0 * (T[-1] - T0_S), 5.0 * (T[-1] - T0_S))
    (drawn,) = asked(half_hour, exploring.figures, (USED,), "difference")
    assert (drawn.figures.p50, drawn.figures.p99, drawn.last) == (50, 50, 50)
    assert asked(half_hour, exploring.figures, (SeriesKey("a", "b"),), "recorded") == ()
