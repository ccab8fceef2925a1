"""The demo stack: a real Redis, a Kafka-compatible broker, a live tape through both, and a year of made-up history.

Only this package needs `requirements-demo.txt`. `services` runs the servers, `tape` the ticks, `story` says what
happened in the past (pure), `backfill` writes it, `stack` puts it together. May import everything but `ui` and `api`.
"""
