"""An answer as many files: one for the rows of each key, in the order that the answer has them.

The rows are sorted by key and written once, to one file, which is cut: a statement for each key costs far more. That
takes a line for each row; where rows are several lines, some are left at the end. Then, and for Parquet, each key has
a statement of its own.
"""

# ruff: noqa: S608  (names are quoted, values are literals)

from __future__ import annotations

import gzip
from collections.abc import Sequence
from itertools import accumulate
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING

from kumoi.presto.column_types import quoted
from kumoi.presto.copying import Columns, copy
from kumoi.presto.outputs import MOST_FILES, Format, Output, Written
from kumoi.presto.refusals import QueryRefused

if TYPE_CHECKING:
    import duckdb

_PIECE = 1 << 20
"""Bytes that are looked at, or written, at once."""
_FEW = 8
"""Lines that are looked for one by one."""


def split(database: duckdb.DuckDBPyConnection, columns: Columns, folder: Path, output: Output) -> list[Written]:
    """Write the table `answer` to files in `folder`, in the order of their keys; QueryRefused for too many."""
    keys = [_column(columns, name) for name in output.split_by]
    kept = {name.lower() for name in output.kept}
    shown = [one for one in columns if one[0] not in keys or one[0].lower() in kept]
    if not shown:
        raise QueryRefused("An answer that is split needs a column beside those it is split by.")
    listed = ", ".join(map(quoted, keys))
    texts = ", ".join(f"CAST({quoted(key)} AS VARCHAR)" for key in keys)
    groups = database.execute(
        f"SELECT {texts}, count(*) FROM answer GROUP BY {listed} ORDER BY {listed} LIMIT {MOST_FILES + 1}"
    ).fetchall()
    if len(groups) > MOST_FILES:
        raise QueryRefused(f"An answer is split into at most {MOST_FILES} files.")
    written = [
        Written(tuple(values), folder / f"{number}.{output.form}", count)
        for number, (*values, count) in enumerate(groups)
    ]
    selected = ", ".join(quoted(name) for name, _ in shown)
    ordered = f"(SELECT {selected} FROM answer ORDER BY {listed}, rowid)"
    if output.form == "parquet" or not _cut(database, ordered, shown, written, folder, output.form):
        database.execute(f"CREATE OR REPLACE TEMP TABLE sorted AS FROM {ordered}")
        for one, end in zip(written, accumulate(one.rows for one in written), strict=True):
            rows = f"sorted WHERE rowid >= {end - one.rows} AND rowid < {end} ORDER BY rowid"
            copy(database, rows, shown, one.path, output.form)
    return written


def _cut(
    database: duckdb.DuckDBPyConnection,
    ordered: str,
    columns: Columns,
    written: Sequence[Written],
    folder: Path,
    form: Format,
) -> bool:
    """Write all rows to one file and cut it; False when they are not a line each, and the files worth nothing."""
    plain, _, packed = form.partition(".")
    whole = folder / "whole"
    copy(database, ordered, columns, whole, "csv" if plain == "csv" else "ndjson")
    size = whole.stat().st_size
    if not size:  # JSON lines of nothing
        return True
    try:
        with whole.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as rows:
            at = rows.find(b"\n") + 1 if plain == "csv" else 0
            header, length = rows[:at], size / max(sum(one.rows for one in written), 1)
            for one in written:
                begin, at = at, end_of(rows, at, one.rows, length)
                with gzip.open(one.path, "wb", compresslevel=1) if packed else one.path.open("wb") as out:
                    out.write(header)
                    for piece in range(begin, at, _PIECE):
                        out.write(rows[piece : min(piece + _PIECE, at)])
            return at == size
    finally:
        whole.unlink()


def end_of(rows: mmap, begin: int, count: int, length: float) -> int:
    """Where the `count`th line from `begin` on ends, lines being `length` bytes in the mean; the end if there are less.

    Line ends are counted in pieces that are likely to have not all of them, which is far faster than to read lines.
    """
    at, left, step = begin, count, 0
    while left > _FEW:
        step = min(step or int(left * length * 0.9) + 1, _PIECE)
        piece = rows[at : at + step]
        found = piece.count(b"\n")
        if found >= left:
            step = len(piece) // 2
            continue
        if not piece:
            return at
        at, left, step = at + len(piece), left - found, 0
    for _ in range(left):
        at = (rows.find(b"\n", at) + 1) or len(rows)
    return at


def _column(columns: Columns, name: str) -> str:
    for column, _ in columns:
        if column.lower() == name.lower():
            return column
    raise QueryRefused(f"The answer has no column {name} to be split by.")
