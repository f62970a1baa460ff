"""Runs a query over tables of files and writes what it answers to files: one, or one for each key.

Each run has a database of its own. While tables are set up it may open their files; then it is sealed, so that the
query can reach those and the folder of its answer, nothing else.
"""

# ruff: noqa: S608  (names are quoted, values are literals)

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kumoi.presto.athena_text import as_text
from kumoi.presto.column_types import quoted
from kumoi.presto.database import connect, seal, text_literal
from kumoi.presto.functions import MACROS, used
from kumoi.presto.outputs import MOST_FILES, Answer, Column, Format, Output, Window, Written
from kumoi.presto.refusals import QueryRefused
from kumoi.presto.statement import parse, tables_of, translate
from kumoi.presto.tables import Relation, relation

if TYPE_CHECKING:
    import duckdb


INSIST = 0.05
"""Real seconds between two interruptions of a run that has not ended."""
_NUMBERS = ("BIGINT", "INTEGER", "SMALLINT", "TINYINT", "DOUBLE", "FLOAT", "BOOLEAN", "TIMESTAMP", "DATE")


class Run:
    """One query; `run` in a thread, `interrupt` from anywhere."""

    def __init__(self, sql: str, *, now: float, window: Window | None = None) -> None:
        self._tree = parse(sql)
        self.tables = tables_of(self._tree)
        self._now = now
        self._window = window
        self._database: duckdb.DuckDBPyConnection | None = None
        self._interrupted = False
        self._lock = threading.Lock()
        self._over = threading.Event()

    def run(self, tables: Mapping[str, Relation], folder: Path, outputs: Sequence[Output]) -> Answer:
        """Write the answer into `folder`, once for each of `outputs`; QueryRefused when there is none."""
        import duckdb

        schema = {name: table.columns for name, table in tables.items()}
        statement = translate(self._tree, schema, self._window)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.closing(connect(folder, threads=os.cpu_count() or 1)) as database:
            self._database = database
            try:
                self._set_up(database, statement.sql, {name: tables[name] for name in statement.tables}, folder)
                if self._interrupted:
                    raise QueryRefused("The query was cancelled.")
                database.execute(f"CREATE TEMP TABLE answer AS SELECT * FROM ({statement.sql})")
                described = database.execute("SELECT * FROM answer LIMIT 0").description or []
                columns = [(str(one[0]), one[1]) for one in described]
                files = [_write(database, columns, folder / str(n), output) for n, output in enumerate(outputs)]
                return Answer([Column(name.lower(), str(kind)) for name, kind in columns], files)
            except duckdb.InterruptException:
                raise QueryRefused("The query was cancelled.") from None
            except duckdb.Error as error:
                raise QueryRefused(_told(error)) from None
            finally:
                with self._lock:
                    self._database = None
                self._over.set()

    def interrupt(self) -> None:
        """Have `run` end early, with QueryRefused."""
        self._interrupted = True
        if self._database is not None:
            threading.Thread(target=self._insist, name="interrupting", daemon=True).start()

    def _insist(self) -> None:
        """Interrupt until the run has ended: DuckDB forgets an interruption that comes between two statements."""
        while not self._over.is_set():
            with self._lock:
                if self._database is not None:
                    self._database.interrupt()
            self._over.wait(INSIST)

    def _set_up(
        self, database: duckdb.DuckDBPyConnection, sql: str, tables: Mapping[str, Relation], folder: Path
    ) -> None:
        moment = datetime.fromtimestamp(self._now, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        for head, body in used(sql, {**MACROS, "presto_now()": f"TIMESTAMP '{moment}'"}).items():
            database.execute(f"CREATE TEMP MACRO {head} AS {body}")
        for name, table in tables.items():
            database.execute(f"CREATE TEMP VIEW {quoted(name)} AS {relation(table)}")
        seal(database, [path for table in tables.values() for path in table.paths], [folder])


def _write(
    database: duckdb.DuckDBPyConnection, columns: Sequence[tuple[str, Any]], folder: Path, output: Output
) -> list[Written]:
    folder.mkdir(mode=0o700)
    if not output.split_by:
        path = folder / f"all.{output.form}"
        return [Written((), path, _copy(database, "answer", "true", columns, path, output.form))]
    keys = [_column(columns, name) for name in output.split_by]
    kept = {name.lower() for name in output.kept}
    shown = [one for one in columns if one[0] not in keys or one[0].lower() in kept]
    if not shown:
        raise QueryRefused("An answer that is split needs a column beside those it is split by.")
    listed = ", ".join(map(quoted, keys))
    database.execute(f"CREATE OR REPLACE TEMP TABLE sorted AS SELECT * FROM answer ORDER BY {listed}, rowid")
    texts = ", ".join(f"CAST({quoted(key)} AS VARCHAR)" for key in keys)
    groups = database.execute(
        f"SELECT {texts}, min(rowid), max(rowid) FROM sorted GROUP BY {listed} ORDER BY min(rowid)"
        f" LIMIT {MOST_FILES + 1}"
    ).fetchall()
    if len(groups) > MOST_FILES:
        raise QueryRefused(f"An answer is split into at most {MOST_FILES} files.")
    written = [
        Written(tuple(values), folder / f"{number}.{output.form}", last - first + 1)
        for number, (*values, first, last) in enumerate(groups)
    ]
    if _has_lines(database, shown, output.form):
        _cut(database, shown, written, folder, output.form)
        return written
    for one, (*_, first, last) in zip(written, groups, strict=True):
        _copy(database, "sorted", f"rowid BETWEEN {first} AND {last}", shown, one.path, output.form)
    return written


def _has_lines(database: duckdb.DuckDBPyConnection, columns: Sequence[tuple[str, Any]], form: Format) -> bool:
    """Whether each row is a line of its file, so that a file of all rows can be cut into those of the keys."""
    if not form.startswith("csv"):
        return form.startswith("ndjson")
    if any("\n" in name for name, _ in columns):
        return False
    texts = [as_text(quoted(name), kind) for name, kind in columns if str(kind) not in _NUMBERS]
    if not texts:
        return True
    tests = " OR ".join(f"contains({text}, chr(10))" for text in texts)
    found = database.execute(f"SELECT bool_or({tests}) FROM sorted").fetchone()
    return not (found and found[0])


def _cut(
    database: duckdb.DuckDBPyConnection,
    columns: Sequence[tuple[str, Any]],
    written: Sequence[Written],
    folder: Path,
    form: Format,
) -> None:
    """Write all rows of the table `sorted` to one file, and cut it: a statement for each key costs far more."""
    plain, _, packed = form.partition(".")
    whole = folder / "whole"
    _copy(database, "sorted", "true", columns, whole, "csv" if plain == "csv" else "ndjson")
    with whole.open("rb") as rows:
        header = rows.readline() if plain == "csv" else b""
        for one in written:
            with gzip.open(one.path, "wb", compresslevel=1) if packed else one.path.open("wb") as out:
                out.write(header)
                out.writelines(islice(rows, one.rows))
    whole.unlink()


def _column(columns: Sequence[tuple[str, Any]], name: str) -> str:
    for column, _ in columns:
        if column.lower() == name.lower():
            return column
    raise QueryRefused(f"The answer has no column {name} to be split by.")


def _copy(
    database: duckdb.DuckDBPyConnection,
    table: str,
    where: str,
    columns: Sequence[tuple[str, Any]],
    path: Path,
    form: Format,
) -> int:
    plain, _, packed = form.partition(".")
    target = path.with_name(f"{path.name}.plain") if packed else path
    if plain == "csv":
        select = ", ".join(f"{as_text(quoted(name), kind)} AS {quoted(name.lower())}" for name, kind in columns)
        options = "FORMAT csv, HEADER true, FORCE_QUOTE *, NULLSTR ''"
    else:
        select = ", ".join(_plain(name, kind) for name, kind in columns)
        options = "FORMAT parquet, COMPRESSION zstd" if plain == "parquet" else "FORMAT json"
    found = database.execute(
        f"COPY (SELECT {select} FROM {table} WHERE {where} ORDER BY rowid) TO {text_literal(str(target))} ({options})"
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


def _told(error: Exception) -> str:
    text = str(error).split("\n\n")[0].split("\nLINE ")[0].split(" Use TRY(...)")[0]
    return text.partition("Error: ")[2].strip() or text.strip()
