"""Where figures go: `benchmarks/results.json`, and `docs/performance.md` made from it."""

import fcntl
import json
import os
import platform
import tempfile
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results.json"
LOCK = Path(tempfile.gettempdir()) / "tapewatch-benchmarks.lock"
PAGE = ROOT / "docs" / "performance.md"

MEANING = {
    "sweep_s": "200 checks, half of them black-holed, from the request to the last published result",
    "sweep_200_over_deadline": "the slowest of three such sweeps against the deadline of one check, on two cores",
    "sweep_thread_growth": "threads more after 1,000 such sweeps than after the first",
    "watch_20_cpu_of_core": "share of a core that 20 endpoints every 10 s cost, beyond a hello-world Streamlit",
    "watch_20_memory_mb": "memory it takes beyond that, its history in a ClickHouse server",
    "watch_20_embedded_cpu_of_core": "the same with the whole ClickHouse in the process",
    "watch_20_embedded_memory_mb": "its memory beyond that of a hello-world Streamlit, the engine's file in memory "
    "included",
    "watch_20_embedded_private_mb": "the same without pages of files, which the system shares and takes back",
    "gatus_cpu_of_core": "share of a core that Gatus takes to watch the same endpoints in the same run",
    "gatus_memory_mb": "its memory",
    "api_live_p99_ms": "live endpoints, worst 99th percentile of everything up and everything dark",
    "api_history_p99_ms": "history endpoints, the same",
    "api_dark_vs_up": "median of the live endpoints with every dependency dark, against everything up, in one run",
    "overview_vs_hello": "Overview's time to content in Chromium, against a hello-world Streamlit page served alike",
    "overview_dark_vs_up": "the same with every dependency dark, against everything up; the worst kind of dark counts",
    "detect_s": "a killed redis-server until an open page says so, checks 2 s apart, worst of 5",
    "recover_s": "the same server back until the page says so, the breaker's trial included",
    "broker_named_s": "one of three Kafka brokers killed under load until it is named, checks 1 s apart, worst of 5",
    "broker_counted_s": "the cluster misses it until the partitions that lack copies are counted",
    "broker_back_s": "the cluster is whole again until the component is ok",
    "fault_named_s": "a fault begins until its component names it, checks 1 s apart, deadline 2 s: the worst of 14 "
    "faults of six kinds (goal: both and a turn of the loop)",
    "fault_over_s": "a fault ends until its component is ok: the worst of the same, at start, while running, flapping",
    "live_tick_cpu_ms": "processor time one drawing of the Overview's live part costs the server",
    "bytes_per_sample": "the history's bytes on disk a sample, roll-ups included, as merges in the background leave it",
    "bytes_per_sample_unrounded": "the same samples as measured, in the codec that suits them best",
    "bytes_vs_prometheus": "the history's bytes against Prometheus' for the samples as measured",
    "bytes_vs_prometheus_rounded": "the same, with Prometheus given the samples as we round them",
    "chart_vs_prometheus": "20 series over 24 h, minimum, average, maximum and 95th percentile: our time against its",
    "ingest_samples_per_s": "samples a second of a bulk load, a million a time, through all roll-ups",
    "year_vs_hour": "chart of 20 series over 365 days against one over an hour: minimum, average, maximum",
    "year_vs_hour_p95": "the same with percentiles",
    "worst_chart_ms": "the slowest chart of 20 series: an hour to a year, with and without percentiles",
    "reopen_after_kill9_s": "from opening to ready, after kill -9 in the middle of an insert with 100 million samples",
    "movers_ms": "what else moved in an hour, 5,000 series every 15 s against their own past, ranked",
    "movers_found_ratio": "planted incidents of five shapes whose cause is among the first three, of 20",
    "zoom_vs_hello": "a box selected on a chart until it is drawn anew, in Chromium, against a hello-world page that "
    "does so with one line, plus the query",
    "reruns_per_selection": "runs of a script for one selection, as the browser asks for them and the server ends them",
    "twelve_charts_kb": "bytes of a page of twelve charts, head and tables included (of one with six or more: a "
    "chart's share, times twelve)",
    "zoom_memory_mb": "what the server's memory grows by from the 200th to the 1,000th zoom of one session",
    "search_10000_ms": "Explore's search among 10,000 series, the slowest of several kinds of question",
    "lost_after_kill9": "acknowledged samples that were gone, after 100 kills while recording",
    "duplicates_after_kill9": "samples that were there twice, or in a roll-up more often than in the raw table",
    "recorder_core_share": "processor time of recorder, sender and engine at 500 series every 10 s, share of a core",
}
"""What each key measures, in the order of the page."""
BUSY = 2.0 * (os.cpu_count() or 1)
"""A load average over five minutes that no benchmark makes alone."""
Cell = str | float | None


def write(
    key: str, value: float, unit: str, *, goal: float | None = None, at_least: float | None = None, command: str
) -> None:
    """Keep one figure. `goal` is the most it may be, `at_least` the least; neither: measured without a goal."""
    wanted = at_least if goal is None else goal
    entry: dict[str, Any] = {"value": float(f"{value:.4g}"), "unit": unit, "goal": wanted}
    if at_least is not None:
        entry["goal_is"] = "at least"
    entry["met"] = None if wanted is None else (value >= wanted if goal is None else value <= wanted)
    _keep(key, {**entry, **_circumstances(command)})
    print(f"{key} = {value:.4g} {unit}", flush=True)


def table(key: str, title: str, header: Sequence[str], rows: Sequence[Sequence[Cell]], note: str, command: str) -> None:
    """Keep a table, which becomes a section of the page. Numbers are shown with three digits; None: not measured.

    Args:
        note: sentences under the title: what was measured, and how.
    """
    cells = [[_cell(cell) for cell in row] for row in rows]
    shown = {"title": title, "note": note, "header": list(header), "rows": cells}
    _keep(key, {"table": shown, **_circumstances(command)})
    print(f"{key}: {title}", " | ".join(header), *(" | ".join(row) for row in cells), sep="\n  ", flush=True)


def render() -> None:
    """Write `docs/performance.md` from what was kept."""
    results = _read()
    figures = {key: entry for key, entry in results.items() if "table" not in entry}
    lines = [
        "# Performance",
        "",
        "Written by `make bench` from `benchmarks/results.json`. Ratios are measured side by side in one run, so that",
        "they hold on another machine; plain times are this one's.",
        "",
        "| what | measured | goal | met |",
        "|---|---|---|---|",
    ]
    known = [key for key in MEANING if key in figures]
    lines += [_row(key, figures[key]) for key in (*known, *sorted(set(figures) - set(known)))]
    for key in sorted(set(results) - set(figures)):
        lines += _section(**results[key]["table"])
    machines = sorted({f"{entry['machine']}" for entry in results.values()})
    dates = sorted(entry["measured_at"][:10] for entry in results.values())
    if dates:
        lines += ["", f"Measured {dates[0]} to {dates[-1]} on {'; '.join(machines)}.{_busy(results)}"]
    PAGE.write_text("\n".join(lines) + "\n")


def _busy(results: dict[str, dict[str, Any]]) -> str:
    """What was measured while others used the machine: its times would be shorter alone."""
    busy = ", ".join(f"`{key}`" for key, entry in results.items() if entry.get("load", 0) > BUSY)
    return f" The machine had other work to do (a load above {BUSY:g}) while it measured {busy}." if busy else ""


def _row(key: str, entry: dict[str, Any]) -> str:
    met = {True: "yes", False: "**no**", None: ""}[entry["met"]]
    sign = "≥" if entry.get("goal_is") == "at least" else "≤"
    goal = "" if entry["goal"] is None else f"{sign} {_number(entry['goal'])}"
    unit = "×" if entry["unit"] == "ratio" else entry["unit"]
    return f"| `{key}`: {MEANING.get(key, '')} | {_number(entry['value'])} {unit} | {goal} | {met} |"


def _section(title: str, note: str, header: list[str], rows: list[list[str]]) -> list[str]:
    lines = ["", f"## {title}", "", *textwrap.wrap(note, 118, break_on_hyphens=False), ""]
    return [*lines, *(f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows))]


def _cell(value: Cell) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else _number(float(f"{value:.3g}"))


def _number(value: float) -> str:
    """Without an exponent, thousands apart.

    >>> _number(0.0123), _number(2_900_000.0)
    ('0.0123', '2,900,000')
    """
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:g}"


def _circumstances(command: str) -> dict[str, Any]:
    return {
        "load": round(os.getloadavg()[1], 1),
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "command": command,
    }


def _keep(key: str, entry: dict[str, Any]) -> None:
    """Put one entry beside the others, whatever other benchmark writes at the same time."""
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        text = json.dumps(dict(sorted({**_read(), key: entry}.items())), indent=2, ensure_ascii=False)
        RESULTS.write_text(text + "\n")


def _read() -> dict[str, dict[str, Any]]:
    return dict(json.loads(RESULTS.read_text())) if RESULTS.exists() else {}
