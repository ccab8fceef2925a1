"""Rows that wait to be written: on disk where possible, in memory otherwise, thinned when they are too many."""
