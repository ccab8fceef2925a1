"""`make doctor`: tries every configured connection once and says in plain words what is wrong.

Exit code 0 when every component and the history answer, 1 when one does not, 2 when the
configuration cannot be used.
"""

import logging
import os
import sys
import time

import probes
import settings
from history.store import Store
from probes.cache import Board, ComponentView
from probes.result import Status
from settings import Component, Settings
from settings_types import mask

SHARED = "state.redis_url"
"""What the shared board's Redis is called: the key that names it."""


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
    history, board = Store(configured.history), board_of(configured)
    history.start()
    give_up_s = time.monotonic() + max([configured.deadline_s(c) for c in configured.component], default=0.0) + 3
    while time.monotonic() < give_up_s:
        views, store = board.views(), history.state  # the first view of a component starts its check
        if not any(view.pending for view in views) and (store.ready or store.error):
            break
        time.sleep(0.05)
    for view in views:
        print(line(view))
    print(f"{'ok' if store.ready else 'FAILED':9} {'history':15} {history.place}")
    if store.error:
        print(f"{'':9} {mask(f'{store.error.message} {store.error.hint}')}")
    for runner in board.runners.values():
        runner.stop()
    history.stop()
    return 0 if store.ready and all(view.status in {Status.OK, Status.WARNING} for view in views) else 1


def board_of(configured: Settings) -> Board:
    """A board of everything there is to try; the Redis that shares the board is one more component."""
    tried: list[Component] = list(configured.component)
    if shared := configured.state.redis_url:
        tried.append(probes.COMPONENTS["redis"].model_validate({"kind": "redis", "name": SHARED, "url": shared}))
    board = Board()
    for component in tried:
        board.add(
            component,
            probes.KINDS[component.kind],
            interval_s=configured.interval_s(component),
            deadline_s=configured.deadline_s(component),
        )
    return board


def line(view: ComponentView) -> str:
    """One component in one or two lines."""
    word = "ok" if view.status == Status.OK else str(view.status).upper()
    said = mask(f"{view.sentence} {view.hint}".strip())
    return f"{word:9} {view.name:15} {view.component.target}\n{'':9} {said}"


if __name__ == "__main__":
    logging.disable(logging.ERROR)  # what is wrong is said once, in the lines above
    sys.exit(main())
