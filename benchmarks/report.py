"""Where figures go: `benchmarks/results.json`, and `docs/performance.md` made from it."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results.json"
PAGE = ROOT / "docs" / "performance.md"

MEANING = {
    "sweep_s": "200 checks, half of them black-holed, from the request to the last published result",
    "sweep_thread_growth": "threads more after 1,000 such sweeps than after the first",
    "api_live_p99_ms": "live endpoints, worst 99th percentile of everything up and everything dark",
    "api_history_p99_ms": "history endpoints, the same",
    "api_dark_vs_up": "median of the live endpoints with every dependency dark, against everything up, in one run",
    "overview_vs_hello": "Overview's time to content in Chromium, against a hello-world Streamlit page served alike",
    "overview_dark_vs_up": "the same with every dependency dark, against everything up; the worst kind of dark counts",
    "detect_s": "a killed redis-server until an open page says so, checks 2 s apart, worst of 5",
    "recover_s": "the same server back until the page says so, the breaker's trial included",
    "live_tick_cpu_ms": "processor time one drawing of the Overview's live part costs the server",
}
"""What each key measures, in the order of the page."""


def write(key: str, value: float, unit: str, *, goal: float | None, command: str) -> None:
    """Keep one figure. `goal` is the most it may be; None: measured without a goal."""
    results = _read()
    results[key] = {
        "value": float(f"{value:.4g}"),
        "unit": unit,
        "goal": goal,
        "met": None if goal is None else value <= goal,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "command": command,
    }
    RESULTS.write_text(json.dumps(dict(sorted(results.items())), indent=2) + "\n")
    print(f"{key} = {value:.4g} {unit}", flush=True)


def render() -> None:
    """Write `docs/performance.md` from what was kept."""
    results = _read()
    lines = [
        "# Performance",
        "",
        "Written by `make bench` from `benchmarks/results.json`. Ratios are measured side by side in one run, so that",
        "they hold on another machine; plain times are this one's.",
        "",
        "| what | measured | goal | met |",
        "|---|---|---|---|",
    ]
    known = [key for key in MEANING if key in results]
    lines += [_row(key, results[key]) for key in (*known, *sorted(set(results) - set(known)))]
    machines = sorted({f"{entry['machine']}" for entry in results.values()})
    dates = sorted(entry["measured_at"][:10] for entry in results.values())
    if dates:
        lines += ["", f"Measured {dates[0]} to {dates[-1]} on {'; '.join(machines)}."]
    PAGE.write_text("\n".join(lines) + "\n")


def _row(key: str, entry: dict[str, Any]) -> str:
    met = {True: "yes", False: "**no**", None: ""}[entry["met"]]
    goal = "" if entry["goal"] is None else f"≤ {entry['goal']:g}"
    unit = "×" if entry["unit"] == "ratio" else entry["unit"]
    return f"| `{key}`: {MEANING.get(key, '')} | {entry['value']:g} {unit} | {goal} | {met} |"


def _read() -> dict[str, dict[str, Any]]:
    return dict(json.loads(RESULTS.read_text())) if RESULTS.exists() else {}
