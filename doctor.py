"""`make doctor`: tries every configured connection once and says in plain words what is wrong.

Exit code 0 when every component and the history answer, 1 when one does not, 2 when the
configuration cannot be used.
"""

import os
import sys
import time

import probes
import settings
from monitor import Monitor
from probes.cache import ComponentView
from probes.result import Status
from settings_types import mask


def main() -> int:
    """Check everything once, in parallel, within the longest deadline; print a line each."""
    path = settings.find_file(os.environ)
    if path is None:
        print("No tapewatch.toml here and no CONFIG=path: without one Tapewatch starts its demo stack.")
        return 2
    try:
        configured = settings.load(path, os.environ, probes.COMPONENTS, probes.component_problems)
    except settings.ConfigError as error:
        print(f"{path} cannot be used:\n{error}", file=sys.stderr)
        return 2
    monitor = Monitor(configured)
    monitor.store.start()
    give_up_s = time.monotonic() + max([configured.deadline_s(c) for c in configured.component], default=0.0) + 3
    while time.monotonic() < give_up_s:
        views, store = monitor.views(), monitor.store.state  # the first view of a component starts its check
        if not any(view.pending for view in views) and (store.ready or store.error):
            break
        time.sleep(0.05)
    for view in views:
        print(line(view))
    print(f"{'ok' if store.ready else 'FAILED':9} history     {monitor.store.place}")
    if store.error:
        print(f"{'':9} {mask(f'{store.error.message} {store.error.hint}')}")
    monitor.stop()
    return 0 if store.ready and all(view.status in {Status.OK, Status.WARNING} for view in views) else 1


def line(view: ComponentView) -> str:
    """One component in one or two lines."""
    word = "ok" if view.status == Status.OK else str(view.status).upper()
    said = mask(f"{view.sentence} {view.hint}".strip())
    return f"{word:9} {view.name:11} {view.component.target}\n{'':9} {said}"


if __name__ == "__main__":
    sys.exit(main())
