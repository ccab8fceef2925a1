"""Samples from a Kafka topic into the history, exactly once: `python -m history.ingest`."""
