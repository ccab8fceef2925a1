"""Real consumers that stop, get stuck, fall behind, go back or have nothing to do, told apart as time really passes.

The product waits for as long as a deployment takes (two minutes) before it calls a group stopped, for one to five
minutes before it calls one stalled, and calls nothing slow that is less than ten seconds behind. Here all of that is
forty times as short, and so are the pauses between looks; everything else is what it is.
"""

import contextlib
import threading
from collections.abc import Iterator

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

from probes import kafka as probe_module
from probes import kafka_evaluation
from probes.kafka_evaluation import Evaluation
from probes.result import ProbeResult
from tests.kafka_broker import KafkaBroker, kafka  # noqa: F401
from tests.kafka_watched import Watched, said, watching
from tests.probes.listeners import eventually

QUICKER = 40
LOOK_S = 0.25
TURN_S = 0.1
BUSY, QUIET = "busy", "quiet"
OK, _, WARNING, REWINDING, STALLED, STOPPED = Evaluation


class Traffic:
    """Ten messages a turn to one topic, none to the other, and what consumers make of them."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._opened = contextlib.ExitStack()
        self._producer = self._opened.enter_context(contextlib.closing(KafkaProducer(bootstrap_servers=bootstrap)))
        self.produce(BUSY)
        self.produce(QUIET)
        stopped = self._joined("stopped", BUSY)
        take(stopped, 1)
        stopped.close()
        self._stuck, self._slow, self._rewound = (self._joined(name, BUSY) for name in ("stuck", "slow", "rewound"))
        self._idle = self._joined("idle", QUIET)
        self.rewinds = threading.Event()
        self._went_back = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def produce(self, topic: str) -> None:
        for _ in range(10):
            self._producer.send(topic, b"tick")
        self._producer.flush(10)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._opened.close()

    def _joined(self, group: str, topic: str) -> KafkaConsumer:
        """A consumer that has its partition and has consumed nothing."""
        consumer = KafkaConsumer(
            topic, bootstrap_servers=self._bootstrap, group_id=group, auto_offset_reset="earliest",
            enable_auto_commit=False,
        )  # fmt: skip
        self._opened.callback(consumer.close)
        assert eventually(lambda: bool(consumer.poll(2000, max_records=1)), 20)
        consumer.seek_to_beginning()
        return consumer

    def _run(self) -> None:
        turn = 0
        while not self._stop.wait(TURN_S):
            turn += 1
            self.produce(BUSY)
            take(self._slow, 1)
            if turn % 10 == 0:  # it waits for a while each time, and in vain
                take(self._idle)
            if turn in (5, 10, 15):  # then never again
                take(self._stuck, 1)
            if not self.rewinds.is_set():
                take(self._rewound)
            elif turn % 5 == 0:
                self._go_back()

    def _go_back(self) -> None:
        """To the beginning once, and from there one message after the other."""
        if not self._went_back:
            self._rewound.seek_to_beginning()
            self._went_back = True
        take(self._rewound, 1)


def take(consumer: KafkaConsumer, count: int | None = None) -> None:
    """Consume so many messages, or all there are now, and commit."""
    consumer.poll(100, max_records=count)
    consumer.commit()


@contextlib.contextmanager
def traffic(bootstrap: str) -> Iterator[Traffic]:
    with contextlib.closing(Traffic(bootstrap)) as opened:
        yield opened


@pytest.fixture
def topics(kafka: KafkaBroker) -> Iterator[KafkaBroker]:  # noqa: F811
    """The broker with both topics and none of the groups, before and after."""
    with contextlib.closing(KafkaAdminClient(bootstrap_servers=kafka.bootstrap)) as admin:
        made = {"num_partitions": 1, "replication_factor": 1}
        admin.create_topics({BUSY: made, QUIET: made}, wait_for_metadata=True)
        yield kafka
        admin.delete_groups(["stopped", "stuck", "slow", "rewound", "idle"])
        admin.delete_topics([BUSY, QUIET])


@pytest.fixture(autouse=True)
def _quicker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_module, "_movements", {})
    for name in ("QUICKEST_S", "SLOWEST_S", "DEPLOYMENT_S", "BEHIND_S"):
        monkeypatch.setattr(kafka_evaluation, name, getattr(kafka_evaluation, name) / QUICKER)


def becomes(watched: Watched, **wanted: Evaluation) -> ProbeResult:
    """The first result in which these groups are evaluated so."""

    def told(result: ProbeResult) -> bool:
        return all(result.value("kafka_group_evaluation", group=group) == value for group, value in wanted.items())

    return watched.first(told, 0)[1]


@pytest.mark.kafka
def test_a_stopped_a_stuck_a_slow_a_rewound_and_an_idle_consumer_are_told_apart(topics: KafkaBroker) -> None:
    with traffic(topics.bootstrap) as running, watching(topics.bootstrap, LOOK_S) as watched:
        others = {"stopped": STOPPED, "stuck": STALLED, "slow": WARNING, "idle": OK}
        becomes(watched, **others, rewound=OK)
        running.rewinds.set()
        last = becomes(watched, **others, rewound=REWINDING)
    assert "Group stopped" in said(last)
    assert "nobody is in the group" in said(last)
    assert "its offset has not moved for" in said(last)
    assert "Group rewound went back" in said(last)
    assert "Group slow falls behind" in said(last)
    assert "Group idle" not in said(last)
    (stuck,) = (row for row in last.tables["positions"].rows if row[0] == "stuck")
    assert stuck[-1].endswith("at 127.0.0.1")
    early = [result for _, result in watched.heard[: kafka_evaluation.LEAST_POLLS]]
    assert not any(told(result, STOPPED) or told(result, STALLED) for result in early), "time has to pass first"


def told(result: ProbeResult, evaluation: Evaluation) -> bool:
    return any(one.metric == "kafka_group_evaluation" and one.value == evaluation for one in result.readings)
