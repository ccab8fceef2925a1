"""What is asked of Redis, in as few round trips as there can be; no answer and no right is missed loudly."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis
from redis import exceptions as errors

from probes.redis_failures import word_of
from probes.redis_states import ANSWERS_TO_PING

SLOW_ENTRIES = 20


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
    """What one round brought; a part that this server or this user has not is empty or None.

    Attributes:
        unavailable: those parts in words, with the right that would show them.
    """

    info: Mapping[str, Any]
    slow: Sequence[Mapping[str, Any]] | None
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
    """INFO, the slow log and what the user may not read, in one round trip."""
    pipeline = client.pipeline(transaction=False)
    pipeline.info("everything")
    pipeline.slowlog_get(SLOW_ENTRIES)
    info, slow = pipeline.execute(raise_on_error=False)
    unavailable = []
    for answer, what in ((info, "INFO"), (slow, "SLOWLOG GET")):
        phrase = why_missing(answer, what)
        if phrase is not None:
            unavailable.append(phrase)
        elif isinstance(answer, Exception):
            raise answer
    return Answers(info if isinstance(info, dict) else {}, slow if isinstance(slow, list) else None, unavailable)


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
