"""What Redis's own numbers mean: pure functions over the fields of INFO and the slow log."""

from collections.abc import Mapping, Sequence
from typing import Any

from probes.catalogue import humanize
from probes.counters import Turn
from probes.redis_metrics import FRAGMENTATION_FLOOR_BYTES
from probes.redis_states import evicts, writes
from probes.result import Reading, Table, utc

Info = Mapping[str, Any]

RATES = {
    "total_commands_processed": "redis_commands_per_second",
    "evicted_keys": "redis_evicted_keys_per_second",
    "expired_keys": "redis_expired_keys_per_second",
    "total_net_input_bytes": "redis_network_receive_bytes_per_second",
    "total_net_output_bytes": "redis_network_transmit_bytes_per_second",
}
COUNTERS = (*RATES, "keyspace_hits", "keyspace_misses", "rejected_connections")
LEVELS = {
    "used_memory": "redis_memory_used_bytes",
    "connected_clients": "redis_clients",
    "blocked_clients": "redis_blocked_clients",
    "connected_slaves": "redis_replicas",
    "uptime_in_seconds": "redis_uptime_seconds",
    "loading": "redis_loading",
}
MOST_COMMANDS = 15
SLOW_TEXT = 100


def number(info: Info, field: str) -> float | None:
    """A field of INFO as a number; None when this version does not tell it."""
    value = info.get(field)
    return float(value) if isinstance(value, int | float) else None


def counters(info: Info) -> dict[str, float]:
    """The ever-growing counters among the fields."""
    return {name: value for name in COUNTERS if (value := number(info, name)) is not None}


def readings(info: Info, turn: Turn[str]) -> list[Reading]:
    """Everything INFO says, and what its counters did since the last reading."""
    if not info:
        return []
    found = {metric: number(info, field) for field, metric in LEVELS.items()}
    found |= {metric: turn.per_second(field) for field, metric in RATES.items()}
    found |= memory(info) | clients(info) | safety(info)
    found["redis_keys"] = sum((float(row.get("keys", 0)) for row in databases(info).values()), 0.0)
    found["redis_hits_ratio"] = hit_ratio(turn)
    found["redis_rejected_connections_total"] = turn.increases.get("rejected_connections")
    return [Reading(metric, value) for metric, value in found.items() if value is not None]


def memory(info: Info) -> dict[str, float | None]:
    """How full the memory is, under the name that says whether full is bad, and in which state."""
    used, resident = number(info, "used_memory"), number(info, "used_memory_rss")
    most, machine = number(info, "maxmemory"), number(info, "total_system_memory")
    found: dict[str, float | None] = {}
    if used is not None and most:
        found["redis_cache_used_ratio" if evicts(info, keys_expire(info)) else "redis_memory_used_ratio"] = used / most
    elif resident is not None and machine:
        found["redis_memory_used_ratio"] = resident / machine
    if used is not None and resident is not None and used > FRAGMENTATION_FLOOR_BYTES:
        found["redis_memory_fragmentation_ratio"] = resident / used
        found["redis_memory_swapped_bytes"] = max(0.0, used - resident)
    return found


def keys_expire(info: Info) -> bool:
    """Whether any key has a time to live, which is what a volatile eviction policy can throw out."""
    return any(row.get("expires", 0) for row in databases(info).values())


def clients(info: Info) -> dict[str, float | None]:
    """How near the clients are to the most allowed."""
    connected, most = number(info, "connected_clients"), number(info, "maxclients")
    return {"redis_clients_ratio": connected / most} if connected is not None and most else {}


def safety(info: Info) -> dict[str, float | None]:
    """Persistence and replication; only what this server has."""
    found: dict[str, float | None] = {}
    if "rdb_last_bgsave_status" in info:
        found["redis_rdb_ok"] = float(info["rdb_last_bgsave_status"] == "ok")
    if info.get("aof_enabled") and "aof_last_write_status" in info:
        found["redis_aof_ok"] = float(info["aof_last_write_status"] == "ok")
    fork_us = number(info, "latest_fork_usec")
    found["redis_fork_seconds"] = None if fork_us is None else fork_us / 1e6
    if info.get("role") == "slave":
        found["redis_replication_link_up"] = float(info.get("master_link_status") == "up")
        silent_s = number(info, "master_last_io_seconds_ago")  # -1: there is no link
        found["redis_replication_lag_seconds"] = silent_s if silent_s is not None and silent_s >= 0 else None
    return found


def hit_ratio(turn: Turn[str]) -> float | None:
    """Hits among the look-ups since the last reading; None when there were none."""
    hits, misses = turn.increases.get("keyspace_hits"), turn.increases.get("keyspace_misses")
    if hits is None or misses is None or hits + misses <= 0:
        return None
    return hits / (hits + misses)


def new_slow_commands(seen_id: int | None, ids: Sequence[int]) -> int | None:
    """How many commands were logged as slow since `seen_id` was the newest.

    Args:
        seen_id: None before the first look; -1 when the log was empty then.
        ids: those now in the log, at most as many as were asked for.

    >>> new_slow_commands(None, [4, 3]), new_slow_commands(4, [9, 8]), new_slow_commands(-1, [7])
    (None, 5, 1)
    """
    if seen_id is None:
        return None
    if seen_id < 0:  # the log may have been emptied before, so its first id tells nothing
        return len(ids)
    return max(0, max(ids, default=seen_id) - seen_id)


def databases(info: Info) -> dict[str, Mapping[str, Any]]:
    """The numbered databases that hold keys: ``{"db0": {"keys": 3, "expires": 1, ...}}``."""
    return {
        name: row for name, row in info.items() if name[:2] == "db" and name[2:].isdigit() and isinstance(row, dict)
    }


def facts(info: Info) -> dict[str, str]:
    """Version, role, mode and how data is kept, in words."""
    if not info:
        return {}
    policy = str(info.get("maxmemory_policy", ""))
    limit = number(info, "maxmemory")
    known = {
        "version": str(info.get("valkey_version") or info.get("redis_version") or ""),
        "role": {"master": "primary", "slave": "replica"}.get(str(info.get("role")), str(info.get("role", ""))),
        "mode": str(info.get("redis_mode", "")),
        "memory limit": f"{humanize(limit, 'bytes')}, {policy}" if limit else "none",
        "persistence": persistence(info),
        "writes": writes(info),
        "loaded": loaded(info),
    }
    return {name: text for name, text in known.items() if text}


def loaded(info: Info) -> str:
    """How far a starting server has loaded its data set, and what it expects that to take still.

    >>> loaded({"loading": 1, "loading_loaded_perc": 43.21, "loading_eta_seconds": 12})
    '43.2 %, the rest in about 12 s'
    """
    if not info.get("loading"):
        return ""
    share, eta_s = number(info, "loading_loaded_perc"), number(info, "loading_eta_seconds")
    return f"{share or 0:.3g} %" + (f", the rest in about {humanize(eta_s, 'seconds')}" if eta_s else "")


def persistence(info: Info) -> str:
    """Which ways of keeping data were seen at work since the server started."""
    ways = ["append-only file"] if info.get("aof_enabled") else []
    if (number(info, "rdb_last_bgsave_time_sec") or -1) >= 0 or number(info, "rdb_saves"):
        ways.append("snapshots")
    return " and ".join(ways) or "none seen yet"


def summary(info: Info, turn: Turn[str]) -> str:
    """The server in one short phrase."""
    parts = []
    rate = turn.per_second("total_commands_processed")
    if rate is not None:
        parts.append(f"{humanize(rate, 'count')} commands/s")
    used = number(info, "used_memory")
    if used is not None:
        parts.append(f"{humanize(used, 'bytes')} used")
        parts.append(f"{int(number(info, 'connected_clients') or 0)} clients")
    return ", ".join(parts) or "answers"


def keyspace_table(info: Info) -> Table:
    """One row a database."""
    rows = (
        (name, row.get("keys", 0), row.get("expires", 0), row.get("avg_ttl", 0) / 1000)
        for name, row in databases(info).items()
    )
    return Table(("database", "keys", "expires", "mean_ttl_seconds"), tuple(rows))


def command_table(info: Info) -> Table:
    """The commands that took most of the server's time since it started."""
    stats = [(name.removeprefix("cmdstat_"), row) for name, row in info.items() if name.startswith("cmdstat_")]
    usable = [(name, row) for name, row in stats if isinstance(row, dict)]
    usable.sort(key=lambda pair: -float(pair[1].get("usec", 0)))
    rows = (
        (name, row.get("calls", 0), row.get("usec_per_call", 0) / 1e6, row.get("usec", 0) / 1e6)
        for name, row in usable[:MOST_COMMANDS]
    )
    return Table(("command", "calls", "mean_seconds", "total_seconds"), tuple(rows))


def slow_table(entries: Sequence[Mapping[str, Any]]) -> Table:
    """The slow log, newest first."""
    rows = (
        (shown_command(entry["command"]), entry["duration"] / 1e6, utc(entry["start_time"]).isoformat())
        for entry in entries
    )
    return Table(("command", "duration_seconds", "at"), tuple(rows))


def shown_command(command: bytes | str) -> str:
    """A logged command without its values: its name, its first argument and how many more there were.

    >>> shown_command(b"SET order:17 secret EX 5")
    'SET order:17 … 3 more'
    """
    text = command.decode(errors="replace") if isinstance(command, bytes) else command
    words = text.split()
    shown = "".join(c if c.isprintable() else "·" for c in " ".join(words[:2]))[:SLOW_TEXT]
    return f"{shown} … {len(words) - 2} more" if len(words) > 2 else shown
