"""ClickHouse: does it keep up with inserts, merges and queries, and has it room?"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from pydantic import BeforeValidator
from urllib3.exceptions import HTTPError

from probes import clickhouse_client as server
from probes import clickhouse_decisions as decisions
from probes import clickhouse_queries as queries
from probes import clickhouse_read as reading
from probes import clickhouse_work as work
from probes.clickhouse_failures import is_unreadable
from probes.clickhouse_metrics import METRICS
from probes.counters import Counters, Turn
from probes.kind import Kind
from probes.result import Collected, ProbeFailure, Reading, Table
from settings import Component
from settings_types import SecretUrl, require_scheme

Judged = Callable[[Sequence[queries.Row]], tuple[list[Reading], Table]]


def _shown(table: Callable[[Sequence[queries.Row]], Table]) -> Judged:
    """A part that is a table and nothing else."""
    return lambda rows: ([], table(rows))


REPLICAS, QUEUE, NO_ROWS = "replicas", "replication queue", Table((), ())
PARTS: tuple[tuple[str, queries.Question, Judged], ...] = (
    ("mutations", queries.MUTATIONS, work.mutations),
    ("merges", queries.MERGES, work.merges),
    (REPLICAS, queries.REPLICAS, work.replication),
    (QUEUE, queries.QUEUE, work.replication_queue),
    ("slowest patterns", queries.PATTERNS, _shown(work.pattern_table)),
    ("failed queries", queries.FAILED, _shown(work.failure_table)),
    ("detached parts", queries.DETACHED, work.detached),
    ("dictionaries", queries.DICTIONARIES, work.dictionaries),
)
"""What has a table of its own, the most urgent first: when time is short the last ones are left out."""


def _dsn(value: object) -> SecretUrl:
    return require_scheme(SecretUrl.parse(value), *server.SCHEMES)


class ClickHouseComponent(Component):
    """``[[component]] kind = "clickhouse"``: a server, or the engine inside this process.

    Attributes:
        dsn: ``clickhouse://user:password@host:8123/database`` (the HTTP port), ``clickhouses://`` with TLS,
            ``chdb://path`` for the embedded engine, whose path must be the history's; also ``file:/path``.
            The user needs no more than SELECT on ``system.*``.
    """

    kind: Literal["clickhouse"]
    dsn: Annotated[SecretUrl, BeforeValidator(_dsn)]

    @property
    def target(self) -> str:
        return server.place_of(self.dsn)


class ClickHouseProbe:
    """Pings, then asks the system tables over one client it keeps."""

    ping_share: ClassVar[float] = 0.4  # of the deadline
    asking_share: ClassVar[float] = 0.5  # of the deadline, after which no further question is asked
    read_share: ClassVar[float] = 0.5  # of the deadline, for one answer; the client knows whole seconds only

    def __init__(self, component: ClickHouseComponent, deadline_s: float) -> None:
        self._component = component
        self._dsn = component.dsn
        self._embedded = server.is_embedded(component.dsn)
        self._ping_timeout_s = deadline_s * self.ping_share
        self._asking_s = deadline_s * self.asking_share
        self._read_timeout_s = max(1, int(deadline_s * self.read_share))
        self._client: Client | None = None
        self._limits: tuple[float | None, float | None] | None = None
        self._unlimited: tuple[str, ...] = ()
        self._counters: Counters[str] = Counters()
        self._errors: dict[str, float] | None = None
        self._known = reading.Known()
        self._uptime_s = 0.0

    def ping(self) -> float:
        with self._in_words():
            return self._ping()

    def collect(self) -> Collected:
        until_s = time.monotonic() + self._asking_s
        with self._in_words():
            latency_s = self._ping()
            client = self._connected()
            interview = reading.Interview(client, self._known, until_s)
            readings, tables = self._read(interview)
            return Collected(
                latency_s=latency_s,
                summary=decisions.summary(readings),
                readings=[Reading("clickhouse_ping_seconds", latency_s), *readings],
                facts={
                    "version": str(client.server_version),
                    "mode": "embedded" if self._embedded else "server",
                    "time zone": str(client.server_tz),
                },
                tables=tables,
                unavailable=(*interview.unavailable, *self._unlimited),
            )

    def close(self) -> None:
        """Hang up; the next use connects anew."""
        client, self._client, self._limits, self._known = self._client, None, None, reading.Known()
        if client is not None:
            client.close()

    def _ping(self) -> float:
        if not self._embedded:
            return server.ping(self._dsn, self._ping_timeout_s)
        client = self._connected()
        started_s = time.perf_counter()
        client.command("SELECT 1")
        return time.perf_counter() - started_s

    def _connected(self) -> Client:
        if self._client is None:
            database = "" if self._embedded else server.server_of(self._dsn).database
            self._client = server.connect(self._dsn, read_timeout_s=self._read_timeout_s, database=database)
        return self._client

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except ProbeFailure:
            self.close()
            raise
        except Exception as exc:
            if not (isinstance(exc, ClickHouseError | HTTPError | OSError) or is_unreadable(exc)):
                raise
            self.close()
            error = server.explain(exc, self._component.target)
            raise ProbeFailure(error.code, error.message, error.hint, error.status) from exc

    def _read(self, interview: reading.Interview) -> tuple[list[Reading], dict[str, Table]]:
        part_limit, memory_limit_bytes = self._known_limits(interview.client)
        found: list[Reading] = []
        tables: dict[str, Table] = {}
        if rows := interview.rows(queries.COUNTERS):
            gauges, events, uptime_s = decisions.split_counters(rows)
            found += decisions.activity(gauges, self._turn(events, uptime_s), uptime_s, memory_limit_bytes)
            busy, tables["background pools"] = work.pools(gauges)
            found += busy
        if (rows := interview.rows(queries.TABLES)) is not None:
            found += decisions.storage(rows, part_limit)
            tables["tables"] = decisions.table_sizes(rows)
        if (rows := interview.rows(queries.PROCESSES)) is not None:
            found += decisions.running(rows)
            tables["running queries"] = decisions.running_table(rows)
        if rows := interview.rows(queries.DISKS):
            found += decisions.disks(rows)
            tables["disks"] = decisions.disk_table(rows)
        if rows := interview.rows(queries.LOG):
            found += work.query_log(rows)
        if (rows := interview.rows(queries.ERRORS)) is not None:
            new, tables["errors"] = work.errors(rows, self._new_errors(rows))
            found += new
        for name, question, judge in PARTS:
            if name == QUEUE and not tables.get(REPLICAS, NO_ROWS).rows:
                continue  # nothing is replicated here
            if (rows := interview.rows(question)) is not None:
                readings, tables[name] = judge(rows)
                found += readings
        return found, tables

    def _new_errors(self, rows: Sequence[queries.Row]) -> dict[str, float]:
        new = work.new_errors(self._errors, rows)
        self._errors = {str(row[0]): float(row[1]) for row in rows}
        return new

    def _turn(self, events: dict[str, float], uptime_s: float | None) -> Turn[str]:
        if uptime_s is not None and uptime_s < self._uptime_s:  # another life of the server: counters began anew
            self._counters, self._errors, self._known = Counters(), None, reading.Known()
        self._uptime_s = uptime_s or 0.0
        return self._counters.turn(events, time.monotonic())

    def _known_limits(self, client: Client) -> tuple[float | None, float | None]:
        """The limits of parts and memory; asked once a connection, because a restart is what changes them."""
        if self._limits is None:
            interview = reading.Interview(client)
            self._limits = interview.number(queries.PART_LIMIT), interview.number(queries.MEMORY_LIMIT)
            self._unlimited = tuple(interview.unavailable)
        return self._limits


KIND = Kind(
    name="clickhouse",
    title="ClickHouse",
    component=ClickHouseComponent,
    metrics=METRICS,
    open=ClickHouseProbe,
    key_metric="clickhouse_queries_per_second",
)
