"""What drilling down costs: a zoom, a rerun of each page, the bytes of its charts, a thousand zooms, a search.

Keys: `zoom_vs_hello`, `reruns_per_selection`, `twelve_charts_kb`, `zoom_memory_mb`, `search_10000_ms`, and a table
of pages. All but the search are measured on the demo stack with its year of history, served as users have it.
"""

import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import httpx
import numpy as np

from benchmarks import report, scenarios, zoom
from benchmarks.report import Cell
from benchmarks.scenarios import Served
from benchmarks.session import Chart, in_turn, settled, visiting
from history.names import spell
from history.queries import scope_of
from history.queries.exploring import Sought, search
from history.rows import SeriesKey, SeriesRow, columns_table, insert, series_table
from history.store import Store
from settings import DEFAULT_ZONE, History

COMMAND = "python -m benchmarks.explore"
READY_S, COURSE_S = 300.0, 30.0
ROUNDS = 11
CHARTS = 12
ZOOMS, WARM_UP_ZOOMS, NEAR_ZOOMS = 1000, 200, 50
DEEPEST_S = 1200.0
"""A range of twenty minutes is not zoomed into any more: the visitor begins anew."""
SERIES, END_S = 10_000, 1_790_006_400
RANGE = "from=now-24h&to=now"
TWELVE = (
    SeriesKey("redis", "redis_commands_per_second"),
    SeriesKey("redis", "redis_memory_used_bytes"),
    SeriesKey("redis", "redis_hits_ratio"),
    SeriesKey("redis", "probe_latency_seconds"),
    SeriesKey("redis", "redis_clients"),
    SeriesKey("redis", "probe_up"),
    SeriesKey("kafka", "kafka_messages_per_second"),
    SeriesKey("kafka", "kafka_lag_messages"),
    SeriesKey("host", "host_disk_write_bytes_per_second", (("disk", "vda"),)),
)
"""Series of different units: a chart each. What else moved adds its own, up to nine."""
PAGES = {
    "Overview": "overview",
    "Services": "services",
    "System": f"system?{RANGE}",
    "Kafka": f"kafka?{RANGE}",
    "Network, History": f"network?view=History&{RANGE}",
    "Network, Capacity": "network?view=Capacity&from=now-90d&to=now",
    "Health trends": "trends?from=now-90d&to=now",
    "Performance": f"performance?component=kafka&{RANGE}",
    "Explore, one series": f"explore?series=redis/redis_commands_per_second&{RANGE}",
    "Explore, what is usual": "explore?series=redis/redis_commands_per_second&usual=1&from=now-7d&to=now",
    "Explore, twelve charts": f"explore?series={quote(spell(TWELVE))}&{RANGE}",
    "Compare": f"compare?component=redis&metric=redis_commands_per_second&{RANGE}",
}
"""Every page that draws the past, by the address of the visit."""


def main() -> None:
    """Measure and write the keys."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        demo = stack.enter_context(scenarios.demo(directory))
        hello = stack.enter_context(scenarios.hello())
        hello_zoom = stack.enter_context(scenarios.hello("benchmarks.hello_zoom:app"))
        wait_until_ready(demo)
        pages(demo, hello)
        zooms = zoom.measure(demo, hello_zoom)
        report.write("zoom_vs_hello", zooms.vs_hello, "ratio", goal=1.3, command=COMMAND)
        report.write("reruns_per_selection", zooms.most_reruns, "runs", goal=1, command=COMMAND)
        report.write("zoom_memory_mb", memory_mb(demo), "MB", goal=10, command=COMMAND)
    report.write("search_10000_ms", search_ms(), "ms", goal=100, command=COMMAND)


def wait_until_ready(demo: Served) -> None:
    """Wait until the demo's past is written, and a little longer, so that live figures have a course."""
    give_up_s = time.monotonic() + READY_S
    while not httpx.get(f"{demo.url}/api/status/", timeout=30).json()["data"]["demo"]["ready"]:
        if time.monotonic() > give_up_s:
            raise TimeoutError(f"the demo was not ready within {READY_S:g} s")
        time.sleep(0.5)
    time.sleep(COURSE_S)


def pages(demo: Served, hello: Served) -> None:
    """The server's time for a rerun of each page whose answers are known, beside hello-world's, and its bytes."""
    rows: list[list[Cell]] = []
    of_twelve: list[float] = []
    with visiting(hello) as at_hello:
        settled(at_hello)
        for name, address in PAGES.items():
            with visiting(demo, address) as visitor:
                drawn = settled(visitor)
                assert not drawn.failed, f"{name}: {drawn.failed}"
                took_s = in_turn({"page": visitor.draw, "hello": at_hello.draw}, ROUNDS)
            times, kb = took_s["page"] / took_s["hello"], drawn.size / 1000
            rows.append([name, took_s["page"] * 1000, times, str(len(drawn.charts)), kb])
            if len(drawn.charts) >= CHARTS // 2:
                of_twelve.append(kb * CHARTS / len(drawn.charts))
    report.write("twelve_charts_kb", max(of_twelve), "kB", goal=300, command=COMMAND)
    report.table(
        "explore_pages",
        "A rerun of each page",
        ("page", "server, ms", "× hello-world", "charts", "kB"),
        rows,
        "From the request of a whole page to the end of its script, as a browser's websocket sees it, with the answers "
        f"of the history known; medians of {ROUNDS}, taken in turn with a hello-world page served alike. The bytes are "
        "all the page sends: head, controls, tables and charts.",
        COMMAND,
    )


def memory_mb(demo: Served) -> float:
    """Growth of the server's resident memory over the zooms of one session after it has warmed up."""
    chance = np.random.default_rng(1)
    resident_mb: list[float] = []
    with visiting(demo, f"kafka?{RANGE}") as visitor:
        start = visitor.query
        drawn = settled(visitor)
        for _ in range(ZOOMS):
            chart = next((chart for chart in drawn.charts.values() if zoomable(chart)), None)
            if chart is None:
                visitor.query = start
                drawn = settled(visitor)
                chart = next(chart for chart in drawn.charts.values() if zoomable(chart))
            first = float(chance.uniform(0.0, 0.6))
            drawn = visitor.select(chart, first, first + 0.4)
            assert not drawn.failed, drawn.failed
            resident_mb.append(demo.memory_mb())
    warm, last = resident_mb[WARM_UP_ZOOMS : WARM_UP_ZOOMS + NEAR_ZOOMS], resident_mb[-NEAR_ZOOMS:]
    return statistics.median(last) - statistics.median(warm)


def zoomable(chart: Chart) -> bool:
    """Whether a chart has a time axis that is long enough to select a part of."""
    return chart.ends is not None and chart.length_s > DEEPEST_S


def search_ms() -> float:
    """The slowest of some searches among many series, of each the median."""
    with tempfile.TemporaryDirectory() as directory:
        settings = History.model_validate({"dsn": f"chdb://{Path(directory)}", "spool": "memory"})
        store = Store(settings)
        client = store.connect()
        store.migrate(client)
        keys = [
            SeriesKey(f"component_{n // 50}", f"metric_{n % 50}_seconds", (("topic", f"ticks_{n % 7}"),))
            for n in range(SERIES)
        ]
        rows = [SeriesRow(key, "seconds", "gauge") for key in keys]
        insert(client, f"{store.database}.series", series_table(rows), "series")
        ids = np.array([key.id for key in keys], np.uint64)
        samples = columns_table(ids, np.full(SERIES, END_S), np.ones(SERIES))
        insert(client, f"{store.database}.samples", samples, "samples")
        scope = scope_of(settings, DEFAULT_ZONE, float(END_S))
        asked = (("ticks_3",), ("component_17", "metric_4"), ("seconds",), ("lag", "ticks"), ("nowhere",), ())
        took: dict[tuple[str, ...], list[float]] = {words: [] for words in asked}
        for _ in range(ROUNDS):
            for words, each in took.items():
                began_s = time.perf_counter()
                search(client, scope, Sought(words))
                each.append((time.perf_counter() - began_s) * 1000)
        client.close()
    for words, each in took.items():
        print(f"{' '.join(words) or 'everything'}: {statistics.median(each):.1f} ms", flush=True)
    return max(statistics.median(each) for each in took.values())


if __name__ == "__main__":
    main()
