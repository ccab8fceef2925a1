"""A recorder that is killed again and again, and what a quiet one costs.

Keys: `lost_after_kill9` and `duplicates_after_kill9` (samples acknowledged and not there, and samples
there twice, in the raw samples or in a roll-up, after 100 kills at random moments), `recorder_core_share`
(processor time of recorder, sender and embedded engine at 500 series every 10 s, as a share of a core).
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import probes
from benchmarks import report
from history.recorder import Recorder
from history.store import Store
from probes.result import ProbeResult, Reading, Status, labels, utc
from settings import History

KILLS = 100
LONGEST_LIFE_S = 1.2
"""A process is killed up to this long after its first acknowledgement; every tenth after its start, as it opens."""
T0_S = 1_790_006_400
EXACT = ("kafka_topics", "probe_status")
LEVEL = "network_rtt_seconds"
SERIES, EVERY_S, MEASURED_S, IDLE_S = 500, 10, 60, 20
WARM_UP_S = 45
"""Longer than two flushes: the first one imports what it needs, once in a process's life."""
COMPONENTS = 20
OPEN_WITHIN_S = 60
COMMAND = "python -m benchmarks.kill9"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found after the last kill; counts are samples."""

    acknowledged: int
    written: int
    lost: int
    duplicates: int


def main() -> None:
    """Measure and write the keys."""
    with tempfile.TemporaryDirectory() as name:
        outcome = ordeal(Path(name), KILLS, np.random.default_rng(9))
    print(outcome, flush=True)
    report.write("lost_after_kill9", outcome.lost, "samples", goal=0, command=COMMAND)
    report.write("duplicates_after_kill9", outcome.duplicates, "samples", goal=0, command=COMMAND)
    with tempfile.TemporaryDirectory() as name:
        report.write("recorder_core_share", core_share(Path(name)), "cores", goal=0.01, command=COMMAND)


def ordeal(directory: Path, kills: int, chance: np.random.Generator, longest_life_s: float = LONGEST_LIFE_S) -> Outcome:
    """Kill `kills` processes that record into the embedded history of `directory`, then look what is there."""
    acknowledged: set[int] = set()
    number = 0
    for kill in range(kills):
        told = one_life(directory, number, chance.uniform() * longest_life_s, opening=kill % 10 == 9)
        acknowledged |= told
        number = max(number, *told) + 1_000 if told else number + 1_000  # none is used twice, acknowledged or not
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kill9", "inspect", str(directory)],
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=True,
    )
    return judged(acknowledged, json.loads(done.stdout.splitlines()[-1]))


def one_life(directory: Path, first: int, life_s: float, *, opening: bool = False) -> set[int]:
    """Start a process that records numbers from `first` on, kill it; returns what it had acknowledged.

    Args:
        life_s: how long it records before it is killed.
        opening: let the time begin with the process instead, so that it may be killed while it opens.
    """
    command = [sys.executable, "-m", "benchmarks.kill9", "record", str(directory), str(first)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = "" if opening else process.stdout.readline()
    threading.Timer(life_s, process.kill).start()
    told += process.stdout.read()
    process.wait()
    return {int(line) for line in told.split("\n")[:-1]}  # what follows the last newline was cut off


def judged(acknowledged: set[int], found: dict[str, list[list[float]]]) -> Outcome:
    """Compare what was acknowledged with the samples found; a roll-up that says otherwise is lost or double as well."""
    lost = duplicates = 0
    for name in EXACT:
        numbers = [int(at_s) - T0_S for series, at_s, _ in found["samples"] if series == EXACT.index(name)]
        lost += len(acknowledged - set(numbers))
        duplicates += len(numbers) - len(set(numbers))
    wrong = [row for row in found["samples"] if row[0] == 0 and row[2] != row[1] - T0_S]
    lost += len(wrong)
    (raw_count, raw_sum), *tiers = found["totals"]
    for count, total in tiers:
        lost += max(0, int(raw_count - count)) + int(count == raw_count and total != raw_sum)
        duplicates += max(0, int(count - raw_count))
    return Outcome(len(acknowledged) * len(EXACT), int(raw_count), lost, duplicates)


def history(directory: Path, flush: str) -> History:
    """An embedded history with its spool, both in `directory`."""
    return History.model_validate({"dsn": f"chdb://{directory}/db", "spool": f"{directory}/spool", "flush": flush})


def record(directory: Path, first: int) -> None:
    """Record number after number until killed; print each once it is acknowledged."""
    store = Store(history(directory, "10ms"))
    store.start()
    recorder = Recorder(store, probes.METRICS)
    recorder.start()
    number = first
    while True:
        recorder.record(result("kill9", T0_S + number, (Reading(EXACT[0], float(number)),)))
        while recorder.state().unspooled:
            time.sleep(0.0005)
        print(number, flush=True)
        number += 1


def inspect(directory: Path) -> None:
    """Let what waits be written, then print all samples of the series, and count and sum of each tier."""
    store = Store(history(directory, "10ms"))
    recorder = Recorder(store, probes.METRICS)
    store.start()
    recorder.start()
    give_up_s = time.monotonic() + OPEN_WITHIN_S
    while not store.state.ready or recorder.state().spool_bytes == 0 or recorder.state().waiting:
        if time.monotonic() > give_up_s:
            raise TimeoutError(f"not written within {OPEN_WITHIN_S} s: {recorder.state()}")
        time.sleep(0.02)
    client, database = store.connect(), store.database
    place = ", ".join(f"'{name}'" for name in EXACT)
    samples = client.query(
        f"""SELECT indexOf([{place}], metric) - 1, toUnixTimestamp(ts), value FROM {database}.samples
            JOIN (SELECT DISTINCT series_id, metric FROM {database}.series) AS s USING series_id
            WHERE metric IN ({place}) ORDER BY ts"""
    ).result_rows
    totals = [client.query(f"SELECT count(), sum(value) FROM {database}.samples").result_rows[0]]
    for tier in ("15m", "4h", "1d"):
        totals += client.query(f"SELECT sum(cnt), sum(vsum) FROM {database}.samples_{tier}").result_rows
    found = {"samples": samples, "totals": totals}
    print(json.dumps({key: [list(map(float, row)) for row in rows] for key, rows in found.items()}))
    sys.stdout.flush()
    os._exit(0)  # the embedded engine's exit handlers are not what is measured


def core_share(directory: Path) -> float:
    """Cores that recording takes, spool, sender and the engine's part in it included.

    What this process takes while its store is open and nothing is recorded (the store's trial every two
    seconds, the engine's own threads) is measured first and is not counted.
    """
    store = Store(history(directory, f"{History().flush_s:g}s"))
    store.start()
    time.sleep(IDLE_S / 4)
    idle_s = -time.process_time()
    time.sleep(IDLE_S)
    idle_s += time.process_time()
    recorder = Recorder(store, probes.METRICS)
    recorder.start()
    used_s = busy_s(recorder)
    written = recorder.state().written
    recorder.stop()
    store.stop()
    if written < 0.7 * SERIES * (WARM_UP_S + MEASURED_S) / EVERY_S:
        raise RuntimeError(f"only {written} samples were written: {recorder.state()}")
    print(f"idle {idle_s / IDLE_S:.4f}, recording {used_s / MEASURED_S:.4f} cores", flush=True)
    return used_s / MEASURED_S - idle_s / IDLE_S


def busy_s(recorder: Recorder) -> float:
    """Processor seconds of `MEASURED_S` in which every component's result comes once an interval, one by one."""
    chance = np.random.default_rng(3)
    started_s, used_s = time.monotonic(), 0.0
    for turn in range((WARM_UP_S + MEASURED_S) * COMPONENTS // EVERY_S):
        if turn == WARM_UP_S * COMPONENTS // EVERY_S:
            used_s = time.process_time()
        values = chance.lognormal(-7, 0.5, SERIES // COMPONENTS - 2).tolist()  # each has two series of its own
        readings = [Reading(LEVEL, value, labels(target=f"t{index}")) for index, value in enumerate(values)]
        recorder.record(result(f"host-{turn % COMPONENTS}", int(time.time()), tuple(readings)))
        time.sleep(max(0.0, started_s + (turn + 1) * EVERY_S / COMPONENTS - time.monotonic()))
    return time.process_time() - used_s


def result(name: str, at_s: int, readings: tuple[Reading, ...]) -> ProbeResult:
    """A healthy result of one component."""
    return ProbeResult(
        component=name,
        kind="host",
        status=Status.OK,
        checked_at=utc(at_s),
        tick=utc(at_s),
        took_ms=1.0,
        summary="fine",
        readings=readings,
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["record", where, begin]:
            record(Path(where), int(begin))
        case ["inspect", where]:
            inspect(Path(where))
        case _:
            main()
