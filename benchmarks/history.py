"""All benchmarks of the history: bytes, Prometheus, a year of samples, charts.

Within 15 minutes and 6 GB, in a temporary directory that is gone afterwards. Each part is a process of its own,
for one process can open one chdb directory.
"""

import subprocess
import tempfile
from pathlib import Path

from benchmarks import growth


def main() -> None:
    """Measure and write all keys of the history."""
    with tempfile.TemporaryDirectory(prefix="tapewatch-bytes-") as name:
        subprocess.run(growth.child("storage", name), check=True)
    with tempfile.TemporaryDirectory(prefix="tapewatch-year-") as name:
        growth.main(Path(name))
        subprocess.run(growth.child("charts", "every", name, growth.STAGES[-1]), check=True)


if __name__ == "__main__":
    main()
