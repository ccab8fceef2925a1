"""What is asked of Redis, in as few round trips as there can be; no answer and no right is missed loudly."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis
from redis import exceptions as errors

from probes.redis_failures import word_of
from probes.redis_fields import text
from probes.redis_states import ANSWERS_TO_PING
from probes.redis_topology import Topology, Watched, cluster_fields, cluster_nodes, pairs

SLOW_ENTRIES = 32
MOST_MASTERS = 10
"""A sentinel is asked about each master it watches: two questions each, in one round trip."""


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to one PING.

    Attributes:
        took_s: its round trip in seconds.
        word: what it was refused with, e.g. ``MISCONF``; empty when it was answered.
    """

    took_s: float
    word: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What one round trip brought; a part that this server or this user has not is empty or None.

    Attributes:
        unavailable: those parts in words, with the right that would show them.
    """

    info: Mapping[str, Any]
    slow: Sequence[Mapping[str, Any]] | None
    events: Sequence[Sequence[Any]]
    unavailable: list[str] = field(default_factory=list)


def ping(client: "redis.Redis") -> Pong:
    """One PING. A refusal that a healthy connection gives is an answer as well: INFO says the rest.

    Raises:
        redis.RedisError, OSError: anything else.
    """
    started_s = time.perf_counter()
    word = ""
    try:
        if not client.ping():
            raise errors.InvalidResponse("PING was not answered with PONG")
    except errors.RedisError as exc:
        word = word_of(exc)
        if word not in ANSWERS_TO_PING:
            raise
    return Pong(time.perf_counter() - started_s, word)


def read(client: "redis.Redis") -> Answers:
    """INFO, the slow log, latency events and what the user may not read, in one round trip."""
    pipeline: Any = client.pipeline(transaction=False)
    pipeline.info("everything")
    pipeline.slowlog_get(SLOW_ENTRIES)
    pipeline.execute_command("LATENCY", "LATEST")
    try:
        info, slow, events = pipeline.execute(raise_on_error=False)
    except (AttributeError, TypeError, LookupError) as exc:  # the client takes a reply's shape for granted
        raise errors.InvalidResponse("a reply has not the shape of INFO or SLOWLOG GET") from exc
    lacking = missing([(info, "INFO"), (slow, "SLOWLOG GET"), (events, "LATENCY LATEST")])
    if isinstance(info, dict) and info.get("redis_mode") == "sentinel":  # it has no commands but its own
        lacking = [phrase for phrase in lacking if "does not know" not in phrase]
    return Answers(
        info if isinstance(info, dict) else {},
        [entry for entry in slow if _is_entry(entry)] if isinstance(slow, list) else None,
        [event for event in events if _is_event(event)] if isinstance(events, list) else [],
        lacking,
    )


def _is_entry(entry: Mapping[str, Any]) -> bool:
    return all(isinstance(entry.get(name), int) for name in ("id", "start_time", "duration")) and "command" in entry


def _is_event(event: object) -> bool:
    return isinstance(event, list) and len(event) >= 4 and all(isinstance(value, int) for value in event[1:4])


def topology(client: "redis.Redis", info: Mapping[str, Any], in_time: bool) -> Topology:
    """What the server belongs to: a cluster in one round trip, a sentinel's masters in two, else none.

    Args:
        in_time: whether there is time left to ask at all.
    """
    is_sentinel = info.get("redis_mode") == "sentinel"
    if not is_sentinel and not info.get("cluster_enabled"):
        return Topology()
    if not in_time:
        return Topology(unavailable=[f"{'SENTINEL MASTERS' if is_sentinel else 'CLUSTER INFO'} (no time was left)"])
    if is_sentinel:
        return _sentinel(client)
    fields, nodes = _asked(client, [["CLUSTER", "INFO"], ["CLUSTER", "NODES"]])
    lacking = missing([(fields, "CLUSTER INFO"), (nodes, "CLUSTER NODES")])
    return Topology(
        cluster={} if isinstance(fields, Exception) else cluster_fields(fields),
        nodes=[] if isinstance(nodes, Exception) else cluster_nodes(nodes),
        unavailable=lacking,
    )


def _sentinel(client: "redis.Redis") -> Topology:
    (rows,) = _asked(client, [["SENTINEL", "MASTERS"]])
    lacking = missing([(rows, "SENTINEL MASTERS")])
    masters = rows_of(rows)[:MOST_MASTERS]
    if not masters:
        return Topology(unavailable=lacking)
    names = [fields.get("name", "") for fields in masters]
    answers = _asked(client, [["SENTINEL", word, name] for name in names for word in ("REPLICAS", "CKQUORUM")])
    watched = []
    for fields, replicas, quorum in zip(masters, answers[::2], answers[1::2], strict=True):
        known, says = quorum_of(quorum)
        watched.append(Watched(fields, rows_of(replicas), known, says))
    first = [(answers[0], "SENTINEL REPLICAS")]
    first += [] if watched[0].quorum_ok is False else [(answers[1], "SENTINEL CKQUORUM")]
    return Topology(masters=watched, unavailable=missing(first))


def _asked(client: "redis.Redis", commands: Sequence[Sequence[str]]) -> list[Any]:
    """Raw answers to `commands`, in one round trip; a refusal is a value among them."""
    pipeline: Any = client.pipeline(transaction=False)
    for words in commands:
        pipeline.execute_command(*words)
    return list(pipeline.execute(raise_on_error=False))


def rows_of(reply: object) -> list[dict[str, str]]:
    """The rows of a reply that is a list of flat lists; none of another one."""
    return [pairs(row) for row in reply if isinstance(row, list)] if isinstance(reply, list) else []


def quorum_of(answer: object) -> tuple[bool | None, str]:
    """Whether CKQUORUM is content, and its sentence; it says no by an error, which redis-py gives as a value.

    >>> quorum_of(b"OK 3 usable Sentinels. Quorum and failover authorization can be reached")
    (True, 'OK 3 usable Sentinels. Quorum and failover authorization can be reached')
    >>> quorum_of(errors.NoPermissionError("no permissions"))
    (None, '')
    """
    if isinstance(answer, errors.ResponseError) and word_of(answer) in ("NOQUORUM", "NOGOODSLAVE"):
        return False, text(str(answer))
    if isinstance(answer, Exception):
        return None, ""
    said = text(answer if isinstance(answer, bytes) else str(answer))
    return said.startswith("OK"), said


def missing(answers: Sequence[tuple[object, str]]) -> list[str]:
    """What got no answer, a phrase each.

    Raises:
        redis.RedisError: the server as a whole is the trouble.
    """
    phrases = []
    for answer, what in answers:
        phrase = why_missing(answer, what)
        if phrase is not None:
            phrases.append(phrase)
        elif isinstance(answer, Exception):
            raise answer
    return phrases


def why_missing(answer: object, what: str) -> str | None:
    """Why a question got no answer, in a phrase; None when it got one, or when nothing at all can be asked.

    >>> why_missing(errors.NoPermissionError("no permissions"), "LATENCY LATEST")
    'LATENCY LATEST (the user may not: grant +latency|latest)'
    """
    if isinstance(answer, errors.NoPermissionError):
        return f"{what} (the user may not: grant +{what.lower().replace(' ', '|')})"
    if isinstance(answer, errors.ResponseError) and what != "INFO":
        return f"{what} (this server does not know it)"
    return None
