"""The metrics of the `redis` kind about what clients feel: speed, slow and refused commands."""

from probes.catalogue import Metric

SPEED = (
    Metric(
        name="redis_ping_seconds",
        title="ping",
        unit="seconds",
        better="lower",
        help="Median round trip of five PINGs on a connection that is already open.",
        warning=0.010,
        critical=0.100,
        reason="On loopback a PING takes 0.1 ms; 10 ms are slow commands, a fork or swapping, 100 ms stop order flow.",
        message="A PING takes {value}, more than {threshold}.",
        hint="Look at the slow log below: a long command makes all others wait.",
        source="PING",
    ),
    Metric(
        name="redis_serving_ok",
        title="does what it is asked",
        unit="bool",
        type="state",
        better="higher",
        help="0 while the server refuses reads or writes of its clients (LOADING, MASTERDOWN, MISCONF, OOM, "
        "CLUSTERDOWN), else 1; a finding names the state, which is why this number is not judged again.",
        source="PING: the refusal, INFO: loading used_memory maxmemory maxmemory_policy mem_not_counted_for_evict",
    ),
    Metric(
        name="redis_commands_per_second",
        title="commands",
        unit="count/s",
        help="Commands processed, Tapewatch's own included.",
        source="INFO stats: total_commands_processed",
    ),
    Metric(
        name="redis_hits_ratio",
        title="hit rate",
        unit="ratio",
        better="higher",
        help="Share of key look-ups since the last reading that found their key.",
        source="INFO stats: keyspace_hits keyspace_misses",
    ),
    Metric(
        name="redis_slow_commands_per_minute",
        title="slow commands per minute",
        unit="count",
        better="lower",
        help="New entries of the slow log since the last reading, as a rate; slowlog-log-slower-than decides.",
        warning=10,
        critical=100,
        for_s=30,
        reason="Our default. Counted by entry ids, because the log's length is capped; half a minute, so that one "
        "burst is no alarm.",
        message="{value} slow {value:command|commands} a minute, more than {threshold}.",
        hint="The slow log below names them; KEYS, big ranges and Lua scripts are the usual ones.",
        source="SLOWLOG GET: id",
    ),
    Metric(
        name="redis_slowest_command_seconds",
        title="slowest new command",
        unit="seconds",
        better="lower",
        help="The longest of the commands that came into the slow log since the last reading; 0 when none did. Time "
        "in the server alone: waiting and network do not count.",
        source="SLOWLOG GET: duration",
    ),
    Metric(
        name="redis_command_mean_seconds",
        title="time of a command",
        unit="seconds",
        better="lower",
        help="Mean time in the server of the commands since the last reading; what replicas, client libraries and "
        "Tapewatch send by themselves is left out.",
        source="INFO commandstats: calls usec",
    ),
    Metric(
        name="redis_command_p50_seconds",
        title="command, median",
        unit="seconds",
        better="lower",
        help="Median time in the server since it started (or CONFIG RESETSTAT) of the five commands that took most of "
        "its time; Redis 7 and later. Not judged, because what is past stays in it.",
        source="INFO latencystats: p50",
    ),
    Metric(
        name="redis_command_p99_seconds",
        title="command, p99",
        unit="seconds",
        better="lower",
        help="99th percentile of the time in the server since it started, of the same commands.",
        source="INFO latencystats: p99",
    ),
    Metric(
        name="redis_command_p999_seconds",
        title="command, p99.9",
        unit="seconds",
        better="lower",
        help="99.9th percentile of the time in the server since it started, of the same commands.",
        source="INFO latencystats: p99.9",
    ),
    Metric(
        name="redis_refused_commands_total",
        title="refused commands",
        unit="count",
        type="counter",
        better="lower",
        help="Commands of clients refused since the last reading because of the server's state: OOM, MISCONF, "
        "READONLY, MASTERDOWN, CLUSTERDOWN or NOREPLICAS. One series a word.",
        warning=0,
        reason="Each one is a program that could not write or read, even if the state has passed since.",
        message="{value} {value:command was|commands were} refused with {error} since the last check.",
        hint="OOM: memory is full. READONLY: a program writes to a replica. MISCONF: saving failed. MASTERDOWN, "
        "CLUSTERDOWN, NOREPLICAS: other nodes are missing.",
        source="INFO errorstats: count",
    ),
    Metric(
        name="redis_error_replies_total",
        title="other error replies",
        unit="count",
        type="counter",
        better="lower",
        help="Error replies since the last reading that are the clients' mistake, by their first word: NOAUTH, "
        "WRONGPASS, NOPERM, ERR, WRONGTYPE and the like; only those that grew. Redis 6.2 and later.",
        source="INFO errorstats: count",
    ),
    Metric(
        name="redis_network_receive_bytes_per_second",
        title="received",
        unit="bytes/s",
        help="Bytes clients sent to the server.",
        source="INFO stats: total_net_input_bytes",
    ),
    Metric(
        name="redis_network_transmit_bytes_per_second",
        title="sent",
        unit="bytes/s",
        help="Bytes the server sent to clients.",
        source="INFO stats: total_net_output_bytes",
    ),
)
