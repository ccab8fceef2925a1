"""The metrics of the `network` kind with their thresholds and the reasons for them."""

from probes.catalogue import Metric

LOSS_WARNING = 0.01
LOSS_CRITICAL = 0.05

TARGETS = (
    Metric(
        name="network_reachable",
        title="reachable",
        unit="bool",
        type="state",
        better="higher",
        help="1 when the target's host answered, also by refusing the port; its average is the target's availability.",
    ),
    Metric(
        name="network_rtt_seconds",
        title="round trip",
        unit="seconds",
        better="lower",
        help="Time until the target answered a TCP connect, name resolution excluded. A refusal is an answer.",
    ),
    Metric(
        name="network_rtt_p95_seconds",
        title="round trip, p95 of 20",
        unit="seconds",
        better="lower",
        help="The round trip that 19 of the last 20 did not exceed; from five answers on.",
        warning=0.05,
        critical=0.2,
        reason="A LAN answers within a millisecond, a continent within 80 ms: raise it for targets far away.",
        message="{target} answers in {value}, more than {threshold}.",
        hint="Look for a saturated link, a failing switch or a changed route on the way to it.",
    ),
    Metric(
        name="network_jitter_seconds",
        title="jitter",
        unit="seconds",
        better="lower",
        help="Mean absolute step between the last 20 round trips.",
        warning=0.01,
        critical=0.05,
        for_s=60,
        reason="Ticks arrive in bursts when the way varies by tens of milliseconds. A minute, so that one is no alarm.",
        message="The round trip to {target} varies by {value}, more than {threshold}.",
        hint="Look for a link near saturation or a wireless hop on the way.",
    ),
    Metric(
        name="network_loss_ratio",
        title="loss",
        unit="ratio",
        better="lower",
        help="Share of the last 100 tries without an answer within a second: a lost first packet costs one second.",
        reason=f"Beyond {LOSS_WARNING:.0%} a warning, {LOSS_CRITICAL:.0%} critical, from 100 tries on: "
        "fewer cannot tell 1 % from chance.",
    ),
)

INTERFACES = (
    Metric(
        name="network_receive_bytes_per_second",
        title="received",
        unit="bytes/s",
        help="Bytes an interface received.",
    ),
    Metric(
        name="network_transmit_bytes_per_second",
        title="sent",
        unit="bytes/s",
        help="Bytes an interface sent.",
    ),
    Metric(
        name="network_receive_packets_per_second",
        title="packets received",
        unit="count/s",
        help="Packets an interface received.",
    ),
    Metric(
        name="network_transmit_packets_per_second",
        title="packets sent",
        unit="count/s",
        help="Packets an interface sent.",
    ),
    Metric(
        name="network_error_ratio",
        title="errors and drops",
        unit="ratio",
        better="lower",
        help="Errors and drops as a share of an interface's packets, both directions; from 100 packets on.",
        warning=0.001,
        critical=0.01,
        for_s=60,
        reason="A healthy cable loses nothing. A minute, so that one unknown broadcast is no alarm.",
        message="{interface} loses {value} of its packets, more than {threshold}.",
        hint="Check cable, port and duplex; drops without errors mean the machine is too slow to take packets in.",
    ),
    Metric(
        name="network_utilization_ratio",
        title="link utilisation",
        unit="ratio",
        better="lower",
        help="The busier direction of an interface as a share of its link speed or configured capacity.",
        warning=0.7,
        critical=0.9,
        for_s=300,
        reason="Queues grow steeply from 70 % on, and bursts are lost from 90 %.",
        message="{interface} carries {value} of what it can, more than {threshold} for five minutes.",
        hint="See Network → Capacity for what fills it; move traffic or get a faster link.",
    ),
    Metric(
        name="network_link_speed_bytes_per_second",
        title="link speed",
        unit="bytes/s",
        better="higher",
        help="Configured capacity of an interface, else the speed its driver reports; virtual ones report none.",
    ),
    Metric(
        name="network_interface_up",
        title="interface up",
        unit="bool",
        type="state",
        better="higher",
        help="1 when the interface is up.",
    ),
)

SYSTEM = (
    Metric(
        name="network_retransmit_ratio",
        title="retransmitted",
        unit="ratio",
        better="lower",
        help="Share of sent TCP segments that were sent again; told whenever 1000 more have been sent.",
        warning=0.01,
        critical=0.05,
        reason="Wired networks stay far below 1 %; at 5 % throughput collapses.",
        message="{value} of the TCP segments had to be sent again, more than {threshold}.",
        hint="Packets are lost somewhere: compare the targets' loss and the interfaces' errors.",
    ),
    Metric(
        name="network_listen_drops_per_second",
        title="dropped connections",
        unit="count/s",
        better="lower",
        help="Incoming connections this machine dropped because a listening program's queue was full.",
        warning=0.0,
        critical=10.0,
        reason="Every one is a client that waits a second or fails.",
        message="Connections to this machine are dropped: {value}.",
        hint="A program here accepts too slowly: raise its backlog and net.core.somaxconn, or find what blocks it.",
    ),
)

METRICS = (*TARGETS, *INTERFACES, *SYSTEM)
