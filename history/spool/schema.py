"""The shape of the spool's database: what waits, what is on its way, what was refused.

``batch`` holds the one batch on its way. ``suspect`` holds, per table, the last row of the smallest range
that was refused as a whole: somewhere in it is a row the history does not take.
"""

from collections.abc import Mapping
from typing import Literal

Table = Literal["series", "status_change", "event", "view", "samples"]
COLUMNS: Mapping[Table, str] = {
    "series": "component, metric, labels, unit, kind",
    "status_change": "component, ts_us, status, reason",
    "event": "uuid, at_ms, till_ms, kind, component, author, text, ver, deleted",
    "view": "uuid, name, page, query, author, note, at_ms, ver, deleted",
    "samples": "series_id, ts_s, bits, fold",
}
"""What waits, in the order it is sent: a series is known before its samples are."""
NOTES: tuple[Literal["event", "view"], ...] = ("event", "view")
"""What people left: few rows, shown while they wait."""
VERSION = 2
"""Version 1 had no events and no views; opening it makes their tables."""
# Values are kept as their 64 bits in an INTEGER: a REAL column would turn -0.0 into 0.0.
SCHEMA = f"""
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA journal_size_limit = 16777216;
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY AUTOINCREMENT, component TEXT NOT NULL,
    metric TEXT NOT NULL, labels TEXT NOT NULL, unit TEXT NOT NULL, kind TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS status_change (id INTEGER PRIMARY KEY AUTOINCREMENT, component TEXT NOT NULL,
    ts_us INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL, at_ms INTEGER NOT NULL,
    till_ms INTEGER, kind TEXT NOT NULL, component TEXT NOT NULL, author TEXT NOT NULL, text TEXT NOT NULL,
    ver INTEGER NOT NULL, deleted INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS view (id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL, name TEXT NOT NULL,
    page TEXT NOT NULL, query TEXT NOT NULL, author TEXT NOT NULL, note TEXT NOT NULL, at_ms INTEGER NOT NULL,
    ver INTEGER NOT NULL, deleted INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS samples (id INTEGER PRIMARY KEY AUTOINCREMENT, series_id INTEGER NOT NULL,
    ts_s INTEGER NOT NULL, bits INTEGER NOT NULL, fold INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS batch (one INTEGER PRIMARY KEY CHECK (one = 1), of TEXT NOT NULL, token TEXT NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS suspect (of TEXT PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS quarantine (id INTEGER PRIMARY KEY AUTOINCREMENT, at_s INTEGER NOT NULL,
    of TEXT NOT NULL, row TEXT NOT NULL, reason TEXT NOT NULL);
PRAGMA user_version = {VERSION};
COMMIT;
"""
