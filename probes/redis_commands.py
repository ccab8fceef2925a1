"""How quick Redis's commands are, which were slow and which were refused: pure functions over INFO and its logs."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from probes.counters import Turn
from probes.redis_fields import amount, moment, number, text
from probes.result import Reading, Table, labels

Info = Mapping[str, Any]

HOUSEKEEPING = re.compile(
    r"ping|info|auth|hello|select|quit|(slowlog|latency|cluster|client|command|config|acl|sentinel)\|.*|replconf|p?sync"
)
"""What Tapewatch, client libraries and replicas send by themselves: it says nothing about the work of programs."""
PERCENTILES = {
    "p50": "redis_command_p50_seconds",
    "p99": "redis_command_p99_seconds",
    "p99.9": "redis_command_p999_seconds",
}
MOST_SERIES = 5
MOST_COMMANDS = 30
MOST_SLOW = 20
SLOW_TEXT = 100
REFUSING = ("OOM", "MISCONF", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS")
"""Errors by which a command that is right is refused because of the server's state."""
KNOWN_ERRORS = (*REFUSING, "ERR", "NOAUTH", "WRONGPASS", "NOPERM", "LOADING", "BUSY", "MOVED", "WRONGTYPE", "NOSCRIPT")
"""Those with a series of their own; scripts can return any word, all others are counted together."""


def _stats(info: Info, prefix: str) -> dict[str, Mapping[str, Any]]:
    return {
        name.removeprefix(prefix): row
        for name, row in info.items()
        if name.startswith(prefix) and isinstance(row, dict)
    }


def counters(info: Info) -> dict[str, float]:
    """Calls and time of programs' commands, and error replies by word: ever-growing.

    An error that never happened has no row: it is 0, so that the first one is seen.
    """
    commands = [row for name, row in _stats(info, "cmdstat_").items() if not HOUSEKEEPING.fullmatch(name)]
    found = {
        "calls": sum(amount(row, "calls") for row in commands),
        "usec": sum(amount(row, "usec") for row in commands),
    }
    if "total_error_replies" in info:  # Redis 6.2 and later
        found |= {f"error {word}": 0.0 for word in (*KNOWN_ERRORS, "other")}
        for word, row in _stats(info, "errorstat_").items():
            found[f"error {word if word in KNOWN_ERRORS else 'other'}"] += amount(row, "count")
    return found


def readings(info: Info, turn: Turn[str], pinged: str = "") -> list[Reading]:
    """Mean and percentiles of commands, and what was refused since the last reading.

    Args:
        pinged: the word Tapewatch's own PING was refused with, which does not count.
    """
    found: list[Reading] = []
    calls, usec = turn.increases.get("calls"), turn.increases.get("usec")
    if calls and usec is not None:
        found.append(Reading("redis_command_mean_seconds", usec / calls / 1e6))
    percentiles = _percentiles(info)
    for name, _ in _by_time(info)[:MOST_SERIES]:
        for percentile, metric in PERCENTILES.items():
            value_s = percentiles.get(name, {}).get(percentile)
            if value_s is not None:
                found.append(Reading(metric, value_s, labels(command=name)))
    for key, new in turn.increases.items():
        word = key.removeprefix("error ")
        if word == key:
            continue
        others = max(0.0, new - (word == pinged))
        if word in REFUSING:
            found.append(Reading("redis_refused_commands_total", others, labels(error=word)))
        elif others:
            found.append(Reading("redis_error_replies_total", others, labels(error=word)))
    return found


def _percentiles(info: Info) -> dict[str, dict[str, float]]:
    """Seconds by command and percentile, as far as the server tells them (Redis 7, latency-tracking)."""
    return {
        name: {percentile: us / 1e6 for percentile in row if (us := number(row, percentile)) is not None}
        for name, row in _stats(info, "latency_percentiles_usec_").items()
    }


def _by_time(info: Info) -> list[tuple[str, Mapping[str, Any]]]:
    """The clients' commands, those that took most of the server's time first."""
    rows = [(name, row) for name, row in _stats(info, "cmdstat_").items() if not HOUSEKEEPING.fullmatch(name)]
    return sorted(rows, key=lambda pair: (-amount(pair[1], "usec"), pair[0]))


def command_table(info: Info) -> Table:
    """The commands that took most of the server's time since it started, with their percentiles."""
    percentiles = _percentiles(info)
    rows = [
        (
            name,
            int(amount(row, "calls")),
            int(amount(row, "failed_calls") + amount(row, "rejected_calls")),
            amount(row, "usec_per_call") / 1e6,
            *(percentiles.get(name, {}).get(percentile) for percentile in PERCENTILES),
            amount(row, "usec") / 1e6,
        )
        for name, row in _by_time(info)[:MOST_COMMANDS]
    ]
    shown = (f"{percentile}_seconds" for percentile in PERCENTILES)
    return Table(("command", "calls", "failed", "mean_seconds", *shown, "total_seconds"), tuple(rows))


def error_table(info: Info, turn: Turn[str]) -> Table:
    """The words commands were refused with: since the server started, and since the last reading."""
    rows = sorted(
        ((word, int(amount(row, "count"))) for word, row in _stats(info, "errorstat_").items()),
        key=lambda pair: -pair[1],
    )
    new = {key.removeprefix("error "): int(value) for key, value in turn.increases.items() if key.startswith("error ")}
    return Table(("error", "count", "new"), tuple((*row, new.get(row[0])) for row in rows[:MOST_COMMANDS]))


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


def slow_readings(
    entries: Sequence[Mapping[str, Any]], seen_id: int | None, elapsed_s: float
) -> tuple[list[Reading], int]:
    """How many commands were slow since the last reading and how long the worst took; and the newest id now."""
    ids = [int(entry["id"]) for entry in entries]
    newest = max(ids, default=-1 if seen_id is None else seen_id)
    new = new_slow_commands(seen_id, ids)
    if new is None or elapsed_s <= 0:
        return [], newest
    durations_us = [int(entry["duration"]) for entry in entries if int(entry["id"]) > (seen_id or 0)]
    return [
        Reading("redis_slow_commands_per_minute", new * 60 / elapsed_s),
        Reading("redis_slowest_command_seconds", max(durations_us, default=0) / 1e6 if new else 0.0),
    ], newest


def slow_table(entries: Sequence[Mapping[str, Any]]) -> Table:
    """The worst of the slow log's latest entries, the longest first."""
    worst = sorted(entries, key=lambda entry: -int(entry["duration"]))[:MOST_SLOW]
    rows = (
        (
            shown_command(entry["command"]),
            entry["duration"] / 1e6,
            moment(entry["start_time"]),
            text(entry.get("client_name") or entry.get("client_address") or ""),
        )
        for entry in worst
    )
    return Table(("command", "duration_seconds", "at", "client"), tuple(rows))


def event_table(events: Sequence[Sequence[Any]]) -> Table:
    """What LATENCY LATEST noted: what made the server stall, last and at its worst."""
    rows = ((text(name), ms / 1e3, most_ms / 1e3, moment(at_s)) for name, at_s, ms, most_ms, *_ in events)
    return Table(("event", "latest_seconds", "worst_seconds", "at"), tuple(rows))


def shown_command(command: bytes | str) -> str:
    """A logged command without its values: its name, its first argument and how many more there were.

    >>> shown_command(b"SET order:17 secret EX 5")
    'SET order:17 … 3 more'
    """
    words = (command.decode(errors="replace") if isinstance(command, bytes) else command).split()
    shown = text(" ".join(words[:2]))[:SLOW_TEXT]
    return f"{shown} … {len(words) - 2} more" if len(words) > 2 else shown
