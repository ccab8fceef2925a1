"""System: has this machine the processor, memory and disk the stack needs?"""

from ui import cards, comparison, frame
from ui.panels import show
from ui.questions import metric_panel

FIGURES = (
    ("host_cpu_ratio", "CPU"),
    ("host_load5_per_core", "Load per core, 5 min"),
    ("host_memory_available_ratio", "Memory available"),
    ("host_disk_used_ratio", "Fullest disk"),
    ("host_cpu_steal_ratio", "Stolen CPU"),
    ("host_disk_wait_seconds", "Slowest disk"),
    ("host_clock_offset_seconds", "Clock offset"),
    ("host_disk_full_in_seconds", "Disk full in"),
)

CHARTS = (
    "host_cpu_ratio",
    "host_memory_available_ratio",
    "host_load5_per_core",
    "host_disk_used_ratio",
    "host_pressure_io_ratio",
    "host_disk_write_bytes_per_second",
)

page = frame.begin(
    "System", "Has this machine the processor, memory and disk the stack needs, and who uses them?", charted=True
)


def system() -> None:
    view = cards.verdict_line(page.monitor.board.of_kind("host"), "host", page.now, page.monitor)
    if view is None:
        return
    result = view.result
    cards.figures(result, FIGURES)
    cards.facts(result)
    comparison.control()
    show(page.monitor.reader, [metric_panel(page, metric, (view.name,)) for metric in CHARTS], columns=2)
    cards.tables(
        result,
        {
            "top processes": "No process could be read.",
            "mounts": "No local disk could be read.",
            "cores": "A core's share is known from the second reading on.",
        },
    )
    cards.all_metrics(view)
    processes = page.monitor.board.of_kind("process")
    if processes:
        cards.watched(processes, "Watched processes", page)


frame.live(page, system, every_s=5.0)
