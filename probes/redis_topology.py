"""Replication, Sentinel and Cluster as Redis tells them: pure functions.

The words and fields are those of INFO replication, SENTINEL MASTERS, SENTINEL REPLICAS, CLUSTER INFO and
CLUSTER NODES (https://redis.io/docs/latest/commands/).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from probes.redis_fields import number
from probes.result import Reading, Table, labels

Info = Mapping[str, Any]

ALL_SLOTS = 16384
MOST_REPLICAS = 20
MOST_NODES = 200


@dataclass(frozen=True, slots=True)
class Watched:
    """What a sentinel knows of one master.

    Attributes:
        fields: its row of SENTINEL MASTERS.
        replicas: the rows of SENTINEL REPLICAS.
        quorum_ok: whether enough sentinels are there to agree and to fail over (SENTINEL CKQUORUM); None: not told.
        quorum_says: what CKQUORUM answered.
    """

    fields: Mapping[str, str]
    replicas: Sequence[Mapping[str, str]] = ()
    quorum_ok: bool | None = None
    quorum_says: str = ""

    @property
    def name(self) -> str:
        return self.fields.get("name", "?")


@dataclass(frozen=True, slots=True)
class Topology:
    """What this server belongs to besides itself; empty on one that stands alone."""

    masters: Sequence[Watched] = ()
    cluster: Mapping[str, str] = field(default_factory=dict)
    nodes: Sequence[Sequence[str]] = ()
    unavailable: Sequence[str] = ()


def pairs(flat: Sequence[Any]) -> dict[str, str]:
    """A flat reply of names and values as a mapping.

    >>> pairs([b"name", b"tape", b"port", b"6379"])
    {'name': 'tape', 'port': '6379'}
    """
    words = [word.decode(errors="replace") if isinstance(word, bytes) else str(word) for word in flat]
    return dict(zip(words[::2], words[1::2], strict=False))


def lines(reply: object) -> list[str]:
    """The lines of a reply in one text."""
    return reply.decode(errors="replace").splitlines() if isinstance(reply, bytes) else str(reply).splitlines()


def cluster_fields(reply: object) -> dict[str, str]:
    """CLUSTER INFO: ``name:value`` lines."""
    return {name: value for name, found, value in (line.partition(":") for line in lines(reply)) if found}


def cluster_nodes(reply: object) -> list[list[str]]:
    """CLUSTER NODES: id, address, flags, primary, ping, pong, epoch, link, then the slots."""
    return [words for line in lines(reply) if len(words := line.split()) >= 8]


def replicas(info: Info) -> list[tuple[str, Mapping[str, Any]]]:
    """A primary's replicas: ``host:port`` and what it says of each."""
    rows = [row for name, row in info.items() if name[:5] == "slave" and name[5:].isdigit() and isinstance(row, dict)]
    return [(f"{row.get('ip')}:{row.get('port')}", row) for row in rows]


def behind_bytes(info: Info, row: Mapping[str, Any]) -> float | None:
    """How much of the primary's stream a replica has not acknowledged yet; None while it is not connected fully."""
    written, acknowledged = number(info, "master_repl_offset"), number(row, "offset")
    if row.get("state") != "online" or written is None or acknowledged is None:
        return None
    return max(0.0, written - acknowledged)


def replication(info: Info) -> list[Reading]:
    """Both sides of replication; only what this server has."""
    found: list[tuple[str, float | None, str]] = []
    rows, backlog = replicas(info), number(info, "repl_backlog_size")
    if rows:
        found.append(("redis_replicas_syncing", float(sum(row.get("state") != "online" for _, row in rows)), ""))
    for name, row in rows[:MOST_REPLICAS]:
        behind, silent_s = behind_bytes(info, row), number(row, "lag")
        found.append(("redis_replica_lag_bytes", behind, name))
        if behind is not None:
            found.append(("redis_replica_lag_seconds", silent_s if silent_s is None or silent_s >= 0 else None, name))
            found.append(("redis_replica_backlog_ratio", behind / backlog if backlog else None, name))
    if info.get("role") == "slave":
        found += _as_replica(info)
    return [
        Reading(metric, value, labels(replica=name) if name else ())
        for metric, value, name in found
        if value is not None
    ]


def _as_replica(info: Info) -> list[tuple[str, float | None, str]]:
    silent_s = number(info, "master_last_io_seconds_ago")  # -1: there is no link
    lost_s = number(info, "master_link_down_since_seconds")  # -1: there never was one
    read, applied = number(info, "slave_read_repl_offset"), number(info, "slave_repl_offset")
    return [
        ("redis_replication_link_up", float(info.get("master_link_status") == "up"), ""),
        ("redis_replication_lag_seconds", silent_s if silent_s is not None and silent_s >= 0 else None, ""),
        ("redis_replication_link_down_seconds", lost_s if lost_s is not None and lost_s >= 0 else None, ""),
        (
            "redis_replication_unapplied_bytes",
            max(0.0, read - applied) if read is not None and applied is not None else None,
            "",
        ),
    ]


def replica_table(info: Info) -> Table:
    """One row a replica of this primary."""
    rows = (
        (name, str(row.get("state", "?")), number(row, "lag"), behind_bytes(info, row)) for name, row in replicas(info)
    )
    return Table(("replica", "state", "acknowledged_seconds", "lag_bytes"), tuple(rows))


def flags(fields: Mapping[str, str]) -> set[str]:
    """The flags of a master or replica as a sentinel sees it, e.g. ``{"master", "s_down"}``."""
    return set(fields.get("flags", "").split(","))


def is_down(fields: Mapping[str, str]) -> int:
    """0 up, 1 down in this sentinel's eyes, 2 down by agreement of the quorum.

    >>> [is_down({"flags": text}) for text in ("master", "s_down,master", "s_down,o_down,master")]
    [0, 1, 2]
    """
    seen = flags(fields)
    return 2 if "o_down" in seen else 1 if "s_down" in seen else 0


def sentinel(masters: Sequence[Watched], info: Info) -> list[Reading]:
    """What a sentinel sees of the masters it watches; nothing on another server."""
    if info.get("redis_mode") != "sentinel":
        return []
    found = [Reading("redis_sentinel_masters", number(info, "sentinel_masters") or 0.0)]
    found.append(Reading("redis_sentinel_tilt", float(bool(info.get("sentinel_tilt")))))
    for master in masters:
        whose = labels(master=master.name)
        down = sum(1 for replica in master.replicas if is_down(replica))
        values = {
            "redis_sentinel_master_down": float(is_down(master.fields)),
            "redis_sentinel_quorum_ok": None if master.quorum_ok is None else float(master.quorum_ok),
            "redis_sentinel_replicas": number(master.fields, "num-slaves"),
            "redis_sentinel_replicas_down": float(down) if master.replicas else None,
            "redis_sentinel_peers": number(master.fields, "num-other-sentinels"),
        }
        found += [Reading(metric, value, whose) for metric, value in values.items() if value is not None]
    return found


def _address(fields: Mapping[str, str]) -> str:
    return f"{fields.get('ip', '?')}:{fields.get('port', '?')}"


def _state(fields: Mapping[str, str]) -> str:
    word = ("up", "down here", "down by agreement")[is_down(fields)]
    return f"{word}, failover under way" if "failover_in_progress" in flags(fields) else word


def sentinel_tables(masters: Sequence[Watched]) -> dict[str, Table]:
    """The masters a sentinel watches, and their replicas."""
    heads = tuple(
        (
            master.name,
            _address(master.fields),
            _state(master.fields),
            master.quorum_says,
            number(master.fields, "quorum"),
            (number(master.fields, "num-other-sentinels") or 0) + 1,
            number(master.fields, "num-slaves"),
        )
        for master in masters
    )
    rows = tuple(
        (master.name, _address(replica), _state(replica), replica.get("master-link-status", "?"))
        for master in masters
        for replica in master.replicas
    )
    return {
        "sentinel masters": Table(
            ("master", "address", "state", "quorum_says", "quorum", "sentinels", "replicas"), heads
        ),
        "sentinel replicas": Table(("master", "address", "state", "link"), rows),
    }


def cluster(fields: Mapping[str, str], nodes: Iterable[Sequence[str]]) -> list[Reading]:
    """The state of the cluster as this node sees it; nothing where there is none."""
    if not fields:
        return []
    assigned = number(fields, "cluster_slots_assigned")
    failing = [node for node in nodes if set(node[2].split(",")) & {"fail", "fail?"}]
    values = {
        "redis_cluster_ok": float(fields.get("cluster_state") == "ok"),
        "redis_cluster_slots_ok": number(fields, "cluster_slots_ok"),
        "redis_cluster_slots_pfail": number(fields, "cluster_slots_pfail"),
        "redis_cluster_slots_fail": number(fields, "cluster_slots_fail"),
        "redis_cluster_slots_unassigned": None if assigned is None else ALL_SLOTS - assigned,
        "redis_cluster_nodes": number(fields, "cluster_known_nodes"),
        "redis_cluster_primaries": number(fields, "cluster_size"),
        "redis_cluster_nodes_failing": float(len(failing)),
    }
    return [Reading(metric, value) for metric, value in values.items() if value is not None]


def slot_count(ranges: Sequence[str]) -> int:
    """How many slots a node's ranges hold; ``[…]`` is a slot that moves.

    >>> slot_count(["0-5460", "9000", "[93-<-292f8b36]"])
    5462
    """
    whole = [words.partition("-") for words in ranges if not words.startswith("[")]
    return sum(int(last or first) - int(first) + 1 for first, _, last in whole if first.isdigit())


def node_table(nodes: Sequence[Sequence[str]]) -> Table:
    """One row a node, those that fail first."""

    def state(seen: set[str]) -> str:
        return "failed" if "fail" in seen else "failing here" if "fail?" in seen else "up"

    rows = []
    for node in nodes:
        seen = set(node[2].split(","))
        role = "primary" if "master" in seen else "replica" if "slave" in seen else "?"
        mine = " (this one)" if "myself" in seen else ""
        place = node[1].partition("@")[0]
        known = f"?{place}" if place.startswith(":") else place  # a node learns its own address from the first it meets
        rows.append((known, f"{role}{mine}", state(seen), node[7], slot_count(node[8:])))
    rows.sort(key=lambda row: (row[2] == "up", row[0]))
    return Table(("node", "role", "state", "link", "slots"), tuple(rows[:MOST_NODES]))
