"""Backup and restore of the embedded history, consistent while it is written to."""
