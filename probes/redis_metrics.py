"""The metrics of the `redis` kind with their thresholds and the reasons for them."""

from probes.catalogue import Metric
from probes.redis_safety_metrics import PERSISTENCE, REPLICATION
from probes.redis_speed_metrics import SPEED
from probes.redis_topology_metrics import CLUSTER, SENTINEL

FRAGMENTATION_FLOOR_BYTES = 100 * 2**20
"""Below this the fragmentation ratio says nothing: an empty server shows 14."""

MEMORY = (
    Metric(
        name="redis_memory_used_bytes",
        title="memory used",
        unit="bytes",
        help="Bytes the data and the server's own structures take (used_memory).",
        source="INFO memory: used_memory",
    ),
    Metric(
        name="redis_memory_peak_bytes",
        title="memory, peak",
        unit="bytes",
        help="The most memory used since the server started.",
        source="INFO memory: used_memory_peak",
    ),
    Metric(
        name="redis_memory_used_ratio",
        title="memory used of the most allowed",
        unit="ratio",
        better="lower",
        help="Memory used as a share of maxmemory, or of the machine's memory where maxmemory is not set. Only where "
        "nothing may be evicted: then a full server refuses writes.",
        warning=0.75,
        critical=0.90,
        reason="Full with noeviction means every write fails with OOM; a quarter is room to act in, a tenth is not.",
        message="{value} of the memory Redis may use is taken, more than {threshold}; when it is full, writes fail.",
        hint="Raise maxmemory, give keys an expiry, or find what grew with redis-cli --bigkeys.",
        source="INFO memory: used_memory maxmemory maxmemory_policy used_memory_rss total_system_memory",
    ),
    Metric(
        name="redis_cache_used_ratio",
        title="cache filled",
        unit="ratio",
        help="Memory used as a share of maxmemory where an eviction policy makes room by itself: full is normal.",
        source="INFO memory: used_memory maxmemory maxmemory_policy",
    ),
    Metric(
        name="redis_memory_fragmentation_ratio",
        title="fragmentation",
        unit="ratio",
        better="lower",
        help="Resident memory over used memory; only above 100 MiB used, below which it says nothing.",
        warning=1.5,
        critical=2.0,
        for_s=60,
        reason="Above 1.5 a third of the resident memory is holes, above 2 half of it; an empty server shows 14.",
        message="Resident memory is {value} of what the data needs, more than {threshold}: the rest is holes.",
        hint="Set activedefrag yes, or restart when the market is closed.",
        source="INFO memory: used_memory_rss used_memory",
    ),
    Metric(
        name="redis_memory_swapped_bytes",
        title="memory not resident",
        unit="bytes",
        better="lower",
        help="Used memory beyond resident memory: it was swapped out. Only above 100 MiB used.",
        warning=0,
        for_s=60,
        reason="Redis answers from one thread: a single access to a swapped page makes all clients wait.",
        message="{value} of Redis's memory are swapped out.",
        hint="Free memory on the host or lower maxmemory.",
        source="INFO memory: used_memory used_memory_rss",
    ),
    Metric(
        name="redis_evicted_keys_per_second",
        title="evicted",
        unit="count/s",
        better="lower",
        help="Keys thrown out to make room. Not judged: that follows the eviction policy you set.",
        source="INFO stats: evicted_keys",
    ),
    Metric(
        name="redis_expired_keys_per_second",
        title="expired",
        unit="count/s",
        help="Keys whose time to live ended.",
        source="INFO stats: expired_keys",
    ),
    Metric(name="redis_keys", title="keys", unit="count", help="Keys in all databases.", source="INFO keyspace: keys"),
    Metric(
        name="redis_db_keys",
        title="keys of a database",
        unit="count",
        help="Keys by database.",
        source="INFO keyspace: keys",
    ),
    Metric(
        name="redis_db_expiring_keys",
        title="expiring keys of a database",
        unit="count",
        help="Keys with a time to live, by database.",
        source="INFO keyspace: expires",
    ),
    Metric(
        name="redis_db_ttl_seconds",
        title="mean time to live",
        unit="seconds",
        help="Mean time to live of the keys that have one, by database, as the server estimates it.",
        source="INFO keyspace: avg_ttl",
    ),
)

CLIENTS = (
    Metric(
        name="redis_clients",
        title="clients",
        unit="count",
        help="Connected clients, replicas excluded.",
        source="INFO clients: connected_clients",
    ),
    Metric(
        name="redis_clients_ratio",
        title="clients of the most allowed",
        unit="ratio",
        better="lower",
        help="Connected clients as a share of maxclients.",
        warning=0.80,
        critical=0.95,
        reason="At maxclients new connections are refused, Tapewatch's among them.",
        message="{value} of the allowed clients are connected, more than {threshold}.",
        hint="Look for a connection leak (CLIENT LIST), or raise maxclients.",
        source="INFO clients: connected_clients maxclients",
    ),
    Metric(
        name="redis_blocked_clients",
        title="blocked clients",
        unit="count",
        help="Clients that wait in a blocking command such as BLPOP or XREAD BLOCK.",
        source="INFO clients: blocked_clients",
    ),
    Metric(
        name="redis_rejected_connections_total",
        title="rejected connections",
        unit="count",
        type="counter",
        better="lower",
        help="Connections refused since the last reading because maxclients was reached.",
        critical=0,
        reason="Each one is a program that could not work.",
        message="{value} {value:connection was|connections were} refused because maxclients was reached.",
        hint="Look for a connection leak (CLIENT LIST), or raise maxclients.",
        source="INFO stats: rejected_connections",
    ),
    Metric(
        name="redis_clients_cut_off_total",
        title="clients cut off",
        unit="count",
        type="counter",
        better="lower",
        help="Clients disconnected since the last reading because they read too slowly (client-output-buffer-limit).",
        warning=0,
        reason="A subscriber that is cut off misses what is published until it is back.",
        message="{value} {value:client was|clients were} cut off because {value:it|they} read too slowly.",
        hint="CLIENT LIST shows output buffers (omem); let the reader work faster or raise client-output-buffer-limit.",
        source="INFO stats: client_output_buffer_limit_disconnections",
    ),
)

METRICS = (*SPEED, *MEMORY, *CLIENTS, *PERSISTENCE, *REPLICATION, *SENTINEL, *CLUSTER)
