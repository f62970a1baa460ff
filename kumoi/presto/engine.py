"""Runs a query over tables of files and writes what it answers to files: one, or one for each key.

Each run has a database of its own. While tables are set up it may open their files; then it is sealed, so that the
query can reach those and the folder of its answer, nothing else.
"""

# ruff: noqa: S608  (names are quoted, values are literals)

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kumoi.interruption import Interruption
from kumoi.presto.column_types import quoted
from kumoi.presto.copying import copy
from kumoi.presto.database import connect, seal
from kumoi.presto.functions import MACROS, used
from kumoi.presto.outputs import Answer, Column, Output, Window, Written
from kumoi.presto.refusals import QueryRefused
from kumoi.presto.splitting import split
from kumoi.presto.statement import parse, tables_of, translate
from kumoi.presto.tables import Relation, relation

if TYPE_CHECKING:
    import duckdb


class Run:
    """One query; `run` in a thread, `interrupt` from anywhere."""

    def __init__(self, sql: str, *, now: float, window: Window | None = None) -> None:
        self._tree = parse(sql)
        self.tables = tables_of(self._tree)
        self._now = now
        self._window = window
        self._interruption = Interruption()

    def run(self, tables: Mapping[str, Relation], folder: Path, outputs: Sequence[Output]) -> Answer:
        """Write the answer into `folder`, once for each of `outputs`; QueryRefused when there is none."""
        import duckdb

        schema = {name: table.columns for name, table in tables.items()}
        statement = translate(self._tree, schema, self._window)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with (
                contextlib.closing(connect(folder, threads=os.cpu_count() or 1)) as database,
                self._interruption.reaches(database),
            ):
                self._set_up(database, statement.sql, {name: tables[name] for name in statement.tables}, folder)
                if self._interruption.asked:
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

    def interrupt(self) -> None:
        """Have `run` end early, with QueryRefused."""
        self._interruption.ask()

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
    if output.split_by:
        return split(database, columns, folder, output)
    path = folder / f"all.{output.form}"
    return [Written((), path, copy(database, "answer ORDER BY rowid", columns, path, output.form))]


def _told(error: Exception) -> str:
    text = str(error).split("\n\n")[0].split("\nLINE ")[0].split(" Use TRY(...)")[0]
    return text.partition("Error: ")[2].strip() or text.strip()
