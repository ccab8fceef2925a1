"""``python -m history.ingest TOPIC``: a Kafka topic into the history, each sample once; see `history.ingest.intake`."""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence

import probes
import settings
from history.ingest.intake import Intake, IntakeError
from history.store import Store
from probes.kafka import KafkaComponent
from probes.result import ProbeFailure
from settings import Component

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or Ctrl-C; exit code 2 when the configuration or the arguments cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m history.ingest", description="Kafka topic → history, exactly once")
    parser.add_argument("topic", help="a topic whose messages are JSON, a sample a line; see docs/scaling.md")
    parser.add_argument("--component", help="the [[component]] of kind kafka to take it from; may be left out for one")
    parser.add_argument("--group", default="tapewatch", help="the consumer group, one name for all who share a topic")
    asked = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what it logs at every try is said once, in words
    try:
        path = settings.find_file(os.environ)
        configured = settings.load(path, os.environ, probes.COMPONENTS, probes.component_problems)
        broker = _broker(configured.component, asked.component)
        options = broker.access.options()
    except (settings.ConfigError, IntakeError, ProbeFailure) as error:
        print(error, file=sys.stderr)
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    store = Store(configured.history, zone=configured.app.time_zone)
    store.start()
    intake = Intake(store, broker.bootstrap, asked.topic, asked.group, options=options)
    log.info("ingest: %s of Kafka at %s into %s", asked.topic, broker.target, store.place)
    intake.run(stop)
    store.stop()
    ended = intake.state()
    log.info("ingest: ended, %d samples written, %d messages refused", ended.written, ended.refused)
    return 0


def _broker(components: Sequence[Component], name: str | None) -> KafkaComponent:
    """The Kafka to read from, among those that are monitored.

    Raises:
        IntakeError: none of that name, or several and no name.
    """
    there = [one for one in components if isinstance(one, KafkaComponent)]
    chosen = [one for one in there if name in (None, one.name)]
    if len(chosen) == 1:
        return chosen[0]
    names = ", ".join(one.name for one in there) or "none"
    raise IntakeError(
        f'--component is {name or "not given"}; expected one [[component]] of kind "kafka", and there are: {names}. '
        "Name it in tapewatch.toml, or give its name."
    )


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a thread may be inside the embedded engine, whose exit handlers then crash; see serve.py
