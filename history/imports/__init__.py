"""Bulk import: files of samples in several formats, read in chunks, written exactly once, resumable."""
