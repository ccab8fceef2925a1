"""What every component has, whatever its kind: three series the trends are drawn from."""

from probes.catalogue import Metric
from probes.result import ProbeResult, Reading, Status

METRICS = (
    Metric(
        name="probe_up",
        title="availability",
        unit="ratio",
        type="state",
        help="1 when the component answered and is not critical, else 0; its average is the uptime.",
        better="higher",
        source="the result of each check",
    ),
    Metric(
        name="probe_status",
        title="status",
        unit="count",
        type="state",
        help="Rank of the status: off 0, ok 1, unknown 2, warning 3, critical 4; its maximum is the worst of a period.",
        better="lower",
        source="the result of each check",
    ),
    Metric(
        name="probe_latency_seconds",
        title="latency",
        unit="seconds",
        help="Round trip of the component's cheapest request.",
        better="lower",
        source="the result of each check",
    ),
)


def readings(result: ProbeResult) -> tuple[Reading, ...]:
    """The common series of one result, then its own readings."""
    down = result.status in {Status.CRITICAL, Status.UNKNOWN}
    common = [Reading("probe_up", 0.0 if down else 1.0), Reading("probe_status", float(result.status.rank))]
    if result.latency_ms is not None:
        common.append(Reading("probe_latency_seconds", result.latency_ms / 1000))
    return (*common, *result.readings)
