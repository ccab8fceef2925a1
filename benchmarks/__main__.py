"""`make bench`: every benchmark, one after the other, then the report."""

from benchmarks import api, detection, explore, history, kill9, moved, overview, recovery, report, sweep


def main() -> None:
    """Run all and write `docs/performance.md`."""
    for benchmark in (sweep, api, overview, recovery, detection, explore, history, moved, kill9):
        print(f"== {benchmark.__name__}", flush=True)
        benchmark.main()
    report.render()


if __name__ == "__main__":
    main()
