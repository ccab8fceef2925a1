"""Kafka: brokers, partitions and copies, message rates, and how far consumer groups are behind."""

import time
from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar, Literal, Self

from kafka import KafkaAdminClient
from kafka.errors import KafkaConnectionError, KafkaTimeoutError, RequestTimedOutError
from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from probes import kafka_decisions as decide
from probes import kafka_groups as groups
from probes.kafka_client import open_admin
from probes.kafka_handshake import greet
from probes.kafka_login import Access, Login, Mechanism
from probes.kafka_metrics import METRICS
from probes.kafka_movement import Movement
from probes.kafka_read import Reader
from probes.kafka_snapshot import Broker, Snapshot
from probes.kind import Kind
from probes.result import Collected, Finding, ProbeFailure, Status
from probes.tcp import connect
from settings import Component
from settings_types import Address, Secret


def split_addresses(value: object) -> object:
    """The addresses of a list, or of one string with commas between them."""
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


class KafkaComponent(Component):
    """``[[component]] kind = "kafka"``: a cluster.

    Attributes:
        bootstrap: ``"host:port"`` of one broker or several (a list, or with commas between); any that answers will do.
        ignore_groups: consumer groups that are not looked at, as shell patterns.
        tls: whether the listeners speak TLS.
        ca_file: PEM file of the authorities that signed the brokers' certificates; unset: those of the system.
        verify_tls: whether the certificates must be trusted here and name the host.
        sasl_mechanism, user, password: the login, all three or none; ``password`` also as ``file:/path``. The user
            needs Describe on the cluster, topics and groups, and DescribeConfigs on topics.
    """

    kind: Literal["kafka"]
    bootstrap: Annotated[tuple[Address, ...], BeforeValidator(split_addresses), Field(min_length=1, max_length=10)]
    ignore_groups: tuple[str, ...] = ("console-consumer-*",)
    tls: bool = False
    ca_file: str = ""
    verify_tls: bool = True
    sasl_mechanism: Mechanism | None = None
    user: str = ""
    password: Secret | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if len({bool(self.sasl_mechanism), bool(self.user), self.password is not None}) > 1:
            raise PydanticCustomError("login", "a login needs sasl_mechanism, user and password: give all three")
        if self.ca_file and not self.tls:
            raise PydanticCustomError("ca_file", "ca_file is about TLS: set tls = true as well")
        return self

    @property
    def access(self) -> Access:
        """How its brokers are spoken to."""
        login = None
        if self.sasl_mechanism and self.password:
            login = Login(self.sasl_mechanism, self.user, self.password.reveal())
        return Access(self.tls, self.ca_file, self.verify_tls, login)

    @property
    def target(self) -> str:
        return ", ".join(self.bootstrap)


_seen: dict[str, Mapping[int, tuple[Broker, float]]] = {}
"""By cluster id, the brokers of the last 24 hours: outlives the probes, which end with each failure."""
_movements: dict[str, tuple[str, Movement]] = {}
"""By component, its cluster's id and what moved in it: a broker that is away for a moment must not end the windows."""


def movement_of(component: str, cluster_id: str) -> Movement:
    """What is remembered of a component's cluster; anew when it has become another one."""
    known_id, movement = _movements.get(component, ("", Movement()))
    if known_id != cluster_id:
        movement = Movement()
    _movements[component] = (cluster_id, movement)
    return movement


class KafkaProbe:
    """Keeps one admin client; after any failure it is closed and the next collection opens another."""

    # Of the deadline. Worst cases stay below 1: a broker that freezes costs request + greet, one that
    # greets and then does nothing greet + bootstrap, one whose advertised address is dark greet + request + greet.
    greet_share: ClassVar[float] = 0.25
    bootstrap_share: ClassVar[float] = 0.45
    request_share: ClassVar[float] = 0.35
    optional_until_share: ClassVar[float] = 0.6  # no optional request is begun after it

    def __init__(self, component: KafkaComponent, deadline_s: float) -> None:
        self._component = component
        self._deadline_s = deadline_s
        self._access = component.access
        self._admin: KafkaAdminClient | None = None
        self._reader: Reader | None = None
        self._advertised: tuple[str, ...] = ()

    def ping(self) -> float:
        answering, failures = self._greet()
        if not answering:
            raise next(iter(failures.values()))
        return min(answering.values())

    def collect(self) -> Collected:
        started_s = time.monotonic()
        unusable = self._unusable_bootstrap() if self._reader else {}
        reader = self._reader
        if reader is None:
            reader, unusable = self._open()
        try:
            snapshot = self._read(reader, started_s)
        except Exception as exc:  # the client raises a great many things when a broker goes away
            self.close()
            raise self._explain(exc) from exc
        findings = decide.silent_bootstrap({a: f.error.message for a, f in unusable.items()})
        if reader.confused:
            self.close()
            findings += decide.silent_brokers(snapshot, self._silent(snapshot.alive))
        return self._collected(snapshot, findings)

    def _read(self, reader: Reader, started_s: float) -> Snapshot:
        """A snapshot; tried once more when a broker of several refused at once, as the client then asks another."""
        until_s = started_s + self._deadline_s * self.optional_until_share
        try:
            return reader.snapshot(until_s)
        except KafkaConnectionError:
            if len(self._advertised) < 2 or time.monotonic() - started_s > self._deadline_s * self.greet_share:
                raise
            return reader.snapshot(until_s)

    def close(self) -> None:
        admin, self._admin, self._reader = self._admin, None, None
        if admin is not None:
            admin.close()

    def _open(self) -> tuple[Reader, dict[str, ProbeFailure]]:
        """A reader over a new client, and what is wrong with bootstrap servers that are not usable."""
        answering, failures = self._greet()
        if not answering:
            raise next(iter(failures.values()))
        request_s = self._deadline_s * self.request_share
        try:
            self._admin = open_admin(list(answering), self._deadline_s * self.bootstrap_share, request_s, self._access)
        except Exception as exc:  # as above
            raise self._explain(exc) from exc
        self._reader = Reader(self._admin, self._component.ignore_groups, request_s)
        return self._reader, failures

    def _greet(self) -> tuple[dict[str, float], dict[str, ProbeFailure]]:
        """Round trips of the bootstrap servers that are usable, and the failures of those that are not."""
        answering: dict[str, float] = {}
        failures: dict[str, ProbeFailure] = {}
        for address in self._component.bootstrap:
            try:
                greeting = greet(address, self._each_s, self._access)
            except ProbeFailure as failure:
                failures[address] = failure
            else:
                answering[address] = greeting.round_trip_s
                self._advertised = greeting.advertised
        return answering, failures

    @property
    def _each_s(self) -> float:
        return round(self._deadline_s * self.greet_share / len(self._component.bootstrap), 2)

    def _unusable_bootstrap(self) -> dict[str, ProbeFailure]:
        """Several bootstrap servers are tried each time: the client itself never touches them again."""
        failures: dict[str, ProbeFailure] = {}
        if len(self._component.bootstrap) > 1:
            for address in self._component.bootstrap:
                try:
                    connect(address, self._each_s)
                except ProbeFailure as failure:
                    failures[address] = failure
        return failures

    def _silent(self, brokers: Iterable[Broker]) -> dict[int, str]:
        """Code of the failure to reach brokers the cluster still counts on, by number; asked when a request failed."""
        until_s = time.monotonic() + self._deadline_s * self.greet_share
        found: dict[int, str] = {}
        for broker in brokers:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                break
            try:
                connect(broker.address, min(left_s, self._each_s))
            except ProbeFailure as failure:
                found[broker.id] = failure.error.code
        return found

    def _explain(self, exc: Exception) -> ProbeFailure:
        """Why the client failed with `exc`, found out by looking at the sockets ourselves."""
        answering, failures = self._greet()
        if not answering:
            return next(iter(failures.values()))
        target = next(iter(answering))
        others = [address for address in self._advertised if address not in self._component.bootstrap]
        until_s = time.monotonic() + self._deadline_s * self.greet_share
        for address in others:
            if time.monotonic() > until_s:
                break
            try:
                greet(address, self._each_s, self._access)
            except ProbeFailure as failure:
                failures[address] = failure
        if failures:
            address, first = next(iter(failures.items()))
            alone = len(self._advertised) == sum(other in failures for other in others)
            return advertised_failure(target, address, first) if alone else broker_failure(target, first)
        if isinstance(exc, KafkaTimeoutError | RequestTimedOutError):
            return ProbeFailure(
                "timeout",
                f"Kafka at {target} greets but does not answer requests in time.",
                "The broker may be overloaded, or still starting: see its log, its disk and its garbage collection.",
            )
        return ProbeFailure(
            "failed",
            f"Kafka at {target} answers, but reading the cluster failed ({type(exc).__name__}).",
            "Often brief, while a broker starts or stops; if it stays, read the broker's log.",
        )

    def _collected(self, snapshot: Snapshot, findings: list[Finding]) -> Collected:
        moved = movement_of(self._component.name, snapshot.cluster_id).turn(snapshot)
        seen = decide.after_seeing(_seen.get(snapshot.cluster_id, {}), snapshot.alive, time.time())
        _seen[snapshot.cluster_id] = seen
        more = (
            decide.missing_brokers(seen, snapshot.alive, snapshot.partitions),
            decide.offsets_finding(snapshot.partitions),
        )
        return Collected(
            latency_s=snapshot.ping_s,
            summary=decide.summarise(snapshot, moved),
            readings=[*decide.cluster_readings(snapshot), *decide.movement_readings(snapshot, moved)],
            findings=[*findings, *(f for f in more if f), *groups.findings(snapshot, moved)],
            facts=decide.facts(snapshot),
            tables=decide.tables(snapshot, moved, seen),
            unavailable=[*snapshot.unavailable, *decide.left_out(moved)],
        )


def advertised_failure(target: str, address: str, failure: ProbeFailure) -> ProbeFailure:
    """The failure when a broker sends its clients to an address they cannot reach."""
    code, reason = failure.error.code, failure.error.message
    how = {
        "refused": "which refuses connections",
        "timeout": "where nobody answers",
        "dns_unknown": "a name that cannot be resolved here",
        "dns_timeout": "a name the DNS server does not answer for",
    }.get(code, f"which fails: {reason.rstrip('.')}")
    return ProbeFailure(
        "advertised_unreachable",
        f"Kafka at {target} answers, but sends its clients on to {address}, {how}.",
        "Set advertised.listeners on the broker to an address this machine can reach, or open the way to it.",
    )


def broker_failure(target: str, failure: ProbeFailure) -> ProbeFailure:
    """The failure when a broker of several does not answer and the cluster still counts on it.

    A warning: until the cluster notices (9 s by default) it cannot be read, then the rest is judged.
    """
    return ProbeFailure(
        "broker_unreachable",
        f"Kafka at {target} answers, but another of its brokers does not: {failure.error.message}",
        failure.error.hint,
        Status.WARNING,
    )


KIND = Kind(
    name="kafka",
    title="Kafka",
    component=KafkaComponent,
    metrics=METRICS,
    open=KafkaProbe,
    key_metric="kafka_lag_messages",
)
