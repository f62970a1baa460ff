"""The tables of the SQLite engine. Keys are encoded with their place in front: (account, region, …).

SQLite comes with apsw, not with Python: versions before 3.51.3, which Linux distributions still have, can damage a
database that one connection writes while another folds its log, as happens here (sqlite.org/wal.html, "The WAL-Reset
Bug"). Measured, apsw also asks for a row in half the time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import apsw

VERSION = 2
"""What this Kumoi writes. It grows when what is written would be read wrongly by those that know the last one:

1. DynamoDB's items are rows of msgpack.
2. They are rows of JSON, or of msgpack where there is binary in them. Small bodies of S3 lie in their objects' rows.
   Executions of IoT's jobs are counted as they are written.
"""
OLDEST = 1
"""What this Kumoi still reads, side by side with its own; data of that version become its own when they are opened."""
PAGE_SIZE = 8192
"""Bytes of a page: rows of up to 2,000 bytes lie in their tree, not in a page of their own. Measured: to write 1.25 KB
costs a quarter less than with 4,096, to write 300 bytes as much."""

_TABLES = """
CREATE TABLE IF NOT EXISTS rows (k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (k BLOB PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stream_heads (k BLOB PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS streams (
    k BLOB NOT NULL, seq INTEGER NOT NULL, at REAL NOT NULL, v BLOB NOT NULL, PRIMARY KEY (k, seq)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT, k BLOB NOT NULL, visible_at REAL NOT NULL, attempts INTEGER NOT NULL,
    receipt TEXT NOT NULL, enqueued REAL NOT NULL, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS queue_by_time ON queue (k, visible_at, id);
CREATE TABLE IF NOT EXISTS timers (
    id INTEGER PRIMARY KEY AUTOINCREMENT, k BLOB NOT NULL, due REAL NOT NULL, topic TEXT NOT NULL, name TEXT NOT NULL,
    account TEXT NOT NULL, region TEXT NOT NULL, payload BLOB NOT NULL, attempts INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS timers_by_due ON timers (due, id);
CREATE UNIQUE INDEX IF NOT EXISTS timers_by_name ON timers (k) WHERE name <> '';
CREATE TABLE IF NOT EXISTS leases (
    k BLOB PRIMARY KEY, owner TEXT NOT NULL, expires REAL NOT NULL, token INTEGER NOT NULL
) WITHOUT ROWID;
"""

KEYED_TABLES = ("rows", "counters", "stream_heads", "streams", "queue", "timers", "leases")
"""Every table: each has a key `k` that begins with the place."""


class NewerData(Exception):
    """The data was written by a newer Kumoi."""


def open_connection(
    path: Path | None, durability: Literal["normal", "full"], *, page_size: int = PAGE_SIZE
) -> apsw.Connection:
    """A connection to the database at `path` (None: in memory), with the schema in place.

    A new database gets that page size; one that is there keeps its own.
    """
    connection = apsw.Connection(":memory:" if path is None else str(path), statementcachesize=256)
    for pragma in (
        f"page_size = {page_size}",
        "journal_mode = WAL",
        f"synchronous = {durability.upper()}",
        "busy_timeout = 5000",
        "cache_size = -16384",
        "mmap_size = 268435456",
        "wal_autocheckpoint = 0",  # checkpoint.py does it
        "journal_size_limit = 67108864",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")
    version = version_of(connection)
    if version > VERSION:
        connection.close()
        raise NewerData(f"{path} was written by a newer Kumoi (data version {version}, this one knows {VERSION}).")
    connection.execute(_TABLES)
    mark(connection)
    return connection


def version_of(connection: apsw.Connection) -> int:
    """The version of the data; 0 where there are none yet."""
    return int(connection.execute("PRAGMA user_version").get)


def mark(connection: apsw.Connection) -> None:
    """Say that what is written from now on is of this Kumoi's version."""
    if version_of(connection) != VERSION:
        connection.execute(f"PRAGMA user_version = {VERSION}")
