"""A live tape: made-up ticks through Kafka into ClickHouse and Redis, so that the demo's services have real work.

One thread produces, one consumes in the group `clickhouse-sink`: a batch a second goes into the `ticks` table and
the last prices into a Redis hash, then the offsets are committed (at least once: a batch may be written again after
a failure). Any service may go away: both threads then close what they hold and try again, ever more slowly.
"""

import json
import logging
import random
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import redis
from clickhouse_connect.driver.client import Client
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import TopicAlreadyExistsError
from redis.backoff import NoBackoff
from redis.retry import Retry

from history.schema import tidy
from probes.kafka_client import RECONNECT_MAX_MS, open_client

log = logging.getLogger(__name__)
logging.getLogger("kafka").setLevel(logging.CRITICAL)  # it logs every failed try; `_keep` says it once

TOPIC, GROUP, PARTITIONS = "ticks", "clickhouse-sink", 2
LAST_PRICES = "tape:last"
TICKS_PER_S = 60.0
SEND_EVERY_S = 0.5
SINK_EVERY_S = 1.0
RETRY_S = (1.0, 5.0)
"""First and longest pause before a broken half of the tape is tried again."""
FRESH_TOPIC_S = 12 * 3600.0
"""The broker keeps every record in memory and deletes none: after this long the topic is made anew."""
TIMEOUT_MS = 2000
SYMBOLS = {
    "SPY": 598.0, "QQQ": 507.0, "IWM": 239.0, "DIA": 444.0, "AAPL": 229.0, "MSFT": 417.0, "NVDA": 141.0,
    "AMZN": 202.0, "GOOGL": 165.0, "META": 559.0, "TSLA": 352.0, "AMD": 138.0, "NFLX": 897.0, "JPM": 248.0,
    "XOM": 121.0, "UNH": 590.0, "V": 309.0, "COST": 964.0, "HD": 410.0, "KO": 63.0,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tick:
    """One trade: milliseconds since the epoch, symbol, price in dollars, shares."""

    ts_ms: int
    symbol: str
    price: float
    size: int

    def encode(self) -> bytes:
        return json.dumps([self.ts_ms, self.symbol, self.price, self.size], separators=(",", ":")).encode()

    @classmethod
    def decode(cls, text: bytes) -> "Tick":
        """The tick `encode` wrote.

        >>> Tick.decode(Tick(1, "SPY", 598.25, 100).encode())
        Tick(ts_ms=1, symbol='SPY', price=598.25, size=100)
        """
        ts_ms, symbol, price, size = json.loads(text)
        return cls(int(ts_ms), str(symbol), float(price), int(size))


class Market:
    """Random walks of the symbols' prices in steps of a basis point."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._prices = dict(SYMBOLS)

    def trade(self, count: int, ts_ms: int) -> list[Tick]:
        """The next `count` trades, all at `ts_ms`."""
        ticks = []
        for symbol in self._random.choices(list(self._prices), k=count):
            price = self._prices[symbol] * (1 + self._random.gauss(0, 1e-4))
            self._prices[symbol] = price
            ticks.append(Tick(ts_ms, symbol, round(price, 2), 100 * self._random.randint(1, 9)))
        return ticks


class Tape:
    """The two threads.

    Args:
        kafka, redis_address: ``host:port`` of the demo's services.
        connect: makes a ClickHouse client; raises while there is none to be had.
        database: where the `ticks` table is kept, one day long.
    """

    def __init__(self, kafka: str, redis_address: str, connect: Callable[[], Client], database: str) -> None:
        self._kafka, self._redis = kafka, redis_address
        self._connect, self._table = connect, f"{database}.ticks"
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._keep, args=(what, body), name=f"tape:{what}", daemon=True)
            for what, body in (("producer", self._produce), ("sink", self._sink))
        ]
        self.sent = self.stored = 0

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, wait_s: float = 1.5) -> None:
        """Ask both threads to end and wait for them, at most `wait_s`."""
        self._stopping.set()
        give_up_s = time.monotonic() + wait_s
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, give_up_s - time.monotonic()))

    def _keep(self, what: str, body: Callable[[ExitStack], None]) -> None:
        """Run `body` again and again until the stop; one line in the log an outage."""
        pause_s, broken = RETRY_S[0], False
        while not self._stopping.is_set():
            started_s = time.monotonic()
            try:
                with ExitStack() as stack:
                    body(stack)
            except Exception as exc:  # a demo service is away or sick: the next try may find it well
                if time.monotonic() - started_s > RETRY_S[1]:
                    pause_s, broken = RETRY_S[0], False
                (log.debug if broken or self._stopping.is_set() else log.warning)("tape: %s paused: %s", what, exc)
                broken = True
                self._stopping.wait(pause_s)
                pause_s = min(2 * pause_s, RETRY_S[1])

    def _produce(self, stack: ExitStack) -> None:
        _check_port(self._kafka)
        admin = _kafka(stack, KafkaAdminClient, self._kafka)
        _make_topic(admin)
        producer = _kafka(stack, KafkaProducer, self._kafka, linger_ms=50, compression_type="gzip", acks=1,
                          max_block_ms=TIMEOUT_MS, delivery_timeout_ms=2 * TIMEOUT_MS)  # fmt: skip
        market, fresh_until_s = Market(seed=random.randrange(2**32)), time.monotonic() + FRESH_TOPIC_S
        while not self._stopping.wait(SEND_EVERY_S):
            if time.monotonic() > fresh_until_s:
                admin.delete_topics([TOPIC])
                return
            rate = TICKS_PER_S * random.uniform(0.7, 1.3)
            ticks = market.trade(int(rate * SEND_EVERY_S), int(time.time() * 1000))
            futures = [producer.send(TOPIC, tick.encode(), key=tick.symbol.encode()) for tick in ticks]
            for future in futures:
                future.get(timeout=2 * TIMEOUT_MS / 1000)
            self.sent += len(ticks)

    def _sink(self, stack: ExitStack) -> None:
        _check_port(self._kafka)
        client = stack.enter_context(closing(self._connect()))
        make_table(client, self._table)
        host, port = self._redis.rsplit(":", 1)
        cache = stack.enter_context(
            redis.Redis(
                host=host, port=int(port), socket_connect_timeout=1, socket_timeout=1, retry=Retry(NoBackoff(), 0)
            )
        )
        consumer = _kafka(stack, KafkaConsumer, self._kafka, group_id=GROUP, enable_auto_commit=False,
                          auto_offset_reset="earliest", fetch_max_wait_ms=500)  # fmt: skip
        consumer.assign([TopicPartition(TOPIC, number) for number in range(PARTITIONS)])
        while not self._stopping.wait(SINK_EVERY_S):
            records = consumer.poll(timeout_ms=0)
            ticks = [Tick.decode(record.value) for batch in records.values() for record in batch]
            if ticks:
                cache.hmget(LAST_PRICES, [tick.symbol for tick in ticks])  # as a strategy would read them
                cache.hset(LAST_PRICES, mapping={tick.symbol: tick.price for tick in ticks})
                client.insert_arrow(self._table, ticks_table(ticks))
                consumer.commit()
                self.stored += len(ticks)


def make_table(client: Client, table: str) -> None:
    """Create the table of ticks, kept one day."""
    client.command(
        f"""CREATE TABLE IF NOT EXISTS {table} (ts DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
            symbol LowCardinality(String), price Float64 CODEC(ZSTD(1)), size UInt32 CODEC(ZSTD(1)))
        ENGINE = MergeTree PARTITION BY toStartOfInterval(ts, INTERVAL 6 HOUR) ORDER BY (symbol, ts)
        TTL toDateTime(ts) + INTERVAL 1 DAY SETTINGS ttl_only_drop_parts = 1"""
    )
    client.command(f"ALTER TABLE {table} MODIFY SETTING {tidy()}")  # an insert a second leaves parts by the hundred


def ticks_table(ticks: Iterable[Tick]) -> pa.Table:
    """Rows of the ticks table."""
    rows = list(ticks)
    return pa.table(
        {
            "ts": pa.array([tick.ts_ms for tick in rows], pa.timestamp("ms", "UTC")),
            "symbol": [tick.symbol for tick in rows],
            "price": [tick.price for tick in rows],
            "size": pa.array([tick.size for tick in rows], pa.uint32()),
        }
    )


def _make_topic(admin: Any) -> None:
    try:
        admin.create_topics([NewTopic(TOPIC, num_partitions=PARTITIONS, replication_factor=1)])
    except TopicAlreadyExistsError:
        return


def _check_port(address: str) -> None:
    """Fail at once when nothing listens: a Kafka client would try for seconds."""
    host, port = address.rsplit(":", 1)
    socket.create_connection((host, int(port)), timeout=1).close()


def _kafka(stack: ExitStack, client: Callable[..., Any], address: str, **options: Any) -> Any:
    """A Kafka client with short time-outs, closed with `stack`."""
    built = open_client(
        client,
        TIMEOUT_MS / 1000,
        bootstrap_servers=address,
        request_timeout_ms=TIMEOUT_MS,
        bootstrap_timeout_ms=TIMEOUT_MS,
        reconnect_backoff_max_ms=RECONNECT_MAX_MS,
        **options,
    )
    stack.callback(built.close, **({"timeout": 0.5} if client is KafkaProducer else {}))
    return built
