"""`make import FILE=…`: writes a file of samples into the history; docs/import.md tells what a file may be.

Exit code 0 when the whole file is in the history, 1 when a row was refused or the import was broken
off, 2 when nothing could be begun.
"""

import argparse
import logging
import os
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from clickhouse_connect.driver.client import Client
from tqdm import tqdm

import probes
import settings
from history.imports.columns import SHOWN
from history.imports.run import Import, ImportedOtherwise, Report
from history.imports.source import FileRefused, OptionNeeded, Options
from history.store import Store, explain
from probes.clickhouse_failures import is_outside
from settings_types import mask, parse_duration_s

SAY_EVERY_S = 5.0
INSERT_TIMEOUT_S = 300
GOES_ON = "Run the same again: it goes on there."


def main(arguments: Sequence[str] | None = None) -> int:
    """Import one file; what is wrong is said in sentences on standard error."""
    args = parser().parse_args(arguments)
    try:
        options = options_of(args)
        store = store_of()
        work = Import(Path(args.file), options, probes.METRICS, said)
    except (ValueError, FileRefused, settings.ConfigError) as exc:
        said(str(exc))
        return 2
    try:
        client = store.connect(INSERT_TIMEOUT_S)
    except Exception as exc:
        if not is_outside(exc):
            raise
        return failed(exc, store, "Nothing was imported.", 2)
    with closing(client):
        try:
            store.migrate(client)
        except Exception as exc:
            if not is_outside(exc):
                raise
            return failed(exc, store, "Nothing was imported.", 2)
        return run(work, client, store, args.again)


def run(work: Import, client: Client, store: Store, again: bool) -> int:
    """Import and say how it went; returns the exit code."""
    started_s, report, name = time.monotonic(), work.report, work.source.path.name
    meter = Meter(work)
    try:
        work.run(client, store.database, meter.moved, again)
    except ImportedOtherwise as exc:
        said(str(exc))
        return 2
    except FileRefused as exc:
        meter.close()
        said(str(exc))
        if not report.rows:
            return 2
        if isinstance(exc, OptionNeeded):
            said(f"Its first {report.rows:,} rows are in the history. Run it again with that option: it goes on there.")
            return 1
        said(f"Its first {report.rows:,} rows are in the history: leave them out of a mended file, which is another.")
        return 1
    except KeyboardInterrupt:
        meter.close()
        said(f"Stopped after {report.rows:,} rows of {name}. {GOES_ON}")
        return 1
    except Exception as exc:
        if not is_outside(exc):
            raise
        meter.close()
        return failed(exc, store, f"{report.rows:,} rows of {name} are written. {GOES_ON}", 1)
    meter.close()
    for line in lines(report, name, time.monotonic() - started_s):
        print(line)
    return 1 if report.refused else 0


def lines(report: Report, name: str, took_s: float) -> list[str]:
    """What is said at the end of an import that came to its end."""
    if report.again:
        return [f"{name} is in the history already ({report.rows:,} rows); nothing was written."]
    rate = f"{report.samples / took_s:,.0f} samples/s"
    found = [f"{name}: {report.samples:,} samples of {report.series:,} series written in {took_s:.1f} s ({rate})."]
    if report.before:
        found.append(f"{report.before:,} samples were written by an earlier run.")
    if report.begun:
        found.append(f"{report.begun:,} samples were the first of a counter: they tell no increase and are left out.")
    if report.skipped:
        found.append(f"{report.skipped:,} rows have no finite value and are left out.")
    if report.refused:
        shown = f"; the first {SHOWN} are above" if report.refused > SHOWN else ""
        found.append(f"{report.refused:,} rows were refused{shown}.")
    return [*found, *report.notes]


class Meter:
    """How far an import is: a bar on a terminal, elsewhere a line every few seconds."""

    def __init__(self, work: Import) -> None:
        self._total, self._name = work.source.total, work.source.path.name
        self._said_s = time.monotonic()
        self._bar = (
            tqdm(total=self._total, unit=work.source.unit, unit_scale=True, desc=self._name, miniters=1, leave=False)
            if sys.stderr.isatty()
            else None
        )

    def moved(self, report: Report) -> None:
        """Show the position after a chunk."""
        if self._bar is not None:
            self._bar.set_postfix_str(f"{report.samples:,} samples, {report.refused:,} refused", refresh=False)
            self._bar.update(report.position - self._bar.n)
        elif time.monotonic() - self._said_s >= SAY_EVERY_S:
            self._said_s = time.monotonic()
            share = report.position / self._total if self._total else 1.0
            print(f"{self._name}: {share:.0%}, {report.samples:,} samples, {report.refused:,} rows refused", flush=True)

    def close(self) -> None:
        """Take the bar away, so that sentences follow."""
        if self._bar is not None:
            self._bar.close()


def store_of() -> Store:
    """The configured history.

    Raises:
        ValueError: there is no configuration: the demo's history is no place for real samples.
        settings.ConfigError: it cannot be used.
    """
    path = settings.find_file(os.environ)
    if path is None and not os.environ.get("TAPEWATCH_HISTORY__DSN"):
        raise ValueError(
            "No tapewatch.toml here and no CONFIG=path: an import needs to know the history it writes into. "
            "cp tapewatch.example.toml tapewatch.toml, or set TAPEWATCH_HISTORY__DSN."
        )
    configured = settings.load(path, os.environ, probes.COMPONENTS, probes.component_problems)
    return Store(configured.history, zone=configured.app.time_zone)


def options_of(args: argparse.Namespace) -> Options:
    """The options a command line gives.

    Raises:
        ValueError: one has not the form it needs.
    """
    if not args.file:
        raise ValueError("Which file? make import FILE=path. docs/import.md tells what it may be.")
    pairs = [tuple(pair.partition("=")[::2]) for pair in named(args.columns)]
    ours = ("component", "metric", "time", "value", "labels", "unit")
    wrong = [ours_name for ours_name, theirs in pairs if ours_name not in ours or not theirs]
    if wrong:
        raise ValueError(f"--columns {args.columns}: expected OURS=NAME pairs, OURS one of {', '.join(ours)}.")
    try:
        step_s = parse_duration_s(args.step) if args.step else 0.0
    except ValueError:
        raise ValueError(f"--step {args.step}: expected a duration such as 60s or 15m.") from None
    return Options(
        component=args.component,
        labels=named(args.labels),
        ignored=named(args.ignore),
        columns=tuple((ours_name, theirs) for ours_name, theirs in pairs),
        cumulative=args.cumulative,
        step_s=step_s,
    )


def named(text: str) -> tuple[str, ...]:
    """The names in a list with commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def parser() -> argparse.ArgumentParser:
    """The command line; `make import` passes ``ARGS="…"``."""
    made = argparse.ArgumentParser(prog="make import", usage='make import FILE=path [ARGS="options"]')
    made.add_argument("file", nargs="?", default="", help="Parquet, CSV or Prometheus text, the texts also gzipped")
    made.add_argument(
        "--component",
        default="",
        metavar="NAME",
        help="component of tables without that column, and of lines that name none",
    )
    made.add_argument("--labels", default="", metavar="COL,COL", help="columns that become labels")
    made.add_argument("--ignore", default="", metavar="COL,COL", help="columns that are left out")
    made.add_argument("--columns", default="", metavar="time=COL,…", help="columns that have another name in the file")
    made.add_argument("--cumulative", action="store_true", help="counters of a table are running totals")
    made.add_argument("--step", default="", metavar="60s", help="bucket width of an export that has counters")
    made.add_argument("--again", action="store_true", help="import a file that was imported with other options")
    return made


def failed(exc: Exception, store: Store, then: str, code: int) -> int:
    """Say what the history has against it and what that leaves; returns `code`."""
    error = explain(exc, store.place)
    said(mask(f"{error.message} {error.hint} {then}"))
    return code


def said(sentence: str) -> None:
    """A sentence on standard error, above a progress bar."""
    tqdm.write(sentence, file=sys.stderr)


if __name__ == "__main__":
    logging.disable(logging.ERROR)  # what is wrong is said once, in sentences
    sys.exit(main())
