"""`make bench`: every benchmark, one after the other, then the report."""

from benchmarks import api, overview, recovery, report, sweep


def main() -> None:
    """Run all and write `docs/performance.md`."""
    for benchmark in (sweep, api, overview, recovery):
        print(f"== {benchmark.__name__}", flush=True)
        benchmark.main()
    report.render()


if __name__ == "__main__":
    main()
