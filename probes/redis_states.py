"""The states in which Redis answers Tapewatch and yet refuses what its clients ask: pure functions."""

from collections.abc import Mapping, Sequence
from typing import Any

from probes.redis_failures import REFUSALS
from probes.redis_fields import amount
from probes.result import Finding, Status

ANSWERS_TO_PING = frozenset({"NOPERM", "LOADING", "MASTERDOWN", "MISCONF"})
"""Refusals of PING that a connection in order gives: INFO can still be asked, and says the rest."""
SERVING = "redis_serving_ok"


def evicts(info: Mapping[str, Any], keys_expire: bool) -> bool:
    """Whether a full server makes room by itself; a volatile policy can only where keys expire."""
    policy = str(info.get("maxmemory_policy", "noeviction"))
    return keys_expire if policy.startswith("volatile") else policy != "noeviction"


def is_full(info: Mapping[str, Any], keys_expire: bool) -> bool:
    """Whether writes are refused with OOM now: over maxmemory, with nothing that may be thrown out.

    What counts is `used_memory` without the buffers of replicas and the append-only file, as in Redis's
    own src/evict.c (getMaxmemoryState).
    """
    limit = amount(info, "maxmemory")
    counted = amount(info, "used_memory") - amount(info, "mem_not_counted_for_evict")
    return limit > 0 and counted > limit and not evicts(info, keys_expire)


def refusing(pinged: str, info: Mapping[str, Any], keys_expire: bool, cluster: Mapping[str, str]) -> list[str]:
    """The words with which the server refuses clients' commands now, e.g. ``["MISCONF", "OOM"]``.

    Args:
        pinged: the word PING was refused with, empty when it was answered.
        cluster: the fields of CLUSTER INFO, none on a server that stands alone.
    """
    found = {pinged} & {"LOADING", "MASTERDOWN", "MISCONF"}
    if info.get("loading"):
        found.add("LOADING")
    if is_full(info, keys_expire):
        found.add("OOM")
    if cluster.get("cluster_state", "ok") != "ok":
        found.add("CLUSTERDOWN")
    return sorted(found)


def findings(words: Sequence[str], place: str) -> list[Finding]:
    """One finding a refusal, in the same words as where the server refuses everything.

    LOADING and CLUSTERDOWN have none here: `redis_loading` and `redis_cluster_ok` are judged by themselves.
    """
    return [
        Finding(
            metric=SERVING,
            status=Status.CRITICAL,
            message=f"Redis at {place} {REFUSALS[word].says}",
            hint=REFUSALS[word].hint,
        )
        for word in words
        if word not in ("LOADING", "CLUSTERDOWN")
    ]


def writes(info: Mapping[str, Any]) -> str:
    """Where writes have to go when not here; empty on a server that takes them."""
    if info.get("role") != "slave" or not info.get("slave_read_only", 1):
        return ""
    host, port = info.get("master_host"), info.get("master_port")
    return f"refused (READONLY): the primary is {host}:{port}"


def not_allowed(pinged: str) -> list[str]:
    """What the user's rights hide of PING itself: its time is measured all the same, but the server logs a denial."""
    return ["PING (the user may not: grant +ping)"] if pinged == "NOPERM" else []
