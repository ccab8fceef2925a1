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
        help="Share of partitions led by another replica than the preferred one.",
        warning=0.1, for_s=900,
        reason="Above 10 % Kafka moves leaders back every five minutes (leader.imbalance.per.broker.percentage): what "
        "lasts longer does not heal by itself.",
        message="Of all partitions {value} are led by another broker than meant: some brokers do the work of others.",
        hint="Run kafka-leader-election.sh --election-type preferred, or switch auto.leader.rebalance.enable on.",
        source="Metadata: leader_id other than the first of replica_nodes",
    ),
    Metric(
        name="kafka_quorum_voters", title="controllers", unit="count", type="state",
        help="Controllers that vote in the KRaft quorum, running or not.",
        source="DescribeQuorum: current_voters",
    ),
    Metric(
        name="kafka_quorum_behind_seconds", title="controller behind", unit="seconds", better="lower",
        help="Time since a voting controller last had all records of the quorum's log.",
        warning=10,
        reason="Our default: the log gets a record every half second, which a controller that runs has at once.",
        message="Controller {node} has lacked records of the quorum's log for {value}: it is down or cut off.",
        hint="Start it again: when most controllers are gone, no partition can get a new leader.",
        source="DescribeQuorum: last_caught_up_timestamp against the leader's",
    ),
    Metric(
        name="kafka_disk_available_ratio", title="disk room", unit="ratio", better="higher",
        help="Share of the file system of a broker's log directory that is free.",
        warning=0.15, critical=0.05,
        reason="Our default: a broker whose disk is full takes its log directory offline, or stops.",
        message="Broker {broker} has {value} of its disk left in {directory}.",
        hint="Shorten retention.ms or retention.bytes of the biggest topics, or give it room.",
        source="DescribeLogDirs: usable_bytes, total_bytes",
    ),
    Metric(
        name="kafka_failed_disks", title="failed disks", unit="count", type="state", better="lower",
        help="Log directories of a broker that are offline.",
        critical=0,
        reason="The partitions in them have lost this copy until the disk is mended.",
        message="Broker {broker} has lost {value} of its log directories.",
        hint="See the broker's log for the I/O error, and replace the disk.",
        source="DescribeLogDirs: error_code",
    ),
)  # fmt: skip

RISKS = (
    Metric(
        name="kafka_topics_one_copy", title="topics with one copy", unit="count", type="state", better="lower",
        help="Topics with a single replica although there are brokers for more, Kafka's own included.",
        warning=0,
        reason="The loss of one broker's disk is the loss of the data.",
        message="Topics with a single copy: {value}. A broker that is lost takes their data with it.",
        hint="Give them more replicas (kafka-reassign-partitions.sh); if they may be lost, raise this limit.",
        source="Metadata: replica_nodes",
    ),
    Metric(
        name="kafka_topics_unclean_election", title="topics with unclean election", unit="count",
        type="state", better="lower",
        help="Topics for which a copy that lacks messages may become leader.",
        warning=0,
        reason="After an unclean election acknowledged messages are gone, and nobody is told.",
        message="Topics with unclean.leader.election.enable=true: {value}. They may lose acknowledged messages.",
        hint="Set it to false; if availability is worth more than these messages, raise this limit.",
        source="DescribeConfigs: unclean.leader.election.enable",
    ),
    Metric(
        name="kafka_topics_one_acknowledgement", title="topics acknowledged by one copy", unit="count",
        type="state", better="lower",
        help="Topics with several replicas and min.insync.replicas=1, Kafka's default: acks=all may mean one copy. "
        "Shown only.",
        source="DescribeConfigs: min.insync.replicas; Metadata: replica_nodes",
    ),
    Metric(
        name="kafka_topics_one_rack", title="topics in one rack", unit="count", type="state", better="lower",
        help="Topics with a partition whose copies are all in one rack although the brokers are in several.",
        warning=0,
        reason="Racks are named so that the loss of one leaves a copy.",
        message="Topics with all copies of a partition in one rack: {value}.",
        hint="Reassign their partitions; Kafka spreads over racks only when a topic is made.",
        source="DescribeCluster: rack; Metadata: replica_nodes",
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
    Metric(
        name="kafka_topic_size_bytes", title="size by topic", unit="bytes",
        help="Bytes of a topic on the brokers' disks, all copies together.",
        source="DescribeLogDirs: partition_size",
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
    Metric(
        name="kafka_group_lost_messages", title="lost unread", unit="messages", better="lower",
        help="Messages that were deleted before a group consumed them: first offset kept minus committed one.",
        critical=0,
        reason="The group will never see them.",
        message="Group {group} has lost {value} {value:message|messages}: its topics deleted {value:it before it "
        "was|them before they were} consumed.",
        hint="Lengthen retention.ms or retention.bytes; if the group is no longer needed, delete it or ignore it.",
        source="ListOffsets (earliest) against OffsetFetch",
    ),
    Metric(
        name="kafka_group_retention_used_ratio", title="retention used", unit="ratio", better="lower",
        help="How near a group is to losing messages unread: the age of its oldest one as a share of retention.ms, or "
        "the bytes it has still to consume as a share of retention.bytes, whichever is more; its worst partition.",
        warning=0.8,
        reason="Our default: at 1 messages are deleted before they are consumed.",
        message="Group {group} is {value} of the way to messages that are deleted before it consumes them.",
        hint="Let it catch up, or lengthen retention.ms or retention.bytes of its topics meanwhile.",
        source="OffsetFetch, ListOffsets and DescribeLogDirs against DescribeConfigs: retention.ms, retention.bytes",
    ),
)  # fmt: skip

METRICS = (*CLUSTER, *RISKS, *TRAFFIC, *GROUPS)
