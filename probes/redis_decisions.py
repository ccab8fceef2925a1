"""What Redis's own numbers mean: pure functions over the fields of INFO."""

from collections.abc import Mapping
from typing import Any

from probes.catalogue import humanize
from probes.counters import Turn
from probes.redis_fields import amount, number
from probes.redis_metrics import FRAGMENTATION_FLOOR_BYTES
from probes.redis_states import evicts, writes
from probes.result import Reading, Table, labels

Info = Mapping[str, Any]

RATES = {
    "total_commands_processed": "redis_commands_per_second",
    "evicted_keys": "redis_evicted_keys_per_second",
    "expired_keys": "redis_expired_keys_per_second",
    "total_net_input_bytes": "redis_network_receive_bytes_per_second",
    "total_net_output_bytes": "redis_network_transmit_bytes_per_second",
}
TOTALS = {
    "rejected_connections": "redis_rejected_connections_total",
    "client_output_buffer_limit_disconnections": "redis_clients_cut_off_total",
    "sync_full": "redis_full_syncs_total",
    "aof_delayed_fsync": "redis_aof_delayed_syncs_total",
}
COUNTERS = (*RATES, *TOTALS, "keyspace_hits", "keyspace_misses")
LEVELS = {
    "used_memory": "redis_memory_used_bytes",
    "used_memory_peak": "redis_memory_peak_bytes",
    "connected_clients": "redis_clients",
    "blocked_clients": "redis_blocked_clients",
    "connected_slaves": "redis_replicas",
    "uptime_in_seconds": "redis_uptime_seconds",
    "loading": "redis_loading",
}


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
    found["redis_keys"] = sum(amount(row, "keys") for row in databases(info).values())
    found["redis_hits_ratio"] = hit_ratio(turn)
    found |= {metric: turn.increases.get(field) for field, metric in TOTALS.items()}
    return [*(Reading(metric, value) for metric, value in found.items() if value is not None), *keyspace(info)]


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
    return any(amount(row, "expires") for row in databases(info).values())


def clients(info: Info) -> dict[str, float | None]:
    """How near the clients are to the most allowed."""
    connected, most = number(info, "connected_clients"), number(info, "maxclients")
    return {"redis_clients_ratio": connected / most} if connected is not None and most else {}


def safety(info: Info) -> dict[str, float | None]:
    """Whether data is kept; only what this server has."""
    found: dict[str, float | None] = {}
    if "rdb_last_bgsave_status" in info:
        found["redis_rdb_ok"] = float(info["rdb_last_bgsave_status"] == "ok")
    if info.get("aof_enabled") and "aof_last_write_status" in info:
        found["redis_aof_ok"] = float(info["aof_last_write_status"] == "ok")
    fork_us = number(info, "latest_fork_usec")
    found["redis_fork_seconds"] = None if fork_us is None else fork_us / 1e6
    return found | saves(info) | append_only(info)


def saves(info: Info) -> dict[str, float | None]:
    """What a crash would lose and how long saving takes; nothing where no snapshot was ever taken."""
    if not takes_snapshots(info):
        return {}
    saved_s, now_us, took_s = (
        number(info, field) for field in ("rdb_last_save_time", "server_time_usec", "rdb_last_bgsave_time_sec")
    )
    return {
        "redis_rdb_age_seconds": max(0.0, now_us / 1e6 - saved_s) if saved_s and now_us else None,
        "redis_rdb_unsaved_changes": number(info, "rdb_changes_since_last_save"),
        "redis_rdb_save_seconds": took_s if took_s is not None and took_s >= 0 else None,
        "redis_rdb_saving": number(info, "rdb_bgsave_in_progress"),
    }


def append_only(info: Info) -> dict[str, float | None]:
    """The append-only file; nothing where it is off."""
    if not info.get("aof_enabled"):
        return {}
    return {
        "redis_aof_rewrite_ok": float(info.get("aof_last_bgrewrite_status", "ok") == "ok"),
        "redis_aof_bytes": number(info, "aof_current_size"),
        "redis_aof_rewriting": number(info, "aof_rewrite_in_progress"),
    }


def keyspace(info: Info) -> list[Reading]:
    """Keys, those that expire and how long those have on average, by database."""
    found = []
    for name, row in databases(info).items():
        whose = labels(database=name)
        found.append(Reading("redis_db_keys", amount(row, "keys"), whose))
        found.append(Reading("redis_db_expiring_keys", amount(row, "expires"), whose))
        if amount(row, "avg_ttl"):  # 0: not estimated yet
            found.append(Reading("redis_db_ttl_seconds", amount(row, "avg_ttl") / 1000, whose))
    return found


def hit_ratio(turn: Turn[str]) -> float | None:
    """Hits among the look-ups since the last reading; None when there were none."""
    hits, misses = turn.increases.get("keyspace_hits"), turn.increases.get("keyspace_misses")
    if hits is None or misses is None or hits + misses <= 0:
        return None
    return hits / (hits + misses)


def databases(info: Info) -> dict[str, Mapping[str, Any]]:
    """The numbered databases that hold keys: ``{"db0": {"keys": 3, "expires": 1, ...}}``."""
    return {
        name: row for name, row in info.items() if name[:2] == "db" and name[2:].isdigit() and isinstance(row, dict)
    }


def facts(info: Info) -> dict[str, str]:
    """Version, role, mode and how data is kept, in words."""
    if not info:
        return {}
    version = str(info.get("valkey_version") or info.get("redis_version") or "")
    if info.get("redis_mode") == "sentinel":  # it keeps no data
        return {"version": version, "mode": "sentinel"}
    policy = str(info.get("maxmemory_policy", ""))
    limit = number(info, "maxmemory")
    known = {
        "version": version,
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


def takes_snapshots(info: Info) -> bool:
    """Whether a snapshot was tried since the server started; INFO does not tell the schedule."""
    took_s = number(info, "rdb_last_bgsave_time_sec")
    return (
        bool(number(info, "rdb_saves"))
        or (took_s is not None and took_s >= 0)
        or info.get("rdb_last_bgsave_status") == "err"
    )


def persistence(info: Info) -> str:
    """Which ways of keeping data were seen at work since the server started."""
    ways = ["append-only file"] if info.get("aof_enabled") else []
    if takes_snapshots(info):
        ways.append("snapshots")
    return " and ".join(ways) or "none seen yet"


def summary(info: Info, turn: Turn[str]) -> str:
    """The server in one short phrase."""
    if info.get("redis_mode") == "sentinel":
        masters = int(number(info, "sentinel_masters") or 0)
        return f"sentinel of {masters} master{'' if masters == 1 else 's'}"
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
        (name, int(amount(row, "keys")), int(amount(row, "expires")), amount(row, "avg_ttl") / 1000 or None)
        for name, row in databases(info).items()
    )
    return Table(("database", "keys", "expires", "mean_ttl_seconds"), tuple(rows))
