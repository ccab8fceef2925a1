"""The metrics of the `kafka` kind with their thresholds and the reasons for them."""

from probes.catalogue import Metric

CLUSTER = (
    Metric(
        name="kafka_ping_seconds", title="request time", unit="seconds", better="lower",
        help="Round trip of the cheapest request (which brokers are there).",
        warning=0.25, for_s=60,
        reason="Our default: about 1 ms is normal, and a broker that needs a quarter second for it delays every order.",
        message="The cheapest request takes {value}, more than {threshold}.",
        hint="See the broker's CPU, its garbage collection and the network between.",
        source="duration of DescribeCluster",
    ),
    Metric(
        name="kafka_brokers", title="brokers", unit="count", type="state", better="higher",
        help="Brokers that are alive; missing ones are judged against those seen in the last 24 hours.",
        source="DescribeCluster: brokers that are not fenced",
    ),
    Metric(
        name="kafka_controller_known", title="controller", unit="bool", type="state", better="higher",
        help="1 when the cluster has a controller.",
        critical=0.5, for_s=60,
        reason="Without a controller no leader is elected; an election takes seconds, so a minute is a fault.",
        message="The cluster has had no controller for a minute: no partition can get a new leader.",
        hint="Are most of the controllers running? Look at their logs for elections that fail.",
        source="DescribeQuorum: leader_id; DescribeCluster: controller_id where that is not told",
    ),
    Metric(
        name="kafka_topics", title="topics", unit="count", type="state",
        help="Topics, Kafka's internal ones (__*) excluded.",
        source="Metadata: topics",
    ),
    Metric(
        name="kafka_partitions", title="partitions", unit="count", type="state",
        help="Partitions of all topics, internal ones included.",
        source="Metadata: partitions",
    ),
    Metric(
        name="kafka_partitions_offline", title="offline partitions", unit="count", type="state", better="lower",
        help="Partitions without a leader: they can be neither written nor read.",
        critical=0,
        reason="Confluent's guide: alert above 0, because producers and consumers of the partition stand still.",
        message="Partitions without a leader: {value}. Nobody can write or read them.",
        hint="Start the brokers that hold them (see the topics table), and look for failed disks.",
        source="Metadata: leader_id below zero",
    ),
    Metric(
        name="kafka_partitions_under_replicated", title="under-replicated partitions", unit="count",
        type="state", better="lower",
        help="Partitions with fewer replicas in sync than configured.",
        warning=0,
        reason="Above 0 a copy is missing; brief in rolling restarts, hence a warning first.",
        message="Partitions with fewer copies in sync than they should have: {value}.",
        hint="Is a broker down, or too slow to follow? See the brokers table and the brokers' disks.",
        source="Metadata: isr_nodes fewer than replica_nodes",
    ),
    Metric(
        name="kafka_under_replicated_seconds", title="under-replicated for", unit="seconds", better="lower",
        help="How long some partition has been under-replicated without a break; 0 when none is.",
        critical=300,
        reason="A rolling restart heals within five minutes; what lasts longer is a fault.",
        message="Partitions have lacked copies for {value}: the next broker to fail may lose data.",
        hint="Bring the missing broker back, or move its replicas to another.",
        source="Metadata: isr_nodes fewer than replica_nodes, since when",
    ),
    Metric(
        name="kafka_partitions_below_min_in_sync", title="partitions below min.insync.replicas", unit="count",
        type="state", better="lower",
        help="Partitions with fewer replicas in sync than min.insync.replicas asks for.",
        critical=0,
        reason="Below it every write with acks=all is refused.",
        message="Partitions below min.insync.replicas: {value}. Writes to them with acks=all fail.",
        hint="Bring the missing replicas back; lower min.insync.replicas only if you can do without the copies.",
        source="Metadata: isr_nodes; DescribeConfigs: min.insync.replicas",
    ),
    Metric(
        name="kafka_leader_imbalance_ratio", title="leaders out of place", unit="ratio", better="lower",
        help="Share of partitions led by another replica than the preferred one; shown only.",
        source="Metadata: leader_id other than the first of replica_nodes",
    ),
)  # fmt: skip

TRAFFIC = (
    Metric(
        name="kafka_messages_per_second", title="messages", unit="messages/s",
        help="Growth of all end offsets, internal topics excluded. An upper bound: transaction markers count.",
        source="ListOffsets (latest), growth between two polls",
    ),
    Metric(
        name="kafka_topic_messages_per_second", title="messages by topic", unit="messages/s",
        help="Growth of the topic's end offsets. An upper bound: transaction markers count.",
        source="ListOffsets (latest), growth between two polls",
    ),
    Metric(
        name="kafka_topic_silent_seconds", title="silence", unit="seconds", better="lower",
        help="Time since the last message of a topic that flowed steadily before (30 readings in a row).",
        warning=60,
        reason="Our default: a feed that never paused and then brings nothing for a minute has usually broken.",
        message="Topic {topic} has brought no message for {value} after a steady flow.",
        hint="Is its producer running and connected, and is the market open?",
        source="ListOffsets (latest), time since it grew",
    ),
)  # fmt: skip

GROUPS = (
    Metric(
        name="kafka_groups", title="consumer groups", unit="count", type="state",
        help="Consumer groups that are not ignored.",
        source="ListGroups",
    ),
    Metric(
        name="kafka_lag_messages", title="lag", unit="messages", better="lower",
        help="Messages all groups together have still to consume.",
        source="ListOffsets (latest) minus OffsetFetch, of all groups",
    ),
    Metric(
        name="kafka_group_lag_messages", title="lag by group", unit="messages", better="lower",
        help="Messages of a topic a group has still to consume: end offsets minus committed ones.",
        source="ListOffsets (latest) minus OffsetFetch, summed by topic",
    ),
    Metric(
        name="kafka_group_lag_seconds", title="lag in time", unit="seconds", better="lower",
        help="Age of the oldest message a group has still to consume, in its worst partition; not judged unless you "
        "give limits, because the evaluation judges. At least that old where it was written before Tapewatch looked.",
        source="OffsetFetch placed among the end offsets (ListOffsets) of earlier polls",
    ),
    Metric(
        name="kafka_group_evaluation", title="evaluation", unit="count", type="state", better="lower",
        help="How a group does in its worst partition: 0 ok, 1 unknown, 2 warning (falls behind), 3 rewinding, "
        "4 stalled, 5 stopped. Falling behind, rewinding and stopped warn; stalled, and stopped for ten minutes, are "
        "critical.",
        reason="Burrow's rules over the last ten changes of an offset: what is too much lag differs by group and hour, "
        "whether a group keeps up does not.",
        source="OffsetFetch and ListOffsets (latest) of the last polls",
    ),
    Metric(
        name="kafka_partition_lag_messages", title="lag by partition", unit="messages", better="lower",
        help="Messages of a partition a group has still to consume, for the 50 partitions with the oldest ones.",
        source="ListOffsets (latest) minus OffsetFetch",
    ),
    Metric(
        name="kafka_partition_lag_seconds", title="lag in time by partition", unit="seconds", better="lower",
        help="Age of the oldest message of a partition a group has still to consume, for the 50 partitions with the "
        "oldest ones.",
        source="OffsetFetch placed among the end offsets (ListOffsets) of earlier polls",
    ),
    Metric(
        name="kafka_group_state", title="group state", unit="count", type="state",
        help="0 stable, 1 empty, 2 rebalancing, 3 dead, 4 anything else.",
        source="ListGroups: group_state",
    ),
    Metric(
        name="kafka_group_rebalancing_seconds", title="rebalancing for", unit="seconds", better="lower",
        help="How long a group has been rebalancing without a break; 0 when it is not.",
        warning=120, critical=600,
        reason="A rebalance takes less than two minutes; after ten its members keep throwing each other out.",
        message="Group {group} has been rebalancing for {value}: nobody consumes meanwhile.",
        hint="Do its consumers start and stop again and again, or take longer than max.poll.interval.ms for a batch?",
        source="ListGroups: group_state",
    ),
)  # fmt: skip

METRICS = (*CLUSTER, *TRAFFIC, *GROUPS)
