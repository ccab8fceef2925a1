"""A topic with known samples in it, and consumers that take them into the history."""

import contextlib
import json
import threading
from collections.abc import Callable
from uuid import uuid4

from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import MemberToRemove

from history.ingest.intake import NOT_OURS, Intake
from history.store import Store
from tests.history.rows import T0_S, count
from tests.probes.listeners import eventually

PARTITIONS = 3
TABLES = (
    ("samples", "count()", "sum(value)"),
    *((f"samples_{tier}", "sum(cnt)", "sum(vsum)") for tier in ("15m", "4h", "1d")),
)


class Topic:
    """A topic of three partitions, and what has been produced into it."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.name = f"samples-{uuid4().hex[:8]}"
        self.values: list[float] = []
        self.admin = KafkaAdminClient(bootstrap_servers=bootstrap)
        self.create()
        self._producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=0)

    def create(self) -> None:
        made = {self.name: {"num_partitions": PARTITIONS, "replication_factor": 1}}
        self.admin.create_topics(made, wait_for_metadata=True)

    def send(self, number: int) -> None:
        """Messages of one sample each, round the partitions: an unknown metric, which is kept exactly."""
        for index in range(len(self.values), len(self.values) + number):
            said = {"component": f"c{index % 5}", "metric": "fake_total", "time": T0_S + index, "value": index + 0.1}
            self.raw(json.dumps(said).encode(), index % PARTITIONS)
            self.values.append(index + 0.1)
        self._producer.flush(10)

    def raw(self, value: bytes | None, partition: int = 0) -> None:
        self._producer.send(self.name, value, partition=partition)

    def forget_members(self) -> None:
        """What Kafka does by itself when a killed consumer's session ends, without the wait for that."""
        (group,) = self.admin.describe_groups([self.name]).values()
        members = [MemberToRemove(member_id=member["member_id"]) for member in group["members"]]
        self.admin.remove_group_members(self.name, members)

    def flush(self) -> None:
        self._producer.flush(10)

    def close(self) -> None:
        self._producer.close()
        self.admin.close()


def drain(intake: Intake, until: Callable[[], bool]) -> None:
    def turned() -> bool:
        intake.turn(0.05)
        return until()

    assert eventually(turned, 20), intake.state()


def owned(intake: Intake) -> int:
    return len(intake._lanes)


def is_once(store: Store, topic: Topic) -> None:
    """Count and sum of the samples and of every roll-up are those that were produced."""
    for table, counted, summed in TABLES:
        assert count(store, table, counted) == len(topic.values), table
        assert count(store, table, f"round({summed} * 10)") == round(sum(topic.values) * 10), table


def turn_both(*intakes: Intake) -> bool:
    """A turn of each at the same time, as two processes would: a rebalance waits for both."""

    def turn(intake: Intake) -> None:
        with contextlib.suppress(*NOT_OURS):
            intake.turn(0.05)

    threads = [threading.Thread(target=turn, args=(one,), daemon=True) for one in intakes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return True
