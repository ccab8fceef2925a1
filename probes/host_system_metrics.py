"""The metrics of the `host` kind that are about its kernel, its clock and Tapewatch itself."""

from probes.catalogue import Metric

SYSTEM = (
    Metric(
        name="host_descriptors_used_ratio",
        title="open files",
        unit="ratio",
        better="lower",
        help="Open file descriptors of the whole machine as a share of what its kernel allows.",
        warning=0.8,
        critical=0.9,
        reason="At the limit every program fails to open files and sockets.",
        message="The machine has {value} of its file descriptors open, more than {threshold}.",
        hint="Find the process that leaks them, or raise fs.file-max.",
        source="/proc/sys/fs/file-nr",
    ),
    Metric(
        name="host_uptime_seconds",
        title="uptime",
        unit="seconds",
        better="neither",
        help="Time since the machine was started.",
        source="/proc/stat: btime",
    ),
    Metric(
        name="host_processes",
        title="processes",
        unit="count",
        help="Processes that exist.",
        source="/proc: the numbered folders",
    ),
    Metric(
        name="host_temperature_celsius",
        title="temperature",
        unit="celsius",
        better="lower",
        help="What a temperature sensor shows; judged by the sensor's own limits.",
        source="/sys/class/hwmon: temp*_input, the hottest of a chip",
    ),
)

CLOCK = (
    Metric(
        name="host_clock_synchronized",
        title="clock kept in time",
        unit="bool",
        type="state",
        better="higher",
        help="1 when chrony, ntpd or timesyncd keeps the kernel's clock; 0 is no fault where a hypervisor keeps it.",
        source="adjtimex: STA_UNSYNC",
    ),
    Metric(
        name="host_clock_offset_seconds",
        title="clock offset",
        unit="seconds",
        better="lower",
        help="How far off the clock is and still to be corrected, whichever way; known while it is kept in time.",
        warning=0.05,
        critical=1.0,
        for_s=60,
        reason="FINRA rule 4590 allows 50 ms; by a second, ticks are filed under the wrong bar. "
        "A minute, because a step is corrected at once.",
        message="This machine's clock is off by {value}, more than {threshold}.",
        hint="Run `chronyc tracking` or `timedatectl timesync-status`: are its servers reachable?",
        source="adjtimex: offset",
    ),
    Metric(
        name="host_clock_error_bound_seconds",
        title="clock error at most",
        unit="seconds",
        better="lower",
        help="How far off the clock can be at most; grows by half a millisecond a second while no server answers.",
        source="adjtimex: maxerror",
    ),
)

TAPEWATCH = (
    Metric(
        name="tapewatch_descriptors",
        title="Tapewatch's open files",
        unit="count",
        better="lower",
        help="File descriptors Tapewatch itself has open.",
        source="/proc/self/fd",
    ),
    Metric(
        name="tapewatch_descriptors_used_ratio",
        title="Tapewatch's open files",
        unit="ratio",
        better="lower",
        help="Tapewatch's own file descriptors as a share of its limit.",
        warning=0.7,
        critical=0.9,
        reason="A monitor that leaks must be the first to say so.",
        message="Tapewatch itself has {value} of its file descriptors open, more than {threshold}.",
        hint="Restart Tapewatch and report this: it should not happen.",
        source="/proc/self/fd, by getrlimit: RLIMIT_NOFILE",
    ),
    Metric(
        name="tapewatch_resident_bytes",
        title="Tapewatch's memory",
        unit="bytes",
        better="lower",
        help="Memory Tapewatch itself occupies.",
        source="/proc/self/statm: resident",
    ),
)
