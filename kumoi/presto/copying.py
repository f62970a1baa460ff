"""Rows of a database written to a file, in one of the formats of answers."""

# ruff: noqa: S608  (names are quoted, values are literals)

from __future__ import annotations

import gzip
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kumoi.presto.athena_text import as_text
from kumoi.presto.column_types import quoted
from kumoi.presto.database import text_literal
from kumoi.presto.outputs import Format

if TYPE_CHECKING:
    import duckdb

Columns = Sequence[tuple[str, Any]]
"""Names of columns, and their types as DuckDB tells them."""


def copy(database: duckdb.DuckDBPyConnection, rows: str, columns: Columns, path: Path, form: Format) -> int:
    """Write rows (what follows FROM, with its order) to a file; how many there are."""
    plain, _, packed = form.partition(".")
    target = path.with_name(f"{path.name}.plain") if packed else path
    if plain == "csv":
        select = ", ".join(f"{as_text(quoted(name), kind)} AS {quoted(name.lower())}" for name, kind in columns)
        options = "FORMAT csv, HEADER true, FORCE_QUOTE *, NULLSTR ''"
    else:
        select = ", ".join(_plain(name, kind) for name, kind in columns)
        options = "FORMAT parquet, COMPRESSION zstd" if plain == "parquet" else "FORMAT json"
    found = database.execute(
        f"COPY (SELECT {select} FROM {rows}) TO {text_literal(str(target))} ({options})"
    ).fetchone()
    if packed:
        with target.open("rb") as source, gzip.open(path, "wb", compresslevel=1) as out:
            shutil.copyfileobj(source, out, 1 << 20)
        target.unlink()
    return int(found[0]) if found else 0


def _plain(name: str, kind: object) -> str:
    if "time zone" in str(kind).lower():
        return f"CAST({quoted(name)} AS TIMESTAMP) AS {quoted(name.lower())}"
    return f"{quoted(name)} AS {quoted(name.lower())}"
